// bill.c -- see bill.h.
// SPDX-License-Identifier: MIT
#include "observe/bill.h"

#include "base/log.h"
#include "dispatch/ask.h"

#include <stdio.h>
#include <string.h>

static void post(struct bill *b);

void bill_init(struct bill *b, struct store *s)
{
    *b = (struct bill){.store = s};
}

static void sum(struct store_usage *to, const struct store_usage *more)
{
    to->requests += more->requests;
    to->failed += more->failed;
    to->prompt_tokens += more->prompt_tokens;
    to->completion_tokens += more->completion_tokens;
    to->bytes_sent += more->bytes_sent;
    to->cost_micros += more->cost_micros;
}

static void add(struct bill *b, const struct store_usage *more)
{
    for (int i = 0; i < b->n; i++) {
        struct store_usage *u = &b->waiting[i];
        if (u->day == more->day && strcmp(u->backend, more->backend) == 0) {
            sum(u, more);
            return;
        }
    }
    if (b->n < STORE_MAX_USAGE) {
        b->waiting[b->n++] = *more;
    } else {
        log_warn("bill",
                 "backend=%s day=%d the database takes no sums: lost %lld requests",
                 more->backend, more->day, (long long)more->requests);
    }
}

static void on_added(struct store_usage_add *r, int err)
{
    struct bill *b = container_of(r, struct bill, add);
    b->is_under_way = false;
    if (err) {
        log_debug("bill", "class=%s %s", err_name(err), r->err.msg);
        for (int i = 0; i < r->n; i++) {
            add(b, &r->rows[i]);
        }
    } else {
        post(b);
    }
}

static void post(struct bill *b)
{
    if (b->is_under_way || b->n == 0) {
        return;
    }
    memcpy(b->add.rows, b->waiting, sizeof(b->waiting));
    b->add.n = b->n;
    b->n = 0;
    b->is_under_way = true;
    store_usage_add(b->store, &b->add, on_added);
}

static int64_t told(int64_t n)
{
    return n > 0 ? n : 0;
}

// A second backend was asked and not needed: it may cost all the same.
static void add_also(struct bill *b, const struct ask *a, int day)
{
    struct store_usage u = {
        .day = day,
        .requests = 1,
        .prompt_tokens = told(a->also_prompt_tokens),
        .completion_tokens = told(a->also_completion_tokens),
        .bytes_sent = a->also_bytes_sent,
        .cost_micros = (int64_t)(a->also_cost * 1e6 + 0.5),
    };
    snprintf(u.backend, sizeof(u.backend), "%s", a->also_backend);
    add(b, &u);
}

void bill_asked(struct bill *b, const struct ask *a, int err, int64_t at_ms)
{
    struct store_usage u = {
        .day = store_usage_day(at_ms),
        .requests = 1,
        .failed = err != 0,
        .prompt_tokens = told(a->prompt_tokens),
        .completion_tokens = told(a->completion_tokens),
        .bytes_sent = a->bytes_sent,
        .cost_micros = (int64_t)(a->cost * 1e6 + 0.5),
    };
    snprintf(u.backend, sizeof(u.backend), "%s", a->backend);
    add(b, &u);
    if (a->also_bytes_sent > 0) {
        add_also(b, a, u.day);
    }
    post(b);
}
