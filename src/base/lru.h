// lru.h -- a map that keeps what was used last, bounded in bytes and in items.
//
// The caller's struct embeds an entry and stays its owner: on_evict hands it back.  Every
// call takes constant time.  What is over the budget by itself is not taken.
//
// Thread: whoever owns it.
// SPDX-License-Identifier: MIT
#ifndef VLMD_BASE_LRU_H
#define VLMD_BASE_LRU_H

#include "base/err.h"
#include "base/list.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum { LRU_KEY_BYTES = 32 };

// The key has to be a hash already: its first bytes choose the place.
struct lru_entry {
    struct list by_use;      // the front was used last
    struct lru_entry *next;  // in the same place
    uint8_t key[LRU_KEY_BYTES];
    size_t bytes;
    bool is_in;
};

struct lru_stats {
    int64_t hits, misses;
    int64_t evictions;  // for lack of room
    int64_t bypasses;   // over the budget by themselves
    int64_t bytes, items;
    int64_t max_bytes, max_items;  // as they are now
};

struct lru {
    struct list by_use;
    struct lru_entry **places;    // owned
    size_t n_places;              // a power of two
    size_t max_bytes, max_items;  // as configured
    int share_pct;                // of both that may be used now
    size_t bytes, items;
    int64_t hits, misses, evictions, bypasses;
    void (*on_evict)(struct lru_entry *e);
};

// max_items: at most 1 << 20.  Errors: E_NOMEM, E_TOOBIG.
MUST_USE int lru_init(struct lru *c, size_t max_bytes, size_t max_items,
                      void (*on_evict)(struct lru_entry *e));
// Every entry goes through on_evict.
void lru_fini(struct lru *c);
// NULL = not there.  Counts a hit or a miss; a hit becomes the one used last.
struct lru_entry *lru_find(struct lru *c, const uint8_t key[LRU_KEY_BYTES]);
// False: too large, or the key is there already; the entry stays the caller's.
MUST_USE bool lru_put(struct lru *c, struct lru_entry *e,
                      const uint8_t key[LRU_KEY_BYTES], size_t bytes);
// Takes it out without on_evict.
void lru_remove(struct lru *c, struct lru_entry *e);
void lru_clear(struct lru *c);
// 0 to 100 percent of both budgets from now on; what is over goes.
void lru_resize(struct lru *c, int share_pct);
// Another budget in bytes from now on; what is over goes.
void lru_limit(struct lru *c, size_t max_bytes);
void lru_stats(const struct lru *c, struct lru_stats *out);

#endif
