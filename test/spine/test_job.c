// test_job.c -- the table of moves, the counted lists, the events.
// SPDX-License-Identifier: MIT
// clang-format off
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <cmocka.h>
// clang-format on
#include "spine/event.h"
#include "spine/job.h"

#include <string.h>

#define BIT(s) (1u << (s))

// Written down a second time on purpose: a change of the life of a job must be meant.
static const unsigned expected[JOB_STATES] = {
    [JOB_CLAIMED] = BIT(JOB_FETCHING) | BIT(JOB_INSPECTING),
    [JOB_FETCHING] = BIT(JOB_INSPECTING) | BIT(JOB_BACKOFF),
    [JOB_INSPECTING] = BIT(JOB_SCREENING) | BIT(JOB_PREPARING) | BIT(JOB_BACKOFF),
    [JOB_PREPARING] =
        BIT(JOB_COMPARING) | BIT(JOB_RECOGNISING) | BIT(JOB_WAITING) | BIT(JOB_BACKOFF),
    [JOB_COMPARING] = BIT(JOB_RECOGNISING) | BIT(JOB_WAITING) | BIT(JOB_BACKOFF),
    [JOB_RECOGNISING] = BIT(JOB_SCREENING) | BIT(JOB_PREPARING) | BIT(JOB_WAITING),
    [JOB_SCREENING] = BIT(JOB_PREPARING) | BIT(JOB_WAITING),
    [JOB_WAITING] = BIT(JOB_RECORDING) | BIT(JOB_ASKING) | BIT(JOB_PREPARING),
    [JOB_RECORDING] = BIT(JOB_WAITING) | BIT(JOB_BACKOFF),
    [JOB_ASKING] = BIT(JOB_BACKOFF) | BIT(JOB_WAITING) | BIT(JOB_PREPARING),
    [JOB_BACKOFF] = BIT(JOB_FETCHING) | BIT(JOB_INSPECTING) | BIT(JOB_PREPARING) |
                    BIT(JOB_COMPARING) | BIT(JOB_WAITING),
    [JOB_SAVING] = BIT(JOB_GONE),
    [JOB_RELEASING] = BIT(JOB_GONE),
};

static void moves_are_those_of_the_table(void **state)
{
    (void)state;
    for (int from = 0; from < JOB_STATES; from++) {
        unsigned may = expected[from];
        if (from < JOB_SAVING) {
            may |= BIT(JOB_RELEASING);
            may |= from == JOB_BACKOFF || from == JOB_RECORDING ? 0 : BIT(JOB_SAVING);
        }
        for (int to = 0; to < JOB_STATES; to++) {
            bool is_allowed = (may & BIT(to)) != 0;
            if (job_may_move((enum job_state)from, (enum job_state)to) != is_allowed) {
                fail_msg("%s -> %s", job_state_name((enum job_state)from),
                         job_state_name((enum job_state)to));
            }
        }
    }
}

static void a_move_keeps_the_counts_and_stamps_the_time(void **state)
{
    (void)state;
    struct job_lists l;
    struct store_job row = {.id = 7};
    job_lists_init(&l);
    struct job *j = job_new(&l, &row, 10);
    assert_int_equal(l.count[JOB_CLAIMED], 1);
    job_move(&l, j, JOB_INSPECTING, 25);
    assert_int_equal(l.count[JOB_CLAIMED], 0);
    assert_int_equal(l.count[JOB_INSPECTING], 1);
    assert_int_equal(l.total, 1);
    assert_int_equal(j->entered_ms[JOB_INSPECTING], 25);
    job_move(&l, j, JOB_RELEASING, 30);
    job_move(&l, j, JOB_GONE, 31);
    assert_int_equal(l.total, 0);
    for (int s = 0; s < JOB_STATES; s++) {
        assert_int_equal(l.count[s], 0);
        assert_true(list_is_empty(&l.head[s]));
    }
    job_free(j);
    job_free(NULL);
}

// ---- events

struct listener {
    struct events *events;
    struct vlmd_subscription *self, *other;
    int heard;
};

static void hear(void *arg, const struct vlmd_event *e)
{
    struct listener *l = arg;
    (void)e;
    l->heard++;
}

static void leave(void *arg, const struct vlmd_event *e)
{
    struct listener *l = arg;
    (void)e;
    l->heard++;
    event_unsubscribe(l->self);
}

static void silence_other(void *arg, const struct vlmd_event *e)
{
    struct listener *l = arg;
    (void)e;
    l->heard++;
    event_unsubscribe(l->other);
    l->other = NULL;
}

static void join(void *arg, const struct vlmd_event *e)
{
    struct listener *l = arg;
    (void)e;
    if (l->heard++ == 0) {
        event_subscribe(l->events, hear, l->other ? NULL : l);
    }
}

static void a_subscriber_may_leave_while_being_told(void **state)
{
    (void)state;
    struct events e;
    struct listener a = {.events = &e}, b = {.events = &e};
    event_init(&e);
    a.self = event_subscribe(&e, leave, &a);
    b.self = event_subscribe(&e, hear, &b);
    event_say(&e, VLMD_EVENT_NOTICE, NULL, NULL, "x", 0);
    event_say(&e, VLMD_EVENT_NOTICE, NULL, NULL, "x", 0);
    assert_int_equal(a.heard, 1);
    assert_int_equal(b.heard, 2);
    event_unsubscribe(b.self);
    assert_false(event_is_heard(&e));
    event_fini(&e);
}

static void one_taken_off_meanwhile_is_not_called(void **state)
{
    (void)state;
    struct events e;
    struct listener a = {.events = &e}, b = {.events = &e};
    event_init(&e);
    b.self = event_subscribe(&e, hear, &b);  // told last: new ones go to the front
    a.other = b.self;
    a.self = event_subscribe(&e, silence_other, &a);
    event_say(&e, VLMD_EVENT_NOTICE, NULL, NULL, "x", 0);
    assert_int_equal(a.heard, 1);
    assert_int_equal(b.heard, 0);
    event_fini(&e);
}

static void one_that_joins_meanwhile_hears_the_next(void **state)
{
    (void)state;
    struct events e;
    struct listener a = {.events = &e};
    event_init(&e);
    event_subscribe(&e, join, &a);
    event_say(&e, VLMD_EVENT_NOTICE, NULL, NULL, "x", 0);
    assert_int_equal(a.heard, 1);
    event_say(&e, VLMD_EVENT_NOTICE, NULL, NULL, "x", 0);
    assert_int_equal(a.heard, 3);
    event_fini(&e);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(moves_are_those_of_the_table),
        cmocka_unit_test(a_move_keeps_the_counts_and_stamps_the_time),
        cmocka_unit_test(a_subscriber_may_leave_while_being_told),
        cmocka_unit_test(one_taken_off_meanwhile_is_not_called),
        cmocka_unit_test(one_that_joins_meanwhile_hears_the_next),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
