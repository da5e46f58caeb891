// keep.c -- the last step of every job: its end is made durable, or its lease given back.
//
// The only way out of memory: SAVING or RELEASING -> GONE.  A result that can not be saved
// is kept here and tried again; the store's trouble is told once.
// SPDX-License-Identifier: MIT
#include "keep.h"

#include "base/log.h"
#include "judge.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { SAVE_AGAIN_MS = 2000 };

static void leave(struct job *j)
{
    struct pipeline *p = j->pipeline;
    job_move(&p->jobs, j, JOB_GONE, p->organs.now_ms(p->organs.ctx));
    job_free(j);
    p->events.on_room(p->events.arg);
}

// Equal pictures, and ones that are alike, that waited for this one need not wait any longer.
static void wake_parked(struct pipeline *p, const struct job *ended)
{
    struct list *node, *tmp;
    list_each(node, tmp, &p->jobs.head[JOB_BACKOFF])
    {
        struct job *j = container_of(node, struct job, node);
        bool is_equal = ended->has_image && memcmp(j->image.content, ended->image.content,
                                                   IMAGE_HASH_BYTES) == 0;
        if (j->resume == JOB_COMPARING && (is_equal || judge_is_compared(j))) {
            j->wake_ms = 0;
        }
    }
}

static void save_later(struct job *j, int err)
{
    struct pipeline *p = j->pipeline;
    if (!p->trouble[0]) {
        snprintf(p->trouble, sizeof(p->trouble), "results can not be saved: %.200s",
                 j->save.err.msg[0] ? j->save.err.msg : err_words(err));
        log_error("pipeline", "job=%lld class=%s %s", (long long)j->row.id, err_name(err),
                  p->trouble);
        p->events.on_trouble(p->events.arg);
    }
    j->wake_ms = p->organs.now_ms(p->organs.ctx) + SAVE_AGAIN_MS;
}

static void end_trouble(struct pipeline *p)
{
    if (p->trouble[0]) {
        p->trouble[0] = 0;
        p->events.on_trouble(p->events.arg);
    }
}

static void on_saved(struct store_save *r, int err)
{
    struct job *j = container_of(r, struct job, save);
    struct pipeline *p = j->pipeline;
    bool gives_up = j->is_stopping && p->is_stopping;
    if (err && !gives_up) {
        save_later(j, err);
        return;
    }
    if (err) {
        log_error("pipeline", "job=%lld stays queued: %s", (long long)j->row.id,
                  r->err.msg);
        leave(j);
        return;
    }
    end_trouble(p);
    if (r->lost) {
        log_info("pipeline", "job=%lld was taken over by another process",
                 (long long)j->row.id);
    } else {
        p->totals.by_outcome[j->outcome]++;
        wake_parked(p, j);
        int64_t id = r->merged_into ? r->merged_into : j->row.id;
        p->events.on_ended(p->events.arg, id, j->outcome);
    }
    leave(j);
}

void keep_save_again(struct job *j)
{
    const struct pipeline_organs *o = &j->pipeline->organs;
    j->wake_ms = INT64_MAX;
    o->save(o->ctx, &j->save, on_saved);
}

void keep_save(struct job *j)
{
    struct pipeline *p = j->pipeline;
    free(j->image.luma);
    j->image.luma = NULL;
    judge_fill_save(j, p->config.tier);
    buf_fini(&j->image.jpeg);
    buf_fini(&j->fetched);
    keep_save_again(j);
}

static void on_released(struct store_release *r, int err)
{
    struct job *j = container_of(r, struct job, release);
    if (err) {
        log_warn("pipeline", "job=%lld lease ends by itself: %s", (long long)j->row.id,
                 r->err.msg);
    }
    leave(j);
}

void keep_release(struct job *j)
{
    struct pipeline *p = j->pipeline;
    if (j->has_lost_lease) {
        leave(j);
        return;
    }
    j->release = (struct store_release){
        .id = j->row.id,
        .claims = j->row.claims,
        .counts_as_claim = false,
        .attempts = j->attempts,
        .n_attempts = j->n_attempts,
    };
    p->organs.release(p->organs.ctx, &j->release, on_released);
}
