// test_schedule.c -- claims, leases, batches and stops on a real database; the backends'
// room and both clocks are the test's.
//
// The clocks are put on (-Wl,--wrap), so that a lease can run out without waiting for it.
// SPDX-License-Identifier: MIT
// clang-format off
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <cmocka.h>
// clang-format on
#include "spine/fake_organs.h"
#include "spine/schedule.h"
#include "store/pause.h"
#include "store/storekit.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { LEASE_MS = 120000, AHEAD = 3, SHED_MS = 60000 };

struct rig {
    struct fake f;
    struct kit k;
    struct schedule *s;
    int n_offered;
    // what dispatch says
    int capacity;
    bool has_model, uses_stand_in;
    char paused[32];
    int64_t dispatch_due_ms;
    int waiting;  // as dispatch was told
    // events
    int batches_ended, drained, presses, troubles;
    bool is_full, is_closed;
    bool is_unknown;  // may_begin
    int ticks;
    bool has_work;        // as on_tick was told
    int64_t tick_due_ms;  // what it gives
};

static struct rig *the_rig;
static int64_t mono_ahead_ms, wall_ahead_ms;

// ---- the clocks

int64_t __real_loop_now_ms(const struct loop *l);
int64_t __real_loop_wall_ms(void);
int64_t __wrap_loop_now_ms(const struct loop *l);
int64_t __wrap_loop_wall_ms(void);

int64_t __wrap_loop_now_ms(const struct loop *l)
{
    return __real_loop_now_ms(l) + mono_ahead_ms;
}

int64_t __wrap_loop_wall_ms(void)
{
    return __real_loop_wall_ms() + wall_ahead_ms;
}

static void pass_ms(int64_t ms)
{
    mono_ahead_ms += ms;
    wall_ahead_ms += ms;
}

// The machine sleeps: the monotonic clock stands still.
static void suspend_ms(int64_t ms)
{
    wall_ahead_ms += ms;
}

// ---- dispatch

int64_t dispatch_tick(struct dispatch *d, int64_t now_ms)
{
    (void)d;
    (void)now_ms;
    return the_rig->dispatch_due_ms;
}

void dispatch_note_waiting(struct dispatch *d, int n)
{
    (void)d;
    the_rig->waiting = n;
}

int dispatch_capacity(const struct dispatch *d)
{
    (void)d;
    return the_rig->capacity;
}

bool dispatch_has_model(const struct dispatch *d)
{
    (void)d;
    return the_rig->has_model;
}

bool dispatch_uses_stand_in(const struct dispatch *d)
{
    (void)d;
    return the_rig->uses_stand_in;
}

const char *dispatch_paused_because(const struct dispatch *d)
{
    (void)d;
    return the_rig->paused;
}

// ---- the organs that are real here

static int64_t organ_now_ms(void *ctx)
{
    (void)ctx;
    return loop_now_ms(the_rig->k.loop);
}

static int64_t organ_wall_ms(void *ctx)
{
    (void)ctx;
    return loop_wall_ms();
}

static void organ_save(void *ctx, struct store_save *r,
                       void (*done)(struct store_save *, int))
{
    (void)ctx;
    store_save(the_rig->k.store, r, done);
}

static void organ_release(void *ctx, struct store_release *r,
                          void (*done)(struct store_release *, int))
{
    (void)ctx;
    store_release(the_rig->k.store, r, done);
}

// ---- the rig

static void on_batch_ended(void *arg)
{
    ((struct rig *)arg)->batches_ended++;
}

static void on_drained(void *arg)
{
    ((struct rig *)arg)->drained++;
}

static void on_trouble(void *arg)
{
    ((struct rig *)arg)->troubles++;
}

static void on_pressure(void *arg, bool is_full)
{
    struct rig *r = arg;
    assert_int_not_equal(is_full, r->is_full);  // told when it changes, not more often
    r->is_full = is_full;
    r->presses++;
}

static int64_t on_tick(void *arg, int64_t now_ms, bool has_work)
{
    struct rig *r = arg;
    (void)now_ms;
    r->ticks++;
    r->has_work = has_work;
    return r->tick_due_ms;
}

static bool may_begin(void *arg)
{
    return !((struct rig *)arg)->is_unknown;
}

