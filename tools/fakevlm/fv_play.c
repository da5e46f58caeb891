// fv_play.c -- writes a chat's answer as a script, with its fault.
//
// The times of an answer: first_byte_ms, then two fifths of the latency until the first
// word of a stream, then the words evenly; a whole answer comes at the end of it all.  With
// --batching the latency is a number of tokens, and the batch says when each one is there.
// SPDX-License-Identifier: MIT
#include "fv_play.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "fv_answer.h"
#include "fv_dialect.h"

static const struct failure crash = {.what = FAIL_CRASH};

// --- faults without a slot -------------------------------------------------------------

static const char html_page[] =
    "<html>\r\n<head><title>502 Bad Gateway</title></head>\r\n<body>\r\n"
    "<center><h1>502 Bad Gateway</h1></center>\r\n<hr><center>nginx</center>\r\n"
    "</body>\r\n</html>\r\n";

void play_failure(struct call *c, const struct failure *f)
{
    struct text body = {0};
    c->writer->error(c, f, &body);
    call_head(c, 200, c->writer->stream_type, -1);
    script_body(&c->conn->script, 0, body.data, body.len);
    script_last_chunk(&c->conn->script);
    conn_play(c->conn);
    text_free(&body);
}

static void reply_in_200(struct call *c, const struct failure *f)
{
    struct text body = {0};
    if (c->ask.wants_stream) {
        play_failure(c, f);
        return;
    }
    c->fake->dialect->fail(c, f, &body);
    call_reply_json(c, 200, &body);
}

static void reply_ok_error(struct call *c)
{
    reply_in_200(c, &crash);
}

// words=STATUS: whatever /__fake/config has set, in the kind's own form.
static void reply_words(struct call *c)
{
    const struct failure f = {.what = FAIL_WORDS,
                              .text = c->fake->opt.words,
                              .at = (long)fault_param(&c->fault, 400)};
    if (f.at == 200)
        reply_in_200(c, &f);
    else
        call_fail(c, &f);
}

static void reply_rate(struct call *c)
{
    bool is_quota = !strcmp(c->fault.param, "quota");
    c->has_retry_date = !strcmp(c->fault.param, "date");
    if (!is_quota)
        c->retry_after_s = (int)fault_param(&c->fault, c->has_retry_date ? 2 : 1);
    call_fail(c, &(struct failure){.what = is_quota ? FAIL_QUOTA : FAIL_RATE});
}

static void reply_html(struct call *c)
{
    call_reply(c, 502, "text/html", html_page, sizeof html_page - 1);
}

static void cut(struct call *c)
{
    c->is_cut = true;
    conn_reset(c->conn);
}

static void reply_failure(struct call *c)
{
    static const enum fail what[FAULT_COUNT] = {
        [FAULT_BUSY] = FAIL_BUSY,
        [FAULT_LOADING] = FAIL_LOADING,
        [FAULT_CRASH] = FAIL_CRASH,
        [FAULT_OOM] = FAIL_OOM,
    };
    c->retry_after_s = (int)fault_param(&c->fault, -1);
    call_fail(c, &(struct failure){.what = what[c->fault.fault]});
}

bool play_early_fault(struct call *c)
{
    static void (*const actions[FAULT_COUNT])(struct call *) = {
        [FAULT_RATE] = reply_rate,         [FAULT_BUSY] = reply_failure,
        [FAULT_LOADING] = reply_failure,   [FAULT_CRASH] = reply_failure,
        [FAULT_OOM] = reply_failure,       [FAULT_CUT] = cut,
        [FAULT_OK_ERROR] = reply_ok_error, [FAULT_HTML] = reply_html,
        [FAULT_WORDS] = reply_words,
    };
    void (*action)(struct call *) = actions[c->fault.fault];
    if (action)
        action(c);
    return action != NULL;
}

// --- times -----------------------------------------------------------------------------

static double draw_normal(const struct call *c)
{
    uint64_t seed = c->fake->opt.seed;
    double u = 1 - dice(seed, c->seq, 2000), v = dice(seed, c->seq, 2001);
    return sqrt(-2 * log(u)) * cos(6.283185307179586 * v);
}

static int64_t draw_latency_ms(const struct call *c)
{
    const struct options *o = &c->fake->opt;
    return (int64_t)fmin((double)o->latency_ms * exp(o->latency_sigma * draw_normal(c)),
                         3.6e6);
}

// tokens is the mean: of a lognormal, that of the logarithm is sigma^2 / 2 lower.
static int draw_tokens(const struct call *c)
{
    const struct batching *b = &c->fake->opt.batching;
    double n = b->tokens * exp(b->sigma * draw_normal(c) - b->sigma * b->sigma / 2);
    int max = c->ask.max_tokens > 0 ? c->ask.max_tokens : 8192;
    return n < 1 ? 1 : n > max ? max : (int)n;
}

static int64_t extra_first_ms(const struct call *c)
{
    int64_t ms = c->fake->opt.first_byte_ms;
    if (c->fault.fault == FAULT_SLOW_FIRST_BYTE)
        ms += fault_param(&c->fault, 10000);
    return ms;
}

// --- late faults -----------------------------------------------------------------------

static bool breaks_in_the_middle(enum fault fault)
{
    return fault == FAULT_TRUNCATE || fault == FAULT_STREAM_ERROR ||
           fault == FAULT_CUT_MID || fault == FAULT_STALL || fault == FAULT_GARBAGE;
}

static void make_garbage(const struct call *c, struct text *out)
{
    for (uint64_t i = 0; i < 96; i++) {
        unsigned char byte =
            (unsigned char)(dice(c->fake->opt.seed, c->seq, 3000 + i) * 256);
        text_add(out, &byte, 1);
    }
    text_puts(out, "\xff\xfe\n");
}

