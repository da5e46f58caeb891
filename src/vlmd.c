// vlmd.c -- the public interface: opening, running, stopping, giving work.
//
// Questions and changes are in questions.c, checks in doctor.c.
// SPDX-License-Identifier: MIT
#include "vlmd.h"

#include "api/call.h"
#include "base/log.h"
#include "base/log_file.h"
#include "base/mem.h"
#include "image/image.h"
#include "observe/monitor.h"
#include "ocr/ocr.h"
#include "start.h"
#include "store/stats.h"
#include "vlmd_loop.h"

#include <limits.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#define TEXT_OF(x) #x
#define TEXT(x)    TEXT_OF(x)
#define VERSION                                                                          \
    TEXT(VLMD_VERSION_MAJOR) "." TEXT(VLMD_VERSION_MINOR) "." TEXT(VLMD_VERSION_PATCH)

const char *vlmd_version(void)
{
    return VERSION;
}

int call_check(const struct vlmd *v)
{
    return v->is_closing ? E_CANCELED : 0;
}

void call_begin(struct vlmd *v)
{
    v->pending++;
    v->must_step = true;
}

void call_end(struct vlmd *v)
{
    v->pending--;
}

const char *call_words(const struct err *e, int code)
{
    return code == 0 ? "" : e->msg[0] ? e->msg : err_words(code);
}

void vlmd_ask_as(vlmd *v, const char *correlation_id)
{
    loop_ask_as(&v->app.loop, correlation_id);
}

// ---- the log

static vlmd_log_fn *host_log;
static void *host_log_arg;

static void to_host(void *arg, const struct log_line *line)
{
    (void)arg;
    host_log(host_log_arg, (enum vlmd_log_level)line->level, line->at_ms, line->module,
             line->message);
}

static void set_levels(const struct config *c)
{
    struct log_levels levels = {.base = LOG_INFO};
    if (log_parse_levels(c->log_level, &levels)) {
        log_set_levels(&levels);
    }
}

static int set_log_file(const struct config *c, struct err *why)
{
    if (!c->log_file) {
        return 0;
    }
    set_levels(c);
    return log_file_open(c->log_file, strcmp(c->log_format, "json") == 0, why);
}

void vlmd_log_reopen(void)
{
    log_file_reopen();
}

static void set_log(const struct vlmd_options *o, const struct config *c)
{
    if (!o->on_log) {
        return;
    }
    log_clear_sink(to_host, NULL);
    host_log = o->on_log;
    host_log_arg = o->log_arg;
    set_levels(c);
    log_set_sink(to_host, NULL);
}

// ---- opening

struct problems {
    char first[400];
    int n, warnings;
};

static void note_problem(void *arg, bool is_error, const char *where, const char *words)
{
    struct problems *p = arg;
    if (!is_error) {
        p->warnings++;
        log_warn("config", "%s: %s", where, words);
        return;
    }
    if (p->n++ == 0) {
        snprintf(p->first, sizeof(p->first), "%s: %s", where, words);
    }
}

static void config_error(const struct problems *p, int rc, struct vlmd_error *e)
{
    e->code = rc;
    if (p->n > 1) {
        snprintf(e->message, sizeof(e->message),
                 "%s (and %d more: `vlmd config check` shows all)", p->first, p->n - 1);
    } else {
        snprintf(e->message, sizeof(e->message), "%s", p->n ? p->first : err_words(rc));
    }
}

int vlmd_open(const struct vlmd_options *options, vlmd **out, struct vlmd_error *error)
{
    static const struct vlmd_options none;
    const struct vlmd_options *o = options ? options : &none;
    struct vlmd_error ignored;
    struct vlmd_error *e = error ? error : &ignored;
    struct problems problems = {0};
    struct config *config = NULL;
    struct err why = {0};
    *out = NULL;
    *e = (struct vlmd_error){0};
    uint64_t began_ns = uv_hrtime();
    int rc = config_load(&config, o, note_problem, &problems);
    if (rc) {
        config_error(&problems, rc, e);
        start_tell(o, "config", "fail", began_ns, e->message);
        return rc;
    }
    set_log(o, config);
    start_tell(o, "config", problems.warnings ? "warn" : "ok", began_ns,
               config->file ? config->file : "none, the defaults serve");
    struct vlmd *v = mem_new(struct vlmd);
    rc = set_log_file(config, &why);
    if (rc) {
        start_tell(o, "log", "fail", began_ns, why.msg);
    }
    rc = rc ? rc : app_open(&v->app, config, o, &why);
    if (rc) {
        e->code = rc;
        snprintf(e->message, sizeof(e->message), "%s", why.msg);
        config_free(config);
        free(v);
        return rc;
    }
    v->must_step = true;
    reload_keep(&v->reload, o);
    *out = v;
    return 0;
}