static int setup(void **state)
{
    struct rig *r = test_calloc(1, sizeof(*r));
    the_rig = r;
    mono_ahead_ms = wall_ahead_ms = 0;
    kit_init(&r->k);
    r->k.config.lease_ms = LEASE_MS;
    kit_must_open(&r->k);
    fake_init(&r->f);
    r->f.p.organs.now_ms = organ_now_ms;
    r->f.p.organs.wall_ms = organ_wall_ms;
    r->f.p.organs.save = organ_save;
    r->f.p.organs.release = organ_release;
    r->dispatch_due_ms = INT64_MAX;
    r->has_model = true;
    struct schedule_config c = {
        .prepare_ahead = AHEAD,
        .lease_ms = LEASE_MS,
        .poll_ms = 30000,
        .shed_after_ms = SHED_MS,
    };
    struct schedule_events e = {.arg = r,
                                .on_batch_ended = on_batch_ended,
                                .on_drained = on_drained,
                                .on_pressure = on_pressure,
                                .on_trouble = on_trouble,
                                .on_tick = on_tick,
                                .may_begin = may_begin};
    r->tick_due_ms = INT64_MAX;
    assert_int_equal(schedule_open(&r->s, r->k.loop, r->k.store, &r->f.p, NULL, &c, &e),
                     0);
    *state = r;
    return 0;
}

#define SPIN_UNTIL(r, condition)                                                         \
    while (!(condition)) {                                                               \
        uv_run(&(r)->k.loop->uv, UV_RUN_ONCE);                                           \
    }

static void on_closed(void *arg)
{
    ((struct rig *)arg)->is_closed = true;
}

// What the fakes were asked for ends, until every job has come to an end.
static void drain(struct rig *r)
{
    schedule_stop(r->s, true);
    while (!r->drained) {
        while (r->f.n_pending) {
            fake_end(&r->f, fake_waits_for(&r->f), E_CANCELED);
        }
        uv_run(&r->k.loop->uv, UV_RUN_ONCE);
    }
}

static int teardown(void **state)
{
    struct rig *r = *state;
    drain(r);
    fake_fini(&r->f);
    schedule_close(r->s, on_closed, r);
    SPIN_UNTIL(r, r->is_closed);
    kit_fini(&r->k);
    test_free(r);
    return 0;
}

static bool offer_one(struct rig *r)
{
    char path[64];
    snprintf(path, sizeof(path), "shot-%d.png", r->n_offered);
    struct sighting s = {.root = "/shots", .path = path, .size_bytes = 100};
    bool is_taken = schedule_offer(r->s, &s, STORE_BACKFILL);
    r->n_offered += is_taken;
    return is_taken;
}

static void offer(struct rig *r, int n)
{
    while (n-- > 0) {
        assert_true(offer_one(r));
    }
}

static int n_jobs(const struct rig *r)
{
    return r->f.p.jobs.total;
}

static int n_asking(const struct rig *r)
{
    return r->f.p.jobs.count[JOB_ASKING];
}

// Everything prepared, as far as it was claimed.
static void prepare(struct rig *r)
{
    static const enum fake_call steps[] = {FAKE_INSPECT, FAKE_PREPARE, FAKE_COMPARE};
    for (size_t i = 0; i < sizeof(steps) / sizeof(steps[0]); i++) {
        while (fake_pending_of(&r->f, steps[i])) {
            fake_end(&r->f, steps[i], 0);
        }
    }
}

static void answer(struct rig *r, bool is_degraded)
{
    ((struct ask *)fake_req(&r->f, FAKE_ASK))->is_degraded = is_degraded;
    fake_end(&r->f, FAKE_ASK, 0);
}

static int64_t count(struct rig *r, const char *where)
{
    char sql[200];
    snprintf(sql, sizeof(sql), "SELECT count(*) FROM job WHERE %s", where);
    return kit_sql_int(&r->k, sql);
}

// Lets everything happen that is due, writes of the database included.
static void settle(struct rig *r)
{
    for (int i = 0; i < 4; i++) {
        schedule_before_sleep(r->s);
        struct store_publish last = {.status = "{}"};  // behind all others
        assert_int_equal(kit_publish(&r->k, &last), 0);
    }
}

// It is quiet now, and what comes next is not before ms from now.
static void expect_sleep_of_ms(struct rig *r, int ms)
{
    settle(r);
    schedule_before_sleep(r->s);
    int wait = uv_backend_timeout(&r->k.loop->uv);
    assert_true(wait < 0 || wait > ms);
}

