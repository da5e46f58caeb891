// test_settle.c -- the policy of "complete" as tables, and the memory of what was seen.
// SPDX-License-Identifier: MIT
#include "ingest/ingest_kit.h"

#include "ingest/seen.h"
#include "ingest/settle.h"

#include <sys/stat.h>

#define WALL INT64_C(1795255872000)
#define NOW  INT64_C(1000000)

// How a file came.
enum origin { MADE, CLOSED, RENAMED, SCANNED, POLLED };

struct row {
    enum origin origin;
    bool is_tracker;
    int code;
    bool has_tracker;
    int64_t quiet_ms;  // since the last event, or by the file's times for scans
    enum settle_verdict verdict;
    int64_t again_in_ms;
};

static const struct row rows[] = {
    // renamed in: at once, tracker or not
    {RENAMED, false, 0, false, 0, SETTLE_TAKE, 0},
    {RENAMED, true, 0, false, 0, SETTLE_TAKE, 0},
    {RENAMED, false, E_CUT, false, 0, SETTLE_WAIT, 300},
    {RENAMED, false, E_CUT, false, 60000, SETTLE_PROBLEM, 0},
    // closed: quiet first, unless it is marked as final
    {CLOSED, false, 0, false, 0, SETTLE_WAIT, 300},
    {CLOSED, false, 0, false, 299, SETTLE_WAIT, 1},
    {CLOSED, false, 0, false, 300, SETTLE_TAKE, 0},
    {CLOSED, false, 0, true, 0, SETTLE_TAKE, 0},
    {CLOSED, true, 0, false, 300, SETTLE_WAIT, 2200},
    {CLOSED, true, 0, false, 2500, SETTLE_TAKE, 0},
    {CLOSED, true, 0, true, 0, SETTLE_TAKE, 0},
    {CLOSED, false, E_CUT, false, 59999, SETTLE_WAIT, 1},
    {CLOSED, false, E_CUT, false, 60000, SETTLE_PROBLEM, 0},
    {CLOSED, false, E_FORMAT, false, 100, SETTLE_WAIT, 200},
    {CLOSED, false, E_FORMAT, false, 300, SETTLE_PROBLEM, 0},
    {CLOSED, false, E_ACCESS, false, 300, SETTLE_PROBLEM, 0},
    {CLOSED, false, E_IO, false, 300, SETTLE_WAIT, 300},
    {CLOSED, false, E_IO, false, 60000, SETTLE_PROBLEM, 0},
    // nothing to wait for
    {CLOSED, false, E_NOT_FOUND, false, 0, SETTLE_FORGET, 0},
    {MADE, false, E_NOT_FILE, false, 0, SETTLE_PROBLEM, 0},
    {MADE, false, E_OUTSIDE, false, 0, SETTLE_PROBLEM, 0},
    {SCANNED, false, E_TOOBIG, false, 0, SETTLE_PROBLEM, 0},
    // made and not closed: its writer may have it open
    {MADE, false, 0, false, 300, SETTLE_WAIT, 2200},
    {MADE, false, 0, true, 300, SETTLE_WAIT, 2200},
    {MADE, false, 0, false, 2500, SETTLE_TAKE, 0},
    {MADE, false, E_FORMAT, false, 2500, SETTLE_WAIT, 300},
    {MADE, false, E_FORMAT, false, 60000, SETTLE_PROBLEM, 0},
    // scans judge by the file's times
    {SCANNED, false, 0, false, 100, SETTLE_WAIT, 200},
    {SCANNED, false, 0, false, 300, SETTLE_TAKE, 0},
    {SCANNED, true, 0, false, 300, SETTLE_WAIT, 2200},
    {SCANNED, true, 0, true, 300, SETTLE_TAKE, 0},
    {SCANNED, false, E_CUT, false, 300, SETTLE_WAIT, 300},
    {SCANNED, false, E_CUT, false, 60000, SETTLE_PROBLEM, 0},
    {SCANNED, false, 0, false, -5000, SETTLE_WAIT, 300},  // a clock ahead of ours
    // ... but another machine's clock is not believed about the last minute
    {POLLED, false, 0, false, 30000, SETTLE_WAIT, 500},
    {POLLED, false, 0, false, 60000, SETTLE_TAKE, 0},
};

static struct look look_of(const struct row *r)
{
    bool is_scan = r->origin == SCANNED || r->origin == POLLED;
    int64_t changed_ns = (WALL - (is_scan ? r->quiet_ms : 0)) * 1000000;
    return (struct look){.code = r->code,
                         .has_tracker = r->has_tracker,
                         .version = {.dev = 1,
                                     .ino = 2,
                                     .size_bytes = 3,
                                     .mtime_ns = changed_ns,
                                     .ctime_ns = changed_ns,
                                     .mode = S_IFREG}};
}

static struct settle settle_of(const struct row *r)
{
    struct settle s = {.is_tracker = r->is_tracker};
    switch (r->origin) {
    case MADE: break;
    case CLOSED: s.is_closed = true; break;
    case RENAMED: s.is_renamed = true; break;
    case POLLED:
        s.is_polled = true;
        s.is_scanned = true;
        break;
    case SCANNED: s.is_scanned = true; break;
    }
    s.changed_at_ms = s.is_scanned ? NOW : NOW - r->quiet_ms;
    return s;
}