void vlmd_close(vlmd *v)
{
    if (!v) {
        return;
    }
    struct config *config = v->app.config;
    v->is_closing = true;
    app_close(&v->app);
    if (config->log_file) {
        log_file_close();
    }
    config_free(config);
    reload_fini(&v->reload);
    free(v);
}

// ---- running

static bool is_done(const vlmd *v)
{
    const struct app *a = &v->app;
    if (a->role == VLMD_CLIENT) {
        return a->is_finished || v->pending == 0;
    }
    bool has_nothing = !a->is_working && !a->is_batch && v->pending == 0;
    return (a->is_finished && v->pending == 0 && a->tells_under_way == 0) || has_nothing;
}

int vlmd_run(vlmd *v)
{
    while (!is_done(v)) {
        uv_run(&v->app.loop.uv, UV_RUN_ONCE);
    }
    return v->app.result;
}

int vlmd_fd(vlmd *v)
{
    return uv_backend_fd(&v->app.loop.uv);
}

// libuv registers a new socket, and before_sleep sees a changed state, only when the loop
// runs the next time: after a turn in which something happened it must run once more
// before it may be waited for.
int vlmd_timeout_ms(vlmd *v)
{
    if (v->must_step) {
        return 0;
    }
    if (is_done(v)) {
        return -1;
    }
    uv_update_time(&v->app.loop.uv);  // the host may have been busy since the last step
    return uv_backend_timeout(&v->app.loop.uv);
}

static bool has_events(const vlmd *v)
{
    struct pollfd fd = {.fd = uv_backend_fd(&v->app.loop.uv), .events = POLLIN};
    return poll(&fd, 1, 0) > 0;
}

// What the host did since the last turn is not the loop's.
static void look_at_lag(struct vlmd *v, bool looks_ahead)
{
    struct lag *lag = v->app.monitor ? &v->app.monitor->lag : NULL;
    if (lag) {
        lag->looks_ahead = looks_ahead;
        lag_resume(lag);
    }
}

// What arrives while before_sleep is at work is handed over in the same turn, unseen from
// here: lag's look, the last thing before poll, sees it.
bool vlmd_step(vlmd *v)
{
    uv_loop_t *loop = &v->app.loop.uv;
    struct lag *lag = v->app.monitor ? &v->app.monitor->lag : NULL;
    uv_update_time(loop);
    bool was_called = v->must_step;
    bool is_busy = has_events(v) || uv_backend_timeout(loop) == 0;
    look_at_lag(v, true);
    uv_run(loop, UV_RUN_NOWAIT);
    v->must_step = is_busy || (lag && lag->has_arrived) || (was_called && has_events(v));
    return !is_done(v);
}

static void on_turn_over(uv_timer_t *t)
{
    (void)t;  // the turn ends with it
}

bool vlmd_turn(vlmd *v, int64_t max_ms)
{
    uv_loop_t *loop = &v->app.loop.uv;
    look_at_lag(v, false);
    if (max_ms > 0) {
        uv_update_time(loop);
        uv_timer_start(&v->app.turn, on_turn_over, (uint64_t)max_ms, 0);
    }
    uv_run(loop, max_ms ? UV_RUN_ONCE : UV_RUN_NOWAIT);
    uv_timer_stop(&v->app.turn);
    v->must_step = true;  // for who waits as a host after this
    return !is_done(v);
}

void vlmd_wake(vlmd *v)
{
    waker_send(&v->app.wake);
}

int vlmd_post(vlmd *v, void (*fn)(void *arg), void *arg)
{
    return app_post(&v->app, fn, arg);
}

void vlmd_stop(vlmd *v, enum vlmd_stop_how how)
{
    app_stop(&v->app, how);
}

// ---- giving work

static int say(struct vlmd_error *error, int code, const char *words)
{
    if (error) {
        error->code = code;
        snprintf(error->message, sizeof(error->message), "%s", words);
    }
    return code;
}

static int needs_worker(const vlmd *v, struct vlmd_error *error)
{
    int rc = call_check(v);
    if (rc) {
        return say(error, rc, "this handle is being closed");
    }
    if (v->app.role == VLMD_WORKER) {
        return 0;
    }
    return say(error, E_USAGE, "this handle was opened as a client, not as a worker");
}

