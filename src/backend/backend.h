// backend.h -- what VLM servers say: detection, models, asking, and what counts as an answer.
//
// One driver per kind of server, a table of functions (driver.h, private).  A backend knows
// its server's facts; it decides nothing about when to ask (guard/ and dispatch.c do).
// SPDX-License-Identifier: MIT
#ifndef VLMD_BACKEND_BACKEND_H
#define VLMD_BACKEND_BACKEND_H

#include "base/buf.h"
#include "io/http.h"

#include <stdbool.h>
#include <stdint.h>

struct backend;

enum backend_kind {
    BACKEND_AUTO,  // find out by shape (PROTOCOLS.md 8.4)
    BACKEND_OLLAMA,
    BACKEND_OPENAI,  // any OpenAI-compatible server
    BACKEND_LMSTUDIO,
    BACKEND_LLAMA_SERVER,
    BACKEND_LLAMA_SWAP,
    BACKEND_VLLM,
    BACKEND_SGLANG,
};

const char *backend_kind_name(enum backend_kind k);
int backend_kind_by_name(const char *name);  // or -1

struct backend_timeouts {
    int64_t connect_ms;     // default 3000
    int64_t probe_ms;       // one probing request in all, default 5000
    int64_t load_ms;        // default 600000
    int64_t first_byte_ms;  // default 300000
    int64_t stall_ms;       // default 60000
    int64_t total_ms;       // default 900000
};

struct backend_config {
    const char *url;   // base, without /v1; "http+unix:///path" for a socket; borrowed as
    const char *name;  //   long as the backend, like every string here
    enum backend_kind kind;
    const char *service;  // "auto", "none", "openai", "openrouter", "litellm": what an
                          //   OpenAI-compatible service wants otherwise
    const char *model;    // "" = choose
    const char *api_key;  // "" = none; never logged
    int keep_alive_s;     // of the model after the last request, default 600
    int num_ctx;          // Ollama, constant for all requests, default 8192
    int max_tokens;       // of an answer, default 500
    const char *vision;   // "auto", "yes", "no": does the model see?
    double temperature;   // default 0.1
    bool is_streamed;     // answers come word by word; default true
    struct backend_timeouts timeouts;
    // What a server says when it fails may quote what it was shown, or was about to answer:
    // this takes out of the words what nobody is to be told.  In place; NULL = nothing.
    void (*clean)(void *arg, char *words, size_t size);
    void *clean_arg;
};

void backend_config_default(struct backend_config *c);

// How a server gives a model's memory back.
enum backend_unload_way {
    BACKEND_UNLOAD_NEVER,  // only by being stopped, or by its own idle timer
    BACKEND_UNLOAD_NOW,    // when told
    BACKEND_UNLOAD_SLEEP,  // moves it to main memory when told (vLLM)
};

// What a probe found.
struct backend_facts {
    int64_t at_ms;  // unix, when it was found
    enum backend_kind kind;
    const char *service;  // name of its profile, "none" = no special one; static
    char version[64];
    char model[192];  // chosen, "" = none
    bool has_vision;  // known to see pictures (or not told otherwise: see is_sure)
    bool is_vision_sure;
    bool is_loaded;  // resident now
    bool is_remote;  // pictures leave this machine (URL or the server's remote model)
    int slots;       // 0 = not told
    int n_ctx;       // usable context per slot, 0 = not told
    enum backend_unload_way unload;
    bool has_feedback;     // backend_feedback_ask may have an answer
    const char *formats;   // of pictures it takes, "jpeg,png"; static, NULL = not probed
    int64_t max_image_px;  // largest picture it takes, in pixels; 0 = not told
    int patch_px;          // as backend_patch_px
    const char
        *thinking;  // what switches reasoning off: a field, or a word in the question
                    //   that is said after a failure; "none"; static
    int n_models;
    char models[32][192];  // installed, vision models first
    bool model_vision[32];  // as the server says, else as the name makes likely
    bool model_sure[32];    // the server says
    bool model_loaded[32];
};

