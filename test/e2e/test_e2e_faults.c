// test_e2e_faults.c -- every way the fake backend can fail: each picture ends answered or
// in the failure list with its class, and nothing hangs.
// SPDX-License-Identifier: MIT
#include "e2e_pictures.h"
#include "e2e_vlmd.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

// Times that suit answers of 20 ms; generous enough for a loaded machine.
// It is about answers, so what is asked before them is left out.
static const char config[] = "backend:\n"
                             "  vision: yes\n"
                             "  first_byte_timeout: 1s\n"
                             "  stall_timeout: 250ms\n"
                             "  total_timeout: 4s\n"
                             "  load_timeout: 5s\n"
                             "retry:\n"
                             "  base: 20ms\n"
                             "  cap: 100ms\n"
                             "breaker:\n"
                             "  open: 20ms\n"
                             "  cap: 60ms\n";

static void draw(struct place *p, int n)
{
    place_config(p, config);
    for (int i = 0; i < n; i++) {
        picture_write(place_path(p, "in"), NULL, i);
    }
}

static void set_faults(const struct fake *f, const char *spec)
{
    char json[200];
    control(&f->b, "/__fake/reset", "{}");
    snprintf(json, sizeof(json), "{\"faults\":[\"%s\"]}", spec);
    control(&f->b, "/__fake/faults", json);
}

// ---- a few strikes are survived

// A database of its own, so that all is asked anew.
static struct proc *describe(struct place *p, const struct fake *f, const char *db,
                             const char *concurrency, int exit_code)
{
    return VLMD_EXPECT(p, exit_code, "batch", "--json", "--db", place_path(p, "%s", db),
                       "--concurrency", concurrency, "--backend", f->url,
                       place_path(p, "in"));
}

static void export_of(struct place *p, const char *db, struct rows *rows)
{
    struct proc *run =
        VLMD_EXPECT(p, 0, "export", "jsonl", "--db", place_path(p, "%s", db));
    rows_parse(rows, run->out.text);
    proc_free(p, run);
}

static void assert_all_answered(const struct rows *rows, int n)
{
    assert_int_equal(rows->n, n);
    for (int i = 0; i < rows->n; i++) {
        const cJSON *row = rows->items[i];
        assert_string_equal(text_of(row, "outcome"), "answered");
        if (!picture_is_described(picture_number(text_of(row, "path")),
                                  text_of(row, "fields.summary"))) {
            fail_msg("described as: %s", text_of(row, "fields.summary"));
        }
    }
}

static void survive(struct place *p, const struct fake *f, const char *spec, int number)
{
    struct rows rows;
    char db[32];
    snprintf(db, sizeof(db), "strike-%d.db", number);
    set_faults(f, spec);
    int64_t began = now_ms();
    struct proc *run = describe(p, f, db, "4", 0);
    print_message("%-24s %5d ms\n", spec, (int)(now_ms() - began));
    proc_free(p, run);
    export_of(p, db, &rows);
    assert_all_answered(&rows, 8);
    rows_free(&rows);
}

static const char *const specs[] = {
    "429:3",
    "503-busy=0:3",
    "503-loading:3",
    "500:3",
    "oom:3",
    "html:3",
    "200-error:3",
    "empty-length:3",
    "truncate:3",
    "stream-error:3",
    "cut:3",
    "cut-mid:3",
    "slow-first-byte=3000:3",
    "drip=100/1:3",
    "stall:3",
    "garbage:3",
    "wrong-json:3",
    "wrong-schema:3",
    "drop-image:3",
    "thinking:3",
    "thinking=inline:3",
    "repeat:3",
    "429=date:1",
};

static void strikes_of(struct place *p, const char *kind)
{
    struct fake f;
    char flags[100];
    snprintf(flags, sizeof(flags), "--kind %s --slots 4 --latency-ms 20", kind);
    fake_start(p, &f, flags);
    draw(p, 8);
    for (size_t i = 0; i < sizeof(specs) / sizeof(specs[0]); i++) {
        survive(p, &f, specs[i], (int)i);
    }
    fake_stop(&f);
}

