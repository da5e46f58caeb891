// job.c -- the table of moves and the one function that changes a job's state.
// SPDX-License-Identifier: MIT
#include "spine/job.h"

#include "base/log.h"
#include "base/mem.h"

#include <assert.h>
#include <stdlib.h>

static const char *const names[] = {
#define X(state, name) name,
    JOB_STATE_TABLE(X)
#undef X
};

#define BIT(s) (1u << (s))

// Row: from.  Bits: the states that may follow.
static const unsigned moves[JOB_STATES] = {
    [JOB_CLAIMED] =
        BIT(JOB_FETCHING) | BIT(JOB_INSPECTING) | BIT(JOB_SAVING) | BIT(JOB_RELEASING),
    [JOB_FETCHING] =
        BIT(JOB_INSPECTING) | BIT(JOB_BACKOFF) | BIT(JOB_SAVING) | BIT(JOB_RELEASING),
    [JOB_INSPECTING] = BIT(JOB_SCREENING) | BIT(JOB_PREPARING) | BIT(JOB_BACKOFF) |
                       BIT(JOB_SAVING) | BIT(JOB_RELEASING),
    [JOB_PREPARING] = BIT(JOB_COMPARING) | BIT(JOB_RECOGNISING) | BIT(JOB_WAITING) |
                      BIT(JOB_BACKOFF) | BIT(JOB_SAVING) | BIT(JOB_RELEASING),
    [JOB_COMPARING] = BIT(JOB_RECOGNISING) | BIT(JOB_WAITING) | BIT(JOB_BACKOFF) |
                      BIT(JOB_SAVING) | BIT(JOB_RELEASING),
    [JOB_RECOGNISING] = BIT(JOB_SCREENING) | BIT(JOB_PREPARING) | BIT(JOB_WAITING) |
                        BIT(JOB_SAVING) | BIT(JOB_RELEASING),
    [JOB_SCREENING] =
        BIT(JOB_PREPARING) | BIT(JOB_WAITING) | BIT(JOB_SAVING) | BIT(JOB_RELEASING),
    [JOB_WAITING] = BIT(JOB_RECORDING) | BIT(JOB_ASKING) | BIT(JOB_PREPARING) |
                    BIT(JOB_SAVING) | BIT(JOB_RELEASING),
    [JOB_RECORDING] = BIT(JOB_WAITING) | BIT(JOB_BACKOFF) | BIT(JOB_RELEASING),
    [JOB_ASKING] = BIT(JOB_BACKOFF) | BIT(JOB_WAITING) | BIT(JOB_PREPARING) |
                   BIT(JOB_SAVING) | BIT(JOB_RELEASING),
    [JOB_BACKOFF] = BIT(JOB_FETCHING) | BIT(JOB_INSPECTING) | BIT(JOB_PREPARING) |
                    BIT(JOB_COMPARING) | BIT(JOB_WAITING) | BIT(JOB_RELEASING),
    [JOB_SAVING] = BIT(JOB_GONE),
    [JOB_RELEASING] = BIT(JOB_GONE),
    [JOB_GONE] = 0,
};

const char *job_state_name(enum job_state s)
{
    return names[s];
}

bool job_may_move(enum job_state from, enum job_state to)
{
    return (moves[from] & BIT(to)) != 0;
}

void job_lists_init(struct job_lists *l)
{
    *l = (struct job_lists){0};
    for (int i = 0; i < JOB_STATES; i++) {
        list_init(&l->head[i]);
    }
}

static void enter(struct job_lists *l, struct job *j, enum job_state to, int64_t now_ms)
{
    j->state = to;
    j->entered_ms[to] = now_ms;
    if (to != JOB_GONE) {
        list_push_back(&l->head[to], &j->node);
        l->count[to]++;
        l->total++;
    }
}

void job_move(struct job_lists *l, struct job *j, enum job_state to, int64_t now_ms)
{
    enum job_state from = j->state;
    assert(job_may_move(from, to));
    log_debug("job", "job=%lld cid=%s from=%s to=%s after_ms=%lld", (long long)j->row.id,
              j->row.cid, names[from], names[to],
              (long long)(now_ms - j->entered_ms[from]));
    j->spent_ms[from] += now_ms - j->entered_ms[from];
    list_remove(&j->node);
    l->count[from]--;
    l->total--;
    enter(l, j, to, now_ms);
}

struct job *job_new(struct job_lists *l, struct store_job *row, int64_t now_ms)
{
    struct job *j = mem_new(struct job);
    j->row = *row;
    row->block = NULL;
    buf_init(&j->ocr_text, 1 << 22);
    enter(l, j, JOB_CLAIMED, now_ms);
    return j;
}

void job_free(struct job *j)
{
    if (!j) {
        return;
    }
    assert(j->state == JOB_GONE);
    store_job_fini(&j->row);
    buf_fini(&j->fetched);
    buf_fini(&j->ocr_text);
    image_req_fini(&j->image);
    answer_fini(&j->ask.answer);
    gate_fini(&j->gate);
    free(j->plain_thumb);
    free(j->audit);
    free(j->masks);
    free(j);
}
