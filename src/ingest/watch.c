// watch.c -- what the kernel says about watched folders, and when to look again.
//
// One inotify descriptor for all folders, under uv_poll; uv_fs_event would lose overflows
// and wake up for every single write.  One timer, set to the nearest deadline: files that
// settle, polled folders, the safety scan.  Nothing here touches the disk.
// SPDX-License-Identifier: MIT
#include "ingest/watch.h"

#include "base/log.h"
#include "base/mem.h"

#include <assert.h>
#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/inotify.h>
#include <unistd.h>

enum {
    READ_BYTES = 65536,
    MAX_READS = 32,        // per turn of the loop
    MAX_QUEUE_SCAN = 512,  // scans wait while so many files wait for a look
    MANY_WAITING = 1024,
    COARSE_MS = 32,
};

static void on_readable(uv_poll_t *poll, int status, int events);
static void on_timer(uv_timer_t *timer);

void ingest_config_default(struct ingest_config *c)
{
    *c = (struct ingest_config){
        .settle_ms = 300,
        .tracker_settle_ms = 2500,
        .give_up_ms = 60000,
        .rescan_ms = 300000,
        .poll_ms = 2000,
        .max_depth = 32,
    };
}

// ---- opening and closing

static void on_all_closed(struct closer *c)
{
    struct watcher *w = container_of(c, struct watcher, closer);
    void (*on_closed)(void *arg) = w->on_closed;
    void *arg = w->on_closed_arg;
    walks_free(w);
    files_free(w);
    dirs_free(w);
    if (w->watch.inotify_fd >= 0) {
        close(w->watch.inotify_fd);
    }
    free(w);
    if (on_closed) {
        on_closed(arg);
    }
}

static void on_poll_closed(uv_handle_t *h)
{
    closer_drop(&container_of((uv_poll_t *)h, struct watcher, poll)->closer);
}

static void on_timer_closed(uv_handle_t *h)
{
    closer_drop(&container_of((uv_timer_t *)h, struct watcher, timer)->closer);
}

static void on_pool_closed(void *arg)
{
    struct watcher *w = arg;
    closer_drop(&w->closer);
}

void watcher_close(struct watcher *w, void (*on_closed)(void *arg), void *arg)
{
    assert(!w->is_closing);
    w->is_closing = true;
    w->on_closed = on_closed;
    w->on_closed_arg = arg;
    if (w->watch.inotify_fd >= 0) {
        uv_close((uv_handle_t *)&w->poll, on_poll_closed);
    }
    uv_close((uv_handle_t *)&w->timer, on_timer_closed);
    if (w->pool) {
        pool_close(w->pool, on_pool_closed, w);
    }
}

static void init_lists(struct watcher *w)
{
    list_init(&w->roots);
    list_init(&w->polled);
    list_init(&w->early);
    list_init(&w->walks);
    list_init(&w->queue);
    list_init(&w->resting);
    for (int i = 0; i < WD_BUCKETS; i++) {
        list_init(&w->by_wd[i]);
    }
    for (int i = 0; i < FILE_BUCKETS; i++) {
        list_init(&w->by_path[i]);
    }
}

// Without an inotify descriptor (the user's limit of instances) everything is polled.
static int start_inotify(struct watcher *w)
{
    int fd = inotify_init1(IN_NONBLOCK | IN_CLOEXEC);
    w->watch.inotify_fd = fd;
    if (fd < 0) {
        log_warn("ingest", "no inotify, polling instead error=\"%s\"", strerror(errno));
        return 0;
    }
    if (uv_poll_init(&w->loop->uv, &w->poll, fd) < 0) {
        close(fd);
        return E_IO;
    }
    closer_hold(&w->closer);
    return uv_poll_start(&w->poll, UV_READABLE, on_readable) < 0 ? E_IO : 0;
}

int watcher_open(struct watcher **out, struct loop *l, const struct ingest_config *c,
                 const struct watcher_events *events)
{
    struct watcher *w = mem_new(struct watcher);
    w->loop = l;
    w->config = *c;
    w->events = *events;
    w->armed_ms = INT64_MAX;
    w->due_ms = INT64_MAX;
    w->closer.on_closed = on_all_closed;
    w->watch.mask = IN_CLOSE_WRITE | IN_MOVED_TO | IN_CREATE | IN_MOVED_FROM |
                    IN_DELETE_SELF | IN_MOVE_SELF | IN_ONLYDIR | IN_EXCL_UNLINK;
    w->watch.add_watch = inotify_add_watch;
    w->watch.is_network = scan_is_network;
    init_lists(w);
    int rc = start_inotify(w);
    if (rc < 0 && w->closer.holds == 0) {
        free(w);
        return rc;
    }
    uv_timer_init(&l->uv, &w->timer);
    closer_hold(&w->closer);
    if (rc == 0) {
        struct pool_config pc = {.name = "vlmd-watch", .threads = 1};
        rc = pool_open(&w->pool, l, &pc);
    }
    if (rc < 0) {
        watcher_close(w, NULL, NULL);
        return rc;
    }
    closer_hold(&w->closer);
    w->rescan_at_ms = loop_now_ms(l) + c->rescan_ms;
    *out = w;
    return 0;
}

