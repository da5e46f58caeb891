// checkups.c -- what is asked in a round, and what the answers mean.  Real requests.
//
// Each function begins one kind of checkup; the callbacks after it tell its state and let go
// of it.
// SPDX-License-Identifier: MIT
#include "observe/checkup.h"

#include <dirent.h>
#include <errno.h>
#include <stdio.h>
#include <string.h>

#define MB (1 << 20)

enum { LOW_DISK_MB = 512, MAX_REPLY = 256 << 10 };

static bool is_stopped(const struct checkup *c)
{
    return c->round->app->stop_seen != 0;
}

// ---- backends: found out anew, as if they had never been seen

static const struct vlmd_backend_status *known_as(const struct checkup *c,
                                                  struct vlmd_backend_status *all)
{
    const struct app *a = c->round->app;
    int n = is_stopped(c) ? 0 : dispatch_status(a->dispatch, all, VLMD_MAX_BACKENDS);
    for (int i = 0; i < n; i++) {
        if (strcmp(all[i].url, c->url) == 0) {
            return &all[i];
        }
    }
    return NULL;
}

// It answers; but does vlmd ask it?
static void tell_reached(struct checkup *c)
{
    const struct backend_facts *f = backend_facts(c->backend);
    struct vlmd_backend_status all[VLMD_MAX_BACKENDS];
    const struct vlmd_backend_status *s = known_as(c, all);
    bool is_left =
        s && (strcmp(s->state, "away") == 0 || strcmp(s->state, "misconfigured") == 0);
    if (f->is_remote && !c->round->app->config->privacy.policy.allow_remote) {
        checkup_tell(c, HEALTH_UNHEALTHY, err_todo(E_REMOTE), "%s, model %s: %s",
                     backend_kind_name(f->kind), f->model, err_words(E_REMOTE));
    } else if (is_left) {
        checkup_tell(c, HEALTH_DEGRADED, "it is asked again by itself",
                     "%s, model %s; it answers, but is left alone: %s",
                     backend_kind_name(f->kind), f->model, s->reason);
    } else {
        checkup_tell(c, HEALTH_HEALTHY, "", "%s, model %s%s", backend_kind_name(f->kind),
                     f->model, f->is_remote ? " (another machine)" : "");
    }
}

static void on_probed(struct backend_call *call, int err)
{
    struct checkup *c = container_of(call, struct checkup, call);
    c->is_hidden = err == E_NET && c->round->app->config->is_auto;
    if (err == 0) {
        tell_reached(c);
    } else if (err == E_LOADING) {
        checkup_tell(c, HEALTH_DEGRADED, err_todo(err), "%s", err_words(err));
    } else {
        checkup_tell(c, HEALTH_UNHEALTHY, err_todo(err), "%s",
                     call->err.msg[0] ? call->err.msg : err_words(err));
    }
    backend_free(c->backend);
    c->backend = NULL;
    checkup_drop(c);
}

static void add_backend(struct health_round *r, const struct backend_config *config)
{
    struct app *a = r->app;
    struct checkup *c = checkup_add(r, "backend", "backend %s", config->url);
    if (!c) {
        return;
    }
    c->url = config->url;
    c->backend_config = *config;
    c->backend_config.timeouts.probe_ms = r->timeout_ms;
    c->backend_config.timeouts.connect_ms = r->timeout_ms;
    int rc = backend_new(&c->backend, &a->loop, a->http, &c->backend_config);
    if (rc) {
        checkup_tell(c, HEALTH_UNHEALTHY, err_todo(rc), "%s", err_words(rc));
        return;
    }
    c->response_ms = 0;
    checkup_hold(c);
    backend_probe(c->backend, &c->call, on_probed);
}

static void add_backends(struct health_round *r)
{
    const struct config *config = r->app->config;
    const struct backend_config *all =
        config->is_auto ? r->app->searched : config->backends;
    int n = config->is_auto ? (int)(sizeof(r->app->searched) / sizeof(*all))
                            : config->n_backends;
    for (int i = 0; i < n && all[i].url; i++) {
        add_backend(r, &all[i]);
    }
}

static void add_ocr(struct health_round *r)
{
    struct app *a = r->app;
    struct checkup *c = checkup_add(r, "ocr", "ocr");
    struct err why = {0};
    if (!c) {
        return;
    }
    if (a->config->ocr_when == CONFIG_OCR_NEVER && !a->config->has_ocr_backend) {
        checkup_tell(c, HEALTH_DISABLED, "", "switched off");
    } else if (ocr_is_available(a->ocr, &why)) {
        checkup_tell(c, HEALTH_HEALTHY, "", "the helper program is there");
    } else {
        checkup_tell(c, HEALTH_UNHEALTHY, "install vlmd-ocr beside vlmd", "%s", why.msg);
    }
}