static void ollama_may_strike_a_few_times(void **state)
{
    strikes_of(*state, "ollama");
}

static void vllm_may_strike_a_few_times(void **state)
{
    strikes_of(*state, "vllm");
}

static void llama_server_may_strike_a_few_times(void **state)
{
    strikes_of(*state, "llama-server");
}

// ---- a fault that stays ends in the failure list, with the right class

struct lasting {
    const char *spec;
    const char *class;  // NULL = answered all the same
};

static void expect_class(struct place *p, const char *db, const struct lasting *l, int n)
{
    struct rows rows;
    struct proc *run = VLMD_EXPECT(p, 0, "jobs", "list", "--outcome", "failed", "--json",
                                   "--db", place_path(p, "%s", db));
    rows_parse(&rows, run->out.text);
    assert_int_equal(rows.n, l->class ? n : 0);
    for (int i = 0; i < rows.n; i++) {
        const cJSON *row = rows.items[i];
        if (strcmp(text_of(row, "error.class"), l->class) != 0) {
            fail_msg("%s: class %s instead of %s", l->spec, text_of(row, "error.class"),
                     l->class);
        }
        assert_true(strlen(text_of(row, "error.message")) > 5);
        assert_true(strlen(text_of(row, "error.todo")) > 5);
    }
    rows_free(&rows);
    proc_free(p, run);
}

static void a_fault_that_stays_is_told_by_its_class(void **state)
{
    static const struct lasting lasting[] = {
        {"500", "model_crash"},
        {"oom", "model_crash"},
        {"html", "server"},
        {"200-error", "model_crash"},
        {"empty-length", "empty"},
        {"truncate", "truncated"},
        {"cut", "net_cut"},
        {"cut-mid", "net_cut"},
        {"stall", "timeout_stall"},
        {"garbage", "garbage"},
        {"wrong-json", NULL},
        {"wrong-schema", NULL},
        {"drop-image", "image_dropped"},
        {"thinking", NULL},
        {"thinking=inline", NULL},
        {"repeat", "repetition"},
        {"stream-error", "model_crash"},
    };
    struct place *p = *state;
    struct fake f;
    fake_start(p, &f, "--kind ollama --slots 4 --latency-ms 20");
    draw(p, 2);
    for (size_t i = 0; i < sizeof(lasting) / sizeof(lasting[0]); i++) {
        char db[32];
        snprintf(db, sizeof(db), "lasting-%zu.db", i);
        set_faults(&f, lasting[i].spec);
        int64_t began = now_ms();
        proc_free(p, describe(p, &f, db, "2", lasting[i].class ? 1 : 0));
        print_message("%-24s %5d ms\n", lasting[i].spec, (int)(now_ms() - began));
        expect_class(p, db, &lasting[i], 2);
    }
    fake_stop(&f);
}

// Being busy is no fault of a picture: it waits, and fails never.
static void a_busy_backend_is_waited_for(void **state)
{
    static const char *const busy[] = {"429=0", "503-busy=0", "503-loading"};
    struct place *p = *state;
    struct fake f;
    fake_start(p, &f, "--kind ollama --slots 4 --latency-ms 20");
    draw(p, 4);
    for (size_t i = 0; i < sizeof(busy) / sizeof(busy[0]); i++) {
        struct rows rows;
        char db[32];
        snprintf(db, sizeof(db), "busy-%zu.db", i);
        set_faults(&f, busy[i]);
        struct proc *run =
            VLMD_START(p, "batch", "--json", "--db", place_path(p, "%s", db),
                       "--concurrency", "2", "--backend", f.url, place_path(p, "in"));
        fake_await_asked(&f, 12);  // more often than any picture may fail
        set_faults(&f, "none");
        proc_expect(run, 0);
        export_of(p, db, &rows);
        assert_all_answered(&rows, 4);
        rows_free(&rows);
        proc_free(p, run);
    }
    fake_stop(&f);
}

// ---- 20 % of everything

