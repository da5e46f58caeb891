// classify.c -- what a server's complaint means: five shapes of body, one table of rules.
//
// Servers report permanent faults as 500 and temporary ones as 400 (PROTOCOLS.md 13.10), so
// the words are looked at before the generic meaning of the status.  Rows are tried in
// order; the first that fits decides.
// SPDX-License-Identifier: MIT
#include "backend/backend.h"
#include "base/json.h"
#include "base/utf8.h"

#include <cjson/cJSON.h>
#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

// Rules look at all of it; a person is shown the beginning.
enum { MAX_NESTING = 3, MAX_WORDS = 1500, MAX_SHOWN = 300 };

// What the server said, whatever the shape.
struct complaint {
    char message[MAX_WORDS];
    char extra[160];  // type, code, source: searched, not shown
    int status;       // that the body itself names, 0 = none
};

static const struct rule {
    int code;
    int from, to;      // status
    const char *text;  // in lower case; "" = any
    const char *also;  // "" or a second text that must be there
} rules[] = {
    {E_QUOTA, 402, 402, "", ""},
    {E_QUOTA, 0, 999, "insufficient_quota", ""},
    {E_QUOTA, 0, 999, "credit_balance", ""},
    {E_QUOTA, 0, 999, "spend_limit", ""},
    {E_QUOTA, 0, 999, "usage_limit_exceeded", ""},
    {E_QUOTA, 0, 999, "budget_exceeded", ""},
    {E_BAD_REQUEST, 403, 403, "moderation", ""},
    {E_BAD_REQUEST, 403, 403, "flagged", ""},
    {E_AUTH, 401, 401, "", ""},
    {E_AUTH, 403, 403, "", ""},
    {E_AUTH, 0, 999, "authentication_error", ""},
    {E_RATE, 429, 429, "", ""},

    {E_NO_VISION, 0, 999, "does not support image", ""},
    {E_NO_VISION, 0, 999, "image input is not supported", ""},
    {E_NO_VISION, 0, 999, "not a multimodal model", ""},
    {E_NO_VISION, 0, 999, "does not support multimodal", ""},
    {E_NO_VISION, 0, 999, "missing data required for image input", ""},
    {E_NO_VISION, 0, 999, "no endpoints found that support image", ""},
    {E_NO_VISION, 0, 999, "image_url is only supported by certain models", ""},

    {E_CONTEXT, 0, 999, "exceed_context_size_error", ""},
    {E_CONTEXT, 0, 999, "exceeds the available context size", ""},
    {E_CONTEXT, 0, 999, "maximum context length", ""},
    {E_CONTEXT, 0, 999, "context_length_exceeded", ""},
    {E_CONTEXT, 0, 999, "prompt is longer than the context length", ""},
    {E_CONTEXT, 0, 999, "prompt too long", ""},
    {E_CONTEXT, 0, 999, "number of tokens to keep from the initial prompt", ""},
    {E_CONTEXT, 0, 999, "context size has been exceeded", ""},
    {E_CONTEXT, 0, 999, "contextwindowexceeded", ""},

    {E_BAD_IMAGE, 0, 999, "failed to load image", ""},
    {E_BAD_IMAGE, 400, 400, "failed to process image", ""},
    {E_BAD_IMAGE, 0, 999, "illegal base64", ""},
    {E_BAD_IMAGE, 0, 999, "cannot identify image", ""},
    {E_BAD_IMAGE, 0, 999, "invalid image", ""},
    {E_BAD_IMAGE, 0, 999, "invalid_image", ""},
    {E_BAD_IMAGE, 0, 999, "failed to decode", ""},
    {E_BAD_IMAGE, 0, 999, "unsupported_image_format", ""},
    {E_BAD_IMAGE, 0, 999, "image_too_large", ""},
    {E_BAD_REQUEST, 404, 404, "invalid url", ""},  // of the request, not of the picture
    {E_BAD_IMAGE, 0, 999, "invalid url", ""},
    {E_BAD_IMAGE, 0, 999, "invalid uri", ""},
    {E_BAD_IMAGE, 0, 999, "url must be base64", ""},

    {E_MODEL_CRASH, 0, 999, "process has terminated", ""},
    {E_MODEL_CRASH, 0, 999, "runner has unexpectedly stopped", ""},
    {E_MODEL_CRASH, 0, 999, "encountered while running the model", ""},
    {E_MODEL_CRASH, 0, 999, "timed out waiting for llama", ""},
    {E_MODEL_CRASH, 0, 999, "model has crashed", ""},
    {E_MODEL_CRASH, 0, 999, "out of memory", ""},
    {E_MODEL_CRASH, 0, 999, "cudamalloc", ""},
    {E_MODEL_CRASH, 0, 999, "ggml_assert", ""},
    {E_MODEL_CRASH, 0, 999, "failed to load model", ""},
    {E_MODEL_CRASH, 0, 999, "model_load_failed", ""},
    {E_MODEL_CRASH, 0, 999, "insufficient system resources", ""},
    {E_MODEL_CRASH, 0, 999, "not enough resources to load", ""},
    {E_MODEL_CRASH, 0, 999, "failed to load", ""},

    {E_LOADING, 0, 999, "loading model", ""},
    {E_LOADING, 503, 503, "loading", ""},
    {E_LOADING, 503, 503, "is starting", ""},
    {E_LOADING, 0, 999, "process is not ready", ""},
    {E_LOADING, 0, 999, "model is not loaded", ""},
    {E_SERVER, 0, 999, "model is unloaded", ""},

    {E_MODEL_MISSING, 0, 999, "not found, try pulling", ""},
    {E_MODEL_MISSING, 0, 999, "model_not_found", ""},
    {E_MODEL_MISSING, 0, 999, "no router for requested model", ""},
    {E_MODEL_MISSING, 0, 999, "the model", "does not exist"},
    {E_MODEL_MISSING, 400, 404, "model '", "not found"},
    {E_MODEL_MISSING, 400, 404, "model is not found", ""},
    {E_MODEL_MISSING, 404, 404, "model", ""},

    {E_OVERLOAD, 0, 999, "server busy", ""},
    {E_OVERLOAD, 0, 999, "server is busy", ""},
    {E_OVERLOAD, 0, 999, "request queue is full", ""},
    {E_OVERLOAD, 0, 999, "no slot", ""},
    {E_OVERLOAD, 0, 999, "overloaded", ""},
    {E_OVERLOAD, 0, 999, "higher priority", ""},

    // LM Studio's answer to a wrong path, with status 200.
    {E_GARBAGE, 0, 999, "unexpected endpoint or method", ""},

    {E_SERVER, 408, 409, "", ""},
    {E_SERVER, 425, 425, "", ""},
    {E_SERVER, 499, 499, "", ""},
    {E_BAD_REQUEST, 400, 499, "", ""},
    {E_BAD_REQUEST, 501, 501, "", ""},
    {E_OVERLOAD, 503, 503, "", ""},
    {E_OVERLOAD, 529, 529, "", ""},
    {E_SERVER, 500, 599, "", ""},
    {E_GARBAGE, 300, 399, "", ""},
    {E_SERVER, 200, 299, "", ""},  // an error object inside a success
    {E_GARBAGE, 0, 999, "", ""},
};

