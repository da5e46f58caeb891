// png_fast.c -- the PNGs that screenshot tools write: 8-bit RGB or RGBA, not interlaced.
//
// Debian's libpng and zlib spend 15 to 40 ms on a 1080p screen.  Here rows are inflated,
// unfiltered, converted and shrunk while they are in the cache, a stretch at a time, in
// memory that does not depend on the picture's height.  Smaller pictures are inflated as
// a whole by libdeflate, which is a fifth faster than our own inflate as long as its
// output stays in the cache.  At the first thing that is not as it should be libpng
// starts over and judges.
// SPDX-License-Identifier: MIT
#include "image/inflate.h"
#include "image/kernels.h"
#include "image/picture.h"
#include "image/pixels.h"

#include <libdeflate.h>
#include <string.h>

enum { SIGNATURE_BYTES = 8, CHUNK_BYTES = 12, TYPE_RGB = 2, TYPE_RGBA = 6 };

enum { FILTER_PAETH = 4 };  // the last one

#define WINDOW_BYTES ((int64_t)256 << 10)  // of inflate.c, at most
#define MOST_WHOLE   ((int64_t)9 << 20)    // 1920 x 1080 with alpha

int64_t png_fast_bytes(const struct head *h)
{
    const int64_t raw = png_raw_bytes(h);
    return raw <= MOST_WHOLE ? raw + (int64_t)h->idat_bytes : WINDOW_BYTES;
}

bool png_fast_fits(const struct head *h)
{
    return h->bit_depth == 8 &&
           (h->colour_type == TYPE_RGB || h->colour_type == TYPE_RGBA) &&
           !h->is_interlaced && !h->has_colour_key;
}

// ---- chunks; png_check has seen that all are whole and all IDAT in a row

static bool is_idat(const uint8_t *chunk)
{
    return memcmp(chunk + 4, "IDAT", 4) == 0;
}

static bool is_sum_right(const uint8_t *chunk, size_t n)
{
    return libdeflate_crc32(0, chunk + 4, n + 4) == read_be32(chunk + 8 + n);
}

// Do all critical chunks have right checksums?  first: where the first IDAT is.
static bool are_sums_right(const struct decode *d, size_t *first)
{
    size_t n;
    *first = 0;
    for (size_t pos = SIGNATURE_BYTES; pos < d->head->file_len; pos += CHUNK_BYTES + n) {
        const uint8_t *chunk = d->bytes + pos;
        n = read_be32(chunk);
        const bool is_critical = !(chunk[4] & 0x20);
        if (is_critical && !is_sum_right(chunk, n)) {
            return false;
        }
        if (is_idat(chunk) && !*first) {
            *first = pos;
        }
    }
    return *first;
}

// The compressed bytes of one IDAT after the other, where they are in the file.
struct parts {
    const uint8_t *next;  // chunk; the last one is followed by IEND at least
};

static bool on_part_end(struct inflate *z)
{
    struct parts *p = z->arg;
    if (!is_idat(p->next)) {
        return false;
    }
    const size_t n = read_be32(p->next);
    z->in = p->next + 8;
    z->in_end = z->in + n;
    p->next += CHUNK_BYTES + n;
    return true;
}

// Without a copy when there is one part.
static const uint8_t *join(const struct parts *first, size_t len, struct arena *arena)
{
    struct parts p = *first;
    struct inflate part = {.arg = &p};
    if (len == read_be32(p.next)) {
        return p.next + 8;
    }
    uint8_t *out = arena_get(arena, len);
    for (size_t at = 0; out && on_part_end(&part);) {
        const size_t n = (size_t)(part.in_end - part.in);
        memcpy(out + at, part.in, n);
        at += n;
    }
    return out;
}

// Everything at once; z is as at the end of its stream afterwards.
static int inflate_whole(struct inflate *z, const struct decode *d, size_t raw_len)
{
    const size_t len = d->head->idat_bytes;
    const uint8_t *in = join(z->arg, len, d->arena);
    uint8_t *raw = arena_get(d->arena, raw_len);
    struct libdeflate_decompressor *l = libdeflate_alloc_decompressor();
    int rc = E_NOMEM;
    if (in && raw && l) {
        rc = libdeflate_zlib_decompress(l, in, len, raw, raw_len, NULL) ? E_FORMAT : 0;
    }
    libdeflate_free_decompressor(l);
    z->taken = raw;
    z->out = rc ? raw : raw + raw_len;
    z->state = INFLATE_END;
    return rc;
}

// ---- rows

struct reader {
    struct inflate z;
    struct parts parts;
    struct rows rows;
    int channels;
    size_t stride;
    uint8_t *two;  // the row before and this one, in turn
};

// From a stretch of decompressed bytes: filter, then stride bytes.
static int put_rows(struct reader *r, int height)
{
    const size_t step = (size_t)r->channels;
    memset(r->two + r->stride, 0, r->stride);  // above the first one
    for (int y = 0; y < height; y++) {
        int rc = inflate_more(&r->z, r->stride + 1);
        const uint8_t *raw = r->z.taken;
        if (rc || (size_t)(r->z.out - raw) <= r->stride || raw[0] > FILTER_PAETH) {
            return E_FORMAT;
        }
        uint8_t *row = r->two + (y & 1 ? r->stride : 0);
        const uint8_t *up = r->two + (y & 1 ? 0 : r->stride);
        r->rows.kernels->unfilter(raw[0], raw + 1, up, r->stride, step, row);
        rows_put(&r->rows, row, r->channels);
        r->z.taken += r->stride + 1;
    }
    // The stream's end with its checksum, and nothing before it.
    int rc = inflate_more(&r->z, 1);
    return rc || r->z.out != r->z.taken ? E_FORMAT : 0;
}

static int open_reader(struct reader *r, const struct decode *d, size_t first_idat)
{
    r->channels = d->head->colour_type == TYPE_RGB ? 3 : 4;
    r->stride = (size_t)d->head->width * (size_t)r->channels;
    r->parts.next = d->bytes + first_idat;
    r->z = (struct inflate){.on_part_end = on_part_end, .arg = &r->parts};
    r->two = arena_get_array(d->arena, r->stride, 2);
    int rc = r->two ? rows_open(&r->rows, d) : E_NOMEM;
    if (rc) {
        return rc;
    }
    const int64_t raw_len = png_raw_bytes(d->head);
    return raw_len <= MOST_WHOLE ? inflate_whole(&r->z, d, (size_t)raw_len)
                                 : inflate_open(&r->z, d->arena, r->stride + 1);
}

int png_fast_decode(struct decode *d)
{
    struct reader r;
    size_t first_idat;
    if (!are_sums_right(d, &first_idat)) {
        return E_FORMAT;
    }
    int rc = open_reader(&r, d, first_idat);
    if (rc == E_NOMEM) {
        return err_set(d->err, rc, "not enough memory to decode the PNG");
    }
    return rc ? rc : put_rows(&r, d->head->height);
}
