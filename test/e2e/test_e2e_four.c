// test_e2e_four.c -- four backends, one ten times slower, one that dies and comes back: the
// others go on at full speed, and so does that one soon after its return.
//
// Speed is read from the backends' own log as the share of their slots' time that was spent
// on answers, so that a slow machine makes no difference but for the gaps between requests.
// SPDX-License-Identifier: MIT
#include "e2e_pictures.h"
#include "e2e_vlmd.h"

#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

enum {
    BACKENDS = 4,
    SLOTS = 4,
    N = 700,
    LATENCY_MS = 400,
    SLOW_MS = 4000,
    SLOW = 1,  // which is ten times slower
    DIES = 2,  // which dies
    MAX_WASTED = 19,
    FULL_SPEED_MS = 15000,
};

struct four {
    struct place *place;
    struct fake fakes[BACKENDS];
    struct proc *run;
    double died_at, came_back_at;  // unix ms
};

static void start_all(struct four *x)
{
    for (int i = 0; i < BACKENDS; i++) {
        char flags[100];
        snprintf(flags, sizeof(flags), "--kind llama-server --slots %d --latency-ms %d",
                 SLOTS, i == SLOW ? SLOW_MS : LATENCY_MS);
        fake_start(x->place, &x->fakes[i], flags);
    }
    for (int i = 0; i < N; i++) {
        picture_write(place_path(x->place, "in"), NULL, i);
    }
    const struct fake *f = x->fakes;
    x->run = VLMD_START(x->place, "batch", "--json", "--backend", f[0].url, "--backend",
                        f[1].url, "--backend", f[2].url, "--backend", f[3].url,
                        place_path(x->place, "in"));
}

// The last is not the one that dies: that one can not be asked while it is down.
static int answered(const struct four *x)
{
    int n = 0;
    for (int i = 0; i < BACKENDS; i++) {
        struct totals t = {0};
        if (i != DIES) {
            fake_totals(&x->fakes[i], &t);
        }
        n += t.answered;
    }
    return n;
}

static void await_answered(const struct four *x, int at_least)
{
    int64_t until = now_ms() + E2E_PATIENCE_MS;
    while (answered(x) < at_least && now_ms() < until) {
        place_read(x->place);
    }
    assert_true(answered(x) >= at_least);
}

static double wall_ms(void)
{
    struct timespec t;
    clock_gettime(CLOCK_REALTIME, &t);
    return (double)t.tv_sec * 1000 + (double)t.tv_nsec / 1e6;
}

// ---- what the logs say

static bool is_chat(const cJSON *line)
{
    return json_at(line, "completion_tokens") != NULL;
}

static double began_at(const cJSON *line)
{
    return number_at(line, "at_ms") + number_at(line, "queued_ms");
}

static double ended_at(const cJSON *line)
{
    return number_at(line, "at_ms") + number_at(line, "total_ms");
}

static double overlap(double a, double b, double from, double to)
{
    double lo = a > from ? a : from, hi = b < to ? b : to;
    return hi > lo ? hi - lo : 0;
}

static void read_log(const struct fake *f, struct rows *rows)
{
    char *text = read_text(f->log);
    rows_parse(rows, text);
    free(text);
}

static double last_sent(const struct four *x)
{
    double last = 0;
    for (int i = 0; i < BACKENDS; i++) {
        struct rows rows;
        read_log(&x->fakes[i], &rows);
        for (int k = 0; k < rows.n; k++) {
            double at = is_chat(rows.items[k]) ? number_at(rows.items[k], "at_ms") : 0;
            last = at > last ? at : last;
        }
        rows_free(&rows);
    }
    return last;
}

// Share of the slots' time between from and to that went into answers.
static double busy_share(const struct fake *f, double from, double to)
{
    struct rows rows;
    double busy = 0;
    read_log(f, &rows);
    for (int k = 0; k < rows.n; k++) {
        const cJSON *line = rows.items[k];
        if (is_chat(line) && number_at(line, "status") == 200) {
            busy += overlap(began_at(line), ended_at(line), from, to);
        }
    }
    rows_free(&rows);
    return busy / (SLOTS * (to - from));
}

