// manifest_reader.c -- the thread's side of batch input: one input after the other.
//
// What is open stands on four levels, each inside the one before: inputs, the lines of a
// list, the matches of a pattern, the files of a folder.  The innermost is read on first.
// SPDX-License-Identifier: MIT
#include "base/beneath.h"
#include "base/mem.h"
#include "ingest/manifest.h"

#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

enum { SLICE_MS = 20 };

static int64_t now_ms(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (int64_t)t.tv_sec * 1000 + t.tv_nsec / 1000000;
}

void reader_init(struct reader *r, const char *const *inputs, int n_inputs,
                 const struct ingest_config *c, int stop_fd)
{
    *r = (struct reader){.n_inputs = n_inputs,
                         .max_depth = c->max_depth,
                         .tiers = c->tiers,
                         .clean = c->clean,
                         .clean_arg = c->clean_arg,
                         .stop_fd = stop_fd,
                         .list.fd = -1,
                         .scan_root_fd = -1};
    r->inputs = mem_zero(sizeof(char *) * ((size_t)n_inputs + 1));
    for (int i = 0; i < n_inputs; i++) {
        r->inputs[i] = mem_dup(inputs[i]);
    }
}

void reader_clear(struct reader *r)
{
    for (int i = 0; i < r->n; i++) {
        struct reader_item *it = &r->items[i];
        free(it->root);
        free(it->path);
        free(it->url);
        free(it->words);
        free(it->meta);
    }
    r->n = 0;
}

static void end_folder(struct reader *r)
{
    scan_free(r->scan);
    scan_batch_clear(&r->batch);
    free(r->scan_root);
    if (r->scan_root_fd >= 0) {
        close(r->scan_root_fd);
    }
    r->scan = NULL;
    r->scan_root = NULL;
    r->scan_root_fd = -1;
    r->batch_at = 0;
}

static void end_glob(struct reader *r)
{
    if (r->has_glob) {
        globfree(&r->glob);
    }
    r->has_glob = false;
}

static void end_list(struct reader *r)
{
    lines_close(&r->list);
    free(r->list_name);
    r->list_name = NULL;
}

void reader_fini(struct reader *r)
{
    reader_clear(r);
    end_folder(r);
    end_glob(r);
    end_list(r);
    for (int i = 0; i < r->n_inputs; i++) {
        free(r->inputs[i]);
    }
    free(r->inputs);
}

// ---- what comes out

static void put_problem(struct reader *r, const char *path, int code, const char *words)
{
    char text[512];
    if (r->list_name && strcmp(path, r->list_name) == 0) {
        snprintf(text, sizeof(text), "line %lld: %.400s", (long long)r->list.number,
                 words);
    } else if (r->list_name) {
        snprintf(text, sizeof(text), "%.200s (line %lld of %.200s)", words,
                 (long long)r->list.number, r->list_name);
    } else {
        snprintf(text, sizeof(text), "%.500s", words);
    }
    r->items[r->n++] =
        (struct reader_item){.code = code, .path = mem_dup(path), .words = mem_dup(text)};
}

static struct ingest_meta *take_meta(const struct reader *r, const struct named *n)
{
    struct ingest_meta *m = n->has_meta ? mem_new(struct ingest_meta) : NULL;
    if (m) {
        *m = n->meta;
    }
    if (m && r->clean) {
        r->clean(r->clean_arg, m);
    }
    return m;
}

// ---- one path

// Absolute, with the links of the folder resolved but not that of the file itself, so
// that the same file always has the same path.  NULL: errno.
static char *absolute(const char *path)
{
    const char *slash = strrchr(path, '/');
    const char *name = slash ? slash + 1 : path;
    if (!name[0] || strcmp(name, ".") == 0 || strcmp(name, "..") == 0) {
        return realpath(path, NULL);
    }
    char folder[PATH_MAX];
    size_t len = slash ? (size_t)(slash - path) : 0;
    if (len + 1 >= sizeof(folder)) {
        errno = ENAMETOOLONG;
        return NULL;
    }
    memcpy(folder, path, len);
    folder[len] = 0;
    char *whole = realpath(len ? folder : slash ? "/" : ".", NULL);
    if (!whole) {
        return NULL;
    }
    size_t size = strlen(whole) + strlen(name) + 2;
    char *out = malloc(size);
    if (out) {
        snprintf(out, size, "%s/%s", strcmp(whole, "/") == 0 ? "" : whole, name);
    }
    free(whole);
    return out;
}

