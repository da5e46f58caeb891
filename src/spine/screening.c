// screening.c -- hands texts of a picture to a worker thread, and takes what it found.
//
// INSPECTING -> SCREENING with what stands beside the picture, or long in its title and
// address; RECOGNISING -> SCREENING with what stands on it.  The gate has learned it when the
// job goes on; of a job that leaves nothing is learned.
// SPDX-License-Identifier: MIT
#include "spine/screening.h"

#include "base/mem.h"
#include "spine/learn.h"
#include "spine/step.h"

#include <string.h>

static void begin(struct job *j, void (*done)(struct gate_work *w, int err))
{
    const struct pipeline_organs *o = &j->pipeline->organs;
    step_move(j, JOB_SCREENING);
    o->work(o->ctx, &j->req.screening.work, done);
}

void screen_cancel(struct job *j)
{
    const struct pipeline_organs *o = &j->pipeline->organs;
    o->work_cancel(o->ctx, &j->req.screening.work);
}

// ---- beside the picture

static void on_beside(struct gate_work *w, int err)
{
    struct job *j = container_of(w, struct job, req.screening.work);
    if (err == 0) {
        gate_take_beside(&j->gate, w);
    } else {
        gate_learn_beside(&j->gate, NULL, true);  // there is something nobody has judged
        gate_learn_meta(&j->gate);
    }
    j->privacy_us += w->took_us;
    gate_screening_fini(&j->req.screening);
    if (!step_leaves(j)) {
        step_go(j, JOB_PREPARING);
    }
}

void screen_outside(struct job *j, char *text, bool is_cut)
{
    struct gate_screening *s = &j->req.screening;
    memset(s, 0, sizeof(*s));
    gate_work_init(&s->work, &j->gate, gate_screen_outside_run);
    s->beside = text;
    s->is_beside_cut = is_cut;
    begin(j, on_beside);
}

// ---- on the picture

// Before what is to be painted over is: later pictures are compared with it as it was.
static void keep_plain_thumb(struct job *j)
{
    if (j->gate.n_masks && !j->plain_thumb) {
        j->plain_thumb = mem_zero(sizeof(j->image.thumb));
        memcpy(j->plain_thumb, j->image.thumb, sizeof(j->image.thumb));
    }
}

static void on_page(struct gate_work *w, int err)
{
    struct job *j = container_of(w, struct job, req.screening.work);
    struct ocr_req *read = &j->req.screening.read;
    if (err == 0) {
        gate_take_page(&j->gate, w);
        ocr_drop_second(read);
        buf_take(&j->ocr_text, &read->text);
        keep_plain_thumb(j);
    } else {
        gate_lack_text(&j->gate);
    }
    j->privacy_us += w->took_us;
    gate_screening_fini(&j->req.screening);
    if (!step_leaves(j)) {
        learn_read(j, 0);
    }
}

void screen_page(struct job *j, struct ocr_req *read)
{
    const struct ocr_req taken = *read;
    struct gate_screening *s = &j->req.screening;
    memset(s, 0, sizeof(*s));
    gate_work_init(&s->work, &j->gate, gate_screen_page_run);
    s->read = taken;
    begin(j, on_page);
}
