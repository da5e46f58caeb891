// admin_rig.h -- a real handle with the HTTP interface on it, and a client, in one thread.
// SPDX-License-Identifier: MIT
#ifndef ADMIN_RIG_H
#define ADMIN_RIG_H

// cmocka wants these first.
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "admin/admin.h"
#include "admin/auth.h"
#include "store/storekit.h"

#include <cjson/cJSON.h>
#include <stdbool.h>

enum { RIG_MAX_SETTINGS = 16, RIG_PATIENCE_MS = 20000 };

struct rig {
    struct kit k;  // the folder, and a look at the database from beside
    struct vlmd_setting settings[RIG_MAX_SETTINGS];
    int n_settings;
    const char *config_file;  // NULL = none
    vlmd *v;
    struct admin *admin;
    int port;
    char token[AUTH_TOKEN_CHARS + 1];
    char host[64];
    char notes[2000];  // what admin_open told
};

// setup and teardown of one test: *state is a rig, nothing is open yet.
int rig_setup(void **state);
int rig_teardown(void **state);
void rig_set(struct rig *r, const char *key, const char *value);
// Opens the handle and the interface on a free port; returns what admin_open did.
int rig_try(struct rig *r, struct err *e);
void rig_open(struct rig *r);
void rig_close(struct rig *r);
// Where the token is.
void rig_folder(const struct rig *r, char *out, size_t size);
// One turn of the loop, waiting a moment at most.
void rig_turn(struct rig *r);
// Describes nothing: rows of these paths, queued.
void rig_add_files(struct rig *r, int n);

struct answer {
    int status;
    char *text;  // owned: head and body, NUL-terminated
    char *body;  // in text
    size_t body_len;
    cJSON *json;  // NULL = no JSON
    bool is_closed;
};
void answer_free(struct answer *a);
// The value of a header, or NULL; one static buffer.
const char *answer_header(const struct answer *a, const char *name);
// A member of the answer's error; "" = none.
const char *answer_error(const struct answer *a, const char *member);

int rig_connect(struct rig *r);
void rig_write(struct rig *r, int fd, const char *bytes, size_t len);
// Reads one answer.  Fails after RIG_PATIENCE_MS.
struct answer rig_read(struct rig *r, int fd);
// Until the other side closes; what came is thrown away.
void rig_await_close(struct rig *r, int fd);

// A request with the token; head: further header lines, each with its \r\n, or NULL; body
// may be NULL.
struct answer rig_ask(struct rig *r, const char *method, const char *target,
                      const char *head, const char *body);
// The same without a key and with nothing but what head says.
struct answer rig_ask_bare(struct rig *r, const char *method, const char *target,
                           const char *head, const char *body);
// Raw bytes on a new connection.
struct answer rig_send(struct rig *r, const char *bytes, size_t len);

#endif
