// driver_llama.c -- llama.cpp's llama-server, alone or as router (PROTOCOLS.md 3).
//
// Alone it has its one model from the start: a load is waiting for /health, and only its own
// idle timer gives the memory back.  A router is told to load and polled, and told to unload.
// SPDX-License-Identifier: MIT
#include "backend/gauge.h"
#include "backend/stream.h"
#include "base/json.h"

#include <cjson/cJSON.h>
#include <stdio.h>
#include <string.h>

static talk_fn on_models, on_props, on_child_props, on_health, on_load_props,
    on_load_asked, on_load_state, on_verify_health, on_verify_props, on_verify_state,
    on_unload_asked, on_metrics, on_slots;

// ---- llama-server: survey

static int survey(struct talk *t, const struct reply *models)
{
    t->driver = &driver_llama_server;
    return models ? on_models(t, models) : talk_get(t, on_models, "/v1/models");
}

static int on_models(struct talk *t, const struct reply *r)
{
    int rc = talk_check(t, r);
    if (rc < 0) {
        return rc;
    }
    openai_add_models(&t->list, r->json);
    return talk_get(t, on_props, "/props");
}

void llama_read_props(struct talk *t, const cJSON *props, struct model_row *m)
{
    const char *build = json_get_str(props, "build_info");
    const cJSON *sees = json_get(json_get(props, "modalities"), "vision");
    if (cJSON_IsBool(sees)) {
        m->vision = cJSON_IsTrue(sees) ? VISION_YES : VISION_NO;
    }
    m->slots = (int)json_get_int(props, "total_slots", 0);
    m->n_ctx =
        (int)json_get_int(json_get(props, "default_generation_settings"), "n_ctx", 0);
    if (build) {
        snprintf(t->facts.version, sizeof(t->facts.version), "%s", build);
    }
}

static bool is_router(const cJSON *props)
{
    const char *role = json_get_str(props, "role");
    return role && strcmp(role, "router") == 0;
}

static int on_props(struct talk *t, const struct reply *r)
{
    bool is_told = talk_check(t, r) == 0;
    if (is_told && is_router(r->json)) {
        struct model_row nobody = {0};  // what stands there is of no model
        llama_read_props(t, r->json, &nobody);
        t->facts.unload = BACKEND_UNLOAD_NOW;
        int rc = talk_choose(t);
        if (rc < 0 || !t->chosen->is_loaded) {
            return rc;
        }
        return talk_get_model(t, on_child_props, "/props?model=", t->chosen->name, "");
    }
    for (int i = 0; i < t->list.n; i++) {
        t->list.rows[i].is_loaded = true;
        if (is_told) {
            llama_read_props(t, r->json, &t->list.rows[i]);
            t->list.rows[i].is_loaded = !json_get_bool(r->json, "is_sleeping", false);
        }
    }
    return talk_choose(t);
}

static int on_child_props(struct talk *t, const struct reply *r)
{
    if (talk_check(t, r) == 0) {
        llama_read_props(t, r->json, t->chosen);
    }
    return talk_choose(t);
}

// ---- llama-server: load

static int load(struct talk *t, const struct reply *r)
{
    (void)r;
    return talk_get(t, on_health, "/health");
}

static int on_health(struct talk *t, const struct reply *r)
{
    int rc = talk_check_status(t, r);
    if (r->err == 0 && r->status == 503) {
        rc = talk_wait(t);
        return rc < 0 ? rc : talk_get(t, on_health, "/health");
    }
    return rc < 0 ? rc : talk_get(t, on_load_props, "/props");
}

static int ask_to_load(struct talk *t)
{
    struct json_writer w;
    json_init(&w, &t->body);
    json_object(&w, NULL);
    json_str(&w, "model", backend_model(t->b));
    json_object_end(&w);
    return w.rc < 0 ? w.rc : talk_post(t, on_load_asked, "/models/load");
}

static int on_load_props(struct talk *t, const struct reply *r)
{
    struct model_row m = {0};
    if (talk_check(t, r) < 0) {
        return TALK_DONE;  // healthy, but it keeps its properties to itself
    }
    if (is_router(r->json)) {
        return ask_to_load(t);
    }
    llama_read_props(t, r->json, &m);
    t->facts.slots = m.slots;
    t->facts.n_ctx = m.n_ctx;
    return TALK_DONE;
}

static int on_load_asked(struct talk *t, const struct reply *r)
{
    int rc = talk_check(t, r);
    bool is_there = rc < 0 && strstr(t->err.msg, "already running");
    return rc < 0 && !is_there ? rc : talk_get(t, on_load_state, "/models");
}

// The router's word for the model, or "".
static const char *router_state(const struct reply *r, const char *model,
                                bool *has_failed)
{
    const cJSON *row = NULL;
    cJSON_ArrayForEach(row, json_get(r->json, "data"))
    {
        const char *id = json_get_str(row, "id");
        const cJSON *status = json_get(row, "status");
        if (id && strcmp(id, model) == 0) {
            const char *value = json_get_str(status, "value");
            *has_failed = json_get_bool(status, "failed", false);
            return value ? value : "";
        }
    }
    *has_failed = true;
    return "";
}

