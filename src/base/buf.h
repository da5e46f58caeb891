// buf.h -- a byte buffer that grows up to a maximum it was born with.
// SPDX-License-Identifier: MIT
#ifndef VLMD_BASE_BUF_H
#define VLMD_BASE_BUF_H

#include "base/err.h"

#include <stddef.h>
#include <stdint.h>

// Zero-initialised plus max_bytes is a valid empty buffer.  data always has one NUL byte
// after len once anything was appended.
struct buf {
    uint8_t *data;  // owned; NULL while empty
    size_t len;
    size_t cap;
    size_t max_bytes;  // appends beyond it return E_TOOBIG and change nothing
};

void buf_init(struct buf *b, size_t max_bytes);
void buf_fini(struct buf *b);   // accepts zeroed; leaves a valid empty buffer
void buf_clear(struct buf *b);  // keeps the memory
// Room for extra more bytes.  Errors: E_TOOBIG, E_NOMEM.
MUST_USE int buf_reserve(struct buf *b, size_t extra);
MUST_USE int buf_add(struct buf *b, const void *data, size_t len);
MUST_USE int buf_add_str(struct buf *b, const char *s);
MUST_USE int buf_printf(struct buf *b, const char *fmt, ...)
    __attribute__((format(printf, 2, 3)));
const char *buf_str(const struct buf *b);  // "" while empty; borrowed: until next change
// Moves from into to (which is freed first); from is left empty.
void buf_take(struct buf *to, struct buf *from);

#endif
