// questions.c -- the public interface's questions to the database, and changes of it.
// SPDX-License-Identifier: MIT
#include "api/call.h"
#include "api/item.h"
#include "base/mem.h"
#include "observe/status.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { PAGE_ROWS = 256, RANK_MAX_ROWS = 1000 };

static int refuse(struct vlmd *v, void (*fn)(void *arg), void *arg)
{
    return app_post(&v->app, fn, arg);  // taken: see call_check
}

// ---- search

struct search {
    struct vlmd *v;
    struct store_query query;
    char *text, *app, *tag, *path;  // owned: the caller's strings may be gone by then
    int64_t left;                   // rows still wanted; INT64_MAX = all
    vlmd_item_fn *on_item;
    vlmd_end_fn *on_end;
    void *arg;
};

static void end_search(struct search *s, int err)
{
    struct vlmd *v = s->v;
    if (s->on_end) {
        s->on_end(s->arg, err, call_words(&s->query.err, err));
    }
    free(s->text);
    free(s->app);
    free(s->tag);
    free(s->path);
    free(s);
    call_end(v);
}

// A question that makes no sense is answered like every other: later, in words.
static void refuse_search(void *arg)
{
    struct search *s = arg;
    end_search(s, s->query.err.code);
}

static void on_page(struct store_query *q, int err);

static void ask_page(struct search *s)
{
    s->query.limit = s->left < PAGE_ROWS ? (int)s->left : PAGE_ROWS;
    if (s->query.order == STORE_RANK) {
        s->query.limit = s->left < RANK_MAX_ROWS ? (int)s->left : RANK_MAX_ROWS;
    }
    store_query(s->v->app.store, &s->query, on_page);
}

static void on_page(struct store_query *q, int err)
{
    struct search *s = container_of(q, struct search, query);
    bool goes_on = err == 0;
    for (int i = 0; i < q->n && goes_on; i++) {
        struct item_text text;
        struct vlmd_item item;
        item_from_row(&s->v->app.gate, &q->rows[i], &text, &item);
        q->after_id = item.id;
        q->after_at_ms = item.at_ms;
        goes_on = s->on_item(s->arg, &item);
        item_text_fini(&text);
        s->left--;
    }
    goes_on = goes_on && q->has_more && s->left > 0 && q->order != STORE_RANK;
    if (goes_on && call_check(s->v)) {
        goes_on = false;
        err = E_CANCELED;
    }
    store_query_fini(q);
    if (goes_on) {
        ask_page(s);
    } else {
        end_search(s, err);
    }
}

static enum store_order order_of(enum vlmd_order o)
{
    switch (o) {
    case VLMD_NEWEST: return STORE_NEWEST;
    case VLMD_OLDEST: return STORE_OLDEST;
    case VLMD_BEST: return STORE_RANK;
    case VLMD_TAKEN: return STORE_TAKEN;
    }
    return STORE_NEWEST;
}

int vlmd_search(vlmd *v, const struct vlmd_query *q, vlmd_item_fn *on_item,
                vlmd_end_fn *on_end, void *arg)
{
    int rc = call_check(v);
    if (rc) {
        return rc;
    }
    struct search *s = mem_new(struct search);
    *s = (struct search){.v = v,
                         .on_item = on_item,
                         .on_end = on_end,
                         .arg = arg,
                         .left = q->limit > 0 ? q->limit : INT64_MAX};
    call_begin(v);
    if (item_filter(q, &s->query.filter, &s->query.err)) {
        return refuse(v, refuse_search, s);
    }
    s->query.filter.text = s->text = mem_dup(q->text);
    s->query.filter.app = s->app = mem_dup(q->app);
    s->query.filter.tag = s->tag = mem_dup(q->tag);
    s->query.filter.path = s->path = mem_dup(q->path);
    s->query.order = order_of(q->order);
    s->query.after_id = q->after_id;
    s->query.after_at_ms = q->after_at_ms;
    ask_page(s);
    return 0;
}

// ---- history

