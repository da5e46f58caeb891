// common.h -- what the requests of the store share: states, outcomes, what is known of a
// picture, a row of the audit.
// SPDX-License-Identifier: MIT
#ifndef VLMD_STORE_COMMON_H
#define VLMD_STORE_COMMON_H

#include "base/buf.h"
#include "io/loop.h"
#include "io/pool.h"

#include <stdbool.h>
#include <stdint.h>

struct store;

enum { STORE_HASH_BYTES = 16, STORE_THUMB_BYTES = 128 * 72, STORE_MAX_OFFER = 256 };
enum { STORE_CHAIN_BYTES = 32 };  // of a hash in the audit's chain

enum store_state { STORE_QUEUED, STORE_LEASED, STORE_ENDED };

// Set once, when a job ends.
enum store_outcome {
    STORE_NONE,
    STORE_ANSWERED,   // has its own result
    STORE_CACHED,     // same content, model, prompt and parameters had a result already
    STORE_DUPLICATE,  // inherits the description of duplicate_of
    STORE_BLOCKED,    // a privacy rule
    STORE_SKIPPED,    // nothing to describe: deleted, a tracker's thumbnail, superseded
    STORE_FAILED,     // in the failure list with err_code
};

// Claimed in this order; an aged job is never starved by newer ones (see store_claim).
enum store_priority { STORE_BACKFILL, STORE_BATCH, STORE_LIVE, STORE_INTERACTIVE };

const char *store_state_name(enum store_state s);      // "queued", "leased", "ended"
const char *store_outcome_name(enum store_outcome o);  // "answered", ...
int store_outcome_by_name(const char *name);           // or -1

// What is known of a picture from outside it.  "" or 0 = not known.
struct store_meta {
    const char *app;
    const char *window;
    const char *screen;
    const char *url;  // of the page on the screen
    int64_t taken_at_ms;
};

// One decision about a picture, or what was done with what is known.  It never holds text
// of the screen, a path or a window's title.  Strings: NULL = ""; longer ones than
// STORE_AUDIT_TEXT bytes are cut.
//
// Totals add up bytes_sent over all rows: of the rows about one sending only one has it.
enum { STORE_AUDIT_TEXT = 1023 };
struct store_audit_row {
    int64_t at_ms;  // unix; 0 = now
    int64_t job;    // 0 = none (in a save or a release: the one it is of)
    const char *cid;
    uint8_t content[STORE_HASH_BYTES];    // of the picture; zeros = not known
    uint8_t sent_hash[STORE_HASH_BYTES];  // of what was sent; zeros = nothing
    // "allow", "safe", "mask", "block", "redact", "forget", "prune", "rules" (others hold now)
    const char *verdict;
    const char *stage;        // "meta", "text", "send", "answer", ...; "" = of no picture
    const char *categories;   // what was found, with counts: "card=2 email=1"
    const char *rules;        // names of the rules that applied
    const char *app;          // name of the program
    const char *destination;  // backend and where that is: "lab remote"; "" = none
    int64_t bytes_sent;
    int64_t n;          // forget: items; prune: rows
    int64_t until_seq;  // prune: the last row that was removed
    int64_t until_ms;   // prune: when that one was written
    // Only read:
    int64_t seq;  // from 1, without gaps
    uint8_t hash[STORE_CHAIN_BYTES];
};

#endif
