// test_backend_fake.c -- the backend against the fake servers: every kind, every fault.
// SPDX-License-Identifier: MIT
#include "backend_fixture.h"
#include "fake_server.h"
#include "fakevlm/fake_pictures.h"

#include <stdio.h>

static struct sent_picture picture;

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

static void open_fake(const char *kind, const char *flags)
{
    fake_start(kind, flags);
    bench_open(fake_port());
}

static int ask(struct waited *w)
{
    start_ask(w, picture.bytes, picture.len, 768, 432);
    run_dones(1);
    return w->err;
}

// ---- kinds

static const struct kind {
    const char *name;
    enum backend_kind kind;
    bool is_loaded;
    bool is_sure;
    int slots;
} kinds[] = {
    {"ollama", BACKEND_OLLAMA, false, true, 0},
    {"openai", BACKEND_OPENAI, false, false, 0},
    {"vllm", BACKEND_VLLM, true, false, 0},
    {"sglang", BACKEND_SGLANG, true, true, 0},
    {"lmstudio", BACKEND_LMSTUDIO, false, true, 0},
    {"llama-server", BACKEND_LLAMA_SERVER, true, true, 4},
    {"llama-router", BACKEND_LLAMA_SERVER, false, true, 0},
    {"llama-swap", BACKEND_LLAMA_SWAP, false, true, 0},
};

enum { N_KINDS = sizeof(kinds) / sizeof(kinds[0]) };

static void check_kind(const struct kind *k)
{
    print_message("  %s\n", k->name);
    open_fake(k->name, "--model qwen2.5vl:7b");
    assert_code(probe(), 0);
    const struct backend_facts *f = backend_facts(bn->backend);
    assert_string_equal(backend_kind_name(f->kind), backend_kind_name(k->kind));
    assert_string_equal(f->model, "qwen2.5vl:7b");
    assert_true(f->has_vision);
    assert_int_equal(f->is_loaded, k->is_loaded);
    assert_int_equal(f->is_vision_sure, k->is_sure);
    assert_int_equal(f->slots, k->slots);
    assert_false(f->is_remote);
    assert_int_equal(f->n_models, 1);
    assert_true(f->model_vision[0]);
    assert_code(load(), 0);
    assert_true(backend_facts(bn->backend)->is_loaded);
    struct waited w = {.ask = {.cid = "c-1", .seed = 7}};
    assert_code(ask(&w), 0);
    assert_non_null(strstr(w.ask.answer.summary, "768x432"));
    assert_non_null(strstr(w.ask.answer.summary, "hash"));
    assert_string_equal(w.ask.answer.app, "fakevlm");
    assert_non_null(w.ask.answer.activity);
    assert_non_null(w.ask.answer.details);
    assert_non_null(w.ask.answer.text);
    assert_int_equal(w.ask.answer.tags[0], '[');
    assert_false(w.ask.answer.is_plain);
    assert_string_equal(w.ask.finish_reason, "stop");
    assert_in_range(w.ask.prompt_tokens, 400, 700);
    assert_true(w.ask.completion_tokens > 5);
    assert_true(w.ask.first_byte_ms >= 0 && w.ask.request_ms >= w.ask.first_byte_ms);
    assert_true(w.ask.bytes_sent > (int64_t)picture.len);
    waited_free(&w);
    bench_close_backend();
    fake_stop();
}

static void every_kind_is_found_loaded_and_asked(void **state)
{
    (void)state;
    for (int i = 0; i < N_KINDS; i++) {
        check_kind(&kinds[i]);
    }
}

// ---- memory

static void on_called(struct backend_call *c, int err)
{
    struct waited *w = container_of(c, struct waited, call);
    w->err = err;
    bn->dones++;
}

static void check_residence(const char *kind, enum backend_residence expected)
{
    struct waited w = {0};
    backend_verify(bn->backend, &w.call, on_called);
    run_dones(1);
    assert_code(w.err, 0);
    if (w.call.residence != expected) {
        fail_msg("%s: %s instead of %s", kind, backend_residence_name(w.call.residence),
                 backend_residence_name(expected));
    }
}

static int unload(void)
{
    struct waited w = {0};
    backend_unload(bn->backend, &w.call, on_called);
    run_dones(1);
    return w.err;
}

