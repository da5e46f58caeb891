// test_conformance.c -- every driver against the fake server of its kind: every fault and
// every error text, streamed and whole, has the right class, and what is done about it fits.
//
// Faults go all the way: dispatch asks, the route and the judge draw their conclusions.  Texts
// stop at the class, as what follows from a class was seen with the faults.
// SPDX-License-Identifier: MIT
#include "backend_fixture.h"
#include "base/json.h"
#include "conformance_words.h"
#include "dispatch/dispatch.h"
#include "fake_server.h"
#include "fakevlm/fake_pictures.h"
#include "spine/judge.h"
#include "spine/pipeline.h"

#include <stdio.h>

// What is done about an answer or a failure.
enum action {
    KEEP,        // it is an answer
    AGAIN,       // ask again, after a pause; an attempt is counted
    PREPARE,     // ask again with the picture in another form
    GIVE_UP,     // to the failure list; the backend is asked about others
    HOLD,        // wait: the backend is asked nothing for a moment
    LOAD,        // wait: the model is loaded first
    AWAY,        // wait: the backend is looked for again soon
    PAUSE,       // wait: someone must act
    LONG_PAUSE,  // the same, and nobody does so by the minute
};

static const char *action_name(enum action a)
{
    static const char *const names[] = {"keep", "again", "prepare", "give up",   "hold",
                                        "load", "away",  "pause",   "long pause"};
    return names[a];
}

static const char *const kinds[] = {"ollama",       "openai",    "vllm",
                                    "sglang",       "lmstudio",  "llama-server",
                                    "llama-router", "llama-swap"};

enum { N_KINDS = sizeof(kinds) / sizeof(kinds[0]) };

// ---- one picture, all the way

static struct sent_picture picture;

static struct world {
    struct dispatch *d;
    struct job job;
    struct pipeline pipeline;
    bool is_taken, is_ended, is_closed;
    int err;
    enum action action;
    int64_t next_probe_ms;
    char state[32];
} * world;

static void on_event(void *arg)
{
    (void)arg;
}

static enum ask_pass may_send(struct ask *a, const char *backend, bool is_remote,
                              char *why, size_t size)
{
    (void)a;
    (void)backend;
    (void)is_remote;
    (void)why;
    (void)size;
    return ASK_ALLOWED;
}

static enum action action_of_route(void)
{
    struct vlmd_backend_status s;
    assert_int_equal(dispatch_status(world->d, &s, 1), 1);
    snprintf(world->state, sizeof(world->state), "%s", s.state);
    if (strcmp(s.state, "loading") == 0) {
        return LOAD;
    }
    if (strcmp(s.state, "away") == 0) {
        return AWAY;
    }
    if (strcmp(s.state, "misconfigured") == 0) {
        return s.next_probe_at_ms - loop_wall_ms() > 600000 ? LONG_PAUSE : PAUSE;
    }
    assert_string_equal(s.state, "limited");
    return HOLD;
}

static void on_answered(struct ask *a, int err)
{
    struct retry_config retry;
    retry_config_default(&retry);
    world->err = err;
    world->is_ended = true;
    if (err == 0) {
        world->action = KEEP;
        return;
    }
    assert_ptr_equal(a, &world->job.ask);
    struct verdict v = judge_answer(&world->job, err, &retry, 0);
    switch (v.what) {
    case VERDICT_FAIL: world->action = GIVE_UP; break;
    case VERDICT_BACK_OFF: world->action = AGAIN; break;
    case VERDICT_AGAIN: world->action = PREPARE; break;
    case VERDICT_WAIT: world->action = action_of_route(); break;
    }
}

static void on_closed(void *arg)
{
    ((struct world *)arg)->is_closed = true;
}

static bool is_closed(void)
{
    return world->is_closed;
}

static bool is_ended(void)
{
    dispatch_tick(world->d, loop_now_ms(&bn->loop));
    return world->is_ended;
}

static bool is_taken(void)
{
    dispatch_tick(world->d, loop_now_ms(&bn->loop));
    if (!world->is_taken) {
        world->is_taken = dispatch_try(world->d, &world->job.ask, on_answered) == 0;
    }
    return world->is_taken;
}

