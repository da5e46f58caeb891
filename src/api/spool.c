// spool.c -- see spool.h.
//
// A file is whole before it has its name, and is on the disk before its row is; so after a
// crash at any moment a row has its file, and a file without a row is swept away.
// SPDX-License-Identifier: MIT
#include "api/spool.h"

#include "app.h"
#include "base/log.h"
#include "base/mem.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>
#include <xxhash.h>

enum { FRESH_S = 60 };

struct spooled {
    struct list node;
    int64_t id;
    int64_t bytes;
    char path[];
};

void spool_init(struct app *a)
{
    struct spool *s = &a->spool;
    list_init(&s->files);
    snprintf(s->parent, sizeof(s->parent), "%s", store_path(a->store));
    char *slash = strrchr(s->parent, '/');
    s->parent[slash ? slash - s->parent : 0] = '\0';
    snprintf(s->dir, sizeof(s->dir), "%.4080s/spool", s->parent);
}

void spool_fini(struct app *a)
{
    struct list *node;
    while ((node = list_pop_front(&a->spool.files))) {
        free(container_of(node, struct spooled, node));
    }
}

// ---- putting one in

static const char *extension_of(const void *bytes, size_t len)
{
    switch (image_probe(bytes, len)) {
    case IMAGE_PNG: return "png";
    case IMAGE_JPEG: return "jpg";
    case IMAGE_WEBP: return "webp";
    case IMAGE_NONE: return NULL;
    }
    return NULL;
}

static int write_all(int fd, const uint8_t *bytes, size_t len)
{
    while (len > 0) {
        ssize_t n = write(fd, bytes, len);
        if (n < 0 && errno != EINTR) {
            return err_from_errno(errno);
        }
        bytes += n > 0 ? n : 0;
        len -= n > 0 ? (size_t)n : 0;
    }
    return fsync(fd) ? err_from_errno(errno) : 0;
}

