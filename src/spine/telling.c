// telling.c -- a job's answer told while it comes, to whoever listens.
//
// Between the backend, which gives the texts as the model writes them, and the listener, who
// gets what the privacy rules leave of them (live.h).
// SPDX-License-Identifier: MIT
#include "spine/telling.h"

#include "base/mem.h"
#include "spine/live.h"
#include "spine/step.h"

#include <stdlib.h>
#include <string.h>

static int redact(void *arg, const char *text, struct buf *out)
{
    const struct job *j = arg;
    return gate_redact(&j->gate, text, out);
}

static void say(struct job *j, const char *field, const char *text)
{
    struct pipeline *p = j->pipeline;
    if (!p->events.on_words(p->events.arg, j, field, text)) {
        p->organs.ask_pause(p->organs.ctx, &j->ask, true);
    }
}

// text has a NUL behind it: it is the end of a buffer.
static void tell(void *arg, const char *field, const char *text, size_t len)
{
    (void)len;
    say(arg, field, text);
}

static struct live_ends ends_of(struct job *j)
{
    return (struct live_ends){j, redact, tell};
}

static void on_words(struct ask *a, const char *field, const char *text, size_t len)
{
    struct job *j = container_of(a, struct job, ask);
    const struct live_ends e = ends_of(j);
    if (!j->live) {
        j->live = mem_new(struct live);
        live_init(j->live);
        say(j, "", "");
    }
    live_feed(j->live, &e, field, text, len, step_now_ms(j));
}

void telling_begin(struct job *j)
{
    j->ask.on_words = j->pipeline->events.on_words ? on_words : NULL;
}

void telling_end(struct job *j, bool is_answer)
{
    if (!j->live) {
        return;
    }
    if (is_answer) {
        const struct live_ends e = ends_of(j);
        live_end(j->live, &e);
    }
    live_fini(j->live);
    free(j->live);
    j->live = NULL;
}

void pipeline_resume_answer(struct pipeline *p, int64_t id)
{
    struct list *head = &p->jobs.head[JOB_ASKING];
    for (struct list *node = head->next; node != head; node = node->next) {
        struct job *j = container_of(node, struct job, node);
        if (j->row.id == id) {
            p->organs.ask_pause(p->organs.ctx, &j->ask, false);
            return;
        }
    }
}
