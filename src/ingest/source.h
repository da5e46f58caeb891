// source.h -- bytes of a file or of memory, read at an offset.
// SPDX-License-Identifier: MIT
#ifndef VLMD_INGEST_SOURCE_H
#define VLMD_INGEST_SOURCE_H

#include "base/err.h"

#include <stddef.h>
#include <stdint.h>

struct source {
    const uint8_t *bytes;  // borrowed: as long as the source; NULL = fd
    int fd;                // borrowed; its position is not moved
    int64_t size_bytes;
};

// Exactly len bytes at offset.  Errors: E_CUT (not that many there), E_IO.
MUST_USE int source_read(const struct source *s, int64_t offset, void *out, size_t len);
// As many of max bytes as there are; the count, or E_IO.
MUST_USE int source_read_some(const struct source *s, int64_t offset, void *out, int max);

// What the first bytes say.
enum source_kind { SOURCE_OTHER, SOURCE_PNG, SOURCE_JPEG, SOURCE_WEBP };
// Errors: E_CUT (so short that it may become a picture yet), E_FORMAT (none), E_IO.
MUST_USE int source_probe(const struct source *s, enum source_kind *out);

static inline uint16_t be16(const uint8_t *p)
{
    return (uint16_t)(p[0] << 8 | p[1]);
}

static inline uint32_t be32(const uint8_t *p)
{
    return (uint32_t)p[0] << 24 | (uint32_t)p[1] << 16 | (uint32_t)p[2] << 8 | p[3];
}

static inline uint16_t le16(const uint8_t *p)
{
    return (uint16_t)(p[1] << 8 | p[0]);
}

static inline uint32_t le32(const uint8_t *p)
{
    return (uint32_t)p[3] << 24 | (uint32_t)p[2] << 16 | (uint32_t)p[1] << 8 | p[0];
}

#endif