static void start(struct rig *r, int capacity, int n)
{
    r->capacity = capacity;
    offer(r, n);
    schedule_start(r->s);
    if (capacity) {
        int most = capacity + (capacity > AHEAD ? capacity : AHEAD);
        SPIN_UNTIL(r, n_jobs(r) == (n < most ? n : most));
    }
}

// ---- claims

static void claims_follow_the_room(void **state)
{
    struct rig *r = *state;
    start(r, 2, 20);
    assert_int_equal(n_jobs(r), 2 + AHEAD);
    prepare(r);
    assert_int_equal(n_asking(r), 2 + AHEAD);  // the fake takes all
    answer(r, false);
    answer(r, false);
    SPIN_UNTIL(r, r->f.n_ended == 2 && n_jobs(r) == 2 + AHEAD);
    r->capacity = 10;
    schedule_wake(r->s);
    SPIN_UNTIL(r, n_jobs(r) == 18);
}

static void nothing_is_claimed_without_room(void **state)
{
    struct rig *r = *state;
    start(r, 0, 5);
    SPIN_UNTIL(r, count(r, "1") == 5);
    expect_sleep_of_ms(r, 5000);
    assert_int_equal(count(r, "state = 1"), 0);
    r->capacity = 1;
    schedule_wake(r->s);
    SPIN_UNTIL(r, n_jobs(r) == 1 + AHEAD);
}

static void nothing_is_claimed_while_nothing_can_be_saved(void **state)
{
    struct rig *r = *state;
    snprintf(r->f.p.trouble, sizeof(r->f.p.trouble), "no space");
    offer(r, 5);
    r->capacity = 1;
    schedule_start(r->s);
    SPIN_UNTIL(r, count(r, "1") == 5);
    expect_sleep_of_ms(r, 5000);
    assert_int_equal(count(r, "state = 1"), 0);
    assert_string_equal(schedule_paused_because(r->s), "no space");
    r->f.p.trouble[0] = 0;
    schedule_wake(r->s);
    SPIN_UNTIL(r, n_jobs(r) == 1 + AHEAD);
}

static void an_idle_one_sleeps_until_the_next_look(void **state)
{
    struct rig *r = *state;
    start(r, 1, 0);
    expect_sleep_of_ms(r, 25000);
    kit_offer(&r->k, "/shots/of-another-process.png", 100, 0);
    pass_ms(30001);
    SPIN_UNTIL(r, n_jobs(r) == 1);
}

// ---- leases

static void leases_are_renewed_in_time(void **state)
{
    struct rig *r = *state;
    start(r, 1, 2);
    for (int i = 0; i < 5; i++) {
        int64_t before = kit_sql_int(&r->k, "SELECT min(lease_until) FROM job");
        pass_ms(LEASE_MS / 3 + 1);
        SPIN_UNTIL(r, kit_sql_int(&r->k, "SELECT min(lease_until) FROM job") > before);
    }
    assert_int_equal(n_jobs(r), 2);
    assert_int_equal(count(r, "claims = 1"), 2);
}

static void a_lost_lease_ends_its_job_only(void **state)
{
    struct rig *r = *state;
    start(r, 1, 3);
    prepare(r);
    kit_sql(&r->k, "UPDATE job SET state = 2, outcome = 6, owner = 0, lease_until = 0"
                   " WHERE path LIKE '%-1.png'");
    pass_ms(LEASE_MS / 3 + 1);
    SPIN_UNTIL(r, r->f.cancels == 1);
    assert_int_equal(n_jobs(r), 3);
    for (int i = 0; i < r->f.n_pending; i++) {
        if (r->f.pending[i].is_cancelled) {
            struct fake_pending p = r->f.pending[i];
            r->f.pending[i] = r->f.pending[--r->f.n_pending];
            p.done(p.req, E_CANCELED);
        }
    }
    SPIN_UNTIL(r, n_jobs(r) == 2);  // what was sent is written down first
    assert_int_equal(count(r, "state = 2 AND outcome = 6"), 1);
    assert_int_equal(count(r, "state = 1"), 2);
}

static void its_own_pictures_are_not_claimed_again_after_a_suspension(void **state)
{
    struct rig *r = *state;
    start(r, 1, 2);
    prepare(r);
    suspend_ms(LEASE_MS * 10);
    schedule_wake(r->s);
    offer(r, 1);
    SPIN_UNTIL(r, n_jobs(r) >= 3);
    assert_int_equal(count(r, "claims = 1 AND state = 1"), 3);
    assert_int_equal(n_asking(r), 2);
}

