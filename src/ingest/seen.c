// seen.c -- open addressing, linear probing, never more than half full.
// SPDX-License-Identifier: MIT
#include "ingest/seen.h"

#include <stdlib.h>

// Source: the finalizer of MurmurHash3 (public domain).
static uint64_t mix(uint64_t h, uint64_t v)
{
    h ^= v + 0x9e3779b97f4a7c15u + (h << 6) + (h >> 2);
    h ^= h >> 33;
    h *= 0xff51afd7ed558ccdu;
    h ^= h >> 33;
    h *= 0xc4ceb9fe1a85ec53u;
    return h ^ h >> 33;
}

// 0 marks a free place.
static uint64_t not_zero(uint64_t key)
{
    return key ? key : 1;
}

uint64_t seen_key_version(const struct file_version *v)
{
    uint64_t h = mix(mix(1, v->dev), v->ino);
    return not_zero(mix(mix(h, (uint64_t)v->size_bytes), (uint64_t)v->mtime_ns));
}

uint64_t seen_key_problem(const struct file_version *v)
{
    return not_zero(mix(seen_key_version(v), (uint64_t)v->ctime_ns));
}

uint64_t seen_key_text(const char *a, const char *b)
{
    uint64_t h = 2;
    for (; *a; a++) {
        h = mix(h, (unsigned char)*a);
    }
    h = mix(h, 256);
    for (; *b; b++) {
        h = mix(h, (unsigned char)*b);
    }
    return not_zero(h);
}

uint64_t seen_key_at(uint64_t version, uint64_t path)
{
    return not_zero(mix(version, path));
}

static bool table_has(const struct seen_table *t, uint64_t key)
{
    if (t->cap == 0) {
        return false;
    }
    size_t i = key & (t->cap - 1);
    while (t->keys[i] && t->keys[i] != key) {
        i = (i + 1) & (t->cap - 1);
    }
    return t->keys[i] == key;
}

static void table_put(struct seen_table *t, uint64_t key)
{
    size_t i = key & (t->cap - 1);
    while (t->keys[i]) {
        i = (i + 1) & (t->cap - 1);
    }
    t->keys[i] = key;
    t->n++;
}

static bool table_grow(struct seen_table *t)
{
    size_t cap = t->cap ? t->cap * 2 : 1024;
    struct seen_table bigger = {.keys = calloc(cap, sizeof(*bigger.keys)), .cap = cap};
    if (!bigger.keys) {
        return false;
    }
    for (size_t i = 0; i < t->cap; i++) {
        if (t->keys[i]) {
            table_put(&bigger, t->keys[i]);
        }
    }
    free(t->keys);
    *t = bigger;
    return true;
}

void seen_add(struct seen *s, uint64_t key)
{
    if (table_has(&s->young, key)) {
        return;
    }
    struct seen_table *t = &s->young;
    bool is_full = t->n >= (s->max ? s->max : SEEN_MAX);
    if (!is_full && t->n + 1 > t->cap / 2) {
        // Without memory it forgets earlier: a repeat costs work, never a loss.
        is_full = !table_grow(t);
    }
    if (is_full) {
        free(s->old.keys);
        s->old = s->young;
        s->young = (struct seen_table){0};
        if (!table_grow(t)) {
            return;
        }
    }
    table_put(t, key);
}

bool seen_has(struct seen *s, uint64_t key)
{
    if (table_has(&s->young, key)) {
        return true;
    }
    if (!table_has(&s->old, key)) {
        return false;
    }
    seen_add(s, key);
    return true;
}

void seen_fini(struct seen *s)
{
    free(s->young.keys);
    free(s->old.keys);
    *s = (struct seen){.max = s->max};
}
