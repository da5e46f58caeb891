// dispatch_send.c -- an ask on its way to the backend that was chosen, and what came back.
// SPDX-License-Identifier: MIT
#include "dispatch/dispatch_inside.h"
#include "dispatch/standin.h"

#include <stdio.h>
#include <string.h>

enum { MAX_RAISED_TOKENS = 4096 };

bool dispatch_is_remote(const struct route *r)
{
    return r->backend && backend_facts(r->backend)->is_remote;
}

static void account(struct ask *a)
{
    struct route *r = a->route;
    if (!r->backend) {
        return;
    }
    a->cost = a->cost_nano >= 0 ? (double)a->cost_nano / 1e9
                                : budget_price(&r->terms->budget.prices, a->prompt_tokens,
                                               a->completion_tokens);
    const struct route_cost cost = {.charged = a->rate_tokens,
                                    .prompt_tokens = a->prompt_tokens,
                                    .completion_tokens = a->completion_tokens,
                                    .money = a->cost,
                                    .told = {a->rate_remaining, a->rate_reset_ms}};
    route_account(r, &cost, dispatch_now_ms(r->dispatch));
}

static void finish(struct ask *a, int err)
{
    struct route *r = a->route;
    struct dispatch *d = r->dispatch;
    r->in_flight--;
    if (r->backend) {
        route_model_ended(r, dispatch_now_ms(d));
    }
    account(a);
    route_measure(r, a->concur_mark, err, a->request_ms, a->completion_tokens,
                  dispatch_now_ms(d));
    a->is_backend_sick = route_learn(r, err, a->err.msg, a->retry_after_ms, a->request_ms,
                                     dispatch_now_ms(d));
    a->route = NULL;
    void (*done)(struct ask *, int) = a->done;
    bool is_open = !d->is_closing;
    if (err == 0 && r->backend) {
        patience_note(&r->patience, a->first_byte_ms);
        hedge_note_time(r, a->request_ms);
    }
    if (hedge_first_ended(a, &err)) {
        done(a, err);
    }
    if (is_open && r->in_flight == 0) {
        roster_settle(d);  // another model of its server may be loaded now
    } else if (is_open) {
        roster_refresh(d);
    }
}

static void tell_note(const struct route *r)
{
    const struct dispatch_events *e = &r->dispatch->events;
    char note[320];
    if (backend_take_note(r->backend, note, sizeof(note)) && e->on_notice) {
        e->on_notice(e->arg, note);
    }
}

static void on_answered(struct backend_ask *b, int err)
{
    struct ask *a = container_of(b, struct ask, u.vlm);
    tell_note(a->route);
    a->retry_after_ms = b->call.retry_after_ms;
    a->prompt_tokens = b->prompt_tokens;
    a->completion_tokens = b->completion_tokens;
    a->connect_ms = b->connect_ms;
    a->first_byte_ms = b->first_byte_ms;
    a->request_ms = b->request_ms;
    a->bytes_sent = b->bytes_sent;
    a->cost_nano = b->cost_nano;
    a->rate_remaining = b->rate_remaining;
    a->rate_reset_ms = b->rate_reset_ms;
    snprintf(a->finish_reason, sizeof(a->finish_reason), "%s", b->finish_reason);
    if (err) {
        err_set(&a->err, err, "%s",
                b->call.err.msg[0] ? b->call.err.msg : err_words(err));
    } else {
        a->answer = b->answer;
        b->answer = (struct answer){0};
    }
    backend_ask_fini(b);
    finish(a, err);
}

// Never below what the user has set.
static int cap_of(const struct route *r, const struct ask *a)
{
    int configured = backend_config(r->backend)->max_tokens;
    int cap = a->max_tokens > configured ? a->max_tokens : configured;
    for (int i = 0; i < a->cap_doublings && cap < MAX_RAISED_TOKENS; i++) {
        cap = cap > MAX_RAISED_TOKENS / 2 ? MAX_RAISED_TOKENS : cap * 2;
    }
    return cap;
}

void dispatch_add_tier(struct prompt *p, const char *tier, const char *rule)
{
    if (tier && *tier) {
        prompt_add_tier(p, tier, rule ? rule : "");
    }
}

