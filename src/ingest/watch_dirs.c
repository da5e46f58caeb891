// watch_dirs.c -- which watch is which folder, and the folders that have none.
//
// One inode has one watch, whatever its path: the path under which a walk met it last wins,
// which is what a rename needs.
// SPDX-License-Identifier: MIT
#include "base/mem.h"
#include "ingest/watch.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/inotify.h>

bool dirs_is_below(const char *path, const char *folder)
{
    size_t len = strlen(folder);
    // "/" is the one absolute path that ends in a slash.
    if (len == 0 || strcmp(folder, "/") == 0) {
        return true;
    }
    return strncmp(path, folder, len) == 0 && (path[len] == '/' || path[len] == 0);
}

// ---- watched

struct dir *dirs_find(struct watcher *w, int wd)
{
    struct list *node, *tmp;
    list_each(node, tmp, &w->by_wd[(unsigned)wd % WD_BUCKETS])
    {
        struct dir *d = container_of(node, struct dir, node);
        if (d->wd == wd) {
            return d;
        }
    }
    return NULL;
}

void dirs_drop(struct watcher *w, struct dir *d)
{
    list_remove(&d->node);
    w->n_dirs--;
    free(d);
}

static struct polled *find_polled_at(struct watcher *w, const struct root *r,
                                     const char *path)
{
    struct polled *p = dirs_find_polled(w, r, path);
    return p && strcmp(p->path, path) == 0 ? p : NULL;
}

void dirs_register(struct watcher *w, struct root *r, const char *path, int wd)
{
    struct dir *d = dirs_find(w, wd);
    if (d && d->root == r && strcmp(d->path, path) == 0) {
        return;
    }
    if (d) {
        dirs_drop(w, d);
    }
    size_t len = strlen(path) + 1;
    d = mem_zero(sizeof(*d) + len);
    d->root = r;
    d->wd = wd;
    memcpy(d->path, path, len);
    list_push_front(&w->by_wd[(unsigned)wd % WD_BUCKETS], &d->node);
    w->n_dirs++;
    struct polled *p = find_polled_at(w, r, path);
    if (p) {
        dirs_drop_polled(w, p);
    }
}

void dirs_drop_below(struct watcher *w, struct root *r, const char *path)
{
    for (int i = 0; i < WD_BUCKETS; i++) {
        struct list *node, *tmp;
        list_each(node, tmp, &w->by_wd[i])
        {
            struct dir *d = container_of(node, struct dir, node);
            if (d->root == r && dirs_is_below(d->path, path)) {
                inotify_rm_watch(w->watch.inotify_fd, d->wd);
                dirs_drop(w, d);
            }
        }
    }
}

// ---- polled

struct polled *dirs_find_polled(struct watcher *w, const struct root *r, const char *path)
{
    struct list *node, *tmp;
    list_each(node, tmp, &w->polled)
    {
        struct polled *p = container_of(node, struct polled, node);
        if (p->root == r && dirs_is_below(path, p->path)) {
            return p;
        }
    }
    return NULL;
}

void dirs_drop_polled(struct watcher *w, struct polled *p)
{
    (void)w;
    list_remove(&p->node);
    free(p);
}

static int drop_polled_below(struct watcher *w, const struct root *r, const char *path)
{
    int folders = 0;
    struct list *node, *tmp;
    list_each(node, tmp, &w->polled)
    {
        struct polled *p = container_of(node, struct polled, node);
        if (p->root == r && dirs_is_below(p->path, path)) {
            folders += p->folders;
            dirs_drop_polled(w, p);
        }
    }
    return folders;
}

static int count_polled(const struct watcher *w, const struct root *r)
{
    int n = 0;
    const struct list *node, *tmp;
    list_each(node, tmp, &w->polled)
    {
        n += container_of(node, const struct polled, node)->root == r;
    }
    return n;
}

static void notice_once(struct watcher *w, struct root *r, const char *path,
                        enum scan_watch why)
{
    bool *has_noticed =
        why == WATCH_NETWORK ? &r->has_noticed_network : &r->has_noticed_limit;
    if (*has_noticed) {
        return;
    }
    *has_noticed = true;
    const char *reason = why == WATCH_NETWORK
                             ? "is on a network file system"
                             : "can not be watched (raise fs.inotify.max_user_watches)";
    char words[512];
    snprintf(words, sizeof(words), "%.200s %s; it is looked at every %lld ms instead",
             path[0] ? path : "the folder", reason, (long long)w->config.poll_ms);
    watch_notice(w, r, words);
}

static void poll_soon(struct watcher *w)
{
    int64_t now = watch_now(w);
    if (w->poll_at_ms <= now) {
        w->poll_at_ms = now + w->config.poll_ms;
    }
}

void dirs_add_polled(struct watcher *w, struct root *r, const char *path,
                     enum scan_watch why)
{
    struct polled *above = dirs_find_polled(w, r, path);
    if (above) {
        above->folders++;
        return;
    }
    // Many separate ones cost more than walking the whole root.
    const char *at = count_polled(w, r) < MAX_POLLED ? path : "";
    int folders = 1 + drop_polled_below(w, r, at);
    size_t len = strlen(at) + 1;
    struct polled *p = mem_zero(sizeof(*p) + len);
    p->root = r;
    p->folders = folders;
    memcpy(p->path, at, len);
    list_push_back(&w->polled, &p->node);
    poll_soon(w);
    notice_once(w, r, path, why);
}

// ---- lost

void dirs_lose_root(struct watcher *w, struct root *r, int why)
{
    dirs_drop_below(w, r, "");
    drop_polled_below(w, r, "");
    walks_drop_root(w, r);
    r->is_scanning = false;
    r->scan_again = false;
    poll_soon(w);
    if (!r->is_lost) {
        r->is_lost = true;
        char words[256];
        snprintf(words, sizeof(words),
                 "the folder %s; it is watched again when it is back", err_words(why));
        watch_notice(w, r, words);
    }
}

void dirs_free(struct watcher *w)
{
    for (int i = 0; i < WD_BUCKETS; i++) {
        while (!list_is_empty(&w->by_wd[i])) {
            dirs_drop(w, list_first(&w->by_wd[i], struct dir, node));
        }
    }
    while (!list_is_empty(&w->polled)) {
        dirs_drop_polled(w, list_first(&w->polled, struct polled, node));
    }
    struct list *node;
    while ((node = list_pop_front(&w->early))) {
        free(container_of(node, struct early, node));
    }
    while ((node = list_pop_front(&w->roots))) {
        struct root *r = container_of(node, struct root, node);
        free(r->path);
        free(r);
    }
}
