// alert_body.h -- what is sent when an alert fires or has recovered, in three forms.
//
// Pure.  Nothing of a picture, a path or a prompt stands in it.
// SPDX-License-Identifier: MIT
#ifndef VLMD_GUARD_ALERT_BODY_H
#define VLMD_GUARD_ALERT_BODY_H

#include "base/buf.h"
#include "guard/alert.h"

enum alert_format { ALERT_JSON, ALERT_SLACK, ALERT_PAGERDUTY };

struct alert_notice {
    enum alert_rule rule;
    bool has_recovered;
    double value, threshold;
    int64_t since_ms;  // unix; beyond the threshold since
    int64_t at_ms;     // unix
    const char *host;
    const char *more;  // what exactly, in words; "" = nothing
};

// One line: "memory is short: 83 % (limit 80 %)".
void alert_summary(const struct alert_notice *n, char *out, size_t size);
// key: PagerDuty's integration key.
// Source: PagerDuty, Events API v2; Slack, incoming webhooks.
MUST_USE int alert_body(enum alert_format f, const struct alert_notice *n,
                        const char *key, struct buf *out);

#endif
