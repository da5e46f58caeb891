// schedule_inside.h -- the state that the schedule_*.c files share.
// SPDX-License-Identifier: MIT
#ifndef VLMD_SCHEDULE_INSIDE_H
#define VLMD_SCHEDULE_INSIDE_H

#include "spine/schedule.h"

enum {
    SCHEDULE_MAX_JOBS = 4096,  // in memory, whatever the backends could hold
    SCHEDULE_AGAIN_MS = 2000,  // after the database refused
};

struct offers {
    struct list node;
    struct store_offer req;
    struct store_item items[STORE_MAX_OFFER];
    struct schedule *sched;
};

struct schedule {
    struct loop *loop;
    struct store *store;
    struct pipeline *pipeline;
    struct dispatch *dispatch;
    struct schedule_config config;
    struct schedule_events events;
    uv_prepare_t prepare;
    uv_timer_t timer;
    struct closer closer;
    void (*on_closed)(void *arg);
    void *closed_arg;

    bool is_started;
    bool is_stopping;
    bool has_drained;
    int requests;  // of ours under way in the store

    struct list offers;  // struct offers, oldest first; the first may be under way
    int n_offers;
    bool is_offering;
    bool is_pressed;
    int64_t offer_at_ms;  // not before (after a refusal)

    struct store_claim claim;
    bool is_claiming;
    bool may_have_work;
    int64_t look_at_ms;  // monotonic: claim again then

    struct store_renew renew;
    int64_t renew_ids[SCHEDULE_MAX_JOBS];
    bool renew_lost[SCHEDULE_MAX_JOBS];
    bool is_renewing;
    int64_t renew_at_ms;
    int64_t renew_wall_ms;  // unix; the same for a machine that was asleep

    struct store_change upgrade;
    bool is_upgrading;
    bool wants_upgrade;
    int64_t upgrade_at_ms;  // not before (after a refusal)

    int64_t batch;
    bool is_input_ended;
    bool has_batch_ended;
    int64_t batch_check_ms;
    struct store_counts counts;
    bool is_counting;

    int64_t paused_since_ms;  // monotonic; 0 = not paused
    bool has_held_back;       // by ease or pause, at the last claim
    enum yield_mode ease;
    char ease_why[240];
    int64_t ease_until_ms;   // unix; 0 = not known
    int64_t pause_until_ms;  // a person's word, unix; 0 = none
    char pause_why[160];

    bool refuses_offers, refuses_claims;
    char trouble[320];  // why the database refuses; "" = it does not
};

// ---- schedule.c

// A database that refuses (a full disk, a lock held too long) is told once.
void schedule_note_refusal(struct schedule *s, bool *is_refused, int err,
                           const char *words);
void schedule_note_consent(struct schedule *s, bool *is_refused);

// ---- schedule_hold.c

// When to ask again whether it is still so: monotonic.
int64_t schedule_ask_again_ms(const struct schedule *s);
// "" = nobody holds the work back.
const char *schedule_held_because(const struct schedule *s);

// ---- schedule_offer.c

void schedule_send_offers(struct schedule *s, int64_t now_ms);
void schedule_free_offers(struct offers *o);

#endif
