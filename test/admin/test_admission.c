// test_admission.c -- turns: who is begun when, in fake time, with nothing real behind them.
// SPDX-License-Identifier: MIT
// clang-format off
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <cmocka.h>
// clang-format on
#include "admin_inside.h"
#include "share.h"

#include <string.h>

enum { MAX = 64, MS = 1000 };

static struct world {
    struct admin admin;
    int64_t now_us;     // both clocks
    int64_t answer_us;  // what an answer takes
    int64_t spent_us;   // on all of them
    bool is_describing;
    int n_working;
    int64_t wait_ms;  // of the timer; 0 = it is not running
    void (*on_due)(struct timer *t);
    bool is_resting;
    struct exchange *coming[MAX];  // are read by the next httpd_go_on
    int n_coming;
    struct exchange *begun[MAX];
    int n_begun;
    int turns;
    struct exchange *ahead;  // what share_ahead gives
    bool is_ahead_run, is_ahead_dropped;
} w;

// ---- what is around it

int __wrap_clock_gettime(clockid_t id, struct timespec *ts);

int __wrap_clock_gettime(clockid_t id, struct timespec *ts)
{
    (void)id;
    *ts = (struct timespec){.tv_sec = w.now_us / 1000000,
                            .tv_nsec = w.now_us % 1000000 * 1000};
    return 0;
}

struct loop *vlmd_loop(vlmd *v)
{
    (void)v;
    return NULL;
}

void vlmd_load(vlmd *v, struct vlmd_load *out)
{
    (void)v;
    *out = (struct vlmd_load){.is_describing = w.is_describing, .n_working = w.n_working};
}

void timer_open(struct timer *t, struct loop *l)
{
    (void)t;
    (void)l;
}

void timer_start(struct timer *t, int64_t ms, void (*on_due)(struct timer *t))
{
    assert_ptr_equal(t, &w.admin.admission.timer);
    assert_true(ms > 0);
    w.wait_ms = ms;
    w.on_due = on_due;
}

void timer_stop(struct timer *t)
{
    (void)t;
    w.wait_ms = 0;
}

bool timer_is_started(const struct timer *t)
{
    (void)t;
    return w.wait_ms > 0;
}

void timer_close(struct timer *t, void (*on_closed)(struct timer *t))
{
    w.wait_ms = 0;
    on_closed(t);
}

void httpd_stats(const struct httpd *h, struct httpd_stats *out)
{
    (void)h;
    *out = (struct httpd_stats){.spent_us = w.spent_us};
}

void httpd_rest(struct httpd *h)
{
    (void)h;
    w.is_resting = true;
}

void httpd_go_on(struct httpd *h)
{
    (void)h;
    w.is_resting = false;
    w.turns++;
    for (int i = 0; i < w.n_coming; i++) {
        admission_enter(w.coming[i]);
    }
    w.n_coming = 0;
}

bool share_ask(struct exchange *x)
{
    w.begun[w.n_begun++] = x;
    w.now_us += w.answer_us;
    w.spent_us += w.answer_us;
    return true;
}

struct exchange *share_ahead(struct admin *a)
{
    (void)a;
    struct exchange *x = w.ahead;
    w.ahead = NULL;
    return x;
}

void share_end_turn(struct admin *a)
{
    assert_false(a->admission.is_turn);
}

void exchange_run(struct exchange *x, void (*fn)(struct exchange *x))
{
    (void)x;
    (void)fn;
    w.is_ahead_run = true;
}

void exchange_drop(struct exchange *x)
{
    (void)x;
    w.is_ahead_dropped = true;
}

// ---- moves

static const struct vlmd_admin_config config = {.share_pct = 1};
static const struct route route = {.path = "/"};

static int set_up(void **state)
{
    (void)state;
    memset(&w, 0, sizeof(w));
    w.now_us = 5000000;
    w.answer_us = 1 * MS;
    w.is_describing = true;
    w.n_working = 2;
    w.admin.config = &config;
    admission_open(&w.admin);
    w.admin.admission.config.processors = 2;
    return 0;
}

