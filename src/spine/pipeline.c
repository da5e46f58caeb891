// pipeline.c -- drives one job through the organs.
//
// step() runs a job until it waits for something.  It is called only right after job_move,
// or for a WAITING job when a backend may have room; each case names the callback that
// resumes it.  At most one asynchronous call is under way per job, and one more while its
// answer is listened to (telling.c).
//
// What the states do is in learn.c (up to a picture that is ready), asking.c (the backends)
// and keep.c (the end).  The privacy gate (gate.c) is asked there: before the picture is
// opened, when its metadata is known, and before any byte goes to a backend.
// SPDX-License-Identifier: MIT
#include "spine/pipeline.h"

#include "spine/asking.h"
#include "spine/depth.h"
#include "spine/judge.h"
#include "spine/keep.h"
#include "spine/learn.h"
#include "spine/screening.h"
#include "spine/step.h"
#include "spine/telling.h"

#include <assert.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { MAX_VAIN_ROUNDS = 16 };  // of offers that nobody took, though room was told of

static void step(struct job *j);

void step_move(struct job *j, enum job_state to)
{
    job_move(&j->pipeline->jobs, j, to, step_now_ms(j));
}

void step_go(struct job *j, enum job_state to)
{
    step_move(j, to);
    step(j);
}

bool step_leaves(struct job *j)
{
    if (!j->is_stopping && !j->has_lost_lease) {
        return false;
    }
    step_go(j, JOB_RELEASING);
    return true;
}

void step_end(struct job *j, enum store_outcome outcome, int code, const char *reason)
{
    j->outcome = outcome;
    j->code = code;
    if (outcome == STORE_FAILED && j->state != JOB_ASKING) {
        judge_note_error(j, code, "", reason);  // a failed request was noted as such
    }
    snprintf(j->reason, sizeof(j->reason), "%s", reason);
    step_go(j, JOB_SAVING);
}

void step_back_off(struct job *j, enum job_state resume, int64_t delay_ms)
{
    j->resume = resume;
    j->wake_ms = step_now_ms(j) + delay_ms;
    step_go(j, JOB_BACKOFF);
}

// ---- the step function

static void step_on(struct job *j)
{
    switch (j->state) {
    case JOB_CLAIMED: learn_begin(j); return;          // goes on at once
    case JOB_FETCHING: learn_fetch(j); return;         // on_fetched
    case JOB_INSPECTING: learn_inspect(j); return;     // on_inspected
    case JOB_PREPARING: learn_prepare(j); return;      // on_prepared
    case JOB_COMPARING: learn_compare(j); return;      // on_compared
    case JOB_RECOGNISING: learn_recognise(j); return;  // on_recognised
    case JOB_WAITING: asking_try(j); return;           // on_asked, or pipeline_pump
    case JOB_RECORDING: asking_record(j); return;      // on_recorded
    case JOB_BACKOFF: return;                          // pipeline_tick
    case JOB_SAVING: keep_save(j); return;             // keep.c
    case JOB_RELEASING: keep_release(j); return;       // keep.c
    case JOB_SCREENING:
    case JOB_ASKING:
    case JOB_GONE:
    case JOB_STATES: assert(!"no step from here");
    }
}

// The job may be gone after it.
static void act(struct job *j, void (*go)(struct job *j))
{
    const struct pipeline_organs *o = &j->pipeline->organs;
    char cid[sizeof(j->row.cid)];
    memcpy(cid, j->row.cid, sizeof(cid));
    const char *before = o->act_for(o->ctx, cid);
    go(j);
    o->act_for(o->ctx, before);
}

static void step(struct job *j)
{
    act(j, step_on);
}

// ---- public

void pipeline_init(struct pipeline *p, const struct pipeline_organs *o,
                   const struct pipeline_config *c, const struct pipeline_events *e)
{
    *p = (struct pipeline){.organs = *o, .config = *c, .events = *e};
    job_lists_init(&p->jobs);
}

void pipeline_add(struct pipeline *p, struct store_job *row)
{
    struct job *j = job_new(&p->jobs, row, p->organs.now_ms(p->organs.ctx));
    j->pipeline = p;
    depth_begin(j);
    j->is_stopping = p->is_stopping;
    if (!step_leaves(j)) {
        step(j);
    }
}

static void offer_waiting(struct pipeline *p)
{
    struct list *node, *tmp;
    list_each(node, tmp, &p->jobs.head[JOB_WAITING])
    {
        struct job *j = container_of(node, struct job, node);
        asking_try(j);
        // Whoever takes anything and is refused: so would be all the others.
        bool takes_any = !j->ask.needs_model && !j->ask.is_retry && !j->avoid[0];
        if (j->state == JOB_WAITING && takes_any) {
            return;
        }
    }
}