struct history_call {
    struct vlmd *v;
    struct store_history req;
    vlmd_attempt_fn *on_attempt;
    vlmd_end_fn *on_end;
    void *arg;
};

static void on_history(struct store_history *r, int err)
{
    struct history_call *h = container_of(r, struct history_call, req);
    struct vlmd *v = h->v;
    for (int i = 0; err == 0 && i < r->n; i++) {
        const struct store_attempt *a = &r->attempts[i];
        struct vlmd_attempt out = {
            .at_ms = a->at_ms,
            .backend = a->backend,
            .model = a->model,
            .error_class = a->code ? err_name(a->code) : "",
            .message = a->words,
            .remedy = a->remedy,
            .request_ms = a->request_ms,
        };
        h->on_attempt(h->arg, &out);
    }
    if (h->on_end) {
        h->on_end(h->arg, err, call_words(&r->err, err));
    }
    store_history_fini(r);
    free(h);
    call_end(v);
}

int vlmd_history(vlmd *v, int64_t id, vlmd_attempt_fn *on_attempt, vlmd_end_fn *on_end,
                 void *arg)
{
    int rc = call_check(v);
    if (rc) {
        return rc;
    }
    struct history_call *h = mem_new(struct history_call);
    *h = (struct history_call){
        .v = v, .on_attempt = on_attempt, .on_end = on_end, .arg = arg};
    h->req.id = id;
    call_begin(v);
    store_history(v->app.store, &h->req, on_history);
    return 0;
}

// ---- change

struct change {
    struct vlmd *v;
    struct store_change req;
    char *text, *app, *tag, *path;  // owned
    vlmd_change_fn *fn;
    void *arg;
};

static void end_change(struct change *c, int err)
{
    struct vlmd *v = c->v;
    char waits[200] = "";
    if (!err && c->req.n_wanted) {
        snprintf(
            waits, sizeof(waits),
            "%lld of them held a secret in the path or URL, which was removed: each "
            "is done when it is named or offered again (vlmd batch PATH, or the next "
            "start of vlmd watch)",
            (long long)c->req.n_wanted);
    }
    if (c->fn) {
        c->fn(c->arg, err, c->req.n, err ? call_words(&c->req.err, err) : waits);
    }
    free(c->text);
    free(c->app);
    free(c->tag);
    free(c->path);
    free(c);
    app_wake(&v->app);
    call_end(v);
}

static void on_changed(struct store_change *r, int err)
{
    end_change(container_of(r, struct change, req), err);
}

static void refuse_change(void *arg)
{
    struct change *c = arg;
    end_change(c, c->req.err.code);
}

static enum store_action action_of(enum vlmd_action a)
{
    switch (a) {
    case VLMD_RETRY: return STORE_RETRY;
    case VLMD_REDO: return STORE_REDO;
    case VLMD_DROP: return STORE_DROP;
    }
    return STORE_RETRY;
}

int vlmd_change(vlmd *v, enum vlmd_action action, const struct vlmd_query *q, bool all,
                vlmd_change_fn *fn, void *arg)
{
    int rc = call_check(v);
    if (rc) {
        return rc;
    }
    struct change *c = mem_new(struct change);
    c->v = v;
    c->fn = fn;
    c->arg = arg;
    c->req.action = action_of(action);
    c->req.all = all;
    c->req.tier = v->app.config->has_own_tier ? tier_name(v->app.config->tier) : NULL;
    call_begin(v);
    if (item_filter(q, &c->req.filter, &c->req.err)) {
        return refuse(v, refuse_change, c);
    }
    c->req.filter.text = c->text = mem_dup(q->text);
    c->req.filter.app = c->app = mem_dup(q->app);
    c->req.filter.tag = c->tag = mem_dup(q->tag);
    c->req.filter.path = c->path = mem_dup(q->path);
    store_change(v->app.store, &c->req, on_changed);
    return 0;
}

// ---- status

struct status {
    struct vlmd *v;
    struct store_counts counts;
    struct store_workers workers;
    int counts_err;
    vlmd_status_fn *fn;
    void *arg;
};

