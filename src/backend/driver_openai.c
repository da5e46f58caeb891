// driver_openai.c -- /v1/chat/completions as everybody speaks it: SSE, data URLs, usage.
//
// The other kinds share encode and decode and differ by their table row.  What a server
// refuses to be told is learned from its complaint and left out (ask.c).
// SPDX-License-Identifier: MIT
#include "backend/answer.h"
#include "backend/sight.h"
#include "backend/stream.h"
#include "base/base64.h"
#include "base/json.h"
#include "base/mem.h"

#include <cjson/cJSON.h>
#include <ctype.h>
#include <stdlib.h>
#include <string.h>

enum { SIGHT_ANSWER_TOKENS = 24 };

static talk_fn on_models, on_load_models, on_verified_list, on_verified;

// ---- models

static bool has_image(const cJSON *modalities)
{
    const cJSON *item = NULL;
    cJSON_ArrayForEach(item, modalities)
    {
        const char *s = cJSON_GetStringValue(item);
        if (s && (strcmp(s, "image") == 0 || strcmp(s, "multimodal") == 0)) {
            return true;
        }
    }
    return false;
}

// OpenRouter and newer llama.cpp: architecture.input_modalities; llama-swap:
// capabilities.vision.  The rest says nothing.
static enum vision sight(const cJSON *row)
{
    const cJSON *modalities = json_get(json_get(row, "architecture"), "input_modalities");
    const cJSON *flag = json_get(json_get(row, "capabilities"), "vision");
    if (cJSON_IsBool(flag)) {
        return cJSON_IsTrue(flag) ? VISION_YES : VISION_NO;
    }
    if (cJSON_IsArray(modalities) && cJSON_GetArraySize(modalities) > 0) {
        return has_image(modalities) ? VISION_YES : VISION_NO;
    }
    return VISION_UNKNOWN;
}

void openai_add_models(struct model_list *l, const struct cJSON *json)
{
    const cJSON *row = NULL;
    cJSON_ArrayForEach(row, json_get(json, "data"))
    {
        struct model_row *m = models_add(l, json_get_str(row, "id"));
        if (m) {
            const char *state = json_get_str(json_get(row, "status"), "value");
            m->vision = sight(row);
            m->is_loaded = state && strcmp(state, "loaded") == 0;
            m->n_ctx = (int)json_get_int(row, "max_model_len",
                                         json_get_int(row, "context_length", 0));
            m->size_bytes = json_get_int(json_get(row, "meta"), "size", 0);
        }
    }
    // llama-server's second list knows what the first does not
    cJSON_ArrayForEach(row, json_get(json, "models"))
    {
        struct model_row *m =
            models_find(l, json_get_str(row, "name") ? json_get_str(row, "name") : "");
        if (m && has_image(json_get(row, "capabilities"))) {
            m->vision = VISION_YES;
        }
    }
}

static int survey(struct talk *t, const struct reply *models)
{
    t->driver = &driver_openai;
    return models ? on_models(t, models) : talk_get(t, on_models, "/v1/models");
}

// A server that keeps no list is believed when the model is named.
static int on_models(struct talk *t, const struct reply *r)
{
    int rc = talk_check(t, r);
    const char *wanted = t->b->config.model;
    bool has_no_list = r->err == 0 && (r->status == 404 || r->status == 405);
    if (has_no_list && *wanted && models_add(&t->list, wanted)) {
        return talk_choose(t);
    }
    if (rc < 0) {
        return rc;
    }
    openai_add_models(&t->list, r->json);
    return talk_choose(t);
}

// ---- load

int openai_load(struct talk *t, const struct reply *r)
{
    (void)r;
    return talk_get(t, on_load_models, "/v1/models");
}

static int on_load_models(struct talk *t, const struct reply *r)
{
    int rc = talk_check(t, r);
    if (rc == E_LOADING && r->err == 0) {
        rc = talk_wait(t);
        return rc < 0 ? rc : talk_get(t, on_load_models, "/v1/models");
    }
    if (r->err == 0 && (r->status == 404 || r->status == 405)) {
        return TALK_DONE;  // no list: only a question can tell
    }
    if (rc < 0) {
        return rc;
    }
    t->list.n = 0;
    openai_add_models(&t->list, r->json);
    return models_choose(&t->list, backend_model(t->b), &t->chosen, &t->err) < 0
               ? t->err.code
               : TALK_DONE;
}

