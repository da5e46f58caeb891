// fv_queue.c -- the models, their slots, and who waits for them.
//
// Grants are strictly in order of arrival as soon as one ticket needs a busy model to go:
// whoever came later waits too, so nobody starves (llama-swap's and Ollama's way).
// SPDX-License-Identifier: MIT
#include "fv_queue.h"

#include <assert.h>
#include <stddef.h>
#include <string.h>
#include <strings.h>

static int add_model(struct queue *q, const char *name, size_t len)
{
    static const char mark[] = "/novision";
    size_t mark_len = sizeof mark - 1;
    if (q->models_n == MODELS_MAX)
        return -1;
    struct model *m = &q->models[q->models_n];
    *m = (struct model){.has_vision = true, .keep_ms = -1};
    if (len > mark_len && !memcmp(name + len - mark_len, mark, mark_len)) {
        m->has_vision = false;
        len -= mark_len;
    }
    if (len == 0 || len >= sizeof m->name)
        return -1;
    memcpy(m->name, name, len);
    q->models_n++;
    return 0;
}

int queue_init(struct queue *q, const struct options *opt, struct stats *stats)
{
    *q = (struct queue){.opt = opt, .stats = stats};
    for (const char *s = opt->models;;) {
        size_t len = strcspn(s, ",");
        if (add_model(q, s, len))
            return -1;
        if (!s[len])
            break;
        s += len + 1;
    }
    bool is_whole = kind_loads_at_start(opt->kind);
    if (opt->is_loaded || opt->kind == KIND_OPENAI)
        q->models[0].state = MODEL_LOADED;
    else if (is_whole)
        q->models[0].is_wanted = true;
    // What is served without loading on demand is there altogether.
    for (int i = 1; i < q->models_n && is_whole; i++)
        q->models[i].state = MODEL_LOADED;
    return 0;
}

static bool is_same_name(const char *a, const char *b)
{
    static const char latest[] = ":latest";
    size_t len = strlen(a);
    if (!strcasecmp(a, b))
        return true;
    return !strncasecmp(a, b, len) && !strcmp(b + len, latest);
}

struct model *queue_find_model(struct queue *q, const char *name)
{
    for (int i = 0; i < q->models_n; i++) {
        struct model *m = &q->models[i];
        if (is_same_name(m->name, name) || is_same_name(name, m->name))
            return m;
    }
    return NULL;
}

static void unlink_ticket(struct queue *q, struct ticket *t)
{
    *(t->prev ? &t->prev->next : &q->first) = t->next;
    *(t->next ? &t->next->prev : &q->last) = t->prev;
    t->prev = t->next = NULL;
    q->waiting--;
}

void queue_enter(struct queue *q, struct ticket *t)
{
    assert(t->state == TICKET_OUT && t->model && t->on_ready);
    t->state = TICKET_WAITING;
    t->next = NULL;
    t->prev = q->last;
    *(q->last ? &q->last->next : &q->first) = t;
    q->last = t;
    q->waiting++;
    q->has_changed = true;
}

static void set_absent(struct queue *q, struct model *m)
{
    if (m->state == MODEL_LOADED)
        q->stats->unloads++;
    m->state = MODEL_ABSENT;
    m->loader = NULL;
    m->is_wanted = false;
    m->ctx_tokens = 0;
    q->has_changed = true;
}

void model_unload(struct queue *q, struct model *m)
{
    // A busy one goes when its last request has ended.
    if (m->running > 0)
        m->keep_ms = 0;
    else
        set_absent(q, m);
}

static void became_idle(struct queue *q, struct model *m, int64_t now_ms)
{
    if (m->keep_ms == 0)
        set_absent(q, m);
    else if (m->keep_ms > 0)
        m->expires_at_ms = now_ms + m->keep_ms;
}

void model_keep(struct queue *q, struct model *m, int64_t keep_ms, int64_t now_ms)
{
    m->keep_ms = keep_ms;
    if (m->state == MODEL_LOADED && m->running == 0)
        became_idle(q, m, now_ms);
}

void model_load(struct queue *q, struct model *m)
{
    m->is_wanted = m->state == MODEL_ABSENT;
    q->has_changed = true;
}

void queue_leave(struct queue *q, struct ticket *t, int64_t now_ms)
{
    enum ticket_state was = t->state;
    t->state = TICKET_OUT;
    q->has_changed = true;
    switch (was) {
    case TICKET_OUT: break;
    case TICKET_WAITING:
        unlink_ticket(q, t);
        // Ollama ends a load with the connection that asked for it.
        if (t->model->loader == t && t->model->state == MODEL_LOADING) {
            if (q->opt->kind == KIND_OLLAMA)
                set_absent(q, t->model);
            t->model->loader = NULL;
        }
        break;
    case TICKET_RUNNING:
        if (t->is_load_only)
            break;
        stats_running(q->stats, -1);
        assert(t->model->running > 0);
        if (--t->model->running == 0)
            became_idle(q, t->model, now_ms);
        break;
    }
}

int queue_waiting_for(const struct queue *q, const struct model *m)
{
    int n = 0;
    for (const struct ticket *t = q->first; t; t = t->next)
        n += t->model == m;
    return n;
}