// ---- batches

static int64_t open_batch(struct rig *r)
{
    struct store_batch b = {.key = "k"};
    assert_int_equal(kit_batch(&r->k, &b), 0);
    schedule_set_batch(r->s, b.id);
    return b.id;
}

static void a_batch_ends_with_its_last_member(void **state)
{
    struct rig *r = *state;
    kit_offer(&r->k, "/shots/none-of-its-own.png", 100, 0);
    open_batch(r);
    start(r, 1, 2);
    prepare(r);
    answer(r, false);
    answer(r, false);
    SPIN_UNTIL(r, r->f.n_ended == 2);
    expect_sleep_of_ms(r, 100);
    assert_int_equal(r->batches_ended, 0);  // more input may come
    schedule_input_ended(r->s);
    SPIN_UNTIL(r, r->batches_ended == 1);
    assert_int_equal(count(r, "state = 0"), 1);
    expect_sleep_of_ms(r, 5000);
    assert_int_equal(r->batches_ended, 1);
}

static void a_batch_may_have_a_tier(void **state)
{
    struct rig *r = *state;
    schedule_configure(r->s, &(struct schedule_config){.prepare_ahead = AHEAD,
                                                       .lease_ms = LEASE_MS,
                                                       .batch_tier = "deep"});
    start(r, 1, 0);
    offer(r, 1);
    SPIN_UNTIL(r, count(r, "own_tier = ''") == 1);
    open_batch(r);
    offer(r, 1);
    SPIN_UNTIL(r, count(r, "own_tier = 'deep'") == 1);
    assert_int_equal(count(r, "own_tier = ''"), 1);
}

static void an_empty_batch_ends(void **state)
{
    struct rig *r = *state;
    open_batch(r);
    start(r, 0, 0);
    schedule_input_ended(r->s);
    SPIN_UNTIL(r, r->batches_ended == 1);
}

static void a_batch_waits_for_members_that_others_hold(void **state)
{
    struct rig *r = *state;
    struct kit other = r->k;
    kit_must_open(&other);
    int64_t id = open_batch(r);
    struct store_item item = {.path = "/shots/theirs.png", .size_bytes = 100};
    assert_int_equal(kit_offer_item(&r->k, &item, id), 0);
    int64_t theirs = kit_claim_one(&other);
    start(r, 1, 1);
    schedule_input_ended(r->s);
    prepare(r);
    answer(r, false);
    SPIN_UNTIL(r, r->f.n_ended == 1);
    expect_sleep_of_ms(r, 100);
    assert_int_equal(r->batches_ended, 0);
    struct store_save s = {.id = theirs, .outcome = STORE_FAILED, .code = E_CORRUPT};
    assert_int_equal(kit_save(&other, &s), 0);
    SPIN_UNTIL(r, r->batches_ended == 1);
    kit_close(&other);
}

// ---- input

static void pressure_is_told_and_ends(void **state)
{
    struct rig *r = *state;
    offer(r, 3 * STORE_MAX_OFFER);
    assert_false(r->is_full);
    offer(r, 1);
    assert_true(r->is_full);
    schedule_start(r->s);
    SPIN_UNTIL(r, !r->is_full);
    SPIN_UNTIL(r, count(r, "1") == 3 * STORE_MAX_OFFER + 1);
    assert_int_equal(r->presses, 2);
}

static void a_full_buffer_says_so_and_loses_nothing_it_took(void **state)
{
    struct rig *r = *state;
    while (offer_one(r)) {
    }
    assert_true(r->n_offered >= 16 * STORE_MAX_OFFER);
    SPIN_UNTIL(r, !r->is_full);
    assert_true(offer_one(r));
    SPIN_UNTIL(r, count(r, "1") == r->n_offered);
}

static void a_stop_keeps_what_was_offered(void **state)
{
    struct rig *r = *state;
    offer(r, 3 * STORE_MAX_OFFER);
    drain(r);
    assert_int_equal(count(r, "state = 0"), 3 * STORE_MAX_OFFER);
    assert_false(offer_one(r));
}

// ---- pauses, stops

