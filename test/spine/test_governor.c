// test_governor.c -- what the machine's state means for the work; made-up /proc and /sys, a
// clock of the test.
// SPDX-License-Identifier: MIT
#include "governor.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>

struct rig {
    struct loop l;
    struct governor *g;
    struct governor_config c;
    struct governor_work w;
    int changes, looks;
    struct governor_state last;
    bool is_closed;
};

static char root[64], proc[80], sys[80];
static int64_t ahead_ms, wall_ms;

int64_t __real_loop_now_ms(const struct loop *l);
int64_t __wrap_loop_now_ms(const struct loop *l);
int64_t __wrap_loop_wall_ms(void);

int64_t __wrap_loop_now_ms(const struct loop *l)
{
    return __real_loop_now_ms(l) + ahead_ms;
}

int64_t __wrap_loop_wall_ms(void)
{
    return wall_ms;
}

// Makes the folders above it, too.
static void put(const char *path, const char *text)
{
    char full[512];
    snprintf(full, sizeof(full), "%s/%s", root, path);
    for (char *p = full + strlen(root) + 1; (p = strchr(p, '/')); p++) {
        *p = 0;
        mkdir(full, 0700);
        *p = '/';
    }
    FILE *f = fopen(full, "w");
    assert_non_null(f);
    fputs(text, f);
    fclose(f);
}

static void put_memory(int used_pct)
{
    char text[128];
    snprintf(text, sizeof(text), "MemTotal: 100000 kB\nMemAvailable: %d kB\n",
             (100 - used_pct) * 1000);
    put("proc/meminfo", text);
}

static void put_battery(bool is_draining)
{
    put("sys/class/power_supply/BAT0/type", "Battery\n");
    put("sys/class/power_supply/BAT0/capacity", "43\n");
    put("sys/class/power_supply/BAT0/status", is_draining ? "Discharging\n" : "Full\n");
}

static void on_change(void *arg, const struct governor_state *s)
{
    struct rig *r = arg;
    r->changes++;
    r->last = *s;
}

static void on_look(void *arg)
{
    ((struct rig *)arg)->looks++;
}

static void open_rig(struct rig *r)
{
    memset(r, 0, sizeof(*r));
    ahead_ms = 1000000;
    wall_ms = 1700000000000;
    snprintf(root, sizeof(root), "/tmp/test_governor.XXXXXX");
    assert_non_null(mkdtemp(root));
    snprintf(proc, sizeof(proc), "%s/proc", root);
    snprintf(sys, sizeof(sys), "%s/sys", root);
    put_memory(10);
    put_battery(false);
    pressure_config_default(&r->c.pressure);
    yield_config_default(&r->c.yield);
    r->c.proc = proc;
    r->c.sys = sys;
    r->w.has_work = true;
    assert_int_equal(loop_init(&r->l), 0);
}

static void start(struct rig *r)
{
    struct governor_events e = {r, on_change, on_look};
    assert_int_equal(governor_open(&r->g, &r->l, &r->c, &e), 0);
}

static void on_closed(void *arg)
{
    ((struct rig *)arg)->is_closed = true;
}

static void close_rig(struct rig *r)
{
    char command[128];
    governor_close(r->g, on_closed, r);
    uv_run(&r->l.uv, UV_RUN_DEFAULT);
    assert_true(r->is_closed);
    assert_int_equal(loop_fini(&r->l), 0);
    snprintf(command, sizeof(command), "rm -rf '%s'", root);
    assert_int_equal(system(command), 0);
}

// Time passes; when a look is due it is waited for.  Returns the next deadline, from now.
static int64_t pass_ms(struct rig *r, int64_t ms)
{
    ahead_ms += ms;
    wall_ms += ms;
    int before = r->looks;
    int64_t next = governor_tick(r->g, &r->w, loop_now_ms(&r->l));
    if (next != INT64_MAX) {
        return next - loop_now_ms(&r->l);
    }
    for (int i = 0; i < 1000 && r->looks == before; i++) {
        if (uv_run(&r->l.uv, UV_RUN_ONCE) == 0) {
            break;
        }
    }
    next = governor_tick(r->g, &r->w, loop_now_ms(&r->l));
    return next == INT64_MAX ? next : next - loop_now_ms(&r->l);
}

static void before_the_first_look_nothing_begins(void **state)
{
    (void)state;
    struct rig r;
    open_rig(&r);
    start(&r);
    assert_false(governor_is_known(r.g, loop_now_ms(&r.l)));
    pass_ms(&r, 0);
    assert_true(governor_is_known(r.g, loop_now_ms(&r.l)));
    assert_int_equal(r.looks, 1);
    assert_int_equal(r.changes, 0);  // all is as it was said to be
    assert_int_equal(governor_state(r.g)->mode, YIELD_NOT);
    close_rig(&r);
}