MUST_USE int backend_new(struct backend **out, struct loop *l, struct http *h,
                         const struct backend_config *c);
// Nothing may be under way, except a load that was cancelled.  The memory goes when the loop
// has closed its timers.
void backend_free(struct backend *b);
const struct backend_config *backend_config(const struct backend *b);
// How long the server shall keep the model, with the next request.
void backend_set_keep_alive(struct backend *b, int keep_alive_s);
// Of the last good probe.
const struct backend_facts *backend_facts(const struct backend *b);

// Where a model is.
enum backend_residence {
    BACKEND_ABSENT,  // not in memory; the next question would load it, or can not be asked
    BACKEND_LOADING,   // on its way, or the server is too busy with loads to say
    BACKEND_RESIDENT,  // the next question is answered without a load
    BACKEND_ASLEEP,  // given up by the server's own idle timer; a load or a question wakes it
};

const char *backend_residence_name(enum backend_residence r);

// What a server tells about its work, all users together.  -1 = not told.
struct backend_feedback {
    int running;      // requests being answered
    int waiting;      // requests that were accepted and wait
    int slots;        // requests it can answer at once
    double kv_share;  // of its memory for contexts that is taken, 0 to 1
};

// One call does one thing; at most one of each kind is under way per backend, asks excepted.
struct backend_call {
    int code;                          // out: 0 or E_*
    struct err err;                    // out: words
    int64_t retry_after_ms;            // out: -1 = not told
    enum backend_residence residence;  // out: of backend_verify
    int64_t
        expires_at_ms;  // out: of backend_verify, unix ms when the server drops the model
                        //   by itself; INT64_MAX = never, -1 = not told
    int64_t memory_bytes;  // out: of backend_verify, what the model holds; -1 = not told
    struct backend_feedback feedback;  // out: of backend_feedback_ask
    struct http_req http;              // private from here on
    struct backend *owner;
    int step;
    void (*done)(struct backend_call *c, int err);
    void *scratch;
};

// Who listens, which models, which one to take (configured, else loaded vision model, else
// installed vision model), what it can do.  Errors: E_NET (nobody there), E_LOADING, E_AUTH,
// E_GARBAGE (no VLM server), E_MODEL_MISSING (none installed, or not the configured one),
// E_NO_VISION (models, but none sees).
void backend_probe(struct backend *b, struct backend_call *c,
                   void (*done)(struct backend_call *c, int err));
// Makes the model resident with the same options asks will use, and waits for it; for
// servers that load by themselves it only verifies.  Errors: E_MODEL_CRASH, E_LOADING
// (deadline), E_NET*, ...
void backend_load(struct backend *b, struct backend_call *c,
                  void (*done)(struct backend_call *c, int err));
// Where the model is now: call.residence, and with it facts.is_loaded.  A query where the
// server has one, else a question of one token (never a picture).  err 0: it was told.
// Errors: E_NET (nobody there), E_MODEL_MISSING, E_MODEL_CRASH (the server says that its
// engine is dead), E_AUTH, ...
void backend_verify(struct backend *b, struct backend_call *c,
                    void (*done)(struct backend_call *c, int err));
// Gives the model's memory back, all instances of it.  No ask may be under way: some servers
// let those fail.  Nothing to do is success.  Errors: E_UNSUPPORTED (this server can not, see
// facts.unload), E_BUSY (others are being answered by it and would be cut off), E_NET, ...
void backend_unload(struct backend *b, struct backend_call *c,
                    void (*done)(struct backend_call *c, int err));
// Does the chosen model see pictures?  For servers that do not say (facts.is_vision_sure is
// false): two questions of a few words, one with a tiny picture of one colour, never one of
// the user's.  err 0: it does, and facts.is_vision_sure is true from now on.  What
// backend_recall_sight told is not asked again.  Errors: E_NO_VISION (in words), and what
// backend_load gives.
void backend_look(struct backend *b, struct backend_call *c,
                  void (*done)(struct backend_call *c, int err));
