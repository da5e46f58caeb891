// statements.h -- how long every statement took, and the last ones that were slow or failed.
//
// One per store; all its connections tell it.  Texts are those of the program, with ? for
// values: nothing of a row is ever kept.
// Private to store/.  Thread: any.
// SPDX-License-Identifier: MIT
#ifndef VLMD_STORE_STATEMENTS_H
#define VLMD_STORE_STATEMENTS_H

#include "store/stats.h"

#include <pthread.h>
#include <stdatomic.h>

enum { STATEMENTS_MAX = 512 };  // different texts that are told apart

struct statements {
    _Atomic int64_t slow_us;
    struct statements_kind {
        struct histogram took;  // us
        atomic_llong failed, slow, max_us;
    } kinds[STORE_STATEMENT_KINDS];
    pthread_mutex_t lock;  // guards what follows
    struct statements_text {
        const char *text;  // a literal: found by its address
        int64_t n, total_us, max_us;
    } texts[STATEMENTS_MAX];
    struct store_slow ring[STORE_MAX_SLOW];
    int64_t n_slow;  // ever put into the ring
    int64_t since_ms;
};

// What one statement did.
struct statements_end {
    const char *text;
    bool is_literal;  // text stays where it is
    int64_t took_us;
    int code;           // of SQLite; 0 = well
    const char *words;  // for code
    const char *thread;
    int64_t job;
    const char *asker;  // NULL = nobody
};

void statements_init(struct statements *s, int64_t slow_ms);
void statements_fini(struct statements *s);
void statements_ended(struct statements *s, const struct statements_end *e);
void statements_reset(struct statements *s);
// Fills what is of statements in out, allocated with calloc.  Errors: E_NOMEM.
MUST_USE int statements_tell(struct statements *s, struct store_stats *out);
void statements_sum(const struct statements *s, struct store_load *out);

#endif