static void a_stop_gives_all_back(void **state)
{
    struct rig *r = *state;
    start(r, 2, 9);
    prepare(r);
    drain(r);
    assert_int_equal(r->drained, 1);
    assert_int_equal(count(r, "state = 0 AND claims = 0"), 9);
}

static void a_stop_waits_for_what_is_asked(void **state)
{
    struct rig *r = *state;
    start(r, 1, 1);
    prepare(r);
    schedule_stop(r->s, false);
    expect_sleep_of_ms(r, 1000);
    assert_int_equal(r->drained, 0);
    answer(r, false);
    SPIN_UNTIL(r, r->drained);
    assert_int_equal(count(r, "outcome = 1"), 1);
}

static void a_claim_under_way_at_a_stop_is_given_back(void **state)
{
    struct rig *r = *state;
    r->capacity = 1;
    offer(r, 1);
    SPIN_UNTIL(r, count(r, "1") == 1);
    schedule_start(r->s);
    schedule_before_sleep(r->s);  // the claim is on its way
    schedule_stop(r->s, true);
    SPIN_UNTIL(r, r->drained);
    assert_int_equal(count(r, "state = 0 AND claims = 0"), 1);
}

static void a_long_pause_gives_back_and_sleeps(void **state)
{
    struct rig *r = *state;
    start(r, 1, 2);
    r->f.ask_rc = E_BUSY;
    prepare(r);
    r->capacity = 0;
    expect_sleep_of_ms(r, 5000);
    assert_int_equal(n_jobs(r), 2);
    pass_ms(SHED_MS + 1);
    SPIN_UNTIL(r, n_jobs(r) == 0);
    SPIN_UNTIL(r, count(r, "state = 0 AND claims = 0") == 2);
    expect_sleep_of_ms(r, 5000);
    r->capacity = 1;
    schedule_wake(r->s);
    SPIN_UNTIL(r, n_jobs(r) == 2);
}

// ---- stand-ins

// One that OCR described.
static void describe_by_stand_in(struct rig *r)
{
    r->has_model = false;
    r->uses_stand_in = r->f.uses_stand_in = r->f.makes_luma = true;
    start(r, 1, 1);
    prepare(r);
    answer(r, true);
    SPIN_UNTIL(r, r->f.n_ended == 1);
    assert_int_equal(count(r, "is_degraded = 1 AND state = 2"), 1);
}

static void model_appears(struct rig *r)
{
    r->has_model = true;
    r->uses_stand_in = r->f.uses_stand_in = false;
    schedule_upgrade(r->s);
    schedule_wake(r->s);
}

static void a_model_describes_anew_what_ocr_described(void **state)
{
    struct rig *r = *state;
    describe_by_stand_in(r);
    model_appears(r);
    SPIN_UNTIL(r, n_jobs(r) == 1);
    prepare(r);
    answer(r, false);
    SPIN_UNTIL(r, r->f.n_ended == 2);
    assert_int_equal(count(r, "is_degraded = 0 AND state = 2"), 1);
}

static void what_waits_for_a_model_makes_room_when_ocr_serves_again(void **state)
{
    struct rig *r = *state;
    describe_by_stand_in(r);
    model_appears(r);
    SPIN_UNTIL(r, n_jobs(r) == 1);
    r->f.ask_rc = E_BUSY;  // and is gone again
    prepare(r);
    assert_int_equal(r->f.p.jobs.count[JOB_WAITING], 1);
    r->has_model = false;
    r->uses_stand_in = true;
    SPIN_UNTIL(r, n_jobs(r) == 0);
    assert_int_equal(count(r, "is_degraded = 1 AND state = 0 AND claims = 0"), 1);
    expect_sleep_of_ms(r, 5000);  // it is not claimed again and again
}

static void asking_anew_is_tried_again_when_the_database_refuses(void **state)
{
    struct rig *r = *state;
    describe_by_stand_in(r);
    kit_sql(&r->k, "CREATE TRIGGER no BEFORE UPDATE ON job BEGIN"
                   " SELECT raise(ABORT, 'not now'); END");
    model_appears(r);
    expect_sleep_of_ms(r, 1000);
    assert_int_equal(count(r, "state = 2"), 1);
    kit_sql(&r->k, "DROP TRIGGER no");
    pass_ms(2001);
    SPIN_UNTIL(r, n_jobs(r) == 1);
}

