// test_e2e_life.c -- models and people: loaded when wanted, given back when not, on every kind
// of server with its own clock; pause, resume, models load and unload from another process.
// SPDX-License-Identifier: MIT
#include "e2e_more.h"
#include "e2e_pictures.h"
#include "e2e_vlmd.h"

#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define MODEL "qwen-vl"

// What vlmd can have unloaded; the others hold their one model as long as they run.
static const char *const unloading[] = {"ollama", "lmstudio", "llama-router",
                                        "llama-swap"};
static const char *const keeping[] = {"llama-server", "vllm", "sglang", "openai"};

enum { N_UNLOADING = 4, N_KEEPING = 4 };

static void start_fake(struct place *p, struct fake *f, const char *kind,
                       const char *more)
{
    char flags[200];
    snprintf(flags, sizeof(flags), "--kind %s --model %s --load-ms 20 --latency-ms 5 %s",
             kind, MODEL, more);
    fake_start(p, f, flags);
}

// "absent", "loading" or "loaded", as the server itself says.
static bool is_model(const struct fake *f, const char *state)
{
    struct reply r;
    ask(&f->b, "GET", "/__fake/stats", NULL, &r);
    cJSON *stats = cJSON_Parse(r.body);
    bool is_so = strcmp(text_at(stats, "models." MODEL ".state"), state) == 0;
    cJSON_Delete(stats);
    reply_free(&r);
    return is_so;
}

static void await_model(const struct fake *f, const char *state)
{
    int64_t until = now_ms() + E2E_PATIENCE_MS;
    while (!is_model(f, state)) {
        place_read(f->place);
        if (now_ms() >= until) {
            fail_msg("the model never was %s", state);
        }
        poll(NULL, 0, 20);
    }
}

static void draw(struct place *p, int from, int n)
{
    for (int i = from; i < from + n; i++) {
        picture_write(place_path(p, "in"), NULL, i);
    }
}

static int described(struct place *p)
{
    cJSON *status = VLMD_JSON(p, "status", "--json");
    int n = (int)number_at(status, "described");
    cJSON_Delete(status);
    return n;
}

static void await_described(struct place *p, int n)
{
    int64_t until = now_ms() + E2E_PATIENCE_MS;
    while (described(p) < n) {
        if (now_ms() >= until) {
            fail_msg("%d of %d were described", described(p), n);
        }
        poll(NULL, 0, 100);
    }
}

// As any process sees it: unix ms, -1 = until resumed, 0 = not paused.
static double paused_until(struct place *p)
{
    cJSON *status = VLMD_JSON(p, "status", "--json");
    double until = number_at(status, "paused_until_ms");
    cJSON_Delete(status);
    return until;
}

static struct proc *watch(struct place *p, const struct fake *f, const char *setting)
{
    struct proc *run = VLMD_START(p, "watch", "--json", "--backend", f->url, "--set",
                                  setting, place_path(p, "in"));
    proc_await(run, &run->err, "pictures found");
    return run;
}

// What it found and why it does nothing are told in any order.
static void await_why(struct proc *run, const char *why)
{
    run->err.mark = 0;
    proc_await(run, &run->err, why);
}

static void end_watch(struct proc *run)
{
    proc_signal(run, SIGINT);
    proc_expect(run, 130);
}

// ---- models

static void exit_gives_back_what_was_loaded(void **state)
{
    struct place *p = *state;
    draw(p, 0, 3);
    for (int i = 0; i < N_UNLOADING; i++) {
        struct fake f;
        start_fake(p, &f, unloading[i], "");
        assert_true(is_model(&f, "absent"));
        VLMD_EXPECT(p, 0, "batch", "--quiet", "--backend", f.url, place_path(p, "in"),
                    "--db", place_path(p, "%s.db", unloading[i]));
        if (!is_model(&f, "absent")) {
            fail_msg("%s: the model was left behind", unloading[i]);
        }
        VLMD_EXPECT(p, 0, "batch", "--quiet", "--backend", f.url, place_path(p, "in"),
                    "--db", place_path(p, "%s-2.db", unloading[i]), "--set",
                    "backend.unload_at_exit=no");
        if (!is_model(&f, "loaded")) {
            fail_msg("%s: the model was not left", unloading[i]);
        }
        // Now it is somebody else's.
        VLMD_EXPECT(p, 0, "batch", "--quiet", "--backend", f.url, place_path(p, "in"),
                    "--db", place_path(p, "%s-3.db", unloading[i]));
        assert_true(is_model(&f, "loaded"));
        fake_stop(&f);
    }
}

