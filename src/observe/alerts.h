// alerts.h -- measures while there is work, judges by guard/alert.h, tells who must hear.
//
// A part of the monitor.  Nothing is measured while nothing is done and no alert is on.
// Thread: loop.
// SPDX-License-Identifier: MIT
#ifndef VLMD_ALERTS_H
#define VLMD_ALERTS_H

#include "guard/alert.h"
#include "guard/alert_body.h"
#include "observe/monitor.h"
#include "observe/webhook.h"

enum { ALERTS_HISTORY = 21 };  // samples that a change is measured over

struct alerter {
    struct app *app;
    struct alerts alerts;
    struct alert_sample sample;
    int64_t since_ms[ALERT_RULES];  // unix; of FIRING ones
    struct timer timer;
    struct webhook webhook;
    bool is_sampling, is_closing;
    bool has_worked;  // since the last sample
    struct monitor_look look;
    struct store_counts counts;
    int64_t slow_queries;  // ever, at the sample before
    struct {
        int64_t requests, failed, queued;
    } history[ALERTS_HISTORY];
    int n_history;
    int64_t progress_ms;  // monotonic; the last job ended, or there was nothing to do
    bool is_checking;     // a round of health is under way
    int64_t check_due_ms;
    int unhealthy;     // rounds in a row
    char unwell[200];  // what was not healthy in the last round
    struct closer closer;
    void (*on_closed)(void *arg);
    void *arg;
};

// The configuration is another: of thresholds, address and times.
void alerts_configure(struct alerter *r);
void alerts_open(struct alerter *r, struct app *a);
void alerts_close(struct alerter *r, void (*on_closed)(void *arg), void *arg);
// Something was done, or the state of a backend changed: cheap.
void alerts_wake(struct app *a, bool has_ended);

#endif
