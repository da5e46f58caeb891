// driver_vllm.c -- vLLM and SGLang: one model, there from the start (PROTOCOLS.md 4, 5).
//
// vLLM may be put to sleep where its owner has switched that on.  SGLang's way to give memory
// back can not be asked about afterwards and would leave the server dead for everybody if we
// were killed, so it is not used.
//
// Neither says by /v1/models whether its model sees; newer SGLang says it elsewhere.  What is
// not said is not held against it: the first question will tell.
// SPDX-License-Identifier: MIT
#include "backend/gauge.h"
#include "backend/stream.h"
#include "base/json.h"

#include <cjson/cJSON.h>
#include <stdio.h>

static talk_fn on_models, on_version, on_sleep_known, on_health, on_verify_sleep,
    on_load_sleep, on_woken, on_busy, on_slept, on_metrics;
static talk_fn on_sglang_models, on_model_info, on_sglang_health, on_sglang_metrics,
    on_sglang_load;

static int read_models(struct talk *t, const struct reply *r)
{
    int rc = talk_check(t, r);
    if (rc < 0) {
        return rc;
    }
    openai_add_models(&t->list, r->json);
    for (int i = 0; i < t->list.n; i++) {
        t->list.rows[i].is_loaded = true;
    }
    return 0;
}

static int survey(struct talk *t, const struct reply *models)
{
    t->driver = &driver_vllm;
    return models ? on_models(t, models) : talk_get(t, on_models, "/v1/models");
}

static int on_models(struct talk *t, const struct reply *r)
{
    int rc = read_models(t, r);
    return rc < 0 ? rc : talk_get(t, on_version, "/version");
}

static int on_version(struct talk *t, const struct reply *r)
{
    const char *version = talk_check(t, r) == 0 ? json_get_str(r->json, "version") : NULL;
    snprintf(t->facts.version, sizeof(t->facts.version), "%s", version ? version : "");
    return talk_get(t, on_sleep_known, "/is_sleeping");
}

// -1 = it can not sleep: that has to be switched on.
static int read_sleep(struct talk *t, const struct reply *r)
{
    const cJSON *sleeps = talk_check(t, r) == 0 ? json_get(r->json, "is_sleeping") : NULL;
    return cJSON_IsBool(sleeps) ? cJSON_IsTrue(sleeps) : -1;
}

static int on_sleep_known(struct talk *t, const struct reply *r)
{
    int sleeps = read_sleep(t, r);
    t->facts.unload = sleeps >= 0 ? BACKEND_UNLOAD_SLEEP : BACKEND_UNLOAD_NEVER;
    for (int i = 0; sleeps == 1 && i < t->list.n; i++) {
        t->list.rows[i].is_loaded = false;
    }
    return talk_choose(t);
}

// ---- load: there from the start, but it may have been put to sleep

static int load(struct talk *t, const struct reply *r)
{
    bool can_sleep = t->b->facts.unload == BACKEND_UNLOAD_SLEEP;
    return can_sleep ? talk_get(t, on_load_sleep, "/is_sleeping") : openai_load(t, r);
}

static int on_load_sleep(struct talk *t, const struct reply *r)
{
    return read_sleep(t, r) == 1 ? talk_post_empty(t, on_woken, "/wake_up")
                                 : openai_load(t, NULL);
}

static int on_woken(struct talk *t, const struct reply *r)
{
    int rc = talk_check_status(t, r);
    return rc < 0 ? rc : openai_load(t, NULL);
}

// ---- verify

static int verify(struct talk *t, const struct reply *r)
{
    (void)r;
    return talk_get(t, on_health, "/health");
}

static int on_health(struct talk *t, const struct reply *r)
{
    if (r->err == 0 && r->status == 503) {
        return err_set(&t->err, E_MODEL_CRASH, "%s: the engine is dead",
                       err_words(E_MODEL_CRASH));
    }
    int rc = talk_check_status(t, r);
    if (rc < 0) {
        return rc;
    }
    return t->b->facts.unload == BACKEND_UNLOAD_SLEEP
               ? talk_get(t, on_verify_sleep, "/is_sleeping")
               : talk_resident(t, BACKEND_RESIDENT);
}

static int on_verify_sleep(struct talk *t, const struct reply *r)
{
    return talk_resident(t, read_sleep(t, r) == 1 ? BACKEND_ASLEEP : BACKEND_RESIDENT);
}

// ---- feedback

// kv has two names, old and new; the fullest of several engines counts.
struct gauge_names {
    const char *running, *waiting, *kv, *old_kv;
};

static const struct gauge_names vllm_names = {
    "vllm:num_requests_running", "vllm:num_requests_waiting", "vllm:kv_cache_usage_perc",
    "vllm:gpu_cache_usage_perc"};
static const struct gauge_names sglang_names = {
    "sglang:num_running_reqs", "sglang:num_queue_reqs", "sglang:token_usage",
    "sglang:token_usage"};

// false: it has no such gauges.
static bool read_gauges(struct talk *t, const struct reply *r,
                        const struct gauge_names *names)
{
    const char *model = backend_model(t->b);
    struct gauge running = gauge_read(r->body, names->running, model);
    struct gauge waiting = gauge_read(r->body, names->waiting, model);
    struct gauge kv = gauge_read(r->body, names->kv, model);
    kv = kv.n > 0 ? kv : gauge_read(r->body, names->old_kv, model);
    if (r->err || r->status != 200 || running.n == 0) {
        return false;
    }
    t->feedback.running = gauge_count(&running);
    t->feedback.waiting = gauge_count(&waiting);
    t->feedback.kv_share = kv.n > 0 ? kv.max : -1;
    return true;
}

