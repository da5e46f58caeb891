// test_fakevlm_life.c -- slots, queue, models, counters, connections, being down.
// SPDX-License-Identifier: MIT
#include "fake_client.h"
#include "fake_pictures.h"

#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/time.h>
#include <unistd.h>

#define MODEL "qwen2.5vl:7b"
#define V1    "/v1/chat/completions"
#define CROWD 1000
#define TYPE  "Content-Type: application/json\r\n"

static const char hi[] =
    "{\"model\":\"" MODEL "\",\"stream\":false,\"messages\":[{\"role\":"
    "\"user\",\"content\":\"Hi\"}]}";

static int send_chat(const struct backend *b, const char *path, const char *body)
{
    int fd = client_connect(b);
    assert_true(fd >= 0);
    client_send(fd, "POST", path, TYPE, body, strlen(body));
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

static int ask_status(const struct backend *b, const char *method, const char *path,
                      const char *body)
{
    struct reply r;
    ask(b, method, path, body, &r);
    int status = r.status;
    reply_free(&r);
    return status;
}

// --- slots and queue -------------------------------------------------------------------

static void slots_limit_what_runs_at_once(void **state)
{
    (void)state;
    struct backend b;
    int fds[7];
    backend_start(&b, "--kind llama-server --slots 3 --latency-ms 30");
    for (int i = 0; i < 7; i++)
        fds[i] = send_chat(&b, V1, hi);
    for (int i = 0; i < 7; i++)
        assert_int_equal(read_status(fds[i]), 200);
    assert_true(stat_of(&b, "max_concurrency") == 3);
    assert_true(stat_of(&b, "max_waiting") >= 1);
    assert_true(stat_of(&b, "answered") == 7);
    backend_stop(&b);
}

static void a_full_queue_refuses_as_its_kind_does(void **state)
{
    (void)state;
    static const struct {
        const char *flags;
        int fits, status;  // so many are taken, the next one is refused
        const char *head, *body;
    } rows[] = {
        {"--kind vllm --slots 1 --queue 2", 3, 503, "", "queue is full"},
        {"--kind sglang --slots 1 --queue 2", 3, 503, "", "The request queue is full."},
        {"--kind llama-swap --loaded --queue 3", 3, 429, "Retry-After: 1",
         "concurrency_limit"},
        {"--kind ollama --queue 3 --load-ms 60000", 3, 503, "",
         "server busy, please try again.  maximum pending requests exceeded"},
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        struct backend b;
        struct reply r;
        char flags[128];
        int fds[8];
        const char *path = strstr(rows[i].flags, "ollama") ? "/api/chat" : V1;
        snprintf(flags, sizeof flags, "%s --latency-ms 60000", rows[i].flags);
        backend_start(&b, flags);
        for (int k = 0; k < rows[i].fits; k++)
            fds[k] = send_chat(&b, path, hi);
        await_stat(&b, "chat_requests", rows[i].fits);
        ask(&b, "POST", path, hi, &r);
        assert_int_equal(r.status, rows[i].status);
        assert_non_null(strstr(r.head, rows[i].head));
        assert_non_null(strstr(r.body, rows[i].body));
        assert_true(stat_of(&b, "refused") == 1);
        for (int k = 0; k < rows[i].fits; k++)
            close(fds[k]);
        await_stat(&b, "cancelled", rows[i].fits);
        reply_free(&r);
        backend_stop(&b);
    }
}

static void closing_cancels_waiting_and_running(void **state)
{
    (void)state;
    struct backend b;
    backend_start(&b, "--kind llama-server --slots 1 --latency-ms 60000");
    int running = send_chat(&b, V1, hi);
    await_stat(&b, "running", 1);
    int waiting = send_chat(&b, V1, hi);
    await_stat(&b, "waiting", 1);
    close(waiting);
    await_stat(&b, "waiting", 0);
    close(running);
    await_stat(&b, "running", 0);
    assert_true(stat_of(&b, "cancelled") == 2);
    assert_true(stat_of(&b, "answered") == 0);
    backend_stop(&b);
}

// --- counters --------------------------------------------------------------------------

static void exactly_once_can_be_proved(void **state)
{
    (void)state;
    static const uint32_t colours[3][4] = {{1, 2, 3, 4}, {5, 6, 7, 8}, {9, 10, 11, 12}};
    static const int times[3] = {1, 2, 3};
    struct backend b;
    backend_start(&b, "--latency-ms 0");
    for (int i = 0; i < 3; i++) {
        struct sent_picture p;
        char path[64];
        picture_make(&p, PICTURE_PNG, 30, 30, colours[i]);
        char *base64 = picture_base64(&p, 0);
        char *body = chat_ollama(MODEL, base64, false, "");
        for (int k = 0; k < times[i]; k++)
            assert_int_equal(ask_status(&b, "POST", "/api/chat", body), 200);
        // The key is the hash of the bytes as they were before base64.
        snprintf(path, sizeof path, "images.%s.asked", p.hash);
        assert_true(stat_of(&b, path) == times[i]);
        snprintf(path, sizeof path, "images.%s.answered", p.hash);
        await_stat(&b, path, times[i]);
        free(body);
        free(base64);
        picture_free(&p);
    }
    assert_true(stat_of(&b, "totals.images") == 3);
    assert_true(stat_of(&b, "totals.asked") == 6);
    assert_true(stat_of(&b, "totals.asked_twice") == 2);
    assert_true(stat_of(&b, "totals.answered_twice") == 2);
    assert_true(stat_of(&b, "totals.never_answered") == 0);
    control(&b, "/__fake/reset", NULL);
    assert_true(stat_of(&b, "totals.images") == 0);
    assert_true(stat_of(&b, "requests") == 0);
    backend_stop(&b);
}

static void control_is_not_counted(void **state)
{
    (void)state;
    struct backend b;
    backend_start(&b, "");
    for (int i = 0; i < 5; i++)
        stat_of(&b, "requests");
    assert_int_equal(ask_status(&b, "GET", "/api/version", NULL), 200);
    await_stat(&b, "open_connections", 0);
    assert_true(stat_of(&b, "requests") == 1);
    assert_true(stat_of(&b, "connections") == 1);
    assert_true(stat_of(&b, "open_connections_max") == 1);
    assert_true(stat_of(&b, "bytes_in") > 40 && stat_of(&b, "bytes_in") < 200);
    assert_true(stat_of(&b, "bytes_out") > 40 && stat_of(&b, "bytes_out") < 300);
    backend_stop(&b);
}

static void a_line_is_logged_per_request(void **state)
{
    (void)state;
    char dir[] = "/tmp/fakevlm.XXXXXX", file[64], port_file[64], flags[256], line[4096];
    struct backend b;
    assert_non_null(mkdtemp(dir));
    snprintf(file, sizeof file, "%s/log", dir);
    snprintf(port_file, sizeof port_file, "%s/port", dir);
    snprintf(flags, sizeof flags, "--kind openai --log %s --port-file %s --fault 500:1",
             file, port_file);
    backend_start(&b, flags);
    assert_int_equal(ask_status(&b, "POST", V1, hi), 500);
    assert_int_equal(ask_status(&b, "GET", "/v1/models", NULL), 200);
    FILE *port = fopen(port_file, "r");
    assert_non_null(fgets(line, sizeof line, port));
    assert_int_equal(atoi(line), b.port);
    fclose(port);
    backend_stop(&b);
    FILE *log = fopen(file, "r");
    assert_non_null(fgets(line, sizeof line, log));
    cJSON *json = cJSON_Parse(line);
    assert_string_equal(text_at(json, "fault"), "500");
    assert_string_equal(text_at(json, "path"), V1);
    assert_true(number_at(json, "status") == 500);
    cJSON_Delete(json);
    assert_non_null(fgets(line, sizeof line, log));
    assert_non_null(strstr(line, "/v1/models"));
    assert_null(fgets(line, sizeof line, log));
    fclose(log);
    unlink(file);
    unlink(port_file);
    rmdir(dir);
}

// --- models ----------------------------------------------------------------------------

static bool is_loaded(const struct backend *b)
{
    struct reply r;
    ask(b, "GET", "/api/ps", NULL, &r);
    bool is = strstr(r.body, MODEL) != NULL;
    reply_free(&r);
    return is;
}

static void ollama_loads_unloads_and_expires(void **state)
{
    (void)state;
    struct backend b;
    struct reply r;
    backend_start(&b, "--load-ms 10");
    assert_false(is_loaded(&b));
    ask(&b, "POST", "/api/generate", "{\"model\":\"" MODEL "\",\"keep_alive\":\"1h30m\"}",
        &r);
    assert_non_null(strstr(r.body, "\"done_reason\":\"load\""));
    reply_free(&r);
    assert_true(is_loaded(&b));
    control(&b, "/__fake/config", "{\"advance_ms\":5399000}");
    assert_true(is_loaded(&b));
    control(&b, "/__fake/config", "{\"advance_ms\":2000}");
    assert_false(is_loaded(&b));
    ask(&b, "POST", "/api/chat", "{\"model\":\"" MODEL "\",\"messages\":[]}", &r);
    assert_non_null(strstr(r.body, "\"done_reason\":\"load\""));
    reply_free(&r);
    ask(&b, "POST", "/api/generate", "{\"model\":\"" MODEL "\",\"keep_alive\":0}", &r);
    assert_non_null(strstr(r.body, "\"done_reason\":\"unload\""));
    reply_free(&r);
    assert_false(is_loaded(&b));
    assert_true(stat_of(&b, "loads") == 2);
    assert_true(stat_of(&b, "unloads") == 2);
    backend_stop(&b);
}

static void ollama_keeps_as_asked(void **state)
{
    (void)state;
    static const struct {
        const char *keep;
        bool is_there_after_4_min, is_there_after_6_min;
    } rows[] = {
        {"", true, false},  // 5 min by default
        {",\"keep_alive\":-1", true, true},
        {",\"keep_alive\":\"-1m\"", true, true},
        {",\"keep_alive\":300", true, false},
        {",\"keep_alive\":\"180s\"", false, false},
        {",\"keep_alive\":0", false, false},
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        struct backend b;
        char body[256];
        backend_start(&b, "--load-ms 0 --latency-ms 0");
        snprintf(body, sizeof body,
                 "{\"model\":\"" MODEL
                 "\",\"stream\":false%s,\"messages\":[{\"role\":\"user\","
                 "\"content\":\"Hi\"}]}",
                 rows[i].keep);
        assert_int_equal(ask_status(&b, "POST", "/api/chat", body), 200);
        control(&b, "/__fake/config", "{\"advance_ms\":240000}");
        assert_int_equal(is_loaded(&b), rows[i].is_there_after_4_min);
        control(&b, "/__fake/config", "{\"advance_ms\":120000}");
        assert_int_equal(is_loaded(&b), rows[i].is_there_after_6_min);
        backend_stop(&b);
    }
}

static void leaving_aborts_an_ollama_load(void **state)
{
    (void)state;
    struct backend b;
    backend_start(&b, "--load-ms 60000");
    int fd = send_chat(&b, "/api/generate", "{\"model\":\"" MODEL "\"}");
    await_stat(&b, "waiting", 1);
    close(fd);
    await_stat(&b, "waiting", 0);
    control(&b, "/__fake/config", "{\"advance_ms\":100000}");
    assert_false(is_loaded(&b));
    backend_stop(&b);
}

static void another_num_ctx_reloads(void **state)
{
    (void)state;
    static const int sizes[] = {4096, 4096, 8192, 0};
    static const int loads[] = {1, 1, 2, 3};  // 0 is none, which is another value, too
    struct backend b;
    backend_start(&b, "--load-ms 0 --latency-ms 0");
    for (int i = 0; i < 4; i++) {
        char body[256];
        snprintf(body, sizeof body,
                 "{\"model\":\"" MODEL
                 "\",\"options\":{\"num_ctx\":%d},\"messages\":[{\"role\":"
                 "\"user\",\"content\":\"Hi\"}]}",
                 sizes[i]);
        assert_int_equal(ask_status(&b, "POST", "/api/chat", body), 200);
        assert_true(stat_of(&b, "loads") == loads[i]);
    }
    backend_stop(&b);
}

static void llama_swap_swaps(void **state)
{
    (void)state;
    struct backend b;
    backend_start(&b, "--kind llama-swap --model a,b --load-ms 5 --latency-ms 0");
    static const char *const models[] = {"a", "a", "b", "a"};
    for (int i = 0; i < 4; i++) {
        char body[128];
        snprintf(
            body, sizeof body,
            "{\"model\":\"%s\",\"messages\":[{\"role\":\"user\",\"content\":\"Hi\"}]}",
            models[i]);
        assert_int_equal(ask_status(&b, "POST", V1, body), 200);
    }
    assert_true(stat_of(&b, "loads") == 3);
    assert_int_equal(ask_status(&b, "GET", "/upstream/b/health", NULL), 200);
    assert_true(stat_of(&b, "loads") == 4);
    assert_int_equal(ask_status(&b, "GET", "/unload", NULL), 200);
    assert_true(stat_of(&b, "unloads") == 4);
    backend_stop(&b);
}

static void llama_swap_unloading_kills_what_runs(void **state)
{
    (void)state;
    struct backend b;
    struct reply r;
    backend_start(&b, "--kind llama-swap --loaded --latency-ms 60000");
    int fd = send_chat(&b, V1, hi);
    await_stat(&b, "running", 1);
    assert_int_equal(ask_status(&b, "POST", "/api/models/unload/" MODEL, ""), 200);
    client_read(fd, &r);
    assert_int_equal(r.status, 0);
    assert_int_equal(r.end, END_RESET);
    close(fd);
    reply_free(&r);
    backend_stop(&b);
}

static void the_router_loads_in_the_background(void **state)
{
    (void)state;
    struct backend b;
    struct reply r;
    backend_start(&b, "--kind llama-router --load-ms 60000");
    ask(&b, "POST", "/models/load", "{\"model\":\"" MODEL "\"}", &r);
    assert_string_equal(r.body, "{\"success\":true}");
    reply_free(&r);
    ask(&b, "GET", "/models", NULL, &r);
    assert_non_null(strstr(r.body, "\"value\":\"loading\""));
    reply_free(&r);
    assert_int_equal(ask_status(&b, "POST", "/models/load", "{\"model\":\"" MODEL "\"}"),
                     400);
    control(&b, "/__fake/config", "{\"advance_ms\":60000}");
    ask(&b, "GET", "/models", NULL, &r);
    assert_non_null(strstr(r.body, "\"value\":\"loaded\""));
    reply_free(&r);
    backend_stop(&b);
}

static void lmstudio_spares_what_was_loaded_by_hand(void **state)
{
    (void)state;
    static const char body[] =
        "{\"model\":\"" MODEL "\",\"ttl\":600,\"messages\":[{\"role\":"
        "\"user\",\"content\":\"Hi\"}]}";
    for (int by_hand = 0; by_hand < 2; by_hand++) {
        struct backend b;
        struct reply r;
        backend_start(&b, "--kind lmstudio --load-ms 0 --latency-ms 0");
        if (by_hand)
            assert_int_equal(ask_status(&b, "POST", "/api/v1/models/load",
                                        "{\"model\":\"" MODEL "\"}"),
                             200);
        assert_int_equal(ask_status(&b, "POST", V1, body), 200);
        control(&b, "/__fake/config", "{\"advance_ms\":601000}");
        ask(&b, "GET", "/api/v0/models", NULL, &r);
        assert_int_equal(strstr(r.body, "\"state\":\"loaded\"") != NULL, by_hand);
        reply_free(&r);
        backend_stop(&b);
    }
}

static void vllm_does_not_listen_while_loading(void **state)
{
    (void)state;
    struct backend b;
    backend_start(&b, "--kind vllm --load-ms 60");
    int fd = client_connect(&b);
    assert_int_equal(fd, -1);
    while (fd < 0)
        fd = client_connect(&b);
    close(fd);
    assert_int_equal(ask_status(&b, "GET", "/health", NULL), 200);
    backend_stop(&b);
}

// --- connections -----------------------------------------------------------------------

static void keep_alive_lasts_as_long_as_it_should(void **state)
{
    (void)state;
    struct backend b;
    struct reply r;
    backend_start(&b, "--kind llama-server --idle-close-ms 40");
    int fd = client_connect(&b);
    for (int i = 1; i <= 100; i++) {
        client_send(fd, "GET", "/health", "", NULL, 0);
        client_read(fd, &r);
        assert_int_equal(r.status, 200);
        assert_int_equal(r.will_close, i == 100);
        reply_free(&r);
    }
    client_read(fd, &r);  // the hundredth was the last
    assert_int_equal(r.end, END_CLOSED);
    reply_free(&r);
    close(fd);
    fd = client_connect(&b);
    client_send(fd, "GET", "/health", "", NULL, 0);
    client_read(fd, &r);
    assert_false(r.will_close);
    reply_free(&r);
    client_read(fd, &r);  // idle too long
    assert_int_equal(r.end, END_CLOSED);
    assert_int_equal(r.status, 0);
    reply_free(&r);
    close(fd);
    backend_stop(&b);
}

static void an_error_closes_only_with_llama(void **state)
{
    (void)state;
    static const struct {
        const char *kind;
        bool closes;
    } rows[] = {{"llama-server", true}, {"openai", false}, {"ollama", false}};
    for (size_t i = 0; i < 3; i++) {
        struct backend b;
        struct reply r;
        char flags[64];
        snprintf(flags, sizeof flags, "--kind %s", rows[i].kind);
        backend_start(&b, flags);
        ask(&b, "GET", "/nowhere", NULL, &r);
        assert_int_equal(r.status, 404);
        assert_int_equal(r.will_close, rows[i].closes);
        reply_free(&r);
        backend_stop(&b);
    }
}

static void requests_in_one_packet_are_answered_in_turn(void **state)
{
    (void)state;
    static const char two[] = "GET /api/version HTTP/1.1\r\nHost: localhost\r\n\r\n"
                              "GET / HTTP/1.1\r\nHost: localhost\r\n\r\n";
    struct backend b;
    char got[2048] = {0};
    size_t len = 0;
    backend_start(&b, "");
    int fd = client_connect(&b);
    assert_int_equal(write(fd, two, sizeof two - 1), sizeof two - 1);
    while (!strstr(got, "Ollama is running")) {
        ssize_t n = read(fd, got + len, sizeof got - 1 - len);
        assert_true(n > 0);
        len += (size_t)n;
    }
    assert_non_null(strstr(got, "0.33.0"));
    close(fd);
    backend_stop(&b);
}

static void a_thousand_at_once(void **state)
{
    (void)state;
    static int fds[CROWD];
    struct rlimit limit;
    struct backend b;
    getrlimit(RLIMIT_NOFILE, &limit);
    limit.rlim_cur = limit.rlim_max;
    setrlimit(RLIMIT_NOFILE, &limit);
    if (limit.rlim_cur < CROWD + 100)
        skip();
    backend_start(&b, "--kind vllm --slots 64 --latency-ms 5:0.5");
    for (int i = 0; i < CROWD; i++)
        fds[i] = client_connect(&b);
    for (int i = 0; i < CROWD; i++) {
        assert_true(fds[i] >= 0);
        client_send(fds[i], "POST", V1, TYPE, hi, sizeof hi - 1);
    }
    for (int i = 0; i < CROWD; i++) {
        struct reply r;
        client_read(fds[i], &r);
        assert_int_equal(r.status, 200);
        reply_free(&r);
    }
    assert_true(stat_of(&b, "open_connections_max") == CROWD);
    assert_true(stat_of(&b, "max_concurrency") <= 64);
    assert_true(stat_of(&b, "answered") == CROWD);
    for (int i = 0; i < CROWD; i++)
        close(fds[i]);
    backend_stop(&b);
}

// --- down ------------------------------------------------------------------------------

static void down_for_a_while(void **state)
{
    (void)state;
    struct backend b;
    backend_start(&b, "--latency-ms 60000 --loaded");
    int busy = send_chat(&b, "/api/chat", hi);
    await_stat(&b, "running", 1);
    control(&b, "/__fake/config", "{\"down_ms\":50}");
    struct reply r;
    client_read(busy, &r);
    assert_int_equal(r.end, END_RESET);
    reply_free(&r);
    close(busy);
    int fd = client_connect(&b);
    assert_int_equal(fd, -1);
    while (fd < 0)
        fd = client_connect(&b);
    close(fd);
    assert_true(stat_of(&b, "running") == 0);
    backend_stop(&b);
}

static void down_until_told(void **state)
{
    (void)state;
    struct backend b;
    struct reply r;
    static const char down[] = "{\"down\":true}", up[] = "{\"down\":false}";
    backend_start(&b, "");
    int fd = client_connect(&b);
    client_send(fd, "POST", "/__fake/config", TYPE, down, sizeof down - 1);
    client_read(fd, &r);
    assert_int_equal(r.status, 200);
    reply_free(&r);
    assert_int_equal(client_connect(&b), -1);
    client_send(fd, "POST", "/__fake/config", TYPE, up, sizeof up - 1);
    client_read(fd, &r);
    assert_int_equal(r.status, 200);
    reply_free(&r);
    close(fd);
    assert_int_equal(ask_status(&b, "GET", "/", NULL), 200);
    // Signals do the same for whoever has no connection.
    kill(b.pid, SIGUSR1);
    while ((fd = client_connect(&b)) >= 0)
        close(fd);
    kill(b.pid, SIGUSR2);
    while ((fd = client_connect(&b)) < 0)
        continue;
    close(fd);
    backend_stop(&b);
}

static void deaf_but_controllable(void **state)
{
    (void)state;
    struct backend b;
    struct reply r;
    backend_start(&b, "");
    control(&b, "/__fake/config", "{\"down\":\"deaf\"}");
    ask(&b, "GET", "/", NULL, &r);
    assert_int_equal(r.status, 0);
    reply_free(&r);
    control(&b, "/__fake/config", "{\"down\":false}");
    assert_int_equal(ask_status(&b, "GET", "/", NULL), 200);
    backend_stop(&b);
}

static void stopping_amid_work_is_clean(void **state)
{
    (void)state;
    struct sent_picture p;
    static const uint32_t colours[4] = {1, 2, 3, 4};
    struct backend b;
    int fds[20];
    picture_make(&p, PICTURE_PNG, 800, 600, colours);
    char *base64 = picture_base64(&p, 0), *body = chat_ollama(MODEL, base64, true, "");
    backend_start(&b, "--load-ms 0 --latency-ms 2000");
    for (int i = 0; i < 20; i++)
        fds[i] = send_chat(&b, "/api/chat", body);
    await_stat(&b, "running", 1);
    backend_stop(&b);  // asserts the exit code, which is the loop's
    for (int i = 0; i < 20; i++)
        close(fds[i]);
    free(body);
    free(base64);
    picture_free(&p);
}

static void settings_are_checked(void **state)
{
    (void)state;
    static const char *const bad[] = {"{\"slots\":0}",       "{\"slots\":\"2\"}",
                                      "{\"no\":1}",          "[]",
                                      "{\"latency_ms\":-1}", "{\"down_ms\":true}"};
    struct backend b;
    backend_start(&b, "");
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++)
        assert_int_equal(ask_status(&b, "POST", "/__fake/config", bad[i]), 400);
    assert_int_equal(ask_status(&b, "GET", "/__fake/nope", NULL), 404);
    control(&b, "/__fake/config", "{\"slots\":3,\"latency_ms\":1,\"loaded\":true}");
    await_stat(&b, "loads", 1);
    backend_stop(&b);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(slots_limit_what_runs_at_once),
        cmocka_unit_test(a_full_queue_refuses_as_its_kind_does),
        cmocka_unit_test(closing_cancels_waiting_and_running),
        cmocka_unit_test(exactly_once_can_be_proved),
        cmocka_unit_test(control_is_not_counted),
        cmocka_unit_test(a_line_is_logged_per_request),
        cmocka_unit_test(ollama_loads_unloads_and_expires),
        cmocka_unit_test(ollama_keeps_as_asked),
        cmocka_unit_test(leaving_aborts_an_ollama_load),
        cmocka_unit_test(another_num_ctx_reloads),
        cmocka_unit_test(llama_swap_swaps),
        cmocka_unit_test(llama_swap_unloading_kills_what_runs),
        cmocka_unit_test(the_router_loads_in_the_background),
        cmocka_unit_test(lmstudio_spares_what_was_loaded_by_hand),
        cmocka_unit_test(vllm_does_not_listen_while_loading),
        cmocka_unit_test(keep_alive_lasts_as_long_as_it_should),
        cmocka_unit_test(an_error_closes_only_with_llama),
        cmocka_unit_test(requests_in_one_packet_are_answered_in_turn),
        cmocka_unit_test(a_thousand_at_once),
        cmocka_unit_test(down_for_a_while),
        cmocka_unit_test(down_until_told),
        cmocka_unit_test(deaf_but_controllable),
        cmocka_unit_test(stopping_amid_work_is_clean),
        cmocka_unit_test(settings_are_checked),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
