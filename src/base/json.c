// json.c -- the writer is ours (a request holds a large picture, no tree is built); the
// reader is cJSON with its size, depth and trailing-garbage gaps closed.
// SPDX-License-Identifier: MIT
#include "base/json.h"

#include "base/utf8.h"

#include <assert.h>
#include <cjson/cJSON.h>
#include <math.h>
#include <stdio.h>
#include <string.h>

#define MAX_WRITE_DEPTH 32
#define MAX_PARSE_DEPTH 64

void json_init(struct json_writer *w, struct buf *out)
{
    *w = (struct json_writer){.out = out};
}

static void put(struct json_writer *w, const char *s, size_t len)
{
    if (w->rc == 0) {
        w->rc = buf_add(w->out, s, len);
    }
}

static void put_escaped(struct json_writer *w, unsigned char c)
{
    char text[8];
    switch (c) {
    case '"': put(w, "\\\"", 2); return;
    case '\\': put(w, "\\\\", 2); return;
    case '\n': put(w, "\\n", 2); return;
    case '\r': put(w, "\\r", 2); return;
    case '\t': put(w, "\\t", 2); return;
    default: snprintf(text, sizeof(text), "\\u%04x", c); put(w, text, 6);
    }
}

static bool is_plain(unsigned char c)
{
    return c >= 0x20 && c < 0x7f && c != '"' && c != '\\';
}

// How many of the next bytes stand in JSON as they are, of ASCII: nearly all there ever is,
// so eight at a time.  Each term has the top bit of every byte that is none of them.
static size_t plain_run(const char *s, size_t len)
{
    const uint64_t ones = UINT64_C(0x0101010101010101), tops = ones << 7;
    size_t i = 0;
    for (uint64_t v; len - i >= sizeof(v); i += sizeof(v)) {
        memcpy(&v, s + i, sizeof(v));
        uint64_t quote = v ^ ones * '"', slash = v ^ ones * '\\', del = v ^ ones * 0x7f;
        uint64_t special =
            v | (v - ones * 0x20) | (quote - ones) | (slash - ones) | (del - ones);
        if (special & tops) {
            break;
        }
    }
    while (i < len && is_plain((unsigned char)s[i])) {
        i++;
    }
    return i;
}

static size_t clean_run(const char *s, size_t len)
{
    size_t run = plain_run(s, len);
    while (run < len && (unsigned char)s[run] >= 0x80) {
        size_t n = utf8_char(s + run, len - run);
        if (n == 0) {
            break;
        }
        run += n;
        run += plain_run(s + run, len - run);
    }
    return run;
}

static void put_string(struct json_writer *w, const char *s, size_t len)
{
    put(w, "\"", 1);
    for (size_t i = 0; i < len;) {
        size_t run = clean_run(s + i, len - i);
        put(w, s + i, run);
        i += run;
        if (i < len) {
            unsigned char c = (unsigned char)s[i++];
            if (c >= 0x80) {
                put(w, "\xef\xbf\xbd", 3);
            } else {
                put_escaped(w, c);
            }
        }
    }
    put(w, "\"", 1);
}

static void begin(struct json_writer *w, const char *key)
{
    uint32_t bit = 1u << w->depth;
    if (w->depth > 0 && (w->has_items & bit)) {
        put(w, ",", 1);
    }
    w->has_items |= bit;
    if (key) {
        put_string(w, key, strlen(key));
        put(w, ":", 1);
    }
}

static void open_scope(struct json_writer *w, const char *key, const char *bracket)
{
    begin(w, key);
    put(w, bracket, 1);
    w->depth++;
    assert(w->depth < MAX_WRITE_DEPTH);
    w->has_items &= ~(1u << w->depth);
}

static void close_scope(struct json_writer *w, const char *bracket)
{
    assert(w->depth > 0);
    w->depth--;
    put(w, bracket, 1);
}

void json_object(struct json_writer *w, const char *key)
{
    open_scope(w, key, "{");
}

