// driver_lmstudio.c -- LM Studio: what it has by its own API, questions by /v1
// (PROTOCOLS.md 2).
//
// A model is loaded by the first request for it ("just in time") and then obeys ttl; one
// loaded by /api/v1/models/load would stay for ever on the user's desktop.
// SPDX-License-Identifier: MIT
#include "backend/stream.h"
#include "base/json.h"

#include <cjson/cJSON.h>
#include <stdio.h>
#include <string.h>

static talk_fn on_v1, on_v0, on_plain, on_load_v1, on_load_v0, on_warmed;
static talk_fn on_verify_v1, on_verify_v0, on_verified, on_instances, on_unloaded;

// ---- survey

static int survey(struct talk *t, const struct reply *models)
{
    (void)models;
    t->driver = &driver_lmstudio;
    t->list.n = 0;
    return talk_get(t, on_v1, "/api/v1/models");
}

static bool is_llm(const cJSON *row)
{
    const char *type = json_get_str(row, "type");
    return type && (strcmp(type, "llm") == 0 || strcmp(type, "vlm") == 0);
}

// From 0.4.0.  false: not that API.
static bool read_v1(struct talk *t, const struct reply *r)
{
    const cJSON *row = NULL;
    const cJSON *rows = json_get(r->json, "models");
    if (talk_check(t, r) < 0 || !cJSON_IsArray(rows)) {
        return false;
    }
    cJSON_ArrayForEach(row, rows)
    {
        struct model_row *m =
            is_llm(row) ? models_add(&t->list, json_get_str(row, "key")) : NULL;
        const cJSON *instance = cJSON_GetArrayItem(json_get(row, "loaded_instances"), 0);
        const cJSON *config = json_get(instance, "config");
        bool sees = json_get_bool(json_get(row, "capabilities"), "vision", false);
        if (m) {
            m->vision = sees ? VISION_YES : VISION_NO;
            m->is_loaded = instance != NULL;
            m->size_bytes = json_get_int(row, "size_bytes", 0);
            m->slots = (int)json_get_int(config, "parallel", 0);
            m->n_ctx = (int)json_get_int(config, "context_length", 0);
        }
    }
    return true;
}

// "m:2" is another instance of m, made when two programs load it at the same time.
static struct model_row *add_instance(struct model_list *l, const char *id)
{
    char name[MODEL_NAME];
    const char *colon = id ? strrchr(id, ':') : NULL;
    bool is_copy =
        colon && colon[1] && strspn(colon + 1, "0123456789") == strlen(colon + 1);
    if (!is_copy || (size_t)(colon - id) >= sizeof(name)) {
        return models_add(l, id);
    }
    snprintf(name, sizeof(name), "%.*s", (int)(colon - id), id);
    return models_add(l, name);
}

// From 0.3.6.
static bool read_v0(struct talk *t, const struct reply *r)
{
    const cJSON *row = NULL;
    const cJSON *rows = json_get(r->json, "data");
    if (talk_check(t, r) < 0 || !cJSON_IsArray(rows)) {
        return false;
    }
    cJSON_ArrayForEach(row, rows)
    {
        struct model_row *m =
            is_llm(row) ? add_instance(&t->list, json_get_str(row, "id")) : NULL;
        const char *type = json_get_str(row, "type");
        const char *state = json_get_str(row, "state");
        if (m) {
            m->vision = strcmp(type, "vlm") == 0 ? VISION_YES : VISION_NO;
            m->is_loaded = m->is_loaded || (state && strcmp(state, "loaded") == 0);
            m->n_ctx = (int)json_get_int(row, "loaded_context_length", m->n_ctx);
        }
    }
    return true;
}

static int on_v1(struct talk *t, const struct reply *r)
{
    if (read_v1(t, r)) {
        t->facts.unload = BACKEND_UNLOAD_NOW;
        return talk_choose(t);
    }
    bool is_final = r->err || t->err.code == E_AUTH;
    return is_final ? t->err.code : talk_get(t, on_v0, "/api/v0/models");
}

static int on_v0(struct talk *t, const struct reply *r)
{
    return read_v0(t, r) ? talk_choose(t) : talk_get(t, on_plain, "/v1/models");
}

static int on_plain(struct talk *t, const struct reply *r)
{
    int rc = talk_check(t, r);
    if (rc < 0) {
        return rc;
    }
    openai_add_models(&t->list, r->json);
    return talk_choose(t);
}

// ---- load

static int load(struct talk *t, const struct reply *r)
{
    (void)r;
    t->at = 0;
    return talk_get(t, on_load_v1, "/api/v1/models");
}

// The smallest question there is makes it load the model.
static int warm(struct talk *t)
{
    t->at = 1;
    return openai_ask_tiny(t, on_warmed);
}

static int on_warmed(struct talk *t, const struct reply *r)
{
    int rc = talk_check(t, r);
    return rc < 0 ? rc : talk_get(t, on_load_v1, "/api/v1/models");
}

