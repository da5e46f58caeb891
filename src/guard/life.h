// life.h -- when a model is loaded, looked at and given back.
//
//   ABSENT --taken, wanted--> LOADING --loaded, verified--> READY <--> BUSY
//     ^                          |                            |
//     |                          '--failed--> FAILED          | time to live, pressure,
//     '--unloaded-- UNLOADING <-------------------------------' asked, exit
//
// Pure: (state, event, now) -> what to do.  life_next is the only writer of the state.  Rules
// that hold whatever happens: a load under way is never ended nor doubled; nothing is
// unloaded that has requests in flight or pictures waiting for it; what others loaded is
// unloaded only when a person asks.
// SPDX-License-Identifier: MIT
#ifndef VLMD_GUARD_LIFE_H
#define VLMD_GUARD_LIFE_H

#include <stdbool.h>
#include <stdint.h>

enum life_state {
    LIFE_ABSENT,
    LIFE_LOADING,
    LIFE_READY,
    LIFE_BUSY,
    LIFE_UNLOADING,
    LIFE_FAILED
};

// Why it is as it is.
enum life_reason {
    LIFE_AT_FIRST,     // nothing has happened yet
    LIFE_FOUND,        // it was resident already
    LIFE_BY_US,        // loaded for work of ours
    LIFE_BY_TTL,       // nothing was asked for the time to live
    LIFE_BY_PRESSURE,  // memory is short
    LIFE_BY_PERSON,
    LIFE_BY_EXIT,
    LIFE_BY_SERVER,  // the server dropped it
    LIFE_BY_ERROR,
};

enum life_event {
    LIFE_TAKEN_RESIDENT,  // the server was just asked: it is there
    LIFE_TAKEN_ABSENT,    // ... it is not
    LIFE_WANTED,          // a picture waits for it
    LIFE_BEGAN,           // a request
    LIFE_ENDED,           // a request
    LIFE_LOADED,          // what LIFE_LOAD came to
    LIFE_LOAD_FAILED,
    LIFE_VERIFIED,  // what LIFE_VERIFY came to
    LIFE_MISSING,
    LIFE_DROPPED,   // a request was refused: the model is not loaded
    LIFE_UNLOADED,  // what LIFE_UNLOAD came to
    LIFE_UNLOAD_FAILED,
    LIFE_TICK,
    LIFE_SHORT_OF_MEMORY,
    LIFE_LET_GO,  // a person wants it unloaded
    LIFE_EXIT,
    LIFE_SERVER_GONE,
};

enum life_deed { LIFE_NOTHING, LIFE_LOAD, LIFE_VERIFY, LIFE_UNLOAD };

struct life_config {
    int64_t ttl_ms;        // from the end of the last request, default 600000; 0 = none
    bool preloads;         // without waiting for work, default yes
    bool unloads_at_exit;  // what this process loaded, default yes
};

// What its server can do; may change with each probe.
struct life_server {
    bool can_unload;  // when told to
    bool has_ttl;     // unloads by itself: the time goes with each request
    bool is_local;    // its memory is this machine's
};

struct life {
    enum life_state state;
    enum life_reason reason;
    bool is_ours;    // this process made it resident
    bool is_loaded;  // LOADING: the load is done, being verified
    bool is_wanted;  // UNLOADING: to be loaded again
    int in_flight;
    int n_waiting;     // pictures that want it or will; kept by the caller
    int64_t idle_ms;   // READY: since when, monotonic
    int64_t ttl_ms;    // 0 = the configured one
    int ooms;          // loads in a row that ran out of memory
    int64_t since_ms;  // of the state
};

void life_config_default(struct life_config *c);
// For a model that a person asked to have loaded.
int64_t life_temporary_ttl_ms(void);
// Moves the state; returns what has to be done now.  Its outcome is the next event.
enum life_deed life_next(struct life *l, const struct life_config *c,
                         const struct life_server *s, enum life_event event,
                         int64_t now_ms);
// When a LIFE_TICK has something to do: monotonic, INT64_MAX = never.
int64_t life_due_ms(const struct life *l, const struct life_config *c,
                    const struct life_server *s);
// Would a person's wish to unload be followed?  Not while it works or is worked for.
bool life_may_let_go(const struct life *l);
// Least wait before a load that failed is tried again: minutes when memory ran out, 0 = the
// usual back-off.
int64_t life_load_wait_ms(struct life *l, bool is_oom);
const char *life_state_name(enum life_state s);     // "absent", "loading", ...
const char *life_reason_words(enum life_reason r);  // "nothing was asked for ..."

#endif
