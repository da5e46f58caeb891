// asking.c -- a picture and the backends: may it go there, was it written down, what came.
//
// The only caller of the ask organ.  Before any byte goes to a backend the gate is asked
// (may_send, by dispatch, for each of them), and what goes to another machine stands in the
// audit.
// SPDX-License-Identifier: MIT
#include "spine/asking.h"

#include "base/log.h"
#include "spine/depth.h"
#include "spine/judge.h"
#include "spine/learn.h"
#include "spine/lesser.h"
#include "spine/step.h"
#include "spine/telling.h"

#include <stdio.h>
#include <string.h>

enum { RECORD_AGAIN_MS = 2000 };

static void count_request(struct job *j, int err)
{
    struct pipeline_totals *t = &j->pipeline->totals;
    const struct ask *a = &j->ask;
    t->requests++;
    t->bytes_sent += a->bytes_sent;
    t->prompt_tokens += a->prompt_tokens > 0 ? a->prompt_tokens : 0;
    t->completion_tokens += a->completion_tokens > 0 ? a->completion_tokens : 0;
    if (j->pipeline->events.on_asked) {
        j->pipeline->events.on_asked(j->pipeline->events.arg, j, err);
    }
}

static void fail(struct job *j, int code)
{
    if (!lesser_try(j, code)) {
        step_end(j, STORE_FAILED, j->fallback ? j->fallback_code : code, j->ask.err.msg);
    }
}

static void follow(struct job *j, const struct verdict *v)
{
    switch (v->what) {
    case VERDICT_FAIL: fail(j, v->code); return;
    case VERDICT_WAIT: step_go(j, JOB_WAITING); return;
    case VERDICT_BACK_OFF: step_back_off(j, JOB_WAITING, v->delay_ms); return;
    case VERDICT_AGAIN:
        if (v->delay_ms > 0) {
            step_back_off(j, JOB_PREPARING, v->delay_ms);
        } else {
            step_go(j, JOB_PREPARING);
        }
        return;
    }
}

// A model appeared while OCR was reading.  The descriptions that are to be replaced are
// being counted now, and this one would come too late.
static bool is_outdated(const struct job *j)
{
    const struct pipeline_organs *o = &j->pipeline->organs;
    return j->ask.is_degraded && !j->is_stopping && !o->uses_stand_in(o->ctx);
}

static void note_sent(struct job *j)
{
    const struct ask *a = &j->ask;
    if (a->also_bytes_sent > 0) {
        const struct gate_destination also = {a->also_backend, a->also_remote};
        gate_note_sent(&j->gate, &also, j->image.sent_hash, a->also_bytes_sent,
                       step_wall_ms(j));
    }
    if (a->bytes_sent > 0) {
        const struct gate_destination to = {a->backend, a->is_remote};
        j->was_sent = true;
        gate_note_sent(&j->gate, &to, j->image.sent_hash, a->bytes_sent, step_wall_ms(j));
    }
}

static void count_time(const struct job *j, int err)
{
    struct pipeline *p = j->pipeline;
    if (!j->ask.is_degraded && (err == 0 || err == E_DEADLINE)) {
        p->totals.tier_answered[j->tier]++;
        p->totals.tier_breached[j->tier] +=
            j->ask.request_ms > p->config.tiers[j->tier].target_ms;
    }
}

// Nothing of the answer is left to be told.
static void on_told(struct job *j)
{
    const struct ask *a = &j->ask;
    const int err = j->ask_err;
    if (err != E_CANCELED) {
        count_request(j, err);
        judge_note_attempt(j, err, step_wall_ms(j));
    }
    count_time(j, err);
    if (err && err != E_CANCELED) {
        j->pipeline->totals.failed_requests += err_severity(err) > ERR_LOW;
        judge_note_error(j, err, a->backend, a->err.msg);
    }
    if (err == 0 && is_outdated(j)) {
        step_go(j, JOB_WAITING);
        return;
    }
    if (err == 0) {
        j->has_answer = true;
        step_end(j, STORE_ANSWERED, 0, "");
        return;
    }
    if (step_leaves(j)) {
        return;
    }
    if (err_class(err) == ERR_RETRY) {
        snprintf(j->avoid, sizeof(j->avoid), "%s", a->backend);
    }
    struct verdict v = judge_answer(j, err, &j->pipeline->config.retry,
                                    j->pipeline->organs.random(j->pipeline->organs.ctx));
    log_debug("pipeline", "job=%lld cid=%s backend=%s class=%s tries=%d strikes=%d",
              (long long)j->row.id, j->row.cid, a->backend, err_name(err), j->tries,
              j->strikes);
    follow(j, &v);
}

static void on_asked(struct ask *a, int err)
{
    struct job *j = container_of(a, struct job, ask);
    j->ask_err = err;
    note_sent(j);
    telling_end(j, err == 0 && !a->also_backend[0], on_told);  // not a second one's
}