static bool is_covered(const struct watcher *w, const char *path)
{
    const struct list *node, *tmp;
    list_each(node, tmp, &w->roots)
    {
        const struct root *r = container_of(node, const struct root, node);
        size_t len = strcmp(r->path, "/") == 0 ? 0 : strlen(r->path);
        // Hidden folders below a root are not entered: those are roots of their own.
        bool is_below = dirs_is_below(path, r->path);
        if (is_below && !strstr(path + len, "/.")) {
            return true;
        }
    }
    return false;
}

int watcher_add(struct watcher *w, const char *dir, struct err *e)
{
    char *path = realpath(dir, NULL);
    int fd = path ? beneath_root(path) : err_from_errno(errno);
    if (fd < 0) {
        free(path);
        return err_set(e, fd, "%s: %s (%s)", dir,
                       fd == E_NOT_FILE ? "is not a folder" : err_words(fd),
                       fd == E_NOT_FILE ? "name a folder" : err_todo(fd));
    }
    close(fd);
    if (is_covered(w, path)) {
        free(path);
        return 0;
    }
    struct root *r = mem_new(struct root);
    r->path = path;
    list_push_back(&w->roots, &r->node);
    walks_scan_root(w, r);
    watch_go_on(w);
    return 0;
}

void watcher_rescan(struct watcher *w)
{
    w->rescan_at_ms = watch_now(w) + w->config.rescan_ms;
    struct list *node, *tmp;
    list_each(node, tmp, &w->roots)
    {
        walks_scan_root(w, container_of(node, struct root, node));
    }
    watch_go_on(w);
}

void watcher_pause(struct watcher *w, bool is_paused)
{
    w->is_paused = is_paused;
    if (!is_paused && !w->is_closing) {
        w->armed_ms = 0;
        uv_timer_start(&w->timer, on_timer, 0, 0);  // goes on from the loop
    }
}

void watcher_stats(const struct watcher *w, struct watcher_stats *out)
{
    *out = (struct watcher_stats){.folders = w->n_dirs,
                                  .overflows = w->n_overflows,
                                  .settling = w->n_waiting,
                                  .sightings = w->n_sightings};
    const struct list *node, *tmp;
    list_each(node, tmp, &w->polled)
    {
        out->polled_folders += container_of(node, const struct polled, node)->folders;
    }
}

void watcher_each(const struct watcher *w,
                  void (*fn)(void *arg, const char *dir, bool is_lost), void *arg)
{
    const struct list *node, *tmp;
    list_each(node, tmp, &w->roots)
    {
        const struct root *r = container_of(node, const struct root, node);
        fn(arg, r->path, r->is_lost);
    }
}

int64_t watch_now(const struct watcher *w)
{
    return loop_now_ms(w->loop);
}

void watch_notice(struct watcher *w, const struct root *r, const char *words)
{
    w->events.on_notice(w->events.arg, r->path, words);
}

// ---- going on

static bool has_lost_root(const struct watcher *w)
{
    const struct list *node, *tmp;
    list_each(node, tmp, &w->roots)
    {
        if (container_of(node, const struct root, node)->is_lost) {
            return true;
        }
    }
    return false;
}

static void set_timer(struct watcher *w)
{
    int64_t at = w->rescan_at_ms;
    int64_t due = w->due_ms;
    // Going through very many files for each one's own millisecond would be all work.
    if (w->n_waiting > MANY_WAITING && due < INT64_MAX) {
        due |= COARSE_MS - 1;
    }
    at = due < at ? due : at;
    bool has_polls = !list_is_empty(&w->polled) || has_lost_root(w);
    at = has_polls && w->poll_at_ms < at ? w->poll_at_ms : at;
    if (at == w->armed_ms) {
        return;
    }
    w->armed_ms = at;
    int64_t now = watch_now(w);
    uv_timer_start(&w->timer, on_timer, at > now ? (uint64_t)(at - now) : 0, 0);
}

void watch_go_on(struct watcher *w)
{
    if (w->is_closing) {
        return;
    }
    if (w->is_short && w->n_waiting < MAX_WAITING / 2) {
        w->is_short = false;
        struct list *node, *tmp;
        list_each(node, tmp, &w->roots)
        {
            walks_scan_root(w, container_of(node, struct root, node));
        }
    }
    files_start_looks(w);
    if (w->n_queue < MAX_QUEUE_SCAN && w->n_waiting < MAX_WAITING / 2) {
        walks_start_next(w);
    }
    walks_report(w);
    if (!w->is_closing) {
        set_timer(w);
    }
}

static void poll_folders(struct watcher *w, int64_t now_ms)
{
    struct list *node, *tmp;
    list_each(node, tmp, &w->polled)
    {
        struct polled *p = container_of(node, struct polled, node);
        if (!p->is_walking) {
            p->is_walking = true;
            walks_add(w, p->root, p->path, WALK_POLL, ORIGIN_MADE);
        }
    }
    list_each(node, tmp, &w->roots)
    {
        struct root *r = container_of(node, struct root, node);
        if (r->is_lost) {
            walks_scan_root(w, r);
        }
    }
    // A large tree is polled more rarely: at most a tenth of the time goes into it.
    int64_t pause = w->poll_took_ms * 10;
    w->poll_at_ms = now_ms + (pause > w->config.poll_ms ? pause : w->config.poll_ms);
    w->poll_took_ms = 0;
}