static void on_words(struct backend_ask *b, const char *field, const char *text,
                     size_t len)
{
    struct ask *a = container_of(b, struct ask, u.vlm);
    a->on_words(a, field, text, len);
}

static void ask_vlm(struct dispatch *d, struct route *r, struct ask *a, bool is_safe)
{
    const struct backend_facts *f = backend_facts(r->backend);
    struct backend_ask *b = &a->u.vlm;
    if (is_safe) {
        prompt_pick_safe(d->config.prompts, a->app, a->window, &a->prompt_text);
    } else {
        prompt_pick(d->config.prompts, a->app, a->window, &a->prompt_text);
        dispatch_add_tier(&a->prompt_text, a->tier, a->tier_rule);
    }
    snprintf(a->model, sizeof(a->model), "%s", f->model);
    snprintf(a->prompt, sizeof(a->prompt), "%s", a->prompt_text.version);
    backend_params(r->backend, a->params, sizeof(a->params));
    memset(b, 0, sizeof(*b));
    b->jpeg = a->jpeg;
    b->jpeg_len = a->jpeg_len;
    b->width = a->width;
    b->height = a->height;
    b->prompt = &a->prompt_text;
    b->cid = a->cid;
    b->traceparent = a->traceparent;
    b->seed = a->seed;
    b->max_tokens = cap_of(r, a);
    b->first_byte_most_ms = route_first_byte_ms(r);
    b->deadline_ms = a->deadline_ms;
    b->no_schema = a->no_schema;
    b->no_thinking = a->no_thinking;
    b->on_words = a->on_words ? on_words : NULL;
    backend_ask(r->backend, b, on_answered);
}

static void on_recognised(struct ocr_req *o, int err)
{
    struct ask *a = container_of(o, struct ask, u.ocr);
    a->request_ms = o->elapsed_ms;
    a->retry_after_ms = -1;
    if (err) {
        err_set(&a->err, err, "%s", o->err.msg[0] ? o->err.msg : err_words(err));
    } else {
        ocr_drop_second(o);
        standin_compose(a->app, a->window, buf_str(&o->text), &a->answer);
        a->is_degraded = true;
        snprintf(a->finish_reason, sizeof(a->finish_reason), "ocr");
    }
    ocr_req_fini(o);
    finish(a, err);
}

static void ask_ocr(struct dispatch *d, struct ask *a)
{
    struct ocr_req *o = &a->u.ocr;
    snprintf(a->model, sizeof(a->model), "tesseract");
    snprintf(a->prompt, sizeof(a->prompt), "ocr/1");
    a->params[0] = 0;
    memset(o, 0, sizeof(*o));
    o->key = a->luma_key;
    o->luma = a->luma;
    o->width = a->luma_width;
    o->height = a->luma_height;
    ocr_read(d->ocr, o, on_recognised);
}

void dispatch_forget_last(struct ask *a)
{
    answer_fini(&a->answer);
    memset(&a->err, 0, sizeof(a->err));
    a->retry_after_ms = -1;
    a->is_backend_sick = false;
    a->is_degraded = false;
    a->wants_record = false;
    a->finish_reason[0] = 0;
    a->prompt_tokens = a->completion_tokens = -1;
    a->connect_ms = a->first_byte_ms = a->request_ms = -1;
    a->bytes_sent = a->also_bytes_sent = 0;
    a->also_backend[0] = 0;
    a->cost = 0;
    a->rate_remaining = a->rate_reset_ms = -1;
}

void dispatch_send(struct dispatch *d, struct route *r, struct ask *a, enum ask_pass pass)
{
    a->dispatch = d;
    a->route = r;
    r->in_flight++;
    a->concur_mark = route_began(r, dispatch_now_ms(d));
    a->rate_tokens = r->backend ? route_charge(r, a->is_retry, dispatch_now_ms(d)) : 0;
    snprintf(a->backend, sizeof(a->backend), "%s", r->name);
    a->is_remote = dispatch_is_remote(r);
    if (r->backend) {
        route_model_began(r, dispatch_now_ms(d));
        ask_vlm(d, r, a, pass == ASK_ALLOWED_SAFELY);
    } else {
        ask_ocr(d, a);
    }
}
