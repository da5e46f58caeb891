// answer_json.c -- finds the JSON object in what a model wrote, and mends it.
//
// The mending is one pass over the characters from an opening bracket to its closing one,
// writing valid JSON: trailing commas go, raw control characters and wrong escapes in
// strings are escaped, NUL and lone surrogates are replaced, brackets missing at the end are
// added.  Whether the result is JSON is decided by the parser alone.
// SPDX-License-Identifier: MIT
#include "backend/answer.h"
#include "base/json.h"

#include <cjson/cJSON.h>
#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

enum { MAX_DEPTH = 60, MAX_TRIES = 16 };

struct mender {
    const char *in;
    size_t len;
    size_t at;
    struct buf out;
    char closers[MAX_DEPTH];
    int depth;
    bool is_cut;
    bool is_closed;
};

static int emit(struct mender *m, const char *s, size_t len)
{
    return buf_add(&m->out, s, len);
}

static int hex4(const char *s, size_t len)
{
    int value = 0;
    for (size_t i = 0; i < 4; i++) {
        if (i >= len || !isxdigit((unsigned char)s[i])) {
            return -1;
        }
        int c = tolower((unsigned char)s[i]);
        value = value * 16 + (c <= '9' ? c - '0' : c - 'a' + 10);
    }
    return value;
}

// At \u.  A surrogate without its other half and NUL can not be kept.
static int mend_unicode(struct mender *m)
{
    const char *s = m->in + m->at;
    size_t left = m->len - m->at;
    int c = hex4(s + 2, left - 2);
    if (c < 0) {
        m->at += 2;
        return emit(m, "\\\\u", 3);
    }
    bool is_high = c >= 0xd800 && c < 0xdc00;
    int low = is_high && left >= 12 && s[6] == '\\' && s[7] == 'u' ? hex4(s + 8, 4) : -1;
    if (is_high && low >= 0xdc00 && low < 0xe000) {
        m->at += 12;
        return emit(m, s, 12);
    }
    m->at += 6;
    if (c == 0) {
        return 0;
    }
    return c >= 0xd800 && c < 0xe000 ? emit(m, "\\ufffd", 6) : emit(m, s, 6);
}

static int mend_escape(struct mender *m)
{
    if (m->at + 1 >= m->len) {
        m->at++;
        return 0;
    }
    char c = m->in[m->at + 1];
    if (c == 'u') {
        return mend_unicode(m);
    }
    if (strchr("\"\\/bfnrt", c)) {
        m->at += 2;
        return emit(m, m->in + m->at - 2, 2);
    }
    m->at++;  // C:\Users: the backslash was meant as one
    return emit(m, "\\\\", 2);
}

// From an opening quote over the closing one.
static int mend_string(struct mender *m)
{
    int rc = emit(m, "\"", 1);
    m->at++;
    while (rc == 0 && m->at < m->len) {
        unsigned char c = (unsigned char)m->in[m->at];
        if (c == '"') {
            m->at++;
            return emit(m, "\"", 1);
        }
        if (c == '\\') {
            rc = mend_escape(m);
        } else if (c < 0x20) {
            char text[8];
            int n = snprintf(text, sizeof(text), "\\u%04x", c);
            rc = emit(m, text, (size_t)n);
            m->at++;
        } else {
            rc = emit(m, m->in + m->at++, 1);
        }
    }
    m->is_cut = true;
    return rc;
}

static size_t skip_space(const char *s, size_t len, size_t at)
{
    while (at < len && isspace((unsigned char)s[at])) {
        at++;
    }
    return at;
}

static int mend_comma(struct mender *m)
{
    size_t next = skip_space(m->in, m->len, ++m->at);
    bool is_last = next >= m->len || m->in[next] == '}' || m->in[next] == ']';
    return is_last ? 0 : emit(m, ",", 1);
}

// E_GARBAGE: no JSON, whatever is done to it.
static int mend_bracket(struct mender *m, char c)
{
    if (c == '{' || c == '[') {
        if (m->depth >= MAX_DEPTH) {
            return E_GARBAGE;
        }
        m->closers[m->depth++] = c == '{' ? '}' : ']';
    } else if (m->depth == 0 || m->closers[--m->depth] != c) {
        return E_GARBAGE;
    }
    m->at++;
    return emit(m, &c, 1);
}

static int close_all(struct mender *m)
{
    char last = m->out.len ? (char)m->out.data[m->out.len - 1] : 0;
    m->is_cut = m->is_cut || last == ':' || !strchr("\"}]0123456789el", last);
    m->is_closed = m->depth > 0;
    int rc = 0;
    while (rc == 0 && m->depth > 0) {
        rc = emit(m, &m->closers[--m->depth], 1);
    }
    return rc;
}