static int feedback(struct talk *t, const struct reply *r)
{
    (void)r;
    return talk_get(t, on_metrics, "/metrics");
}

static int on_metrics(struct talk *t, const struct reply *r)
{
    if (read_gauges(t, r, &vllm_names)) {
        return TALK_DONE;
    }
    int rc = talk_check_status(t, r);
    return rc < 0 && !talk_is_missing(r) ? rc : talk_unsupported(t);
}

// ---- unload: to main memory

static int unload(struct talk *t, const struct reply *r)
{
    (void)r;
    return t->b->facts.unload == BACKEND_UNLOAD_SLEEP ? talk_get(t, on_busy, "/metrics")
                                                      : talk_unsupported(t);
}

// Whoever is being answered would be cut off; others use the server, too.
static int on_busy(struct talk *t, const struct reply *r)
{
    if (!read_gauges(t, r, &vllm_names)) {
        int rc = talk_check_status(t, r);
        return rc < 0 ? rc : talk_unsupported(t);
    }
    if (t->feedback.running > 0 || t->feedback.waiting > 0) {
        return err_set(&t->err, E_BUSY, "%s: it is answering others", err_words(E_BUSY));
    }
    return talk_post_empty(t, on_slept, "/sleep?level=1");
}

static int on_slept(struct talk *t, const struct reply *r)
{
    int rc = talk_check_status(t, r);
    return rc < 0 ? rc : TALK_DONE;
}

const struct driver driver_vllm = {
    .kind = BACKEND_VLLM,
    .name = "vllm",
    .survey = survey,
    .load = load,
    .verify = verify,
    .unload = unload,
    .feedback = feedback,
    .chat_path = "/v1/chat/completions",
    .frames = FRAME_SSE,
    .encode = openai_encode,
    .decode = openai_decode,
};

// ---- SGLang

static int sglang_survey(struct talk *t, const struct reply *models)
{
    t->driver = &driver_sglang;
    t->at = 0;
    return models ? on_sglang_models(t, models)
                  : talk_get(t, on_sglang_models, "/v1/models");
}

static int on_sglang_models(struct talk *t, const struct reply *r)
{
    int rc = read_models(t, r);
    return rc < 0 ? rc : talk_get(t, on_model_info, "/get_model_info");
}

// The path was renamed; both are tried.
static int on_model_info(struct talk *t, const struct reply *r)
{
    bool is_told = talk_check(t, r) == 0;
    const cJSON *sees = is_told ? json_get(r->json, "has_image_understanding") : NULL;
    if (!is_told && t->at++ == 0) {
        return talk_get(t, on_model_info, "/model_info");
    }
    for (int i = 0; cJSON_IsBool(sees) && i < t->list.n; i++) {
        t->list.rows[i].vision = cJSON_IsTrue(sees) ? VISION_YES : VISION_NO;
    }
    return talk_choose(t);
}

// Its health is a token's worth of work: ask it rarely.
static int sglang_verify(struct talk *t, const struct reply *r)
{
    (void)r;
    return talk_get(t, on_sglang_health, "/health");
}

static int on_sglang_health(struct talk *t, const struct reply *r)
{
    if (r->err == 0 && r->status == 503) {
        return talk_resident(t, BACKEND_LOADING);
    }
    int rc = talk_check_status(t, r);
    return rc < 0 ? rc : talk_resident(t, BACKEND_RESIDENT);
}

static int sglang_feedback(struct talk *t, const struct reply *r)
{
    (void)r;
    return talk_get(t, on_sglang_metrics, "/metrics");
}

static int on_sglang_metrics(struct talk *t, const struct reply *r)
{
    if (read_gauges(t, r, &sglang_names)) {
        return TALK_DONE;
    }
    return r->err ? talk_check_status(t, r) : talk_get(t, on_sglang_load, "/get_load");
}

// Without --enable-metrics: [{"num_reqs": all, "num_waiting_reqs"}, ...], a row per rank.
static int on_sglang_load(struct talk *t, const struct reply *r)
{
    const cJSON *row = NULL;
    int rc = talk_check(t, r);
    if (talk_is_missing(r) || (rc == 0 && !cJSON_IsArray(r->json))) {
        return talk_unsupported(t);
    }
    if (rc < 0) {
        return rc;
    }
    t->feedback.running = t->feedback.waiting = 0;
    cJSON_ArrayForEach(row, r->json)
    {
        int waiting = (int)json_get_int(row, "num_waiting_reqs", 0);
        t->feedback.waiting += waiting;
        t->feedback.running += (int)json_get_int(row, "num_reqs", 0) - waiting;
    }
    return TALK_DONE;
}

const struct driver driver_sglang = {
    .kind = BACKEND_SGLANG,
    .name = "sglang",
    .survey = sglang_survey,
    .load = openai_load,
    .verify = sglang_verify,
    .feedback = sglang_feedback,
    .chat_path = "/v1/chat/completions",
    .frames = FRAME_SSE,
    .encode = openai_encode,
    .decode = openai_decode,
};