static void it_looks_only_while_there_is_work(void **state)
{
    (void)state;
    struct rig r;
    open_rig(&r);
    start(&r);
    r.w.has_work = false;
    assert_int_equal(governor_tick(r.g, &r.w, loop_now_ms(&r.l)), INT64_MAX);
    ahead_ms += 3600000;
    assert_int_equal(governor_tick(r.g, &r.w, loop_now_ms(&r.l)), INT64_MAX);
    assert_int_equal(r.looks, 0);
    r.w.has_work = true;
    int64_t next = pass_ms(&r, 0);
    assert_int_equal(r.looks, 1);
    assert_true(next > 4000 && next <= 5000);
    r.w.has_work = false;
    r.w.holds_model = true;
    next = pass_ms(&r, 1000);
    assert_true(next > 28000 && next <= 30000);
    close_rig(&r);
}

static void what_was_seen_grows_old(void **state)
{
    (void)state;
    struct rig r;
    open_rig(&r);
    start(&r);
    pass_ms(&r, 0);
    ahead_ms += 3600000;
    assert_false(governor_is_known(r.g, loop_now_ms(&r.l)));
    pass_ms(&r, 0);
    assert_true(governor_is_known(r.g, loop_now_ms(&r.l)));
    close_rig(&r);
}

static void on_battery_it_is_slow_and_says_so(void **state)
{
    (void)state;
    struct rig r;
    open_rig(&r);
    start(&r);
    pass_ms(&r, 0);
    put_battery(true);
    pass_ms(&r, 5000);
    assert_int_equal(r.changes, 1);
    assert_int_equal(r.last.mode, YIELD_SLOW);
    assert_int_equal(r.last.concurrency_pct, 0);
    assert_string_equal(r.last.why, "on battery (43 %)");
    put_battery(false);
    pass_ms(&r, 5000);
    assert_int_equal(r.last.mode, YIELD_NOT);
    assert_int_equal(r.last.concurrency_pct, 100);
    assert_string_equal(r.last.why, "");
    close_rig(&r);
}

static void memory_that_gets_short_stops_the_work(void **state)
{
    (void)state;
    struct rig r;
    open_rig(&r);
    start(&r);
    put_memory(85);
    pass_ms(&r, 0);
    assert_int_equal(r.last.pressure, PRESSURE_WARNING);
    assert_int_equal(r.last.mode, YIELD_NOT);
    assert_int_equal(r.last.cache_pct, 50);
    assert_int_equal(r.last.concurrency_pct, 50);
    put_memory(95);
    pass_ms(&r, 5000);
    assert_int_equal(r.last.mode, YIELD_PAUSE);
    assert_int_equal(r.last.cache_pct, 0);
    assert_true(r.last.unloads_idle);
    assert_non_null(strstr(r.last.why, "95 %"));
    put_memory(20);
    pass_ms(&r, 5000);
    assert_int_equal(r.last.mode, YIELD_PAUSE);  // not yet
    pass_ms(&r, 5000);
    pass_ms(&r, 5000);
    assert_int_equal(r.last.mode, YIELD_NOT);
    assert_int_equal(r.last.cache_pct, 100);
    close_rig(&r);
}

static void pressure_is_followed_to_its_end_without_work(void **state)
{
    (void)state;
    struct rig r;
    open_rig(&r);
    start(&r);
    put_memory(95);
    pass_ms(&r, 0);
    r.w.has_work = false;
    put_memory(20);
    int64_t next = pass_ms(&r, 1);
    assert_true(next > 0 && next <= 30000);
    pass_ms(&r, 30000);
    assert_int_equal(governor_state(r.g)->pressure, PRESSURE_CRITICAL);
    assert_int_equal(pass_ms(&r, 30000), INT64_MAX);
    assert_int_equal(governor_state(r.g)->pressure, PRESSURE_NORMAL);
    ahead_ms += 3600000;
    assert_int_equal(governor_tick(r.g, &r.w, loop_now_ms(&r.l)), INT64_MAX);
    assert_int_equal(r.looks, 3);
    close_rig(&r);
}

static void our_own_size_counts(void **state)
{
    (void)state;
    struct rig r;
    open_rig(&r);
    put("proc/self/statm", "500000 200000 0 0 0 0 0\n");  // 800 MB with pages of 4 KB
    start(&r);
    pass_ms(&r, 0);
    assert_int_equal(r.last.pressure, PRESSURE_CRITICAL);
    assert_int_equal(r.last.mode, YIELD_NOT);  // to stop would not make it smaller
    assert_int_equal(r.last.concurrency_pct, 0);
    assert_int_equal(r.last.cache_pct, 0);
    assert_false(r.last.unloads_idle);
    close_rig(&r);
}

