// doctor.c -- checks a person can act on, and the models the backends have.
//
// Nothing here loads a model or sends a picture: a worker that was given no work only looks.
// SPDX-License-Identifier: MIT
#include "base/mem.h"
#include "call.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/statvfs.h>
#include <unistd.h>

enum { LOOK_EVERY_MS = 20, LOOK_AT_MOST_MS = 15000, LOW_DISK_MB = 512 };

// ---- waiting until every backend was looked for

struct look {
    struct vlmd *v;
    uv_timer_t timer;
    int64_t until_ms;
    void (*then)(struct look *l);
    vlmd_check_fn *on_check;
    vlmd_model_fn *on_model;
    vlmd_end_fn *on_end;
    void *arg;
    struct store_check check;
    int err;  // of the whole look
};

static void on_look_closed(uv_handle_t *handle)
{
    struct look *l = handle->data;
    struct vlmd *v = l->v;
    if (l->on_end) {
        l->on_end(l->arg, l->err, l->err ? err_words(l->err) : "");
    }
    free(l);
    call_end(v);
}

static void end_look(struct look *l)
{
    uv_close((uv_handle_t *)&l->timer, on_look_closed);
}

// After a stop the parts may be gone.
static bool is_stopped(struct look *l)
{
    if (l->v->app.stop_seen == 0) {
        return false;
    }
    l->err = E_CANCELED;
    end_look(l);
    return true;
}

static void on_look(uv_timer_t *t)
{
    struct look *l = t->data;
    struct app *a = &l->v->app;
    if (is_stopped(l)) {
        return;
    }
    if (dispatch_has_looked(a->dispatch) || loop_now_ms(&a->loop) >= l->until_ms) {
        uv_timer_stop(t);
        l->then(l);
    }
}

static struct look *start_look(vlmd *v, void (*then)(struct look *l))
{
    struct look *l = mem_new(struct look);
    l->v = v;
    l->then = then;
    l->until_ms = loop_now_ms(&v->app.loop) + LOOK_AT_MOST_MS;
    uv_timer_init(&v->app.loop.uv, &l->timer);
    l->timer.data = l;
    uv_timer_start(&l->timer, on_look, 0, LOOK_EVERY_MS);
    call_begin(v);
    return l;
}

// ---- doctor

static void tell(struct look *l, const char *name, enum vlmd_check_result result,
                 const char *words, const char *todo)
{
    struct vlmd_check c = {.name = name, .result = result, .words = words, .todo = todo};
    l->on_check(l->arg, &c);
}

static void check_config(struct look *l)
{
    const struct config *c = l->v->app.config;
    tell(l, "configuration", VLMD_CHECK_OK,
         c->file ? c->file : "none, the defaults serve", "");
}

static void check_disk(struct look *l)
{
    struct statvfs fs;
    const char *path = store_path(l->v->app.store);
    if (statvfs(path, &fs) != 0) {
        tell(l, "disk", VLMD_CHECK_FAIL, "the database's disk can not be looked at",
             "check the path with `vlmd config show`");
        return;
    }
    unsigned long long mb = (unsigned long long)fs.f_bavail * fs.f_frsize >> 20;
    char words[120];
    snprintf(words, sizeof(words), "%llu MB free where the database is", mb);
    tell(l, "disk", mb < LOW_DISK_MB ? VLMD_CHECK_WARN : VLMD_CHECK_OK, words,
         mb < LOW_DISK_MB ? "free some space: work pauses when the disk is full" : "");
}

static void check_folder(struct look *l, const char *dir)
{
    char words[600];
    if (access(dir, R_OK | X_OK) != 0) {
        snprintf(words, sizeof(words), "%.400s can not be read", dir);
        tell(l, "folder", VLMD_CHECK_FAIL, words,
             "make it, or name another in watch.dirs");
    } else {
        snprintf(words, sizeof(words), "%.400s", dir);
        tell(l, "folder", VLMD_CHECK_OK, words, "");
    }
}

static void check_folders(struct look *l)
{
    const char *const *dirs = l->v->app.config->watch_dirs;
    char found[4096];
    for (int i = 0; dirs[i]; i++) {
        check_folder(l, dirs[i]);
    }
    if (dirs[0]) {
        return;
    }
    if (config_find_folder(found, sizeof(found)) == 0) {
        check_folder(l, found);
    } else {
        tell(l, "folder", VLMD_CHECK_WARN, "no screenshot folder was found",
             "name one: vlmd watch DIR");
    }
}

static void check_watches(struct look *l)
{
    long max = 0;
    FILE *f = fopen("/proc/sys/fs/inotify/max_user_watches", "re");
    bool is_known = f && fscanf(f, "%ld", &max) == 1;
    if (f) {
        fclose(f);
    }
    char words[120];
    snprintf(words, sizeof(words), "%ld folders can be watched", max);
    if (!is_known) {
        tell(l, "inotify", VLMD_CHECK_WARN, "not available: folders are polled", "");
    } else {
        tell(l, "inotify", max < 1024 ? VLMD_CHECK_WARN : VLMD_CHECK_OK, words,
             max < 1024 ? "raise fs.inotify.max_user_watches" : "");
    }
}

