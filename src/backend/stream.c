// stream.c -- what is left of a streamed answer when the connection has ended.
//
// Success needs a reason to have finished, or the protocol's last frame; status 200 and
// "[DONE]" alone prove nothing (PROTOCOLS.md 0.7, 4).  A server that has told its reason
// and then hangs or breaks (13.11) has still answered.
// SPDX-License-Identifier: MIT
#include "backend/stream.h"

#include "base/json.h"
#include "base/utf8.h"

#include <cjson/cJSON.h>
#include <stdio.h>
#include <string.h>

enum { MAX_FRAME = 8 << 20, MAX_CONTENT = 1 << 20, MAX_NAMES = 8192 };

void stream_init(struct stream *s, struct backend *b, struct backend_ask *a)
{
    *s = (struct stream){.b = b,
                         .ask = a,
                         .driver = b->driver,
                         .prompt_tokens = -1,
                         .completion_tokens = -1,
                         .cost_nano = -1};
    frame_init(&s->framer, s->driver->frames, MAX_FRAME);
    buf_init(&s->content, MAX_CONTENT);
    buf_init(&s->names, MAX_NAMES);
}

void stream_fini(struct stream *s)
{
    frame_fini(&s->framer);
    buf_fini(&s->content);
    buf_fini(&s->names);
    list_remove(&s->node);
}

// ---- for decoders

static void tell_words(void *arg, const char *field, const char *text, size_t len)
{
    struct backend_ask *a = arg;
    a->on_words(a, field, text, len);
}

void stream_text(struct stream *s, const char *text)
{
    int rc = text ? buf_add_str(&s->content, text) : 0;
    if (text && rc == 0 && s->ask->on_words) {
        words_feed(&s->words, text, strlen(text), tell_words, s->ask);
    }
    if (rc < 0 && s->err.code == 0) {
        rc = rc == E_TOOBIG ? E_GARBAGE : rc;
        err_set(&s->err, rc, "%s: over %d bytes of text", err_words(rc), MAX_CONTENT);
    }
}

void stream_finish(struct stream *s, const char *reason)
{
    if (reason && *reason) {
        utf8_clean(reason, strlen(reason), s->finish, sizeof(s->finish));
    }
}

void stream_tokens(struct stream *s, int64_t prompt, int64_t completion)
{
    s->prompt_tokens = prompt > 0 ? prompt : s->prompt_tokens;
    s->completion_tokens = completion > 0 ? completion : s->completion_tokens;
}

void stream_cost(struct stream *s, const cJSON *dollars)
{
    double n = cJSON_IsNumber(dollars) ? dollars->valuedouble : -1;
    if (n >= 0 && n < 1e6) {
        s->cost_nano = (int64_t)(n * 1e9 + 0.5);
    }
}

void stream_error(struct stream *s)
{
    if (s->err.code == 0) {
        backend_classify(200, s->frame, s->frame_len, &s->err);
    }
}

// ---- frames

static int on_frame(void *arg, const char *event, const char *data, size_t len)
{
    struct stream *s = arg;
    if (len == 6 && memcmp(data, "[DONE]", 6) == 0) {
        s->has_end = true;
        return 0;
    }
    cJSON *json = json_parse(data, len);
    s->frame = data;
    s->frame_len = len;
    if (!cJSON_IsObject(json)) {
        s->bad++;
    } else if (strcmp(event, "error") == 0) {
        s->frames++;
        stream_error(s);
    } else {
        s->frames++;
        s->driver->decode(s, json);
    }
    json_free(json);
    return 0;
}

static void note(struct stream *s, int rc)
{
    if (rc < 0 && s->err.code == 0) {
        rc = rc == E_TOOBIG ? E_GARBAGE : rc;
        err_set(&s->err, rc, "%s: a frame of over %d bytes", err_words(rc), MAX_FRAME);
    }
}

void stream_feed(struct stream *s, const struct buf *response)
{
    if (response->len > s->fed) {
        const char *bytes = buf_str(response) + s->fed;
        size_t len = response->len - s->fed;
        s->fed = response->len;
        note(s, frame_feed(&s->framer, bytes, len, on_frame, s));
    }
}

bool stream_is_complete(const struct stream *s)
{
    return s->finish[0] || s->has_end;
}

// ---- the end

// Some servers answer a request for a stream with one JSON object.
static void read_whole(struct stream *s, const struct buf *response)
{
    int bad = s->bad;
    if (s->frames == 0 && s->err.code == 0) {
        on_frame(s, "", buf_str(response), response->len);
        s->bad = bad;
        // whole JSON can not have been cut, whether a reason stands in it or not
        s->has_end = s->has_end || (s->driver->frames == FRAME_SSE && s->content.len > 0);
    }
}

// A whole answer that a proxy or a dying server cut: JSON that begins and does not end.
static bool is_half_json(const struct buf *response)
{
    const char *s = buf_str(response);
    size_t len = response->len;
    while (len > 0 && strchr(" \t\r\n", s[len - 1])) {
        len--;
    }
    return len > 0 && s[strspn(s, " \t\r\n")] == '{' && s[len - 1] != '}';
}

static int check_transport(const struct stream *s, const struct http_req *r, int err,
                           struct err *e)
{
    if (err == 0 || s->was_enough || (stream_is_complete(s) && err != E_CANCELED)) {
        return 0;
    }
    int code = err == E_TOOBIG ? E_GARBAGE : err;
    return err_set(e, code, "%s: %.200s", err_words(code), r->error);
}

int stream_end(struct stream *s, const struct http_req *r, int err, struct err *e)
{
    bool is_refused = r->status >= 100 && (r->status < 200 || r->status > 299);
    if (is_refused && err != E_CANCELED) {
        return backend_classify(r->status, buf_str(&r->response), r->response.len, e);
    }
    stream_feed(s, &r->response);
    note(s, frame_end(&s->framer, on_frame, s));
    if (err == 0) {
        read_whole(s, &r->response);
    }
    if (s->err.code && (err != E_CANCELED || s->was_enough)) {
        *e = s->err;
        return s->err.code;
    }
    int rc = check_transport(s, r, err, e);
    if (rc < 0) {
        return rc;
    }
    if (r->response.len == 0) {
        return err_set(e, E_EMPTY, "%s: status %d without a body", err_words(E_EMPTY),
                       r->status);
    }
    if (s->frames == 0 && is_half_json(&r->response)) {
        return err_set(e, E_UNFINISHED, "%s: half of a JSON object",
                       err_words(E_UNFINISHED));
    }
    if (s->frames == 0) {
        return err_set(e, E_GARBAGE, "%s: no frame in %zu bytes of %s",
                       err_words(E_GARBAGE), r->response.len, r->content_type);
    }
    if (!stream_is_complete(s)) {
        int code = s->bad || s->framer.junk ? E_GARBAGE : E_UNFINISHED;
        return err_set(e, code, "%s: the stream has no end", err_words(code));
    }
    return 0;
}