static int on_load_state(struct talk *t, const struct reply *r)
{
    bool has_failed = false;
    int rc = talk_check(t, r);
    if (rc < 0) {
        return rc;
    }
    const char *state = router_state(r, backend_model(t->b), &has_failed);
    if (strcmp(state, "loaded") == 0) {
        return TALK_DONE;
    }
    if (has_failed) {
        return err_set(&t->err, E_MODEL_CRASH, "%s: the router failed to load %.100s",
                       err_words(E_MODEL_CRASH), backend_model(t->b));
    }
    rc = talk_wait(t);
    return rc < 0 ? rc : talk_get(t, on_load_state, "/models");
}

// ---- llama-server: verify

static int verify(struct talk *t, const struct reply *r)
{
    (void)r;
    return talk_get(t, on_verify_health, "/health");
}

static int on_verify_health(struct talk *t, const struct reply *r)
{
    if (r->err == 0 && r->status == 503) {
        return talk_resident(t, BACKEND_LOADING);
    }
    int rc = talk_check_status(t, r);
    return rc < 0 ? rc : talk_get(t, on_verify_props, "/props");
}

static int on_verify_props(struct talk *t, const struct reply *r)
{
    if (talk_check(t, r) < 0) {
        return r->err ? t->err.code : talk_resident(t, BACKEND_RESIDENT);
    }
    if (is_router(r->json)) {
        return talk_get(t, on_verify_state, "/models");
    }
    bool sleeps = json_get_bool(r->json, "is_sleeping", false);
    return talk_resident(t, sleeps ? BACKEND_ASLEEP : BACKEND_RESIDENT);
}

static int on_verify_state(struct talk *t, const struct reply *r)
{
    bool has_failed = false;
    int rc = talk_check(t, r);
    if (rc < 0) {
        return rc;
    }
    const char *state = router_state(r, backend_model(t->b), &has_failed);
    bool comes = strcmp(state, "loading") == 0 || strcmp(state, "downloading") == 0;
    return talk_resident(t, strcmp(state, "loaded") == 0     ? BACKEND_RESIDENT
                            : strcmp(state, "sleeping") == 0 ? BACKEND_ASLEEP
                            : comes                          ? BACKEND_LOADING
                                                             : BACKEND_ABSENT);
}

// ---- llama-server: unload

static bool has_router(const struct talk *t)
{
    return t->b->facts.unload == BACKEND_UNLOAD_NOW;
}

static int unload(struct talk *t, const struct reply *r)
{
    struct json_writer w;
    (void)r;
    if (!has_router(t)) {
        return talk_unsupported(t);
    }
    json_init(&w, &t->body);
    json_object(&w, NULL);
    json_str(&w, "model", backend_model(t->b));
    json_object_end(&w);
    return w.rc < 0 ? w.rc : talk_post(t, on_unload_asked, "/models/unload");
}

static int on_unload_asked(struct talk *t, const struct reply *r)
{
    int rc = talk_check(t, r);
    bool is_gone = rc < 0 && strstr(t->err.msg, "not running");
    return rc < 0 && !is_gone ? rc : TALK_DONE;
}

// ---- llama-server: feedback

bool llama_read_gauges(struct talk *t, const struct reply *r)
{
    struct gauge running = gauge_read(r->body, "llamacpp:requests_processing", "");
    struct gauge waiting = gauge_read(r->body, "llamacpp:requests_deferred", "");
    if (r->err || r->status != 200 || running.n == 0) {
        return false;
    }
    t->feedback.running = gauge_count(&running);
    t->feedback.waiting = gauge_count(&waiting);
    t->feedback.slots = t->b->facts.slots > 0 ? t->b->facts.slots : -1;
    return true;
}

int llama_read_slots(struct talk *t, const struct reply *r)
{
    const cJSON *slot = NULL;
    int rc = talk_check(t, r);
    if (talk_is_missing(r)) {
        return talk_unsupported(t);
    }
    if (rc < 0) {
        return rc;
    }
    t->feedback.running = 0;
    t->feedback.slots = cJSON_GetArraySize(r->json);
    cJSON_ArrayForEach(slot, r->json)
    {
        t->feedback.running += json_get_bool(slot, "is_processing", false);
    }
    return TALK_DONE;
}

static int ask_of_model(struct talk *t, talk_fn *next, const char *path)
{
    char before[32];
    if (!has_router(t)) {
        return talk_get(t, next, path);
    }
    snprintf(before, sizeof(before), "%s?model=", path);
    return talk_get_model(t, next, before, backend_model(t->b), "");
}

static int feedback(struct talk *t, const struct reply *r)
{
    (void)r;
    return ask_of_model(t, on_metrics, "/metrics");
}

// Without --metrics only the slots are told, not who waits for one.
static int on_metrics(struct talk *t, const struct reply *r)
{
    if (llama_read_gauges(t, r)) {
        return TALK_DONE;
    }
    return r->err ? talk_check_status(t, r) : ask_of_model(t, on_slots, "/slots");
}

static int on_slots(struct talk *t, const struct reply *r)
{
    return llama_read_slots(t, r);
}

const struct driver driver_llama_server = {
    .kind = BACKEND_LLAMA_SERVER,
    .name = "llama-server",
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
