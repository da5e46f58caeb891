// lesser.c -- a smaller tier, what text recognition reads, or program and title alone.
//
//   ASKING -> PREPARING -> WAITING                  a smaller tier
//   ASKING -> PREPARING -> RECOGNISING -> SAVING    text recognition
//   ... -> SAVING                                   what is known without looking
//
// Nothing of this leaves the machine but what the gate lets pass as ever; rows that end in
// the last two are degraded, and are asked again when a model appears.
// SPDX-License-Identifier: MIT
#include "spine/lesser.h"

#include "base/log.h"
#include "dispatch/standin.h"
#include "spine/remedy.h"
#include "spine/step.h"

#include <stdio.h>
#include <string.h>

static struct fallback_state state_of(const struct job *j, int code)
{
    const struct pipeline_config *c = &j->pipeline->config;
    bool was_read = code == E_OCR && j->fallback < FALLBACK_OCR;
    return (struct fallback_state){
        .reach = c->fallback,
        .step = was_read ? FALLBACK_OCR : j->fallback,
        .tier = (int)j->tier,
        .can_ocr = c->can_ocr,
        .has_metadata = j->meta.app[0] || j->meta.window[0],
        .was_degraded = j->row.is_degraded,
    };
}

// With as many tries as the first had.
static void take_smaller_tier(struct job *j)
{
    const struct tier *from = &j->pipeline->config.tiers[j->tier];
    const struct tier *to = &j->pipeline->config.tiers[--j->tier];
    j->target_px = to->target_px < j->target_px ? to->target_px : j->target_px;
    if (j->target_tokens > 0 && from->target_px > to->target_px) {
        double side = (double)to->target_px / from->target_px;
        j->target_tokens = (int)(j->target_tokens * side * side);
    }
    j->is_late = false;
    j->tries = j->strikes = 0;
    remedy_forget(j);
    step_go(j, JOB_PREPARING);
}

// Nothing of the asks before belongs to it.
static void begin_answer(struct job *j, const char *name, const char *prompt)
{
    struct ask *a = &j->ask;
    answer_fini(&a->answer);
    snprintf(a->backend, sizeof(a->backend), "%s", name);
    snprintf(a->model, sizeof(a->model), "%s",
             strcmp(name, "ocr") == 0 ? "tesseract" : name);
    snprintf(a->prompt, sizeof(a->prompt), "%s", prompt);
    snprintf(a->finish_reason, sizeof(a->finish_reason), "%s", name);
    a->params[0] = 0;
    a->prompt_tokens = a->completion_tokens = -1;
    a->request_ms = a->first_byte_ms = 0;
    a->is_degraded = true;
    a->is_remote = false;
}

static void end_with_text(struct job *j)
{
    begin_answer(j, "ocr", "ocr/1");
    standin_compose(j->meta.app, j->meta.window, buf_str(&j->ocr_text), &j->ask.answer);
    j->has_answer = true;
    step_end(j, STORE_ANSWERED, 0, "");
}

static void end_with_metadata(struct job *j)
{
    begin_answer(j, "metadata", "metadata/1");
    standin_compose_unseen(j->meta.app, j->meta.window, &j->ask.answer);
    j->has_answer = true;
    step_end(j, STORE_ANSWERED, 0, "");
}

static void read_text(struct job *j)
{
    if (j->ocr_text.len > 0) {
        end_with_text(j);
        return;
    }
    j->wants_luma = true;
    step_go(j, JOB_PREPARING);
}

bool lesser_try(struct job *j, int code)
{
    const struct fallback_state s = state_of(j, code);
    enum fallback_step next = fallback_next(&s, code);
    if (next == FALLBACK_NONE) {
        return false;
    }
    if (j->fallback == FALLBACK_NONE) {
        j->fallback_code = code;
    }
    log_debug("pipeline", "job=%lld class=%s fallback=%s", (long long)j->row.id,
              err_name(code), fallback_name(next));
    j->fallback = next;
    switch (next) {
    case FALLBACK_TIER: take_smaller_tier(j); break;
    case FALLBACK_OCR: read_text(j); break;
    case FALLBACK_METADATA: end_with_metadata(j); break;
    case FALLBACK_BACKEND:
    case FALLBACK_NONE: break;
    }
    return true;
}

static void try_next(struct job *j)
{
    if (!lesser_try(j, E_OCR)) {
        step_end(j, STORE_FAILED, j->fallback_code, j->ask.err.msg);
    }
}

void lesser_prepared(struct job *j)
{
    if (j->image.luma) {
        step_go(j, JOB_RECOGNISING);
    } else {
        try_next(j);
    }
}

void lesser_read(struct job *j, int err)
{
    if (err) {
        try_next(j);
    } else {
        end_with_text(j);
    }
}

// ---- what was done

// Failing over leaves its traces in the history only.
static const struct store_attempt *failed_elsewhere(const struct job *j)
{
    for (int i = 0; i < j->n_attempts; i++) {
        const struct store_attempt *a = &j->attempts[i];
        if (a->code && strcmp(a->backend, j->ask.backend) != 0) {
            return a;
        }
    }
    return NULL;
}

enum fallback_step lesser_used(const struct job *j)
{
    if (!j->has_answer) {
        return FALLBACK_NONE;
    }
    if (j->fallback != FALLBACK_NONE) {
        return j->fallback;
    }
    if (j->ask.is_degraded) {
        return FALLBACK_OCR;  // while no model was there
    }
    return failed_elsewhere(j) ? FALLBACK_BACKEND : FALLBACK_NONE;
}

int lesser_reason(const struct job *j)
{
    if (j->fallback != FALLBACK_NONE) {
        return j->fallback_code;
    }
    const struct store_attempt *a = failed_elsewhere(j);
    return j->ask.is_degraded ? E_NET : a ? a->code : 0;
}

const char *lesser_tier(const struct job *j)
{
    enum fallback_step used = lesser_used(j);
    return used >= FALLBACK_OCR ? fallback_name(used) : tier_name(j->tier);
}