// What a fresh model's idle time is when nobody says; only these two servers have one.
static int64_t default_keep_ms(enum kind kind, bool is_on_demand)
{
    if (kind == KIND_OLLAMA)
        return 5 * 60 * 1000;
    return kind == KIND_LMSTUDIO && is_on_demand ? 60 * 60 * 1000 : -1;
}

static void begin_load(struct queue *q, struct model *m, struct ticket *loader,
                       int64_t now_ms)
{
    m->state = MODEL_LOADING;
    m->is_wanted = false;
    m->keep_ms = default_keep_ms(q->opt->kind, loader != NULL);
    m->load_began_ms = now_ms;
    m->load_done_ms = now_ms + q->opt->load_ms;
    m->loader = loader;
    if (loader)
        m->ctx_tokens = loader->ctx_tokens;
    q->stats->loads++;
}

// True when the model may be loaded now: one load at a time, and a place is free or can
// be freed by dropping an idle model.
static bool make_room(struct queue *q, const struct model *m)
{
    struct model *idle = NULL;
    int resident = 0;
    for (int i = 0; i < q->models_n; i++) {
        struct model *other = &q->models[i];
        if (other == m || other->state == MODEL_ABSENT)
            continue;
        if (other->state == MODEL_LOADING)
            return false;
        resident++;
        if (other->running == 0 && !idle)
            idle = other;
    }
    if (resident < q->opt->max_loaded)
        return true;
    if (!idle)
        return false;
    set_absent(q, idle);
    return true;
}

enum verdict { GRANT, WAIT, WAIT_ALL };

static bool wants_reload(const struct ticket *t)
{
    return t->ctx_tokens != t->model->ctx_tokens;
}

static enum verdict judge(struct queue *q, struct ticket *t, int64_t now_ms)
{
    struct model *m = t->model;
    switch (m->state) {
    case MODEL_LOADING: t->has_loaded = true; return WAIT;
    case MODEL_LOADED:
        if (wants_reload(t)) {
            if (m->running > 0)
                return WAIT_ALL;
            set_absent(q, m);
            break;
        }
        return t->is_load_only || m->running < q->opt->slots ? GRANT : WAIT;
    case MODEL_ABSENT: break;
    }
    if (!make_room(q, m))
        return WAIT_ALL;
    begin_load(q, m, t, now_ms);
    t->has_loaded = true;
    return WAIT;
}

static void grant(struct queue *q, struct ticket *t)
{
    unlink_ticket(q, t);
    t->state = TICKET_RUNNING;
    if (!t->is_load_only) {
        t->model->running++;
        stats_running(q->stats, 1);
    }
    t->on_ready(t);
}

static struct ticket *find_grantable(struct queue *q, int64_t now_ms)
{
    for (struct ticket *t = q->first; t; t = t->next) {
        enum verdict v = judge(q, t, now_ms);
        if (v == GRANT)
            return t;
        if (v == WAIT_ALL)
            return NULL;
    }
    return NULL;
}

static bool can_expire(const struct queue *q, const struct model *m)
{
    return m->state == MODEL_LOADED && m->running == 0 && m->keep_ms >= 0 &&
           !queue_waiting_for(q, m);
}

// Ends loads that are done and drops models that were idle too long.
static void move_models(struct queue *q, int64_t now_ms)
{
    for (int i = 0; i < q->models_n; i++) {
        struct model *m = &q->models[i];
        if (m->is_wanted && m->state == MODEL_ABSENT && make_room(q, m))
            begin_load(q, m, NULL, now_ms);
        if (m->state == MODEL_LOADING && m->load_done_ms <= now_ms) {
            m->state = MODEL_LOADED;
            m->loaded_in_ms = m->load_done_ms - m->load_began_ms;
            m->loader = NULL;
            m->expires_at_ms = now_ms + m->keep_ms;
            q->has_changed = true;
        } else if (can_expire(q, m) && m->expires_at_ms <= now_ms) {
            set_absent(q, m);
        }
    }
}

static int64_t next_deadline(const struct queue *q)
{
    int64_t next = QUEUE_NEVER;
    for (int i = 0; i < q->models_n; i++) {
        const struct model *m = &q->models[i];
        int64_t due = QUEUE_NEVER;
        if (m->state == MODEL_LOADING)
            due = m->load_done_ms;
        else if (can_expire(q, m))
            due = m->expires_at_ms;
        next = due < next ? due : next;
    }
    return next;
}

int64_t queue_tick(struct queue *q, int64_t now_ms)
{
    // on_ready may end a request and so come back here; the outer call sees the change.
    if (q->is_ticking)
        return QUEUE_NEVER;
    q->is_ticking = true;
    do {
        q->has_changed = false;
        move_models(q, now_ms);
        struct ticket *t = find_grantable(q, now_ms);
        if (t) {
            grant(q, t);
            q->has_changed = true;
        }
    } while (q->has_changed);
    q->is_ticking = false;
    if (q->waiting > q->stats->waiting_max)
        q->stats->waiting_max = q->waiting;
    return next_deadline(q);
}
