// batch_server.h -- a model of a VLM server that batches continuously, in virtual time.
//
// All running requests get one token per step; a step takes step_ms + per_request_ms for
// each of them, prefill_ms more for each one that was admitted, and thrash_ms for each one
// beyond what the KV cache holds (it is evicted and computed again).  Requests beyond the
// slots wait; beyond queue_max they are refused.
// SPDX-License-Identifier: MIT
#ifndef BATCH_SERVER_H
#define BATCH_SERVER_H

#include <stdbool.h>
#include <stdint.h>

enum { SERVER_MAX = 1024 };  // requests inside at once, at most

struct server_config {
    int slots;
    int queue_max;  // 0 = without end
    int kv_max;     // requests whose KV cache fits; 0 = all
    double step_ms, per_request_ms, prefill_ms, thrash_ms;
};

struct server_request {
    double sent_ms;
    unsigned mark;
    int tokens;
    int left;  // tokens not yet written
};

struct batch_server {
    struct server_config config;
    double now_ms;
    double step_end_ms;
    bool is_stepping;
    struct server_request running[SERVER_MAX], waiting[SERVER_MAX];
    int n_running, n_waiting;
    int first_waiting;  // ring
    double waited;      // integral of the queue over time, request-ms
};

void server_init(struct batch_server *s, const struct server_config *c);
// False: refused.
bool server_take(struct batch_server *s, const struct server_request *r, double now_ms);
// When the step under way ends; HUGE_VAL when idle.
double server_due_ms(const struct batch_server *s);
// Ends the step; done gets each request that is complete.
void server_step(struct batch_server *s,
                 void (*done)(void *arg, struct server_request *r), void *arg);
// Brings the integral up to now.
void server_pass(struct batch_server *s, double now_ms);

#endif
