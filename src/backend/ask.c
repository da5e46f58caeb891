// ask.c -- asks about one picture, and believes the answer only after it was checked.
//
//     backend_ask -> http (streamed) -> on_data: frames ... -> on_done -> judge -> done
//                        |                  '-- said all, but does not end: grace, cancel
//                        '-- could not begin: later -> done
//
// The picture goes out as head + base64 + tail, so it is held once.  Everything private is
// freed before done.
// SPDX-License-Identifier: MIT
#include "backend/answer.h"
#include "backend/caps.h"
#include "backend/gauge.h"
#include "backend/stream.h"
#include "base/log.h"
#include "base/mem.h"

#include <assert.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum {
    MAX_HEAD = 1 << 20,
    GRACE_MS = 2000,
    // Least that a picture costs: a fifth of a 28 px grid, and never more than what the
    // thriftiest families take (Gemma 4 with its smallest budget: 66).
    GRID_PX = 28,
    MIN_IMAGE_TOKENS = 8,
    MAX_IMAGE_TOKENS = 60,
};

static void on_ask_data(struct http_req *r);
static void on_ask_done(struct http_req *r, int err);

// ---- what it must have cost

// Every tokenizer takes at least one token for a word.
static int64_t count_words(const char *s)
{
    int64_t n = 0;
    bool is_in_word = false;
    for (; s && *s; s++) {
        bool is_blank = strchr(" \t\r\n", *s) != NULL;
        n += !is_blank && !is_in_word;
        is_in_word = !is_blank;
    }
    return n;
}

int ask_words(const struct backend *b, const struct backend_ask *a, struct buf *out)
{
    const char *rule = a->prompt->rule ? a->prompt->rule : "";
    const char *word = a->no_thinking ? caps_thinking_word(backend_model(b)) : "";
    return buf_printf(out, "%s\n\n%s%s%s%s%s", a->prompt->user,
                      a->no_schema ? answer_plain_form : answer_form, *rule ? "\n\n" : "",
                      rule, *word ? "\n\n" : "", word);
}

static int64_t least_image_tokens(int width, int height)
{
    int64_t cells = (int64_t)(width / GRID_PX) * (height / GRID_PX);
    int64_t n = cells / 5;
    return n < MIN_IMAGE_TOKENS   ? MIN_IMAGE_TOKENS
           : n > MAX_IMAGE_TOKENS ? MAX_IMAGE_TOKENS
                                  : n;
}

// Ollama before 0.30 did not count what its cache held.
static bool counts_prompt(const struct backend *b)
{
    int major = 0;
    int minor = 0;
    if (b->facts.kind != BACKEND_OLLAMA) {
        return true;
    }
    int n = sscanf(b->facts.version, "%d.%d", &major, &minor);
    return n == 2 && (major > 0 || minor >= 30);
}

static struct answer_input answer_input(const struct backend_ask *a,
                                        const struct stream *s)
{
    int max_tokens = a->max_tokens > 0 ? a->max_tokens : s->b->config.max_tokens;
    struct answer_input in = {
        .content = buf_str(&s->content),
        .content_len = s->content.len,
        .finish_reason = s->finish,
        .prompt_tokens = s->prompt_tokens,
        .completion_tokens = s->completion_tokens,
        .max_tokens = max_tokens,
        .wants_schema = !a->no_schema,
    };
    if (counts_prompt(s->b)) {
        in.text_tokens = count_words(a->prompt->system) + count_words(a->prompt->user) +
                         count_words(a->no_schema ? answer_plain_form : answer_form) +
                         count_words(a->prompt->rule);
        in.image_tokens = least_image_tokens(a->width, a->height);
    }
    return in;
}

// ---- what it did cost

// A token is rarely shorter than three letters.
static int64_t most_text_tokens(const struct backend_ask *a)
{
    const char *rule = a->prompt->rule ? a->prompt->rule : "";
    size_t letters = strlen(a->prompt->system) + strlen(a->prompt->user) + strlen(rule) +
                     strlen(a->no_schema ? answer_plain_form : answer_form);
    return (int64_t)letters / 3;
}

static const char *remedy(const struct backend *b)
{
    return b->facts.kind == BACKEND_LMSTUDIO
               ? "raise the image resize bounds in its settings"
           : b->facts.kind == BACKEND_VLLM || b->facts.kind == BACKEND_SGLANG
               ? "see its max_pixels"
               : "see its limits for images";
}

static void watch_cost(struct backend *b, const struct backend_ask *a,
                       const struct answer_input *in)
{
    int64_t expected = cost_of_picture(b->facts.model, a->width, a->height);
    enum cost_verdict v = cost_judge(expected, in->text_tokens ? in->prompt_tokens : -1,
                                     in->text_tokens, most_text_tokens(a));
    if (!cost_note(&b->cost, v)) {
        return;
    }
    bool is_shrunk = v == COST_SHRUNK;
    snprintf(b->note, sizeof(b->note),
             "%.64s %s pictures for %.64s: %dx%d pixels were %lld tokens with all words, "
             "about %lld were expected for the picture alone; %s",
             b->config.name, is_shrunk ? "shrinks" : "enlarges", b->facts.model, a->width,
             a->height, (long long)in->prompt_tokens, (long long)expected,
             is_shrunk ? remedy(b) : "smaller ones would be quicker");
    log_warn("backend", "%s", b->note);
}

