// driver_llama.c -- llama.cpp's llama-server, alone or as router, and llama-swap in front of
// it (PROTOCOLS.md 3, 7).
//
// Alone it has its one model from the start: a load is waiting for /health.  A router is
// told to load and polled.  llama-swap starts a model when it is asked for its health.
// SPDX-License-Identifier: MIT
#include "backend/stream.h"
#include "base/json.h"

#include <cjson/cJSON.h>
#include <stdio.h>
#include <string.h>

static talk_fn on_models, on_props, on_child_props, on_health, on_load_props,
    on_load_asked, on_load_state;
static talk_fn on_swap_models, on_swap_running, on_swap_props, on_swap_health,
    on_swap_loaded;

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

static void read_props(const cJSON *props, struct model_row *m)
{
    const cJSON *sees = json_get(json_get(props, "modalities"), "vision");
    if (cJSON_IsBool(sees)) {
        m->vision = cJSON_IsTrue(sees) ? VISION_YES : VISION_NO;
    }
    m->slots = (int)json_get_int(props, "total_slots", 0);
    m->n_ctx =
        (int)json_get_int(json_get(props, "default_generation_settings"), "n_ctx", 0);
}

static void read_version(struct talk *t, const cJSON *props)
{
    const char *build = json_get_str(props, "build_info");
    snprintf(t->facts.version, sizeof(t->facts.version), "%s", build ? build : "");
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
        read_version(t, r->json);
        int rc = talk_choose(t);
        if (rc < 0 || !t->chosen->is_loaded) {
            return rc;
        }
        return talk_get_model(t, on_child_props, "/props?model=", t->chosen->name, "");
    }
    for (int i = 0; i < t->list.n; i++) {
        t->list.rows[i].is_loaded = true;
        if (is_told) {
            read_props(r->json, &t->list.rows[i]);
            t->list.rows[i].is_loaded = !json_get_bool(r->json, "is_sleeping", false);
        }
    }
    if (is_told) {
        read_version(t, r->json);
    }
    return talk_choose(t);
}

static int on_child_props(struct talk *t, const struct reply *r)
{
    if (talk_check(t, r) == 0) {
        read_props(r->json, t->chosen);
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
    read_props(r->json, &m);
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

const struct driver driver_llama_server = {
    .kind = BACKEND_LLAMA_SERVER,
    .name = "llama-server",
    .survey = survey,
    .load = load,
    .chat_path = "/v1/chat/completions",
    .frames = FRAME_SSE,
    .encode = openai_encode,
    .decode = openai_decode,
};

// ---- llama-swap

static int swap_survey(struct talk *t, const struct reply *models)
{
    (void)models;
    t->driver = &driver_llama_swap;
    t->list.n = 0;
    return talk_get(t, on_swap_models, "/v1/models");
}

static int on_swap_models(struct talk *t, const struct reply *r)
{
    int rc = talk_check(t, r);
    if (rc < 0) {
        return rc;
    }
    openai_add_models(&t->list, r->json);
    return talk_get(t, on_swap_running, "/running");
}

static bool is_running(const struct reply *r, const char *model)
{
    const cJSON *row = NULL;
    cJSON_ArrayForEach(row, json_get(r->json, "running"))
    {
        const char *name = json_get_str(row, "model");
        const char *state = json_get_str(row, "state");
        if (name && state && strcmp(name, model) == 0) {
            return strcmp(state, "ready") == 0;
        }
    }
    return false;
}

static int on_swap_running(struct talk *t, const struct reply *r)
{
    int rc = talk_check(t, r);
    if (rc < 0) {
        return rc;
    }
    for (int i = 0; i < t->list.n; i++) {
        t->list.rows[i].is_loaded = is_running(r, t->list.rows[i].name);
    }
    rc = talk_choose(t);
    // what is not running would be started by the question
    if (rc < 0 || !t->chosen->is_loaded) {
        return rc;
    }
    return talk_get_model(t, on_swap_props, "/upstream/", t->chosen->name, "/props");
}

// Only a llama-server behind it knows this path.
static int on_swap_props(struct talk *t, const struct reply *r)
{
    if (talk_check(t, r) == 0) {
        read_props(r->json, t->chosen);
        read_version(t, r->json);
    }
    return talk_choose(t);
}

static int swap_load(struct talk *t, const struct reply *r)
{
    (void)r;
    if (!*backend_model(t->b)) {
        return E_MODEL_MISSING;
    }
    return talk_get_model(t, on_swap_health, "/upstream/", backend_model(t->b),
                          "/health");
}

// What the child itself says to the path does not matter, it has started.
static int on_swap_health(struct talk *t, const struct reply *r)
{
    int rc = talk_check_status(t, r);
    if (rc == E_LOADING && r->err == 0) {
        rc = talk_wait(t);
        return rc < 0 ? rc : swap_load(t, NULL);
    }
    bool is_own = r->err || json_get_str(r->json, "src") || rc == E_AUTH;
    return rc < 0 && is_own ? rc : talk_get(t, on_swap_loaded, "/running");
}

static int on_swap_loaded(struct talk *t, const struct reply *r)
{
    int rc = talk_check(t, r);
    if (rc < 0) {
        return rc;
    }
    if (!is_running(r, backend_model(t->b))) {
        return err_set(&t->err, E_MODEL_CRASH, "%s: llama-swap did not start %.100s",
                       err_words(E_MODEL_CRASH), backend_model(t->b));
    }
    return TALK_DONE;
}

const struct driver driver_llama_swap = {
    .kind = BACKEND_LLAMA_SWAP,
    .name = "llama-swap",
    .survey = swap_survey,
    .load = swap_load,
    .is_load_fragile = true,
    .chat_path = "/v1/chat/completions",
    .frames = FRAME_SSE,
    .encode = openai_encode,
    .decode = openai_decode,
};