static void a_model_comes_and_goes(void **state)
{
    (void)state;
    static const struct {
        const char *name;
        enum backend_residence first, last;
        int unload;
    } rows[] = {
        {"ollama", BACKEND_ABSENT, BACKEND_ABSENT, 0},
        {"lmstudio", BACKEND_ABSENT, BACKEND_ABSENT, 0},
        {"llama-router", BACKEND_ABSENT, BACKEND_ABSENT, 0},
        {"llama-swap", BACKEND_ABSENT, BACKEND_ABSENT, 0},
        {"llama-server", BACKEND_RESIDENT, BACKEND_RESIDENT, E_UNSUPPORTED},
        {"vllm", BACKEND_RESIDENT, BACKEND_RESIDENT, E_UNSUPPORTED},
        {"sglang", BACKEND_RESIDENT, BACKEND_RESIDENT, E_UNSUPPORTED},
        {"openai", BACKEND_RESIDENT, BACKEND_RESIDENT, E_UNSUPPORTED},
    };
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        open_fake(rows[i].name, "--model qwen2.5vl:7b");
        assert_code(probe(), 0);
        check_residence(rows[i].name, rows[i].first);
        assert_code(load(), 0);
        check_residence(rows[i].name, BACKEND_RESIDENT);
        assert_code(unload(), rows[i].unload);
        check_residence(rows[i].name, rows[i].last);
        assert_code(load(), 0);
        check_residence(rows[i].name, BACKEND_RESIDENT);
        bench_close_backend();
        fake_stop();
    }
}

static void queues_are_told(void **state)
{
    (void)state;
    static const char *const names[] = {"llama-server", "llama-router", "llama-swap",
                                        "vllm", "sglang"};
    for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
        struct waited w = {0};
        open_fake(names[i], "--model qwen2.5vl:7b");
        assert_code(probe(), 0);
        assert_code(load(), 0);
        backend_feedback_ask(bn->backend, &w.call, on_called);
        run_dones(1);
        assert_code(w.err, 0);
        assert_int_equal(w.call.feedback.running, 0);
        assert_int_equal(w.call.feedback.waiting, 0);
        bench_close_backend();
        fake_stop();
    }
}

static void a_loaded_model_is_seen(void **state)
{
    (void)state;
    static const char *const names[] = {"ollama", "lmstudio", "llama-router",
                                        "llama-swap"};
    for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
        open_fake(names[i], "--model text/novision,llava:7b,qwen2.5vl:7b");
        bn->config.model = "llava:7b";
        bench_open(fake_port());
        assert_code(probe(), 0);
        assert_code(load(), 0);
        bn->config.model = "";
        bench_open(fake_port());
        assert_code(probe(), 0);
        // loaded goes before the better one
        assert_string_equal(backend_facts(bn->backend)->model, "llava:7b");
        assert_true(backend_facts(bn->backend)->is_loaded);
        assert_int_equal(backend_facts(bn->backend)->n_models, 3);
        bench_close_backend();
        fake_stop();
    }
}

static void models_are_chosen_or_missed(void **state)
{
    (void)state;
    static const struct {
        const char *kind, *flags, *model;
        int expected;
        const char *chosen;
    } rows[] = {
        {"ollama", "--model text/novision,qwen2.5vl:7b,llava:7b", "", 0, "qwen2.5vl:7b"},
        {"ollama", "--model text/novision", "", E_NO_VISION, ""},
        {"ollama", "--model text/novision,llava:7b", "text", E_NO_VISION, ""},
        {"ollama", "--model llava:latest", "LLaVA", 0, "llava:latest"},
        {"ollama", "--model llava:7b", "nosuch", E_MODEL_MISSING, ""},
        {"lmstudio", "--model text/novision,llava:7b", "", 0, "llava:7b"},
        {"lmstudio", "--model text/novision", "", E_NO_VISION, ""},
        {"llama-server", "--model text/novision", "", E_NO_VISION, ""},
        {"llama-swap", "--model text/novision,llava:7b", "", 0, "llava:7b"},
        {"llama-router", "--model text/novision,llava:7b", "", 0, "llava:7b"},
        {"sglang", "--model text/novision", "", E_NO_VISION, ""},
        // not told: the first question has to find out
        {"vllm", "--model text/novision", "", 0, "text"},
        {"openai", "--model a/novision,gpt-4o", "", 0, "gpt-4o"},
        {"openai", "--model gpt-4o", "other", E_MODEL_MISSING, ""},
    };
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        fake_start(rows[i].kind, rows[i].flags);
        bn->config.model = rows[i].model;
        bench_open(fake_port());
        assert_code(probe(), rows[i].expected);
        assert_string_equal(backend_facts(bn->backend)->model, rows[i].chosen);
        bench_close_backend();
        fake_stop();
    }
}