static struct exchange make(void)
{
    return (struct exchange){.admin = &w.admin, .route = &route};
}

// As late as that after it was due.
static void timer_is_over(int64_t late_us)
{
    assert_true(w.wait_ms > 0);
    w.now_us += w.wait_ms * MS + late_us;
    w.wait_ms = 0;
    w.on_due(&w.admin.admission.timer);
}

// First what is asked ahead, then the turn; late_us after that one was due.
static void turn_is_due(int64_t late_us)
{
    timer_is_over(0);
    timer_is_over(late_us);
}

static int64_t until_turn_us(void)
{
    return w.admin.admission.due_us - w.now_us;
}

// Whoever asks in quiet times is begun at once; this spends what they have saved up.
static void spend_all(void)
{
    static struct exchange x;
    x = make();
    admission_enter(&x);
    assert_int_equal(w.n_begun, 1);
    w.spent_us += 60 * MS;
    w.n_begun = 0;
}

// ---- who is begun when

static void without_pictures_nobody_waits(void **state)
{
    (void)state;
    struct exchange x[20];
    w.is_describing = false;
    w.answer_us = 50 * MS;
    for (int i = 0; i < 20; i++) {
        x[i] = make();
        admission_enter(&x[i]);
        assert_int_equal(w.n_begun, i + 1);
    }
    assert_int_equal(w.wait_ms, 0);
    assert_false(w.is_resting);
}

static void what_is_spent_is_waited_for_together(void **state)
{
    (void)state;
    struct exchange a = make(), b = make(), c = make(), late = make();
    spend_all();
    admission_enter(&a);
    assert_int_equal(w.n_begun, 0);
    assert_in_range(until_turn_us(), 30 * MS, 42 * MS);
    assert_true(w.is_resting);
    admission_enter(&b);
    admission_enter(&c);
    w.coming[w.n_coming++] = &late;
    turn_is_due(0);
    assert_int_equal(w.n_begun, 4);
    assert_ptr_equal(w.begun[0], &a);
    assert_ptr_equal(w.begun[1], &b);
    assert_ptr_equal(w.begun[2], &c);
    assert_ptr_equal(w.begun[3], &late);  // just in time
    assert_int_equal(w.turns, 1);
}

static void who_leaves_is_not_begun(void **state)
{
    (void)state;
    struct exchange a = make(), b = make();
    spend_all();
    admission_enter(&a);
    admission_enter(&b);
    admission_leave(&a);
    admission_leave(&a);
    turn_is_due(0);
    assert_int_equal(w.n_begun, 1);
    assert_ptr_equal(w.begun[0], &b);
}

// From beginning to beginning, so that nobody waits for a long turn on top.
static void a_turn_is_part_of_the_wait(void **state)
{
    (void)state;
    struct exchange x[20];
    spend_all();
    x[0] = make();
    admission_enter(&x[0]);
    for (int turn = 0; turn < 5; turn++) {
        for (int i = 0; i < 10; i++) {
            x[i] = make();
            w.coming[w.n_coming++] = &x[i];
        }
        w.n_begun = 0;
        int64_t due_us = w.admin.admission.due_us;
        turn_is_due(0);
        assert_int_equal(w.n_begun, turn ? 10 : 11);
        assert_true(w.is_resting);
        assert_in_range(w.admin.admission.due_us - due_us, 35 * MS, 43 * MS);
    }
}

static void a_long_turn_leaves_half_of_the_time(void **state)
{
    (void)state;
    struct exchange x = make();
    spend_all();
    admission_enter(&x);
    w.answer_us = 100 * MS;
    turn_is_due(0);
    assert_in_range(until_turn_us(), 17 * MS, 18 * MS);
}

static void a_turn_of_nobody_is_the_last(void **state)
{
    (void)state;
    struct exchange x = make();
    spend_all();
    admission_enter(&x);
    turn_is_due(0);
    assert_true(w.is_resting);
    w.spent_us += 60 * MS;  // others' work, such as the end of an upload
    turn_is_due(0);
    assert_int_equal(w.turns, 2);
    assert_int_equal(w.wait_ms, 0);
    assert_false(w.is_resting);
}

