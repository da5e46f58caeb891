// dispatch.h -- which backend is asked, when, and what its failures mean.
//
// Keeps one route per backend: looks for it, loads its model, counts what is in flight,
// leaves it alone when it is away.  Knows neither jobs nor the queue: it takes a struct ask.
// A backend that is away is not an outcome: asks are refused with E_BUSY until it is back,
// and paused_because says why.
// SPDX-License-Identifier: MIT
#ifndef VLMD_DISPATCH_H
#define VLMD_DISPATCH_H

#include "base/err_ring.h"
#include "dispatch/ask.h"
#include "guard/guard.h"
#include "guard/life.h"
#include "io/http.h"
#include "vlmd.h"

struct dispatch;

struct dispatch_config {
    const struct backend_config *backends;  // borrowed: as long as the dispatch
    int n_backends;
    bool is_search;  // the backends are guesses: the first that answers is taken
    int64_t stand_in_after_ms;  // outage of a model before OCR takes over; default 30000
    bool allow_remote;          // pictures may leave this machine
    int concurrency;            // 0 = found by trying, from what the backend says
    struct breaker_config breaker;
    struct life_config life;          // of each backend's model; ttl_ms: its keep_alive_s
    const struct guard_terms *terms;  // parallel to backends, as long; NULL = none
    int retry_pct;  // of a backend's requests that may be repetitions; 100 = no limit
    const struct prompt_config *prompts;
};

enum dispatch_sight { DISPATCH_SIGHT_UNKNOWN, DISPATCH_SIGHT_SEES, DISPATCH_SIGHT_BLIND };

struct dispatch_events {
    void *arg;
    // An ask refused before may be tried again; also from inside dispatch_try, before that
    // ask is known to be sent.
    void (*on_capacity)(void *arg);
    void (*on_state)(void *arg);        // paused_because or a backend's state changed
    void (*on_model_ready)(void *arg);  // a vision model can be asked now
    void (*on_notice)(void *arg, const char *words);  // once: the stand-in serves
    // For counting; may be NULL.  Making the model resident, or finding out whether it is,
    // took so long, and ended with err.
    void (*on_loaded)(void *arg, const char *backend, const char *model, int err,
                      int64_t took_ms);
    void (*on_verified)(void *arg, const char *backend, const char *model, int err,
                        int64_t took_ms);
    // Without config.concurrency.  Is it known how many at once suit this model there?
    // dispatch_recall may be called later.
    void (*on_limit_wanted)(void *arg, const char *url, const char *model);
    // Does this model there see pictures, as was found earlier?  dispatch_recall_sight is
    // called in any case.
    void (*on_sight_wanted)(void *arg, const char *url, const struct backend_facts *f);
    // It was found out; worth remembering.
    void (*on_sight_found)(void *arg, const char *url, const struct backend_facts *f);
    // What is known of the model in use there, each time it was found out.
    void (*on_facts)(void *arg, const char *url, const struct backend_facts *f);
    // So many do: worth remembering.
    void (*on_limit_found)(void *arg, const char *url, const char *model, int limit);
    // A backend was looked for, or its model loaded, in vain: told once.  May be NULL.
    void (*on_error)(void *arg, const struct err_note *note);
};

// When OCR describes instead of a model.
enum dispatch_stand_in {
    STAND_IN_NEVER,
    STAND_IN_AT_START,  // only as long as no model was there yet
    STAND_IN_OUTAGE,    // also when a model has been away for stand_in_after_ms
    STAND_IN_AT_ONCE    // whenever no model is there
};

// Backends are looked for, but no model is loaded before dispatch_serve.  ocr may be NULL
// when there is no stand-in.
MUST_USE int dispatch_open(struct dispatch **out, struct loop *l, struct http *h,
                           struct ocr *ocr, const struct dispatch_config *c,
                           const struct dispatch_events *events);
