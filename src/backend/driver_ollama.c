// driver_ollama.c -- Ollama's native API: /api/chat, streamed NDJSON (PROTOCOLS.md 1).
//
// Native and not /v1, because keep_alive and num_ctx can not be said there.  num_ctx is the
// same in the load and in every question: another value would load the model again.
// SPDX-License-Identifier: MIT
#include "backend/answer.h"
#include "backend/stream.h"
#include "base/json.h"

#include <cjson/cJSON.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

static talk_fn on_version, on_tags, on_show, on_ps, on_loaded, on_verified, on_unloaded;

// ---- survey

static int survey(struct talk *t, const struct reply *models)
{
    (void)models;
    t->driver = &driver_ollama;
    t->facts.unload = BACKEND_UNLOAD_NOW;
    if (t->facts.version[0]) {
        return talk_get(t, on_tags, "/api/tags");
    }
    return talk_get(t, on_version, "/api/version");
}

static int on_version(struct talk *t, const struct reply *r)
{
    int rc = talk_check(t, r);
    if (rc < 0) {
        return rc;
    }
    const char *version = json_get_str(r->json, "version");
    snprintf(t->facts.version, sizeof(t->facts.version), "%s", version ? version : "");
    return talk_get(t, on_tags, "/api/tags");
}

static bool has_word(const cJSON *array, const char *word)
{
    const cJSON *item = NULL;
    cJSON_ArrayForEach(item, array)
    {
        const char *s = cJSON_GetStringValue(item);
        if (s && strcmp(s, word) == 0) {
            return true;
        }
    }
    return false;
}

// What capabilities, or on older servers the families, tell.
static enum vision sight(const cJSON *o)
{
    const cJSON *capabilities = json_get(o, "capabilities");
    const cJSON *families = json_get(json_get(o, "details"), "families");
    if (cJSON_IsArray(capabilities) && cJSON_GetArraySize(capabilities) > 0) {
        return has_word(capabilities, "vision") ? VISION_YES : VISION_NO;
    }
    bool has_eye = has_word(families, "clip") || has_word(families, "mllama") ||
                   cJSON_GetArraySize(json_get(o, "projector_info")) > 0;
    return has_eye ? VISION_YES : VISION_UNKNOWN;
}

static bool is_elsewhere(const cJSON *o)
{
    const char *host = json_get_str(o, "remote_host");
    return host && *host;
}

static bool is_cloud_name(const char *name)
{
    size_t len = strlen(name);
    return (len > 6 && strcmp(name + len - 6, "-cloud") == 0) || strstr(name, ":cloud");
}

static int show_next(struct talk *t)
{
    struct json_writer w;
    while (t->at < t->list.n && t->list.rows[t->at].vision != VISION_UNKNOWN) {
        t->at++;
    }
    if (t->at == t->list.n) {
        return talk_get(t, on_ps, "/api/ps");
    }
    json_init(&w, &t->body);
    json_object(&w, NULL);
    json_str(&w, "model", t->list.rows[t->at].name);
    json_object_end(&w);
    return w.rc < 0 ? w.rc : talk_post(t, on_show, "/api/show");
}

static int on_tags(struct talk *t, const struct reply *r)
{
    const cJSON *row = NULL;
    int rc = talk_check(t, r);
    if (rc < 0) {
        return rc;
    }
    cJSON_ArrayForEach(row, json_get(r->json, "models"))
    {
        struct model_row *m = models_add(&t->list, json_get_str(row, "name"));
        if (m) {
            m->is_remote = is_elsewhere(row) || is_cloud_name(m->name);
            m->size_bytes = json_get_int(row, "size", 0);
            m->vision = cJSON_GetArraySize(json_get(row, "capabilities")) > 0
                            ? sight(row)
                            : VISION_UNKNOWN;
        }
    }
    t->at = 0;
    return show_next(t);
}