static bool is_ready(void)
{
    struct vlmd_backend_status s;
    dispatch_tick(world->d, loop_now_ms(&bn->loop));
    return dispatch_status(world->d, &s, 1) == 1 && strcmp(s.state, "ready") == 0;
}

static void fill_ask(struct ask *a)
{
    a->jpeg = picture.bytes;
    a->jpeg_len = picture.len;
    a->width = 768;
    a->height = 432;
    a->app = "firefox";
    a->window = "News";
    a->cid = "c";
    a->may_send = may_send;
}

// Nothing strikes before the model is there: some are loaded by a question.
static void open_world(void)
{
    fake_control("/__fake/faults", "{\"faults\":[]}");
    snprintf(bn->url, sizeof(bn->url), "http://127.0.0.1:%d", fake_port());
    bn->config.url = bn->url;
    bn->config.name = "fake";
    struct dispatch_config c = {
        .backends = &bn->config, .n_backends = 1, .life = {.preloads = true}};
    struct dispatch_events e = {.on_capacity = on_event, .on_state = on_event};
    breaker_config_default(&c.breaker);
    world = calloc(1, sizeof(*world));
    world->job.pipeline = &world->pipeline;
    world->job.target_px = 768;
    fill_ask(&world->job.ask);
    assert_int_equal(dispatch_open(&world->d, &bn->loop, bn->http, NULL, &c, &e), 0);
    dispatch_serve(world->d, STAND_IN_NEVER);
    run_until(is_ready);
}

static void close_world(void)
{
    ask_fini(&world->job.ask);
    dispatch_close(world->d, on_closed, world);
    run_until(is_closed);
    free(world);
    world = NULL;
}

// ---- faults

static const struct fault_row {
    const char *spec;
    int code;
    enum action action;
    int whole;  // class when it is not streamed; 0 = the same
} fault_rows[] = {
    {"none", 0, KEEP, 0},
    {"drip=1/64", 0, KEEP, 0},
    {"thinking", 0, KEEP, 0},
    {"thinking=inline", 0, KEEP, 0},
    {"429", E_RATE, HOLD, 0},
    {"429=date", E_RATE, HOLD, 0},
    {"429=quota", E_QUOTA, LONG_PAUSE, 0},
    {"503-busy", E_OVERLOAD, HOLD, 0},
    {"503-busy=2", E_OVERLOAD, HOLD, 0},
    {"503-loading", E_LOADING, LOAD, 0},
    {"500", E_MODEL_CRASH, AGAIN, 0},
    {"oom", E_MODEL_CRASH, AGAIN, 0},
    {"html", E_SERVER, AGAIN, 0},
    {"200-error", E_MODEL_CRASH, AGAIN, 0},
    {"stream-error", E_MODEL_CRASH, AGAIN, 0},
    {"empty-length", E_EMPTY, AGAIN, 0},
    {"truncate", E_UNFINISHED, AGAIN, 0},
    {"cut", E_NET_CUT, AGAIN, 0},
    {"cut-mid", E_NET_CUT, AGAIN, 0},
    {"slow-first-byte=30000", E_FIRST_BYTE, AGAIN, 0},
    {"stall", E_STALL, AGAIN, 0},
    {"garbage", E_GARBAGE, AGAIN, 0},
    {"wrong-json", E_SCHEMA, AGAIN, 0},
    {"wrong-schema", E_SCHEMA, AGAIN, 0},
    {"drop-image", E_IMAGE_DROPPED, AGAIN, 0},
    {"repeat", E_REPETITION, AGAIN, 0},
};

enum { N_FAULTS = sizeof(fault_rows) / sizeof(fault_rows[0]) };

// Where a kind's own words for a fault mean something else.
static const struct {
    const char *kind, *spec;
    int code;
} exceptions[] = {
    // says nothing of a crash, only that it failed
    {"openai", "500", E_SERVER},
    {"openai", "200-error", E_SERVER},
    {"openai", "stream-error", E_SERVER},
    {"vllm", "500", E_SERVER},
    {"vllm", "200-error", E_SERVER},
    {"vllm", "stream-error", E_SERVER},
    {"sglang", "500", E_SERVER},
    {"sglang", "200-error", E_SERVER},
    {"sglang", "stream-error", E_SERVER},
    {"llama-server", "500", E_SERVER},
    {"llama-server", "200-error", E_SERVER},
    {"llama-server", "stream-error", E_SERVER},
    {"llama-router", "500", E_SERVER},
    {"llama-router", "200-error", E_SERVER},
    {"llama-router", "stream-error", E_SERVER},
    {"llama-swap", "500", E_SERVER},
    {"llama-swap", "200-error", E_SERVER},
    {"llama-swap", "stream-error", E_SERVER},
    // its limit is one of rate
    {"llama-swap", "503-busy", E_RATE},
    {"llama-swap", "503-busy=2", E_RATE},
};

