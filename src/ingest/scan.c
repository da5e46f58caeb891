// scan.c -- the walk: a stack of folders to open, and the one that is being read.
//
// A folder gets its watch before it is read: what appears in between is then seen twice
// rather than never (watching after reading lost half of the files in a trial).  Its
// entries are sorted before any is reported; folders of more than CHUNK entries are sorted
// chunk by chunk, so that memory has a limit.
// SPDX-License-Identifier: MIT
#include "ingest/scan.h"

#include "base/mem.h"
#include "ingest/ingest.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/vfs.h>
#include <time.h>
#include <unistd.h>

enum {
    CHUNK = 1 << 17,
    MAX_STACK = 1 << 20,
    STEP_READS = 64,  // directory entries between looks at the clock
    STEP_MS = 10,
};

struct entry {
    char *name;  // owned
    struct file_version version;
};

struct folder {
    char *path;  // below the root; owned
    int depth;
    bool is_polled;
    struct file_version version;
};

struct scan {
    int root_fd;  // owned; -1 when there was none left: every open fails with E_IO
    int max_depth;
    const struct scan_watcher *watcher;
    struct folder *stack;  // owned; the top is next
    size_t n_stack;
    size_t cap_stack;
    struct folder now;      // being read; path NULL = none
    DIR *dir;               // NULL once read to its end
    struct entry *entries;  // owned; files of the chunk, newest last
    size_t n_entries;
    size_t cap_entries;
    struct folder *subs;  // owned; folders of now, kept until its files are reported
    size_t n_subs;
    size_t cap_subs;
    bool is_sorted;  // entries are being reported
};

// Room for one more element.  false: out of memory or over max.
static bool grow(void **array, size_t *cap, size_t n, size_t size, size_t max)
{
    if (n < *cap) {
        return true;
    }
    size_t new_cap = *cap ? *cap * 2 : 64;
    size_t bytes;
    if (n >= max || !mem_mul(new_cap, size, &bytes)) {
        return false;
    }
    void *p = realloc(*array, bytes);
    if (!p) {
        return false;
    }
    *array = p;
    *cap = new_cap;
    return true;
}

static void put_problem(struct scan_batch *out, const char *path,
                        const struct file_version *v, int code)
{
    if (out->n < SCAN_STEP_ITEMS) {
        out->items[out->n++] = (struct scan_item){
            .kind = SCAN_PROBLEM, .path = mem_dup(path), .version = *v, .code = code};
    }
}

static char *join(const char *folder, const char *name)
{
    size_t size = strlen(folder) + strlen(name) + 2;
    char *path = size <= PATH_MAX ? malloc(size) : NULL;
    if (path) {
        char *end = stpcpy(path, folder);
        stpcpy(folder[0] ? stpcpy(end, "/") : end, name);
    }
    return path;
}

bool scan_is_network(int dir_fd)
{
    // NFS, SMB, CIFS, SMB2, FUSE (virtiofs too), 9P, AFS, Coda, Ceph, OCFS2, GFS2, NCP,
    // vboxsf, prlfs, Lustre.  Source: statfs(2) and the kernel's magic.h.
    static const uint32_t types[] = {
        0x00006969, 0x0000517b, 0xff534d42, 0xfe534d42, 0x65735546,
        0x01021997, 0x5346414f, 0x73757245, 0x00c36400, 0x7461636f,
        0x01161970, 0x0000564c, 0x786f4256, 0x7c7c6673, 0x0bd00bd0,
    };
    struct statfs fs;
    if (fstatfs(dir_fd, &fs) < 0) {
        return false;
    }
    for (size_t i = 0; i < sizeof(types) / sizeof(types[0]); i++) {
        if ((uint32_t)fs.f_type == types[i]) {
            return true;
        }
    }
    return false;
}

static enum scan_watch watch_folder(const struct scan *s, int fd, int *wd)
{
    const struct scan_watcher *w = s->watcher;
    if (!w) {
        return WATCH_NONE;
    }
    if (s->now.is_polled) {
        return WATCH_REFUSED;
    }
    if (w->is_network(fd)) {
        return WATCH_NETWORK;
    }
    // By descriptor: a path could lead elsewhere by now.
    char self[64];
    snprintf(self, sizeof(self), "/proc/self/fd/%d", fd);
    *wd = w->add_watch(w->inotify_fd, self, w->mask);
    return *wd >= 0 ? WATCH_SET : WATCH_REFUSED;
}