// ---- verify

// Up to the content of the one message.
static void begin_small(struct talk *t, struct json_writer *w, int max_tokens)
{
    const struct backend *b = t->b;
    const unsigned has = openai_sent(b);
    json_init(w, &t->body);
    json_object(w, NULL);
    if (*backend_model(b)) {
        json_str(w, "model", backend_model(b));
    }
    json_bool(w, "stream", false);
    json_int(w, has & FIELD_MAX_TOKENS ? "max_tokens" : "max_completion_tokens",
             max_tokens);
    if (has & FIELD_TTL) {
        json_int(w, "ttl", b->config.keep_alive_s);
    }
    json_array(w, "messages");
    json_object(w, NULL);
    json_str(w, "role", "user");
}

static int end_small(struct talk *t, struct json_writer *w, talk_fn *next)
{
    json_object_end(w);
    json_array_end(w);
    json_object_end(w);
    return w->rc < 0 ? w->rc : talk_post(t, next, "/v1/chat/completions");
}

int openai_ask_tiny(struct talk *t, talk_fn *next)
{
    struct json_writer w;
    begin_small(t, &w, 1);
    json_str(&w, "content", "hi");
    return end_small(t, &w, next);
}

// "data:image/png;base64,...", owned by the caller; NULL = no memory.
static char *sight_url(void)
{
    static const char head[] = "data:image/png;base64,";
    struct buf png;
    char *url = NULL;
    buf_init(&png, 1 << 16);
    if (sight_draw(&png) == 0) {
        url = mem_zero(sizeof(head) + base64_length(png.len));
        memcpy(url, head, sizeof(head) - 1);
        base64_encode((const uint8_t *)png.data, png.len, url + sizeof(head) - 1);
    }
    buf_fini(&png);
    return url;
}

int openai_ask_sight(struct talk *t, talk_fn *next, bool has_picture)
{
    struct json_writer w;
    char *url = has_picture ? sight_url() : NULL;
    if (has_picture && !url) {
        return E_NOMEM;
    }
    begin_small(t, &w, SIGHT_ANSWER_TOKENS);
    json_array(&w, "content");
    if (url) {
        json_object(&w, NULL);
        json_str(&w, "type", "image_url");
        json_object(&w, "image_url");
        json_str(&w, "url", url);
        json_object_end(&w);
        json_object_end(&w);
    }
    json_object(&w, NULL);
    json_str(&w, "type", "text");
    json_str(&w, "text", sight_question);
    json_object_end(&w);
    json_array_end(&w);
    free(url);
    return end_small(t, &w, next);
}

// Where every token is paid for, models are always there: the list will do.
int openai_verify(struct talk *t, const struct reply *r)
{
    (void)r;
    return t->service->is_paid ? talk_get(t, on_verified_list, "/v1/models")
                               : openai_ask_tiny(t, on_verified);
}

static int on_verified_list(struct talk *t, const struct reply *r)
{
    int rc = talk_check(t, r);
    if (rc < 0) {
        return rc;
    }
    t->list.n = 0;
    openai_add_models(&t->list, r->json);
    bool has_it = models_find(&t->list, backend_model(t->b)) != NULL;
    return talk_resident(t, has_it ? BACKEND_RESIDENT : BACKEND_ABSENT);
}

static int on_verified(struct talk *t, const struct reply *r)
{
    int rc = talk_check(t, r);
    if (rc == E_LOADING && r->err == 0) {
        return talk_resident(t, BACKEND_LOADING);
    }
    return rc < 0 ? rc : talk_resident(t, BACKEND_RESIDENT);
}

// ---- ask

static void write_schema(struct json_writer *w)
{
    json_object(w, "response_format");
    json_str(w, "type", "json_schema");
    json_object(w, "json_schema");
    json_str(w, "name", "screenshot");
    json_bool(w, "strict", true);
    json_raw(w, "schema", answer_schema);
    json_object_end(w);
    json_object_end(w);
}