// c is another but for its list of backends, which are the same ones in the same order.
void dispatch_configure(struct dispatch *d, const struct dispatch_config *c);
// There is work: load models, take asks.
void dispatch_serve(struct dispatch *d, enum dispatch_stand_in stand_in);
// Probes and loads what is due.  Returns the next deadline (monotonic ms, INT64_MAX = none).
int64_t dispatch_tick(struct dispatch *d, int64_t now_ms);
// Sends a to the best backend that can take it now.  0: done will come.  E_BUSY: none can
// now, on_capacity tells when to try again; or a->wants_record: try again once the audit
// knows that it goes to a->backend.  E_REMOTE, E_BLOCKED: the gate refused every
// backend that is there (words in a->err).
// Errors in done: what backend_ask and ocr_read give; a->is_backend_sick says whether the
// picture is to blame.
MUST_USE int dispatch_try(struct dispatch *d, struct ask *a,
                          void (*done)(struct ask *a, int err));
// What on_limit_found said in an earlier run: the search begins at half of it.  Of no effect
// once it has found something by itself.
void dispatch_recall(struct dispatch *d, const char *url, const char *model, int limit);
// So many pictures are on their way to a model: nothing is unloaded meanwhile.
void dispatch_note_waiting(struct dispatch *d, int n);
// So much of each backend's limit is used from now on, at least one request; default 100.
void dispatch_ease(struct dispatch *d, int share_pct);
// Requests under way at models of this machine.
int dispatch_asking_here(const struct dispatch *d);
// Is a model in this machine's memory that was loaded for us?
bool dispatch_holds_model(const struct dispatch *d);
// Memory is short on this machine: models nobody waits for are unloaded.
void dispatch_press(struct dispatch *d);
// A person's wish, for the backend of this name (NULL: the one that serves, or would).  0:
// done comes, later; 1: nothing to do.  Errors: E_NOT_FOUND (no such backend), E_BUSY,
// E_UNSUPPORTED, why the server can not be asked; words in e.
MUST_USE int dispatch_load(struct dispatch *d, const char *name,
                           void (*done)(void *arg, int err, const char *words), void *arg,
                           struct err *e);
MUST_USE int dispatch_unload(struct dispatch *d, const char *name,
                             void (*done)(void *arg, int err, const char *words),
                             void *arg, struct err *e);
// The answer to on_sight_wanted.
void dispatch_recall_sight(struct dispatch *d, const char *url, const char *model,
                           const char *version, enum dispatch_sight known);
// Finds out of every backend whether its model sees, without serving: dispatch_has_looked
// waits for that, too.
void dispatch_look_closely(struct dispatch *d);
// What earlier runs spent with this backend in the span under way.
void dispatch_recall_spent(struct dispatch *d, const char *backend, enum budget_span span,
                           const struct budget_spent *spent);
void dispatch_cancel(struct dispatch *d, struct ask *a);
// Reads the answer that is under way no further, until it is resumed.
void dispatch_pause_answer(struct dispatch *d, struct ask *a, bool is_paused);
void ask_fini(struct ask *a);

// How many asks the backends that are ready can hold at once.
int dispatch_capacity(const struct dispatch *d);
// Is a vision model ready, or about to be?
bool dispatch_has_model(const struct dispatch *d);
// Would the stand-in be chosen now?
bool dispatch_uses_stand_in(const struct dispatch *d);
// "" when some backend can be asked.
const char *dispatch_paused_because(const struct dispatch *d);
// Every backend was looked for at least once and none was ever ready.
bool dispatch_never_ready(const struct dispatch *d);
// What a, of which app, window, tier and tier_rule are set, would most likely be made with;
// false when not known.
bool dispatch_expect(const struct dispatch *d, const struct ask *a,
                     struct ask_expected *out);
// The size that suits the backend which would most likely be asked; false: not known.
bool dispatch_grid(const struct dispatch *d, int long_px, struct backend_grid *out);
int dispatch_status(const struct dispatch *d, struct vlmd_backend_status *out, int max);
// Of the backend that has used most of what it may: how much, in %.
double dispatch_budget_pct(const struct dispatch *d);
// Facts of backend i (in the order of dispatch_status), NULL when never reached.
const struct backend_facts *dispatch_facts(const struct dispatch *d, int i);
// Have all backends been looked for once?
bool dispatch_has_looked(const struct dispatch *d);
// No ask may be under way.  on_closed comes at once when no probe or load is.
void dispatch_close(struct dispatch *d, void (*on_closed)(void *arg), void *arg);

#endif