static void decides_by_the_table(void **state)
{
    (void)state;
    struct ingest_config c;
    ingest_config_default(&c);
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        struct settle s = settle_of(&rows[i]);
        struct look k = look_of(&rows[i]);
        int64_t again = NOW;
        enum settle_verdict v = settle_judge(&s, &k, &c, NOW, WALL, &again);
        if (v != rows[i].verdict || again - NOW != rows[i].again_in_ms) {
            fail_msg("row %zu: verdict %d again %lld", i, (int)v,
                     (long long)(again - NOW));
        }
    }
}

static void starts_over_when_something_changes(void **state)
{
    (void)state;
    struct ingest_config c;
    ingest_config_default(&c);
    struct settle s = {.is_closed = true, .changed_at_ms = NOW};
    struct row row = {CLOSED, false, 0, false, 0, SETTLE_WAIT, 0};
    struct look k = look_of(&row);
    int64_t again = 0;
    assert_int_equal(settle_judge(&s, &k, &c, NOW, WALL, &again), SETTLE_WAIT);
    k.version.size_bytes++;
    assert_int_equal(settle_judge(&s, &k, &c, NOW + 300, WALL, &again), SETTLE_WAIT);
    assert_int_equal(again, NOW + 600);
    k.version.ctime_ns++;
    assert_int_equal(settle_judge(&s, &k, &c, NOW + 600, WALL, &again), SETTLE_WAIT);
    settle_touch(&s, NOW + 800);
    assert_int_equal(settle_judge(&s, &k, &c, NOW + 900, WALL, &again), SETTLE_WAIT);
    assert_int_equal(again, NOW + 1100);
    assert_int_equal(settle_judge(&s, &k, &c, NOW + 1100, WALL, &again), SETTLE_TAKE);
}

static void looks_ever_more_rarely(void **state)
{
    (void)state;
    struct ingest_config c;
    ingest_config_default(&c);
    struct settle s = {.is_closed = true, .changed_at_ms = NOW};
    struct row row = {CLOSED, false, E_CUT, false, 0, SETTLE_WAIT, 0};
    struct look k = look_of(&row);
    int64_t now = NOW;
    int looks = 0;
    enum settle_verdict v;
    while ((v = settle_judge(&s, &k, &c, now, WALL, &now)) == SETTLE_WAIT) {
        looks++;
    }
    assert_int_equal(v, SETTLE_PROBLEM);
    assert_int_equal(now, NOW + c.give_up_ms);
    assert_in_range(looks, 10, 20);
}

static void knows_links_by_their_times(void **state)
{
    (void)state;
    struct ingest_config c;
    ingest_config_default(&c);
    struct settle s = {.changed_at_ms = NOW};
    struct row row = {MADE, false, 0, false, 0, SETTLE_WAIT, 0};
    struct look k = look_of(&row);
    k.version.mtime_ns -= 1000000;
    int64_t again = 0;
    assert_int_equal(settle_judge(&s, &k, &c, NOW, WALL, &again), SETTLE_WAIT);
    assert_int_equal(again, NOW + c.settle_ms);
}

static void remembers_a_bounded_number(void **state)
{
    (void)state;
    struct seen s = {.max = 1000};
    for (uint64_t k = 1; k <= 10000; k++) {
        struct file_version v = {.dev = 1, .ino = k};
        uint64_t key = seen_key_version(&v);
        assert_false(seen_has(&s, key));
        seen_add(&s, key);
        seen_add(&s, key);
        assert_true(seen_has(&s, key));
        // One that is asked for again and again stays.
        struct file_version first = {.dev = 1, .ino = 1};
        assert_true(seen_has(&s, seen_key_version(&first)));
    }
    assert_true(s.young.n <= 1000 && s.old.n <= 1000);
    assert_true(s.young.cap <= 2048 && s.old.cap <= 2048);
    struct file_version recent = {.dev = 1, .ino = 9500};
    struct file_version old = {.dev = 1, .ino = 5000};
    assert_true(seen_has(&s, seen_key_version(&recent)));
    assert_false(seen_has(&s, seen_key_version(&old)));
    seen_fini(&s);
    assert_false(seen_has(&s, seen_key_version(&recent)));
    seen_fini(&s);
}

static void tells_versions_apart(void **state)
{
    (void)state;
    struct file_version v = {
        .dev = 1, .ino = 2, .size_bytes = 3, .mtime_ns = 4, .ctime_ns = 5};
    uint64_t key = seen_key_version(&v);
    uint64_t problem = seen_key_problem(&v);
    assert_true(key && problem && key != problem);
    struct file_version w = v;
    w.ctime_ns = 6;
    assert_true(seen_key_version(&w) == key);      // a chmod is no new picture
    assert_true(seen_key_problem(&w) != problem);  // but worth another try
    assert_true(version_is_same(&v, &w));
    w.size_bytes = 4;
    assert_true(seen_key_version(&w) != key);
    assert_false(version_is_same(&v, &w));
    assert_true(seen_key_text("a", "bc") != seen_key_text("ab", "c"));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(decides_by_the_table),
        cmocka_unit_test(starts_over_when_something_changes),
        cmocka_unit_test(looks_ever_more_rarely),
        cmocka_unit_test(knows_links_by_their_times),
        cmocka_unit_test(remembers_a_bounded_number),
        cmocka_unit_test(tells_versions_apart),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