// What follows the half answer.  Both forms end the same ways.
static void end_broken(struct call *c, struct text *out)
{
    struct script *s = &c->conn->script;
    if (c->fault.fault == FAULT_GARBAGE)
        make_garbage(c, out);
    else if (c->fault.fault == FAULT_STREAM_ERROR && c->ask.wants_stream)
        c->writer->error(c, &crash, out);
    else if (c->fault.fault == FAULT_CUT_MID)
        s->ending = ENDING_RESET;
    else if (c->fault.fault == FAULT_STALL)
        s->ending = ENDING_STALL;
    c->is_cut = s->ending == ENDING_RESET;
}

// --- the two forms ---------------------------------------------------------------------

static void script_stream(struct call *c, int64_t first_ms, int64_t words_ms)
{
    struct script *s = &c->conn->script;
    const struct answer *a = &c->answer;
    bool breaks = breaks_in_the_middle(c->fault.fault);
    int total = a->pieces, n = 0;
    int stop = breaks ? total / 2 : total;
    const struct text *parts[] = {&a->thinking, &a->content};
    int64_t done_ms = 0;
    struct text out = {0};
    call_head(c, 200, c->writer->stream_type, -1);
    s->steps[0].wait_ms = first_ms;
    if (c->writer->head)
        c->writer->head(c, &out);
    for (int part = 0; part < 2; part++) {
        for (size_t at = 0; at < parts[part]->len && n < stop; n++) {
            size_t len = answer_piece(parts[part], at);
            int64_t due_ms = words_ms * n / total;
            c->writer->delta(c, parts[part]->data + at, len, part == 0, &out);
            script_body(s, due_ms - done_ms, out.data, out.len);
            text_clear(&out);
            done_ms = due_ms;
            at += len;
        }
    }
    if (breaks)
        end_broken(c, &out);
    else
        c->writer->tail(c, &out);
    script_body(s, words_ms - done_ms, out.data, out.len);
    if (s->ending <= ENDING_CLOSE)
        script_last_chunk(s);
    text_free(&out);
}

static void script_broken_whole(struct call *c, struct text *body, int64_t wait_ms)
{
    struct script *s = &c->conn->script;
    size_t half = body->len / 2;
    struct text out = {0};
    if (c->fault.fault == FAULT_STREAM_ERROR) {
        text_clear(body);
        int status = c->fake->dialect->fail(c, &crash, body);
        call_head(c, status, "application/json", (long)body->len);
        s->steps[0].wait_ms = wait_ms;
        script_body(s, 0, body->data, body->len);
        return;
    }
    enum fault fault = c->fault.fault;
    if (fault == FAULT_GARBAGE)
        half = 0;
    text_add(&out, body->data, half);
    if (fault == FAULT_GARBAGE)
        make_garbage(c, &out);
    bool is_short = fault == FAULT_TRUNCATE || fault == FAULT_GARBAGE;
    call_head(c, 200, "application/json", (long)(is_short ? out.len : body->len));
    s->steps[0].wait_ms = wait_ms;
    script_body(s, 0, out.data, out.len);
    text_clear(&out);
    if (!is_short)
        end_broken(c, &out);
    text_free(&out);
}

static void script_whole(struct call *c, int64_t wait_ms)
{
    struct text body = {0};
    c->writer->whole(c, &body);
    bool is_marked = c->fault.fault == FAULT_TRUNCATE && c->writer->marks_truncation;
    if (breaks_in_the_middle(c->fault.fault) && !is_marked) {
        script_broken_whole(c, &body, wait_ms);
    } else {
        call_head(c, 200, "application/json", (long)body.len);
        c->conn->script.steps[0].wait_ms = wait_ms;
        script_body(&c->conn->script, 0, body.data, body.len);
    }
    text_free(&body);
}

// drip=MS or drip=MS/BYTES.
static void set_drip(struct call *c)
{
    struct script *s = &c->conn->script;
    const char *slash = strchr(c->fault.param, '/');
    long bytes = slash ? atol(slash + 1) : 1;
    s->drip_ms = fault_param(&c->fault, 10);
    s->drip_ms = s->drip_ms < 1 ? 1 : s->drip_ms;
    s->drip_bytes = bytes < 1 ? 1 : (size_t)bytes;
}

// The text stays as it is; how many tokens it cost is drawn.
static void play_batched(struct call *c)
{
    struct answer *a = &c->answer;
    answer_make(c);
    a->completion_tokens = draw_tokens(c);
    c->is_whole = fault_is_harmless(c->fault.fault);
    if (c->ask.wants_stream)
        script_stream(c, 1, a->completion_tokens);
    else
        script_whole(c, 1 + a->completion_tokens);
    script_pace(&c->conn->script, extra_first_ms(c));
    if (c->fault.fault == FAULT_DRIP)
        set_drip(c);
    conn_play(c->conn);
}

void play_answer(struct call *c)
{
    if (c->fake->opt.batching.step_ms > 0) {
        play_batched(c);
        return;
    }
    int64_t latency_ms = draw_latency_ms(c), first_ms = extra_first_ms(c);
    struct answer *a = &c->answer;
    answer_make(c);
    a->prompt_ms = latency_ms * 2 / 5;
    a->eval_ms = latency_ms - a->prompt_ms;
    c->is_whole = fault_is_harmless(c->fault.fault);
    if (c->ask.wants_stream)
        script_stream(c, first_ms + a->prompt_ms, a->eval_ms);
    else
        script_whole(c, first_ms + latency_ms);
    if (c->fault.fault == FAULT_DRIP)
        set_drip(c);
    conn_play(c->conn);
}
