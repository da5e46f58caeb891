// dispatch_rig.h -- dispatch with fake backends behind it, asked by hand.
// SPDX-License-Identifier: MIT
#ifndef VLMD_TEST_DISPATCH_RIG_H
#define VLMD_TEST_DISPATCH_RIG_H

// clang-format off
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <cmocka.h>
// clang-format on
#include "dispatch/fake_backends.h"

enum { MAX_ASKS = 256 };

struct rig {
    struct dispatch *d;
    struct dispatch_config config;
    struct backend_config backends[FB_MAX];
    struct guard_terms terms[FB_MAX];
    struct ask asks[MAX_ASKS];
    int ended[MAX_ASKS];  // err + 1000, 0 = under way
    int n_asks;
    int capacities, states, models, notices;
    enum ask_pass pass;
    int limits_wanted, limits_found, limit_found;
    bool refuses_all, refuses_remote;
    bool is_closed;
    int cap_doublings;  // of the next asks, like the next one
    bool is_retry;
    uint8_t luma[16];
};

struct dispatch_events events_of(struct rig *r);
enum ask_pass rig_may_send(struct ask *a, const char *backend, bool is_remote, char *why,
                           size_t size);
void rig_on_asked(struct ask *a, int err);
void rig_on_closed(void *arg);
// n backends "b0", "b1", ..., not looked for yet.
void open_with(struct rig *r, int n, bool is_search, bool has_ocr);
// The same once more, with r->config, r->terms as they are now.
void open_again(struct rig *r, bool has_ocr);
void make_ready(struct rig *r, int n);
void close_rig(struct rig *r);
// Returns what dispatch_tick says.
int64_t pass_ms(struct rig *r, int64_t ms);
// Asks once more; returns what dispatch_try says.
int ask(struct rig *r);
struct vlmd_backend_status status_of(struct rig *r, int i);

#endif
