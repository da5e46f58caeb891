// watch.h -- inside of the watcher, shared by the watch_*.c files.
//
//   inotify, timer     watch.c        what happened, when to look again
//   folders            watch_dirs.c   which watch is which folder; polled and lost ones
//   walks              watch_walks.c  scans of folders, one step at a time in the pool
//   files              watch_files.c  what waits to be complete, looks at it in the pool
//
// The pool has one thread: walks and looks never run at the same time.  Fields under
// "thread" belong to it while a step or a look is under way.
// SPDX-License-Identifier: MIT
#ifndef VLMD_INGEST_WATCH_H
#define VLMD_INGEST_WATCH_H

#include "base/list.h"
#include "ingest/ingest.h"
#include "ingest/scan.h"
#include "ingest/seen.h"
#include "ingest/settle.h"

enum {
    WD_BUCKETS = 1024,
    FILE_BUCKETS = 4096,
    LOOK_ITEMS = 64,
    MAX_WAITING = 65536,  // files; more than that are found by a later scan
    MAX_EARLY = 16384,    // events of folders whose registration is under way
    MAX_POLLED = 64,      // separate polled folders per root
};

// No descriptor of it is kept: that would hide from us that it was removed.
struct root {
    struct list node;
    char *path;  // owned; absolute, links resolved
    bool is_lost;
    bool has_noticed_limit;
    bool has_noticed_network;
    bool is_scanning;   // a whole scan is queued or under way
    bool scan_again;    // ... and something was missed since
    bool is_reporting;  // the scan ended, its last files are being looked at
    int64_t report_mark;
    int64_t scan_files;
};

// A folder with a watch.
struct dir {
    struct list node;  // in watcher.by_wd
    struct root *root;
    int wd;
    char path[];  // below the root
};

// A folder that can not be watched, with everything below it.
struct polled {
    struct list node;
    struct root *root;
    int folders;
    bool is_walking;
    char path[];
};

enum walk_kind { WALK_NEW, WALK_POLL, WALK_ROOT };  // in order of urgency
// How the folder of a walk came: was there, made just now, renamed from elsewhere.
enum walk_origin { ORIGIN_FOUND, ORIGIN_MADE, ORIGIN_MOVED };

struct walk {
    struct list node;
    struct root *root;
    enum walk_kind kind;
    enum walk_origin origin;
    bool is_in_polled;  // the folder it is in is polled
    int folders;
    int64_t begin_ms;
    struct scan *scan;  // thread; owned
    char path[];
};

// A file that may become a sighting.
struct waiting {
    struct list bucket;
    struct list node;  // in watcher.queue (to be looked at) or watcher.resting
    struct root *root;
    uint64_t hash;
    struct settle settle;
    int64_t due_ms;  // resting: next look
    bool is_live;
    bool is_moved;    // it, or its folder, was renamed: a known version has a new path
    bool is_looking;  // a look is under way
    bool look_again;  // something happened meanwhile
    char path[];
};

struct early {
    struct list node;
    int wd;
    uint32_t mask;
    char name[];
};

struct step {
    struct pool_work work;
    bool is_busy;
    struct walk *walk;  // NULL: was dropped meanwhile
    // thread
    struct walk *now;
    int root_rc;        // of opening the root, for walks that begin there
    bool is_elsewhere;  // the root was moved before its watch was set
    struct scan_batch batch;
    const struct scan_watcher *watch;
    int max_depth;
};

struct looking {
    struct pool_work work;
    bool is_busy;
    int n;
    struct waiting *items[LOOK_ITEMS];
    struct look looks[LOOK_ITEMS];  // thread
};

struct watcher {
    struct loop *loop;  // borrowed
    struct ingest_config config;
    struct watcher_events events;
    struct pool *pool;
    struct scan_watcher watch;
    uv_poll_t poll;
    uv_timer_t timer;
    struct closer closer;
    bool is_closing;
    void (*on_closed)(void *arg);
    void *on_closed_arg;

    struct list roots;
    struct list by_wd[WD_BUCKETS];
    int n_dirs;
    struct list polled;
    struct list early;
    int n_early;
    int64_t rescan_at_ms;
    int64_t poll_at_ms;
    int64_t poll_took_ms;  // the longest walk of a polled folder lately
    int64_t armed_ms;      // INT64_MAX = not armed

    struct list walks;
    struct step step;

    struct list by_path[FILE_BUCKETS];
    struct list queue;
    struct list resting;
    int n_waiting;
    int n_queue;
    int64_t due_ms;    // the earliest of resting
    bool is_paused;    // no looks, so that the queue fills up and the scans wait
    bool is_short;     // events were dropped: scan when there is room
    int64_t n_queued;  // ever
    int64_t n_looked;  // ... and of those, done with
    struct looking look;
    struct seen seen;

    int64_t n_overflows;
    int64_t n_sightings;
};

// ---- watch.c
// Starts what can start and sets the timer; at the end of every callback.
void watch_go_on(struct watcher *w);
// Raw inotify events, as read(2) gives them; tests call it for what they can not cause.
void watch_feed(struct watcher *w, const void *events, size_t len);
void watch_replay_early(struct watcher *w);
void watch_notice(struct watcher *w, const struct root *r, const char *words);
int64_t watch_now(const struct watcher *w);

// ---- watch_dirs.c
struct dir *dirs_find(struct watcher *w, int wd);
void dirs_register(struct watcher *w, struct root *r, const char *path, int wd);
void dirs_drop(struct watcher *w, struct dir *d);  // the watch is gone already
// Removes the watches of the folder path and of everything below it.
void dirs_drop_below(struct watcher *w, struct root *r, const char *path);
// The polled folder that path lies in, or NULL.
struct polled *dirs_find_polled(struct watcher *w, const struct root *r,
                                const char *path);
void dirs_add_polled(struct watcher *w, struct root *r, const char *path,
                     enum scan_watch why);
void dirs_drop_polled(struct watcher *w, struct polled *p);
void dirs_lose_root(struct watcher *w, struct root *r, int why);
void dirs_free(struct watcher *w);
// Is path the folder or below it?  "" is above everything.
bool dirs_is_below(const char *path, const char *folder);

// ---- watch_walks.c
void walks_add(struct watcher *w, struct root *r, const char *path, enum walk_kind kind,
               enum walk_origin origin);
void walks_scan_root(struct watcher *w, struct root *r);
void walks_start_next(struct watcher *w);
void walks_drop_root(struct watcher *w, const struct root *r);
void walks_report(struct watcher *w);  // on_scanned for scans whose files were looked at
void walks_free(struct watcher *w);

// ---- watch_files.c
// mask: IN_CREATE, IN_CLOSE_WRITE or IN_MOVED_TO.
void files_event(struct watcher *w, struct root *r, const char *folder, const char *name,
                 uint32_t mask);
void files_scanned(struct watcher *w, const struct walk *k, const struct scan_item *item);
void files_folder_problem(struct watcher *w, struct root *r,
                          const struct scan_item *item);
void files_wake(struct watcher *w, int64_t now_ms);  // queues what is due
void files_start_looks(struct watcher *w);
void files_free(struct watcher *w);

#endif