bool backend_take_note(struct backend *b, char *out, size_t size)
{
    bool has_news = b->note[0] != 0;
    snprintf(out, size, "%s", b->note);
    b->note[0] = 0;
    return has_news;
}

// ---- the end

static void free_private(struct backend_ask *a)
{
    struct stream *s = a->stream;
    if (s) {
        stream_fini(s);
        free(s);
        a->stream = NULL;
    }
    buf_fini(&a->head);
    buf_fini(&a->tail);
    buf_fini(&a->call.http.response);
}

// A server that refused a field of the request is asked again without it.
static int learn(struct backend *b, struct backend_ask *a, int code)
{
    bool may_be_field = code == E_BAD_REQUEST || code == E_SERVER;
    if (!may_be_field || b->driver->encode != openai_encode) {
        return code;
    }
    unsigned fields = openai_refusal(a->call.err.msg) & openai_sent(b);
    if (fields == 0) {
        return code;
    }
    b->refused |= fields;
    log_info("backend",
             "%s refuses a field of the request, it is left out from now on: %s",
             b->config.name, a->call.err.msg);
    a->call.err.code = E_SERVER;
    return E_SERVER;
}

static bool is_deadline_nearer(const struct backend *b, const struct backend_ask *a)
{
    int64_t total_ms = b->config.timeouts.total_ms;
    return a->deadline_ms > 0 && (total_ms <= 0 || a->deadline_ms < total_ms);
}

static int judge(struct backend_ask *a, struct stream *s, int err)
{
    struct http_req *r = &a->call.http;
    if (err == E_TOTAL && is_deadline_nearer(s->b, a)) {
        return err_set(&a->call.err, E_DEADLINE, "took longer than the %lld ms allowed",
                       (long long)a->deadline_ms);
    }
    int rc = stream_end(s, r, err, &a->call.err);
    if (rc < 0) {
        backend_clean(s->b, &a->call.err);
        return learn(s->b, a, rc);
    }
    struct answer_input in = answer_input(a, s);
    rc = answer_check(&in, &a->answer, &a->call.err);
    if (rc == 0) {
        watch_cost(s->b, a, &in);
    } else {
        backend_clean(s->b, &a->call.err);
    }
    return rc;
}

// Tokens that do not suffice for one more like this are as good as no request.
static void note_rate(struct backend_ask *a, const struct http_req *r)
{
    int64_t spent = a->prompt_tokens > 0 ? a->prompt_tokens : 1;
    spent += a->completion_tokens > 0 ? a->completion_tokens : 0;
    bool is_out = r->rate_tokens_remaining >= 0 && r->rate_tokens_remaining < spent;
    a->rate_remaining = is_out ? 0 : r->rate_remaining;
    a->rate_reset_ms = r->rate_reset_ms;
    if (is_out &&
        r->rate_tokens_reset_ms > (r->rate_remaining == 0 ? r->rate_reset_ms : 0)) {
        a->rate_reset_ms = r->rate_tokens_reset_ms;
    }
}

// A gateway's header, for answers whose usage does not say it.
static void note_price(struct backend_ask *a, const char *dollars)
{
    double n = 0;
    if (a->cost_nano < 0 && gauge_number(dollars, &n) && n >= 0 && n < 1e6) {
        a->cost_nano = (int64_t)(n * 1e9 + 0.5);
    }
}

static void on_ask_done(struct http_req *r, int err)
{
    struct backend_ask *a = container_of(r, struct backend_ask, call.http);
    struct stream *s = a->stream;
    a->call.code = judge(a, s, err);
    a->call.retry_after_ms = r->retry_after_ms;
    a->prompt_tokens = s->prompt_tokens;
    a->completion_tokens = s->completion_tokens;
    a->connect_ms = r->connect_ms;
    a->first_byte_ms = r->first_byte_ms;
    a->request_ms = r->total_ms;
    a->bytes_sent = r->bytes_sent;
    a->cost_nano = s->cost_nano;
    note_rate(a, r);
    note_price(a, r->cost);
    snprintf(a->finish_reason, sizeof(a->finish_reason), "%s", s->finish);
    free_private(a);
    a->done(a, a->call.code);
}

// ---- on the way

static void on_grace_over(struct timer *timer)
{
    struct backend *b = container_of(timer, struct backend, grace_timer);
    int64_t now_ms = loop_now_ms(b->loop);
    struct list *node, *tmp;
    list_each(node, tmp, &b->graces)
    {
        struct stream *s = container_of(node, struct stream, node);
        if (s->grace_until_ms <= now_ms) {
            list_remove(&s->node);
            s->was_enough = true;
            http_cancel(b->http, &s->ask->call.http);
        }
    }
    backend_grace(b);
}