void pipeline_pump(struct pipeline *p)
{
    p->has_more_room = true;
    if (p->is_trying) {
        return;
    }
    p->is_trying = true;
    for (int vain = 0; p->has_more_room && vain < MAX_VAIN_ROUNDS;) {
        int before = p->jobs.count[JOB_WAITING];
        p->has_more_room = false;
        offer_waiting(p);
        vain += p->jobs.count[JOB_WAITING] >= before;
    }
    p->is_trying = false;
}

static void wake_due(struct pipeline *p, enum job_state state, int64_t now_ms,
                     int64_t *next_ms)
{
    struct list *node, *tmp;
    list_each(node, tmp, &p->jobs.head[state])
    {
        struct job *j = container_of(node, struct job, node);
        if (j->wake_ms > now_ms) {
            *next_ms = j->wake_ms < *next_ms ? j->wake_ms : *next_ms;
        } else if (state == JOB_SAVING) {
            act(j, keep_save_again);
        } else {
            step_go(j, j->resume);
        }
    }
}

int64_t pipeline_tick(struct pipeline *p, int64_t now_ms)
{
    int64_t next = INT64_MAX;
    wake_due(p, JOB_BACKOFF, now_ms, &next);
    wake_due(p, JOB_SAVING, now_ms, &next);  // those that were refused
    return next;
}

static void cancel_request(struct job *j, bool with_ask)
{
    const struct pipeline_organs *o = &j->pipeline->organs;
    switch (j->state) {
    case JOB_FETCHING: o->fetch_cancel(o->ctx, &j->req.http); return;
    case JOB_INSPECTING: o->inspect_cancel(o->ctx, &j->req.meta); return;
    case JOB_PREPARING: o->prepare_cancel(o->ctx, &j->image); return;
    case JOB_COMPARING: o->compare_cancel(o->ctx, &j->req.similar); return;
    case JOB_RECOGNISING: o->recognise_cancel(o->ctx, &j->req.ocr); return;
    case JOB_SCREENING: screen_cancel(j); return;
    case JOB_ASKING:
        if (with_ask && !telling_waits(j)) {
            o->ask_cancel(o->ctx, &j->ask);
        }
        return;
    case JOB_WAITING:
    case JOB_BACKOFF: step_go(j, JOB_RELEASING); return;
    case JOB_SAVING:
        if (j->wake_ms != INT64_MAX) {
            j->wake_ms = 0;  // one more try, then it is left to the lease
        }
        return;
    case JOB_RECORDING:  // soon over
    case JOB_RELEASING:
    case JOB_CLAIMED:
    case JOB_GONE:
    case JOB_STATES: return;
    }
}

static void leave(struct pipeline *p, enum job_state state, bool with_ask)
{
    struct list *node, *tmp;
    list_each(node, tmp, &p->jobs.head[state])
    {
        struct job *j = container_of(node, struct job, node);
        j->is_stopping = true;
        cancel_request(j, with_ask);
    }
}

void pipeline_stop(struct pipeline *p, bool now)
{
    p->is_stopping = true;
    for (int s = JOB_CLAIMED; s < JOB_GONE; s++) {
        leave(p, (enum job_state)s, now);
    }
}

void pipeline_begin_anew(struct pipeline *p)
{
    for (int s = JOB_CLAIMED; s < JOB_SAVING; s++) {
        leave(p, (enum job_state)s, false);
    }
}

static void give_back(struct job *j)
{
    j->is_stopping = true;
    step_go(j, JOB_RELEASING);
}

void pipeline_shed(struct pipeline *p)
{
    struct list *node, *tmp;
    list_each(node, tmp, &p->jobs.head[JOB_WAITING])
    {
        give_back(container_of(node, struct job, node));
    }
}

void pipeline_shed_upgrades(struct pipeline *p)
{
    struct list *node, *tmp;
    list_each(node, tmp, &p->jobs.head[JOB_WAITING])
    {
        struct job *j = container_of(node, struct job, node);
        if (j->row.is_degraded) {
            give_back(j);
        }
    }
}

void pipeline_lose(struct pipeline *p, int64_t id)
{
    for (int s = JOB_CLAIMED; s < JOB_GONE; s++) {
        struct list *node, *tmp;
        list_each(node, tmp, &p->jobs.head[s])
        {
            struct job *j = container_of(node, struct job, node);
            if (j->row.id == id) {
                j->has_lost_lease = true;
                cancel_request(j, true);
                return;
            }
        }
    }
}

int pipeline_ids(const struct pipeline *p, int64_t *ids, int max)
{
    int n = 0;
    for (int s = JOB_CLAIMED; s < JOB_GONE; s++) {
        const struct list *head = &p->jobs.head[s];
        for (const struct list *node = head->next; node != head && n < max;
             node = node->next) {
            ids[n++] = container_of(node, struct job, node)->row.id;
        }
    }
    return n;
}