static int mend(struct mender *m)
{
    int rc = 0;
    do {
        m->at = skip_space(m->in, m->len, m->at);
        if (m->at >= m->len) {
            return close_all(m);
        }
        char c = m->in[m->at];
        if (c == '"') {
            rc = mend_string(m);
        } else if (c == ',') {
            rc = mend_comma(m);
        } else if (strchr("{}[]", c) && c) {
            rc = mend_bracket(m, c);
        } else {
            m->at++;
            rc = emit(m, &c, 1);
        }
    } while (rc == 0 && m->depth > 0 && !m->is_cut);
    return rc;
}

// ---- which object

static const char *const fields[] = {"summary", "activity", "app",        "details",
                                     "tags",    "text",     "description"};

struct cJSON *answer_field(const struct cJSON *object, const char *name)
{
    return cJSON_IsObject(object) ? cJSON_GetObjectItem(object, name) : NULL;
}

static bool is_ours(const cJSON *object)
{
    for (size_t i = 0; i < sizeof(fields) / sizeof(fields[0]); i++) {
        const cJSON *value = answer_field(object, fields[i]);
        // {"summary": {"type": "string"}} is the schema given back, not an answer
        if (value && !answer_field(value, "type")) {
            return true;
        }
    }
    return false;
}

// {"screenshot": {...}}, {"type": "object", "properties": {...}}: one level is taken off.
static cJSON *unwrap(cJSON *object)
{
    cJSON *child = NULL;
    if (is_ours(object)) {
        return object;
    }
    cJSON_ArrayForEach(child, object)
    {
        if (cJSON_IsObject(child) && is_ours(child)) {
            cJSON *taken = cJSON_DetachItemViaPointer(object, child);
            json_free(object);
            return taken;
        }
    }
    json_free(object);
    return NULL;
}

// Tries the object that begins at *at and moves *at to where the next may begin.
static enum json_find try_at(const char *text, size_t len, size_t *at, cJSON **out,
                             bool *is_closed)
{
    struct mender m = {.in = text, .len = len, .at = *at};
    buf_init(&m.out, len * 6 + 256);
    int rc = mend(&m);
    cJSON *root = rc == 0 && !m.is_cut ? json_parse(buf_str(&m.out), m.out.len) : NULL;
    buf_fini(&m.out);
    *is_closed = m.is_closed;
    *at = m.at > *at ? m.at : *at + 1;  // never into an object that is broken
    if (!root) {
        return m.is_cut || m.is_closed ? JSON_CUT : JSON_BAD;
    }
    *out = unwrap(root);
    return *out ? JSON_FOUND : JSON_ALIEN;
}

// '{' and, perhaps after white space, '"' or '}': not the brace of a quoted program.
static bool is_object_start(const char *text, size_t len, size_t at)
{
    size_t next = skip_space(text, len, at + 1);
    return text[at] == '{' && (next >= len || text[next] == '"' || text[next] == '}');
}

static enum json_find find_object(const char *text, size_t len, cJSON **out,
                                  bool *is_closed)
{
    enum json_find first = JSON_NONE;
    int tries = 0;
    for (size_t at = 0; at < len && tries < MAX_TRIES;) {
        if (!is_object_start(text, len, at)) {
            at++;
            continue;
        }
        enum json_find found = try_at(text, len, &at, out, is_closed);
        if (found == JSON_FOUND || found == JSON_CUT) {
            return found;
        }
        first = tries++ == 0 ? found : first;
    }
    return first;
}

// The object's first bracket was lost: "summary": "...", ...
static enum json_find find_headless(const char *text, size_t len, cJSON **out,
                                    bool *is_closed)
{
    struct buf b;
    buf_init(&b, len + 1);
    enum json_find found = JSON_BAD;
    if (buf_add(&b, "{", 1) == 0 && buf_add(&b, text, len) == 0) {
        found = find_object(buf_str(&b), b.len, out, is_closed);
    }
    buf_fini(&b);
    return found;
}

static bool is_headless(const char *text, size_t len)
{
    for (size_t i = 0; i < sizeof(fields) / sizeof(fields[0]); i++) {
        size_t n = strlen(fields[i]);
        if (len > n + 2 && text[0] == '"' && strncasecmp(text + 1, fields[i], n) == 0 &&
            text[n + 1] == '"') {
            return true;
        }
    }
    return false;
}

enum json_find answer_find_json(const char *text, size_t len, struct cJSON **out,
                                bool *is_closed)
{
    *out = NULL;
    *is_closed = false;
    if (is_headless(text, len)) {
        return find_headless(text, len, out, is_closed);
    }
    if (len > 2 && text[0] == '"') {
        // the whole object as a JSON string
        cJSON *quoted = json_parse(text, len);
        const char *inner = cJSON_GetStringValue(quoted);
        enum json_find found =
            inner ? find_object(inner, strlen(inner), out, is_closed) : JSON_NONE;
        json_free(quoted);
        if (found != JSON_NONE) {
            return found;
        }
    }
    return find_object(text, len, out, is_closed);
}
