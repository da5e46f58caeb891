// source.c -- pread or memcpy, and the signatures of the formats.
// SPDX-License-Identifier: MIT
#include "ingest/source.h"

#include <errno.h>
#include <stdbool.h>
#include <string.h>
#include <unistd.h>

int source_read_some(const struct source *s, int64_t offset, void *out, int max)
{
    if (offset < 0 || max <= 0 || offset >= s->size_bytes) {
        return 0;
    }
    if (s->bytes) {
        int64_t left = s->size_bytes - offset;
        int n = left < max ? (int)left : max;
        memcpy(out, s->bytes + offset, (size_t)n);
        return n;
    }
    int got = 0;
    while (got < max) {
        ssize_t n = pread(s->fd, (char *)out + got, (size_t)(max - got), offset + got);
        if (n < 0 && errno != EINTR) {
            return E_IO;
        }
        if (n == 0) {
            break;
        }
        got += n > 0 ? (int)n : 0;
    }
    return got;
}

int source_read(const struct source *s, int64_t offset, void *out, size_t len)
{
    if (offset < 0 || (int64_t)len > s->size_bytes - offset) {
        return E_CUT;
    }
    int n = source_read_some(s, offset, out, (int)len);
    return n < 0 ? n : (size_t)n == len ? 0 : E_CUT;
}

// Compares as far as both go.
static bool begins(const uint8_t *head, int len, const char *with, int with_len)
{
    return memcmp(head, with, (size_t)(len < with_len ? len : with_len)) == 0;
}

int source_probe(const struct source *s, enum source_kind *out)
{
    uint8_t head[12];
    *out = SOURCE_OTHER;
    int n = source_read_some(s, 0, head, sizeof(head));
    if (n < 0) {
        return n;
    }
    int need = 0;
    if (begins(head, n, "\x89PNG\r\n\x1a\n", 8)) {
        *out = SOURCE_PNG;
        need = 8;
    } else if (begins(head, n, "\xff\xd8\xff", 3)) {
        *out = SOURCE_JPEG;
        need = 3;
    } else if (begins(head, n, "RIFF", 4) &&
               (n <= 8 || begins(head + 8, n - 8, "WEBP", 4))) {
        *out = SOURCE_WEBP;
        need = 12;
    } else {
        return E_FORMAT;
    }
    return n >= need ? 0 : E_CUT;
}