static int expected_code(const char *kind, const struct fault_row *row, bool is_streamed)
{
    for (size_t i = 0; i < sizeof(exceptions) / sizeof(exceptions[0]); i++) {
        if (strcmp(exceptions[i].kind, kind) == 0 &&
            strcmp(exceptions[i].spec, row->spec) == 0) {
            return exceptions[i].code;
        }
    }
    return !is_streamed && row->whole ? row->whole : row->code;
}

static void set_fault(const char *spec)
{
    char json[100];
    snprintf(json, sizeof(json), "{\"faults\":[\"%s\"]}", spec);
    fake_control("/__fake/faults", json);
}

// short only where it has to run out: a busy machine is slow
static void set_limits(int code, bool is_streamed)
{
    bn->config.is_streamed = is_streamed;
    bn->config.timeouts.first_byte_ms = code == E_FIRST_BYTE ? 150 : 20000;
    bn->config.timeouts.stall_ms = code == E_STALL ? 150 : 20000;
}

// A server of that kind with its model loaded, lest the load be what is struck.
static void start_kind(const char *kind)
{
    fake_start(kind, "--model qwen2.5vl:7b --latency-ms 0");
    set_limits(0, true);
    open_world();
    run_until(is_taken);
    run_until(is_ended);
    assert_int_equal(world->action, KEEP);
    close_world();
}

static int n_wrong;

static void check_fault(const char *kind, const struct fault_row *row, bool is_streamed)
{
    int code = expected_code(kind, row, is_streamed);
    set_limits(code, is_streamed);
    open_world();
    set_fault(row->spec);
    run_until(is_taken);
    run_until(is_ended);
    if (world->err != code || world->action != row->action) {
        print_error("%s, %s, %s: %s, %s (%s) instead of %s, %s: %s\n", kind, row->spec,
                    is_streamed ? "streamed" : "whole", err_name(world->err),
                    action_name(world->action), world->state, err_name(code),
                    action_name(row->action), world->job.ask.err.msg);
        n_wrong++;
    }
    close_world();
}

static void every_fault_has_its_class_and_action(void **state)
{
    (void)state;
    n_wrong = 0;
    for (int k = 0; k < N_KINDS; k++) {
        start_kind(kinds[k]);
        for (int i = 0; i < N_FAULTS; i++) {
            check_fault(kinds[k], &fault_rows[i], true);
            check_fault(kinds[k], &fault_rows[i], false);
        }
        fake_stop();
    }
    assert_int_equal(n_wrong, 0);
}

// What no fault does: the classes that need words, with what follows from them.
static const struct {
    const char *words;
    int status, code;
    enum action action;
} consequences[] = {
    {"image input is not supported", 500, E_NO_VISION, PAUSE},
    {"exceed_context_size_error", 400, E_CONTEXT, PREPARE},
    {"Failed to load image", 400, E_BAD_IMAGE, PREPARE},
    {"model_not_found", 404, E_MODEL_MISSING, PAUSE},
    {"no", 401, E_AUTH, PAUSE},
    {"no", 402, E_QUOTA, LONG_PAUSE},
    {"no", 422, E_BAD_REQUEST, GIVE_UP},
    {"no", 529, E_OVERLOAD, HOLD},
};

static void set_words(const char *words, int status)
{
    char json[700];
    struct buf text;
    struct json_writer w;
    buf_init(&text, sizeof(json) - 1);
    json_init(&w, &text);
    json_object(&w, NULL);
    json_str(&w, "words", words);
    json_object_end(&w);
    assert_int_equal(w.rc, 0);
    snprintf(json, sizeof(json), "%s", buf_str(&text));
    buf_fini(&text);
    fake_control("/__fake/config", json);
    char spec[32];
    snprintf(spec, sizeof(spec), "words=%d", status);
    set_fault(spec);
}

