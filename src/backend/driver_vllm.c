// driver_vllm.c -- vLLM and SGLang: one model, there from the start (PROTOCOLS.md 4, 5).
//
// Neither says by /v1/models whether its model sees; newer SGLang says it elsewhere.  What is
// not said is not held against it: the first question will tell.
// SPDX-License-Identifier: MIT
#include "backend/stream.h"
#include "base/json.h"

#include <cjson/cJSON.h>
#include <stdio.h>

static talk_fn on_models, on_version, on_sglang_models, on_model_info;

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
    return talk_choose(t);
}

const struct driver driver_vllm = {
    .kind = BACKEND_VLLM,
    .name = "vllm",
    .survey = survey,
    .load = openai_load,
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

const struct driver driver_sglang = {
    .kind = BACKEND_SGLANG,
    .name = "sglang",
    .survey = sglang_survey,
    .load = openai_load,
    .chat_path = "/v1/chat/completions",
    .frames = FRAME_SSE,
    .encode = openai_encode,
    .decode = openai_decode,
};
