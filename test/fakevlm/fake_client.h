// fake_client.h -- starts the fake backend and talks HTTP to it, for its tests.
//
// The client is a plain blocking socket, so that a test sees what is on the wire: resets,
// missing terminators, idle closes.  Everything fails the running test on a mistake.
// SPDX-License-Identifier: MIT
#ifndef FAKE_CLIENT_H
#define FAKE_CLIENT_H

#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include <cmocka.h>

#include <cjson/cJSON.h>

struct backend {
    pid_t pid;
    int port;
    int out_fd;  // its stdout
};

enum reply_end {
    END_WHOLE,   // as long as the headers said, or the last chunk was seen
    END_CLOSED,  // the peer closed before
    END_RESET,
    END_SILENT,  // nothing for as long as the test was willing to wait
};

struct reply {
    int status;  // 0: none came
    enum reply_end end;
    bool will_close;  // Connection: close
    char *head, *body;
    size_t body_len;
};

// flags: as on a command line, separated by blanks.
void backend_start(struct backend *b, const char *flags);
// Ends it with SIGTERM and asserts that it closed cleanly.
void backend_stop(struct backend *b);

int client_connect(const struct backend *b);  // -1: refused
void client_send(int fd, const char *method, const char *path, const char *headers,
                 const char *body, size_t len);
void client_read(int fd, struct reply *r);
// As client_read, but gives up after patience_ms of silence.
void client_read_patiently(int fd, int patience_ms, struct reply *r);
void reply_free(struct reply *r);

// Connects, asks, reads, closes.  body NULL: none.
void ask(const struct backend *b, const char *method, const char *path, const char *body,
         struct reply *r);
void ask_with(const struct backend *b, const char *method, const char *path,
              const char *headers, const char *body, struct reply *r);

// A member by its dotted path ("choices.0.message.content"); NULL: not there.
const cJSON *json_at(const cJSON *root, const char *path);
const char *text_at(const cJSON *root, const char *path);  // fails when it is no string
double number_at(const cJSON *root, const char *path);     // fails when it is no number

// POST to the control endpoint; fails when it says no.
void control(const struct backend *b, const char *path, const char *json);
double stat_of(const struct backend *b, const char *path);
// Asks again and again until the counter has the value.
void await_stat(const struct backend *b, const char *path, double value);

#endif