static int list_failures(const struct store_counts *c, struct vlmd_failures *out)
{
    int n = 0;
    for (size_t i = 0; i < sizeof(c->failures) / sizeof(c->failures[0]); i++) {
        int code = c->failures[i].code;
        if (code == 0) {
            break;
        }
        out[n++] = (struct vlmd_failures){
            .error_class = err_name(code),
            .words = err_words(code),
            .todo = err_todo(code),
            .n = c->failures[i].n,
        };
    }
    return n;
}

static struct vlmd_worker *list_workers(const struct status *s)
{
    const char *own = store_owner(s->v->app.store);
    struct vlmd_worker *out =
        mem_zero(sizeof(*out) * (size_t)(s->workers.n > 0 ? s->workers.n : 1));
    for (int i = 0; i < s->workers.n; i++) {
        const struct store_worker *w = &s->workers.workers[i];
        out[i] = (struct vlmd_worker){
            .pid = w->pid,
            .started_at_ms = w->started_at_ms,
            .updated_at_ms = w->seen_at_ms,
            .is_this = strcmp(w->owner, own) == 0,
            .json = w->status,
        };
    }
    return out;
}

static void answer_status(struct status *s)
{
    const struct store_counts *c = &s->counts;
    struct vlmd_failures failures[16];
    struct vlmd_worker *workers = list_workers(s);
    struct vlmd_status out = {
        .total = c->total,
        .queued = c->queued,
        .due = c->due,
        .leased = c->leased,
        .ended = c->ended,
        .answered = c->by_outcome[STORE_ANSWERED],
        .cached = c->by_outcome[STORE_CACHED],
        .duplicate = c->by_outcome[STORE_DUPLICATE],
        .blocked = c->by_outcome[STORE_BLOCKED],
        .skipped = c->by_outcome[STORE_SKIPPED],
        .failed = c->by_outcome[STORE_FAILED],
        .degraded = c->degraded,
        .oldest_queued_ms = c->oldest_queued_ms,
        .day_total = c->day_total,
        .day_described = c->day_described,
        .database_bytes = c->database_bytes,
        .prompt_tokens = c->prompt_tokens,
        .completion_tokens = c->completion_tokens,
        .failures = failures,
        .n_failures = list_failures(c, failures),
        .workers = workers,
        .n_workers = s->workers.n,
        .is_input_read = s->v->app.is_input_read,
        .database = store_path(s->v->app.store),
        .paused_until_ms = c->paused_until_ms,
    };
    s->fn(s->arg, 0, &out, "");
    free(workers);
}

static void on_workers(struct store_workers *r, int err)
{
    struct status *s = container_of(r, struct status, workers);
    struct vlmd *v = s->v;
    int rc = s->counts_err ? s->counts_err : err;
    if (rc == 0) {
        answer_status(s);
    } else {
        s->fn(s->arg, rc, NULL,
              call_words(s->counts_err ? &s->counts.err : &s->workers.err, rc));
    }
    store_workers_fini(r);
    free(s);
    call_end(v);
}

static void on_status_counts(struct store_counts *r, int err)
{
    struct status *s = container_of(r, struct status, counts);
    s->counts_err = err;
    store_workers(s->v->app.store, &s->workers, on_workers);
}

int vlmd_status(vlmd *v, bool batch, vlmd_status_fn *fn, void *arg)
{
    int rc = call_check(v);
    if (rc) {
        return rc;
    }
    struct status *s = mem_new(struct status);
    *s = (struct status){.v = v, .fn = fn, .arg = arg};
    // One that is not open yet has no members; 0 would mean all there is.
    s->counts.batch = !batch ? 0 : v->app.batch_id ? v->app.batch_id : -1;
    call_begin(v);
    store_count(v->app.store, &s->counts, on_status_counts);
    return 0;
}

void vlmd_stats(vlmd *v, struct vlmd_stats *out)
{
    status_snapshot(&v->app, out);
}
