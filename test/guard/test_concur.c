// test_concur.c -- the limit of a server that behaves exactly as computed: every move of it.
//
// The server here has S slots and no noise: an answer takes 1000 ms while slots are free and
// longer in proportion when they are not, so each step of the search is known in advance.
// SPDX-License-Identifier: MIT
#include "guard/guard.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>

#include <cmocka.h>

enum { MOST = 1024, ANSWER_MS = 1000, TOKENS = 100 };

struct rig {
    struct concur_config config;
    struct concur l;
    int slots;
    double speed;          // 1 = as above, 2 = twice as fast
    int64_t tokens;        // of each answer
    unsigned marks[MOST];  // of those in flight, oldest first
    double now_ms;
};

static void open_rig(struct rig *r, int start, int slots)
{
    memset(r, 0, sizeof(*r));
    concur_config_default(&r->config);
    r->config.start = start;
    r->slots = slots;
    r->speed = 1;
    r->tokens = TOKENS;
    concur_init(&r->l, &r->config);
}

static void fill(struct rig *r)
{
    while (r->l.in_flight < r->l.limit) {
        int i = r->l.in_flight;
        assert_true(i < MOST);
        r->marks[i] = concur_began(&r->l, (int64_t)r->now_ms);
    }
}

// The oldest ends; those behind it move up.
static void end_one(struct rig *r, enum concur_outcome outcome, int64_t latency_ms)
{
    struct concur_end e = {r->marks[0], outcome, latency_ms, r->tokens};
    memmove(&r->marks[0], &r->marks[1], sizeof(r->marks[0]) * (size_t)(MOST - 1));
    concur_ended(&r->l, &r->config, &e, (int64_t)r->now_ms);
}

static void answer_one(struct rig *r)
{
    int n = r->l.in_flight;
    double latency = ANSWER_MS / r->speed * (n > r->slots ? (double)n / r->slots : 1);
    r->now_ms += latency / n;
    end_one(r, CONCUR_OK, (int64_t)latency);
}

// Works until the limit or the phase is another one; returns the limit.
static int work_on(struct rig *r)
{
    int limit = r->l.limit;
    enum concur_phase phase = r->l.phase;
    for (int i = 0; i < 10000; i++) {
        fill(r);
        answer_one(r);
        if (r->l.limit != limit || r->l.phase != phase) {
            return r->l.limit;
        }
    }
    fail_msg("the limit stands still at %d", limit);
    return 0;
}

static void work(struct rig *r, int ends)
{
    for (int i = 0; i < ends; i++) {
        fill(r);
        answer_one(r);
    }
}

// ---- start

static void it_doubles_and_then_goes_to_the_knee(void **state)
{
    (void)state;
    static const struct {
        int start, slots, max;
        int limits[8];  // one after the other
        int end;        // in CRUISE
    } rows[] = {
        {2, 16, 512, {4, 8, 16, 32}, 16},
        {8, 64, 512, {16, 32, 64, 128}, 64},
        {1, 1, 512, {2}, 1},
        {3, 5, 512, {6, 12}, 6},
        // A third of a doubling's gain: half way up from where it ended.
        {8, 20, 512, {16, 32}, 26},
        {8, 45, 512, {16, 32, 64}, 54},
        {8, 1000, 48, {16, 32, 48}, 48},  // as far as it may
        {1, 64, 1, {0}, 1},
    };
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        struct rig r;
        open_rig(&r, rows[i].start, rows[i].slots);
        r.config.max = rows[i].max;
        for (int k = 0; rows[i].limits[k]; k++) {
            assert_int_equal(r.l.phase, CONCUR_START);
            assert_int_equal(work_on(&r), rows[i].limits[k]);
        }
        work_on(&r);
        assert_int_equal(r.l.phase, CONCUR_CRUISE);
        assert_int_equal(r.l.limit, rows[i].end);
    }
}

static void the_first_look_at_a_limit_waits_for_the_old_load(void **state)
{
    (void)state;
    struct rig r;
    open_rig(&r, 2, 16);
    assert_int_equal(r.l.settling, 2);
    work(&r, 2);
    assert_int_equal(r.l.sums.n, 0);
    work(&r, 1);
    assert_int_equal(r.l.sums.n, 1);
    work(&r, 3);
    assert_int_equal(r.l.limit, 4);
    assert_int_equal(r.l.settling, 4);
}

