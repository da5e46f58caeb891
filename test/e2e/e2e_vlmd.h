// e2e_vlmd.h -- runs the real vlmd against the real fakevlm, and reads what both say.
// SPDX-License-Identifier: MIT
#ifndef E2E_VLMD_H
#define E2E_VLMD_H

#include "e2e_place.h"
#include "fakevlm/fake_client.h"

#include <cjson/cJSON.h>

// Arguments after "vlmd".
#define VLMD_START(place, ...)                                                           \
    vlmd_start_with(place, NULL, (const char *const[]){__VA_ARGS__, NULL})
#define VLMD_START_WITH(place, how, ...)                                                 \
    vlmd_start_with(place, how, (const char *const[]){__VA_ARGS__, NULL})
// Starts, waits for the end, fails unless the exit code is the one given.
#define VLMD_EXPECT(place, exit_code, ...)                                               \
    vlmd_run_with(place, NULL, exit_code, (const char *const[]){__VA_ARGS__, NULL})

struct proc *vlmd_start_with(struct place *p, const struct spawn *how,
                             const char *const *args);
struct proc *vlmd_run_with(struct place *p, const struct spawn *how, int exit_code,
                           const char *const *args);

// ---- JSON

// One object per line; fails on a line that is none.
struct rows {
    cJSON **items;
    int n;
};
void rows_parse(struct rows *r, const char *lines);
// `vlmd export jsonl` of everything.
void rows_export(struct place *p, struct rows *r);
void rows_free(struct rows *r);
// By the end of its path; NULL = none.
const cJSON *rows_find(const struct rows *r, const char *path_end);
int rows_count(const struct rows *r, const char *key, const char *value);
// "" where it is null; fails when it is neither text nor null.
const char *text_of(const cJSON *row, const char *key);
// A whole output as one object; the caller deletes it.
cJSON *json_of(const struct proc *p);
// Every object has every member that export jsonl promises.
void assert_row_is_whole(const cJSON *row);

// ---- the backend

struct fake {
    struct place *place;
    struct backend b;
    char url[64];
    char flags[400];
    char log[200];  // one JSON line per request
};

// A free port, unless the flags say --listen.
void fake_start(struct place *p, struct fake *f, const char *flags);
// SIGKILL.  fake_again listens on the same port.
void fake_kill(struct fake *f);
void fake_again(struct fake *f);
void fake_stop(struct fake *f);

struct totals {
    int images, asked, answered, asked_twice, answered_twice, never_answered;
    int requests, chat_requests, connections, max_concurrency, running, waiting;
};
void fake_totals(const struct fake *f, struct totals *t);
// Asks until so many pictures were asked; what for is said when it never comes.
void fake_await_asked(const struct fake *f, int at_least);
void fake_control(const struct fake *f, const char *json);  // /__fake/config
// Nothing is being answered any more.
void fake_await_quiet(const struct fake *f);

#endif
