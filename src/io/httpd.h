// httpd.h -- an HTTP/1.1 server on the loop, with limits against slow and greedy clients.
//
// A request is told of twice: on_head, when its head is complete, says how much body may
// come, or answers at once; on_request, when it is complete, answers at once or later.  It
// is answered once: with httpd_answer, or as a stream that ends when either side wants.
// After on_end nothing may be done with it any more.  Nothing is called from inside
// httpd_answer, httpd_stream and httpd_send.
// Thread: loop.
// SPDX-License-Identifier: MIT
#ifndef VLMD_IO_HTTPD_H
#define VLMD_IO_HTTPD_H

#include "base/buf.h"
#include "io/loop.h"

#include <stdbool.h>
#include <stddef.h>

enum { HTTPD_MAX_LISTENERS = 8, HTTPD_NO_LENGTH = -1 };

struct httpd;
struct httpd_request;

// Zero fields get the defaults in brackets.
struct httpd_config {
    int max_connections;    // [256]  when full, who is slowest to ask makes room
    int max_per_peer;       // [64]   of one address that is not this machine's
    size_t max_head_bytes;  // [16384]  of a request's head: see httpd_is_head_too_big
    int64_t head_ms;        // [10000]  until a head is complete
    int64_t body_ms;        // [30000]  until a body is complete
    int64_t idle_ms;        // [30000]  between two requests, or two parts of an answer
    int64_t send_ms;        // [120000]  until an answer that is no stream is taken
};

struct httpd_events {
    void *arg;
    // Returns how many bytes of body may come; 0 = none.
    size_t (*on_head)(void *arg, struct httpd_request *r);
    void (*on_request)(void *arg, struct httpd_request *r);
    // It was sent, or the client is gone.
    void (*on_end)(void *arg, struct httpd_request *r);
    // Something came that is no request, or has a head far over the limit.  It was answered
    // with this status in the library's own words and its connection is closed.
    void (*on_refused)(void *arg, int status);
};

struct httpd_stats {
    int connections, max_connections;
    int64_t accepted;
    int64_t swept;      // connections closed for being too slow
    int64_t displaced;  // connections closed to make room
    int64_t refused;    // over max_per_peer
    int64_t malformed;  // requests that the library refused
    int64_t spent_us;   // processor time of the loop's thread, callbacks included
};

MUST_USE int httpd_open(struct httpd **out, struct loop *l, const struct httpd_config *c,
                        const struct httpd_events *events);
// Takes the listening socket over, also on errors.  Errors: E_BUSY (too many), E_IO.
MUST_USE int httpd_listen(struct httpd *h, int fd);
// Requests without an answer are ended; on_end comes for each before on_closed does.
void httpd_close(struct httpd *h, void (*on_closed)(void *arg), void *arg);
// Until httpd_go_on nothing that comes is read: it is cheaper to read much at once.  What is
// answered is sent, and while a body or an answer is half way all goes on as ever.
void httpd_rest(struct httpd *h);
// What has come is told of before this returns.  Not from inside a callback.
void httpd_go_on(struct httpd *h);
void httpd_stats(const struct httpd *h, struct httpd_stats *out);

// ---- what was asked

void httpd_set_user(struct httpd_request *r, void *user);  // NULL at first
void *httpd_user(const struct httpd_request *r);
const char *httpd_method(const struct httpd_request *r);
const char *httpd_path(const struct httpd_request *r);  // decoded, without the query
// NULL = not there; borrowed until on_end.
const char *httpd_param(const struct httpd_request *r, const char *name);
const char *httpd_header(const struct httpd_request *r, const char *name);
const char *httpd_cookie(const struct httpd_request *r, const char *name);
// For each parameter of the query; return false to stop.
void httpd_params(const struct httpd_request *r,
                  bool (*fn)(void *arg, const char *name, const char *value), void *arg);
// With a copy of its cookies and what is noted of each field it is over max_head_bytes: up to
// the caller to refuse it.
bool httpd_is_head_too_big(const struct httpd_request *r);
int64_t httpd_body_length(const struct httpd_request *r);  // as announced
// E_TOOBIG: it was more than on_head allowed, and is not there.
MUST_USE int httpd_body(struct httpd_request *r, struct buf **out);
const char *httpd_peer(const struct httpd_request *r);  // "127.0.0.1", "unix"
bool httpd_is_local(const struct httpd_request *r);     // from this machine
bool httpd_is_own_user(
    const struct httpd_request *r);  // Unix socket, of this user or root

// ---- answering

// Before the answer.  name is a literal.  More than 24 are dropped.
void httpd_set_header(struct httpd_request *r, const char *name, const char *value);
// Takes the contents of body, which is left empty; NULL = no body.
void httpd_answer(struct httpd_request *r, int status, struct buf *body);
// bytes must stay until httpd_close is done.
void httpd_answer_static(struct httpd_request *r, int status, const void *bytes,
                         size_t len);
bool httpd_is_answered(const struct httpd_request *r);

// A body that many are answered with.  make takes the contents of from, and the caller
// holds what it returns until it drops it; answers hold it by themselves.
struct httpd_body *httpd_body_make(struct buf *from);
struct httpd_body *httpd_body_hold(struct httpd_body *b);
void httpd_body_drop(struct httpd_body *b);  // accepts NULL
void httpd_answer_shared(struct httpd_request *r, int status, struct httpd_body *b);

// Begins an answer of parts; at most max_bytes wait for the client at a time.
void httpd_stream(struct httpd_request *r, int status, size_t max_bytes);
// Errors: E_TOOBIG when the client takes too long (nothing was added), E_NOMEM.
MUST_USE int httpd_send(struct httpd_request *r, const void *data, size_t len);
// What waits is still sent.
void httpd_stream_end(struct httpd_request *r);
// At once, with whatever state the request is in.
void httpd_drop(struct httpd_request *r);

#endif