static void a_database_that_refuses_is_a_pause_told_once(void **state)
{
    struct rig *r = *state;
    start(r, 1, 0);
    kit_sql(&r->k, "CREATE TRIGGER no BEFORE INSERT ON job BEGIN"
                   " SELECT raise(ABORT, 'not now'); END");
    offer(r, 1);
    for (int i = 0; i < 4; i++) {
        expect_sleep_of_ms(r, 1000);  // and not again at once
        assert_int_equal(r->troubles, 1);
        assert_non_null(strstr(schedule_paused_because(r->s), "not now"));
        pass_ms(2001);
    }
    kit_sql(&r->k, "DROP TRIGGER no");
    pass_ms(2001);
    SPIN_UNTIL(r, n_jobs(r) == 1);
    assert_int_equal(r->troubles, 2);
    assert_string_equal(schedule_paused_because(r->s), "");
}

// Each of them holds its whole picture in grey.
static void few_wait_for_their_text_to_be_read(void **state)
{
    struct rig *r = *state;
    r->f.p.config.reads_text_always = r->f.makes_luma = true;
    r->capacity = 32;
    offer(r, 100);
    schedule_start(r->s);
    SPIN_UNTIL(r, n_jobs(r) > 0);
    settle(r);
    prepare(r);
    settle(r);
    assert_in_range(n_jobs(r), 1, 8);
    for (int i = 0; i < 20; i++) {
        fake_end(&r->f, FAKE_RECOGNISE, 0);  // goes on to be asked
        settle(r);
        prepare(r);
    }
    assert_int_equal(n_asking(r), 20);
    assert_in_range(n_jobs(r), 21, 28);
}

#define T(f) cmocka_unit_test_setup_teardown(f, setup, teardown)

// ---- work that is held back

static void set_pause(struct rig *r, int64_t until_ms)
{
    struct store_pause p = {.until_ms = until_ms};
    assert_int_equal(kit_pause(&r->k, &p), 0);
}

static void a_pause_in_the_database_is_obeyed_and_its_end_noticed(void **state)
{
    struct rig *r = *state;
    set_pause(r, STORE_PAUSED_FOR_GOOD);
    start(r, 2, 0);
    offer(r, 5);
    SPIN_UNTIL(r, count(r, "1") == 5);
    settle(r);
    assert_int_equal(n_jobs(r), 0);
    assert_non_null(strstr(schedule_paused_because(r->s), "you paused it"));
    assert_int_equal(schedule_paused_until_ms(r->s), INT64_MAX);
    assert_int_equal(r->troubles, 1);
    set_pause(r, 0);
    pass_ms(2100);  // nobody told this process
    SPIN_UNTIL(r, n_jobs(r) == 5);
    assert_string_equal(schedule_paused_because(r->s), "");
    assert_int_equal(r->troubles, 2);
}

static void a_pause_ends_when_its_time_is_over(void **state)
{
    struct rig *r = *state;
    set_pause(r, loop_wall_ms() + 3600000);
    start(r, 2, 0);
    offer(r, 5);
    SPIN_UNTIL(r, count(r, "1") == 5);
    settle(r);
    pass_ms(3500000);
    settle(r);
    assert_int_equal(n_jobs(r), 0);
    pass_ms(110000);
    SPIN_UNTIL(r, n_jobs(r) == 5);
}

static void a_pause_gives_back_what_waits(void **state)
{
    struct rig *r = *state;
    start(r, 2, 20);
    r->f.ask_rc = E_BUSY;
    prepare(r);
    assert_int_equal(r->f.p.jobs.count[JOB_WAITING], 5);
    set_pause(r, STORE_PAUSED_FOR_GOOD);
    r->capacity = 4;
    schedule_wake(r->s);
    SPIN_UNTIL(r, n_jobs(r) == 0);
    assert_int_equal(count(r, "state = 0"), 20);
}

static void paused_with_nothing_to_do_it_sleeps(void **state)
{
    struct rig *r = *state;
    set_pause(r, STORE_PAUSED_FOR_GOOD);
    start(r, 2, 0);
    settle(r);
    expect_sleep_of_ms(r, 20000);
}