static void assert_is_right_or_plain(const cJSON *row)
{
    if (!picture_is_described(picture_number(text_of(row, "path")),
                              text_of(row, "fields.summary"))) {
        fail_msg("described as: %s", cJSON_PrintUnformatted(row));
    }
}

static void a_fifth_of_all_requests_goes_wrong(void **state)
{
    enum { N = 300 };
    struct place *p = *state;
    struct fake f;
    struct rows rows;
    char flags[200];
    uint32_t seed = any_number(1000000);
    int failed = 0;
    snprintf(flags, sizeof(flags),
             "--kind ollama --slots 32 --latency-ms 20 --fault any:20%% --seed %u", seed);
    fake_start(p, &f, flags);
    draw(p, N);
    struct proc *run = VLMD_START(p, "batch", "--json", "--concurrency", "32",
                                  "--backend", f.url, place_path(p, "in"));
    int code = proc_end(run);
    rows_export(p, &rows);
    assert_int_equal(rows.n, N);
    for (int i = 0; i < rows.n; i++) {
        const cJSON *row = rows.items[i];
        assert_string_equal(text_of(row, "state"), "ended");
        if (strcmp(text_of(row, "outcome"), "failed") == 0) {
            failed++;
            assert_true(strlen(text_of(row, "error.class")) > 0);
            print_message("failed: %s\n", text_of(row, "error.class"));
        } else {
            assert_string_equal(text_of(row, "outcome"), "answered");
            assert_is_right_or_plain(row);
        }
    }
    print_message("%d of %d failed, exit code %d\n", failed, N, code);
    assert_int_equal(code, failed ? 1 : 0);
    assert_in_range(failed, 0, N / 20);
    rows_free(&rows);
    fake_stop(&f);
}

// ---- Retry-After

static bool is_chat(const cJSON *line)
{
    return strcmp(text_of(line, "path"), "/api/chat") == 0 &&
           number_at(line, "bytes_in") > 1000;
}

static void nothing_is_asked_before_retry_after(void **state)
{
    struct place *p = *state;
    struct fake f;
    struct rows log;
    double refused_ms = 0;
    int later = 0;
    fake_start(p, &f, "--kind ollama --slots 4 --latency-ms 20 --fault 429=2:1");
    draw(p, 4);
    VLMD_EXPECT(p, 0, "batch", "--json", "--concurrency", "1", "--backend", f.url,
                place_path(p, "in"));
    char *text = read_text(f.log);
    rows_parse(&log, text);
    for (int i = 0; i < log.n; i++) {
        const cJSON *line = log.items[i];
        if (!is_chat(line)) {
            continue;
        }
        if (number_at(line, "status") == 429) {
            assert_true(refused_ms == 0);
            refused_ms = number_at(line, "at_ms");
        } else if (refused_ms > 0) {
            later++;
            assert_true(number_at(line, "at_ms") - refused_ms >= 1990);
        }
    }
    assert_true(refused_ms > 0);
    assert_int_equal(later, 4);
    rows_free(&log);
    free(text);
    fake_stop(&f);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(ollama_may_strike_a_few_times, place_setup,
                                        place_teardown),
        cmocka_unit_test_setup_teardown(vllm_may_strike_a_few_times, place_setup,
                                        place_teardown),
        cmocka_unit_test_setup_teardown(llama_server_may_strike_a_few_times, place_setup,
                                        place_teardown),
        cmocka_unit_test_setup_teardown(a_fault_that_stays_is_told_by_its_class,
                                        place_setup, place_teardown),
        cmocka_unit_test_setup_teardown(a_busy_backend_is_waited_for, place_setup,
                                        place_teardown),
        cmocka_unit_test_setup_teardown(a_fifth_of_all_requests_goes_wrong, place_setup,
                                        place_teardown),
        cmocka_unit_test_setup_teardown(nothing_is_asked_before_retry_after, place_setup,
                                        place_teardown),
    };
    e2e_filter();
    return cmocka_run_group_tests(tests, NULL, NULL);
}
