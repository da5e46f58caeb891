// fuzz_inflate.c -- libFuzzer target: what our inflate makes of any bytes, libdeflate makes
// of them, too.  The first byte says in what parts they come.
// SPDX-License-Identifier: MIT
#include "image/inflate.h"

#include <libdeflate.h>
#include <stdlib.h>
#include <string.h>

enum { MOST = 1 << 18, PIECE = 1000 };

struct source {
    const uint8_t *next;
    size_t left;
    size_t part;
};

static bool on_part_end(struct inflate *z)
{
    struct source *s = z->arg;
    const size_t n = s->left < s->part ? s->left : s->part;
    z->in = s->next;
    z->in_end = s->next + n;
    s->next += n;
    s->left -= n;
    return n > 0;
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t len);

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t len)
{
    static uint8_t ours[MOST], theirs[MOST];
    if (len < 1) {
        return 0;
    }
    struct arena arena = {0};
    struct source s = {bytes + 1, len - 1, (size_t)bytes[0] + 1};
    struct inflate z = {.on_part_end = on_part_end, .arg = &s};
    size_t got = 0, want = 0;
    int rc = inflate_open(&z, &arena, PIECE);
    while (!rc && got < MOST - PIECE) {
        rc = inflate_more(&z, PIECE);
        size_t n = (size_t)(z.out - z.taken);
        if (rc || n == 0) {
            break;
        }
        n = n < PIECE ? n : PIECE;
        memcpy(ours + got, z.taken, n);
        z.taken += n;
        got += n;
    }
    if (!rc && z.state == INFLATE_END && z.out == z.taken) {
        struct libdeflate_decompressor *d = libdeflate_alloc_decompressor();
        if (libdeflate_zlib_decompress(d, bytes + 1, len - 1, theirs, MOST, &want) ||
            want != got || memcmp(ours, theirs, got) != 0) {
            abort();
        }
        libdeflate_free_decompressor(d);
    }
    arena_fini(&arena);
    return 0;
}