// A model that can not be shown (just deleted, damaged) is not taken.
static int on_show(struct talk *t, const struct reply *r)
{
    struct model_row *m = &t->list.rows[t->at++];
    int rc = talk_check(t, r);
    if (rc == E_NET || rc == E_AUTH) {
        return rc;
    }
    m->vision = rc < 0 ? VISION_NO : sight(r->json);
    m->is_remote = m->is_remote || (rc == 0 && is_elsewhere(r->json));
    if (m->vision == VISION_UNKNOWN) {
        m->vision = VISION_NO;  // text only on servers that know no capabilities
    }
    return show_next(t);
}

// Some versions answer only when a model that is being loaded is ready: no answer means
// busy, nothing is known to be loaded then.
static int on_ps(struct talk *t, const struct reply *r)
{
    const cJSON *row = NULL;
    int rc = talk_check(t, r);
    const cJSON *rows = rc == 0 ? json_get(r->json, "models") : NULL;
    cJSON_ArrayForEach(row, rows)
    {
        const char *name = json_get_str(row, "name");
        struct model_row *m = name ? models_find(&t->list, name) : NULL;
        if (m) {
            m->is_loaded = true;
            m->n_ctx = (int)json_get_int(row, "context_length", 0);
        }
    }
    return talk_choose(t);
}

// ---- load

static int load(struct talk *t, const struct reply *r)
{
    const struct backend_config *c = &t->b->config;
    struct json_writer w;
    (void)r;
    if (!*backend_model(t->b)) {
        return E_MODEL_MISSING;
    }
    json_init(&w, &t->body);
    json_object(&w, NULL);
    json_str(&w, "model", backend_model(t->b));
    json_bool(&w, "stream", false);
    json_int(&w, "keep_alive", c->keep_alive_s);
    json_object(&w, "options");
    json_int(&w, "num_ctx", c->num_ctx);
    json_object_end(&w);
    json_object_end(&w);
    return w.rc < 0 ? w.rc : talk_post(t, on_loaded, "/api/generate");
}

static int on_loaded(struct talk *t, const struct reply *r)
{
    int rc = talk_check(t, r);
    if (rc < 0) {
        return rc;
    }
    const char *reason = json_get_str(r->json, "done_reason");
    if (!json_get_bool(r->json, "done", false) ||
        (reason && strcmp(reason, "load") != 0)) {
        return err_set(&t->err, E_GARBAGE, "%s: the load was not confirmed",
                       err_words(E_GARBAGE));
    }
    return TALK_DONE;
}

// ---- verify

enum { FOREVER_YEARS = 100 };  // "for ever" is said as 292 years from now

// RFC 3339, as Go writes it -> unix ms; -1 = it is none.
static int64_t read_time(const char *s)
{
    struct tm at = {0};
    int n = 0, hours = 0, minutes = 0;
    if (!s || sscanf(s, "%d-%d-%dT%d:%d:%d%n", &at.tm_year, &at.tm_mon, &at.tm_mday,
                     &at.tm_hour, &at.tm_min, &at.tm_sec, &n) != 6) {
        return -1;
    }
    if (at.tm_year > 1900 + 126 + FOREVER_YEARS) {
        return INT64_MAX;
    }
    at.tm_year -= 1900;
    at.tm_mon--;
    s += n;
    s += *s == '.' ? 1 + strspn(s + 1, "0123456789") : 0;
    if ((*s == '+' || *s == '-') && sscanf(s + 1, "%2d:%2d", &hours, &minutes) != 2) {
        return -1;
    }
    int64_t zone_s = (int64_t)(hours * 60 + minutes) * (*s == '-' ? -60 : 60);
    return ((int64_t)timegm(&at) - zone_s) * 1000;
}

static int verify(struct talk *t, const struct reply *r)
{
    (void)r;
    return talk_get(t, on_verified, "/api/ps");
}

