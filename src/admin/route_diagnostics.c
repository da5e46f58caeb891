// route_diagnostics.c -- errors, alerts, and how the process and what it depends on are.
// SPDX-License-Identifier: MIT
#include "admin_inside.h"

#include "base/err.h"
#include "face/face_health.h"

#include <stdio.h>

// ---- errors

static bool on_error_row(void *arg, const struct vlmd_error_row *r)
{
    struct exchange *x = arg;
    face_error_row(&x->w, r);
    return x->w.rc == 0;
}

static bool on_error_kind(void *arg, const struct vlmd_error_kind *k)
{
    struct exchange *x = arg;
    face_error_kind(&x->w, k);
    return x->w.rc == 0;
}

static bool is_category(struct exchange *x, const char *s)
{
    char all[200];
    size_t n = 0;
    if (!s || !*s || err_category_by_name(s) >= 0) {
        return true;
    }
    for (int i = 0; i < ERR_CATEGORIES && n < sizeof(all); i++) {
        n += (size_t)snprintf(all + n, sizeof(all) - n, "%s%s", i ? "|" : "",
                              err_category_name((enum err_category)i));
    }
    reply_error(x, 400, "category", "category is one of %s", all);
    return false;
}

static bool is_severity(struct exchange *x, const char *s)
{
    if (!s || !*s || err_severity_by_name(s) >= 0) {
        return true;
    }
    reply_error(x, 400, "severity", "severity is one of %s|%s|%s|%s",
                err_severity_name(ERR_LOW), err_severity_name(ERR_MEDIUM),
                err_severity_name(ERR_HIGH), err_severity_name(ERR_CRITICAL));
    return false;
}

static bool check_words(struct exchange *x, const struct vlmd_error_query *q)
{
    return param_is_class(x, "class", q->error_class) && is_category(x, q->category) &&
           is_severity(x, q->severity);
}

void route_errors(struct exchange *x)
{
    struct vlmd_error_query q = {
        .error_class = httpd_param(x->http, "class"),
        .category = httpd_param(x->http, "category"),
        .severity = httpd_param(x->http, "severity"),
        .backend = httpd_param(x->http, "backend"),
        .correlation_id = httpd_param(x->http, "correlation_id"),
    };
    if (!param_int(x, "limit", 1, 1000, 100, &q.limit) ||
        !param_int(x, "job", 1, INT64_MAX, 0, &q.job) ||
        !param_int(x, "after", 0, INT64_MAX, 0, &q.after_seq) || !check_words(x, &q)) {
        return;
    }
    reply_begin(x);
    json_object(&x->w, NULL);
    json_array(&x->w, "errors");
    int rc = vlmd_errors(x->admin->v, &q, on_error_row, x);
    if (rc) {
        reply_failed(x, rc, "");
        return;
    }
    json_array_end(&x->w);
    json_array(&x->w, "kinds");
    vlmd_error_kinds(x->admin->v, on_error_kind, x);
    json_array_end(&x->w);
    json_object_end(&x->w);
    reply_json(x, 200);
}

// ---- alerts

static bool on_alert(void *arg, const struct vlmd_alert *a)
{
    struct exchange *x = arg;
    face_alert(&x->w, a);
    return x->w.rc == 0;
}

void route_alerts(struct exchange *x)
{
    reply_begin(x);
    json_object(&x->w, NULL);
    json_array(&x->w, "alerts");
    vlmd_alerts(x->admin->v, on_alert, x);
    json_array_end(&x->w);
    json_object_end(&x->w);
    reply_json(x, 200);
}

// ---- diagnostics

static void on_diagnostics(void *arg, int err, const struct vlmd_diagnostics *d,
                           const char *message)
{
    struct exchange *x = arg;
    if (answer_begin(x, err, message)) {
        face_diagnostics(&x->w, d);
        answer_end(x);
    }
}

void route_diagnostics(struct exchange *x)
{
    exchange_hold(x);
    exchange_asked(x, vlmd_diagnostics(x->admin->v, on_diagnostics, x));
}

static void on_summary(void *arg, int err, const struct vlmd_diagnostics *d,
                       const char *message)
{
    struct exchange *x = arg;
    if (answer_begin(x, err, message)) {
        face_health_summary(&x->w, d);
        answer_end(x);
    }
}

void route_health_summary(struct exchange *x)
{
    exchange_hold(x);
    exchange_asked(x, vlmd_diagnostics(x->admin->v, on_summary, x));
}

// ---- integrations

static void on_health(void *arg, int err, const struct vlmd_health *h,
                      const char *message)
{
    struct exchange *x = arg;
    if (answer_begin(x, err, message)) {
        face_health(&x->w, h);
        answer_end(x);
    }
}

void route_integrations(struct exchange *x)
{
    exchange_hold(x);
    exchange_asked(x, vlmd_health(x->admin->v, on_health, x));
}
