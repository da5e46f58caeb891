// test_e2e_limit.c -- without a number vlmd finds how many requests a server should have at
// once: near the best fixed number, soon, and without running into refusals.
//
// The backend decodes all requests together (fakevlm --batching), so that its throughput
// depends on how many it has.  Work is counted in tokens by its own log.  VLMD_E2E_FULL=1
// tries more fixed numbers, runs longer and wants the whole share.
// SPDX-License-Identifier: MIT
#include "e2e_pictures.h"
#include "e2e_vlmd.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { SLOTS = 64, WINDOW_MS = 2000, MOST_WINDOWS = 200, MOST_REFUSED = 16 };

// Every request counts here: the small one that finds out whether the model sees is spared.
#define SEES     "--set", "backend.vision=yes"
#define BATCHING "--batching step=15,per=0.2,prefill=2,tokens=40,sigma=0.5"

static struct place shared;  // the pictures, drawn once
static double best_per_s;    // of the fixed numbers

static int n_fixed(void)
{
    return is_full_scale() ? 1200 : 450;
}

static int n_found(void)
{
    return is_full_scale() ? 6500 : 800;
}

static int draw_all(void **state)
{
    (void)state;
    place_make(&shared);
    make_folder(place_path(&shared, "fixed"));
    make_folder(place_path(&shared, "rest"));
    for (int n = 0; n < n_found(); n++) {
        picture_write(place_path(&shared, n < n_fixed() ? "fixed" : "rest"), NULL, n);
    }
    return 0;
}

static int remove_all(void **state)
{
    (void)state;
    place_remove(&shared);
    return 0;
}

// ---- what the backend's log says

struct work {
    double windows[MOST_WINDOWS];  // tokens per s
    int n;                         // whole windows
    double waiting;                // in its queue, on average
    int refused;
};

static double ended_at_ms(const cJSON *line)
{
    return number_at(line, "at_ms") + number_at(line, "total_ms");
}

static bool is_chat(const cJSON *line)
{
    return json_at(line, "completion_tokens") != NULL;
}

static void measure(const struct fake *f, struct work *w)
{
    char *text = read_text(f->log);
    struct rows rows;
    double first = 0, last = 0, last_sent = 0, queued = 0;
    rows_parse(&rows, text);
    memset(w, 0, sizeof(*w));
    for (int i = 0; i < rows.n; i++) {
        const cJSON *line = rows.items[i];
        double at = is_chat(line) ? number_at(line, "at_ms") : 0;
        first = at > 0 && (first == 0 || at < first) ? at : first;
        last_sent = at > last_sent ? at : last_sent;
        last = at > 0 && ended_at_ms(line) > last ? ended_at_ms(line) : last;
    }
    for (int i = 0; i < rows.n; i++) {
        const cJSON *line = rows.items[i];
        if (!is_chat(line)) {
            continue;
        }
        bool is_answer = number_at(line, "status") == 200;
        int k = (int)((ended_at_ms(line) - first) / WINDOW_MS);
        assert_in_range(k, 0, MOST_WINDOWS - 1);
        w->windows[k] += is_answer ? number_at(line, "completion_tokens") : 0;
        w->refused += !is_answer;
        queued += number_at(line, "queued_ms");
    }
    w->n = (int)((last_sent - first) / WINDOW_MS);  // then fewer and fewer are left
    w->waiting = queued / (last - first);
    for (int k = 0; k < w->n; k++) {
        w->windows[k] /= WINDOW_MS / 1000.0;
    }
    rows_free(&rows);
    free(text);
}

static double mean_from(const struct work *w, int from)
{
    double sum = 0;
    assert_true(w->n > from);
    for (int k = from; k < w->n; k++) {
        sum += w->windows[k];
    }
    return sum / (w->n - from);
}

static double run_fixed(struct place *p, int concurrency)
{
    struct fake f;
    struct work w;
    char number[16], db[32];
    fake_start(p, &f, "--kind vllm --slots 64 " BATCHING);
    snprintf(number, sizeof(number), "%d", concurrency);
    snprintf(db, sizeof(db), "fixed-%d.db", concurrency);
    VLMD_EXPECT(p, 0, "batch", "--json", "--db", place_path(p, "%s", db), "--concurrency",
                number, SEES, "--backend", f.url, place_path(&shared, "fixed"));
    measure(&f, &w);
    double per_s = mean_from(&w, 2);  // they begin all at once: wait until they are mixed
    print_message("fixed at %d: %.0f tokens/s\n", concurrency, per_s);
    fake_stop(&f);
    remove(f.log);
    return per_s;
}