static void on_timer(uv_timer_t *timer)
{
    struct watcher *w = container_of(timer, struct watcher, timer);
    int64_t now = watch_now(w);
    w->armed_ms = INT64_MAX;
    files_wake(w, now);
    if (now >= w->poll_at_ms) {
        poll_folders(w, now);
    }
    if (now >= w->rescan_at_ms) {
        watcher_rescan(w);
    }
    watch_go_on(w);
}

// ---- events

static void keep_early(struct watcher *w, const struct inotify_event *ev,
                       const char *name)
{
    if (w->n_early >= MAX_EARLY) {
        w->is_short = true;
        return;
    }
    size_t len = strlen(name) + 1;
    struct early *e = mem_zero(sizeof(*e) + len);
    e->wd = ev->wd;
    e->mask = ev->mask;
    memcpy(e->name, name, len);
    list_push_back(&w->early, &e->node);
    w->n_early++;
}

static void on_overflow(struct watcher *w)
{
    w->n_overflows++;
    log_warn("ingest", "events were lost, scanning everything overflows=%lld",
             (long long)w->n_overflows);
    struct list *node, *tmp;
    list_each(node, tmp, &w->roots)
    {
        walks_scan_root(w, container_of(node, struct root, node));
    }
}

// The folder itself was removed, moved or unmounted.  A walk finds out what is there now.
static void on_folder_gone(struct watcher *w, struct dir *d, uint32_t mask)
{
    struct root *r = d->root;
    char *path = mem_dup(d->path);
    if (mask & IN_MOVE_SELF) {
        dirs_drop_below(w, r, path);
    } else {
        dirs_drop(w, d);
    }
    if (path[0] == 0) {
        walks_scan_root(w, r);
    } else if (!(mask & IN_DELETE_SELF)) {
        walks_add(w, r, path, WALK_NEW, ORIGIN_FOUND);
    }
    free(path);
}

static void on_subfolder(struct watcher *w, struct dir *d, uint32_t mask,
                         const char *name)
{
    char path[PATH_MAX];
    int n = snprintf(path, sizeof(path), "%s%s%s", d->path, d->path[0] ? "/" : "", name);
    if (name[0] == '.' || n >= (int)sizeof(path)) {
        return;
    }
    if (mask & IN_MOVED_FROM) {
        dirs_drop_below(w, d->root, path);
    } else if (mask & (IN_CREATE | IN_MOVED_TO)) {
        walks_add(w, d->root, path, WALK_NEW,
                  mask & IN_CREATE ? ORIGIN_MADE : ORIGIN_MOVED);
    }
}

static void on_event(struct watcher *w, struct dir *d, uint32_t mask, const char *name)
{
    if (mask & (IN_DELETE_SELF | IN_MOVE_SELF | IN_IGNORED)) {
        on_folder_gone(w, d, mask);
    } else if (mask & IN_ISDIR) {
        on_subfolder(w, d, mask, name);
    } else if (mask & (IN_CREATE | IN_CLOSE_WRITE | IN_MOVED_TO)) {
        if (ingest_is_candidate(name)) {
            files_event(w, d->root, d->path, name, mask);
        }
    }
}

void watch_feed(struct watcher *w, const void *events, size_t len)
{
    const char *p = events;
    while (len >= sizeof(struct inotify_event)) {
        struct inotify_event ev;
        memcpy(&ev, p, sizeof(ev));
        const char *name = ev.len ? p + sizeof(ev) : "";
        struct dir *d = dirs_find(w, ev.wd);
        if (ev.mask & IN_Q_OVERFLOW) {
            on_overflow(w);
        } else if (d) {
            on_event(w, d, ev.mask, name);
        } else if (w->step.is_busy) {
            // The thread may just have set this watch; its folder is known when it is done.
            keep_early(w, &ev, name);
        }
        p += sizeof(ev) + ev.len;
        len -= sizeof(ev) + ev.len;
    }
    watch_go_on(w);
}

void watch_replay_early(struct watcher *w)
{
    struct list *node;
    while ((node = list_pop_front(&w->early))) {
        struct early *e = container_of(node, struct early, node);
        struct dir *d = dirs_find(w, e->wd);
        if (d) {
            on_event(w, d, e->mask, e->name);
        }
        free(e);
    }
    w->n_early = 0;
}

static void on_readable(uv_poll_t *poll, int status, int events)
{
    struct watcher *w = container_of(poll, struct watcher, poll);
    (void)status;
    (void)events;
    char buf[READ_BYTES];
    for (int i = 0; i < MAX_READS; i++) {
        ssize_t n = read(w->watch.inotify_fd, buf, sizeof(buf));
        if (n <= 0) {
            return;
        }
        watch_feed(w, buf, (size_t)n);
        if (w->is_closing) {
            return;
        }
    }
}