static enum ask_pass may_send(struct ask *a, const char *backend, bool is_remote,
                              char *why, size_t size)
{
    struct job *j = container_of(a, struct job, ask);
    const struct gate_destination to = {backend, is_remote};
    if (j->is_stopping) {
        snprintf(why, size, "it is being given back");
        return ASK_REFUSED;
    }
    const struct gate_pass pass = gate_may_send(&j->gate, &to);
    snprintf(why, size, "%s", pass.why);
    return !pass.may         ? ASK_REFUSED
           : pass.is_unknown ? ASK_AFTER_RECORD
           : pass.is_safe    ? ASK_ALLOWED_SAFELY
                             : ASK_ALLOWED;
}

static void fill_ask(struct job *j)
{
    struct ask *a = &j->ask;
    a->jpeg = j->image.jpeg.data;
    a->jpeg_len = j->image.jpeg.len;
    a->width = j->image.sent_width;
    a->height = j->image.sent_height;
    a->luma = j->image.luma;
    a->luma_width = j->image.width;
    a->luma_height = j->image.height;
    a->luma_key = learn_luma_key(j);
    a->app = j->meta.app;
    a->window = j->meta.window;
    a->cid = j->row.cid;
    a->seed = (unsigned)(j->row.attempts + j->tries + j->strikes) + 1;
    depth_fill_ask(j);
    a->avoid = j->avoid;
    a->cap_doublings = j->cap_doublings;
    a->no_schema = j->no_schema;
    a->no_thinking = j->no_thinking;
    a->needs_model = j->row.is_degraded;
    a->is_interactive = j->row.priority == STORE_INTERACTIVE;
    a->is_retry = j->tries > 0 || j->is_late;
    a->may_send = may_send;
    telling_begin(j);
}

static void prepare_with_luma(struct job *j)
{
    j->wants_luma = true;
    step_go(j, JOB_PREPARING);
}

// An ask that uses up a budget, or wakes a model, is told from inside it as a change, after
// which whatever waits is tried: this job, which waits until the ask has returned, would be
// sent twice.
static int ask(struct job *j)
{
    struct pipeline *p = j->pipeline;
    bool was_trying = p->is_trying;
    p->is_trying = true;
    int rc = p->organs.ask(p->organs.ctx, &j->ask, on_asked);
    p->is_trying = was_trying;
    return rc;
}

static void try_others(struct pipeline *p)
{
    if (p->has_more_room && !p->is_trying) {
        pipeline_pump(p);
    }
}

// Stays in WAITING while no backend has room: pipeline_pump tries again.
void asking_try(struct job *j)
{
    struct pipeline *p = j->pipeline;
    bool needs_luma =
        !j->row.is_degraded && !j->image.luma && p->organs.uses_stand_in(p->organs.ctx);
    if (needs_luma) {
        prepare_with_luma(j);
        return;
    }
    j->gate.wants_text = j->ask.wants_record = false;
    fill_ask(j);
    if (p->events.on_ask) {
        p->events.on_ask(p->events.arg, j);
    }
    int rc = ask(j);
    if (rc == 0) {
        j->asks++;
        step_move(j, JOB_ASKING);
    } else if (j->ask.wants_record) {
        step_go(j, JOB_RECORDING);
    } else if (j->gate.wants_text) {
        prepare_with_luma(j);
    } else if (rc != E_BUSY) {
        gate_note_blocked(&j->gate, step_wall_ms(j));
        step_end(j, STORE_BLOCKED, rc, j->ask.err.msg);
    }
    try_others(p);
}

// ---- RECORDING

static void on_recorded(struct store_audit_append *r, int err)
{
    struct job *j = container_of(r, struct job, req.audit);
    if (step_leaves(j)) {
        return;
    }
    if (err) {
        log_warn("pipeline",
                 "job=%lld cid=%s can not be written down and is not sent: %s",
                 (long long)j->row.id, j->row.cid, r->err.msg);
        step_back_off(j, JOB_WAITING, RECORD_AGAIN_MS);
        return;
    }
    gate_note_recorded(&j->gate, j->ask.backend);
    step_go(j, JOB_WAITING);
}

void asking_record(struct job *j)
{
    struct pipeline *p = j->pipeline;
    struct store_audit_append *r = &j->req.audit;
    memset(r, 0, sizeof(*r));
    gate_fill_record(&j->gate, j->ask.backend, step_wall_ms(j), &r->row);
    r->row.job = j->row.id;
    r->row.cid = j->row.cid;
    memcpy(r->row.content, j->image.content, sizeof(r->row.content));
    memcpy(r->row.sent_hash, j->image.sent_hash, sizeof(r->row.sent_hash));
    p->organs.record(p->organs.ctx, r, on_recorded);
}