static void a_text_model_is_found_out_by_asking(void **state)
{
    (void)state;
    static const char *const names[] = {"vllm", "openai"};
    for (size_t i = 0; i < 2; i++) {
        open_fake(names[i], "--model text/novision");
        assert_code(probe(), 0);
        struct waited w = {0};
        assert_code(ask(&w), E_NO_VISION);
        waited_free(&w);
        bench_close_backend();
        fake_stop();
    }
}

static void the_kind_may_be_fixed(void **state)
{
    (void)state;
    for (int i = 0; i < N_KINDS; i++) {
        fake_start(kinds[i].name, "");
        bn->config.kind = kinds[i].kind;
        bench_open(fake_port());
        assert_code(probe(), 0);
        assert_int_equal(backend_facts(bn->backend)->kind, kinds[i].kind);
        assert_string_equal(backend_facts(bn->backend)->model, "qwen2.5vl:7b");
        bench_close_backend();
        fake_stop();
    }
}

static void keys_are_sent_and_missed(void **state)
{
    (void)state;
    static const char *const names[] = {"openai", "vllm", "sglang", "lmstudio",
                                        "llama-server"};
    for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
        fake_start(names[i], "--api-key sesame");
        bn->config.api_key = "";
        bench_open(fake_port());
        assert_code(probe(), names[i][0] == 'l' && names[i][1] == 'l' ? 0 : E_AUTH);
        bn->config.api_key = "sesame";
        bench_open(fake_port());
        assert_code(probe(), 0);
        struct waited w = {0};
        assert_code(ask(&w), 0);
        waited_free(&w);
        bench_close_backend();
        fake_stop();
    }
}

static void an_old_ollama_is_not_checked_for_dropped_pictures(void **state)
{
    (void)state;
    open_fake("ollama", "--version-string 0.12.0 --fault drop-image");
    assert_code(probe(), 0);
    assert_string_equal(backend_facts(bn->backend)->version, "0.12.0");
    struct waited w = {0};
    assert_code(ask(&w), 0);
    waited_free(&w);
}

static void plain_words_may_be_asked_for(void **state)
{
    (void)state;
    static const char *const names[] = {"ollama", "openai"};
    for (size_t i = 0; i < 2; i++) {
        open_fake(names[i], "");
        assert_code(probe(), 0);
        struct waited w = {.ask = {.no_schema = true}};
        assert_code(ask(&w), 0);
        assert_true(w.ask.answer.is_plain);
        assert_non_null(strstr(w.ask.answer.summary, "768x432"));
        assert_string_equal(w.ask.answer.tags, "[]");
        waited_free(&w);
        bench_close_backend();
        fake_stop();
    }
}

static void thinking_is_switched_off(void **state)
{
    (void)state;
    static const char *const names[] = {"ollama", "vllm", "sglang", "llama-server"};
    for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
        open_fake(names[i], "--thinking");
        assert_code(probe(), 0);
        struct waited w = {.ask = {.max_tokens = 60}};
        assert_code(ask(&w), 0);
        assert_true(w.ask.completion_tokens < 60);
        waited_free(&w);
        bench_close_backend();
        fake_stop();
    }
}

// ---- faults