// What backend_look found in an earlier run, of this model on this version of the server.
void backend_recall_sight(struct backend *b, const char *model, const char *version,
                          bool sees);
// What the server says about its queue: call.feedback.  Costs the server little, but do not
// ask more than once in 5 s (llama-server notices clients that left only between such
// questions).  Errors: E_UNSUPPORTED (says nothing), E_NET, ...
void backend_feedback_ask(struct backend *b, struct backend_call *c,
                          void (*done)(struct backend_call *c, int err));
// done comes with E_CANCELED; a load that is cancelled is left to finish on the server.
void backend_cancel(struct backend *b, struct backend_call *c);

const char *backend_unload_name(enum backend_unload_way w);  // "never", "now", "sleep"
// What is known of a model there, as one line to be kept.
void backend_facts_text(const struct backend_facts *f, char *out, size_t size);

// Such a line, read again.
struct backend_known {
    int64_t at_ms;   // unix
    char vision[8];  // "yes", "no", "unknown"
    char version[64], formats[32], unload[8], thinking[32];
    int64_t max_image_px;
    int slots, n_ctx, patch_px;
};
bool backend_facts_read(const char *text, struct backend_known *out);
// A line of at most that age, about the same version: does the model see?  false: the
// line is of no use any more.
bool backend_facts_recall(const char *text, int64_t now_ms, int64_t max_age_ms,
                          const char *version, bool *sees);

// Side of the square of a picture that costs this model one token, in pixels; 0 = not known,
// or the model cuts pictures in another way.  By the family its name tells.
// Source: PROTOCOLS.md 9.2.
int backend_patch_px(const char *model);

// Whole patches: at most tokens squares of patch_px.
struct backend_grid {
    int patch_px, tokens;
};
// What a screen of 16:9 with a long side of long_px costs this model there, within what it
// can take; max_tokens: of an answer, which needs its part of the context.  false: its grid is
// not known, pixels have to do.  Pure.
bool backend_grid(const struct backend_facts *f, int long_px, int max_tokens,
                  struct backend_grid *out);

// ---- prompts

// Kinds of application a prompt exists for.
enum prompt_kind {
    PROMPT_DEFAULT,
    PROMPT_IDE,
    PROMPT_TERMINAL,
    PROMPT_BROWSER,
    PROMPT_MEETING,
    PROMPT_DOCUMENT,
    PROMPT_CHAT,
    PROMPT_KINDS
};

// A kind's user text may be replaced by configuration; its version then names the text.
struct prompt_config {
    const char *system;              // "" = built in; borrowed
    const char *user[PROMPT_KINDS];  // "" or NULL = built in; borrowed
};

struct prompt {
    enum prompt_kind kind;
    const char *system;
    const char *user;
    const char *rule;  // said last, behind the form of the answer; "" or NULL = none
    char version[48];  // "ide/1", or "ide/custom-1a2b3c4d"; with a rule "ide/1s", ...
};

const char *prompt_kind_name(enum prompt_kind k);
enum prompt_kind prompt_kind_of(const char *app, const char *window);
void prompt_pick(const struct prompt_config *c, const char *app, const char *window,
                 struct prompt *out);
// For closer looks: rule is said besides, and the version names both.  Not after
// prompt_pick_safe.
void prompt_add_tier(struct prompt *p, const char *tier, const char *rule);
// For pictures with personal data on them: asks for an answer that quotes none of it.
void prompt_pick_safe(const struct prompt_config *c, const char *app, const char *window,
                      struct prompt *out);

// ---- answers

