// test_fakevlm_batching.c -- requests that are decoded together: how long that takes, and
// what it costs to have too many.
//
// Steps are counted and times have lower bounds only, so that a busy machine does not matter.
// SPDX-License-Identifier: MIT
#include "fake_client.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#define MODEL "qwen2.5vl:7b"
#define V1    "/v1/chat/completions"
#define TYPE  "Content-Type: application/json\r\n"

static const char hi[] =
    "{\"model\":\"" MODEL "\",\"stream\":false,\"messages\":[{\"role\":"
    "\"user\",\"content\":\"Hi\"}]}";
static const char hi_stream[] =
    "{\"model\":\"" MODEL
    "\",\"stream\":true,\"stream_options\":{\"include_usage\":true},"
    "\"messages\":[{\"role\":\"user\",\"content\":\"Hi\"}]}";

static double now_ms(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (double)t.tv_sec * 1000 + (double)t.tv_nsec / 1e6;
}

static int send_chat(const struct backend *b, const char *body)
{
    int fd = client_connect(b);
    assert_true(fd >= 0);
    client_send(fd, "POST", V1, TYPE, body, strlen(body));
    return fd;
}

static int read_status(int fd)
{
    struct reply r;
    client_read(fd, &r);
    int status = r.status;
    reply_free(&r);
    close(fd);
    return status;
}

// Asks n at once; returns the ms until all were answered.
static double ask_together(const struct backend *b, int n)
{
    int fds[32];
    assert_true(n <= 32);
    double began_ms = now_ms();
    for (int i = 0; i < n; i++)
        fds[i] = send_chat(b, hi);
    for (int i = 0; i < n; i++)
        assert_int_equal(read_status(fds[i]), 200);
    return now_ms() - began_ms;
}

static void many_share_the_steps_of_one(void **state)
{
    (void)state;
    struct backend b;
    backend_start(&b,
                  "--kind vllm --slots 32 --batching step=20,tokens=10,sigma=0,per=0");
    ask_together(&b, 1);
    double one = stat_of(&b, "steps");
    assert_true(one >= 11 &&
                one <= 12);  // the prompt's and ten; one more if it came late
    ask_together(&b, 32);
    assert_true(stat_of(&b, "steps") - one <= 3 * one);  // by itself each: 32 times
    assert_true(stat_of(&b, "max_concurrency") > 16);
    backend_stop(&b);
}

static void a_step_takes_longer_by_what_is_in_it(void **state)
{
    (void)state;
    static const struct {
        const char *spec;
        int n;
        double at_least_ms;
    } rows[] = {
        {"step=30,tokens=9,sigma=0", 1, 300},
        {"step=1,per=10,tokens=9,sigma=0", 4, 9 * 41},    // the last may be alone once
        {"step=1,prefill=200,tokens=2,sigma=0", 1, 200},  // once, not per step
        {"step=1,prefill=200,tokens=2,sigma=0", 3, 600},
        {"step=1,kv=2,thrash=50,tokens=5,sigma=0", 4, 4 * 100},
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        struct backend b;
        char flags[160];
        snprintf(flags, sizeof flags, "--kind vllm --slots 8 --batching %s",
                 rows[i].spec);
        backend_start(&b, flags);
        double took_ms = ask_together(&b, rows[i].n);
        // Timers count whole milliseconds, each step may come one of them early.
        if (took_ms < rows[i].at_least_ms * 0.95)
            fail_msg("%s took %.0f ms", rows[i].spec, took_ms);
        backend_stop(&b);
    }
}

static void slots_and_queue_bound_it(void **state)
{
    (void)state;
    struct backend b;
    int fds[3];
    backend_start(&b, "--kind vllm --slots 2 --queue 1 --batching step=50,tokens=40");
    for (int i = 0; i < 3; i++)
        fds[i] = send_chat(&b, hi);
    await_stat(&b, "waiting", 1);
    assert_int_equal(read_status(send_chat(&b, hi)), 503);
    assert_true(stat_of(&b, "running") == 2);
    for (int i = 0; i < 3; i++)
        close(fds[i]);
    backend_stop(&b);
}

static void usage_says_what_was_drawn(void **state)
{
    (void)state;
    struct backend b;
    struct reply r;
    double tokens[3];
    backend_start(&b, "--kind vllm --batching step=1,tokens=70,sigma=0.5 --seed 7");
    for (int i = 0; i < 3; i++) {
        ask(&b, "POST", V1, hi, &r);
        cJSON *json = cJSON_Parse(r.body);
        assert_true(strlen(text_at(json, "choices.0.message.content")) > 20);
        tokens[i] = number_at(json, "usage.completion_tokens");
        assert_true(tokens[i] > 7 && tokens[i] < 700);
        cJSON_Delete(json);
        reply_free(&r);
    }
    assert_true(tokens[0] != tokens[1] || tokens[1] != tokens[2]);
    backend_stop(&b);
}

static void a_stream_comes_whole(void **state)
{
    (void)state;
    struct backend b;
    struct reply r;
    backend_start(&b, "--kind vllm --batching step=1,tokens=70,sigma=0");
    ask(&b, "POST", V1, hi_stream, &r);
    assert_int_equal(r.status, 200);
    assert_int_equal(r.end, END_WHOLE);
    assert_non_null(strstr(r.body, "\"completion_tokens\":70"));
    assert_non_null(strstr(r.body, "data: [DONE]"));
    assert_true(stat_of(&b, "steps") >= 71);
    reply_free(&r);
    backend_stop(&b);
}

static void one_that_goes_leaves_its_place(void **state)
{
    (void)state;
    struct backend b;
    backend_start(&b, "--kind vllm --slots 1 --batching step=10,tokens=5000,sigma=0");
    int first = send_chat(&b, hi), second = send_chat(&b, hi_stream);
    await_stat(&b, "waiting", 1);
    close(first);
    await_stat(&b, "waiting", 0);
    assert_true(stat_of(&b, "running") == 1);
    close(second);
    await_stat(&b, "running", 0);
    double steps = stat_of(&b, "steps");
    await_stat(&b, "cancelled", 2);
    assert_true(stat_of(&b, "steps") == steps);  // nobody to decode for
    backend_stop(&b);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(many_share_the_steps_of_one),
        cmocka_unit_test(a_step_takes_longer_by_what_is_in_it),
        cmocka_unit_test(slots_and_queue_bound_it),
        cmocka_unit_test(usage_says_what_was_drawn),
        cmocka_unit_test(a_stream_comes_whole),
        cmocka_unit_test(one_that_goes_leaves_its_place),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
