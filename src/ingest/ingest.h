// ingest.h -- where pictures come from: watched folders, scans, lists, embedded metadata.
// SPDX-License-Identifier: MIT
#ifndef VLMD_INGEST_INGEST_H
#define VLMD_INGEST_INGEST_H

#include "base/beneath.h"
#include "base/buf.h"
#include "io/loop.h"
#include "io/pool.h"

#include <stdbool.h>
#include <stdint.h>

// What a tracker or a manifest says about a picture.  "" = not known.
struct ingest_meta {
    char app[128];
    char window[2048];
    char screen[128];
    char url[1024];       // of the page on the screen
    int64_t taken_at_ms;  // unix; 0 = not known
    bool is_thumbnail;    // the tracker's mark: not a screenshot, skip it
};

// One picture that is there and complete.  Borrowed during the callback.
struct sighting {
    const char *root;    // watched folder (absolute), or NULL
    const char *path;    // below root, or absolute when root is NULL; NULL for a URL
    const char *url;     // http(s), or NULL
    int64_t size_bytes;  // -1 for a URL
    int64_t mtime_ns;
    const char *tier;         // of a list's line: see ingest_config.tiers; or NULL
    bool is_live;             // seen happening, not found by a scan
    struct ingest_meta meta;  // from a manifest line; files' own is read later
};

struct ingest_config {
    int64_t settle_ms;          // a file written in place must be quiet this long; 300
    int64_t tracker_settle_ms;  // the same for names of trackers that write twice; 2500
    int64_t give_up_ms;         // incomplete this long after the last write; 60000
    int64_t rescan_ms;          // safety scan of everything; 300000
    int64_t poll_ms;            // where a folder can not be watched; 2000
    int max_depth;              // of folders below a root; 32
    // What "tier" in a line of a list may say, with a NULL at the end; borrowed: for ever.
    // NULL = that is not looked at, the default.
    const char *const *tiers;
    // What is to be done with what a list says of a picture, before it is told; NULL = nothing.
    // Thread: the list's.
    void (*clean)(void *arg, struct ingest_meta *m);
    void *clean_arg;
};

void ingest_config_default(struct ingest_config *c);

// ---- watching

struct watcher;

struct watcher_events {
    void *arg;
    // A complete file, at least once per version, and again after a rename; the store's
    // unique key removes repeats.
    void (*on_sighting)(void *arg, const struct sighting *s);
    // A file that stayed incomplete, unreadable or is no picture though its name says so.
    // Once per file version.
    void (*on_problem)(void *arg, const char *root, const char *path, int code,
                       const char *words);
    // Something a person should know once: a folder became unwatchable, polling instead.
    void (*on_notice)(void *arg, const char *root, const char *words);
    // A whole scan of root ended.
    void (*on_scanned)(void *arg, const char *root, int64_t files);
};

struct watcher_stats {
    int folders;  // with a watch
    int polled_folders;
    int64_t overflows;
    int64_t settling;  // files waiting to be complete
    int64_t sightings;
};

MUST_USE int watcher_open(struct watcher **out, struct loop *l,
                          const struct ingest_config *c,
                          const struct watcher_events *events);
// Watches dir and everything below it, then scans it.  Errors: E_NOT_FOUND, E_ACCESS,
// E_NOT_FILE (not a folder), in words in e.
MUST_USE int watcher_add(struct watcher *w, const char *dir, struct err *e);
void watcher_rescan(struct watcher *w);
// Holds sightings back, but for some that are being looked at; none is lost.  May be called
// from inside a callback.
void watcher_pause(struct watcher *w, bool is_paused);
void watcher_stats(const struct watcher *w, struct watcher_stats *out);
// Calls fn for each folder that was added, before it returns; is_lost: it is not there now.
void watcher_each(const struct watcher *w,
                  void (*fn)(void *arg, const char *dir, bool is_lost), void *arg);
void watcher_close(struct watcher *w, void (*on_closed)(void *arg), void *arg);

// ---- batch input

struct manifest;

struct manifest_events {
    void *arg;
    void (*on_sighting)(void *arg, const struct sighting *s);
    void (*on_problem)(void *arg, const char *path, int code, const char *words);
    // All input was read.  err: 0, or why reading stopped early.
    void (*on_end)(void *arg, int err, const char *words);
};

// Walks the inputs in order on a thread of its own and reports on the loop in batches;
// manifest_pause holds it back.  An input is a folder (recursively), a file, a glob
// pattern, an http(s) URL, "@FILE" (a list: one path, URL or JSON object per line), or "-"
// (the same list on standard input).  JSON object keys: path or url, app, window, screen,
// page_url, taken_at (unix seconds, ms, or ISO 8601), tier.  Unknown keys are ignored; a bad line is
// a problem with its line number.  Order of sightings: as found; newest first per folder.
MUST_USE int manifest_open(struct manifest **out, struct loop *l,
                           const struct ingest_config *c, const char *const *inputs,
                           int n_inputs, const struct manifest_events *events);
void manifest_pause(struct manifest *m, bool is_paused);
void manifest_close(struct manifest *m, void (*on_closed)(void *arg), void *arg);

// ---- embedded metadata

enum { INGEST_MOST_BESIDE = 128 * 1024 };

struct meta_req {
    // in
    const char *root;
    const char *path;
    const uint8_t *bytes;  // instead of path
    size_t bytes_len;
    bool ignores_beside;  // files beside it are not looked at
    // out
    struct ingest_meta meta;
    char *beside;  // owned: free(); text that stands in files beside it, or NULL;
                   // at most INGEST_MOST_BESIDE bytes
    bool is_beside_cut;  // more stands there: a file was too large, or the text too long
    struct file_version version;  // of the file that was read; zero for bytes
    struct pool_work work;  // private from here on
    void (*done)(struct meta_req *r, int err);
    int rc;
};

// Reads only the file's head and metadata chunks: EXIF ImageDescription in WebP and JPEG,
// text chunks in PNG (TRACKERS.md 2).  A picture without metadata is no error.  What it lacks
// is taken from PICTURE.json or STEM.json beside it, as trackers and exporters write them;
// their text, and that of PICTURE.txt and STEM.txt, is handed on.  Not those of vlmd itself.
// Errors: as image_prepare for opening; E_CUT for a file that ends early.
void meta_read(struct pool *p, struct meta_req *r,
               void (*done)(struct meta_req *r, int err));
MUST_USE int meta_read_now(struct meta_req *r);

// Does the file parse to its end (PNG IEND, JPEG EOI, WebP RIFF size)?  fd is not moved.
// 0 complete, E_CUT, E_FORMAT, E_IO.
MUST_USE int ingest_complete(int fd, int64_t size_bytes);
// Would a watcher take a file of this name (extension, no dot file, no temporary)?
bool ingest_is_candidate(const char *name);

#endif