static int begin_folder(struct reader *r, const char *path)
{
    char *root = realpath(path, NULL);
    int fd = root ? beneath_root(root) : err_from_errno(errno);
    if (fd < 0) {
        free(root);
        return fd;
    }
    r->scan_root = root;
    r->scan_root_fd = fd;
    r->scan = scan_new(fd, "", r->max_depth, NULL, false);
    return 0;
}

static int take_path(struct reader *r, const struct named *n)
{
    char *path = absolute(n->path);
    if (!path) {
        return errno == ENAMETOOLONG ? E_TOOBIG : err_from_errno(errno);
    }
    struct file_version v;
    int rc = beneath_stat(BENEATH_ANY, path, &v);
    if (rc == 0 && S_ISDIR(v.mode)) {
        rc = begin_folder(r, path);
        r->scan_tier = n->tier;
    } else if (rc == 0 && !S_ISREG(v.mode)) {
        rc = E_NOT_FILE;
    } else if (rc == 0) {
        r->items[r->n++] = (struct reader_item){.path = path,
                                                .size_bytes = v.size_bytes,
                                                .mtime_ns = v.mtime_ns,
                                                .tier = n->tier,
                                                .meta = take_meta(r, n)};
        return 0;
    }
    free(path);
    return rc;
}

static void take_url(struct reader *r, const struct named *n)
{
    char words[128];
    int rc = named_check_url(n->url, words, sizeof(words));
    if (rc < 0) {
        char shown[1024];
        named_hide_secret(n->url, shown, sizeof(shown));
        put_problem(r, shown, rc, words);
        return;
    }
    r->items[r->n++] = (struct reader_item){.url = mem_dup(n->url),
                                            .size_bytes = -1,
                                            .tier = n->tier,
                                            .meta = take_meta(r, n)};
}

static void take_named(struct reader *r, const struct named *n)
{
    if (n->url) {
        take_url(r, n);
        return;
    }
    int rc = take_path(r, n);
    if (rc < 0) {
        put_problem(r, n->path, rc, err_words(rc));
    }
}

// ---- folders

static void put_below(struct reader *r, const char *path, int code, const char *words)
{
    char whole[PATH_MAX * 2];
    snprintf(whole, sizeof(whole), "%s%s%s", r->scan_root, path[0] ? "/" : "", path);
    put_problem(r, whole, code, words);
}

static void take_found(struct reader *r, struct scan_item *item)
{
    struct file_version v = item->version;
    int rc = S_ISLNK(v.mode) ? beneath_stat(r->scan_root_fd, item->path, &v) : 0;
    if (rc == 0 && !S_ISREG(v.mode)) {
        char words[64];
        snprintf(words, sizeof(words), "is %s, not a regular file", version_kind(v.mode));
        put_below(r, item->path, E_NOT_FILE, words);
    } else if (rc < 0) {
        put_below(r, item->path, rc, err_words(rc));
    } else {
        r->items[r->n++] = (struct reader_item){.root = mem_dup(r->scan_root),
                                                .path = item->path,
                                                .size_bytes = v.size_bytes,
                                                .mtime_ns = v.mtime_ns,
                                                .tier = r->scan_tier};
        item->path = NULL;  // taken
    }
}

static void read_folder(struct reader *r)
{
    if (r->batch_at == r->batch.n) {
        if (r->batch.is_end) {
            end_folder(r);
            return;
        }
        scan_batch_clear(&r->batch);
        r->batch_at = 0;
        scan_step(r->scan, &r->batch);
        return;
    }
    struct scan_item *item = &r->batch.items[r->batch_at++];
    switch (item->kind) {
    case SCAN_FOLDER: break;
    case SCAN_FILE: take_found(r, item); break;
    case SCAN_PROBLEM: put_below(r, item->path, item->code, err_words(item->code)); break;
    }
}

// ---- patterns

static bool is_pattern(const char *text)
{
    return strpbrk(text, "*?[{") != NULL;
}

