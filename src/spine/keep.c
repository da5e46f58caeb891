// keep.c -- the last step of every job: its end is made durable, or its lease given back.
//
// The only way out of memory: SAVING or RELEASING -> GONE.  A result that can not be saved
// is kept here and tried again; the store's trouble is told once.
// SPDX-License-Identifier: MIT
#include "spine/keep.h"

#include "base/log.h"
#include "base/mem.h"
#include "spine/judge.h"
#include "spine/lesser.h"

#include <assert.h>
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
        log_error("pipeline", "job=%lld cid=%s class=%s %s", (long long)j->row.id,
                  j->row.cid, err_name(err), p->trouble);
        judge_note_error(j, err, "", p->trouble);
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

static void count(struct pipeline *p, const struct job *j)
{
    struct pipeline_totals *t = &p->totals;
    t->by_outcome[j->outcome]++;
    t->fallbacks[lesser_used(j)]++;
    t->masked += j->gate.is_masked;
    for (int i = 0; i < PRIVACY_CATEGORIES; i++) {
        t->found[i] += j->gate.found.inside[i] + j->gate.found.outside[i] > 0;
        t->cleaned[i] += j->gate.cleaned[i];
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
        log_error("pipeline", "job=%lld cid=%s stays queued: %s", (long long)j->row.id,
                  j->row.cid, r->err.msg);
        leave(j);
        return;
    }
    end_trouble(p);
    if (r->lost) {
        log_info("pipeline", "job=%lld cid=%s was taken over by another process",
                 (long long)j->row.id, j->row.cid);
    } else {
        count(p, j);
        if (p->events.on_saved) {
            p->events.on_saved(p->events.arg, j);
        }
        wake_parked(p, j);
        int64_t id = r->merged_into ? r->merged_into : j->row.id;
        p->events.on_ended(p->events.arg, id, j->row.id, j->outcome);
    }
    leave(j);
}

void keep_save_again(struct job *j)
{
    const struct pipeline_organs *o = &j->pipeline->organs;
    j->wake_ms = INT64_MAX;
    o->save(o->ctx, &j->save, on_saved);
}

static int take_audit(struct job *j)
{
    const struct pipeline_organs *o = &j->pipeline->organs;
    free(j->audit);
    j->audit = mem_zero(sizeof(*j->audit) * (size_t)gate_rows(&j->gate));
    int n = gate_audit(&j->gate, o->wall_ms(o->ctx), j->audit);
    for (int i = 0; i < n; i++) {
        j->audit[i].cid = j->row.cid;
        memcpy(j->audit[i].content, j->image.content, sizeof(j->audit[i].content));
    }
    return n;
}

static void save(struct job *j)
{
    judge_fill_save(j);
    j->masks = gate_masks_text(&j->gate);
    j->save.masks = j->masks;
    j->save.verdict = gate_verdict(&j->gate);
    j->save.is_redacted = j->is_meta_clean;
    j->save.n_audit = take_audit(j);
    j->save.audit = j->audit;
    buf_fini(&j->image.jpeg);
    buf_fini(&j->fetched);
    keep_save_again(j);
}

// Not cleaned: not kept.
static void drop_texts(struct gate_cleaning *c)
{
    answer_fini(&c->answer);
    buf_fini(&c->page);
    for (int i = 0; i < c->n_words; i++) {
        c->words[i].text[0] = '\0';
    }
    c->is_title_clean = true;
}

// On the loop, where they are compared with those of other pictures; they are short.
static void clean_names(struct job *j)
{
    const int before = gate_cleaned(&j->gate);
    gate_clean_title(&j->gate, j->meta.app, sizeof(j->meta.app));
    gate_clean_title(&j->gate, j->meta.screen, sizeof(j->meta.screen));
    j->is_meta_clean |= gate_cleaned(&j->gate) > before;
}

// What the model saw although OCR did not, what OCR read, and what is known without either.
static void on_cleaned(struct gate_work *w, int err)
{
    struct job *j = container_of(w, struct job, req.cleaning.work);
    struct gate_cleaning *c = &j->req.cleaning;
    if (err) {
        drop_texts(c);
    }
    gate_take_cleaned(&j->gate, w);
    j->is_meta_clean = c->is_title_clean;
    clean_names(j);
    j->privacy_us += w->took_us;
    j->ask.answer = c->answer;
    j->ocr_text = c->page;
    gate_work_fini(w);
    save(j);
}

static void add_words(struct gate_cleaning *c, char *text, size_t size)
{
    c->words[c->n_words++] = (struct gate_words){text, size};
}

static void list_words(struct job *j, struct gate_cleaning *c)
{
    struct ingest_meta *m = &j->meta;
    add_words(c, m->window, sizeof(m->window));
    add_words(c, m->url, sizeof(m->url));
    assert(c->n_words == GATE_TITLES);
    add_words(c, j->reason, sizeof(j->reason));
    for (int i = 0; i < j->n_attempts; i++) {
        add_words(c, j->attempt_text[i].words, sizeof(j->attempt_text[i].words));
    }
}

void keep_save(struct job *j)
{
    const struct pipeline_organs *o = &j->pipeline->organs;
    free(j->image.luma);
    j->image.luma = NULL;
    j->wake_ms = INT64_MAX;
    struct gate_cleaning *c = &j->req.cleaning;
    memset(c, 0, sizeof(*c));
    gate_work_init(&c->work, &j->gate, gate_clean_run);
    list_words(j, c);
    c->answer = j->ask.answer;
    c->page = j->ocr_text;
    j->ask.answer = (struct answer){.is_plain = c->answer.is_plain};
    memset(&j->ocr_text, 0, sizeof(j->ocr_text));
    o->work(o->ctx, &c->work, on_cleaned);
}

static void on_released(struct store_release *r, int err)
{
    struct job *j = container_of(r, struct job, release);
    if (err) {
        log_warn("pipeline", "job=%lld cid=%s lease ends by itself: %s",
                 (long long)j->row.id, j->row.cid, r->err.msg);
    }
    leave(j);
}

// Words of servers, which were clean when they came.
static void clean_attempts(struct job *j)
{
    for (int i = 0; i < j->n_attempts; i++) {
        struct job_attempt_text *t = &j->attempt_text[i];
        gate_clean_array(&j->gate, t->words, sizeof(t->words));
    }
}

void keep_release(struct job *j)
{
    struct pipeline *p = j->pipeline;
    clean_attempts(j);
    const int n_audit = take_audit(j);
    // What was sent was sent, whoever has the row now.
    if (j->has_lost_lease && n_audit == 0) {
        leave(j);
        return;
    }
    j->release = (struct store_release){
        .id = j->row.id,
        .claims = j->row.claims,
        .counts_as_claim = false,
        .attempts = j->attempts,
        .n_attempts = j->n_attempts,
        .n_audit = n_audit,
        .audit = j->audit,
    };
    p->organs.release(p->organs.ctx, &j->release, on_released);
}