// No answer in time: newer versions hold it back while a model is being started.
static int on_verified(struct talk *t, const struct reply *r)
{
    const cJSON *row = NULL;
    if (r->err == E_TOTAL || r->err == E_FIRST_BYTE) {
        return talk_resident(t, BACKEND_LOADING);
    }
    int rc = talk_check(t, r);
    if (rc < 0) {
        return rc;
    }
    struct model_row *m = models_add(&t->list, backend_model(t->b));
    cJSON_ArrayForEach(row, json_get(r->json, "models"))
    {
        const char *name = json_get_str(row, "name");
        if (m && name && models_find(&t->list, name) == m) {
            t->expires_at_ms = read_time(json_get_str(row, "expires_at"));
            t->memory_bytes = json_get_int(row, "size", -1);
            return talk_resident(t, BACKEND_RESIDENT);
        }
    }
    return talk_resident(t, BACKEND_ABSENT);
}

// ---- unload

static int unload(struct talk *t, const struct reply *r)
{
    struct json_writer w;
    (void)r;
    json_init(&w, &t->body);
    json_object(&w, NULL);
    json_str(&w, "model", backend_model(t->b));
    json_bool(&w, "stream", false);
    json_int(&w, "keep_alive", 0);
    json_object_end(&w);
    return w.rc < 0 ? w.rc : talk_post(t, on_unloaded, "/api/generate");
}

// A model that was deleted meanwhile holds no memory.
static int on_unloaded(struct talk *t, const struct reply *r)
{
    int rc = talk_check(t, r);
    return rc < 0 && rc != E_MODEL_MISSING ? rc : TALK_DONE;
}

// ---- ask

static void write_options(struct json_writer *w, const struct backend_config *c,
                          const struct backend_ask *a)
{
    json_object(w, "options");
    json_int(w, "num_ctx", c->num_ctx);
    json_int(w, "num_predict", a->max_tokens > 0 ? a->max_tokens : c->max_tokens);
    json_double(w, "temperature", c->temperature);
    json_int(w, "seed", (int64_t)(a->seed & 0x7fffffff));
    json_object_end(w);
}

static int encode(const struct backend *b, const struct backend_ask *a, struct buf *head,
                  struct buf *tail)
{
    const struct backend_config *c = &b->config;
    struct buf text;
    struct json_writer w;
    buf_init(&text, head->max_bytes);
    int rc = ask_words(b, a, &text);
    json_init(&w, head);
    json_object(&w, NULL);
    json_str(&w, "model", backend_model(b));
    json_bool(&w, "stream", c->is_streamed);
    json_bool(&w, "think", false);
    json_int(&w, "keep_alive", c->keep_alive_s);
    if (!a->no_schema) {
        json_raw(&w, "format", answer_schema);
    }
    write_options(&w, c, a);
    json_array(&w, "messages");
    json_object(&w, NULL);
    json_str(&w, "role", "system");
    json_str(&w, "content", a->prompt->system);
    json_object_end(&w);
    json_object(&w, NULL);
    json_str(&w, "role", "user");
    json_str(&w, "content", buf_str(&text));
    buf_fini(&text);
    rc = rc == 0 ? w.rc : rc;
    rc = rc == 0 ? buf_add_str(head, ",\"images\":[\"") : rc;
    return rc == 0 ? buf_add_str(tail, "\"]}]}") : rc;
}

static void decode(struct stream *s, const cJSON *frame)
{
    const cJSON *error = json_get(frame, "error");
    if (error && !cJSON_IsNull(error)) {
        stream_error(s);
        return;
    }
    stream_text(s, json_get_str(json_get(frame, "message"), "content"));
    stream_text(s, json_get_str(frame, "response"));
    if (json_get_bool(frame, "done", false)) {
        s->has_end = true;
        stream_finish(s, json_get_str(frame, "done_reason"));
        stream_tokens(s, json_get_int(frame, "prompt_eval_count", 0),
                      json_get_int(frame, "eval_count", 0));
    }
}

const struct driver driver_ollama = {
    .kind = BACKEND_OLLAMA,
    .name = "ollama",
    .survey = survey,
    .load = load,
    .verify = verify,
    .unload = unload,
    .is_load_fragile = true,
    .chat_path = "/api/chat",
    .frames = FRAME_NDJSON,
    .encode = encode,
    .decode = decode,
};
