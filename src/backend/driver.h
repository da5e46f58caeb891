// driver.h -- private to backend/: one table of functions per kind of server, and the
// exchange of requests and replies that probes and loads are made of.
//
//     backend.c   the object, its configuration, what is delivered later
//     talk.c      one request after the other, until a driver says it is done
//     detect.c    who listens (PROTOCOLS.md 8.4); hands over to the kind's survey
//     driver_*.c  what each kind says and wants to hear
//     ask.c       the one question all this is for; stream.c reads its answer
// SPDX-License-Identifier: MIT
#ifndef VLMD_BACKEND_DRIVER_H
#define VLMD_BACKEND_DRIVER_H

#include "backend/backend.h"
#include "backend/cost.h"
#include "backend/frame.h"
#include "backend/models.h"
#include "backend/service.h"
#include "base/list.h"
#include "io/timer.h"

struct cJSON;
struct talk;
struct stream;

// What a server may refuse to be told; learned from its 400s, kept as long as the backend.
enum field {
    FIELD_SCHEMA = 1 << 0,      // response_format
    FIELD_USAGE = 1 << 1,       // stream_options
    FIELD_MAX_TOKENS = 1 << 2,  // max_tokens; else max_completion_tokens
    FIELD_TEMPERATURE = 1 << 3,
    FIELD_SEED = 1 << 4,
    FIELD_THINKING = 1 << 5,  // chat_template_kwargs
    FIELD_TTL = 1 << 6,
    FIELD_EFFORT = 1 << 7,     // reasoning_effort
    FIELD_REASONING = 1 << 8,  // reasoning
    FIELD_DETAIL = 1 << 9,     // detail of image_url
    FIELD_COST = 1 << 10,      // usage: what it cost is told
    FIELDS_OF_ALL = FIELD_SCHEMA | FIELD_USAGE | FIELD_MAX_TOKENS | FIELD_TEMPERATURE |
                    FIELD_SEED | FIELD_THINKING,
};

// One reply, borrowed during the handler.
struct reply {
    int err;  // of the transport; the rest is empty then
    int status;
    const char *body;  // NUL behind it
    size_t len;
    struct cJSON *json;  // NULL: no JSON
    const char *server;  // header
    const char *words;   // of err
};

// What a talk is about; at most one of each is under way.
enum talk_kind {
    TALK_PROBE,
    TALK_LOAD,
    TALK_VERIFY,
    TALK_UNLOAD,
    TALK_FEEDBACK,
    TALK_SIGHT,
    TALK_KINDS
};

// Handlers return one of these, or E_* with words in talk.err.
enum { TALK_MORE = 0, TALK_DONE = 1 };

typedef int talk_fn(struct talk *t, const struct reply *r);

struct driver {
    enum backend_kind kind;
    const char *name;
    // Collects facts and models, then talk_choose.  models: the reply to /v1/models when it
    // was asked for already, else NULL and the survey begins by itself.
    talk_fn *survey;
    // Makes the model resident; first step (r is NULL).
    talk_fn *load;
    // Where it is: talk_resident, first step.
    talk_fn *verify;
    // Gives its memory back; NULL: it can not.
    talk_fn *unload;
    // Fills talk.feedback; NULL: it says nothing.
    talk_fn *feedback;
    bool is_load_fragile;  // the server gives up a load when the asker leaves
    const char *chat_path;
    enum frame_kind frames;
    // Writes what stands before and behind the picture.
    int (*encode)(const struct backend *b, const struct backend_ask *a, struct buf *head,
                  struct buf *tail);
    // Reads one frame, or a whole answer that was not streamed.
    void (*decode)(struct stream *s, const struct cJSON *frame);
    unsigned never;  // FIELD_* that this kind is not sent
    unsigned also;   // FIELD_* beyond FIELDS_OF_ALL that it is sent
};

extern const struct driver driver_ollama, driver_openai, driver_lmstudio,
    driver_llama_server, driver_llama_swap, driver_vllm, driver_sglang;

const struct driver *driver_of(enum backend_kind kind);  // NULL for BACKEND_AUTO

// ---- the backend

struct backend {
    struct loop *loop;             // borrowed: for life
    struct http *http;             // borrowed: for life
    struct backend_config config;  // its strings are borrowed: for life
    char *base;                    // owned; URL without a slash at its end
    char *unix_socket;             // owned; or NULL
    char *auth;                    // owned; header, or NULL
    bool is_local;
    struct backend_facts facts;
    const struct driver *driver;  // of facts.kind; NULL before the first probe
    unsigned refused;             // FIELD_*
    const struct service *service;
    struct cost_watch cost;
    char note[320];  // to be taken by backend_take_note; "" = none
    struct sight_memory {
        char model[192], version[64];  // "" = nothing is remembered
        bool sees;
    } sight;
    // Owned by themselves; NULL = none.  A load may go on after its caller has left.
    struct talk *talks[TALK_KINDS];
    struct timer later_timer;
    struct list later;  // calls and asks whose done is due
    struct timer grace_timer;
    struct list graces;       // streams that have said all but do not end
    struct timer poll_timer;  // of load
    struct closer closer;
};

// Before anybody is told, or the log: what went wrong, without what it may have quoted.
void backend_clean(const struct backend *b, struct err *e);

// Delivers done with call->code on the loop's next turn.  Exactly one of the two is given.
void backend_later(struct backend *b, struct backend_call *call, struct backend_ask *ask);
const char *backend_model(const struct backend *b);  // chosen or configured, "" = none
void backend_grace(struct backend *b);               // graces has changed

