// wishes.c -- what a person wants of the workers: pause, resume, a model loaded or unloaded.
// SPDX-License-Identifier: MIT
#include "api/call.h"
#include "base/mem.h"
#include "store/pause.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { LOOK_EVERY_MS = 20, LOOK_AT_MOST_MS = 15000 };

// ---- pause and resume

struct pausing {
    struct vlmd *v;
    struct store_pause req;
    vlmd_done_fn *fn;
    void *arg;
};

static void on_paused(struct store_pause *r, int err)
{
    struct pausing *p = container_of(r, struct pausing, req);
    struct vlmd *v = p->v;
    if (!err && v->app.schedule) {
        schedule_note_pause(v->app.schedule,
                            r->until_ms);  // this one, too, may be working
    }
    app_wake(&v->app);
    if (p->fn) {
        p->fn(p->arg, err, call_words(&r->err, err));
    }
    free(p);
    call_end(v);
}

static int set_pause(vlmd *v, int64_t until_ms, vlmd_done_fn *fn, void *arg)
{
    int rc = call_check(v);
    if (rc) {
        return rc;
    }
    struct pausing *p = mem_new(struct pausing);
    p->v = v;
    p->fn = fn;
    p->arg = arg;
    p->req.until_ms = until_ms;
    call_begin(v);
    store_pause(v->app.store, &p->req, on_paused);
    return 0;
}

int vlmd_pause(vlmd *v, int64_t until_ms, vlmd_done_fn *fn, void *arg)
{
    return until_ms <= loop_wall_ms() ? E_USAGE : set_pause(v, until_ms, fn, arg);
}

int vlmd_resume(vlmd *v, vlmd_done_fn *fn, void *arg)
{
    return set_pause(v, 0, fn, arg);
}

// ---- models

// Waits until the backends were looked for, asks each that is meant, and until all have told.
struct wish {
    struct vlmd *v;
    uv_timer_t timer;
    int64_t until_ms;
    bool is_load;
    char *backend;   // owned; NULL = the one that serves, or for an unload all
    int pending;     // that will tell
    int done;        // that did what was wanted, or had nothing to do
    struct err err;  // of the first that failed
    vlmd_done_fn *fn;
    void *arg;
};

static void on_wish_closed(uv_handle_t *handle)
{
    struct wish *w = handle->data;
    struct vlmd *v = w->v;
    if (w->fn) {
        w->fn(w->arg, w->err.code, call_words(&w->err, w->err.code));
    }
    free(w->backend);
    free(w);
    call_end(v);
}

static void maybe_end(struct wish *w)
{
    if (w->pending == 0) {
        uv_close((uv_handle_t *)&w->timer, on_wish_closed);
    }
}

static void on_told(void *arg, int err, const char *words)
{
    struct wish *w = arg;
    w->pending--;
    w->done += err == 0;
    if (err && w->err.code == 0) {
        err_set(&w->err, err, "%s", words);
    }
    maybe_end(w);
}

static void ask(struct wish *w, const char *name)
{
    struct dispatch *d = w->v->app.dispatch;
    struct err e = {0};
    int rc = w->is_load ? dispatch_load(d, name, on_told, w, &e)
                        : dispatch_unload(d, name, on_told, w, &e);
    w->pending += rc == 0;
    w->done += rc > 0;
    if (rc < 0 && w->err.code == 0) {
        w->err = e;
    }
}

// Of servers that are merely guessed most are not there: that is no failure.
static void ask_all(struct wish *w)
{
    struct vlmd_backend_status all[VLMD_MAX_BACKENDS];
    int n = dispatch_status(w->v->app.dispatch, all, VLMD_MAX_BACKENDS);
    for (int i = 0; i < n; i++) {
        bool is_model = strcmp(all[i].url, "ocr") != 0;
        bool is_there = *all[i].kind && strcmp(all[i].state, "away") != 0;
        if (is_model && (is_there || !w->v->app.config->is_auto)) {
            ask(w, all[i].name);
        }
    }
}

static void begin(struct wish *w)
{
    w->pending++;  // so that none that tells at once ends it
    if (w->is_load || w->backend) {
        ask(w, w->backend);
    } else {
        ask_all(w);
    }
    w->pending--;
    if (w->pending + w->done == 0 && w->err.code == 0) {
        err_set(&w->err, E_NET, "no backend answers");
    }
    maybe_end(w);
}

static void on_look(uv_timer_t *t)
{
    struct wish *w = t->data;
    struct app *a = &w->v->app;
    if (a->stop_seen) {
        err_set(&w->err, E_CANCELED, "%s", err_words(E_CANCELED));
        uv_timer_stop(t);
        maybe_end(w);
    } else if (dispatch_has_looked(a->dispatch) || loop_now_ms(&a->loop) >= w->until_ms) {
        uv_timer_stop(t);
        begin(w);
    }
}

static int wish_for(vlmd *v, bool is_load, const char *backend, vlmd_done_fn *fn,
                    void *arg)
{
    int rc = v->app.role == VLMD_WORKER ? call_check(v) : E_USAGE;
    if (rc) {
        return rc;
    }
    struct wish *w = mem_new(struct wish);
    w->v = v;
    w->is_load = is_load;
    w->backend = backend ? mem_dup(backend) : NULL;
    w->fn = fn;
    w->arg = arg;
    w->until_ms = loop_now_ms(&v->app.loop) + LOOK_AT_MOST_MS;
    uv_timer_init(&v->app.loop.uv, &w->timer);
    w->timer.data = w;
    uv_timer_start(&w->timer, on_look, 0, LOOK_EVERY_MS);
    call_begin(v);
    return 0;
}

int vlmd_model_load(vlmd *v, const char *backend, vlmd_done_fn *fn, void *arg)
{
    return wish_for(v, true, backend, fn, arg);
}

int vlmd_model_unload(vlmd *v, const char *backend, vlmd_done_fn *fn, void *arg)
{
    return wish_for(v, false, backend, fn, arg);
}
