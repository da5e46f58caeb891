// route.h -- the life of one backend: looked for, loading, ready, away, misconfigured.
//
//   UNKNOWN -> PROBING -> FOUND -> LOADING -> READY   its model made resident
//   READY -> UNLOADING -> RESTING -> LOADING          given back, loaded when it is wanted
//   PROBING, LOADING, READY -> AWAY -> PROBING      not there; looked for with back-off
//   PROBING, READY -> WRONG -> PROBING              there, but of no use until someone acts
//   FOUND, AWAY, WRONG -> STANDBY -> UNKNOWN        a guess that is not needed (now)
//
// route_move is the only writer of the state and writes one log line per change.
// Private to dispatch.c, roster.c and the route_*.c files.
// SPDX-License-Identifier: MIT
#ifndef VLMD_ROUTE_H
#define VLMD_ROUTE_H

#include "dispatch/dispatch.h"

enum route_state {
    ROUTE_UNKNOWN,
    ROUTE_PROBING,
    ROUTE_FOUND,
    ROUTE_LOADING,
    ROUTE_READY,
    ROUTE_UNLOADING,
    ROUTE_RESTING,
    ROUTE_AWAY,
    ROUTE_WRONG,
    ROUTE_STANDBY
};

// A person waits for a load or an unload.
struct route_wish {
    void (*done)(void *arg, int err, const char *words);  // NULL = nobody does
    void *arg;
    bool is_load;
};

// What loading has come to so far.
struct route_model_totals {
    int64_t loads, load_failures, load_ms;
    int64_t verifies, verify_failures, verify_ms;
    int64_t unloads;
};

enum { ROUTE_TIMES = 64 };

// Of the last answers.
struct route_times {
    int32_t ms[ROUTE_TIMES];
    int n, next;
};

struct route {
    struct dispatch *dispatch;
    struct backend *backend;  // owned; NULL = the OCR stand-in
    const char *name;
    const char *url;
    enum route_state state;
    int code;  // why AWAY or WRONG
    char reason[256];
    bool is_guess;  // nobody named it: not to be there is no news
    bool was_probed;
    bool was_ready;
    int64_t since_ms;          // monotonic, of the state
    int64_t next_probe_ms;     // AWAY, WRONG: when it is looked for again
    struct backend_call call;  // the one probe or load under way
    bool has_call;
    struct breaker_config breaker_config;
    struct breaker breaker;
    const struct guard_terms *terms;  // borrowed: as long as the route
    int64_t hold_until_ms;            // monotonic; nothing is sent before
    char hold_reason[160];            // "" = none
    int holds;                        // in a row, asked for by the server
    struct rate rate;
    struct budget budget;
    int64_t budget_until_ms;  // unix; used up until then, 0 = not
    int retry_pct;
    struct retry_budget retries;
    int64_t sent_ms;  // monotonic; the last ask
    int vain_loads;   // loads in a row that no answer followed
    int bad_answers;  // unusable answers in a row, no good one between
    int in_flight;
    int configured_limit;  // 0 = found by trying
    int limit;
    struct concur_config concur_config;
    struct concur concur;          // meaningful without a configured limit
    int kept_limit;                // the last one told for keeping
    struct backlog backlog;        // what its own words about its queue come to
    struct backend_call look;      // at that queue
    bool has_look;                 // it is under way
    bool is_mute;                  // it said that it has nothing to tell
    int vain_looks;                // in a row that were not answered
    int64_t next_look_ms;          // monotonic
    struct backend_feedback told;  // at told_ms
    int64_t told_ms;               // monotonic, 0 = nothing was
    char concur_model[192];        // it was found for
    bool needs_probe;              // once it is loaded, for its facts
    bool is_sight_pending;         // it is being found out whether its model sees
    char sight_model[192];         // that it was looked up for
    struct life life;              // of its model; moved by route_model.c
    struct life_config life_config;
    bool has_server_ttl;    // it unloads by itself
    bool cannot_unload;     // it said so
    bool is_kept;           // a person had it loaded: exit leaves it
    int64_t call_began_ms;  // of call, monotonic
    int64_t look_at_ms;     // LOADING: somebody else loads it; look again then
    struct route_wish wish;
    struct route_model_totals model;
    int64_t answered, failed;
    struct route_times times;
    struct patience patience;
    double latency_ms;      // moving average of answered requests
    char timed_model[192];  // whose times these are
};

void route_init(struct route *r, struct dispatch *d, struct backend *b, const char *name,
                const char *url, const struct dispatch_config *c);
// Other terms hold from now on; what was learned and counted stays.
void route_configure(struct route *r, const struct dispatch_config *c, int keep_alive_s,
                     int64_t now_ms);
void route_move(struct route *r, enum route_state to, int code, const char *reason,
                int64_t now_ms);
void route_become_ready(struct route *r, int64_t now_ms);
// Its call failed: AWAY, or WRONG.  wait_ms: least wait until the next look.
void route_give_up(struct route *r, int err, const char *words, int64_t wait_ms,
                   int64_t now_ms);
void route_start_probe(struct route *r, int64_t now_ms);
// Taken: its server is there and it serves, its model resident or not.
bool route_is_taken(const struct route *r);
const char *route_state_name(enum route_state s);
// Starts what is due; returns the next deadline.
int64_t route_tick(struct route *r, int64_t now_ms);
// How many asks may be there at once: its limit, or the share that is used of it.
int route_room(const struct route *r);
// Could an ask go there now?
bool route_is_open(const struct route *r, int64_t now_ms);
// An ask is sent; gives what route_measure wants back.
unsigned route_began(struct route *r, int64_t now_ms);
// Moves the limit by an ask's end; before route_learn.
void route_measure(struct route *r, unsigned mark, int err, int64_t request_ms,
                   int64_t tokens, int64_t now_ms);
