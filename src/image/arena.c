// arena.c -- bump allocation; after a picture that needed several blocks the next one
// starts with a single block of the same total.
//
// Blocks are pages of their own, not malloc's: a long-lived block among the large ones that
// libwebp takes and frees for each lossless picture doubles a thread's heap.
// SPDX-License-Identifier: MIT
#include "image/arena.h"

#include "base/mem.h"

#include <sys/mman.h>

#if __has_include(<sanitizer/asan_interface.h>)
#include <sanitizer/asan_interface.h>
#else
#define ASAN_POISON_MEMORY_REGION(addr, size)   ((void)(addr), (void)(size))
#define ASAN_UNPOISON_MEMORY_REGION(addr, size) ((void)(addr), (void)(size))
#endif

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
    void *pages = mmap(NULL, HEAD_BYTES + size, PROT_READ | PROT_WRITE,
                       MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    if (pages == MAP_FAILED) {
        return NULL;
    }
    struct arena_block *b = pages;
    ASAN_POISON_MEMORY_REGION((char *)b + HEAD_BYTES, size);
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
    ASAN_UNPOISON_MEMORY_REGION(out, bytes + ARENA_ALIGN);
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
        ASAN_UNPOISON_MEMORY_REGION(a->blocks, HEAD_BYTES + a->blocks->size);
        munmap(a->blocks, HEAD_BYTES + a->blocks->size);
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
    } else if (a->blocks) {
        ASAN_POISON_MEMORY_REGION((char *)a->blocks + HEAD_BYTES, a->blocks->size);
    }
}

void arena_fini(struct arena *a)
{
    free_blocks(a);
    *a = (struct arena){0};
}