void backend_grace(struct backend *b)
{
    if (list_is_empty(&b->graces)) {
        timer_stop(&b->grace_timer);
        return;
    }
    struct stream *first = list_first(&b->graces, struct stream, node);
    timer_start(&b->grace_timer, first->grace_until_ms - loop_now_ms(b->loop),
                on_grace_over);
}

static void on_ask_data(struct http_req *r)
{
    struct backend_ask *a = container_of(r, struct backend_ask, call.http);
    struct stream *s = a->stream;
    if (r->status < 200 || r->status > 299 || s->was_enough) {
        return;
    }
    stream_feed(s, &r->response);
    if (s->err.code) {
        s->was_enough = true;
        http_cancel(s->b->http, r);
    } else if (stream_is_complete(s) && s->grace_until_ms == 0) {
        s->grace_until_ms = loop_now_ms(s->b->loop) + GRACE_MS;
        list_push_back(&s->b->graces, &s->node);
        backend_grace(s->b);
    }
}

// ---- the beginning

static void set_limits(struct http_req *r, const struct backend_ask *a,
                       const struct backend_timeouts *t)
{
    r->timeouts.connect_ms = t->connect_ms;
    r->timeouts.first_byte_ms =
        a->first_byte_most_ms > 0 ? a->first_byte_most_ms : t->first_byte_ms;
    r->timeouts.stall_ms = t->stall_ms;
    r->timeouts.total_ms = t->total_ms;
}

// The URL and the header are borrowed until done, so they live in the stream.
static int prepare(struct backend *b, struct backend_ask *a, struct stream *s)
{
    struct http_req *r = &a->call.http;
    int n = 0;
    int rc = buf_printf(&s->names, "%s%s%cX-Correlation-ID: %s%ctraceparent: %s", b->base,
                        b->driver->chat_path, 0, a->cid ? a->cid : "", 0,
                        a->traceparent ? a->traceparent : "");
    if (rc == 0) {
        rc = b->driver->encode(b, a, &a->head, &a->tail);
    }
    if (rc < 0) {
        return rc;
    }
    *r = (struct http_req){.method = "POST",
                           .url = buf_str(&s->names),
                           .unix_socket = b->unix_socket,
                           .on_data = on_ask_data,
                           .retry_after_ms = -1};
    r->headers[n++] = "Content-Type: application/json";
    r->headers[n++] = b->config.is_streamed
                          ? "Accept: text/event-stream, application/json"
                          : "Accept: application/json";
    const char *cid = r->url + strlen(r->url) + 1;
    if (a->cid && *a->cid) {
        r->headers[n++] = cid;
    }
    if (a->traceparent && *a->traceparent) {
        r->headers[n++] = cid + strlen(cid) + 1;
    }
    r->headers[n++] = b->auth;
    r->body = (struct http_body){.head = buf_str(&a->head),
                                 .head_len = a->head.len,
                                 .image = a->jpeg,
                                 .image_len = a->jpeg_len,
                                 .tail = buf_str(&a->tail),
                                 .tail_len = a->tail.len};
    set_limits(r, a, &b->config.timeouts);
    if (is_deadline_nearer(b, a)) {
        r->timeouts.total_ms = a->deadline_ms;
    }
    return 0;
}

static void clear_results(struct backend_ask *a)
{
    a->answer = (struct answer){0};
    a->finish_reason[0] = 0;
    a->prompt_tokens = -1;
    a->completion_tokens = -1;
    a->connect_ms = -1;
    a->first_byte_ms = -1;
    a->request_ms = -1;
    a->bytes_sent = 0;
    a->cost_nano = -1;
    a->call = (struct backend_call){.retry_after_ms = -1};
    buf_init(&a->head, MAX_HEAD);
    buf_init(&a->tail, MAX_HEAD);
    a->stream = NULL;
}

static void fail_later(struct backend *b, struct backend_ask *a, int code)
{
    a->call.code = err_set(&a->call.err, code, "%s: %s", err_words(code), b->config.url);
    free_private(a);
    backend_later(b, NULL, a);
}

void backend_ask(struct backend *b, struct backend_ask *a,
                 void (*done)(struct backend_ask *a, int err))
{
    clear_results(a);
    a->done = done;
    a->call.owner = b;
    if (!b->driver || (!*backend_model(b) && b->driver->kind == BACKEND_OLLAMA)) {
        fail_later(b, a, E_MODEL_MISSING);
        return;
    }
    struct stream *s = mem_new(struct stream);
    stream_init(s, b, a);
    a->stream = s;
    int rc = prepare(b, a, s);
    rc = rc == 0 ? http_send(b->http, &a->call.http, on_ask_done) : rc;
    if (rc < 0) {
        fail_later(b, a, rc);
    }
}

void backend_ask_pause(struct backend *b, struct backend_ask *a, bool is_paused)
{
    (is_paused ? http_pause : http_resume)(b->http, &a->call.http);
}

void backend_ask_cancel(struct backend *b, struct backend_ask *a)
{
    struct stream *s = a->stream;
    if (s) {
        list_remove(&s->node);
        s->was_enough = false;
        http_cancel(b->http, &a->call.http);
    }
}

void backend_ask_fini(struct backend_ask *a)
{
    free_private(a);
}
