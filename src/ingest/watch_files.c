// watch_files.c -- files that wait to be complete.
//
// A table by path joins the events of one file.  Looks (open, parse to the end, metadata)
// run in the pool in batches; settle.c decides what a look means.
//
//   queue -> looking -> taken | problem | forgotten
//     ^         |
//     +- due -- resting
// SPDX-License-Identifier: MIT
#include "base/mem.h"
#include "base/utf8.h"
#include "ingest/meta.h"
#include "ingest/taken.h"
#include "ingest/watch.h"

#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/inotify.h>
#include <sys/stat.h>
#include <unistd.h>

static void look_run(struct pool_work *work, void *thread);
static void look_done(struct pool_work *work, int err);

static const char *base_name(const char *path)
{
    const char *slash = strrchr(path, '/');
    return slash ? slash + 1 : path;
}

// ---- the table

static struct waiting *find_waiting(struct watcher *w, const struct root *r,
                                    const char *path, uint64_t hash)
{
    struct list *node, *tmp;
    list_each(node, tmp, &w->by_path[hash % FILE_BUCKETS])
    {
        struct waiting *f = container_of(node, struct waiting, bucket);
        if (f->hash == hash && f->root == r && strcmp(f->path, path) == 0) {
            return f;
        }
    }
    return NULL;
}

// NULL when there is no room: a scan comes back to it later.
static struct waiting *add_waiting(struct watcher *w, struct root *r, const char *path,
                                   uint64_t hash)
{
    if (w->n_waiting >= MAX_WAITING) {
        w->is_short = true;
        return NULL;
    }
    size_t len = strlen(path) + 1;
    struct waiting *f = mem_zero(sizeof(*f) + len);
    f->root = r;
    f->hash = hash;
    f->settle.is_tracker = taken_is_tracker_name(base_name(path));
    f->settle.changed_at_ms = watch_now(w);
    memcpy(f->path, path, len);
    list_push_back(&w->by_path[hash % FILE_BUCKETS], &f->bucket);
    w->n_waiting++;
    return f;
}

static void leave_list(struct watcher *w, struct waiting *f)
{
    if (list_is_linked(&f->node) && f->due_ms == 0) {
        w->n_queue--;
        w->n_looked++;  // or will not be
    }
    list_remove(&f->node);
}

static void free_waiting(struct watcher *w, struct waiting *f)
{
    leave_list(w, f);
    list_remove(&f->bucket);
    w->n_waiting--;
    free(f);
}

static void enqueue(struct watcher *w, struct waiting *f)
{
    if (f->is_looking) {
        f->look_again = true;
        return;
    }
    if (list_is_linked(&f->node) && f->due_ms == 0) {
        return;  // is there already
    }
    list_remove(&f->node);
    f->due_ms = 0;
    list_push_back(&w->queue, &f->node);
    w->n_queue++;
    w->n_queued++;
}

static void rest(struct watcher *w, struct waiting *f, int64_t until_ms)
{
    leave_list(w, f);
    f->due_ms = until_ms;
    list_push_back(&w->resting, &f->node);
    w->due_ms = until_ms < w->due_ms ? until_ms : w->due_ms;
}

void files_wake(struct watcher *w, int64_t now_ms)
{
    if (now_ms < w->due_ms) {
        return;
    }
    w->due_ms = INT64_MAX;
    struct list *node, *tmp;
    list_each(node, tmp, &w->resting)
    {
        struct waiting *f = container_of(node, struct waiting, node);
        if (f->due_ms <= now_ms) {
            enqueue(w, f);
        } else if (f->due_ms < w->due_ms) {
            w->due_ms = f->due_ms;
        }
    }
}

// ---- what brings files here

static void set_origin(struct settle *s, uint32_t mask)
{
    s->is_renamed = (mask & IN_MOVED_TO) != 0;
    s->is_closed = (mask & IN_CLOSE_WRITE) != 0;
    s->is_scanned = false;
}

void files_event(struct watcher *w, struct root *r, const char *folder, const char *name,
                 uint32_t mask)
{
    char path[PATH_MAX];
    int n = snprintf(path, sizeof(path), "%s%s%s", folder, folder[0] ? "/" : "", name);
    if (n >= (int)sizeof(path)) {
        return;
    }
    uint64_t hash = seen_key_text(r->path, path);
    struct waiting *f = find_waiting(w, r, path, hash);
    f = f ? f : add_waiting(w, r, path, hash);
    if (!f) {
        return;
    }
    f->is_live = true;
    f->is_moved = (mask & IN_MOVED_TO) != 0;
    set_origin(&f->settle, mask);
    settle_touch(&f->settle, watch_now(w));
    bool is_made = (mask & IN_CREATE) != 0;
    if (is_made && !f->is_looking) {
        rest(w, f, watch_now(w) + w->config.settle_ms);  // its writer has just begun
    } else {
        enqueue(w, f);
    }
}

void files_scanned(struct watcher *w, const struct walk *k, const struct scan_item *item)
{
    bool is_moved = k->origin == ORIGIN_MOVED;
    uint64_t hash = seen_key_text(k->root->path, item->path);
    uint64_t version = seen_key_version(&item->version);
    bool is_known = seen_has(&w->seen, is_moved ? seen_key_at(version, hash) : version) ||
                    seen_has(&w->seen, seen_key_problem(&item->version));
    if (is_known || find_waiting(w, k->root, item->path, hash)) {
        return;
    }
    struct waiting *f = add_waiting(w, k->root, item->path, hash);
    if (!f) {
        return;
    }
    f->is_live = k->origin == ORIGIN_MADE;
    f->is_moved = is_moved;
    f->settle.is_scanned = true;
    f->settle.is_polled = k->is_in_polled;
    enqueue(w, f);
}