// ---- cruise

static void it_stays_near_the_knee(void **state)
{
    (void)state;
    static const int slots[] = {1, 2, 4, 6, 16, 20, 48, 64, 96};
    for (size_t i = 0; i < sizeof(slots) / sizeof(slots[0]); i++) {
        struct rig r;
        open_rig(&r, 2, slots[i]);
        work(&r, 200 * slots[i] + 2000);
        int low = slots[i] - slots[i] / 8, high = slots[i] + slots[i] / 3 + 1;
        for (int k = 0; k < 20; k++) {
            work_on(&r);
            assert_in_range(r.l.limit, low > 1 ? low - 1 : 1, high);
        }
    }
}

static void tries_go_up_twice_and_down_once_and_end_where_they_began(void **state)
{
    (void)state;
    struct rig r;
    open_rig(&r, 8, 16);
    work_on(&r);
    work_on(&r);
    assert_int_equal(work_on(&r), 16);
    assert_int_equal(r.l.phase, CONCUR_CRUISE);
    static const struct {
        enum concur_phase phase;
        int limit;
    } rows[] = {
        {CONCUR_UP, 20},   {CONCUR_CRUISE, 16},  // a quarter
        {CONCUR_UP, 20},   {CONCUR_CRUISE, 16},
        {CONCUR_DOWN, 14}, {CONCUR_CRUISE, 16},  // nothing was gained: smaller strides
        {CONCUR_UP, 18},   {CONCUR_CRUISE, 16},
        {CONCUR_UP, 18},   {CONCUR_CRUISE, 16},
        {CONCUR_DOWN, 15}, {CONCUR_CRUISE, 16},  // careful: less was a loss
        {CONCUR_UP, 18},   {CONCUR_CRUISE, 16},
    };
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        assert_int_equal(work_on(&r), rows[i].limit);
        assert_int_equal(r.l.phase, rows[i].phase);
    }
    assert_int_equal(concur_learned(&r.l), 16);
}

static void what_the_server_says_bounds_it(void **state)
{
    (void)state;
    struct rig r;
    open_rig(&r, 4, 1000);  // it could take more, but says four
    r.config.slots = 4;
    concur_restart(&r.l, &r.config);
    int most = 0;
    for (int i = 0; i < 2000; i++) {
        work(&r, 1);
        most = r.l.limit > most ? r.l.limit : most;
    }
    assert_int_equal(most, 5);  // one on its way
}

static void it_goes_where_the_server_goes(void **state)
{
    (void)state;
    struct rig r;
    open_rig(&r, 8, 64);
    work(&r, 2000);
    assert_in_range(r.l.limit, 56, 81);
    r.slots = 16;  // a shock: starts anew, far lower
    int64_t began = (int64_t)r.now_ms;
    while (r.l.phase != CONCUR_START) {
        work(&r, 1);
    }
    assert_in_range(r.l.limit, 14, 20);
    assert_true(r.now_ms - (double)began < 60000);
    work(&r, 1000);
    assert_in_range(r.l.limit, 12, 20);
    r.slots = 64;  // nothing is seen of it before the next try
    began = (int64_t)r.now_ms;
    while (r.l.limit < 56) {
        work(&r, 1);
    }
    assert_true(r.now_ms - (double)began < 120000);
}

static void a_faster_server_is_tried_with_more_at_once(void **state)
{
    (void)state;
    struct rig r;
    open_rig(&r, 8, 16);
    while (r.l.phase != CONCUR_CRUISE) {
        work(&r, 1);
    }
    while (r.l.epochs < 1) {
        work(&r, 1);
    }
    r.speed = 3;
    work_on(&r);
    assert_int_equal(r.l.phase, CONCUR_UP);
}

// ---- what does not count

static void too_few_to_be_held_back_tell_nothing(void **state)
{
    (void)state;
    struct rig r;
    open_rig(&r, 8, 64);
    for (int i = 0; i < 1000; i++) {
        while (r.l.in_flight < 6) {
            r.marks[r.l.in_flight] = concur_began(&r.l, (int64_t)r.now_ms);
        }
        answer_one(&r);
    }
    assert_int_equal(r.l.limit, 8);
    assert_int_equal(r.l.sums.n, 0);
    assert_int_equal(r.l.settling, 8);
}

