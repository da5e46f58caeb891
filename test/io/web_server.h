// web_server.h -- a scripted HTTP server on the test's own loop.
//
// It reads whole requests and hands each to on_request, which answers, stalls, cuts or
// resets by the calls below.  Same thread as the client: every order of events is
// repeatable.
// SPDX-License-Identifier: MIT
#ifndef VLMD_TEST_WEB_SERVER_H
#define VLMD_TEST_WEB_SERVER_H

#include "base/buf.h"
#include "base/list.h"
#include "io/loop.h"

#include <stdbool.h>

struct web_conn {
    struct web *web;
    union {
        uv_handle_t handle;
        uv_stream_t stream;
        uv_tcp_t tcp;
        uv_pipe_t pipe;
    };
    uv_timer_t timer;  // for on_tick
    int open_handles;
    struct list node;
    struct buf in;    // head and body of the current request
    size_t head_len;  // 0 = not whole yet
    size_t body_len;
    char method[16];
    char path[256];
    int served;  // requests handed to on_request, this one included
    int ticks;
    void (*on_tick)(struct web_conn *c);
};

struct web {
    struct loop *loop;
    union {
        uv_handle_t handle;
        uv_stream_t stream;
        uv_tcp_t tcp;
        uv_pipe_t pipe;
    };
    bool is_pipe;
    bool is_deaf;  // accepts, but reads nothing
    bool is_closed;
    size_t pause_at;  // reads no further than about here; 0 = no limit
    int port;
    struct list conns;
    int accepted;
    int requests;
    int lost;         // connections that the client closed
    struct buf last;  // the last whole request
    void (*on_request)(struct web_conn *c);
    void (*on_head)(struct web_conn *c);  // before the body is read; may be NULL
    void *arg;
};

// path = NULL: TCP on a free port of 127.0.0.1.
void web_open(struct web *w, struct loop *l, const char *unix_path);
void web_close(struct web *w);  // needs a turn of the loop
int web_connections(const struct web *w);

void web_send(struct web_conn *c, const char *text);
void web_send_bytes(struct web_conn *c, const char *bytes, size_t len);
// 200 with Content-Length.
void web_reply(struct web_conn *c, const char *body);
void web_cut(struct web_conn *c);     // FIN after what was sent
void web_reset(struct web_conn *c);   // RST
void web_resume(struct web_conn *c);  // after pause_at was raised
void web_every(struct web_conn *c, int ms, void (*on_tick)(struct web_conn *c));
// Value of a header of the current request, or NULL.
const char *web_header(struct web_conn *c, const char *name, char *out, size_t size);

#endif
