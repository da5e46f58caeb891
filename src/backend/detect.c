// detect.c -- who listens on a URL: by the shape of what it says, never by a bare 200.
//
//     /api/version --string version--> / --"Ollama is running"--> Ollama
//          |                           |
//          v                           v
//     /v1/models --Server: llama.cpp, owned_by--> llama-server, vLLM, SGLang
//          |     --status.value, llama-swap----> /running --array--> llama-swap
//          v
//     /api/v1/models --loaded_instances--> LM Studio
//          v
//     /api/v0/models --state--> LM Studio
//          v
//     /model/info --litellm_params--> any OpenAI-compatible, which models see is known
//          v
//     any OpenAI-compatible, or nothing we know
//
// LM Studio answers 200 to every path (PROTOCOLS.md 2.0), other servers emulate parts of
// each other, so each step looks for what only the real one says.
// SPDX-License-Identifier: MIT
#include "backend/driver.h"
#include "base/json.h"

#include <cjson/cJSON.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>

static talk_fn on_version, on_root, on_models, on_running, on_lms_v1, on_lms_v0,
    on_litellm;

// The reply, and what it tells, is the driver's from here on.
static int hand_over(struct talk *t, const struct driver *d, const struct reply *models)
{
    t->driver = d;
    return d->survey(t, models);
}

int detect_first(struct talk *t, const struct reply *r)
{
    (void)r;
    t->driver = NULL;
    return talk_get(t, on_version, "/api/version");
}

// Only a server that is not there ends the search here.
static int on_version(struct talk *t, const struct reply *r)
{
    if (r->err) {
        return talk_check(t, r);
    }
    const char *version = r->status == 200 ? json_get_str(r->json, "version") : NULL;
    if (!version) {
        return talk_get(t, on_models, "/v1/models");
    }
    snprintf(t->facts.version, sizeof(t->facts.version), "%s", version);
    return talk_get(t, on_root, "/");
}

static int on_root(struct talk *t, const struct reply *r)
{
    if (r->err == 0 && r->status == 200 && strstr(r->body, "Ollama is running")) {
        return hand_over(t, &driver_ollama, NULL);
    }
    t->facts.version[0] = 0;
    return talk_get(t, on_models, "/v1/models");
}

static const cJSON *first_row(const struct reply *r)
{
    return cJSON_GetArrayItem(json_get(r->json, "data"), 0);
}

static bool is_owned_by(const struct reply *r, const char *owner)
{
    const char *s = json_get_str(first_row(r), "owned_by");
    return s && strcasecmp(s, owner) == 0;
}

// The driver whose server speaks so, or NULL.
static const struct driver *by_models(const struct reply *r)
{
    if (strcasestr(r->server, "llama.cpp")) {
        return &driver_llama_server;
    }
    if (is_owned_by(r, "vllm")) {
        return &driver_vllm;
    }
    if (is_owned_by(r, "sglang")) {
        return &driver_sglang;
    }
    if (is_owned_by(r, "library")) {
        return &driver_ollama;
    }
    if (is_owned_by(r, "llamacpp")) {
        return &driver_llama_server;
    }
    return NULL;
}

static bool seems_llama_swap(const struct reply *r)
{
    const cJSON *status = json_get(first_row(r), "status");
    return is_owned_by(r, "llama-swap") || json_get_str(status, "value");
}

static bool is_lms_v1(const struct reply *r)
{
    const cJSON *row = cJSON_GetArrayItem(json_get(r->json, "models"), 0);
    return r->err == 0 && r->status == 200 && json_get(row, "loaded_instances");
}

// The base was LM Studio's ".../api": what was asked as /v1 is its native API.
static int leave_api(struct talk *t)
{
    size_t len = strlen(t->base);
    if (len > 4 && strcasecmp(t->base + len - 4, "/api") == 0) {
        t->base[len - 4] = 0;
    }
    return hand_over(t, &driver_lmstudio, NULL);
}

static int on_models(struct talk *t, const struct reply *r)
{
    int rc = talk_check_status(t, r);
    const struct driver *d = r->err ? NULL : by_models(r);
    if (d && (rc == 0 || d == &driver_llama_server)) {
        return hand_over(t, d, r);
    }
    if (rc == E_AUTH || rc == E_LOADING || rc == E_RATE || rc == E_OVERLOAD || r->err) {
        return rc;
    }
    if (rc == 0 && is_lms_v1(r)) {
        return leave_api(t);
    }
    t->has_data = rc == 0 && cJSON_IsArray(json_get(r->json, "data"));
    if (t->has_data) {
        openai_add_models(&t->list, r->json);
        if (seems_llama_swap(r)) {
            return talk_get(t, on_running, "/running");
        }
    }
    return talk_get(t, on_lms_v1, "/api/v1/models");
}

static int on_running(struct talk *t, const struct reply *r)
{
    if (r->err == 0 && r->status == 200 && cJSON_IsArray(json_get(r->json, "running"))) {
        t->list.n = 0;
        return hand_over(t, &driver_llama_swap, NULL);
    }
    return talk_get(t, on_lms_v1, "/api/v1/models");
}

static int on_lms_v1(struct talk *t, const struct reply *r)
{
    if (is_lms_v1(r)) {
        t->list.n = 0;
        return hand_over(t, &driver_lmstudio, NULL);
    }
    return talk_get(t, on_lms_v0, "/api/v0/models");
}

static int on_lms_v0(struct talk *t, const struct reply *r)
{
    if (r->err == 0 && r->status == 200 && json_get_str(first_row(r), "state")) {
        t->list.n = 0;
        return hand_over(t, &driver_lmstudio, NULL);
    }
    if (!t->has_data) {
        return err_set(&t->err, E_GARBAGE,
                       "%s: %.200s answers, but as no VLM server known",
                       err_words(E_GARBAGE), t->base);
    }
    return talk_get(t, on_litellm, "/model/info");
}

// {"data": [{"model_name", "litellm_params", "model_info": {"supports_vision"}}]}
static int on_litellm(struct talk *t, const struct reply *r)
{
    const cJSON *row = NULL;
    if (r->err == 0 && r->status == 200 && json_get(first_row(r), "litellm_params")) {
        bool is_open = strcmp(t->b->config.service, "auto") == 0;
        t->service = is_open ? service_of("litellm", "") : t->service;
        cJSON_ArrayForEach(row, json_get(r->json, "data"))
        {
            struct model_row *m = models_add(&t->list, json_get_str(row, "model_name"));
            const cJSON *info = json_get(row, "model_info");
            const cJSON *sees = json_get(info, "supports_vision");
            if (m && cJSON_IsBool(sees)) {
                m->vision = cJSON_IsTrue(sees) ? VISION_YES : VISION_NO;
                m->n_ctx = (int)json_get_int(info, "max_input_tokens", 0);
            }
        }
    }
    t->driver = &driver_openai;
    return talk_choose(t);
}
