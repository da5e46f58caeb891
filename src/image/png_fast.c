// png_fast.c -- the PNGs that screenshot tools write: 8-bit RGB or RGBA, not interlaced.
//
// Debian's libpng and zlib spend 15 to 40 ms on a 1080p screen; libdeflate and rows
// unfiltered here a third of that.  All bytes are inflated at once, so larger pictures
// than FAST_BYTES stay with libpng, which needs a few rows only.
// SPDX-License-Identifier: MIT
#include "image/kernels.h"
#include "image/picture.h"
#include "image/pixels.h"

#include <libdeflate.h>
#include <string.h>

#define FAST_BYTES ((int64_t)64 << 20)

enum { SIGNATURE_BYTES = 8, CHUNK_BYTES = 12, TYPE_RGB = 2, TYPE_RGBA = 6 };

enum { FILTER_PAETH = 4 };  // the last one

bool png_fast_fits(const struct head *h)
{
    return h->bit_depth == 8 &&
           (h->colour_type == TYPE_RGB || h->colour_type == TYPE_RGBA) &&
           !h->is_interlaced && !h->has_colour_key && png_raw_bytes(h) <= FAST_BYTES;
}

// ---- the compressed bytes

static bool is_sum_right(const uint8_t *chunk, size_t n)
{
    return libdeflate_crc32(0, chunk + 4, n + 4) == read_be32(chunk + 8 + n);
}

// All IDAT bytes in a row, without a copy when there is one chunk.  E_FORMAT: a wrong
// checksum.  png_check has seen that all chunks are whole.
static int join_idat(const struct decode *d, const uint8_t **out)
{
    uint8_t *joined = NULL;
    size_t len = 0;
    size_t n;
    for (size_t pos = SIGNATURE_BYTES; pos < d->head->file_len; pos += CHUNK_BYTES + n) {
        const uint8_t *chunk = d->bytes + pos;
        n = read_be32(chunk);
        const bool is_critical = !(chunk[4] & 0x20);
        if (is_critical && !is_sum_right(chunk, n)) {
            return E_FORMAT;
        }
        if (memcmp(chunk + 4, "IDAT", 4) != 0) {
            continue;
        }
        if (n == d->head->idat_bytes) {
            *out = chunk + 8;
            continue;
        }
        joined = joined ? joined : arena_get(d->arena, d->head->idat_bytes);
        if (!joined) {
            return E_NOMEM;
        }
        memcpy(joined + len, chunk + 8, n);
        len += n;
        *out = joined;
    }
    return 0;
}

static int inflate_all(const struct decode *d, uint8_t *raw, size_t raw_len)
{
    const uint8_t *idat = NULL;
    int rc = join_idat(d, &idat);
    if (rc) {
        return rc;
    }
    struct libdeflate_decompressor *z = libdeflate_alloc_decompressor();
    if (!z) {
        return E_NOMEM;
    }
    const enum libdeflate_result got =
        libdeflate_zlib_decompress(z, idat, d->head->idat_bytes, raw, raw_len, NULL);
    libdeflate_free_decompressor(z);
    return got == LIBDEFLATE_SUCCESS ? 0 : E_FORMAT;
}

// ---- rows

static bool are_filters_known(const uint8_t *raw, size_t stride, int height)
{
    for (int y = 0; y < height; y++) {
        if (raw[(size_t)y * (stride + 1)] > FILTER_PAETH) {
            return false;
        }
    }
    return true;
}

// two: room for two rows; the second one holds the zeros above the first.
static void put_rows(const struct head *h, const uint8_t *raw, uint8_t *two,
                     const struct kernels *k, struct rows *rows)
{
    const int channels = h->colour_type == TYPE_RGB ? 3 : 4;
    const size_t step = (size_t)channels;
    const size_t stride = (size_t)h->width * step;
    memset(two + stride, 0, stride);
    for (int y = 0; y < h->height; y++) {
        uint8_t *row = two + (y & 1 ? stride : 0);
        const uint8_t *up = two + (y & 1 ? 0 : stride);
        k->unfilter(raw[0], raw + 1, up, stride, step, row);
        rows_put(rows, row, channels);
        raw += stride + 1;
    }
}

int png_fast_decode(struct decode *d)
{
    const struct head *h = d->head;
    const size_t raw_len = (size_t)png_raw_bytes(h);
    const size_t stride = raw_len / (size_t)h->height - 1;
    struct rows rows;
    uint8_t *raw = arena_get(d->arena, raw_len);
    uint8_t *two = arena_get_array(d->arena, stride, 2);
    int rc = raw && two ? inflate_all(d, raw, raw_len) : E_NOMEM;
    if (!rc && !are_filters_known(raw, stride, h->height)) {
        rc = E_FORMAT;
    }
    if (!rc) {
        rc = rows_open(&rows, d);
    }
    if (rc == E_FORMAT) {
        return rc;
    }
    if (rc) {
        return err_set(d->err, rc, "not enough memory to decode the PNG");
    }
    put_rows(h, raw, two, rows.kernels, &rows);
    return 0;
}