static const struct fault {
    const char *spec;
    int expected;
    int other;  // some kinds say it otherwise; 0 = no
} faults[] = {
    {"429", E_RATE, 0},
    {"429=quota", E_QUOTA, E_RATE},
    {"503-busy", E_OVERLOAD, E_RATE},
    {"503-loading", E_LOADING, E_OVERLOAD},
    {"500", E_MODEL_CRASH, E_SERVER},
    {"oom", E_MODEL_CRASH, E_SERVER},
    {"html", E_SERVER, 0},
    {"200-error", E_MODEL_CRASH, E_SERVER},
    {"stream-error", E_MODEL_CRASH, E_SERVER},
    {"empty-length", E_EMPTY, 0},
    {"truncate", E_UNFINISHED, 0},
    {"cut", E_NET_CUT, 0},
    {"cut-mid", E_NET_CUT, 0},
    {"slow-first-byte=5000", E_FIRST_BYTE, 0},
    {"stall", E_STALL, 0},
    {"garbage", E_GARBAGE, 0},
    {"wrong-json", E_SCHEMA, 0},
    {"wrong-schema", E_SCHEMA, 0},
    {"drop-image", E_IMAGE_DROPPED, 0},
    {"repeat", E_REPETITION, 0},
    {"drip=1/40", 0, 0},
    {"thinking", 0, 0},
    {"thinking=inline", 0, 0},
    {"none", 0, 0},
};

static void check_fault(const char *kind, const struct fault *f)
{
    char flags[64];
    snprintf(flags, sizeof(flags), "--fault %s", f->spec);
    // short only where it has to run out: a busy machine is slow
    bn->config.timeouts.first_byte_ms = f->expected == E_FIRST_BYTE ? 100 : 20000;
    bn->config.timeouts.stall_ms = f->expected == E_STALL ? 100 : 20000;
    open_fake(kind, flags);
    assert_code(probe(), 0);
    struct waited w = {0};
    int code = ask(&w);
    if (code != f->expected && !(f->other && code == f->other)) {
        fail_msg("%s %s: %s instead of %s: %s", kind, f->spec, err_name(code),
                 err_name(f->expected), w.ask.call.err.msg);
    }
    bool is_rate = code == E_RATE && strcmp(f->spec, "429=quota") != 0;
    assert_int_equal(w.ask.call.retry_after_ms, is_rate ? 1000 : -1);
    waited_free(&w);
    bench_close_backend();
    fake_stop();
}

static void every_fault_has_its_class(void **state)
{
    (void)state;
    static const char *const names[] = {"ollama", "openai", "lmstudio"};
    for (size_t k = 0; k < sizeof(names) / sizeof(names[0]); k++) {
        for (size_t i = 0; i < sizeof(faults) / sizeof(faults[0]); i++) {
            check_fault(names[k], &faults[i]);
        }
    }
}

static void status_faults_of_the_other_kinds(void **state)
{
    (void)state;
    static const char *const names[] = {"vllm", "sglang", "llama-server", "llama-swap"};
    for (size_t k = 0; k < sizeof(names) / sizeof(names[0]); k++) {
        for (size_t i = 0; i < 9; i++) {
            check_fault(names[k], &faults[i]);
        }
    }
}

static void nobody_there_is_net(void **state)
{
    (void)state;
    fake_start("ollama", "");
    int port = fake_port();
    fake_stop();
    bench_open(port);
    assert_code(probe(), E_NET);
    assert_code(load(), E_MODEL_MISSING);  // nothing is known
    bn->config.kind = BACKEND_VLLM;
    bench_open(port);
    assert_code(probe(), E_NET);
    bn->config.model = "m";
    bench_open(port);
    assert_code(load(), E_NET);
    struct waited w = {0};
    assert_code(ask(&w), E_NET);
    waited_free(&w);
}

#define FAKE_TEST(f) cmocka_unit_test_setup_teardown(f, setup, teardown)

int main(void)
{
    static const struct CMUnitTest tests[] = {
        FAKE_TEST(every_kind_is_found_loaded_and_asked),
        FAKE_TEST(a_model_comes_and_goes),
        FAKE_TEST(queues_are_told),
        FAKE_TEST(a_loaded_model_is_seen),
        FAKE_TEST(models_are_chosen_or_missed),
        FAKE_TEST(a_text_model_is_found_out_by_asking),
        FAKE_TEST(the_kind_may_be_fixed),
        FAKE_TEST(keys_are_sent_and_missed),
        FAKE_TEST(an_old_ollama_is_not_checked_for_dropped_pictures),
        FAKE_TEST(plain_words_may_be_asked_for),
        FAKE_TEST(thinking_is_switched_off),
        FAKE_TEST(every_fault_has_its_class),
        FAKE_TEST(status_faults_of_the_other_kinds),
        FAKE_TEST(nobody_there_is_net),
    };
    int rc = cmocka_run_group_tests(tests, NULL, NULL);
    picture_free(&picture);
    return rc;
}
