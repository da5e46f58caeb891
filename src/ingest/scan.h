// scan.h -- walks a folder and everything below it, a few hundred entries per step.
//
// A step may run in any thread, one at a time.  Files come newest first per folder, then
// its subfolders, newest first.  Links to folders are never followed, hidden folders not
// entered.
// SPDX-License-Identifier: MIT
#ifndef VLMD_INGEST_SCAN_H
#define VLMD_INGEST_SCAN_H

#include "base/err.h"
#include "base/beneath.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum { SCAN_STEP_ITEMS = 256 };

enum scan_kind {
    SCAN_FILE,     // a candidate's name; version as the folder lists it (a link: its own)
    SCAN_FOLDER,   // was opened; watch is filled
    SCAN_PROBLEM,  // a folder that could not be read: code
};

enum scan_watch {
    WATCH_NONE,     // was not asked for
    WATCH_SET,      // wd is valid
    WATCH_REFUSED,  // no more watches to be had: poll
    WATCH_NETWORK,  // events of other machines would not be seen: poll
};

struct scan_item {
    enum scan_kind kind;
    char *path;  // below the root; owned
    struct file_version version;
    enum scan_watch watch;
    int wd;
    int code;
};

// What one step found.  Zero-initialise.
struct scan_batch {
    struct scan_item items[SCAN_STEP_ITEMS];
    int n;
    bool is_end;
};

void scan_batch_clear(struct scan_batch *b);

// How a folder is watched; tests put in their own.
struct scan_watcher {
    int inotify_fd;
    uint32_t mask;
    int (*add_watch)(int inotify_fd, const char *path, uint32_t mask);
    bool (*is_network)(int dir_fd);
};

struct scan;

// rel: where to begin, "" = the root itself.
// watcher: borrowed, NULL = do not watch.  is_polled: this folder is known to be
// unwatchable.
struct scan *scan_new(int root_fd, const char *rel, int max_depth,
                      const struct scan_watcher *watcher, bool is_polled);
void scan_step(struct scan *s, struct scan_batch *out);
void scan_free(struct scan *s);
// Does path (absolute) still lead to the root that is being walked?
bool scan_is_at(const struct scan *s, const char *path);

// The same for network file systems, by their type.
bool scan_is_network(int dir_fd);

#endif