static void canceled_and_broken_ones_tell_nothing(void **state)
{
    (void)state;
    struct rig r;
    open_rig(&r, 2, 64);
    for (int i = 0; i < 100; i++) {
        fill(&r);
        end_one(&r, CONCUR_NOTHING, -1);
    }
    assert_int_equal(r.l.limit, 2);
    assert_int_equal(r.l.sums.n, 0);
    fill(&r);
    end_one(&r, CONCUR_OK, 0);  // no time measured
    assert_int_equal(r.l.settling, 2);
}

static void a_server_that_does_not_count_tokens_is_judged_by_latency(void **state)
{
    (void)state;
    struct rig r;
    open_rig(&r, 2, 16);
    r.tokens = -1;
    static const int limits[] = {4, 8, 16, 32, 16};
    for (size_t i = 0; i < sizeof(limits) / sizeof(limits[0]); i++) {
        assert_int_equal(work_on(&r), limits[i]);
    }
}

static void after_an_idle_time_it_measures_anew(void **state)
{
    (void)state;
    struct rig r;
    open_rig(&r, 2, 16);
    work_on(&r);
    work_on(&r);
    assert_int_equal(r.l.limit, 8);  // being tried; 4 is known
    work(&r, 12);
    assert_true(r.l.sums.n > 0);
    while (r.l.in_flight > 0) {
        answer_one(&r);
    }
    r.now_ms += 2000;
    fill(&r);
    assert_int_equal(r.l.limit, 8);  // a short pause
    while (r.l.in_flight > 0) {
        answer_one(&r);
    }
    r.now_ms += 2001;
    r.marks[0] = concur_began(&r.l, (int64_t)r.now_ms);
    assert_int_equal(r.l.limit, 4);
    assert_int_equal(r.l.sums.n, 0);
    assert_int_equal(work_on(&r), 8);
}

// ---- overload

static void an_overload_cuts_once_per_wave(void **state)
{
    (void)state;
    struct rig r;
    open_rig(&r, 32, 32);
    work(&r, 64);
    work_on(&r);
    assert_int_equal(r.l.limit, 32);  // 64 was no gain
    static const struct {
        int after_ms, limit;
    } rows[] = {{0, 22}, {1, 22}, {4998, 22}, {1, 15}, {4999, 15}, {1, 10}};
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        r.now_ms += rows[i].after_ms;
        fill(&r);
        end_one(&r, CONCUR_OVERLOAD, 5);
        assert_int_equal(r.l.limit, rows[i].limit);
        assert_int_equal(r.l.phase, CONCUR_CRUISE);
    }
}

static void a_ceiling_keeps_it_from_what_was_refused(void **state)
{
    (void)state;
    struct rig r;
    open_rig(&r, 16, 1000);
    work_on(&r);
    work_on(&r);
    assert_int_equal(r.l.limit, 64);
    fill(&r);
    end_one(&r, CONCUR_OVERLOAD, 5);
    assert_int_equal(r.l.limit, 32);  // the one that was measured, not 0.7 * 64
    int refused_at = 0;
    for (int i = 0; i < 200 && !refused_at; i++) {
        work(&r, 32);
        refused_at = r.l.limit > 51 ? i : 0;
    }
    assert_true(refused_at > 5);  // 0.8 * 64, and 5 % more per epoch: not at once
}

static void one_that_was_given_far_too_many_starts_low(void **state)
{
    (void)state;
    struct rig r;
    open_rig(&r, 256, 16);
    fill(&r);
    end_one(&r, CONCUR_OVERLOAD, 5);
    assert_int_equal(r.l.limit, 64);
    assert_int_equal(r.l.phase, CONCUR_START);
    r.now_ms += 5000;
    end_one(&r, CONCUR_OVERLOAD, 5);
    assert_int_equal(r.l.limit, 16);
    work(&r, 2000);
    assert_in_range(r.l.limit, 13, 20);
}

// ---- the server's own words