// "*.tiff" asks for a type by name; "*" and "shots*" do not.
static bool names_type(const char *pattern)
{
    const char *slash = strrchr(pattern, '/');
    const char *dot = strrchr(slash ? slash : pattern, '.');
    return dot && dot[1] && !strpbrk(dot, "*?[{");
}

static void begin_glob(struct reader *r, const char *pattern)
{
    int rc = glob(pattern, GLOB_BRACE | GLOB_TILDE, NULL, &r->glob);
    if (rc == 0) {
        r->has_glob = true;
        r->glob_at = 0;
        r->takes_any = names_type(pattern);
        return;
    }
    globfree(&r->glob);
    if (rc == GLOB_NOMATCH) {
        put_problem(r, pattern, E_NOT_FOUND, "matches nothing");
    } else {
        int code = rc == GLOB_NOSPACE ? E_NOMEM : E_IO;
        put_problem(r, pattern, code, err_words(code));
    }
}

static void read_glob(struct reader *r)
{
    if (r->glob_at == r->glob.gl_pathc) {
        end_glob(r);
        return;
    }
    struct named n = {.path = r->glob.gl_pathv[r->glob_at++]};
    const char *slash = strrchr(n.path, '/');
    struct stat st;
    bool is_folder = stat(n.path, &st) == 0 && S_ISDIR(st.st_mode);
    if (is_folder || r->takes_any || ingest_is_candidate(slash ? slash + 1 : n.path)) {
        take_named(r, &n);
    }
}

// ---- lists

static void list_failed(struct reader *r, const char *name, int code)
{
    const char *words = code == E_NOT_FILE ? "is a folder, not a list" : err_words(code);
    put_problem(r, name, code, words);
    if (r->err == 0) {
        r->err = code;
        snprintf(r->err_words, sizeof(r->err_words), "%.100s: %.100s", name, words);
    }
}

static void begin_list(struct reader *r, const char *name)
{
    int rc = lines_open(&r->list, name);
    if (rc < 0) {
        list_failed(r, name, rc);
        return;
    }
    r->list_name = mem_dup(name);
}

static void take_line(struct reader *r, const char *line, size_t len)
{
    struct named n;
    char words[128];
    if (len == 0) {
        return;
    }
    int rc = named_parse(&n, line, len, r->tiers, words, sizeof(words));
    if (rc < 0) {
        put_problem(r, r->list_name, rc, words);
        return;
    }
    take_named(r, &n);
    named_fini(&n);
}

// false: nothing more can be had now.
static bool read_list(struct reader *r)
{
    char *line;
    size_t len;
    switch (lines_next(&r->list, r->stop_fd, r->n == 0, &line, &len)) {
    case LINES_LINE: take_line(r, line, len); return true;
    case LINES_LONG:
        put_problem(r, r->list_name, E_TOOBIG, "is longer than 64 KiB");
        return true;
    case LINES_END: end_list(r); return true;
    case LINES_ERROR: {
        int code = r->list.code;
        char *name = mem_dup(r->list_name);
        end_list(r);
        list_failed(r, name, code);
        free(name);
        return true;
    }
    case LINES_WAIT:
    case LINES_STOP: break;
    }
    return false;
}

// ---- inputs

static void begin_input(struct reader *r, const char *input)
{
    struct named n = {0};
    struct stat st;
    if (strcmp(input, "-") == 0) {
        begin_list(r, input);
    } else if (input[0] == '@') {
        begin_list(r, input + 1);
    } else if (named_is_url(input)) {
        n.url = mem_dup(input);
        take_named(r, &n);
    } else if (is_pattern(input) && lstat(input, &st) < 0) {
        begin_glob(r, input);
    } else {
        n.path = mem_dup(input);
        take_named(r, &n);
    }
    named_fini(&n);
}

void reader_fill(struct reader *r)
{
    int64_t until = now_ms() + SLICE_MS;
    // One item at most per turn, so there is always room for it.
    while (r->n < READER_ITEMS && now_ms() < until) {
        if (r->scan) {
            read_folder(r);
        } else if (r->has_glob) {
            read_glob(r);
        } else if (r->list.fd >= 0) {
            if (!read_list(r)) {
                return;
            }
        } else if (r->next_input < r->n_inputs) {
            begin_input(r, r->inputs[r->next_input++]);
        } else {
            r->is_end = true;
            return;
        }
    }
}