static double first_sent(const struct fake *f)
{
    struct rows rows;
    double first = 0;
    read_log(f, &rows);
    for (int k = 0; k < rows.n && first == 0; k++) {
        first = is_chat(rows.items[k]) ? number_at(rows.items[k], "at_ms") : 0;
    }
    for (int k = 0; k < rows.n; k++) {
        double at = is_chat(rows.items[k]) ? number_at(rows.items[k], "at_ms") : first;
        first = at < first ? at : first;
    }
    rows_free(&rows);
    return first;
}

// When it had all its slots busy for the first time after `from`; 0 = never.
static double full_at(const struct fake *f, double from)
{
    struct rows rows;
    double full = 0;
    read_log(f, &rows);
    for (int k = 0; k < rows.n; k++) {
        double at = is_chat(rows.items[k]) ? began_at(rows.items[k]) : 0;
        int running = 0;
        for (int o = 0; o < rows.n && at > from; o++) {
            const cJSON *other = rows.items[o];
            running += is_chat(other) && began_at(other) <= at && ended_at(other) > at;
        }
        if (running >= SLOTS && (full == 0 || at < full)) {
            full = at;
        }
    }
    rows_free(&rows);
    return full;
}

// ---- the test

static void assert_nothing_is_lost_or_doubled(const struct four *x)
{
    struct rows rows;
    struct totals t;
    int asked = 0, done = 0;
    rows_export(x->place, &rows);
    assert_int_equal(rows.n, N);
    assert_int_equal(rows_count(&rows, "outcome", "answered"), N);
    for (int i = 0; i < rows.n; i++) {
        assert_true(picture_is_described(picture_number(text_of(rows.items[i], "path")),
                                         text_of(rows.items[i], "fields.summary")));
    }
    rows_free(&rows);
    for (int i = 0; i < BACKENDS; i++) {
        fake_totals(&x->fakes[i], &t);
        print_message("backend %d: %d asked, %d answered\n", i, t.chat_requests,
                      t.answered);
        asked += t.chat_requests;
        done += t.answered;
    }
    print_message("wasted: %d of %d\n", asked - N, asked);
    assert_in_range(asked - N, 0, MAX_WASTED);
    assert_int_equal(done, N);  // none was answered twice
}

static void assert_the_live_ones_were_busy(const struct four *x, double until)
{
    double sum = 0;
    for (int i = 0; i < BACKENDS; i++) {
        if (i != DIES) {
            double share = busy_share(&x->fakes[i], first_sent(&x->fakes[i]), until);
            print_message("backend %d: busy %.1f %%\n", i, share * 100);
            // The slow one gives a thirtieth of what they give together.
            sum += share / (i == SLOW ? SLOW_MS : LATENCY_MS);
        }
    }
    double most = 2.0 / LATENCY_MS + 1.0 / SLOW_MS;
    print_message("live ones: %.1f %% of what they can give\n", sum / most * 100);
    assert_true(sum / most >= 0.95);
}

static void one_is_slow_and_one_dies_and_comes_back(void **state)
{
    struct four x = {.place = *state};
    start_all(&x);
    const struct fake *dead = &x.fakes[DIES];
    int others = N * 3 / 10 * 2 / 3;  // of its first 30 % two thirds are not its own
    await_answered(&x, others);
    kill(dead->b.pid, SIGUSR1);
    x.died_at = wall_ms();
    await_answered(&x, others + N * 3 / 10);
    kill(dead->b.pid, SIGUSR2);
    x.came_back_at = wall_ms();
    proc_expect(x.run, 0);
    double last = last_sent(&x), full = full_at(dead, x.came_back_at);
    assert_nothing_is_lost_or_doubled(&x);
    assert_the_live_ones_were_busy(&x, last);
    print_message("down for %.1f s, full speed %.1f s after its return\n",
                  (x.came_back_at - x.died_at) / 1000, (full - x.came_back_at) / 1000);
    assert_true(full > 0 && full - x.came_back_at < FULL_SPEED_MS);
    for (int i = 0; i < BACKENDS; i++) {
        fake_stop(&x.fakes[i]);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(one_is_slow_and_one_dies_and_comes_back,
                                        place_setup, place_teardown),
    };
    if (E2E_SANITIZED) {
        print_message("a sanitized vlmd is slower than these backends\n");
        return 0;
    }
    e2e_filter();
    return cmocka_run_group_tests(tests, NULL, NULL);
}
