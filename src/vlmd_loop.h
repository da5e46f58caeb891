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
    int share_pct;  // of the processors, while pictures are described; 100 = no limit
    int max_connections;
    int max_event_clients;
    int64_t max_upload_bytes;
};

// What those who ask have to stand back for, and what they cost.
struct vlmd_load {
    bool is_describing;    // pictures are under way
    int n_working;         // threads and programs that prepare or read pictures just now
    int64_t questions_us;  // processor time that questions to the database took so far
};

struct loop *vlmd_loop(vlmd *v);
// One turn of the loop, which waits by itself: at most max_ms, or, if it is negative, until
// something happens.  Cheaper than the wait of a host, who has to ask before and after
// (vlmd_fd, vlmd_step).  Returns false when vlmd_run would return.
// Thread: the loop's.
bool vlmd_turn(vlmd *v, int64_t max_ms);
// Ends the wait of vlmd_turn, or of the next one.  Thread: any, and a signal handler, until
// vlmd_close.
void vlmd_wake(vlmd *v);
// Cheap enough for every request.
void vlmd_load(vlmd *v, struct vlmd_load *out);
// The id under which what was given as this one is known: where a file was only touched its
// job went into the older one of the same contents.
int64_t vlmd_id_now(const vlmd *v, int64_t id);
// Borrowed: as long as v.
const struct vlmd_admin_config *vlmd_admin_config(vlmd *v);
// The folder of the database, for files that belong to it.
void vlmd_data_dir(vlmd *v, char *out, size_t size);

#endif