static void every_class_has_its_consequence(void **state)
{
    (void)state;
    n_wrong = 0;
    for (int k = 0; k < N_KINDS; k++) {
        start_kind(kinds[k]);
        for (size_t i = 0; i < sizeof(consequences) / sizeof(consequences[0]); i++) {
            set_limits(0, true);
            open_world();
            set_words(consequences[i].words, consequences[i].status);
            run_until(is_taken);
            run_until(is_ended);
            if (world->err != consequences[i].code ||
                world->action != consequences[i].action) {
                print_error("%s, %d %s: %s, %s instead of %s, %s\n", kinds[k],
                            consequences[i].status, consequences[i].words,
                            err_name(world->err), action_name(world->action),
                            err_name(consequences[i].code),
                            action_name(consequences[i].action));
                n_wrong++;
            }
            close_world();
        }
        fake_stop();
    }
    assert_int_equal(n_wrong, 0);
}

// A server that dies is looked for again; it is not the picture's fault.
static void a_server_that_is_gone_is_away(void **state)
{
    (void)state;
    for (int k = 0; k < N_KINDS; k++) {
        fake_start(kinds[k], "--model qwen2.5vl:7b --latency-ms 0");
        set_limits(0, true);
        open_world();
        run_until(is_taken);
        run_until(is_ended);
        assert_int_equal(world->action, KEEP);
        fake_stop();
        world->is_taken = world->is_ended = false;
        ask_fini(&world->job.ask);
        run_until(is_taken);
        run_until(is_ended);
        assert_string_equal(err_name(world->err), err_name(E_NET));
        assert_int_equal(world->action, AWAY);
        close_world();
    }
}

// ---- words

static void open_backend(bool is_streamed)
{
    set_limits(0, is_streamed);
    bn->config.model = "qwen2.5vl:7b";
    bench_open(fake_port());
    assert_int_equal(probe(), 0);
    assert_int_equal(load(), 0);
}

static void check_words(const char *kind, const struct said *s, int status,
                        bool is_streamed)
{
    struct waited w = {0};
    set_words(s->words, status);
    start_ask(&w, picture.bytes, picture.len, 768, 432);
    run_dones(1);
    if (w.err != s->code) {
        print_error("%s, %d \"%s\", %s: %s instead of %s: %s\n", kind, status, s->words,
                    is_streamed ? "streamed" : "whole", err_name(w.err),
                    err_name(s->code), w.ask.call.err.msg);
        n_wrong++;
    }
    waited_free(&w);
}

static void every_text_has_its_class(void **state)
{
    (void)state;
    n_wrong = 0;
    for (int k = 0; k < N_KINDS; k++) {
        start_kind(kinds[k]);
        for (int is_streamed = 0; is_streamed < 2; is_streamed++) {
            open_backend(is_streamed);
            for (int i = 0; i < n_said; i++) {
                check_words(kinds[k], &said[i], said[i].status, is_streamed);
            }
            for (int i = 0; i < n_said; i++) {
                if (said[i].in_stream) {
                    check_words(kinds[k], &said[i], 200, is_streamed);
                }
            }
            bench_close_backend();
        }
        fake_stop();
    }
    assert_int_equal(n_wrong, 0);
}

static int setup(void **state)
{
    static const uint32_t corners[4] = {0xff0000, 0x00ff00, 0x0000ff, 0xffff00};
    if (!picture.bytes) {
        picture_make(&picture, PICTURE_JPEG, 768, 432, corners);
    }
    return bench_setup(state);
}

static int teardown(void **state)
{
    fake_stop();
    return bench_teardown(state);
}

#define CASE(f) cmocka_unit_test_setup_teardown(f, setup, teardown)

int main(void)
{
    static const struct CMUnitTest tests[] = {
        CASE(every_fault_has_its_class_and_action),
        CASE(every_class_has_its_consequence),
        CASE(a_server_that_is_gone_is_away),
        CASE(every_text_has_its_class),
    };
    int rc = cmocka_run_group_tests(tests, NULL, NULL);
    picture_free(&picture);
    return rc;
}
