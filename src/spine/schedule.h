// schedule.h -- brings work from the database to the pipeline, and keeps the clock.
//
// Offers sightings, claims rows as the backends have room, renews leases, and runs the
// before-sleep list: every module with time work gives its next deadline and one timer is
// armed with the least of them.  An idle process wakes up for nothing.
// Thread: loop.
// SPDX-License-Identifier: MIT
#ifndef VLMD_SCHEDULE_H
#define VLMD_SCHEDULE_H

#include "dispatch/dispatch.h"
#include "guard/yield.h"
#include "ingest/ingest.h"
#include "spine/pipeline.h"

struct schedule;

struct schedule_config {
    int prepare_ahead;  // jobs beyond the backends' room, so that a slot never waits
    int64_t lease_ms;
    int64_t poll_ms;         // look for rows of other processes; default 30000
    int64_t shed_after_ms;   // a pause this long gives waiting jobs back; default 60000
    const char *batch_tier;  // members of a batch are offered with; NULL = none
};

struct schedule_events {
    void *arg;
    // The batch of schedule_set_batch has ended: all offered, all members ended.
    void (*on_batch_ended)(void *arg);
    // After schedule_stop: no job and no request of ours is left.
    void (*on_drained)(void *arg);
    // The buffer of offers is full or has room again.
    void (*on_pressure)(void *arg, bool is_full);
    // Work stands still, or goes on: see paused_because.
    void (*on_trouble)(void *arg);
    // Before each sleep, may be NULL: whoever else has something to do by the clock.  Returns
    // the next deadline.
    int64_t (*on_tick)(void *arg, int64_t now_ms, bool has_work);
    // May something new be begun?  NULL = always.  When that changes: schedule_wake.
    bool (*may_begin)(void *arg);
};

MUST_USE int schedule_open(struct schedule **out, struct loop *l, struct store *store,
                           struct pipeline *p, struct dispatch *d,
                           const struct schedule_config *c,
                           const struct schedule_events *e);
// From now on.
void schedule_configure(struct schedule *s, const struct schedule_config *c);
// Begins to claim.
void schedule_start(struct schedule *s);
// Only members of this batch are claimed from now on.
void schedule_set_batch(struct schedule *s, int64_t batch);
// All input of the batch has been offered to schedule_offer.
void schedule_input_ended(struct schedule *s);
// Copies what it needs.  False: the buffer is full and the sighting was dropped; offer it
// again after on_pressure(false).
bool schedule_offer(struct schedule *s, const struct sighting *seen,
                    enum store_priority priority);
// Something changed that may allow a claim: a backend has room, a row was queued.
void schedule_wake(struct schedule *s);
// Does what is due and arms the timer.  The loop calls it by itself; only whoever sleeps
// outside of the loop has to, as what happened since the last turn may want to be followed.
void schedule_before_sleep(struct schedule *s);
// Takes no more work and gives back what waits; asks end (now: are cancelled).
void schedule_stop(struct schedule *s, bool now);
// A person's pause, as it stands in the database: until then (unix ms), INT64_MAX = until
// resumed, 0 = none.  Claims hear it, too.
void schedule_note_pause(struct schedule *s, int64_t until_ms);
// How much is done of what could be; until it is said otherwise.  why is copied.
void schedule_ease(struct schedule *s, enum yield_mode mode, const char *why,
                   int64_t until_ms);
enum yield_mode schedule_eased(const struct schedule *s);
// "" when work goes on.
const char *schedule_paused_because(const struct schedule *s);
// Unix ms when a pause ends by itself; 0 = not known, or there is none; INT64_MAX = when a
// person ends it.
int64_t schedule_paused_until_ms(const struct schedule *s);
// A vision model appeared: stand-in descriptions are asked again.
void schedule_upgrade(struct schedule *s);
// After on_drained, or before schedule_start.
void schedule_close(struct schedule *s, void (*on_closed)(void *arg), void *arg);

#endif