static void a_named_program_pauses(void **state)
{
    (void)state;
    static const char *const names[] = {"blender", NULL};
    struct rig r;
    open_rig(&r);
    r.c.programs = names;
    start(&r);
    pass_ms(&r, 0);
    put("proc/500/stat", "500 (blender) S 1 1 1 0 -1 0 0 0 0 0 1 0 0 0\n");
    pass_ms(&r, 5000);
    assert_int_equal(r.last.mode, YIELD_PAUSE);
    assert_string_equal(r.last.why, "blender is running");
    close_rig(&r);
}

static void the_gpu_is_judged_only_when_it_is_not_ours(void **state)
{
    (void)state;
    struct rig r;
    open_rig(&r);
    r.c.yield.rule[YIELD_GPU] = YIELD_PAUSE;
    put("sys/class/drm/card0/device/gpu_busy_percent", "99\n");
    start(&r);
    r.w.asked_here = 1;
    pass_ms(&r, 0);
    assert_int_equal(r.changes, 0);
    r.w.asked_here = 0;
    pass_ms(&r, 5000);
    assert_int_equal(r.last.mode, YIELD_PAUSE);
    assert_string_equal(r.last.why, "other programs use 99 % of the GPU");
    close_rig(&r);
}

// A time window of one hour, two hours from now.
static void outside_its_hours_it_waits_for_them(void **state)
{
    (void)state;
    struct rig r;
    char window[32];
    const char *hours[] = {window, NULL};
    open_rig(&r);
    time_t at = (time_t)(wall_ms / 1000);
    struct tm tm;
    assert_non_null(localtime_r(&at, &tm));
    snprintf(window, sizeof(window), "%02d:00-%02d:00", (tm.tm_hour + 2) % 24,
             (tm.tm_hour + 3) % 24);
    r.c.hours = hours;
    start(&r);
    pass_ms(&r, 0);
    assert_int_equal(r.last.mode, YIELD_PAUSE);
    int64_t until = r.last.until_ms - wall_ms;
    assert_true(until > 3600000 && until <= 7200000);
    wall_ms += until;
    pass_ms(&r, 5000);
    assert_int_equal(r.last.mode, YIELD_NOT);
    close_rig(&r);
}

static void with_all_rules_off_it_never_looks(void **state)
{
    (void)state;
    struct rig r;
    open_rig(&r);
    memset(&r.c.yield, 0, sizeof(r.c.yield));
    r.c.pressure = (struct pressure_config){.warning_pct = 100, .critical_pct = 100};
    start(&r);
    assert_true(governor_is_known(r.g, loop_now_ms(&r.l)));
    assert_int_equal(governor_tick(r.g, &r.w, loop_now_ms(&r.l)), INT64_MAX);
    assert_int_equal(r.looks, 0);
    close_rig(&r);
}

static void closing_during_a_look_is_clean(void **state)
{
    (void)state;
    struct rig r;
    open_rig(&r);
    start(&r);
    governor_tick(r.g, &r.w, loop_now_ms(&r.l));
    close_rig(&r);
    assert_int_equal(r.looks, 0);
}

// A look is a thread's until it has ended: what it has found so far is not judged.
static void rules_that_change_during_a_look_are_judged_by_the_last(void **state)
{
    (void)state;
    struct rig r;
    open_rig(&r);
    start(&r);
    pass_ms(&r, 0);
    assert_int_equal(governor_state(r.g)->used_pct, 10);
    put_memory(97);
    ahead_ms += 60000;
    wall_ms += 60000;
    const int before = r.looks;
    assert_true(governor_tick(r.g, &r.w, loop_now_ms(&r.l)) == INT64_MAX);
    for (int i = 0; i < 200; i++) {  // while the thread is at it
        governor_configure(r.g, &r.c);
        assert_int_equal(governor_state(r.g)->used_pct, 10);
    }
    while (r.looks == before) {
        assert_int_not_equal(uv_run(&r.l.uv, UV_RUN_ONCE), 0);
    }
    assert_int_equal(governor_state(r.g)->used_pct, 97);
    close_rig(&r);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(rules_that_change_during_a_look_are_judged_by_the_last),
        cmocka_unit_test(before_the_first_look_nothing_begins),
        cmocka_unit_test(it_looks_only_while_there_is_work),
        cmocka_unit_test(what_was_seen_grows_old),
        cmocka_unit_test(on_battery_it_is_slow_and_says_so),
        cmocka_unit_test(memory_that_gets_short_stops_the_work),
        cmocka_unit_test(pressure_is_followed_to_its_end_without_work),
        cmocka_unit_test(our_own_size_counts),
        cmocka_unit_test(a_named_program_pauses),
        cmocka_unit_test(the_gpu_is_judged_only_when_it_is_not_ours),
        cmocka_unit_test(outside_its_hours_it_waits_for_them),
        cmocka_unit_test(with_all_rules_off_it_never_looks),
        cmocka_unit_test(closing_during_a_look_is_clean),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