static void servers_that_keep_their_model_are_left_in_peace(void **state)
{
    struct place *p = *state;
    draw(p, 0, 3);
    for (int i = 0; i < N_KEEPING; i++) {
        struct fake f;
        start_fake(p, &f, keeping[i], "");
        VLMD_EXPECT(p, 0, "batch", "--quiet", "--backend", f.url, place_path(p, "in"),
                    "--db", place_path(p, "%s.db", keeping[i]));
        assert_true(is_model(&f, "loaded"));
        fake_stop(&f);
    }
}

// Every second the model goes; every picture brings it back.
static void after_its_time_to_live_it_goes_and_comes_again(void **state)
{
    struct place *p = *state;
    for (int i = 0; i < N_UNLOADING; i++) {
        struct fake f;
        char in[40], db[60];
        snprintf(in, sizeof(in), "in-%s", unloading[i]);
        snprintf(db, sizeof(db), "%s-ttl.db", unloading[i]);
        start_fake(p, &f, unloading[i], "");
        make_folder(place_path(p, "%s", in));
        struct proc *run = VLMD_START(p, "watch", "--json", "--backend", f.url, "--set",
                                      "backend.keep_alive=1s", "--db",
                                      place_path(p, "%s", db), place_path(p, "%s", in));
        for (int n = 0; n < 2; n++) {
            picture_write(place_path(p, "%s", in), NULL, n);
            fake_await_asked(&f, n + 1);
            await_model(&f, "absent");
        }
        end_watch(run);
        struct totals t;
        fake_totals(&f, &t);
        assert_int_equal(t.answered, 2);
        fake_stop(&f);
    }
}

static void a_queue_is_not_starved_by_a_model_that_keeps_going(void **state)
{
    struct place *p = *state;
    struct fake f;
    enum { N = 30 };
    draw(p, 0, N);
    start_fake(p, &f, "ollama", "--latency-ms 100");
    struct proc *run = VLMD_START(p, "batch", "--quiet", "--backend", f.url,
                                  "--concurrency", "2", place_path(p, "in"));
    for (int n = 5; n <= 25; n += 5) {
        fake_await_asked(&f, n);
        fake_control(&f, "{\"loaded\":false}");
    }
    proc_expect(run, 0);
    struct totals t;
    fake_totals(&f, &t);
    assert_int_equal(t.answered, N);
    assert_int_equal(t.never_answered, 0);
    fake_stop(&f);
}

static void a_person_loads_and_unloads(void **state)
{
    struct place *p = *state;
    for (int i = 0; i < N_UNLOADING; i++) {
        struct fake f;
        start_fake(p, &f, unloading[i], "");
        VLMD_EXPECT(p, 0, "models", "load", "--backend", f.url);
        if (!is_model(&f, "loaded")) {
            fail_msg("%s was not loaded", unloading[i]);
        }
        VLMD_EXPECT(p, 0, "models", "load", "--backend", f.url);  // nothing to do
        VLMD_EXPECT(p, 0, "models", "unload", "--backend", f.url);
        if (!is_model(&f, "absent")) {
            fail_msg("%s was not unloaded", unloading[i]);
        }
        VLMD_EXPECT(p, 0, "models", "unload", "--backend", f.url);
        fake_stop(&f);
    }
    struct fake f;
    start_fake(p, &f, "llama-server", "");
    VLMD_REFUSES(p, 1, "unloads only by itself", "models", "unload", "--backend", f.url);
    fake_stop(&f);
    VLMD_REFUSES(p, 3, "can not be reached", "models", "load", "--backend", f.url);
}

// ---- pause and resume

