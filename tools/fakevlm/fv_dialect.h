// fv_dialect.h -- what one kind of server says, as tables of functions.
// SPDX-License-Identifier: MIT
#ifndef FV_DIALECT_H
#define FV_DIALECT_H

#include "fv_call.h"
#include "fv_fake.h"

// How one failure looks.  In message {model}, {need}, {have} and {at} are filled in; a
// failure with its own text shows that instead when the message is NULL.
struct fail_row {
    int status;  // 0: this server has no such failure, FAIL_CRASH's row is used
    const char *type, *code, *message;
};

struct dialect {
    const char *headers;   // lines added to every answer, each with CR LF
    bool closes_on_error;  // 4xx and 5xx end the connection
    int requests_max;      // per connection; 0: no limit
    // Answers the call or begins a chat; false: no such path.
    bool (*route)(struct call *c);
    // Writes the body for a failure and returns the status.
    int (*fail)(const struct call *c, const struct failure *f, struct text *body);
};

// How a chat's answer is written.  The functions add to out and touch nothing else.
struct writer {
    const char *stream_type;
    bool marks_truncation;  // whole() says so itself when the answer was cut off
    void (*whole)(const struct call *c, struct text *out);
    void (*head)(const struct call *c, struct text *out);  // may be NULL
    void (*delta)(const struct call *c, const char *s, size_t len, bool is_thinking,
                  struct text *out);
    void (*tail)(const struct call *c, struct text *out);
    // An error inside the stream, with what the server sends after it.
    void (*error)(const struct call *c, const struct failure *f, struct text *out);
};

extern const struct dialect dialect_ollama, dialect_openai, dialect_vllm, dialect_sglang,
    dialect_lmstudio, dialect_llama_server, dialect_llama_router, dialect_llama_swap;

// --- shared by the dialects (fv_dialect.c) ---------------------------------------------

// Good until the next call.  An error inside a success says that it is a 500.
const struct fail_row *fail_row_of(const struct fail_row table[FAIL_COUNT],
                                   const struct failure *f);
// Adds the row's message as a JSON string.
void fail_message(const struct fail_row *row, const struct call *c,
                  const struct failure *f, struct text *out);
void fail_field(struct call *c, const char *text);
// Looks the model up into c->ticket; false: answered with a failure.
bool call_find_model(struct call *c, const char *name);
const char *json_string(const cJSON *object, const char *key);  // NULL: none
// A number of a "stop after so many tokens" field; 0: no limit.
int token_limit(const cJSON *n);

// --- the OpenAI chat, which all kinds share (fv_openai.c) ------------------------------

extern const struct writer writer_openai;
// Reads an OpenAI chat body into c->ask; false: answered with a failure.
bool openai_parse(struct call *c);
// GET /v1/models with the model's own members added by more(), which may be NULL.
void openai_models(struct call *c, const char *owner,
                   void (*more)(const struct call *c, const struct model *m,
                                struct text *out));
// {"error":{"message":..,"type":..,"param":null,"code":..}}; returns the status.
int openai_fail_body(const struct fail_row table[FAIL_COUNT], const struct call *c,
                     const struct failure *f, struct text *body);

// --- llama-server, which also sits behind others (fv_llamaserver.c) --------------------

int llama_fail(const struct call *c, const struct failure *f, struct text *body);
// Paths of one llama-server with one model.
bool llama_route_child(struct call *c, struct model *m, const char *path);

#endif
