// watch_walks.c -- walks of folders: a queue in order of urgency, one step at a time in the
// pool.
//
// A new folder overtakes the scan of a hundred thousand old files.  What a step found is
// handled on the loop before the next step starts, so a slow consumer holds the scan back.
// SPDX-License-Identifier: MIT
#include "base/mem.h"
#include "ingest/watch.h"

#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static void step_run(struct pool_work *work, void *thread);
static void step_done(struct pool_work *work, int err);

static bool is_queued(const struct watcher *w, const struct root *r, const char *path,
                      enum walk_kind kind, enum walk_origin origin)
{
    const struct list *node, *tmp;
    list_each(node, tmp, &w->walks)
    {
        const struct walk *k = container_of(node, const struct walk, node);
        // One that has begun may be past the place already.
        bool has_begun = w->step.walk == k || k->begin_ms;
        if (k->root == r && k->kind == kind && k->origin == origin && !has_begun &&
            strcmp(k->path, path) == 0) {
            return true;
        }
    }
    return false;
}

void walks_add(struct watcher *w, struct root *r, const char *path, enum walk_kind kind,
               enum walk_origin origin)
{
    if (w->is_closing || is_queued(w, r, path, kind, origin)) {
        return;
    }
    size_t len = strlen(path) + 1;
    struct walk *k = mem_zero(sizeof(*k) + len);
    k->root = r;
    k->kind = kind;
    k->origin = origin;
    memcpy(k->path, path, len);
    // Behind everything as urgent as itself.
    struct list *at = w->walks.prev;
    while (at != &w->walks && container_of(at, struct walk, node)->kind > kind) {
        at = at->prev;
    }
    list_insert(at, &k->node);
}

void walks_scan_root(struct watcher *w, struct root *r)
{
    if (r->is_scanning) {
        r->scan_again = true;
        return;
    }
    r->is_scanning = true;
    r->scan_files = 0;
    walks_add(w, r, "", WALK_ROOT, ORIGIN_FOUND);
}

static void free_walk(struct walk *k)
{
    list_remove(&k->node);
    scan_free(k->scan);
    free(k);
}

void walks_drop_root(struct watcher *w, const struct root *r)
{
    struct list *node, *tmp;
    list_each(node, tmp, &w->walks)
    {
        struct walk *k = container_of(node, struct walk, node);
        if (k->root != r) {
            continue;
        }
        if (w->step.is_busy && w->step.walk == k) {
            // The thread has it: freed when the step is done.
            w->step.walk = NULL;
            list_remove(&k->node);
        } else {
            free_walk(k);
        }
    }
}

void walks_start_next(struct watcher *w)
{
    struct step *s = &w->step;
    if (s->is_busy || list_is_empty(&w->walks)) {
        return;
    }
    s->walk = list_first(&w->walks, struct walk, node);
    if (!s->walk->begin_ms) {
        s->walk->begin_ms = watch_now(w);
        s->walk->is_in_polled = s->walk->kind == WALK_POLL ||
                                dirs_find_polled(w, s->walk->root, s->walk->path);
    }
    s->is_busy = true;
    s->now = s->walk;
    s->watch = &w->watch;
    s->max_depth = w->config.max_depth;
    s->work = (struct pool_work){.run = step_run, .done = step_done};
    pool_submit(w->pool, &s->work);
}

static void step_run(struct pool_work *work, void *thread)
{
    struct step *s = container_of(work, struct step, work);
    struct walk *k = s->now;
    (void)thread;
    s->root_rc = 0;
    s->is_elsewhere = false;
    if (!k->scan) {
        int fd = beneath_root(k->root->path);
        if (fd < 0) {
            s->root_rc = fd;
            return;
        }
        k->scan = scan_new(fd, k->path, s->max_depth, s->watch, k->kind == WALK_POLL);
        close(fd);
    }
    scan_step(k->scan, &s->batch);
    // Later moves are told by the watch.
    s->is_elsewhere = s->batch.is_end && !scan_is_at(k->scan, k->root->path);
}

