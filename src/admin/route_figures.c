// route_figures.c -- metrics, history, usage, and how the database does.
// SPDX-License-Identifier: MIT
#include "admin_inside.h"
#include "vlmd_figures.h"
#include "vlmd_health.h"

#include <time.h>

// ---- metrics

static void on_metrics(void *arg, int err, const char *text, const char *message)
{
    struct exchange *x = arg;
    reply_begin(x);
    if (err) {
        reply_failed(x, err, message);
    } else if (buf_add_str(&x->out, text)) {
        reply_error(x, 500, NULL, "the answer is too large");
    } else {
        reply_header(x, "Cache-Control", "no-store");
        reply_bytes(x, 200, "text/plain; version=0.0.4; charset=utf-8", &x->out);
    }
    exchange_drop(x);
}

void route_metrics(struct exchange *x)
{
    exchange_hold(x);
    exchange_asked(x, vlmd_metrics(x->admin->v, on_metrics, x));
}

// ---- history

static void on_series(void *arg, int err, const struct vlmd_series *s,
                      const char *message)
{
    struct exchange *x = arg;
    if (answer_begin(x, err, message)) {
        face_series(&x->w, s);
        answer_end(x);
    }
}

void route_series(struct exchange *x)
{
    int64_t since_ms, until_ms;
    int span;
    if (!param_choice(x, "span", "minute|hour|day", 0, &span) ||
        !param_time(x, "since", false, &since_ms) ||
        !param_time(x, "until", true, &until_ms)) {
        return;
    }
    exchange_hold(x);
    exchange_asked(x, vlmd_series(x->admin->v, (enum vlmd_span)span, since_ms, until_ms,
                                  on_series, x));
}

// ---- usage

static void on_usage(void *arg, const struct vlmd_usage *u)
{
    struct exchange *x = arg;
    face_usage(&x->w, u);
}

static void on_usage_end(void *arg, int err, const char *message)
{
    struct exchange *x = arg;
    list_end(x, err, message);
}

// 20261129 of a time; 0 stays 0.
static int day_of(int64_t at_ms)
{
    time_t s = (time_t)(at_ms / 1000);
    struct tm tm;
    if (!at_ms || !localtime_r(&s, &tm)) {
        return 0;
    }
    return (tm.tm_year + 1900) * 10000 + (tm.tm_mon + 1) * 100 + tm.tm_mday;
}

void route_usage(struct exchange *x)
{
    int64_t since_ms, until_ms;
    if (!param_time(x, "since", false, &since_ms) ||
        !param_time(x, "until", false, &until_ms)) {
        return;
    }
    reply_begin(x);
    json_object(&x->w, NULL);
    json_array(&x->w, "usage");
    exchange_hold(x);
    exchange_asked(x, vlmd_usage(x->admin->v, day_of(since_ms), day_of(until_ms),
                                 on_usage, on_usage_end, x));
}

// ---- the database

static void on_database(void *arg, int err, const struct vlmd_database_stats *s,
                        const char *message)
{
    struct exchange *x = arg;
    if (answer_begin(x, err, message)) {
        face_database(&x->w, s);
        answer_end(x);
    }
}

void route_database(struct exchange *x)
{
    int wants_sizes;
    if (!param_choice(x, "sizes", "false|true", 0, &wants_sizes)) {
        return;
    }
    exchange_hold(x);
    exchange_asked(x, vlmd_database_stats(x->admin->v, wants_sizes == 1, on_database, x));
}

void route_database_reset(struct exchange *x)
{
    vlmd_database_reset_stats(x->admin->v);
    reply_empty(x, 204);
}
