// doctor.c -- checks a person can act on, and the models the backends have.
//
// Most checks are a round of checkup.h; what only a person waits for is added here.  Nothing
// loads a model or sends a picture: a worker that was given no work only looks.
// SPDX-License-Identifier: MIT
#include "api/call.h"
#include "base/mem.h"
#include "guard/pressure.h"
#include "io/host.h"
#include "learned.h"
#include "observe/checkup.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum {
    LOOK_EVERY_MS = 20,
    LOOK_AT_MOST_MS = 15000,
    LOOK_CLOSELY_MS = 300000,  // more: a model may have to be loaded for it
};

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
    struct store_profiles kept;  // rows are owned
    int err;                     // of the whole look
};

static void on_look_closed(uv_handle_t *handle)
{
    struct look *l = handle->data;
    struct vlmd *v = l->v;
    if (l->on_end) {
        l->on_end(l->arg, l->err, l->err ? err_words(l->err) : "");
    }
    free(l->kept.rows);
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

// What is switched off is well, unless something would have to be done first.
static void check_memory(struct look *l)
{
    struct host_req r = {.proc = "/proc", .sys = "/sys"};
    struct pressure p = {0};
    char words[160];
    host_look(&r);
    const struct pressure_sample s = {
        .used_bytes = r.used_bytes,
        .total_bytes = r.total_bytes,
        .group_bytes = r.group_bytes,
        .group_max_bytes = r.group_max_bytes,
        .rss_bytes = r.rss_bytes,
        .some_pct = r.some_pct,
        .full_pct = r.full_pct,
    };
    enum pressure_level level = pressure_judge(&p, &l->v->app.config->pressure, &s, 1);
    snprintf(words, sizeof(words), "%s, %d %% in use%s%s", pressure_name(level),
             pressure_used_pct(&s),
             r.group_max_bytes ? ", with a limit of its group" : "",
             r.some_pct < 0 ? "; the kernel does not say who waits for it" : "");
    bool is_short = level != PRESSURE_NORMAL;
    tell(l, "memory", is_short ? VLMD_CHECK_WARN : VLMD_CHECK_OK, words,
         is_short ? "close something, or take a smaller model: vlmd does less meanwhile"
                  : "");
}

static enum vlmd_check_result result_of(const struct checkup *c)
{
    switch (c->state) {
    case HEALTH_HEALTHY: return VLMD_CHECK_OK;
    case HEALTH_DEGRADED: return VLMD_CHECK_WARN;
    case HEALTH_UNHEALTHY: return VLMD_CHECK_FAIL;
    case HEALTH_DISABLED: return *c->todo ? VLMD_CHECK_WARN : VLMD_CHECK_OK;
    }
    return VLMD_CHECK_FAIL;
}

static void on_store_checked(struct store_check *c, int err)
{
    struct look *l = container_of(c, struct look, check);
    if (is_stopped(l)) {
        return;
    }
    bool is_ok = err == 0 && c->is_ok;
    tell(l, "integrity", is_ok ? VLMD_CHECK_OK : VLMD_CHECK_FAIL,
         err ? call_words(&c->err, err) : c->words,
         is_ok ? "" : "stop vlmd and restore a copy of the database");
    check_watches(l);
    check_memory(l);
    end_look(l);
}

static void on_asked(struct health_round *r)
{
    struct look *l = r->arg;
    int backends = 0;
    if (is_stopped(l)) {
        return;
    }
    for (int i = 0; i < r->n; i++) {
        const struct checkup *c = &r->checkups[i];
        if (!c->is_hidden) {
            tell(l, c->name, result_of(c), c->words, c->todo);
            backends += strcmp(c->kind, "backend") == 0 && c->state <= HEALTH_DEGRADED;
        }
    }
    if (l->v->app.config->is_auto && backends == 0) {
        tell(l, "backend", VLMD_CHECK_WARN,
             "no VLM server answers on the usual local ports",
             "start Ollama, LM Studio or another one, or name it with --backend URL; "
             "until then pictures are described by OCR");
    }
    store_check(l->v->app.store, &l->check, on_store_checked);
}

static void examine(struct look *l)
{
    check_config(l);
    int rc = health_start(&l->v->app, on_asked, NULL, l);
    if (rc) {
        l->err = rc;
        end_look(l);
    }
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

static const char *or_empty(const char *s)
{
    return s ? s : "";
}

// What is known of the chosen one only.
static void add_facts(struct vlmd_model *m, const struct backend_facts *f)
{
    m->has_vision = f->is_vision_sure ? f->has_vision : m->has_vision;
    m->is_vision_sure = f->is_vision_sure;
    m->version = f->version;
    m->formats = or_empty(f->formats);
    m->max_image_px = f->max_image_px;
    m->slots = f->slots;
    m->n_ctx = f->n_ctx;
    m->patch_px = f->patch_px;
    m->unload = backend_unload_name(f->unload);
    m->thinking = or_empty(f->thinking);
    m->known_at_ms = f->at_ms;
}

// What was found out earlier.
static void add_kept(struct vlmd_model *m, const struct backend_known *k)
{
    bool is_sure = strcmp(k->vision, "unknown") != 0;
    m->has_vision = is_sure ? strcmp(k->vision, "yes") == 0 : m->has_vision;
    m->is_vision_sure |= is_sure;
    m->version = strcmp(k->version, "-") == 0 ? "" : k->version;
    m->formats = k->formats;
    m->max_image_px = k->max_image_px;
    m->slots = k->slots;
    m->n_ctx = k->n_ctx;
    m->patch_px = k->patch_px;
    m->unload = k->unload;
    m->thinking = k->thinking;
    m->known_at_ms = k->at_ms;
}

// Of a backend that does not answer now.
static void tell_kept(struct look *l, const struct vlmd_backend_status *b,
                      const char *model, const struct backend_known *k)
{
    struct vlmd_model m = {
        .backend = b->name,
        .url = b->url,
        .kind = b->kind,
        .model = model,
        .error = b->reason,
        .is_kept = true,
    };
    add_kept(&m, k);
    l->on_model(l->arg, &m);
}

static int key_before(const struct vlmd_backend_status *b, char *out, size_t size)
{
    return snprintf(out, size, LEARNED_FACTS " %s ", b->url);
}

// false: nothing is known of any model of it.
static bool tell_all_kept(struct look *l, const struct vlmd_backend_status *b)
{
    char before[640];
    bool is_any = false;
    int n = key_before(b, before, sizeof(before));
    for (int i = 0; i < l->kept.n && n < (int)sizeof(before); i++) {
        const struct store_profile_row *row = &l->kept.rows[i];
        struct backend_known k;
        bool is_its = strncmp(row->key, before, (size_t)n) == 0 && row->key[n];
        if (is_its && backend_facts_read(row->value, &k)) {
            tell_kept(l, b, row->key + n, &k);
            is_any = true;
        }
    }
    return is_any;
}

// Of a model that is there and not the chosen one; k: as long as m is told.
static void add_known(struct look *l, const struct vlmd_backend_status *b,
                      struct vlmd_model *m, struct backend_known *k)
{
    char before[640];
    int n = key_before(b, before, sizeof(before));
    for (int i = 0; i < l->kept.n && n < (int)sizeof(before); i++) {
        const struct store_profile_row *row = &l->kept.rows[i];
        bool is_its = strncmp(row->key, before, (size_t)n) == 0 &&
                      strcmp(row->key + n, m->model) == 0;
        if (is_its && backend_facts_read(row->value, k)) {
            add_kept(m, k);
        }
    }
}

static void tell_model(struct look *l, const struct vlmd_backend_status *b,
                       const struct backend_facts *f, int i)
{
    struct backend_known known;
    struct vlmd_model m = {
        .backend = b->name,
        .url = b->url,
        .kind = b->kind,
        .model = f->models[i],
        .has_vision = f->model_vision[i],
        .is_vision_sure = f->model_sure[i],
        .is_loaded = f->model_loaded[i],
        .is_chosen = strcmp(f->models[i], f->model) == 0,
        .error = "",
        .version = "",
        .formats = "",
        .unload = "",
        .thinking = "",
    };
    if (m.is_chosen) {
        m.error = strcmp(b->state, "misconfigured") == 0 ? b->reason : "";
        add_facts(&m, f);
    } else {
        add_known(l, b, &m, &known);
    }
    l->on_model(l->arg, &m);
}

static void tell_no_model(struct look *l, const struct vlmd_backend_status *b)
{
    bool is_silent_guess = l->v->app.config->is_auto && strcmp(b->state, "away") == 0;
    if (is_silent_guess || tell_all_kept(l, b)) {
        return;
    }
    struct vlmd_model m = {.backend = b->name,
                           .url = b->url,
                           .kind = b->kind,
                           .model = "",
                           .error = b->reason,
                           .version = "",
                           .formats = "",
                           .unload = "",
                           .thinking = ""};
    l->on_model(l->arg, &m);
}

static void on_kept(struct store_profiles *r, int err)
{
    struct look *l = container_of(r, struct look, kept);
    (void)err;  // what can not be read is not known
    if (is_stopped(l)) {
        return;
    }
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

static void list_models(struct look *l)
{
    snprintf(l->kept.prefix, sizeof(l->kept.prefix), LEARNED_FACTS " ");
    store_profiles(l->v->app.store, &l->kept, on_kept);
}

static int start_list(vlmd *v, bool is_close, vlmd_model_fn *on_model,
                      vlmd_end_fn *on_end, void *arg)
{
    int rc = v->app.role == VLMD_WORKER ? call_check(v) : E_USAGE;
    if (rc) {
        return rc;
    }
    struct look *l = start_look(v, list_models);
    l->on_model = on_model;
    l->on_end = on_end;
    l->arg = arg;
    if (is_close) {
        l->until_ms += LOOK_CLOSELY_MS;
        dispatch_look_closely(v->app.dispatch);
    }
    return 0;
}

int vlmd_models(vlmd *v, vlmd_model_fn *on_model, vlmd_end_fn *on_end, void *arg)
{
    return start_list(v, false, on_model, on_end, arg);
}

int vlmd_models_probe(vlmd *v, vlmd_model_fn *on_model, vlmd_end_fn *on_end, void *arg)
{
    return start_list(v, true, on_model, on_end, arg);
}