void json_object_end(struct json_writer *w)
{
    close_scope(w, "}");
}

void json_array(struct json_writer *w, const char *key)
{
    open_scope(w, key, "[");
}

void json_array_end(struct json_writer *w)
{
    close_scope(w, "]");
}

void json_strn(struct json_writer *w, const char *key, const char *value, size_t len)
{
    begin(w, key);
    put_string(w, value, len);
}

void json_str(struct json_writer *w, const char *key, const char *value)
{
    if (value) {
        json_strn(w, key, value, strlen(value));
    } else {
        json_null(w, key);
    }
}

void json_int(struct json_writer *w, const char *key, int64_t value)
{
    char text[24], *end = text + sizeof(text), *s = end;
    uint64_t left = value < 0 ? 0 - (uint64_t)value : (uint64_t)value;
    do {
        *--s = (char)('0' + left % 10);
        left /= 10;
    } while (left);
    if (value < 0) {
        *--s = '-';
    }
    begin(w, key);
    put(w, s, (size_t)(end - s));
}

// The locale of the host may write a comma.
void json_double(struct json_writer *w, const char *key, double value)
{
    if (!isfinite(value)) {
        json_null(w, key);
        return;
    }
    char text[40];
    int n = snprintf(text, sizeof(text), "%.6g", value);
    for (int i = 0; i < n; i++) {
        if (text[i] == ',') {
            text[i] = '.';
        }
    }
    begin(w, key);
    put(w, text, (size_t)n);
}

void json_bool(struct json_writer *w, const char *key, bool value)
{
    begin(w, key);
    put(w, value ? "true" : "false", value ? 4 : 5);
}

void json_null(struct json_writer *w, const char *key)
{
    begin(w, key);
    put(w, "null", 4);
}

void json_raw(struct json_writer *w, const char *key, const char *json)
{
    begin(w, key);
    put(w, json, strlen(json));
}

// cJSON recurses per level; its own limit (1000) is more stack than a host thread may have.
static bool is_too_deep(const char *text, size_t len)
{
    int depth = 0;
    bool in_string = false;
    for (size_t i = 0; i < len; i++) {
        char c = text[i];
        if (in_string) {
            i += c == '\\';
            in_string = c != '"';
        } else if (c == '"') {
            in_string = true;
        } else if (c == '{' || c == '[') {
            if (++depth > MAX_PARSE_DEPTH) {
                return true;
            }
        } else if (c == '}' || c == ']') {
            depth--;
        }
    }
    return false;
}

struct cJSON *json_parse(const char *text, size_t len)
{
    if (is_too_deep(text, len)) {
        return NULL;
    }
    const char *end = NULL;
    cJSON *root = cJSON_ParseWithLengthOpts(text, len, &end, 0);
    if (!root) {
        return NULL;
    }
    for (; end < text + len; end++) {
        if (!strchr(" \t\r\n", *end) || !*end) {
            cJSON_Delete(root);
            return NULL;
        }
    }
    return root;
}

void json_free(struct cJSON *root)
{
    cJSON_Delete(root);
}

struct cJSON *json_get(const struct cJSON *object, const char *key)
{
    return cJSON_IsObject(object) ? cJSON_GetObjectItemCaseSensitive(object, key) : NULL;
}

const char *json_get_str(const struct cJSON *object, const char *key)
{
    return cJSON_GetStringValue(json_get(object, key));
}

int64_t json_get_int(const struct cJSON *object, const char *key, int64_t fallback)
{
    const cJSON *item = json_get(object, key);
    if (!cJSON_IsNumber(item) || !(fabs(item->valuedouble) < 9e15)) {
        return fallback;
    }
    return (int64_t)item->valuedouble;
}

bool json_get_bool(const struct cJSON *object, const char *key, bool fallback)
{
    const cJSON *item = json_get(object, key);
    return cJSON_IsBool(item) ? cJSON_IsTrue(item) : fallback;
}