// One word apart from what stands there; cut when it is full.
static void add(char *out, size_t size, const char *text)
{
    size_t used = strlen(out);
    if (!text || !*text || used + 2 >= size) {
        return;
    }
    if (used > 0) {
        out[used++] = ' ';
    }
    utf8_clean(text, strlen(text), out + used, size - used);
}

// "code": a number, a number in a string, a word, or null.
static void add_code(struct complaint *c, const cJSON *code)
{
    const char *word = cJSON_GetStringValue(code);
    double number = cJSON_IsNumber(code) ? code->valuedouble : word ? atof(word) : 0;
    if (number >= 400 && number < 600) {
        c->status = (int)number;
    }
    add(c->extra, sizeof(c->extra), word);
}

static void add_object(struct complaint *c, const cJSON *o)
{
    const char *message = json_get_str(o, "message");
    add(c->message, sizeof(c->message), message ? message : json_get_str(o, "msg"));
    add(c->extra, sizeof(c->extra), json_get_str(o, "type"));
    add_code(c, json_get(o, "code"));
}

// FastAPI: "words", {"msg", "type"} or [{"loc": ["body", "field"], "msg", "type"}, ...].
static void add_detail(struct complaint *c, const cJSON *detail)
{
    const cJSON *row = NULL;
    const cJSON *part = NULL;
    add(c->message, sizeof(c->message), cJSON_GetStringValue(detail));
    if (cJSON_IsObject(detail)) {
        add_object(c, detail);
    }
    if (!cJSON_IsArray(detail)) {
        return;
    }
    cJSON_ArrayForEach(row, detail)
    {
        cJSON_ArrayForEach(part, json_get(row, "loc"))
        {
            add(c->message, sizeof(c->message), cJSON_GetStringValue(part));
        }
        add_object(c, row);
    }
}

