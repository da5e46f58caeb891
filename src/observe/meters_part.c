// meters_part.c -- metrics as a part of an app: opened, told, closed.
// SPDX-License-Identifier: MIT
#include "observe/meters_inside.h"
#include "observe/monitor.h"
#include "observe/trace.h"

void meters_open(struct app *a)
{
    a->meters = meters_new();
}

void meters_close(struct app *a)
{
    meters_free(a->meters);
    a->meters = NULL;
}

void meters_on_turn(void *app, int64_t busy_us)
{
    struct app *a = app;
    metric_observe(a->meters->turns, busy_us);
}

void meters_on_asked(void *app, const struct job *j, int err)
{
    struct app *a = app;
    meters_asked(a->meters, j, err);
    bill_asked(&a->bill, &j->ask, err, loop_wall_ms());
    history_asked(&a->history, j, err);
    monitor_changed(a);
}

void meters_on_saved(void *app, const struct job *j)
{
    struct app *a = app;
    meters_saved(a->meters, j);
    history_saved(&a->history, j);
    trace_saved(a, j);
    monitor_changed(a);
}

void meters_on_loaded(void *app, const char *backend, const char *model, int err,
                      int64_t took_ms)
{
    struct app *a = app;
    meters_loaded(a->meters, backend, model, err, took_ms);
    monitor_changed(a);
}

void meters_on_verified(void *app, const char *backend, const char *model, int err,
                        int64_t took_ms)
{
    struct app *a = app;
    meters_verified(a->meters, backend, model, err, took_ms);
    monitor_changed(a);
}
