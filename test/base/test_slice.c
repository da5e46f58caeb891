// test_slice.c -- a short slice is this thread's alone, and changes nothing else of it.
// SPDX-License-Identifier: MIT
#include "base/slice.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include <cmocka.h>
#include <pthread.h>
#include <sched.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <unistd.h>

struct seen {
    uint32_t size, policy;
    uint64_t flags;
    int32_t nice;
    uint32_t priority;
    uint64_t slice_ns, deadline_ns, period_ns;
};

static struct seen look(void)
{
    struct seen s = {.size = sizeof(s)};
    assert_int_equal(syscall(SYS_sched_getattr, 0, &s, sizeof(s), 0), 0);
    return s;
}

static void *look_here(void *out)
{
    *(struct seen *)out = look();
    return NULL;
}

static struct seen look_in_new_thread(void)
{
    struct seen s;
    pthread_t t;
    assert_int_equal(pthread_create(&t, NULL, look_here, &s), 0);
    assert_int_equal(pthread_join(t, NULL), 0);
    return s;
}

// An old kernel says 0 before and after.
static void it_is_short_and_the_niceness_stays(void **state)
{
    (void)state;
    assert_int_equal(setpriority(PRIO_PROCESS, 0, 3), 0);
    struct seen before = look();
    slice_make_short();
    struct seen after = look();
    assert_int_equal(after.policy, SCHED_OTHER);
    assert_int_equal(after.nice, 3);
    assert_int_equal(getpriority(PRIO_PROCESS, 0), 3);
    assert_int_equal(after.slice_ns, before.slice_ns ? 100000 : 0);
}

static void new_threads_have_the_usual_one(void **state)
{
    (void)state;
    struct seen usual = look_in_new_thread();
    slice_make_short();
    struct seen other = look_in_new_thread();
    assert_int_equal(other.nice, usual.nice);
    assert_true(other.slice_ns != 100000 || usual.slice_ns == 100000);
}

static void *as_batch(void *out)
{
    struct sched_param p = {0};
    assert_int_equal(sched_setscheduler(0, SCHED_BATCH, &p), 0);
    slice_make_short();
    *(struct seen *)out = look();
    return NULL;
}

static void another_policy_is_left_alone(void **state)
{
    (void)state;
    struct seen s;
    pthread_t t;
    assert_int_equal(pthread_create(&t, NULL, as_batch, &s), 0);
    assert_int_equal(pthread_join(t, NULL), 0);
    assert_int_equal(s.policy, SCHED_BATCH);
    assert_true(s.slice_ns != 100000);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(new_threads_have_the_usual_one),
        cmocka_unit_test(it_is_short_and_the_niceness_stays),
        cmocka_unit_test(another_policy_is_left_alone),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