static void a_pause_holds_over_restarts_and_ends_at_a_word(void **state)
{
    struct place *p = *state;
    struct fake f;
    struct totals t;
    make_folder(place_path(p, "in"));
    start_fake(p, &f, "ollama", "--loaded");
    VLMD_EXPECT(p, 0, "pause");
    for (int i = 0; i < 2; i++) {
        struct proc *run = watch(p, &f, "backend.preload=no");
        draw(p, i, 1);
        await_why(run, "you paused it");
        assert_true(paused_until(p) < 0);
        end_watch(run);
    }
    fake_totals(&f, &t);
    assert_int_equal(t.asked, 0);
    struct proc *run = watch(p, &f, "backend.preload=no");
    await_why(run, "you paused it");
    VLMD_EXPECT(p, 0, "resume");
    await_described(p, 2);
    VLMD_EXPECT(p, 0, "pause", "--for", "1h");  // a worker that runs obeys, too
    draw(p, 2, 1);
    proc_await(run, &run->err, "you paused it until");
    fake_totals(&f, &t);
    assert_int_equal(t.asked, 2);
    VLMD_EXPECT(p, 0, "resume");
    await_described(p, 3);
    end_watch(run);
    fake_stop(&f);
}

static void a_batch_waits_for_the_end_of_a_short_pause(void **state)
{
    struct place *p = *state;
    struct fake f;
    struct totals t;
    draw(p, 0, 3);
    start_fake(p, &f, "ollama", "--loaded");
    VLMD_EXPECT(p, 0, "pause", "--for", "4s");
    int64_t began_ms = now_ms();
    VLMD_EXPECT(p, 0, "batch", "--quiet", "--backend", f.url, place_path(p, "in"));
    assert_true(now_ms() - began_ms >= 2000);
    fake_totals(&f, &t);
    assert_int_equal(t.answered, 3);
    fake_stop(&f);
}

static void a_running_program_that_was_named_pauses_the_work(void **state)
{
    struct place *p = *state;
    struct fake f;
    struct totals t;
    make_folder(place_path(p, "in"));
    start_fake(p, &f, "ollama", "--loaded");
    // The fake itself is the program.
    struct proc *run = watch(p, &f, "yield.programs=fakevlm");
    draw(p, 0, 1);
    await_why(run, "fakevlm is running");
    fake_totals(&f, &t);
    assert_int_equal(t.asked, 0);
    end_watch(run);
    run = watch(p, &f, "yield.programs=no-such-program");
    await_described(p, 1);
    end_watch(run);
    fake_stop(&f);
}

// Of every kind, with its date, also while nobody answers.
static void what_is_known_of_a_model_is_kept(void **state)
{
    struct place *p = *state;
    static const char *const names[] = {"ollama", "lmstudio", "llama-server", "vllm"};
    for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
        struct fake f;
        char flags[100];
        snprintf(flags, sizeof(flags), "--kind %s --model " MODEL, names[i]);
        fake_start(p, &f, flags);
        struct proc *run =
            VLMD_EXPECT(p, 0, "models", "probe", "--json", "--backend", f.url);
        cJSON *now = json_of(run);
        proc_free(p, run);
        assert_non_null(text_at(now, "facts.known_at"));
        fake_stop(&f);
        run = VLMD_EXPECT(p, 3, "models", "probe", "--json", "--backend", f.url);
        cJSON *later = json_of(run);
        proc_free(p, run);
        assert_true(cJSON_IsTrue(json_at(later, "is_kept")));
        assert_string_equal(text_at(later, "model"), MODEL);
        static const char *const same[] = {"formats", "unload", "thinking", "version"};
        for (size_t k = 0; k < sizeof(same) / sizeof(same[0]); k++) {
            char path[64];
            snprintf(path, sizeof(path), "facts.%s", same[k]);
            assert_string_equal(text_at(later, path), text_at(now, path));
        }
        assert_true(number_at(later, "facts.slots") == number_at(now, "facts.slots"));
        assert_true(number_at(later, "facts.n_ctx") == number_at(now, "facts.n_ctx"));
        cJSON_Delete(now);
        cJSON_Delete(later);
    }
}

int main(void)
{
#define T(name) cmocka_unit_test_setup_teardown(name, place_setup, place_teardown)
    const struct CMUnitTest tests[] = {
        T(exit_gives_back_what_was_loaded),
        T(servers_that_keep_their_model_are_left_in_peace),
        T(after_its_time_to_live_it_goes_and_comes_again),
        T(a_queue_is_not_starved_by_a_model_that_keeps_going),
        T(a_person_loads_and_unloads),
        T(what_is_known_of_a_model_is_kept),
        T(a_pause_holds_over_restarts_and_ends_at_a_word),
        T(a_batch_waits_for_the_end_of_a_short_pause),
        T(a_running_program_that_was_named_pauses_the_work),
    };
    e2e_filter();
    return cmocka_run_group_tests(tests, NULL, NULL);
}