// ---- talks

struct talk {
    struct backend *b;          // borrowed; NULL: the backend is gone, only end
    struct backend_call *call;  // borrowed until done; NULL: the caller has left
    enum talk_kind kind;
    const struct driver *driver;  // who is talked to, as far as it is known
    const struct service *service;
    talk_fn *next;
    char *base;         // owned
    char *unix_socket;  // owned; or NULL
    char *auth;         // owned; or NULL
    char *url;          // owned
    struct buf body;
    struct http_req http;
    int64_t timeout_ms;
    int64_t wait_ms;  // before the next request
    int64_t began_ms;
    struct err err;
    struct backend_facts facts;  // being collected
    struct model_list list;
    struct model_row *chosen;  // in list
    int at;                    // row being asked about
    int64_t poll_ms;
    bool has_data;                     // /v1/models had a list
    enum backend_residence residence;  // of a verify
    int64_t expires_at_ms;             // of a verify; -1 = not told
    int64_t memory_bytes;              // of a verify; -1 = not told
    struct backend_feedback feedback;  // of a feedback
    int64_t text_tokens;               // of a sight: without the picture
};

// Starts; step is called with r NULL, or a first request.
void talk_start(struct backend *b, struct backend_call *call, enum talk_kind kind,
                talk_fn *first);
void talk_cancel(struct talk *t);
void talk_orphan(struct talk *t);  // the backend goes, the talk ends by itself

// For handlers: the next request; next reads its reply.  Returns TALK_MORE or E_*.
MUST_USE int talk_get(struct talk *t, talk_fn *next, const char *path);
// The body was written to t->body before.
MUST_USE int talk_post(struct talk *t, talk_fn *next, const char *path);
// The same with nothing to say: the path tells all.
MUST_USE int talk_post_empty(struct talk *t, talk_fn *next, const char *path);
// The same for a path with a model's name in it: before + escaped name + behind.
MUST_USE int talk_get_model(struct talk *t, talk_fn *next, const char *before,
                            const char *model, const char *behind);
MUST_USE int talk_post_model(struct talk *t, talk_fn *next, const char *before,
                             const char *model, const char *behind);
// Load: the next request waits a little longer each time.  Errors: E_LOADING when load_ms is
// over.
MUST_USE int talk_wait(struct talk *t);
// 0 when the reply has status 2xx and is JSON that is no error; else E_* with words.
MUST_USE int talk_check(struct talk *t, const struct reply *r);
// The same without asking for JSON.
MUST_USE int talk_check_status(struct talk *t, const struct reply *r);
// Verify: that is where the model is.  Returns TALK_DONE.
MUST_USE int talk_resident(struct talk *t, enum backend_residence r);
// Unload, feedback: this server has no such thing.  Returns E_UNSUPPORTED.
MUST_USE int talk_unsupported(struct talk *t);
// Is the reply a "no such path", in any of the ways that servers say it?
bool talk_is_missing(const struct reply *r);
// Chooses and fills the facts.  Returns TALK_DONE or E_*.
MUST_USE int talk_choose(struct talk *t);

// ---- shared by all kinds (ask.c)

// All that is said beside the picture: question, form of the answer, rule.
MUST_USE int ask_words(const struct backend *b, const struct backend_ask *a,
                       struct buf *out);

// ---- shared by the kinds that speak OpenAI (driver_openai.c)

int openai_encode(const struct backend *b, const struct backend_ask *a, struct buf *head,
                  struct buf *tail);
void openai_decode(struct stream *s, const struct cJSON *frame);
// Adds the rows of a /v1/models reply with what gateways and llama.cpp say about them.
void openai_add_models(struct model_list *l, const struct cJSON *json);
// Load for servers that have their model from the start: /v1/models has it.
int openai_load(struct talk *t, const struct reply *r);
// The smallest question, of one token; its reply comes to next.
MUST_USE int openai_ask_tiny(struct talk *t, talk_fn *next);
// The question about the picture of sight.h, with the picture or without it.
MUST_USE int openai_ask_sight(struct talk *t, talk_fn *next, bool has_picture);
// The question about the picture of sight.h, with the picture or without it.
MUST_USE int openai_ask_sight(struct talk *t, talk_fn *next, bool has_picture);
// Verify for servers without a load-state query: that question.
int openai_verify(struct talk *t, const struct reply *r);
// FIELD_* that a request to b has.
unsigned openai_sent(const struct backend *b);
// FIELD_* that the words of a refusal name, 0 = none.
unsigned openai_refusal(const char *words);

// ---- llama-server's own words, which llama-swap passes on (driver_llama.c)

void llama_read_props(struct talk *t, const struct cJSON *props, struct model_row *m);
// Reads /slots; TALK_DONE or E_*.
int llama_read_slots(struct talk *t, const struct reply *r);
// Reads /metrics; false: it has none of llama-server's gauges.
bool llama_read_gauges(struct talk *t, const struct reply *r);

// ---- whether a model sees (see.c)

// What is remembered of this model there, or was configured.
enum vision look_known(const struct backend *b, const char *model, const char *version);
int look_first(struct talk *t, const struct reply *r);

// ---- whether a model sees (see.c)

// What is remembered of this model there, or was configured.
enum vision look_known(const struct backend *b, const char *model, const char *version);
int look_first(struct talk *t, const struct reply *r);

// The first request of a survey when the kind is not known (detect.c).
int detect_first(struct talk *t, const struct reply *r);

#endif