// Is its limit found by trying?
bool route_is_adaptive(const struct route *r);
// The policy may have moved it.
void route_follow_limit(struct route *r);
// How long the next ask's first byte is waited for.
int64_t route_first_byte_ms(const struct route *r);
// A limit found in an earlier run.
void route_recall(struct route *r, const char *model, int limit);
// Draws the conclusions from an ask's end.  Returns true when the backend is to blame.
bool route_learn(struct route *r, int err, const char *words, int64_t retry_after_ms,
                 int64_t request_ms, int64_t now_ms);
void route_stop(struct route *r);

// ---- route_sight.c: before the model is taken

// Begins to find out whether the model sees, where that is not known; true: it is under way.
bool route_sight_begin(struct route *r, int64_t now_ms);
void route_sight_recalled(struct route *r, const char *model, const char *version,
                          enum dispatch_sight known);

// ---- route_backlog.c: what its server says of its own queue

// It is ready again: nothing is known.
void route_backlog_anew(struct route *r, int64_t now_ms);
// Asks it when that is due; returns when it is next.
int64_t route_backlog_tick(struct route *r, int64_t now_ms);
// The last that was told, while it is fresh; all -1 = nothing.
struct backend_feedback route_backlog_told(const struct route *r, int64_t now_ms);

// ---- route_pace.c: when the next may be sent

// What a finished ask cost.
struct route_cost {
    int64_t charged;                           // what route_charge gave
    int64_t prompt_tokens, completion_tokens;  // -1 = not told
    double money;
    struct rate_told told;
};

// Counts an ask against rate and budgets; gives what route_account wants back.
int64_t route_charge(struct route *r, bool is_retry, int64_t now_ms);
void route_account(struct route *r, const struct route_cost *cost, int64_t now_ms);
// The server asks for a pause; retry_after_ms -1 = it does not say how long.
void route_hold(struct route *r, int err, const char *words, int64_t retry_after_ms,
                int64_t now_ms);
// The server is there again: its own wishes are forgotten, rate and budget hold.
void route_pace_anew(struct route *r, int64_t now_ms);
// Rate, budget, or the server's wish keep it from being asked.
bool route_is_held(const struct route *r, int64_t now_ms);
// Its budget is used up.
bool route_is_spent(const struct route *r);
// Ends a hold that is over; returns when the one under way is, INT64_MAX = none.
int64_t route_pace_tick(struct route *r, int64_t now_ms);
// Monotonic ms when a repetition may be sent; now_ms or less = now.
int64_t route_retry_at_ms(struct route *r, int64_t now_ms);
// What it was paid in an earlier run, in the span under way.
void route_recall_spent(struct route *r, enum budget_span span,
                        const struct budget_spent *s, int64_t now_ms);

// ---- route_model.c: its model, loaded, verified, unloaded

// FOUND: dispatch wants it.  Loads its model if need be.
void route_model_take(struct route *r, int64_t now_ms);
// RESTING, UNLOADING: a picture waits for it.
void route_model_want(struct route *r, int64_t now_ms);
void route_model_began(struct route *r, int64_t now_ms);
void route_model_ended(struct route *r, int64_t now_ms);
// A request was refused because the model is not there.
void route_model_dropped(struct route *r, int64_t now_ms);
// The server is not there.
void route_model_gone(struct route *r, int64_t now_ms);
// Memory is short on this machine.
void route_model_press(struct route *r, int64_t now_ms);
// vlmd ends: has_call when something is under way now.
void route_model_exit(struct route *r, int64_t now_ms);
// Does what is due; returns the next deadline.
int64_t route_model_tick(struct route *r, int64_t now_ms);
// When it will be given back if nothing comes: monotonic, INT64_MAX = not planned.
int64_t route_model_due_ms(const struct route *r);
// 0: wish.done will come, never from inside.  1: nothing to do.  Errors: E_BUSY,
// E_UNSUPPORTED, why the server can not be asked; words in e.
MUST_USE int route_model_load(struct route *r, const struct route_wish *wish,
                              struct err *e);
MUST_USE int route_model_unload(struct route *r, const struct route_wish *wish,
                                struct err *e);
// Tells whoever waits, if anybody does.
void route_model_told(struct route *r, int err, const char *words);

// dispatch.c: a route's state or room changed.
void dispatch_route_changed(struct dispatch *d);
void dispatch_limit_wanted(struct dispatch *d, const struct route *r);
void dispatch_limit_found(struct dispatch *d, const struct route *r, int limit);
void dispatch_loaded(struct dispatch *d, const struct route *r, int err, int64_t took_ms);
void dispatch_verified(struct dispatch *d, const struct route *r, int err,
                       int64_t took_ms);
void dispatch_route_call_ended(struct dispatch *d);
void dispatch_route_failed(struct dispatch *d, const struct route *r, int code,
                           const char *words);
bool dispatch_allows_remote(const struct dispatch *d);
int dispatch_share_pct(const struct dispatch *d);
// Can the stand-in be started?
bool dispatch_has_ocr(const struct dispatch *d, struct err *why);
void dispatch_tell_facts(struct dispatch *d, const struct route *r);
uint32_t dispatch_random(struct dispatch *d);
int64_t dispatch_now_ms(const struct dispatch *d);

#endif
