// png_fast.c -- the PNGs that screenshot tools write: 8-bit RGB or RGBA, not interlaced.
//
// Debian's libpng and zlib spend 15 to 40 ms on a 1080p screen; libdeflate and rows
// unfiltered here a third of that.  All bytes are inflated at once, so larger pictures
// than FAST_BYTES stay with libpng, which needs a few rows only.
// Source: PNG specification, chapter 9 (filters); F. Giesen, "Reading bits" notes on the
// Paeth predictor with a short dependency chain.
// SPDX-License-Identifier: MIT
#include "image/picture.h"
#include "image/pixels.h"

#include <libdeflate.h>
#include <string.h>

#define FAST_BYTES ((int64_t)64 << 20)

enum { SIGNATURE_BYTES = 8, CHUNK_BYTES = 12, TYPE_RGB = 2, TYPE_RGBA = 6 };

enum filter { FILTER_NONE, FILTER_SUB, FILTER_UP, FILTER_AVERAGE, FILTER_PAETH };

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

// ---- filters; step is the bytes of a pixel, known when compiling

static inline void unfilter_sub(uint8_t *row, size_t n, size_t step)
{
    for (size_t i = step; i < n; i++) {
        row[i] = (uint8_t)(row[i] + row[i - step]);
    }
}

static void unfilter_up(uint8_t *restrict row, const uint8_t *restrict up, size_t n)
{
    for (size_t i = 0; i < n; i++) {
        row[i] = (uint8_t)(row[i] + up[i]);
    }
}

static inline void unfilter_average(uint8_t *row, const uint8_t *up, size_t n,
                                    size_t step)
{
    for (size_t i = 0; i < step; i++) {
        row[i] = (uint8_t)(row[i] + up[i] / 2);
    }
    for (size_t i = step; i < n; i++) {
        row[i] = (uint8_t)(row[i] + (row[i - step] + up[i]) / 2);
    }
}

// The neighbour nearest to a + b - c, ties to a, then b.  Comparing 3c - a - b with both
// neighbours gives the same answer as the three distances of the specification.
static inline uint8_t paeth(int a, int b, int c)
{
    const int lo = a < b ? a : b;
    const int hi = a < b ? b : a;
    const int t = 3 * c - a - b;
    const int low_or_mid = t > lo ? c : hi;
    return (uint8_t)(hi > t ? low_or_mid : lo);
}

enum { RUN = 48 };  // bytes; a multiple of both pixel sizes

static inline bool is_zero_run(const uint8_t *p)
{
    uint64_t v[RUN / 8];
    memcpy(v, p, sizeof(v));
    return (v[0] | v[1] | v[2] | v[3] | v[4] | v[5]) == 0;
}

// Where left and upper left are equal, the prediction is the pixel above; with nothing
// added to it, that stays so.  Text on plain ground is mostly that.
static inline void unfilter_paeth(uint8_t *row, const uint8_t *up, size_t n, size_t step)
{
    unfilter_up(row, up, step);
    size_t i = step;
    while (i < n) {
        if (n - i >= RUN && memcmp(row + i - step, up + i - step, step) == 0 &&
            is_zero_run(row + i)) {
            memcpy(row + i, up + i, RUN);
            i += RUN;
            continue;
        }
        for (size_t k = 0; k < step; k++) {
            row[i + k] = (uint8_t)(row[i + k] +
                                   paeth(row[i + k - step], up[i + k], up[i + k - step]));
        }
        i += step;
    }
}

static inline void unfilter(int filter, uint8_t *row, const uint8_t *up, size_t n,
                            size_t step)
{
    switch ((enum filter)filter) {
    case FILTER_NONE: break;
    case FILTER_SUB: unfilter_sub(row, n, step); break;
    case FILTER_UP: unfilter_up(row, up, n); break;
    case FILTER_AVERAGE: unfilter_average(row, up, n, step); break;
    case FILTER_PAETH: unfilter_paeth(row, up, n, step); break;
    }
}

static bool are_filters_known(const uint8_t *raw, size_t stride, int height)
{
    for (int y = 0; y < height; y++) {
        if (raw[(size_t)y * (stride + 1)] > FILTER_PAETH) {
            return false;
        }
    }
    return true;
}

// zeros: a row of them, above the first one.
static void put_rows(const struct head *h, uint8_t *raw, const uint8_t *zeros,
                     struct rows *rows)
{
    const int channels = h->colour_type == TYPE_RGB ? 3 : 4;
    const size_t stride = (size_t)h->width * (size_t)channels;
    const uint8_t *up = zeros;
    for (int y = 0; y < h->height; y++) {
        const int filter = raw[0];
        uint8_t *row = raw + 1;
        if (channels == 3) {
            unfilter(filter, row, up, stride, 3);
        } else {
            unfilter(filter, row, up, stride, 4);
        }
        rows_put(rows, row, channels);
        up = row;
        raw = row + stride;
    }
}

int png_fast_decode(struct decode *d)
{
    const struct head *h = d->head;
    const size_t raw_len = (size_t)png_raw_bytes(h);
    const size_t stride = raw_len / (size_t)h->height - 1;
    struct rows rows;
    uint8_t *raw = arena_get(d->arena, raw_len);
    uint8_t *zeros = arena_get(d->arena, stride);
    int rc = raw && zeros ? inflate_all(d, raw, raw_len) : E_NOMEM;
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
    memset(zeros, 0, stride);
    put_rows(h, raw, zeros, &rows);
    return 0;
}
