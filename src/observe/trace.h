// trace.h -- spans of each picture for OpenTelemetry, sent to a collector; off by default.
//
// A picture is one trace: a span from when it was taken out of the queue to its end, below it
// one for each stage and each request.  Its ids are made of its correlation id, so a later
// attempt and another process continue the same trace; a traceparent that came with it goes
// before.  What the collector does not take in time is dropped and counted.
// Thread: loop.
// Source: OpenTelemetry, OTLP 1.0 over HTTP with JSON.
// SPDX-License-Identifier: MIT
#ifndef VLMD_TRACE_H
#define VLMD_TRACE_H

#include "app.h"
#include "base/traceparent.h"
#include "io/timer.h"
#include "observe/webhook.h"

enum { TRACE_PARENTS = 1024, TRACE_BATCH_BYTES = 64 << 10, TRACE_BATCH_MS = 5000 };

// A job that was submitted with a traceparent.
struct trace_parent {
    int64_t job;
    struct traceparent parent;
};

struct trace {
    struct app *app;
    bool exports;
    struct webhook sender;
    struct timer timer;            // sends what has been collected
    struct buf spans;              // JSON of them, with commas between
    struct trace_parent *parents;  // owned, a ring; NULL = none ever came
    int next_parent;
    int64_t spans_made, spans_dropped;
    int waits;  // turns of waiting for the last batch
    struct closer closer;
    void (*on_closed)(void *arg);
    void *arg;
};

// A part of the application: a->trace.
void trace_open(struct app *a);
// Waits two seconds at most for the collector.
void trace_close(struct app *a, void (*on_closed)(void *arg), void *arg);

// job was submitted with this header; false: it is none.
bool trace_note_parent(struct app *a, int64_t job, const char *traceparent);
// An ask is about to be sent: fills its traceparent, where there is a trace.
void trace_on_ask(void *app, struct job *j);
void trace_saved(struct app *a, const struct job *j);

#endif
