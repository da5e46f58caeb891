// reply_mill.c -- see reply_mill.h.
// SPDX-License-Identifier: MIT
#include "reply_mill.h"

#include "backend/stream.h"
#include "base/json.h"
#include "base/utf8.h"

#include <cjson/cJSON.h>
#include <stdlib.h>
#include <string.h>

static void must(bool is_so)
{
    if (!is_so) {
        abort();
    }
}

static void check_text(const char *s)
{
    must(!s || (*s && utf8_is_valid(s, strlen(s))));
}

static void check_answer(struct answer *a)
{
    check_text(a->summary);
    check_text(a->activity);
    check_text(a->app);
    check_text(a->details);
    check_text(a->text);
    check_text(a->raw);
    must(a->summary && a->raw && a->tags);
    cJSON *tags = json_parse(a->tags, strlen(a->tags));
    must(cJSON_IsArray(tags));
    json_free(tags);
}

static int judge(const struct stream *s, bool wants_schema)
{
    struct answer_input in = {.content = buf_str(&s->content),
                              .content_len = s->content.len,
                              .finish_reason = s->finish,
                              .prompt_tokens = s->prompt_tokens,
                              .completion_tokens = s->completion_tokens,
                              .max_tokens = 500,
                              .wants_schema = wants_schema};
    struct answer a;
    struct err e = {0};
    int rc = answer_check(&in, &a, &e);
    must(rc == e.code && (rc == 0) == (a.summary != NULL));
    if (rc == 0) {
        check_answer(&a);
    }
    answer_fini(&a);
    return rc;
}

// The body grows by pieces, as it does on a wire.
static void feed(struct stream *s, struct http_req *r, const uint8_t *bytes, size_t len,
                 size_t piece)
{
    for (size_t at = 0; at < len; at += piece) {
        size_t n = piece < len - at ? piece : len - at;
        must(buf_add(&r->response, bytes + at, n) == 0);
        stream_feed(s, &r->response);
    }
}

int reply_grind(const uint8_t *bytes, size_t len)
{
    if (len == 0) {
        return E_EMPTY;
    }
    uint8_t choice = bytes[0];
    struct backend b = {.driver = choice & 1 ? &driver_ollama : &driver_openai};
    struct backend_ask a = {0};
    struct http_req r = {.status = choice & 2 ? 200 : choice & 4 ? 500 : 400};
    struct stream s;
    struct err e = {0};
    buf_init(&r.response, 8 << 20);
    stream_init(&s, &b, &a);
    feed(&s, &r, bytes + 1, len - 1, 1 + (choice >> 4) * 7);
    int rc = stream_end(&s, &r, choice & 8 ? E_STALL : 0, &e);
    must(rc == e.code);
    if (rc == 0) {
        must(stream_is_complete(&s));
        rc = judge(&s, choice & 4);
    }
    stream_fini(&s);
    must(backend_classify(choice & 2 ? 200 : 503, buf_str(&r.response), r.response.len,
                          &e) < 0);
    must(utf8_is_valid(e.msg, strlen(e.msg)));
    buf_fini(&r.response);
    return rc;
}
