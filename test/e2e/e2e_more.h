// e2e_more.h -- a web site of the test's own, backends in unusual places, and questions
// that are asked until the answer is right.
// SPDX-License-Identifier: MIT
#ifndef E2E_MORE_H
#define E2E_MORE_H

#include "e2e_vlmd.h"

#include <pthread.h>

// Runs, expects 0, and returns what it printed as JSON; the caller deletes it.
#define VLMD_JSON(place, ...) vlmd_json(place, (const char *const[]){__VA_ARGS__, NULL})
// Runs and parses one object per line.
#define VLMD_ROWS(place, rows, ...)                                                      \
    vlmd_rows(place, rows, (const char *const[]){__VA_ARGS__, NULL})
// Runs, expects the exit code and the words on standard error, and forgets the process.
#define VLMD_REFUSES(place, exit_code, words, ...)                                       \
    vlmd_refuses(place, exit_code, words, (const char *const[]){__VA_ARGS__, NULL})

cJSON *vlmd_json(struct place *p, const char *const *args);
void vlmd_rows(struct place *p, struct rows *rows, const char *const *args);
void vlmd_refuses(struct place *p, int exit_code, const char *words,
                  const char *const *args);

// `vlmd status --json` until the member of it is such a text, or contains it.
void await_status(struct place *p, const char *member, const char *text);
// `vlmd show --json` of a picture until a member is such a text ("true" and "false" too).
void await_shown(struct place *p, const char *path, const char *member, const char *text);
// Is this member such a text, or true or false?
bool member_is(const cJSON *row, const char *member, const char *text);
int times_said(const struct said *said, const char *words);

// A port of 127.0.0.1 that nobody listens on, and that nobody else gets while fd is open.
int reserve_port(int *fd);
// A local Ollama whose model runs elsewhere: for vlmd another machine.
#define CLOUD_MODEL "qwen3-vl:235b-cloud"
#define FAKE_CLOUD  "--kind ollama --model " CLOUD_MODEL

// ---- a web site: one thread per visitor, each asks once

struct site;
// head: request line and headers.  Whatever it sends; the connection is closed after it.
typedef void site_fn(struct site *s, int fd, const char *head, const char *body,
                     size_t body_len);

struct site {
    int fd, port;
    site_fn *on_visit;
    void *arg;
    pthread_t thread;
    pthread_mutex_t lock;
    pthread_cond_t news;
    int visits;           // requests that came
    int served;           // and were answered
    size_t largest_body;  // of a request
};

void site_open(struct site *s, const char *address, site_fn *on_visit, void *arg);
void site_close(struct site *s);  // waits for the visitors
void site_send(int fd, const void *data, size_t len);
// A whole answer; headers: each with \r\n at its end.
void site_reply(int fd, const char *status, const char *headers, const void *body,
                size_t len);
// Until so many visitors were answered; false when it takes too long.
bool site_await_served(struct site *s, int at_least);

#endif