// ---- the database: one row is read, then written

static void tell_store(struct checkup *c, int err, const struct err *why)
{
    if (err) {
        checkup_tell(c, HEALTH_UNHEALTHY, err_todo(err), "%s",
                     why->msg[0] ? why->msg : err_words(err));
    } else {
        checkup_tell(c, HEALTH_HEALTHY, "", "reads and writes");
    }
    checkup_drop(c);
}

static void on_written(struct store_profile *p, int err)
{
    tell_store(container_of(p, struct checkup, profile), err, &p->err);
}

static void on_read(struct store_profile *p, int err)
{
    struct checkup *c = container_of(p, struct checkup, profile);
    if (err || is_stopped(c)) {
        tell_store(c, err ? err : E_CANCELED, &p->err);
        return;
    }
    snprintf(p->value, sizeof(p->value), "%lld", (long long)loop_wall_ms());
    store_profile_keep(c->round->app->store, p, on_written);
}

static void add_store(struct health_round *r)
{
    struct checkup *c = checkup_add(r, "store", "database");
    if (c) {
        snprintf(c->profile.key, sizeof(c->profile.key), "health");
        c->response_ms = 0;
        checkup_hold(c);
        store_profile_find(r->app->store, &c->profile, on_read);
    }
}

// ---- folders and the disk: in threads of the round, as a dead network drive may hang

static void folder_run(struct pool_work *w, void *thread)
{
    struct checkup *c = container_of(w, struct checkup, work);
    (void)thread;
    DIR *dir = opendir(c->path);
    errno = 0;
    if (!dir || (!readdir(dir) && errno)) {
        c->err = err_from_errno(errno ? errno : EIO);
    }
    if (dir) {
        closedir(dir);
    }
}

static void folder_done(struct pool_work *w, int err)
{
    struct checkup *c = container_of(w, struct checkup, work);
    err = err ? err : c->err;
    if (err) {
        checkup_tell(c, HEALTH_UNHEALTHY, "make it, or name another in watch.dirs",
                     "%.300s can not be read: it %s", c->path, err_words(err));
    } else {
        checkup_tell(c, HEALTH_HEALTHY, "", "%.390s", c->path);
    }
    checkup_drop(c);
}

static void add_folder(struct health_round *r, const char *dir)
{
    struct checkup *c = checkup_add(r, "folder", "folder %s", dir);
    if (c) {
        snprintf(c->path, sizeof(c->path), "%s", dir);
        c->response_ms = 0;
        c->work = (struct pool_work){.run = folder_run, .done = folder_done};
        checkup_hold(c);
        pool_submit(r->pool, &c->work);
    }
}

static void add_watched(void *arg, const char *dir, bool is_lost)
{
    (void)is_lost;  // whether it is back is what is looked at
    add_folder(arg, dir);
}

bool health_each_folder(struct health_round *r,
                        void (*fn)(void *arg, const char *dir, bool is_lost), void *arg)
{
    const char *const *dirs = r->app->config->watch_dirs;
    char found[4096];
    if (r->app->watcher) {
        watcher_each(r->app->watcher, fn, arg);
        return true;
    }
    for (int i = 0; dirs[i]; i++) {
        fn(arg, dirs[i], false);
    }
    if (!dirs[0] && config_find_folder(found, sizeof(found))) {
        return false;
    }
    if (!dirs[0]) {
        fn(arg, found, false);
    }
    return true;
}

static void add_folders(struct health_round *r)
{
    if (health_each_folder(r, add_watched, r)) {
        return;
    }
    struct checkup *c = checkup_add(r, "folder", "folder");
    if (c) {
        checkup_tell(c, HEALTH_DISABLED, "name one: vlmd watch DIR",
                     "no screenshot folder was found");
    }
}

static void disk_run(struct pool_work *w, void *thread)
{
    struct checkup *c = container_of(w, struct checkup, work);
    (void)thread;
    c->err = machine_read_disk(c->path, &c->disk);
}