static int watch_one(vlmd *v, const char *dir, char *chosen, size_t chosen_size,
                     struct vlmd_error *error)
{
    char real[PATH_MAX];
    struct err why = {0};
    if (!realpath(dir, real)) {
        char words[400];
        snprintf(words, sizeof(words),
                 "%.300s: no such folder (make it, or name another)", dir);
        return say(error, E_NOT_FOUND, words);
    }
    if (chosen) {
        snprintf(chosen, chosen_size, "%s", real);
    }
    int rc = app_watch(&v->app, real, &why);
    v->must_step = true;
    return rc ? say(error, rc, call_words(&why, rc)) : 0;
}

int vlmd_watch(vlmd *v, const char *dir, char *chosen, size_t chosen_size,
               struct vlmd_error *error)
{
    int rc = needs_worker(v, error);
    if (rc) {
        return rc;
    }
    if (dir) {
        return watch_one(v, dir, chosen, chosen_size, error);
    }
    const char *const *configured = v->app.config->watch_dirs;
    if (!configured[0]) {
        char found[PATH_MAX];
        if (config_find_folder(found, sizeof(found))) {
            return say(error, E_NOT_FOUND,
                       "no screenshot folder found: name one (vlmd watch DIR)");
        }
        return watch_one(v, found, chosen, chosen_size, error);
    }
    for (int i = 0; configured[i] && rc == 0; i++) {
        rc = watch_one(v, configured[i], chosen, chosen_size, error);
    }
    return rc;
}

int vlmd_work(vlmd *v)
{
    int rc = needs_worker(v, NULL);
    if (rc) {
        return rc;
    }
    if (v->app.is_batch) {
        return E_USAGE;
    }
    app_work(&v->app);
    v->must_step = true;
    return 0;
}

int vlmd_batch(vlmd *v, const char *const *inputs, int n_inputs, struct vlmd_error *error)
{
    struct err why = {0};
    int rc = needs_worker(v, error);
    if (rc) {
        return rc;
    }
    if (n_inputs <= 0) {
        return say(error, E_USAGE,
                   "batch: nothing to describe: name files, folders, URLs, or -");
    }
    rc = app_batch(&v->app, inputs, n_inputs, &why);
    v->must_step = true;
    return rc ? say(error, rc, call_words(&why, rc)) : 0;
}

// ---- listening

vlmd_subscription *vlmd_subscribe(vlmd *v, vlmd_event_fn *fn, void *arg)
{
    return event_subscribe(&v->app.events, fn, arg);
}

void vlmd_unsubscribe(vlmd_subscription *s)
{
    event_unsubscribe(s);
}

// ---- for a face in the same program

struct loop *vlmd_loop(vlmd *v)
{
    v->must_step = true;
    return &v->app.loop;
}

void vlmd_load(vlmd *v, struct vlmd_load *out)
{
    int queued, preparing;
    image_load(v->app.images, &queued, &preparing);
    *out = (struct vlmd_load){.is_describing = v->app.pipeline.jobs.total > 0,
                              .n_working = preparing + ocr_reading(v->app.ocr),
                              .questions_us = store_read_us(v->app.store)};
}

int64_t vlmd_id_now(const vlmd *v, int64_t id)
{
    return merged_now(&v->app.merged, id);
}

const struct vlmd_admin_config *vlmd_admin_config(vlmd *v)
{
    struct config *c = v->app.config;
    c->admin.submit_dirs = c->admin_submit_dirs;
    return &c->admin;
}

void vlmd_data_dir(vlmd *v, char *out, size_t size)
{
    snprintf(out, size, "%s", store_path(v->app.store));
    char *slash = strrchr(out, '/');
    if (slash) {
        slash[slash == out] = 0;
    }
}

// ---- configuration

int vlmd_config_check(const struct vlmd_options *options, vlmd_key_fn *on_key,
                      vlmd_problem_fn *on_problem, void *arg)
{
    struct config *c = NULL;
    int rc = config_load(&c, options, on_problem, arg);
    if (rc == 0 && on_key) {
        config_each(c, on_key, arg);
    }
    config_free(c);
    return rc;
}

void vlmd_config_each(vlmd *v, vlmd_key_fn *fn, void *arg)
{
    config_each(v->app.config, fn, arg);
}

char *vlmd_config_sample(void)
{
    return config_sample();
}

const char *vlmd_config_path(char *out, size_t size)
{
    return config_path(out, size);
}