unsigned openai_sent(const struct backend *b)
{
    unsigned has = FIELDS_OF_ALL & ~(b->driver->never | b->service->never);
    has |= b->driver->also | b->service->also;
    if (!(has & FIELD_EFFORT)) {
        return has & ~b->refused;
    }
    bool thinks = service_model_thinks(backend_model(b));
    has &= thinks ? ~(unsigned)FIELD_TEMPERATURE : ~(unsigned)FIELD_EFFORT;
    return has & ~b->refused;
}

static void write_flag(struct json_writer *w, const char *object, const char *name,
                       bool value)
{
    json_object(w, object);
    json_bool(w, name, value);
    json_object_end(w);
}

// Templates of some families know it by the shorter name; unknown ones are ignored.
static void write_thinking(struct json_writer *w, unsigned has, bool is_firm)
{
    if (has & FIELD_THINKING) {
        json_object(w, "chat_template_kwargs");
        json_bool(w, "enable_thinking", false);
        if (is_firm) {
            json_bool(w, "thinking", false);
        }
        json_object_end(w);
    }
    if (has & FIELD_EFFORT) {
        json_str(w, "reasoning_effort", "low");  // the least that all of them know
    }
    if (has & FIELD_REASONING) {
        write_flag(w, "reasoning", "enabled", false);
    }
}

static void write_params(struct json_writer *w, const struct backend *b,
                         const struct backend_ask *a, unsigned has)
{
    const struct backend_config *c = &b->config;
    json_int(w, has & FIELD_MAX_TOKENS ? "max_tokens" : "max_completion_tokens",
             a->max_tokens > 0 ? a->max_tokens : c->max_tokens);
    if ((has & FIELD_USAGE) && c->is_streamed) {
        write_flag(w, "stream_options", "include_usage", true);
    }
    if (has & FIELD_COST) {
        write_flag(w, "usage", "include", true);
    }
    if (has & FIELD_TEMPERATURE) {
        json_double(w, "temperature", c->temperature);
    }
    if (has & FIELD_SEED) {
        json_int(w, "seed", (int64_t)(a->seed & 0x7fffffff));
    }
    write_thinking(w, has, a->no_thinking);
    if (has & FIELD_TTL) {
        json_int(w, "ttl", c->keep_alive_s);
    }
    if (!a->no_schema && (has & FIELD_SCHEMA)) {
        write_schema(w);
    }
}

static bool is_png(const struct backend_ask *a)
{
    return a->jpeg_len > 4 && memcmp(a->jpeg, "\x89PNG", 4) == 0;
}

static int write_tail(const struct backend *b, const struct backend_ask *a,
                      struct buf *tail)
{
    struct json_writer w;
    struct buf text;
    buf_init(&text, tail->max_bytes);
    int rc = ask_words(b, a, &text);
    rc = rc == 0 ? buf_add_str(tail, "\"}},") : rc;
    json_init(&w, tail);
    json_object(&w, NULL);
    json_str(&w, "type", "text");
    json_str(&w, "text", buf_str(&text));
    json_object_end(&w);
    buf_fini(&text);
    rc = rc == 0 ? w.rc : rc;
    return rc == 0 ? buf_add_str(tail, "]}]}") : rc;
}

int openai_encode(const struct backend *b, const struct backend_ask *a, struct buf *head,
                  struct buf *tail)
{
    const unsigned has = openai_sent(b);
    struct json_writer w;
    json_init(&w, head);
    json_object(&w, NULL);
    if (*backend_model(b)) {
        json_str(&w, "model", backend_model(b));
    }
    json_bool(&w, "stream", b->config.is_streamed);
    write_params(&w, b, a, has);
    json_array(&w, "messages");
    json_object(&w, NULL);
    json_str(&w, "role", "system");
    json_str(&w, "content", a->prompt->system);
    json_object_end(&w);
    json_object(&w, NULL);
    json_str(&w, "role", "user");
    json_array(&w, "content");
    json_object(&w, NULL);
    json_str(&w, "type", "image_url");
    int rc = w.rc;
    rc = rc == 0 ? buf_printf(head, ",\"image_url\":{%s\"url\":\"data:image/%s;base64,",
                              has & FIELD_DETAIL ? "\"detail\":\"high\"," : "",
                              is_png(a) ? "png" : "jpeg")
                 : rc;
    return rc == 0 ? write_tail(b, a, tail) : rc;
}