static void fixed_numbers_are_measured(void **state)
{
    struct place *p = *state;
    static const int numbers[] = {72, 64, 48, 96, 128};
    int n = is_full_scale() ? 5 : 1;
    for (int i = 0; i < n; i++) {
        double per_s = run_fixed(p, numbers[i]);
        best_per_s = per_s > best_per_s ? per_s : best_per_s;
    }
}

// ---- found

// What `vlmd status` says of the backend while another process works.
static int limit_in_status(struct place *p)
{
    struct proc *run = VLMD_EXPECT(p, 0, "status");
    const char *at = strstr(run->out.text, " in flight");
    int in_flight = 0, limit = 0;
    if (at) {
        while (at > run->out.text && at[-1] != ' ') {
            at--;
        }
        assert_int_equal(sscanf(at, "%d/%d", &in_flight, &limit), 2);
    }
    proc_free(p, run);
    return limit;
}

static void await_limit(struct place *p, int at_least)
{
    int64_t until = now_ms() + E2E_PATIENCE_MS;
    int limit = 0;
    while (limit < at_least && now_ms() < until) {
        place_read(p);
        limit = limit_in_status(p);
    }
    assert_true(limit >= at_least);
}

// Windows until the first as good as the best, and the share from there on.
static void judge(const struct work *w)
{
    int k = 0;
    while (k < w->n && w->windows[k] < 0.95 * best_per_s) {
        k++;
    }
    double share = k < w->n ? mean_from(w, k) / best_per_s : 0;
    print_message(
        "found: 95 %% of the best fixed after %d s, %.1f %% of it from there on, "
        "%.1f waiting\n",
        (k + 1) * WINDOW_MS / 1000, share * 100, w->waiting);
    assert_true((k + 1) * WINDOW_MS <= (is_full_scale() ? 90000 : 30000));
    assert_true(share >= (is_full_scale() ? 0.95 : 0.9));
}

// The next run begins at half of what this one found.
static void assert_it_is_remembered(struct place *p, struct fake *f)
{
    for (int i = 0; i < 20; i++) {
        picture_write(place_path(p, "in"), NULL, n_found() + i);
    }
    struct proc *run = VLMD_EXPECT(p, 0, "batch", "--json", "--log-level", "debug", SEES,
                                   "--backend", f->url, place_path(p, "in"));
    const char *at = strstr(run->err.text, "remembered=");
    assert_non_null(at);
    assert_in_range(atoi(at + strlen("remembered=")), SLOTS / 2, 2 * SLOTS);
}

static void a_server_that_batches_is_kept_busy(void **state)
{
    struct place *p = *state;
    struct fake f;
    struct work w;
    struct totals t;
    assert_true(best_per_s > 0);
    fake_start(p, &f, "--kind vllm --slots 64 " BATCHING);
    struct proc *run =
        VLMD_START(p, "batch", "--json", SEES, "--backend", f.url,
                   place_path(&shared, "fixed"), place_path(&shared, "rest"));
    await_limit(p, SLOTS / 2);
    proc_expect(run, 0);
    measure(&f, &w);
    fake_totals(&f, &t);
    assert_int_equal(t.answered, n_found());
    assert_int_equal(t.asked_twice, 0);
    judge(&w);
    assert_it_is_remembered(p, &f);
    fake_stop(&f);
}

static void a_server_that_refuses_is_not_run_into(void **state)
{
    struct place *p = *state;
    struct fake f;
    struct work w;
    struct totals t;
    fake_start(p, &f,
               "--kind vllm --slots 16 --queue 32 "
               "--batching step=5,per=0.1,prefill=1,tokens=40,sigma=0.5");
    VLMD_EXPECT(p, 0, "batch", "--json", SEES, "--backend", f.url,
                place_path(&shared, "rest"));
    measure(&f, &w);
    fake_totals(&f, &t);
    print_message("capped: %d refused, %.1f waiting\n", w.refused, w.waiting);
    assert_int_equal(t.answered, n_found() - n_fixed());
    assert_in_range(w.refused, 0, MOST_REFUSED);
    fake_stop(&f);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(fixed_numbers_are_measured, place_setup,
                                        place_teardown),
        cmocka_unit_test_setup_teardown(a_server_that_batches_is_kept_busy, place_setup,
                                        place_teardown),
        cmocka_unit_test_setup_teardown(a_server_that_refuses_is_not_run_into,
                                        place_setup, place_teardown),
    };
    if (E2E_SANITIZED) {
        print_message("a sanitized vlmd is slower than this backend\n");
        return 0;
    }
    e2e_filter();
    return cmocka_run_group_tests(tests, draw_all, remove_all);
}
