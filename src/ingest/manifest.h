// manifest.h -- inside of batch input: the thread's reader of inputs, and of lists.
// SPDX-License-Identifier: MIT
#ifndef VLMD_INGEST_MANIFEST_H
#define VLMD_INGEST_MANIFEST_H

#include "base/buf.h"
#include "ingest/ingest.h"
#include "ingest/scan.h"

#include <glob.h>

// ---- lists: lines of a file, pipe or terminal, read without blocking past `stop_fd`

enum { LINES_MAX_BYTES = 65536 };

enum lines_result {
    LINES_LINE,  // *line, without its end
    LINES_LONG,  // a line over LINES_MAX_BYTES was skipped
    LINES_WAIT,  // none there yet
    LINES_END,
    LINES_STOP,   // stop_fd became readable
    LINES_ERROR,  // reading failed: lines.code
};

struct lines {
    int fd;         // -1 = not open
    bool is_stdin;  // is not closed here
    bool is_ended;
    bool is_skipping;  // inside a line that is too long
    int64_t skipped_bytes;
    int64_t number;  // of the last line, from 1
    int code;
    char *buf;  // owned
    size_t at;
    size_t len;
};

// name "-" is standard input.  Errors: as open(2); E_NOT_FILE (a folder).
MUST_USE int lines_open(struct lines *l, const char *name);
// *line (terminated; borrowed until the next call) and its length.  Waits for input only
// with may_wait.
enum lines_result lines_next(struct lines *l, int stop_fd, bool may_wait, char **line,
                             size_t *len);
void lines_close(struct lines *l);

// ---- one thing that was named

struct named {
    char *path;  // owned; or
    char *url;   // owned
    const char *tier;  // one of those it may name, or NULL
    struct ingest_meta meta;
    bool has_meta;
};

// A line of a list: a path, a URL or a JSON object.  tiers: see ingest_config.  words: what
// is wrong with it.
MUST_USE int named_parse(struct named *n, const char *line, size_t len,
                         const char *const *tiers, char *words, size_t words_size);
void named_fini(struct named *n);
// Does it have a scheme ("x://")?
bool named_is_url(const char *text);
// Errors: E_USAGE, E_TOOBIG, in words.
MUST_USE int named_check_url(const char *url, char *words, size_t words_size);
// The URL without user name and password, for messages.
void named_hide_secret(const char *url, char *out, size_t size);

// ---- the reader

enum { READER_ITEMS = 256 };

struct reader_item {
    int code;    // 0 = a sighting, else a problem
    char *root;  // all owned
    char *path;
    char *url;
    char *words;
    int64_t size_bytes;
    int64_t mtime_ns;
    const char *tier;  // see struct named
    struct ingest_meta *meta;
};

struct reader {
    // set before the first fill
    char **inputs;  // owned
    int n_inputs;
    int max_depth;
    const char *const *tiers;  // see ingest_config
    void (*clean)(void *arg, struct ingest_meta *m);  // the same
    void *clean_arg;
    int stop_fd;  // readable = stop waiting
    // where it is
    int next_input;
    struct lines list;
    char *list_name;  // owned
    glob_t glob;
    size_t glob_at;
    bool has_glob;
    bool takes_any;  // the pattern names the file type itself
    struct scan *scan;
    char *scan_root;  // owned
    int scan_root_fd;
    const char *scan_tier;  // that its line asked for, or NULL
    struct scan_batch batch;
    int batch_at;
    // out
    struct reader_item items[READER_ITEMS];
    int n;
    bool is_end;
    int err;  // why a list could not be read to its end
    char err_words[256];
};

void reader_init(struct reader *r, const char *const *inputs, int n_inputs,
                 const struct ingest_config *c, int stop_fd);
// Reads on until there is a batch, some time has passed, or input has to be waited for and
// there is something to deliver.
void reader_fill(struct reader *r);
void reader_clear(struct reader *r);  // the items
void reader_fini(struct reader *r);

#endif