static void what_the_server_says_of_its_queue_binds_at_once(void **state)
{
    (void)state;
    struct rig r;
    open_rig(&r, 128, 8);
    fill(&r);
    concur_bind(&r.l, &r.config, 9);
    assert_int_equal(r.l.limit, 9);
    assert_int_equal(r.l.phase, CONCUR_CRUISE);
    for (int i = 0; i < 120; i++) {
        end_one(&r, CONCUR_OK, 16000);  // those sent before still end
    }
    work(&r, 2000);
    assert_in_range(r.l.limit, 7, 9);
    assert_in_range(concur_learned(&r.l), 7, 9);
    concur_bind(&r.l, &r.config, 0);
    r.slots = 32;
    work(&r, 4000);
    assert_in_range(concur_learned(&r.l), 26, 36);
}

static void a_bound_above_the_limit_only_stops_it(void **state)
{
    (void)state;
    struct rig r;
    open_rig(&r, 4, 64);
    concur_bind(&r.l, &r.config, 16);
    assert_int_equal(r.l.limit, 4);
    assert_int_equal(r.l.phase, CONCUR_START);
    work(&r, 2000);
    assert_in_range(r.l.limit, 12, 16);
    concur_resume(&r.l, &r.config);  // another server may be there now
    assert_int_equal(r.l.bound, 0);
}

// A try downwards is under way, from a limit that is no longer allowed.
static void a_bound_between_a_try_and_its_base_forgets_the_base(void **state)
{
    (void)state;
    struct rig r;
    open_rig(&r, 20, 16);
    while (r.l.phase != CONCUR_DOWN) {
        work_on(&r);
    }
    int bound = (r.l.limit + r.l.best) / 2;
    assert_true(r.l.limit < bound && bound < r.l.best);
    concur_bind(&r.l, &r.config, bound);
    for (int i = 0; i < 500; i++) {
        work(&r, 1);
        assert_true(r.l.limit <= bound);
    }
}

// ---- beginning anew

static void one_that_comes_back_gets_half(void **state)
{
    (void)state;
    struct rig r;
    open_rig(&r, 8, 64);
    work(&r, 2000);
    int learned = concur_learned(&r.l);
    assert_in_range(learned, 56, 72);
    int in_flight = r.l.in_flight;
    concur_resume(&r.l, &r.config);
    assert_int_equal(r.l.limit, learned / 2);
    assert_int_equal(r.l.in_flight, in_flight);  // they still end
    assert_int_equal(concur_learned(&r.l), 0);
    concur_restart(&r.l, &r.config);
    assert_int_equal(r.l.limit, 8);
    open_rig(&r, 1, 1);
    concur_resume(&r.l, &r.config);
    assert_int_equal(r.l.limit, 1);
}

static void phases_have_names(void **state)
{
    (void)state;
    assert_string_equal(concur_phase_name(CONCUR_START), "start");
    assert_string_equal(concur_phase_name(CONCUR_CRUISE), "cruise");
    assert_string_equal(concur_phase_name(CONCUR_UP), "up");
    assert_string_equal(concur_phase_name(CONCUR_DOWN), "down");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(it_doubles_and_then_goes_to_the_knee),
        cmocka_unit_test(the_first_look_at_a_limit_waits_for_the_old_load),
        cmocka_unit_test(it_stays_near_the_knee),
        cmocka_unit_test(tries_go_up_twice_and_down_once_and_end_where_they_began),
        cmocka_unit_test(what_the_server_says_bounds_it),
        cmocka_unit_test(it_goes_where_the_server_goes),
        cmocka_unit_test(a_faster_server_is_tried_with_more_at_once),
        cmocka_unit_test(too_few_to_be_held_back_tell_nothing),
        cmocka_unit_test(canceled_and_broken_ones_tell_nothing),
        cmocka_unit_test(a_server_that_does_not_count_tokens_is_judged_by_latency),
        cmocka_unit_test(after_an_idle_time_it_measures_anew),
        cmocka_unit_test(an_overload_cuts_once_per_wave),
        cmocka_unit_test(a_ceiling_keeps_it_from_what_was_refused),
        cmocka_unit_test(one_that_was_given_far_too_many_starts_low),
        cmocka_unit_test(what_the_server_says_of_its_queue_binds_at_once),
        cmocka_unit_test(a_bound_above_the_limit_only_stops_it),
        cmocka_unit_test(a_bound_between_a_try_and_its_base_forgets_the_base),
        cmocka_unit_test(one_that_comes_back_gets_half),
        cmocka_unit_test(phases_have_names),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