static void read_body(struct complaint *c, const char *body, size_t len, int depth);

static void read_object(struct complaint *c, const cJSON *root, int depth)
{
    const cJSON *error = json_get(root, "error");
    const char *words = cJSON_GetStringValue(error);
    if (!error) {
        error = json_get(cJSON_GetArrayItem(json_get(root, "choices"), 0), "error");
        words = cJSON_GetStringValue(error);
    }
    if (cJSON_IsObject(error)) {
        add_object(c, error);
        add(c->extra, sizeof(c->extra), json_get_str(root, "src"));
    } else if (words) {
        read_body(c, words, strlen(words), depth + 1);
    } else if (json_get(root, "detail")) {
        add_detail(c, json_get(root, "detail"));
    } else {
        add_object(c, root);
    }
}

// Ollama puts llama-server's body into a string, perhaps with a line of its log behind it.
static cJSON *parse_loosely(const char *body, size_t len)
{
    cJSON *root = json_parse(body, len);
    while (!root && len > 0 && body[len - 1] != '}') {
        len--;
    }
    return root || len == 0 ? root : json_parse(body, len);
}

static bool is_html(const char *body, size_t len)
{
    while (len > 0 && isspace((unsigned char)*body)) {
        body++;
        len--;
    }
    return len > 5 &&
           (strncasecmp(body, "<!doc", 5) == 0 || strncasecmp(body, "<html", 5) == 0);
}

static void read_body(struct complaint *c, const char *body, size_t len, int depth)
{
    cJSON *root = depth < MAX_NESTING ? parse_loosely(body, len) : NULL;
    if (cJSON_IsObject(root)) {
        read_object(c, root, depth);
    } else if (is_html(body, len)) {
        add(c->message, sizeof(c->message), "a web page instead of an API's answer");
    } else if (len > 0) {
        char text[MAX_WORDS];
        utf8_clean(body, len, text, sizeof(text));
        add(c->message, sizeof(c->message), text);
    }
    json_free(root);
}

static bool fits(const struct rule *r, int status, const char *text)
{
    return status >= r->from && status <= r->to && strstr(text, r->text) &&
           strstr(text, r->also);
}

static int decide(const struct complaint *c, int status)
{
    char text[sizeof(c->message) + sizeof(c->extra) + 2];
    snprintf(text, sizeof(text), "%s %s", c->message, c->extra);
    for (char *p = text; *p; p++) {
        *p = (char)(*p >= 'A' && *p <= 'Z' ? *p + ('a' - 'A') : *p);
    }
    size_t i = 0;
    while (!fits(&rules[i], status, text)) {
        i++;  // the last rule fits everything
    }
    return rules[i].code;
}

int backend_classify(int status, const char *body, size_t len, struct err *e)
{
    struct complaint c = {0};
    read_body(&c, body ? body : "", body ? len : 0, 0);
    bool is_success = status >= 200 && status < 300;
    int code = decide(&c, is_success && c.status ? c.status : status);
    const char *words = c.message[0] ? c.message : c.extra[0] ? c.extra : "no words";
    char shown[MAX_SHOWN];
    utf8_clean(words, strlen(words), shown, sizeof(shown));
    if (is_success) {
        return err_set(e, code, "%s: %s", err_words(code), shown);
    }
    return err_set(e, code, "%s: HTTP %d: %s", err_words(code), status, shown);
}