// The name in its folder is to last as well.
static int sync_folder(const char *dir)
{
    int fd = open(dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    int rc = fd < 0 || fsync(fd) ? err_from_errno(errno) : 0;
    if (fd >= 0) {
        close(fd);
    }
    return rc;
}

static int write_file(struct spool_put *r)
{
    char part[4300];
    snprintf(part, sizeof(part), "%s.%p.part", r->path, (void *)r);
    int fd = open(part, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
    if (fd < 0) {
        return err_from_errno(errno);
    }
    int rc = write_all(fd, r->bytes, r->len);
    close(fd);
    if (rc == 0 && rename(part, r->path)) {
        rc = err_from_errno(errno);
    }
    if (rc) {
        unlink(part);
    }
    return rc ? rc : sync_folder(r->app->spool.dir);
}

static void name_file(struct spool_put *r)
{
    XXH128_hash_t h = XXH3_128bits(r->bytes, r->len);
    snprintf(r->path, sizeof(r->path), "%.4000s/%016llx%016llx.%s", r->app->spool.dir,
             (unsigned long long)h.high64, (unsigned long long)h.low64, r->extension);
}

static void put_run(struct pool_work *work, void *thread)
{
    struct spool_put *r = container_of(work, struct spool_put, work);
    struct stat st;
    (void)thread;
    name_file(r);
    if (mkdir(r->app->spool.dir, 0700) && errno != EEXIST) {
        r->code = err_from_errno(errno);
        return;
    }
    // The same picture once more is the same file.
    r->is_new = stat(r->path, &st) != 0;
    r->code = r->is_new ? write_file(r) : 0;
    if (r->code == 0 && stat(r->path, &st)) {
        r->code = err_from_errno(errno);
    }
    if (r->code == 0) {
        r->size_bytes = st.st_size;
        r->mtime_ns = (int64_t)st.st_mtim.tv_sec * 1000000000 + st.st_mtim.tv_nsec;
    }
}

static void put_done(struct pool_work *work, int err)
{
    struct spool_put *r = container_of(work, struct spool_put, work);
    struct spool *s = &r->app->spool;
    s->under_way--;
    err = err ? err : r->code;
    if (err || !r->is_new) {
        s->bytes -= (int64_t)r->len;
        s->n_files--;
    }
    r->done(r, err);
}

static void refuse(void *arg)
{
    struct spool_put *r = arg;
    r->app->spool.under_way--;
    r->done(r, r->err.code);
}

static int check(struct spool_put *r)
{
    const struct spool *s = &r->app->spool;
    r->extension = extension_of(r->bytes, r->len);
    if (!r->extension) {
        return err_set(&r->err, E_FORMAT,
                       "what was sent is no PNG, JPEG or WebP picture");
    }
    if (s->n_files >= SPOOL_MOST_FILES || s->bytes + (int64_t)r->len > SPOOL_MOST_BYTES) {
        return err_set(&r->err, E_BUSY,
                       "%d uploaded pictures wait already (try again when some are "
                       "described)",
                       s->n_files);
    }
    return 0;
}

void spool_put(struct app *a, struct spool_put *r,
               void (*done)(struct spool_put *r, int err))
{
    r->app = a;
    r->done = done;
    a->spool.under_way++;
    if (check(r)) {
        if (app_post(a, refuse, r)) {
            refuse(r);
        }
        return;
    }
    a->spool.bytes += (int64_t)r->len;
    a->spool.n_files++;
    r->work.run = put_run;
    r->work.done = put_done;
    pool_submit(a->reader, &r->work);
}

// ---- jobs

void spool_note_job(struct app *a, const char *path, int64_t id)
{
    struct stat st;
    size_t n = strlen(path) + 1;
    struct spooled *f = mem_zero(sizeof(*f) + n);
    f->id = id;
    f->bytes = stat(path, &st) == 0 ? st.st_size : 0;
    memcpy(f->path, path, n);
    list_push_back(&a->spool.files, &f->node);
}

static void forget(struct app *a, struct spooled *f, bool removes)
{
    if (removes && unlink(f->path) == 0) {
        a->spool.bytes -= f->bytes;
        a->spool.n_files--;
    }
    list_remove(&f->node);
    free(f);
}

void spool_note_ended(struct app *a, int64_t id, enum store_outcome outcome)
{
    struct list *node, *tmp;
    list_each(node, tmp, &a->spool.files)
    {
        struct spooled *f = container_of(node, struct spooled, node);
        if (f->id == id) {
            forget(a, f, outcome != STORE_FAILED);
        }
    }
}

// ---- what an earlier process left

struct sweep {
    struct app *app;
    struct store_query query;
    char path[4400];
    bool is_old;
    bool is_fresh;  // another process may be about to make its row
    int64_t bytes;
};

// A file whose row is there and waits, or failed not long ago, is kept.
static void on_row(struct store_query *q, int err)
{
    struct sweep *w = container_of(q, struct sweep, query);
    struct spool *s = &w->app->spool;
    bool is_there = err || q->n > 0;
    bool is_open = err || (q->n > 0 && q->rows[0].state != STORE_ENDED);
    bool is_failed = !err && q->n > 0 && q->rows[0].outcome == STORE_FAILED;
    if (is_open && !err) {
        spool_note_job(w->app, w->path, q->rows[0].id);
    } else if (!is_open && !w->is_fresh && (!is_there || !is_failed || w->is_old) &&
               unlink(w->path) == 0) {
        s->bytes -= w->bytes;
        s->n_files--;
        log_debug("spool", "path=%s removed", w->path);
    }
    store_query_fini(q);
    s->under_way--;
    free(w);
}

static void look_at(struct app *a, const char *name)
{
    struct stat st;
    struct sweep *w = mem_new(struct sweep);
    size_t n = strlen(name);
    w->app = a;
    snprintf(w->path, sizeof(w->path), "%.4000s/%.300s", a->spool.dir, name);
    bool is_file = lstat(w->path, &st) == 0 && S_ISREG(st.st_mode);
    int64_t age_s = is_file ? loop_wall_ms() / 1000 - st.st_mtim.tv_sec : 0;
    bool is_part = n > 5 && strcmp(name + n - 5, ".part") == 0;
    w->is_fresh = age_s < FRESH_S;
    if (!is_file || is_part) {
        if (is_file && !w->is_fresh) {
            unlink(w->path);
        }
        free(w);
        return;
    }
    w->is_old = age_s > SPOOL_KEEP_FAILED_S;
    w->bytes = st.st_size;
    a->spool.bytes += st.st_size;
    a->spool.n_files++;
    a->spool.under_way++;
    w->query.filter.path = w->path;
    w->query.order = STORE_NEWEST;
    w->query.limit = 1;
    store_query(a->store, &w->query, on_row);
}

void spool_sweep(struct app *a)
{
    struct spool *s = &a->spool;
    if (s->is_swept) {
        return;
    }
    s->is_swept = true;
    DIR *d = opendir(s->dir);
    for (struct dirent *e; d && s->n_files < SPOOL_MOST_FILES && (e = readdir(d));) {
        if (e->d_name[0] != '.') {
            look_at(a, e->d_name);
        }
    }
    if (d) {
        closedir(d);
    }
}
