// httpd_inside.h -- a connection and a request, as the two halves of the server see them.
// Private to io/httpd*.c.
// SPDX-License-Identifier: MIT
#ifndef VLMD_IO_HTTPD_INSIDE_H
#define VLMD_IO_HTTPD_INSIDE_H

#include "base/list.h"
#include "io/httpd.h"

#include <netinet/in.h>

enum { HTTPD_MAX_FIELDS = 24, HTTPD_VALUES = 768 };

struct MHD_Connection;
struct MHD_Response;

enum phase { PHASE_HEAD, PHASE_BODY, PHASE_ANSWER, PHASE_SEND, PHASE_STREAM };

struct connection {
    struct list node;
    int fd;
    enum phase phase;
    bool has_asked;  // an earlier request came this way
    bool is_local, is_own_user;
    int64_t deadline_ms;  // monotonic; INT64_MAX = none
    char peer[INET6_ADDRSTRLEN];
};

struct field {
    const char *name;  // a literal
    char *value;       // in httpd_request.values, or owned
    bool is_apart;     // owned: there was no room
};

struct httpd_request {
    struct list node;  // httpd.requests
    struct httpd *server;
    struct MHD_Connection *mhd;
    struct connection *connection;
    const char *method;  // borrowed: until on_end, like path
    const char *path;
    void *user;
    struct buf body;
    size_t max_body;
    bool is_body_too_big;
    bool is_asked;  // on_request was called
    bool is_suspended;
    bool is_answered;
    bool is_queued;                 // the library has the answer
    struct MHD_Response *response;  // owned
    int status;
    struct field fields[HTTPD_MAX_FIELDS];
    int n_fields;
    char values[HTTPD_VALUES];
    size_t n_values;  // bytes of it
    // a stream
    bool is_stream;
    bool is_ending;
    bool is_behind;  // more waited than went into one block
    struct buf waiting;
    size_t sent;  // of waiting
};

struct listener {
    struct httpd *server;
    uv_poll_t poll;
    int fd;
};

struct httpd {
    struct loop *loop;
    struct httpd_config config;
    struct httpd_events events;
    struct MHD_Daemon *daemon;
    struct listener listeners[HTTPD_MAX_LISTENERS];
    int n_listeners;
    bool is_accepting;
    uv_poll_t poll;
    uv_prepare_t prepare;
    uv_timer_t due;    // what the library waits for
    uv_timer_t sweep;  // the earliest deadline of a connection
    int64_t sweep_at_ms;
    struct list connections;
    struct list requests;
    struct httpd_stats stats;
    bool must_run;
    bool is_resting;
    int moving;  // connections with a body or an answer half way, or a stream behind
    bool is_closing;
    struct closer closer;
    void (*on_closed)(void *arg);
    void *closed_arg;
};

// A connection was resumed: the library is given a turn before the loop waits.
void httpd_must_run(struct httpd *h);
// Closes it; the library finds that by itself.
void httpd_cut(struct connection *c);

// Of a stream.
void httpd_set_behind(struct httpd_request *r, bool is_behind);

// ---- httpd_connection.c

// What it is at from now on, and for how long at most; 0 = for ever.
void httpd_enter(struct httpd *h, struct connection *c, enum phase phase, int64_t ms);
struct connection *httpd_find_connection(struct httpd *h, int fd);
void httpd_accept_again(struct httpd *h);
void httpd_close_listeners(struct httpd *h);

#endif
