// lru.c -- see lru.h.  A table of chains, at least as many places as items.
// SPDX-License-Identifier: MIT
#include "base/lru.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

enum { MAX_ITEMS = 1 << 20 };

int lru_init(struct lru *c, size_t max_bytes, size_t max_items,
             void (*on_evict)(struct lru_entry *e))
{
    *c = (struct lru){.max_bytes = max_bytes,
                      .max_items = max_items,
                      .share_pct = 100,
                      .on_evict = on_evict,
                      .n_places = 16};
    list_init(&c->by_use);
    if (max_items > MAX_ITEMS) {
        return E_TOOBIG;
    }
    while (c->n_places < max_items) {
        c->n_places *= 2;
    }
    c->places = calloc(c->n_places, sizeof(c->places[0]));
    return c->places ? 0 : E_NOMEM;
}

void lru_fini(struct lru *c)
{
    if (c->places) {
        lru_clear(c);
    }
    free(c->places);
    *c = (struct lru){0};
}

static struct lru_entry **place_of(const struct lru *c, const uint8_t *key)
{
    uint64_t h;
    memcpy(&h, key, sizeof(h));
    return &c->places[h & (c->n_places - 1)];
}

static struct lru_entry *look_up(const struct lru *c, const uint8_t *key)
{
    struct lru_entry *e = *place_of(c, key);
    while (e && memcmp(e->key, key, LRU_KEY_BYTES) != 0) {
        e = e->next;
    }
    return e;
}

struct lru_entry *lru_find(struct lru *c, const uint8_t key[LRU_KEY_BYTES])
{
    struct lru_entry *e = look_up(c, key);
    c->hits += e != NULL;
    c->misses += e == NULL;
    if (e) {
        list_remove(&e->by_use);
        list_push_front(&c->by_use, &e->by_use);
    }
    return e;
}

void lru_remove(struct lru *c, struct lru_entry *e)
{
    assert(e->is_in && c->items > 0 && c->bytes >= e->bytes);
    struct lru_entry **at = place_of(c, e->key);
    while (*at != e) {
        at = &(*at)->next;
    }
    *at = e->next;
    list_remove(&e->by_use);
    c->items--;
    c->bytes -= e->bytes;
    e->is_in = false;
    e->next = NULL;
}

static size_t part_of(size_t whole, int pct)
{
    return whole / 100 * (size_t)pct + whole % 100 * (size_t)pct / 100;
}

static void evict_down_to(struct lru *c, size_t bytes, size_t items)
{
    while (c->items > items || c->bytes > bytes) {
        struct lru_entry *e = container_of(c->by_use.prev, struct lru_entry, by_use);
        lru_remove(c, e);
        c->on_evict(e);
    }
}

bool lru_put(struct lru *c, struct lru_entry *e, const uint8_t key[LRU_KEY_BYTES],
             size_t bytes)
{
    size_t max_bytes = part_of(c->max_bytes, c->share_pct);
    size_t max_items = part_of(c->max_items, c->share_pct);
    if (bytes > max_bytes || max_items == 0) {
        c->bypasses++;
        return false;
    }
    if (look_up(c, key)) {
        return false;
    }
    size_t before = c->items;
    evict_down_to(c, max_bytes - bytes, max_items - 1);
    c->evictions += (int64_t)(before - c->items);
    memcpy(e->key, key, LRU_KEY_BYTES);
    e->bytes = bytes;
    e->is_in = true;
    struct lru_entry **at = place_of(c, key);
    e->next = *at;
    *at = e;
    list_push_front(&c->by_use, &e->by_use);
    c->items++;
    c->bytes += bytes;
    return true;
}

void lru_clear(struct lru *c)
{
    evict_down_to(c, 0, 0);
}

void lru_resize(struct lru *c, int share_pct)
{
    assert(share_pct >= 0 && share_pct <= 100);
    size_t before = c->items;
    c->share_pct = share_pct;
    evict_down_to(c, part_of(c->max_bytes, share_pct), part_of(c->max_items, share_pct));
    c->evictions += (int64_t)(before - c->items);
}

void lru_limit(struct lru *c, size_t max_bytes)
{
    c->max_bytes = max_bytes;
    lru_resize(c, c->share_pct);
}

void lru_stats(const struct lru *c, struct lru_stats *out)
{
    *out = (struct lru_stats){
        .hits = c->hits,
        .misses = c->misses,
        .evictions = c->evictions,
        .bypasses = c->bypasses,
        .bytes = (int64_t)c->bytes,
        .items = (int64_t)c->items,
        .max_bytes = (int64_t)part_of(c->max_bytes, c->share_pct),
        .max_items = (int64_t)part_of(c->max_items, c->share_pct),
    };
}
