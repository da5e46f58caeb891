// arena.h -- working memory of one picture, kept warm for the next one.
//
// A fresh 25 MB buffer costs as much in page faults as decoding a screenshot, so each
// worker thread keeps its memory between pictures and gives it back when it is told to.
// SPDX-License-Identifier: MIT
#ifndef VLMD_IMAGE_ARENA_H
#define VLMD_IMAGE_ARENA_H

#include <stddef.h>
#include <stdint.h>

enum {
    ARENA_ALIGN = 64,  // of every pointer; also readable slack behind every block
};

struct arena_block;

// Zero-initialised is empty and valid.
struct arena {
    struct arena_block *blocks;  // owned; newest first
    size_t used;                 // of the newest block
    size_t total;                // bytes held
    size_t wanted;               // bytes asked for since the last reset
    size_t hint;                 // size of the first block after a reset
};

// Uninitialised memory until the next reset, aligned to ARENA_ALIGN, with ARENA_ALIGN
// readable bytes behind it; NULL when there is none.  AddressSanitizer knows its end.
void *arena_get(struct arena *a, size_t bytes);
void *arena_get_array(struct arena *a, size_t n, size_t size);  // NULL on overflow too
// Everything is free again; at most keep bytes stay with the arena.
void arena_reset(struct arena *a, size_t keep);
void arena_fini(struct arena *a);

#endif