static void on_folder(struct watcher *w, struct walk *k, const struct scan_item *item)
{
    k->folders++;
    switch (item->watch) {
    case WATCH_SET:
        k->is_in_polled = false;
        dirs_register(w, k->root, item->path, item->wd);
        break;
    case WATCH_REFUSED:
    case WATCH_NETWORK:
        k->is_in_polled = true;
        if (k->kind != WALK_POLL) {
            dirs_add_polled(w, k->root, item->path, item->watch);
        }
        break;
    case WATCH_NONE: break;
    }
}

static void on_item(struct watcher *w, struct walk *k, const struct scan_item *item)
{
    switch (item->kind) {
    case SCAN_FOLDER: on_folder(w, k, item); break;
    case SCAN_FILE:
        k->root->scan_files += k->kind == WALK_ROOT;
        files_scanned(w, k, item);
        break;
    case SCAN_PROBLEM:
        // A folder that vanished again is nobody's problem.
        if (item->code != E_NOT_FOUND && item->code != E_OUTSIDE) {
            files_folder_problem(w, k->root, item);
        }
        break;
    }
}

static void end_poll(struct watcher *w, const struct walk *k)
{
    int64_t took = watch_now(w) - k->begin_ms;
    w->poll_took_ms = took > w->poll_took_ms ? took : w->poll_took_ms;
    struct polled *p = dirs_find_polled(w, k->root, k->path);
    if (!p || strcmp(p->path, k->path) != 0) {
        return;
    }
    p->is_walking = false;
    p->folders = k->folders;
    if (k->folders == 0) {
        dirs_drop_polled(w, p);  // gone
    }
}

static void end_walk(struct watcher *w, struct walk *k)
{
    struct root *r = k->root;
    switch (k->kind) {
    case WALK_NEW: break;
    case WALK_POLL: end_poll(w, k); break;
    case WALK_ROOT:
        r->is_scanning = false;
        r->is_reporting = true;
        r->report_mark = w->n_queued;
        break;
    }
    free_walk(k);
    if (r->scan_again && !r->is_scanning && !r->is_reporting) {
        r->scan_again = false;
        walks_scan_root(w, r);
    }
}

static void handle_batch(struct watcher *w, struct walk *k)
{
    struct step *s = &w->step;
    if (k->root->is_lost) {
        k->root->is_lost = false;
        watch_notice(w, k->root, "the folder is back");
    }
    // Callbacks may close the watcher, never free it before this returns.
    for (int i = 0; i < s->batch.n && !w->is_closing; i++) {
        on_item(w, k, &s->batch.items[i]);
    }
    if (s->is_elsewhere) {
        dirs_drop_below(w, k->root, "");
        walks_scan_root(w, k->root);
    }
    if (s->batch.is_end && !w->is_closing) {
        end_walk(w, k);
    }
}

static void step_done(struct pool_work *work, int err)
{
    struct step *s = container_of(work, struct step, work);
    struct watcher *w = container_of(s, struct watcher, step);
    s->is_busy = false;
    bool was_dropped = !s->walk;
    if (was_dropped) {
        scan_free(s->now->scan);
        free(s->now);
    } else if (w->is_closing || err < 0) {
        // walks_free has the rest
    } else if (s->root_rc < 0) {
        dirs_lose_root(w, s->walk->root, s->root_rc);
    } else {
        handle_batch(w, s->walk);
    }
    s->walk = NULL;
    s->now = NULL;
    scan_batch_clear(&s->batch);
    if (!w->is_closing) {
        watch_replay_early(w);
        watch_go_on(w);
    }
}

void walks_report(struct watcher *w)
{
    struct list *node, *tmp;
    list_each(node, tmp, &w->roots)
    {
        struct root *r = container_of(node, struct root, node);
        if (!r->is_reporting || w->n_looked < r->report_mark || w->is_closing) {
            continue;
        }
        r->is_reporting = false;
        w->events.on_scanned(w->events.arg, r->path, r->scan_files);
        if (r->scan_again && !w->is_closing) {
            r->scan_again = false;
            walks_scan_root(w, r);
            walks_start_next(w);
        }
    }
}

void walks_free(struct watcher *w)
{
    while (!list_is_empty(&w->walks)) {
        free_walk(list_first(&w->walks, struct walk, node));
    }
}