struct answer {
    char *summary;  // all owned; NULL when absent
    char *activity;
    char *app;
    char *details;
    char *tags;  // JSON array of strings, always valid
    char *text;
    char *raw;      // as the model wrote it, reasoning stripped
    bool is_plain;  // no JSON in it: the words became the summary
};
void answer_fini(struct answer *a);

// What came back, before it is believed.
struct answer_input {
    const char *content;  // may be NULL
    size_t content_len;
    const char *finish_reason;  // "stop", "length", ... or ""
    int64_t prompt_tokens;      // -1 = not told
    int64_t completion_tokens;  // -1 = not told
    int max_tokens;
    bool wants_schema;
    int64_t text_tokens;   // least that the words must have cost; 0 = no image check
    int64_t image_tokens;  // least that the picture must have cost
};
// Strips reasoning, repairs fenced or half-wrapped JSON, validates.  Pure.
// Errors: E_EMPTY, E_UNFINISHED, E_REPETITION, E_SCHEMA, E_REFUSAL, E_IMAGE_DROPPED,
// E_GARBAGE.  On success out is owned by the caller: answer_fini.
MUST_USE int answer_check(const struct answer_input *in, struct answer *out,
                          struct err *e);

// Error body and status -> E_*, with the server's words in e (PROTOCOLS.md 8.1, 8.2).  Pure.
// status 200 is for error objects inside a success.
int backend_classify(int status, const char *body, size_t len, struct err *e);

// ---- asking

struct backend_ask {
    // in; borrowed until done
    const uint8_t *jpeg;
    size_t jpeg_len;
    int width, height;  // of jpeg
    const struct prompt *prompt;
    const char *cid;             // sent as X-Correlation-ID
    const char *traceparent;     // sent, unless NULL or ""
    int max_tokens;              // 0 = the backend's
    int64_t first_byte_most_ms;  // waited for; 0 = as long as the backend says
    int64_t deadline_ms;  // for all of it, 0 = the backend's own; past it: E_DEADLINE
    unsigned seed;        // changes with each attempt
    bool no_schema;       // plain text asked for
    // It thought instead of answering: not only the usual field says that it should not, but
    // also what its family understands in the question itself.
    bool no_thinking;
    // The texts of the answer as they come, unescaped, whole characters; field "summary", ...
    // or "" without JSON.  Not yet an answer: it may turn out to be none.  May call
    // backend_ask_pause, not backend_ask_cancel.  NULL = nobody listens.
    void (*on_words)(struct backend_ask *a, const char *field, const char *text,
                     size_t len);
    // out; valid in done
    struct answer answer;  // owned by the caller on success
    char finish_reason[24];
    int64_t prompt_tokens, completion_tokens;       // -1 = not told
    int64_t connect_ms, first_byte_ms, request_ms;  // -1 = did not get that far
    int64_t bytes_sent;
    // The server's words about requests or, where that is nearer, tokens; -1 = not told.
    int64_t rate_remaining, rate_reset_ms;
    int64_t cost_nano;  // billionths of a dollar, as the service says; -1 = not told
    struct backend_call call;  // code, err, retry_after_ms are out
    void (*done)(struct backend_ask *a, int err);
    struct buf head, tail;  // private from here on
    void *stream;
};
// Asks and checks the answer: done's err is 0 only for a real answer.
void backend_ask(struct backend *b, struct backend_ask *a,
                 void (*done)(struct backend_ask *a, int err));
// Something about the server that a person should know, once: it shrinks pictures.  false:
// nothing new.
bool backend_take_note(struct backend *b, char *out, size_t size);
// The answer is read no further until it is resumed; what was read already may still come.
void backend_ask_pause(struct backend *b, struct backend_ask *a, bool is_paused);
void backend_ask_cancel(struct backend *b, struct backend_ask *a);
// Frees what is private; done has already left nothing.  The answer stays the caller's.
void backend_ask_fini(struct backend_ask *a);
// Canonical text of the parameters that shape an answer, for the result cache.
void backend_params(const struct backend *b, char *out, size_t size);

#endif
