// fv_http.h -- listens, parses requests, writes bytes.  Knows nothing of models.
//
// One request at a time per connection: what comes behind it waits.  A client that closes
// or half-closes has gone, as the real servers see it.
// Thread: loop.
// SPDX-License-Identifier: MIT
#ifndef FV_HTTP_H
#define FV_HTTP_H

#include <http_parser.h>
#include <uv.h>

#include "fv_batch.h"
#include "fv_script.h"
#include "fv_text.h"

#define HTTP_BODY_MAX ((size_t)100 << 20)

struct fake;
struct call;

struct server {
    struct fake *fake;  // borrowed: for life
    uv_tcp_t listener;
    uv_timer_t timer;  // ends a time of being down
    int port;
    bool is_open;        // the listener is a live handle
    bool is_bound_only;  // not listening yet: vLLM while it loads
    bool is_deaf;        // accepts, but answers nobody except on the control path
    bool is_closing;     // for good
    bool wants_listen;   // listen again when the old listener is closed
    struct conn *first;
    uint64_t conns_n;
    char read_buf[64 * 1024];
};

struct conn {
    struct fake *fake;  // borrowed: for life
    uv_tcp_t tcp;
    uv_timer_t timer;  // idle close, or the next step of the script
    int open_handles;
    http_parser parser;
    struct call *call;    // owned: the request being read or answered
    struct text pending;  // came before its turn
    struct script script;
    struct seat seat;  // while a step of the script waits for the batch
    bool is_answering, is_closing;
    bool is_control;  // its last request was a control one: survives being down
    bool is_counted;
    int64_t bytes_in;  // not counted yet
    uint64_t number;
    int requests_n;
    struct conn *prev, *next;
};

// Returns 0 or a libuv error.
int server_open(struct server *s, struct fake *f);
void server_close(struct server *s);

// Closes the listening socket and resets every connection; server_up listens again on the
// same port.  down_ms > 0: comes up by itself.
void server_down(struct server *s, int64_t down_ms);
void server_up(struct server *s);
// Starts listening when fake_is_ready has become true.
void server_check_ready(struct server *s);
void server_reset_all(struct server *s);

// Tells whether the request just read is a control one, which is not counted.
void conn_classify(struct conn *c, bool is_control);
// Plays conn->script from the start, then goes on with the next request.
void conn_play(struct conn *c);
// The client sees the connection reset.
void conn_reset(struct conn *c);

#endif
