// batch_server.c -- a model of a VLM server that batches continuously, in virtual time.
// SPDX-License-Identifier: MIT
#include "batch_server.h"

#include <assert.h>
#include <math.h>

void server_init(struct batch_server *s, const struct server_config *c)
{
    *s = (struct batch_server){.config = *c};
}

void server_pass(struct batch_server *s, double now_ms)
{
    s->waited += s->n_waiting * (now_ms - s->now_ms);
    s->now_ms = now_ms;
}

static int admit(struct batch_server *s)
{
    int n = 0;
    while (s->n_waiting > 0 && s->n_running < s->config.slots) {
        s->running[s->n_running++] = s->waiting[s->first_waiting];
        s->first_waiting = (s->first_waiting + 1) % SERVER_MAX;
        s->n_waiting--;
        n++;
    }
    return n;
}

static void begin_step(struct batch_server *s)
{
    const struct server_config *c = &s->config;
    int admitted = admit(s);
    s->is_stepping = s->n_running > 0;
    if (!s->is_stepping) {
        return;
    }
    int beyond = c->kv_max > 0 && s->n_running > c->kv_max ? s->n_running - c->kv_max : 0;
    s->step_end_ms = s->now_ms + c->step_ms + c->per_request_ms * s->n_running +
                     c->prefill_ms * admitted + c->thrash_ms * beyond;
}

bool server_take(struct batch_server *s, const struct server_request *r, double now_ms)
{
    server_pass(s, now_ms);
    bool has_room = s->n_running < s->config.slots;
    bool is_full = s->config.queue_max > 0 && s->n_waiting >= s->config.queue_max;
    if (!has_room && is_full) {
        return false;
    }
    assert(s->n_waiting < SERVER_MAX);
    s->waiting[(s->first_waiting + s->n_waiting++) % SERVER_MAX] = *r;
    if (!s->is_stepping) {
        begin_step(s);
    }
    return true;
}

double server_due_ms(const struct batch_server *s)
{
    return s->is_stepping ? s->step_end_ms : HUGE_VAL;
}

void server_step(struct batch_server *s,
                 void (*done)(void *arg, struct server_request *r), void *arg)
{
    server_pass(s, s->step_end_ms);
    for (int i = 0; i < s->n_running;) {
        if (--s->running[i].left > 0) {
            i++;
            continue;
        }
        struct server_request r = s->running[i];
        s->running[i] = s->running[--s->n_running];
        done(arg, &r);
    }
    begin_step(s);
}