// Nobody's work is in the way of who asks then.
static void turns_are_nearer_while_there_are_processors_to_spare(void **state)
{
    (void)state;
    static const struct {
        int n_working;
        int64_t apart_ms;  // in the end
    } rows[] = {{0, 25}, {1, 25}, {2, 42}, {3, 42}};
    struct exchange x = make();
    spend_all();
    w.answer_us = 10;
    admission_enter(&x);
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        w.n_working = rows[i].n_working;
        for (int turn = 0; turn < 16; turn++) {
            w.spent_us += 60 * MS;
            w.coming[w.n_coming++] = &x;
            turn_is_due(0);
        }
        assert_in_range(until_turn_us(), (rows[i].apart_ms - 1) * MS,
                        (rows[i].apart_ms + 1) * MS);
        w.n_begun = 0;
    }
}

// ---- what is asked ahead

static void begin_turn_with_ahead(struct exchange *ahead, struct exchange *waits)
{
    *ahead = *waits = make();
    spend_all();
    admission_enter(waits);
    w.ahead = ahead;
    timer_is_over(0);
    assert_true(w.is_ahead_run && w.is_ahead_dropped);
    assert_true(w.admin.admission.is_ahead);
    assert_int_equal(w.n_begun, 0);
    assert_int_equal(w.turns, 0);
}

static void it_is_asked_just_before_the_turn(void **state)
{
    (void)state;
    struct exchange ahead, a, b = make();
    begin_turn_with_ahead(&ahead, &a);
    assert_in_range(until_turn_us(), 3 * MS, 5 * MS);
    assert_in_range(w.wait_ms, 3, 5);
    admission_enter(&b);
    assert_int_equal(w.n_begun, 0);
    timer_is_over(0);
    assert_int_equal(w.n_begun, 2);
    assert_ptr_equal(w.begun[0], &a);
    assert_ptr_equal(w.begun[1], &b);
    assert_int_equal(w.turns, 1);
    assert_false(w.admin.admission.is_ahead);  // what comes now is late
}

// It was due long before it was looked at.
static void a_late_turn_is_not_put_off(void **state)
{
    (void)state;
    struct exchange x = make();
    spend_all();
    admission_enter(&x);
    timer_is_over(20 * MS);
    assert_int_equal(w.wait_ms, 1);
    timer_is_over(0);
    assert_int_equal(w.n_begun, 1);
}

// Closing takes until the loop has turned, and a timer may be over before.
static void a_server_that_closes_has_no_turns(void **state)
{
    (void)state;
    struct exchange ahead, x;
    begin_turn_with_ahead(&ahead, &x);
    w.admin.is_closing = true;
    admission_leave(&x);
    timer_is_over(0);
    assert_int_equal(w.turns, 0);
    w.admin.is_closing = false;
    x = make();
    spend_all();
    admission_enter(&x);
    w.admin.is_closing = true;
    admission_leave(&x);
    w.ahead = &ahead;
    w.is_ahead_run = false;
    timer_is_over(0);
    assert_false(w.is_ahead_run);
    assert_int_equal(w.wait_ms, 0);
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup(name, set_up)
    const struct CMUnitTest tests[] = {
        TEST(without_pictures_nobody_waits),
        TEST(what_is_spent_is_waited_for_together),
        TEST(who_leaves_is_not_begun),
        TEST(a_turn_is_part_of_the_wait),
        TEST(a_long_turn_leaves_half_of_the_time),
        TEST(a_turn_of_nobody_is_the_last),
        TEST(turns_are_nearer_while_there_are_processors_to_spare),
        TEST(it_is_asked_just_before_the_turn),
        TEST(a_late_turn_is_not_put_off),
        TEST(a_server_that_closes_has_no_turns),
    };
#undef TEST
    return cmocka_run_group_tests(tests, NULL, NULL);
}
