// vlmd_loop.h -- what a face in the same program needs besides vlmd.h: the loop, its settings.
//
// Not for host programs: it is not installed, and the library does not show these.
// SPDX-License-Identifier: MIT
#ifndef VLMD_LOOP_H
#define VLMD_LOOP_H

#include "vlmd.h"

struct loop;

// Of the HTTP interface, from the configuration.  Lists end with NULL; an empty text may be
// NULL.
struct vlmd_admin_config {
    char *listen;  // "HOST:PORT", "off"
    char *socket;  // path, "" = in the runtime folder, "off"
    bool needs_key;
    char *keys_file;  // "" = beside the database
    char *hosts;      // names it may be asked by, besides addresses; blanks between
    const char *const *submit_dirs;  // whose files may be given by path
    int requests_per_min;            // of each key; 0 = no limit
    int max_connections;
    int max_event_clients;
    int64_t max_upload_bytes;
};

struct loop *vlmd_loop(vlmd *v);
// Borrowed: as long as v.
const struct vlmd_admin_config *vlmd_admin_config(vlmd *v);
// The folder of the database, for files that belong to it.
void vlmd_data_dir(vlmd *v, char *out, size_t size);

#endif