// at: 0 before the warming, 1 after it.
static int look(struct talk *t)
{
    const struct model_row *m = models_find(&t->list, backend_model(t->b));
    if (!m) {
        return err_set(&t->err, E_MODEL_MISSING, "%s: %.100s", err_words(E_MODEL_MISSING),
                       backend_model(t->b));
    }
    if (m->is_loaded) {
        t->facts.slots = m->slots;
        t->facts.n_ctx = m->n_ctx;
        return TALK_DONE;
    }
    return t->at == 0
               ? warm(t)
               : err_set(&t->err, E_MODEL_CRASH, "%s: it is not there after a load",
                         err_words(E_MODEL_CRASH));
}

static int on_load_v1(struct talk *t, const struct reply *r)
{
    t->list.n = 0;
    if (read_v1(t, r)) {
        return look(t);
    }
    bool is_final = r->err || t->err.code == E_AUTH;
    return is_final ? t->err.code : talk_get(t, on_load_v0, "/api/v0/models");
}

// Versions without either API can not be asked; a warm answer is proof enough.
static int on_load_v0(struct talk *t, const struct reply *r)
{
    if (read_v0(t, r)) {
        return look(t);
    }
    return t->at == 0 ? warm(t) : TALK_DONE;
}

// ---- verify

static int verify(struct talk *t, const struct reply *r)
{
    (void)r;
    return talk_get(t, on_verify_v1, "/api/v1/models");
}

static int tell(struct talk *t)
{
    const struct model_row *m = models_find(&t->list, backend_model(t->b));
    return talk_resident(t, m && m->is_loaded ? BACKEND_RESIDENT : BACKEND_ABSENT);
}

static int on_verify_v1(struct talk *t, const struct reply *r)
{
    if (read_v1(t, r)) {
        return tell(t);
    }
    bool is_final = r->err || t->err.code == E_AUTH;
    return is_final ? t->err.code : talk_get(t, on_verify_v0, "/api/v0/models");
}

// Without either API only a question can tell, and it loads what is not there.
static int on_verify_v0(struct talk *t, const struct reply *r)
{
    return read_v0(t, r) ? tell(t) : openai_ask_tiny(t, on_verified);
}

static int on_verified(struct talk *t, const struct reply *r)
{
    int rc = talk_check(t, r);
    return rc < 0 ? rc : talk_resident(t, BACKEND_RESIDENT);
}

// ---- unload

static int unload(struct talk *t, const struct reply *r)
{
    (void)r;
    return talk_get(t, on_instances, "/api/v1/models");
}

static int unload_next(struct talk *t)
{
    struct json_writer w;
    if (t->at == t->list.n) {
        return TALK_DONE;
    }
    json_init(&w, &t->body);
    json_object(&w, NULL);
    json_str(&w, "instance_id", t->list.rows[t->at++].name);
    json_object_end(&w);
    return w.rc < 0 ? w.rc : talk_post(t, on_unloaded, "/api/v1/models/unload");
}

// All instances of the model, as rows of the list.
static int on_instances(struct talk *t, const struct reply *r)
{
    const cJSON *row = NULL, *instance = NULL;
    int rc = talk_check(t, r);
    if (talk_is_missing(r)) {
        return talk_unsupported(t);  // before 0.4.0: only ttl does it
    }
    if (rc < 0) {
        return rc;
    }
    t->list.n = 0;
    t->at = 0;
    cJSON_ArrayForEach(row, json_get(r->json, "models"))
    {
        const char *key = json_get_str(row, "key");
        bool is_ours = key && strcmp(key, backend_model(t->b)) == 0;
        const cJSON *instances = is_ours ? json_get(row, "loaded_instances") : NULL;
        cJSON_ArrayForEach(instance, instances)
        {
            (void)models_add(&t->list, json_get_str(instance, "id"));
        }
    }
    return unload_next(t);
}

// One that is gone already is fine.
static int on_unloaded(struct talk *t, const struct reply *r)
{
    int rc = talk_check(t, r);
    return rc < 0 && rc != E_MODEL_MISSING ? rc : unload_next(t);
}

// ---- answers

// A name that it does not know (any more) is answered by whatever is loaded.  Only another of
// its models proves that: the same one may be called otherwise.  Source: PROTOCOLS.md 2.6.
static const char *other_model(const struct backend *b, const char *name)
{
    const struct backend_facts *f = &b->facts;
    for (int i = 0; i < f->n_models; i++) {
        if (strcmp(f->models[i], name) == 0 && strcmp(name, backend_model(b)) != 0) {
            return name;
        }
    }
    return NULL;
}

static void decode(struct stream *s, const cJSON *frame)
{
    const char *name = json_get_str(frame, "model");
    const char *other = name ? other_model(s->b, name) : NULL;
    openai_decode(s, frame);
    if (other && s->err.code == 0) {
        err_set(&s->err, E_MODEL_MISSING, "%s: \"%.100s\" answered instead of \"%.100s\"",
                err_words(E_MODEL_MISSING), other, backend_model(s->b));
    }
}

const struct driver driver_lmstudio = {
    .kind = BACKEND_LMSTUDIO,
    .name = "lmstudio",
    .survey = survey,
    .load = load,
    .verify = verify,
    .unload = unload,
    .is_load_fragile = true,
    .chat_path = "/v1/chat/completions",
    .frames = FRAME_SSE,
    .encode = openai_encode,
    .decode = decode,
    .never = FIELD_THINKING,
    .also = FIELD_TTL,
};
