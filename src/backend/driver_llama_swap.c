// driver_llama_swap.c -- llama-swap, which starts and stops llama-servers (PROTOCOLS.md 7).
//
// It starts a model when it is asked for its health, and passes to it what stands behind
// /upstream/MODEL.  So nothing of a model that does not run is asked, lest it be started.
// SPDX-License-Identifier: MIT
#include "backend/stream.h"
#include "base/json.h"

#include <cjson/cJSON.h>
#include <string.h>

static talk_fn on_models, on_running, on_props, on_health, on_loaded, on_verified,
    on_unloaded, on_feedback_state, on_metrics, on_slots;

// ---- survey

static int survey(struct talk *t, const struct reply *models)
{
    (void)models;
    t->driver = &driver_llama_swap;
    t->facts.unload = BACKEND_UNLOAD_NOW;
    t->list.n = 0;
    return talk_get(t, on_models, "/v1/models");
}

static int on_models(struct talk *t, const struct reply *r)
{
    int rc = talk_check(t, r);
    if (rc < 0) {
        return rc;
    }
    openai_add_models(&t->list, r->json);
    return talk_get(t, on_running, "/running");
}

// llama-swap's word for the model, "" when it is not started.
static const char *state_of(const struct reply *r, const char *model)
{
    const cJSON *row = NULL;
    cJSON_ArrayForEach(row, json_get(r->json, "running"))
    {
        const char *name = json_get_str(row, "model");
        const char *state = json_get_str(row, "state");
        if (name && state && strcmp(name, model) == 0) {
            return state;
        }
    }
    return "";
}

static bool is_running(const struct reply *r, const char *model)
{
    return strcmp(state_of(r, model), "ready") == 0;
}

static int on_running(struct talk *t, const struct reply *r)
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
    return talk_get_model(t, on_props, "/upstream/", t->chosen->name, "/props");
}

// Only a llama-server behind it knows this path.
static int on_props(struct talk *t, const struct reply *r)
{
    if (talk_check(t, r) == 0) {
        llama_read_props(t, r->json, t->chosen);
    }
    return talk_choose(t);
}

// ---- load

static int load(struct talk *t, const struct reply *r)
{
    (void)r;
    if (!*backend_model(t->b)) {
        return E_MODEL_MISSING;
    }
    return talk_get_model(t, on_health, "/upstream/", backend_model(t->b), "/health");
}

// What the child itself says to the path does not matter, it has started.
static int on_health(struct talk *t, const struct reply *r)
{
    int rc = talk_check_status(t, r);
    if (rc == E_LOADING && r->err == 0) {
        rc = talk_wait(t);
        return rc < 0 ? rc : load(t, NULL);
    }
    bool is_own = r->err || json_get_str(r->json, "src") || rc == E_AUTH;
    return rc < 0 && is_own ? rc : talk_get(t, on_loaded, "/running");
}

static int on_loaded(struct talk *t, const struct reply *r)
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

// ---- verify

static int verify(struct talk *t, const struct reply *r)
{
    (void)r;
    return talk_get(t, on_verified, "/running");
}

static int on_verified(struct talk *t, const struct reply *r)
{
    int rc = talk_check(t, r);
    if (rc < 0) {
        return rc;
    }
    const char *state = state_of(r, backend_model(t->b));
    return talk_resident(t, strcmp(state, "ready") == 0      ? BACKEND_RESIDENT
                            : strcmp(state, "starting") == 0 ? BACKEND_LOADING
                                                             : BACKEND_ABSENT);
}

// ---- unload

static int unload(struct talk *t, const struct reply *r)
{
    (void)r;
    return talk_post_model(t, on_unloaded, "/api/models/unload/", backend_model(t->b),
                           "");
}

// Older ones can only stop everything, other people's models too.
static int on_unloaded(struct talk *t, const struct reply *r)
{
    int rc = talk_check_status(t, r);
    if (talk_is_missing(r) && rc != E_MODEL_MISSING) {
        return talk_unsupported(t);
    }
    return rc < 0 ? rc : TALK_DONE;
}

// ---- feedback: the child's, which only a running one has

static int feedback(struct talk *t, const struct reply *r)
{
    (void)r;
    return talk_get(t, on_feedback_state, "/running");
}

static int on_feedback_state(struct talk *t, const struct reply *r)
{
    int rc = talk_check(t, r);
    if (rc < 0) {
        return rc;
    }
    if (!is_running(r, backend_model(t->b))) {
        t->feedback.running = 0;
        return TALK_DONE;
    }
    return talk_get_model(t, on_metrics, "/upstream/", backend_model(t->b), "/metrics");
}

static int on_metrics(struct talk *t, const struct reply *r)
{
    if (llama_read_gauges(t, r)) {
        return TALK_DONE;
    }
    return r->err
               ? talk_check_status(t, r)
               : talk_get_model(t, on_slots, "/upstream/", backend_model(t->b), "/slots");
}

static int on_slots(struct talk *t, const struct reply *r)
{
    return llama_read_slots(t, r);
}

const struct driver driver_llama_swap = {
    .kind = BACKEND_LLAMA_SWAP,
    .name = "llama-swap",
    .survey = survey,
    .load = load,
    .verify = verify,
    .unload = unload,
    .feedback = feedback,
    .is_load_fragile = true,
    .chat_path = "/v1/chat/completions",
    .frames = FRAME_SSE,
    .encode = openai_encode,
    .decode = openai_decode,
};
