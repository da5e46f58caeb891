// test_histogram.c -- counts, percentiles and packing of log-linear histograms.
// SPDX-License-Identifier: MIT
#include "base/histogram.h"

#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

static struct histogram h;

static int set_up(void **state)
{
    (void)state;
    histogram_clear(&h);
    return 0;
}

static void small_values_are_exact(void **state)
{
    (void)state;
    for (int i = 1; i <= 16; i++) {
        histogram_clear(&h);
        histogram_add(&h, i);
        assert_int_equal(histogram_percentile(&h, 50), i);
        assert_int_equal(histogram_percentile(&h, 100), i);
        assert_int_equal(histogram_sum(&h), i);
    }
}

// Uniform values of any size: each percentile is within an eighth of the true one.
static void percentiles_are_at_most_an_eighth_off(void **state)
{
    (void)state;
    static const double pcts[] = {1, 50, 90, 95, 99, 99.9};
    for (int64_t unit = 1; unit < INT64_C(1) << 28; unit *= 37) {
        histogram_clear(&h);
        for (int i = 1; i <= 10000; i++) {
            histogram_add(&h, i * unit);
        }
        for (size_t k = 0; k < sizeof(pcts) / sizeof(pcts[0]); k++) {
            double truth = pcts[k] * 100 * (double)unit;
            double told = (double)histogram_percentile(&h, pcts[k]);
            assert_true(told > truth * 0.875 && told < truth * 1.125);
        }
    }
}

static void an_empty_one_knows_nothing(void **state)
{
    (void)state;
    assert_int_equal(histogram_percentile(&h, 50), 0);
    assert_int_equal(histogram_count(&h), 0);
    assert_int_equal(histogram_up_to(&h, INT64_MAX), 0);
}

static void bounds_are_exact_at_powers_of_two(void **state)
{
    (void)state;
    for (int i = 0; i < 40; i++) {
        histogram_add(&h, (INT64_C(1) << i) - 1);
        histogram_add(&h, INT64_C(1) << i);
        histogram_add(&h, (INT64_C(1) << i) + 1);
    }
    for (int i = 3; i < 40; i++) {
        // Three for each bit below, and this one's without the last.
        assert_int_equal(histogram_up_to(&h, INT64_C(1) << i), 3 * i + 2);
    }
    assert_int_equal(histogram_count(&h), 120);
}

static void extremes_are_kept_inside(void **state)
{
    (void)state;
    histogram_add(&h, -5);
    histogram_add(&h, 0);
    histogram_add(&h, INT64_MAX);
    assert_int_equal(histogram_count(&h), 3);
    assert_int_equal(histogram_up_to(&h, 1), 2);
    assert_int_equal(histogram_sum(&h), INT64_MAX);
    assert_true(histogram_percentile(&h, 100) > INT64_C(1) << 40);
}

static void packed_ones_add_up(void **state)
{
    (void)state;
    struct buf out;
    buf_init(&out, 1 << 16);
    histogram_add(&h, 3);
    histogram_add(&h, 123456);
    histogram_add(&h, INT64_MAX / 2);
    assert_int_equal(histogram_pack(&h, &out), 0);
    assert_true(out.len < 32);
    struct histogram *two = calloc(1, sizeof(*two));
    histogram_add(two, 123456);
    assert_int_equal(histogram_unpack(two, out.data, out.len), 0);
    assert_int_equal(histogram_count(two), 4);
    assert_int_equal(histogram_up_to(two, 131072), 3);
    assert_int_equal(histogram_sum(two), 3 + 2 * 123456 + INT64_MAX / 2);
    free(two);
    buf_fini(&out);
}

static void what_is_no_packed_one_changes_nothing(void **state)
{
    (void)state;
    static const struct {
        const char *data;
        size_t len;
    } rows[] = {
        {"", 0},
        {"\x02\x00", 2},              // another version
        {"\x01", 1},                  // no sum
        {"\x01\x05\x00", 3},          // a gap without a count
        {"\x01\x05\x80", 3},          // cut
        {"\x01\x05\xff\x7f\x01", 5},  // beyond the last bucket
        {"\x01\x05\xff\xff\xff\xff\xff\xff\xff\xff\xff\x7f\x01", 13},
    };
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        assert_int_equal(histogram_unpack(&h, (const uint8_t *)rows[i].data, rows[i].len),
                         E_FORMAT);
        assert_int_equal(histogram_count(&h), 0);
        assert_int_equal(histogram_sum(&h), 0);
    }
}

static void *add_many(void *arg)
{
    for (int i = 0; i < 100000; i++) {
        histogram_add(arg, i % 1000 + 1);
    }
    return NULL;
}

static void threads_lose_nothing(void **state)
{
    (void)state;
    pthread_t threads[4];
    for (int i = 0; i < 4; i++) {
        assert_int_equal(pthread_create(&threads[i], NULL, add_many, &h), 0);
    }
    for (int i = 0; i < 4; i++) {
        pthread_join(threads[i], NULL);
    }
    assert_int_equal(histogram_count(&h), 400000);
    assert_int_equal(histogram_sum(&h), 400 * INT64_C(500500));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup(small_values_are_exact, set_up),
        cmocka_unit_test_setup(percentiles_are_at_most_an_eighth_off, set_up),
        cmocka_unit_test_setup(an_empty_one_knows_nothing, set_up),
        cmocka_unit_test_setup(bounds_are_exact_at_powers_of_two, set_up),
        cmocka_unit_test_setup(extremes_are_kept_inside, set_up),
        cmocka_unit_test_setup(packed_ones_add_up, set_up),
        cmocka_unit_test_setup(what_is_no_packed_one_changes_nothing, set_up),
        cmocka_unit_test_setup(threads_lose_nothing, set_up),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