// A string, null, or a list of parts.
static void read_content(struct stream *s, const cJSON *content)
{
    const cJSON *part = NULL;
    stream_text(s, cJSON_GetStringValue(content));
    const cJSON *parts = cJSON_IsArray(content) ? content : NULL;
    cJSON_ArrayForEach(part, parts)
    {
        stream_text(s, json_get_str(part, "text"));
    }
}

static void read_refusal(struct stream *s, const cJSON *message)
{
    const char *words = json_get_str(message, "refusal");
    if (words && *words && s->err.code == 0) {
        err_set(&s->err, E_REFUSAL, "%s", err_words(E_REFUSAL));
    }
}

// Reasoning comes under names of its own (reasoning_content, reasoning), which nobody reads.
static void read_choice(struct stream *s, const cJSON *choice)
{
    const cJSON *message = json_get(choice, "delta");
    if (!message) {
        message = json_get(choice, "message");
    }
    read_content(s, json_get(message, "content"));
    read_refusal(s, message);
    stream_finish(s, json_get_str(choice, "finish_reason"));
}

static bool is_error(const cJSON *frame, const cJSON *choice)
{
    const cJSON *error = json_get(frame, "error");
    const cJSON *inner = json_get(choice, "error");
    const char *object = json_get_str(frame, "object");
    return (error && !cJSON_IsNull(error)) || (inner && !cJSON_IsNull(inner)) ||
           (object && strcmp(object, "error") == 0) ||
           (json_get(frame, "detail") && !json_get(frame, "choices"));
}

void openai_decode(struct stream *s, const struct cJSON *frame)
{
    const cJSON *choice = cJSON_GetArrayItem(json_get(frame, "choices"), 0);
    const cJSON *usage = json_get(frame, "usage");
    if (is_error(frame, choice)) {
        stream_error(s);
        return;
    }
    if (choice) {
        read_choice(s, choice);
    }
    stream_tokens(s, json_get_int(usage, "prompt_tokens", 0),
                  json_get_int(usage, "completion_tokens", 0));
    stream_cost(s, json_get(usage, "cost"));
}

// Not inside another word: "throttled" names no ttl.
static bool names_field(const char *words, const char *name)
{
    for (const char *p = words; (p = strstr(p, name)); p++) {
        bool is_start = p == words || !isalnum((unsigned char)p[-1]);
        if (is_start && !isalnum((unsigned char)p[strlen(name)])) {
            return true;
        }
    }
    return false;
}

unsigned openai_refusal(const char *words)
{
    static const struct {
        const char *name;
        unsigned field;
    } names[] = {
        {"response_format", FIELD_SCHEMA},
        {"json_schema", FIELD_SCHEMA},
        {"failed to parse grammar", FIELD_SCHEMA},
        {"stream_options", FIELD_USAGE},
        {"max_tokens", FIELD_MAX_TOKENS},
        {"temperature", FIELD_TEMPERATURE},
        {"seed", FIELD_SEED},
        {"chat_template_kwargs", FIELD_THINKING},
        {"enable_thinking", FIELD_THINKING},
        {"ttl", FIELD_TTL},
        {"reasoning_effort", FIELD_EFFORT},
        {"reasoning", FIELD_REASONING},
    };
    unsigned fields = 0;
    for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
        fields |= names_field(words, names[i].name) ? names[i].field : 0;
    }
    return fields;
}

const struct driver driver_openai = {
    .kind = BACKEND_OPENAI,
    .name = "openai",
    .survey = survey,
    .load = openai_load,
    .verify = openai_verify,
    .chat_path = "/v1/chat/completions",
    .frames = FRAME_SSE,
    .encode = openai_encode,
    .decode = openai_decode,
    .never = FIELD_THINKING,
};
