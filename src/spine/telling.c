// telling.c -- a job's answer told while it comes, to whoever listens.
//
//   backend -> waiting -> | live.h, in a worker thread | -> clean -> listener
//
// The privacy rules may take milliseconds for a few thousand bytes that were made to be slow,
// so the loop only gathers what comes.  One look is under way at a time; it has the texts, and
// a gate of its own, until it is done.  The job stays in ASKING until the last one is.
// SPDX-License-Identifier: MIT
#include "spine/telling.h"

#include "base/mem.h"
#include "spine/pieces.h"
#include "spine/step.h"

#include <stdlib.h>
#include <string.h>

// More than this comes while a worker is busy: it is told no further.
enum { MOST_WAITING = 128 << 10, MOST_CLEAN = 1 << 20, MOST_ADDRESS = 64 << 10 };

struct telling {
    struct job *job;
    struct pieces waiting;  // what came since the last look began
    int64_t looked_ms;      // when that was; monotonic
    bool is_looking;        // what follows is the worker's
    bool has_begun;         // the listener was told
    bool is_cut;            // something was left out: nothing more is told
    bool has_ended;         // the request has
    bool is_answer;         // and all of it may be told
    void (*then)(struct job *j);
    // of a look
    struct gate_work work;
    const char *path;        // in; borrowed from the job
    int64_t now_ms;          // in
    bool is_last;            // in: what is held back may be told
    struct pieces given;     // in
    struct live live;        // in and out
    struct pieces clean;     // out
    struct buf address;      // out, once
    bool is_address_hidden;  // else path is told
};

// ---- a look, in a worker thread

static int redact(void *arg, const char *text, struct buf *out)
{
    const struct telling *t = arg;
    return gate_redact(&t->work.gate, text, out);
}

static void tell(void *arg, const char *field, const char *text, size_t len)
{
    struct telling *t = arg;
    t->live.has_ended |= pieces_add(&t->clean, field, text, len) != 0;
}

static void look_run(struct gate_work *w)
{
    struct telling *t = container_of(w, struct telling, work);
    const struct live_ends ends = {t, redact, tell};
    struct list *node, *tmp;
    if (!t->has_begun) {
        t->is_address_hidden =
            gate_redact_address((void *)w->gate.config, t->path, &t->address);
    }
    list_each(node, tmp, &t->given.head)
    {
        const struct piece *p = container_of(node, struct piece, node);
        live_feed(&t->live, &ends, p->field, buf_str(&p->text), p->text.len, t->now_ms);
    }
    if (t->is_last) {
        live_end(&t->live, &ends);
    }
    pieces_clear(&t->given);
}

// ---- on the loop

static void on_looked(struct gate_work *w, int err);

static void look(struct telling *t)
{
    struct job *j = t->job;
    const struct pipeline_organs *o = &j->pipeline->organs;
    t->now_ms = t->looked_ms = step_now_ms(j);
    t->is_looking = true;
    t->is_last = t->has_ended;
    pieces_move(&t->given, &t->waiting);
    gate_work_init(&t->work, &j->gate, look_run);
    o->work(o->ctx, &t->work, on_looked);
}

static bool is_due(const struct telling *t)
{
    const size_t n = t->waiting.bytes;
    const bool is_next_field = t->waiting.head.next != t->waiting.head.prev;
    return !t->has_begun || is_next_field || n >= LIVE_WINDOW ||
           (n >= LIVE_STEP && step_now_ms(t->job) - t->looked_ms >= LIVE_PAUSE_MS);
}

static void say(struct telling *t, const char *field, const char *text)
{
    struct job *j = t->job;
    struct pipeline *p = j->pipeline;
    const char *address = t->is_address_hidden ? buf_str(&t->address) : j->row.path;
    if (p->events.on_words &&
        !p->events.on_words(p->events.arg, j, address, field, text) && !t->has_ended) {
        p->organs.ask_pause(p->organs.ctx, &j->ask, true);
    }
}

static void say_clean(struct telling *t)
{
    struct list *node, *tmp;
    if (!t->has_begun) {
        t->has_begun = true;
        say(t, "", "");
    }
    list_each(node, tmp, &t->clean.head)
    {
        const struct piece *p = container_of(node, struct piece, node);
        say(t, p->field, buf_str(&p->text));
    }
    pieces_clear(&t->clean);
}

static void end(struct telling *t)
{
    struct job *j = t->job;
    void (*then)(struct job *) = t->then;
    pieces_clear(&t->waiting);
    pieces_clear(&t->given);
    pieces_clear(&t->clean);
    live_fini(&t->live);
    buf_fini(&t->address);
    free(t);
    j->telling = NULL;
    then(j);
}

static void on_looked(struct gate_work *w, int err)
{
    struct telling *t = container_of(w, struct telling, work);
    t->is_looking = false;
    t->job->privacy_us += w->took_us;
    gate_work_fini(w);
    t->is_cut |= err != 0;
    if (!t->is_cut) {
        say_clean(t);
    }
    if (t->has_ended && (t->is_last || t->is_cut || !t->is_answer)) {
        end(t);
    } else if (t->has_ended || (!t->is_cut && is_due(t))) {
        look(t);
    }
}

static void on_words(struct ask *a, const char *field, const char *text, size_t len)
{
    struct job *j = container_of(a, struct job, ask);
    struct telling *t = j->telling;
    if (!t) {
        t = j->telling = mem_new(struct telling);
        t->job = j;
        t->path = j->row.path;
        live_init(&t->live);
        pieces_init(&t->waiting, MOST_WAITING);
        pieces_init(&t->given, MOST_WAITING);
        pieces_init(&t->clean, MOST_CLEAN);
        buf_init(&t->address, MOST_ADDRESS);
    }
    t->is_cut = t->is_cut || pieces_add(&t->waiting, field, text, len) != 0;
    if (!t->is_looking && !t->is_cut && is_due(t)) {
        look(t);
    }
}

void telling_begin(struct job *j)
{
    j->ask.on_words = j->pipeline->events.on_words ? on_words : NULL;
}

void telling_end(struct job *j, bool is_answer, void (*then)(struct job *j))
{
    struct telling *t = j->telling;
    if (!t) {
        then(j);
        return;
    }
    t->has_ended = true;
    t->is_answer = is_answer;
    t->then = then;
    if (t->is_looking) {
        return;  // on_looked
    }
    if (is_answer && !t->is_cut) {
        look(t);
    } else {
        end(t);
    }
}

bool telling_waits(const struct job *j)
{
    return j->telling && j->telling->has_ended;
}

void pipeline_resume_answer(struct pipeline *p, int64_t id)
{
    struct list *head = &p->jobs.head[JOB_ASKING];
    for (struct list *node = head->next; node != head; node = node->next) {
        struct job *j = container_of(node, struct job, node);
        if (j->row.id == id && !telling_waits(j)) {
            p->organs.ask_pause(p->organs.ctx, &j->ask, false);
            return;
        }
    }
}
