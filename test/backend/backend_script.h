// backend_script.h -- a server whose answers stand in a table, for test_backend_*.c.
// SPDX-License-Identifier: MIT
#ifndef VLMD_TEST_BACKEND_SCRIPT_H
#define VLMD_TEST_BACKEND_SCRIPT_H

#include "backend_fixture.h"

struct cJSON;

// The reply to a request.  "{...", "[..." and the like: 200 as JSON.  "HTTP/...": as it is,
// and closed unless it has a length.  "503 {...}": that status.  "data:...": a stream of
// events, closed.  "": stays silent.  NULL ends the table; what is not in it gets a 404.
// A row that was used is not used again while a later one has the same request.
struct line {
    const char *request;  // "GET /path"
    const char *reply;
};

void script_play(const struct line *lines);
const char *script_asked(int i);                 // "GET /path" of the i-th request, or ""
int script_count(const char *request);           // how often it was asked
struct cJSON *script_body(const char *request);  // of the last one; owned by the caller
const char *script_header(const char *request,
                          const char *name);  // of the last one or NULL
struct web_conn *script_silent(void);         // the last connection that got no reply
// Probes a scripted server of that kind whose only model is "m".
void script_open(enum backend_kind kind, const struct line *lines);
// Plays one answer to a question and asks it.
int script_ask(struct waited *w, enum backend_kind kind, const char *reply);

extern const uint8_t tiny_jpeg[4];

#endif
