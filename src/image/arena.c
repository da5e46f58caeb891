// arena.c -- bump allocation; after a picture that needed several blocks the next one
// starts with a single block of the same total.
// SPDX-License-Identifier: MIT
#include "image/arena.h"

#include "base/mem.h"

#include <stdlib.h>

#define FIRST_BYTES ((size_t)256 * 1024)

struct arena_block {
    struct arena_block *next;  // owned
    size_t size;               // usable bytes behind the head
};

// The head takes one aligned unit, so that what follows stays aligned.
#define HEAD_BYTES ((size_t)ARENA_ALIGN)

static struct arena_block *add_block(struct arena *a, size_t bytes)
{
    size_t size = bytes > a->hint ? bytes : a->hint;
    if (size < FIRST_BYTES) {
        size = FIRST_BYTES;
    }
    struct arena_block *b = aligned_alloc(ARENA_ALIGN, HEAD_BYTES + size);
    if (!b) {
        return NULL;
    }
    b->next = a->blocks;
    b->size = size;
    a->blocks = b;
    a->used = 0;
    a->hint = 0;
    a->total += size;
    return b;
}

void *arena_get(struct arena *a, size_t bytes)
{
    size_t need;
    if (__builtin_add_overflow(bytes, (size_t)2 * ARENA_ALIGN - 1, &need)) {
        return NULL;
    }
    need &= ~((size_t)ARENA_ALIGN - 1);
    struct arena_block *b = a->blocks;
    if (!b || b->size - a->used < need) {
        b = add_block(a, need);
        if (!b) {
            return NULL;
        }
    }
    void *out = (char *)b + HEAD_BYTES + a->used;
    a->used += need;
    a->wanted += need;
    return out;
}

void *arena_get_array(struct arena *a, size_t n, size_t size)
{
    size_t bytes;
    return mem_mul(n, size, &bytes) ? arena_get(a, bytes) : NULL;
}

static void free_blocks(struct arena *a)
{
    while (a->blocks) {
        struct arena_block *next = a->blocks->next;
        free(a->blocks);
        a->blocks = next;
    }
    a->total = 0;
}

void arena_reset(struct arena *a, size_t keep)
{
    size_t wanted = a->wanted;
    a->used = 0;
    a->wanted = 0;
    if (a->total > keep || (a->blocks && a->blocks->next)) {
        free_blocks(a);
        a->hint = wanted <= keep ? wanted : 0;
    }
}

void arena_fini(struct arena *a)
{
    free_blocks(a);
    *a = (struct arena){0};
}