static void disk_done(struct pool_work *w, int err)
{
    struct checkup *c = container_of(w, struct checkup, work);
    long long mb = (long long)(c->disk.available / MB);
    bool is_full = c->disk.available < c->round->app->config->store.min_free_bytes;
    if (err || c->err) {
        checkup_tell(c, HEALTH_UNHEALTHY, "check the path with `vlmd config show`",
                     "the database's disk can not be looked at");
    } else if (is_full) {
        checkup_tell(c, HEALTH_UNHEALTHY, err_todo(E_FULL),
                     "%lld MB free where the database is: nothing is written", mb);
    } else if (mb < LOW_DISK_MB) {
        checkup_tell(c, HEALTH_DEGRADED,
                     "free some space: work pauses when the disk is full",
                     "%lld MB free where the database is", mb);
    } else {
        checkup_tell(c, HEALTH_HEALTHY, "", "%lld MB free where the database is", mb);
    }
    checkup_drop(c);
}

static void add_disk(struct health_round *r)
{
    struct checkup *c = checkup_add(r, "disk", "disk");
    if (c) {
        snprintf(c->path, sizeof(c->path), "%s", store_path(r->app->store));
        c->response_ms = 0;
        c->work = (struct pool_work){.run = disk_run, .done = disk_done};
        checkup_hold(c);
        pool_submit(r->pool, &c->work);
    }
}

// ---- addresses

static bool get(struct checkup *c, const char *url,
                void (*done)(struct http_req *r, int err))
{
    struct health_round *r = c->round;
    c->http = (struct http_req){
        .method = "GET",
        .url = url,
        .timeouts = {.connect_ms = r->timeout_ms, .total_ms = r->timeout_ms},
        .max_response_bytes = MAX_REPLY,
    };
    int rc = http_send(r->app->http, &c->http, done);
    if (rc) {
        checkup_tell(c, HEALTH_UNHEALTHY, "correct the address", "%s", err_words(rc));
        return false;
    }
    c->response_ms = 0;
    checkup_hold(c);
    return true;
}

// A longer answer than is wanted is one.
static int failure_of(const struct http_req *r, int err)
{
    return err == E_TOOBIG && r->status ? 0 : err;
}

static void on_url(struct http_req *r, int err)
{
    struct checkup *c = container_of(r, struct checkup, http);
    if (failure_of(r, err)) {
        checkup_tell(c, HEALTH_UNHEALTHY, "start what should answer there", "%s",
                     r->error[0] ? r->error : err_words(err));
    } else if (r->status >= 400) {
        checkup_tell(c, HEALTH_UNHEALTHY, "see its own log", "it answers %d", r->status);
    } else if (r->status >= 300) {
        checkup_tell(c, HEALTH_DEGRADED, "name the address it moved to",
                     "it answers %d: it has moved", r->status);
    } else {
        checkup_tell(c, HEALTH_HEALTHY, "", "it answers %d", r->status);
    }
    checkup_drop(c);
}

// Nothing is sent to it, so that most answer "method not allowed": it is there.
static void on_webhook(struct http_req *r, int err)
{
    struct checkup *c = container_of(r, struct checkup, http);
    bool is_refused =
        r->status == 401 || r->status == 403 || r->status == 404 || r->status == 410;
    if (failure_of(r, err)) {
        checkup_tell(c, HEALTH_UNHEALTHY, "check alerts.webhook", "%s",
                     r->error[0] ? r->error : err_words(err));
    } else if (r->status >= 500 || is_refused) {
        checkup_tell(c, HEALTH_DEGRADED, "check alerts.webhook", "it answers %d",
                     r->status);
    } else {
        checkup_tell(c, HEALTH_HEALTHY, "", "it is there (%d)", r->status);
    }
    checkup_drop(c);
}

static void add_webhook(struct health_round *r)
{
    const char *url = r->app->config->alert_webhook;
    struct checkup *c = checkup_add(r, "webhook", "webhook");
    if (c && url && *url) {
        (void)get(c, url, on_webhook);
    } else if (c) {
        checkup_tell(c, HEALTH_DISABLED, "", "alerts.webhook names none");
    }
}

static void add_urls(struct health_round *r)
{
    const char *const *urls = r->app->config->health_urls;
    for (int i = 0; urls[i]; i++) {
        struct checkup *c = checkup_add(r, "url", "%s", urls[i]);
        if (c) {
            (void)get(c, urls[i], on_url);
        }
    }
}

void health_add_all(struct health_round *r)
{
    add_store(r);
    add_disk(r);
    add_folders(r);
    add_ocr(r);
    add_backends(r);
    health_add_tracker(r);
    add_webhook(r);
    add_urls(r);
}