// ---- looking

void files_start_looks(struct watcher *w)
{
    struct looking *l = &w->look;
    if (l->is_busy || w->is_paused || list_is_empty(&w->queue)) {
        return;
    }
    l->n = 0;
    while (l->n < LOOK_ITEMS && !list_is_empty(&w->queue)) {
        struct waiting *f = list_first(&w->queue, struct waiting, node);
        list_remove(&f->node);
        w->n_queue--;
        f->is_looking = true;
        l->items[l->n++] = f;
    }
    l->is_busy = true;
    l->work = (struct pool_work){.run = look_run, .done = look_done};
    pool_submit(w->pool, &l->work);
}

static void look_at(int root_fd, const struct waiting *f, struct look *k)
{
    *k = (struct look){0};
    int fd = root_fd < 0 ? root_fd : beneath_open_file(root_fd, f->path, &k->version);
    if (fd < 0) {
        k->code = fd;
        return;
    }
    k->code = ingest_complete(fd, k->version.size_bytes);
    if (k->code == 0) {
        struct source s = {.fd = fd, .size_bytes = k->version.size_bytes};
        struct ingest_meta meta;
        int rc = meta_scan(&s, NULL, &meta, &k->has_tracker);
        k->has_tracker = rc == 0 && k->has_tracker;
    }
    close(fd);
}

static void look_run(struct pool_work *work, void *thread)
{
    struct looking *l = container_of(work, struct looking, work);
    (void)thread;
    const struct root *root = NULL;
    int root_fd = -1;
    for (int i = 0; i < l->n; i++) {
        if (l->items[i]->root != root) {
            if (root_fd >= 0) {
                close(root_fd);
            }
            root = l->items[i]->root;
            root_fd = beneath_root(root->path);
        }
        look_at(root_fd, l->items[i], &l->looks[i]);
    }
    if (root_fd >= 0) {
        close(root_fd);
    }
}

static void emit(struct watcher *w, const struct waiting *f, const struct file_version *v)
{
    struct sighting s = {.root = f->root->path,
                         .path = f->path,
                         .size_bytes = v->size_bytes,
                         .mtime_ns = v->mtime_ns,
                         .is_live = f->is_live};
    w->n_sightings++;
    w->events.on_sighting(w->events.arg, &s);
}

// A version is reported once, but again after a rename: whoever is about to open the old
// path will not find it there.
static void take(struct watcher *w, const struct waiting *f, const struct file_version *v)
{
    uint64_t version = seen_key_version(v);
    uint64_t here = seen_key_at(version, f->hash);
    if (!seen_has(&w->seen, f->is_moved ? here : version)) {
        seen_add(&w->seen, version);
        seen_add(&w->seen, here);
        emit(w, f, v);
    }
}

static void problem_words(const struct look *k, char *out, size_t size)
{
    const struct file_version *v = &k->version;
    if (k->code == E_CUT && v->size_bytes == 0) {
        snprintf(out, size, "is empty (0 bytes)");
    } else if (k->code == E_CUT) {
        snprintf(out, size, "%s (%lld bytes are there)", err_words(k->code),
                 (long long)v->size_bytes);
    } else if (k->code == E_NOT_FILE && v->mode) {
        snprintf(out, size, "is %s, not a regular file", version_kind(v->mode));
    } else {
        snprintf(out, size, "%s", err_words(k->code));
    }
}

static void report(struct watcher *w, const struct waiting *f, const struct look *k)
{
    uint64_t key = k->version.ino ? seen_key_problem(&k->version)
                                  : seen_key_text(f->root->path, f->path);
    if (seen_has(&w->seen, key)) {
        return;
    }
    seen_add(&w->seen, key);
    char words[256];
    problem_words(k, words, sizeof(words));
    w->events.on_problem(w->events.arg, f->root->path, f->path, k->code, words);
}

void files_folder_problem(struct watcher *w, struct root *r, const struct scan_item *item)
{
    uint64_t key = seen_key_text(r->path, item->path);
    if (seen_has(&w->seen, key)) {
        return;
    }
    seen_add(&w->seen, key);
    char words[256];
    snprintf(words, sizeof(words), "the folder %s",
             item->code == E_TOOBIG ? "is too deep or its path too long"
                                    : err_words(item->code));
    w->events.on_problem(w->events.arg, r->path, item->path, item->code, words);
}

static void judge(struct watcher *w, struct waiting *f, const struct look *k)
{
    int64_t again_ms = 0;
    switch (settle_judge(&f->settle, k, &w->config, watch_now(w), loop_wall_ms(),
                         &again_ms)) {
    case SETTLE_TAKE: take(w, f, &k->version); break;
    case SETTLE_PROBLEM: report(w, f, k); break;
    case SETTLE_FORGET: break;
    case SETTLE_WAIT: rest(w, f, again_ms); return;
    }
    free_waiting(w, f);
}

static void look_done(struct pool_work *work, int err)
{
    struct looking *l = container_of(work, struct looking, work);
    struct watcher *w = container_of(l, struct watcher, look);
    l->is_busy = false;
    w->n_looked += l->n;
    for (int i = 0; i < l->n; i++) {
        struct waiting *f = l->items[i];
        f->is_looking = false;
        if (w->is_closing || err < 0) {
            continue;  // files_free has them
        }
        if (f->look_again) {
            f->look_again = false;
            enqueue(w, f);
        } else {
            judge(w, f, &l->looks[i]);
        }
    }
    watch_go_on(w);
}

void files_free(struct watcher *w)
{
    for (int i = 0; i < FILE_BUCKETS; i++) {
        while (!list_is_empty(&w->by_path[i])) {
            free_waiting(w, list_first(&w->by_path[i], struct waiting, bucket));
        }
    }
    seen_fini(&w->seen);
}
