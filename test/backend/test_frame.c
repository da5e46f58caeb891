// test_frame.c -- frames of NDJSON and SSE, cut into pieces in every way.
// SPDX-License-Identifier: MIT
#include "backend/frame.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

// The frames of one run as "event|data;event|data;".
static struct buf seen;

static int note(void *arg, const char *event, const char *data, size_t len)
{
    assert_int_equal(data[len], 0);
    return buf_printf(arg, "%s|%s;", event, data);
}

static int refuse(void *arg, const char *event, const char *data, size_t len)
{
    (void)arg, (void)event, (void)data, (void)len;
    return E_SERVER;
}

static const struct row {
    enum frame_kind kind;
    const char *in;
    const char *frames;
    int junk;
} rows[] = {
    {FRAME_NDJSON, "", "", 0},
    {FRAME_NDJSON, "{\"a\":1}\n", "|{\"a\":1};", 0},
    {FRAME_NDJSON, "{\"a\":1}\n{\"b\":2}\n", "|{\"a\":1};|{\"b\":2};", 0},
    {FRAME_NDJSON, "{\"a\":1}\r\n\r\n\n  \n{\"b\":2} \t\r\n", "|{\"a\":1};|{\"b\":2};",
     0},
    {FRAME_NDJSON, "{\"a\":1}\n{\"last\":2}", "|{\"a\":1};|{\"last\":2};", 0},
    {FRAME_NDJSON, "\xef\xbb\xbf{}\n", "|{};", 0},
    {FRAME_NDJSON, "data: x\n", "|data: x;", 0},
    {FRAME_SSE, "", "", 0},
    {FRAME_SSE, "data: {}\n\n", "|{};", 0},
    {FRAME_SSE, "data:{}\n\n", "|{};", 0},
    {FRAME_SSE, "data:  two blanks\n\n", "| two blanks;", 0},
    {FRAME_SSE, "data: a\r\n\r\ndata: b\r\n\r\n", "|a;|b;", 0},
    {FRAME_SSE, "data: a\r\rdata: b\r\r", "|a;|b;", 0},
    {FRAME_SSE, "data: a\n\r\ndata: b\n\r", "|a;|b;", 0},
    {FRAME_SSE, "data: a\ndata: b\ndata:\ndata\n\n", "|a\nb\n\n;", 0},
    {FRAME_SSE, "event: error\ndata: x\n\ndata: y\n\n", "error|x;|y;", 0},
    {FRAME_SSE, "event:message.delta\ndata: x\n\n", "message.delta|x;", 0},
    {FRAME_SSE, "event: a\n\ndata: x\n\n", "|x;", 0},
    {FRAME_SSE, ": OPENROUTER PROCESSING\n\ndata: x\n\n:\n", "|x;", 0},
    {FRAME_SSE, "id: 7\nretry: 10\ndata: x\n\n", "|x;", 0},
    {FRAME_SSE, "data: last without blank line", "|last without blank line;", 0},
    {FRAME_SSE, "data: last\n", "|last;", 0},
    {FRAME_SSE,
     "\xef\xbb\xbf"
     "data: x\n\n",
     "|x;", 0},
    {FRAME_SSE, "\n\n\n\ndata: x\n\n\n\n", "|x;", 0},
    {FRAME_SSE, "{\"error\":\"no stream\"}", "", 1},
    {FRAME_SSE, "junk\nmore: junk\ndata: x\n\n", "|x;", 2},
    {FRAME_SSE, "event: 0123456789012345678901234567890123456789\ndata: x\n\n",
     "0123456789012345678901234567890|x;", 0},
    {FRAME_SSE, "data: {\"a\":\"\xc3\xa4\xf0\x9f\x98\x80\"}\n\n",
     "|{\"a\":\"\xc3\xa4\xf0\x9f\x98\x80\"};", 0},
};

enum { N_ROWS = sizeof(rows) / sizeof(rows[0]) };

// Feeds in pieces of step bytes, but the first piece has first bytes.
static void run(const struct row *r, size_t first, size_t step)
{
    struct framer f;
    size_t len = strlen(r->in);
    frame_init(&f, r->kind, 4096);
    buf_clear(&seen);
    for (size_t at = 0; at < len;) {
        size_t n = at == 0 && first ? first : step;
        n = n < len - at ? n : len - at;
        // a copy of its own, so that a sanitizer sees a read past the piece
        char *piece = malloc(n);
        memcpy(piece, r->in + at, n);
        assert_int_equal(frame_feed(&f, piece, n, note, &seen), 0);
        free(piece);
        at += n;
    }
    assert_int_equal(frame_end(&f, note, &seen), 0);
    assert_string_equal(buf_str(&seen), r->frames);
    assert_int_equal(f.junk, r->junk);
    frame_fini(&f);
}

static void frames_are_the_same_for_every_split(void **state)
{
    (void)state;
    for (int i = 0; i < N_ROWS; i++) {
        size_t len = strlen(rows[i].in);
        for (size_t step = 1; step <= len + 1; step++) {
            run(&rows[i], 0, step);
        }
        for (size_t first = 1; first < len; first++) {
            run(&rows[i], first, len);
        }
    }
}

static void frames_have_a_limit(void **state)
{
    (void)state;
    static const char *const texts[] = {"0123456789abcdef0123456789\n",
                                        "data: 0123456\ndata: 0123456\n\n"};
    for (int i = 0; i < 2; i++) {
        struct framer f;
        frame_init(&f, i ? FRAME_SSE : FRAME_NDJSON, 14);
        buf_clear(&seen);
        assert_int_equal(frame_feed(&f, texts[i], strlen(texts[i]), note, &seen),
                         E_TOOBIG);
        assert_int_equal(seen.len, 0);
        frame_fini(&f);
    }
}

static void a_refusal_ends_the_feeding(void **state)
{
    (void)state;
    static const struct row refused[] = {{FRAME_NDJSON, "{}\n{}\n", "", 0},
                                         {FRAME_SSE, "data: x\n\ndata: y\n\n", "", 0}};
    for (int i = 0; i < 2; i++) {
        struct framer f;
        frame_init(&f, refused[i].kind, 100);
        assert_int_equal(
            frame_feed(&f, refused[i].in, strlen(refused[i].in), refuse, NULL), E_SERVER);
        frame_fini(&f);
        frame_init(&f, refused[i].kind, 100);
        assert_int_equal(frame_feed(&f, "data: {}", 8, refuse, NULL), 0);
        assert_int_equal(frame_end(&f, refuse, NULL), E_SERVER);
        frame_fini(&f);
    }
}

static int setup(void **state)
{
    (void)state;
    buf_init(&seen, 1 << 16);
    return 0;
}

static int teardown(void **state)
{
    (void)state;
    buf_fini(&seen);
    return 0;
}

int main(void)
{
    static const struct CMUnitTest tests[] = {
        cmocka_unit_test(frames_are_the_same_for_every_split),
        cmocka_unit_test(frames_have_a_limit),
        cmocka_unit_test(a_refusal_ends_the_feeding),
    };
    return cmocka_run_group_tests(tests, setup, teardown);
}