static void eased_to_a_pause_nothing_new_begins(void **state)
{
    struct rig *r = *state;
    start(r, 2, 20);
    prepare(r);
    schedule_ease(r->s, YIELD_PAUSE, "on battery (43 %)", 1234);
    answer(r, false);
    answer(r, false);
    SPIN_UNTIL(r, r->f.n_ended == 2);
    settle(r);
    assert_int_equal(n_jobs(r), 3);
    assert_string_equal(schedule_paused_because(r->s), "on battery (43 %)");
    assert_int_equal(schedule_paused_until_ms(r->s), 1234);
    assert_true(r->has_work);  // so that somebody looks when it is over
    schedule_ease(r->s, YIELD_NOT, "", 0);
    SPIN_UNTIL(r, n_jobs(r) == 5);
    assert_string_equal(schedule_paused_because(r->s), "");
}

static void slow_is_one_at_a_time_and_only_for_a_person(void **state)
{
    struct rig *r = *state;
    schedule_ease(r->s, YIELD_SLOW, "on battery", 0);
    start(r, 0, 5);
    r->capacity = 4;
    SPIN_UNTIL(r, count(r, "1") == 5);
    settle(r);
    assert_int_equal(n_jobs(r), 0);
    assert_string_equal(schedule_paused_because(r->s), "");
    assert_true(r->has_work);
    struct sighting s = {.root = "/shots", .path = "now.png", .size_bytes = 1};
    assert_true(schedule_offer(r->s, &s, STORE_INTERACTIVE));
    s.path = "also-now.png";
    assert_true(schedule_offer(r->s, &s, STORE_INTERACTIVE));
    SPIN_UNTIL(r, n_jobs(r) == 1);
    settle(r);
    assert_int_equal(n_jobs(r), 1);
    prepare(r);
    answer(r, false);
    SPIN_UNTIL(r, r->f.n_ended == 1 && n_jobs(r) == 1);
    prepare(r);
    answer(r, false);
    SPIN_UNTIL(r, r->f.n_ended == 2);
    settle(r);
    assert_int_equal(count(r, "state = 0"), 5);
    schedule_ease(r->s, YIELD_NOT, "", 0);
    SPIN_UNTIL(r, n_jobs(r) == 5);
}

static void nothing_begins_before_the_machine_was_looked_at(void **state)
{
    struct rig *r = *state;
    r->is_unknown = true;
    start(r, 0, 5);
    r->capacity = 2;
    SPIN_UNTIL(r, count(r, "1") == 5);
    settle(r);
    assert_int_equal(n_jobs(r), 0);
    assert_true(r->ticks > 0 && r->has_work);
    r->is_unknown = false;
    SPIN_UNTIL(r, n_jobs(r) == 5);
}

static void dispatch_hears_how_many_wait(void **state)
{
    struct rig *r = *state;
    start(r, 2, 20);
    settle(r);
    assert_int_equal(r->waiting, 5);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        T(claims_follow_the_room),
        T(a_pause_in_the_database_is_obeyed_and_its_end_noticed),
        T(a_pause_ends_when_its_time_is_over),
        T(a_pause_gives_back_what_waits),
        T(paused_with_nothing_to_do_it_sleeps),
        T(eased_to_a_pause_nothing_new_begins),
        T(slow_is_one_at_a_time_and_only_for_a_person),
        T(nothing_begins_before_the_machine_was_looked_at),
        T(dispatch_hears_how_many_wait),
        T(nothing_is_claimed_without_room),
        T(nothing_is_claimed_while_nothing_can_be_saved),
        T(an_idle_one_sleeps_until_the_next_look),
        T(leases_are_renewed_in_time),
        T(a_lost_lease_ends_its_job_only),
        T(its_own_pictures_are_not_claimed_again_after_a_suspension),
        T(a_batch_ends_with_its_last_member),
        T(an_empty_batch_ends),
        T(a_batch_may_have_a_tier),
        T(a_batch_waits_for_members_that_others_hold),
        T(pressure_is_told_and_ends),
        T(a_full_buffer_says_so_and_loses_nothing_it_took),
        T(a_stop_keeps_what_was_offered),
        T(a_stop_gives_all_back),
        T(a_stop_waits_for_what_is_asked),
        T(a_claim_under_way_at_a_stop_is_given_back),
        T(a_long_pause_gives_back_and_sleeps),
        T(a_model_describes_anew_what_ocr_described),
        T(what_waits_for_a_model_makes_room_when_ocr_serves_again),
        T(asking_anew_is_tried_again_when_the_database_refuses),
        T(a_database_that_refuses_is_a_pause_told_once),
        T(few_wait_for_their_text_to_be_read),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