static void open_folder(struct scan *s, struct scan_batch *out)
{
    s->now = s->stack[--s->n_stack];
    int fd =
        s->now.depth > s->max_depth
            ? E_TOOBIG
            : beneath_open(s->root_fd, s->now.path, O_RDONLY | O_DIRECTORY | O_NOFOLLOW);
    int wd = -1;
    enum scan_watch watch = WATCH_NONE;
    if (fd >= 0) {
        watch = watch_folder(s, fd, &wd);
        s->dir = fdopendir(fd);
    }
    if (!s->dir) {
        int code = fd < 0 ? fd : E_NOMEM;
        if (fd >= 0) {
            close(fd);
        }
        put_problem(out, s->now.path, &s->now.version, code);
        free(s->now.path);
        s->now = (struct folder){0};
        return;
    }
    s->now.is_polled = watch == WATCH_REFUSED || watch == WATCH_NETWORK;
    out->items[out->n++] = (struct scan_item){
        .kind = SCAN_FOLDER, .path = mem_dup(s->now.path), .watch = watch, .wd = wd};
}

static void keep_folder(struct scan *s, const char *name, const struct file_version *v,
                        struct scan_batch *out)
{
    char *path = join(s->now.path, name);
    bool has_room = path && grow((void **)&s->subs, &s->cap_subs, s->n_subs,
                                 sizeof(*s->subs), MAX_STACK);
    if (!has_room) {
        put_problem(out, path ? path : s->now.path, v, E_TOOBIG);
        free(path);
        return;
    }
    s->subs[s->n_subs++] = (struct folder){.path = path,
                                           .depth = s->now.depth + 1,
                                           .is_polled = s->now.is_polled,
                                           .version = *v};
}

static void keep_file(struct scan *s, const char *name, const struct file_version *v,
                      struct scan_batch *out)
{
    char *copy = grow((void **)&s->entries, &s->cap_entries, s->n_entries,
                      sizeof(*s->entries), CHUNK)
                     ? strdup(name)
                     : NULL;
    if (!copy) {
        put_problem(out, s->now.path, v, E_NOMEM);
        return;
    }
    s->entries[s->n_entries++] = (struct entry){.name = copy, .version = *v};
}

static void read_entry(struct scan *s, const struct dirent *d, struct scan_batch *out)
{
    bool may_be_folder = d->d_type == DT_DIR || d->d_type == DT_UNKNOWN;
    if (d->d_name[0] == '.' || (!may_be_folder && !ingest_is_candidate(d->d_name))) {
        return;
    }
    struct file_version v;
    if (version_at(dirfd(s->dir), d->d_name, &v) < 0) {
        return;  // gone again
    }
    if (S_ISDIR(v.mode)) {
        keep_folder(s, d->d_name, &v, out);
    } else if (ingest_is_candidate(d->d_name)) {
        keep_file(s, d->d_name, &v, out);
    }
}

static int by_time(int64_t a_ns, int64_t b_ns, const char *a, const char *b)
{
    return a_ns != b_ns ? (a_ns > b_ns) - (a_ns < b_ns) : strcmp(a, b);
}

static int compare_entries(const void *a, const void *b)
{
    const struct entry *x = a;
    const struct entry *y = b;
    return by_time(x->version.mtime_ns, y->version.mtime_ns, x->name, y->name);
}

static int compare_folders(const void *a, const void *b)
{
    const struct folder *x = a;
    const struct folder *y = b;
    return by_time(x->version.mtime_ns, y->version.mtime_ns, x->path, y->path);
}

// Some entries of the open folder; sorts when a chunk or the folder is full.
static void read_folder(struct scan *s, struct scan_batch *out)
{
    // A problem takes a place in the batch: leave the rest for the next step.
    for (int i = 0; i < STEP_READS && out->n < SCAN_STEP_ITEMS; i++) {
        errno = 0;
        const struct dirent *d = s->n_entries < CHUNK ? readdir(s->dir) : NULL;
        if (d) {
            read_entry(s, d, out);
            continue;
        }
        if (s->n_entries < CHUNK) {
            if (errno) {
                put_problem(out, s->now.path, &s->now.version, err_from_errno(errno));
            }
            closedir(s->dir);
            s->dir = NULL;
        }
        if (s->n_entries) {
            qsort(s->entries, s->n_entries, sizeof(*s->entries), compare_entries);
        }
        s->is_sorted = true;
        return;
    }
}

