// png_fast.c -- the PNGs that screenshot tools write: 8-bit RGB or RGBA, not interlaced.
//
// Debian's libpng and zlib spend 15 to 40 ms on a 1080p screen.  Here rows are inflated,
// unfiltered, converted and shrunk while they are in the cache, a stretch at a time, in
// memory that does not depend on the picture's height.  At the first thing that is not as
// it should be libpng starts over and judges.
// SPDX-License-Identifier: MIT
#include "image/inflate.h"
#include "image/kernels.h"
#include "image/picture.h"
#include "image/pixels.h"

#include <libdeflate.h>
#include <string.h>

enum { SIGNATURE_BYTES = 8, CHUNK_BYTES = 12, TYPE_RGB = 2, TYPE_RGBA = 6 };

enum { FILTER_UP = 2, FILTER_PAETH = 4 };  // the last one

int64_t png_fast_bytes(const struct head *h)
{
    const int channels = h->colour_type == TYPE_RGB ? 3 : 4;
    return (int64_t)inflate_bytes((size_t)h->width * (size_t)channels + 1);
}

bool png_fast_fits(const struct head *h)
{
    return h->bit_depth == 8 &&
           (h->colour_type == TYPE_RGB || h->colour_type == TYPE_RGBA) &&
           !h->is_interlaced && !h->has_colour_key;
}

// ---- chunks; png_check has seen that all are whole and all IDAT in a row

static bool is_sum_right(struct feed *s, const struct png_chunk *c)
{
    uint32_t sum = libdeflate_crc32(0, c->type, sizeof(c->type));
    size_t at = c->data;
    for (size_t left = c->n, n; left > 0; left -= n, at += n) {
        const uint8_t *data = feed_run(s, at, &n);
        if (!data) {
            return false;
        }
        n = n < left ? n : left;
        sum = libdeflate_crc32(sum, data, n);
    }
    uint8_t want[4];
    return !feed_read(s, at, want, sizeof(want)) && sum == read_be32(want);
}

// Do all critical chunks have right checksums?  first: where the first IDAT is.
static bool are_sums_right(const struct decode *d, size_t *first)
{
    struct png_chunk c;
    *first = 0;
    for (size_t pos = SIGNATURE_BYTES; pos < d->head->file_len; pos = c.next) {
        if (png_chunk_read(&c, d->feed, pos)) {
            return false;
        }
        const bool is_critical = !(c.type[0] & 0x20);
        if (is_critical && !is_sum_right(d->feed, &c)) {
            return false;
        }
        if (png_chunk_is(&c, "IDAT") && !*first) {
            *first = pos;
        }
    }
    return *first;
}

// The compressed bytes of one IDAT after the other, as they lie together.
struct parts {
    struct feed *feed;
    size_t next;  // chunk; the last one is followed by IEND at least
    size_t at;    // in the chunk before it
    size_t left;
};

// Goes on to one that is not empty.
static bool next_idat(struct parts *p)
{
    struct png_chunk c;
    do {
        if (png_chunk_read(&c, p->feed, p->next) || !png_chunk_is(&c, "IDAT")) {
            return false;
        }
        p->next = c.next;
    } while (c.n == 0);
    p->at = c.data;
    p->left = c.n;
    return true;
}

static bool on_part_end(struct inflate *z)
{
    struct parts *p = z->arg;
    size_t n;
    if (p->left == 0 && !next_idat(p)) {
        return false;
    }
    const uint8_t *in = feed_run(p->feed, p->at, &n);
    if (!in) {
        return false;
    }
    n = n < p->left ? n : p->left;
    z->in = in;
    z->in_end = in + n;
    p->at += n;
    p->left -= n;
    return true;
}

// ---- rows

struct reader {
    struct inflate z;
    struct parts parts;
    struct rows rows;
    int channels;
    size_t stride;
    uint8_t *two;  // the row before and this one
};

// The row looks like the one above: one in ten of a page, one in three of a sheet.
static bool is_repeated(const uint8_t *raw, size_t stride)
{
    return raw[0] == FILTER_UP && raw[1] == 0 &&
           memcmp(raw + 1, raw + 2, stride - 1) == 0;
}

// From a stretch of decompressed bytes: filter, then stride bytes.
static int put_rows(struct reader *r, int height)
{
    const size_t step = (size_t)r->channels;
    uint8_t *row = r->two, *up = r->two + r->stride;
    memset(up, 0, r->stride);  // above the first one
    for (int y = 0; y < height; y++) {
        int rc = inflate_more(&r->z, r->stride + 1);
        const uint8_t *raw = r->z.taken;
        if (rc || (size_t)(r->z.out - raw) <= r->stride || raw[0] > FILTER_PAETH) {
            return E_FORMAT;
        }
        if (!is_repeated(raw, r->stride) || y == 0) {
            r->rows.kernels->unfilter(raw[0], raw + 1, up, r->stride, step, row);
            uint8_t *done = row;
            row = up;
            up = done;
        }
        rows_put(&r->rows, up, r->channels);
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
    r->parts = (struct parts){.feed = d->feed, .next = first_idat};
    r->z = (struct inflate){.on_part_end = on_part_end, .arg = &r->parts};
    r->two = arena_get_array(d->arena, r->stride, 2);
    int rc = r->two ? rows_open(&r->rows, d) : E_NOMEM;
    if (rc) {
        return rc;
    }
    return inflate_open(&r->z, d->arena, r->stride + 1);
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