static void check_ocr(struct look *l)
{
    struct app *a = &l->v->app;
    struct err why = {0};
    if (a->config->ocr_when == CONFIG_OCR_NEVER) {
        tell(l, "ocr", VLMD_CHECK_OK, "switched off", "");
    } else if (ocr_is_available(a->ocr, &why)) {
        tell(l, "ocr", VLMD_CHECK_OK, "the helper program is there", "");
    } else {
        tell(l, "ocr", VLMD_CHECK_FAIL, why.msg, "install vlmd-ocr beside vlmd");
    }
}

static bool check_backend(struct look *l, const struct vlmd_backend_status *b)
{
    bool is_ready = strcmp(b->state, "ready") == 0 || strcmp(b->state, "standby") == 0 ||
                    strcmp(b->state, "loading") == 0;
    char name[200], words[600];
    snprintf(name, sizeof(name), "backend %s", b->url);
    if (is_ready) {
        snprintf(words, sizeof(words), "%s, model %s%s", b->kind, b->model,
                 b->is_remote ? " (another machine)" : "");
        tell(l, name, VLMD_CHECK_OK, words, "");
        return true;
    }
    bool is_guess = l->v->app.config->is_auto;
    snprintf(words, sizeof(words), "%s: %s", b->state, b->reason);
    if (is_guess && strcmp(b->state, "misconfigured") != 0) {
        return false;  // nobody said there is one
    }
    tell(l, name, is_guess ? VLMD_CHECK_WARN : VLMD_CHECK_FAIL, words,
         "start it, or name another one with --backend URL");
    return false;
}

static void check_backends(struct look *l)
{
    struct vlmd_backend_status all[VLMD_MAX_BACKENDS];
    int n = dispatch_status(l->v->app.dispatch, all, VLMD_MAX_BACKENDS);
    int good = 0;
    for (int i = 0; i < n; i++) {
        if (strcmp(all[i].url, "ocr") != 0) {
            good += check_backend(l, &all[i]);
        }
    }
    if (l->v->app.config->is_auto && good == 0) {
        tell(l, "backend", VLMD_CHECK_WARN,
             "no VLM server answers on the usual local ports",
             "start Ollama, LM Studio or another one, or name it with --backend URL; "
             "until "
             "then pictures are described by OCR");
    }
}

static void on_store_checked(struct store_check *c, int err)
{
    struct look *l = container_of(c, struct look, check);
    if (is_stopped(l)) {
        return;
    }
    bool is_ok = err == 0 && c->is_ok;
    tell(l, "database", is_ok ? VLMD_CHECK_OK : VLMD_CHECK_FAIL,
         err ? call_words(&c->err, err) : c->words,
         is_ok ? "" : "stop vlmd and restore a copy of the database");
    check_disk(l);
    check_folders(l);
    check_watches(l);
    check_ocr(l);
    check_backends(l);
    end_look(l);
}

static void examine(struct look *l)
{
    check_config(l);
    store_check(l->v->app.store, &l->check, on_store_checked);
}

int vlmd_doctor(vlmd *v, vlmd_check_fn *on_check, vlmd_end_fn *on_end, void *arg)
{
    int rc = v->app.role == VLMD_WORKER ? call_check(v) : E_USAGE;
    if (rc) {
        return rc;
    }
    struct look *l = start_look(v, examine);
    l->on_check = on_check;
    l->on_end = on_end;
    l->arg = arg;
    return 0;
}

// ---- models

static void tell_model(struct look *l, const struct vlmd_backend_status *b,
                       const struct backend_facts *f, int i)
{
    struct vlmd_model m = {
        .backend = b->name,
        .url = b->url,
        .kind = b->kind,
        .model = f->models[i],
        .has_vision = f->model_vision[i],
        .is_loaded = f->model_loaded[i],
        .is_chosen = strcmp(f->models[i], f->model) == 0,
        .error = "",
    };
    l->on_model(l->arg, &m);
}

static void tell_no_model(struct look *l, const struct vlmd_backend_status *b)
{
    bool is_silent_guess = l->v->app.config->is_auto && strcmp(b->state, "away") == 0;
    if (is_silent_guess) {
        return;
    }
    struct vlmd_model m = {.backend = b->name,
                           .url = b->url,
                           .kind = b->kind,
                           .model = "",
                           .error = b->reason};
    l->on_model(l->arg, &m);
}

static void list_models(struct look *l)
{
    struct vlmd_backend_status all[VLMD_MAX_BACKENDS];
    int n = dispatch_status(l->v->app.dispatch, all, VLMD_MAX_BACKENDS);
    for (int i = 0; i < n; i++) {
        const struct backend_facts *f = dispatch_facts(l->v->app.dispatch, i);
        bool is_stand_in = strcmp(all[i].url, "ocr") == 0;
        if (f && f->n_models > 0) {
            for (int k = 0; k < f->n_models; k++) {
                tell_model(l, &all[i], f, k);
            }
        } else if (!is_stand_in) {
            tell_no_model(l, &all[i]);
        }
    }
    end_look(l);
}

int vlmd_models(vlmd *v, vlmd_model_fn *on_model, vlmd_end_fn *on_end, void *arg)
{
    int rc = v->app.role == VLMD_WORKER ? call_check(v) : E_USAGE;
    if (rc) {
        return rc;
    }
    struct look *l = start_look(v, list_models);
    l->on_model = on_model;
    l->on_end = on_end;
    l->arg = arg;
    return 0;
}