static void report_files(struct scan *s, struct scan_batch *out)
{
    while (s->n_entries && out->n < SCAN_STEP_ITEMS) {
        struct entry *e = &s->entries[--s->n_entries];
        char *path = join(s->now.path, e->name);
        if (path) {
            out->items[out->n++] = (struct scan_item){
                .kind = SCAN_FILE, .path = path, .version = e->version};
        } else {
            put_problem(out, s->now.path, &e->version, E_TOOBIG);
        }
        free(e->name);
    }
    s->is_sorted = s->n_entries > 0;
}

// The subfolders go on the stack, newest on top.
static void leave_folder(struct scan *s, struct scan_batch *out)
{
    if (s->n_subs) {
        qsort(s->subs, s->n_subs, sizeof(*s->subs), compare_folders);
    }
    for (size_t i = 0; i < s->n_subs; i++) {
        if (grow((void **)&s->stack, &s->cap_stack, s->n_stack, sizeof(*s->stack),
                 MAX_STACK)) {
            s->stack[s->n_stack++] = s->subs[i];
        } else {
            put_problem(out, s->subs[i].path, &s->subs[i].version, E_TOOBIG);
            free(s->subs[i].path);
        }
    }
    s->n_subs = 0;
    free(s->now.path);
    s->now = (struct folder){0};
}

static int64_t clock_ms(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (int64_t)t.tv_sec * 1000 + t.tv_nsec / 1000000;
}

// A step is short even on a slow disk: what happens live waits for it.
void scan_step(struct scan *s, struct scan_batch *out)
{
    int64_t until = clock_ms() + STEP_MS;
    while (out->n < SCAN_STEP_ITEMS && clock_ms() < until) {
        if (s->is_sorted) {
            report_files(s, out);
        } else if (s->dir) {
            read_folder(s, out);
        } else if (s->now.path) {
            leave_folder(s, out);
        } else if (s->n_stack) {
            open_folder(s, out);
        } else {
            out->is_end = true;
            return;
        }
    }
}

struct scan *scan_new(int root_fd, const char *rel, int max_depth,
                      const struct scan_watcher *watcher, bool is_polled)
{
    struct scan *s = mem_new(struct scan);
    s->root_fd = fcntl(root_fd, F_DUPFD_CLOEXEC, 0);
    s->max_depth = max_depth;
    s->watcher = watcher;
    s->stack = mem_new(struct folder);
    s->cap_stack = 1;
    s->n_stack = 1;
    s->stack[0] = (struct folder){.path = mem_dup(rel), .is_polled = is_polled};
    for (const char *p = rel; *p; p++) {
        s->stack[0].depth += p == rel || *p == '/';
    }
    return s;
}

bool scan_is_at(const struct scan *s, const char *path)
{
    struct stat now, then;
    return fstat(s->root_fd, &then) == 0 && stat(path, &now) == 0 &&
           now.st_dev == then.st_dev && now.st_ino == then.st_ino;
}

void scan_free(struct scan *s)
{
    if (!s) {
        return;
    }
    for (size_t i = 0; i < s->n_stack; i++) {
        free(s->stack[i].path);
    }
    for (size_t i = 0; i < s->n_subs; i++) {
        free(s->subs[i].path);
    }
    for (size_t i = 0; i < s->n_entries; i++) {
        free(s->entries[i].name);
    }
    if (s->dir) {
        closedir(s->dir);
    }
    if (s->root_fd >= 0) {
        close(s->root_fd);
    }
    free(s->now.path);
    free(s->stack);
    free(s->subs);
    free(s->entries);
    free(s);
}

void scan_batch_clear(struct scan_batch *b)
{
    for (int i = 0; i < b->n; i++) {
        free(b->items[i].path);
    }
    b->n = 0;
    b->is_end = false;
}
