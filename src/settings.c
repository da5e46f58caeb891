// settings.c -- see settings.h.  Only copies; no decision is made here.
// SPDX-License-Identifier: MIT
#include "settings.h"

#include "observe/alerts.h"
#include "servers.h"

#include <string.h>

enum { POLL_MS = 30000, SHED_AFTER_MS = 60000 };

void settings_dispatch(struct app *a, struct dispatch_config *out)
{
    const struct config *c = a->config;
    *out = (struct dispatch_config){
        .stand_in_after_ms = c->ocr_after_ms,
        .allow_remote = c->privacy.policy.allow_remote,
        .concurrency = c->concurrency,
        .breaker = c->breaker,
        .life = c->life,
        .retry_pct = c->retry.budget_pct,
        .prompts = &c->prompts,
    };
    servers_list(a, out);
}

void settings_pipeline(struct app *a, struct pipeline_config *out)
{
    const struct config *c = a->config;
    *out = (struct pipeline_config){
        .target_px = c->target_px,
        .has_own_px = c->has_own_px,
        .fits_grid = !c->has_own_px,
        .target_tokens = c->target_tokens,
        .patch_px = c->patch_px,
        .tier = c->tier,
        .fallback = servers_fallback(a),
        .can_ocr = c->has_ocr_backend || c->ocr_when != CONFIG_OCR_NEVER,
        .reads_text_always = c->ocr_when == CONFIG_OCR_ALWAYS,
        .duplicates = c->duplicates,
        .max_file_bytes = c->image.max_file_bytes,
        .result_ttl_ms = c->result_ttl_ms,
        .payloads = &a->payloads,
        .retry = c->retry,
        .gate = a->gate,
    };
    memcpy(out->tiers, c->tiers, sizeof(out->tiers));
}

void settings_governor(const struct app *a, struct governor_config *out)
{
    const struct config *c = a->config;
    *out = (struct governor_config){
        .pressure = c->pressure,
        .yield = c->yield,
        .programs = c->yield_programs,
        .hours = c->yield_hours,
        .proc = "/proc",
        .sys = "/sys",
    };
}

void settings_schedule(const struct app *a, struct schedule_config *out)
{
    *out = (struct schedule_config){
        .prepare_ahead = a->config->prepare_ahead + image_threads(a->images),
        .lease_ms = a->config->store.lease_ms,
        .poll_ms = POLL_MS,
        .shed_after_ms = SHED_AFTER_MS,
        .batch_tier = a->config->has_own_tier ? tier_name(a->config->tier) : NULL,
    };
}

// ---- read anew

static void apply_to_work(struct app *a)
{
    struct dispatch_config dispatch;
    struct governor_config governor;
    struct schedule_config schedule;
    settings_pipeline(a, &a->pipeline.config);
    settings_dispatch(a, &dispatch);
    dispatch_configure(a->dispatch, &dispatch);
    settings_schedule(a, &schedule);
    schedule_configure(a->schedule, &schedule);
    payload_limit(&a->payloads, (int64_t)a->config->payload_mb << 20);
    settings_governor(a, &governor);
    governor_configure(a->governor, &governor);
}

// The gate is asked on this thread only: between two turns of the loop all of it changes.  What
// other threads go by is one word.
void settings_apply(struct app *a, bool has_new_rules)
{
    a->gate.rules = a->config->rules;
    atomic_store(&a->kept_back, gate_kept_back(a->gate.policy));
    store_configure(a->store, &a->config->store);
    if (a->role == VLMD_CLIENT || !a->schedule) {
        return;
    }
    memcpy(a->history.keep_ms, a->config->history_keep_ms, sizeof(a->history.keep_ms));
    alerts_configure(a->monitor->alerter);
    apply_to_work(a);
    if (has_new_rules) {
        pipeline_begin_anew(&a->pipeline);
    }
    schedule_wake(a->schedule);
}
