// png_head.c -- walks the chunks of a PNG: sizes, completeness, plausibility.
//
// Nothing is inflated here.  The walk sees the end of a file that is still being written
// before a decoder spends time on it.
// Source: PNG specification (W3C, third edition), chapters 5 and 11.
// SPDX-License-Identifier: MIT
#include "image/picture.h"

#include <string.h>

enum {
    SIGNATURE_BYTES = 8,
    CHUNK_BYTES = 12,  // length, type, CRC
    IHDR_BYTES = 13,
    SIZES_BYTES = SIGNATURE_BYTES + CHUNK_BYTES + IHDR_BYTES,
    MOST_EXIF = 8192,  // the orientation is among the first entries
};

// Deflate can't expand more than this.
#define MAX_DEFLATE_RATIO 1032

static bool is_known_kind(int colour_type, int depth)
{
    switch (colour_type) {
    case 0: return depth == 1 || depth == 2 || depth == 4 || depth == 8 || depth == 16;
    case 3: return depth == 1 || depth == 2 || depth == 4 || depth == 8;
    case 2:
    case 4:
    case 6: return depth == 8 || depth == 16;
    default: return false;
    }
}

int png_sizes(struct head *h, const uint8_t *b, size_t len, struct err *e)
{
    if (len < SIZES_BYTES) {
        return err_set(e, E_CUT, "the PNG ends inside its header");
    }
    if (read_be32(b + 8) != IHDR_BYTES || memcmp(b + 12, "IHDR", 4) != 0) {
        return err_set(e, E_CORRUPT, "the PNG does not begin with its header chunk");
    }
    const uint32_t width = read_be32(b + 16);
    const uint32_t height = read_be32(b + 20);
    if (width == 0 || height == 0 || width > INT32_MAX || height > INT32_MAX) {
        return err_set(e, E_CORRUPT, "the PNG's header says %u x %u pixels", width,
                       height);
    }
    h->width = (int)width;
    h->height = (int)height;
    h->bit_depth = b[24];
    h->colour_type = b[25];
    h->is_interlaced = b[28] == 1;
    if (!is_known_kind(h->colour_type, h->bit_depth) || b[26] || b[27] || b[28] > 1) {
        return err_set(e, E_CORRUPT, "the PNG's header has impossible values");
    }
    return 0;
}

int64_t png_raw_bytes(const struct head *h)
{
    static const int channels[7] = {1, 0, 3, 1, 2, 0, 4};
    const int64_t bits = (int64_t)h->bit_depth * channels[h->colour_type];
    return (((int64_t)h->width * bits + 7) / 8 + 1) * h->height;
}

static bool is_type(const uint8_t *type)
{
    for (int i = 0; i < 4; i++) {
        const int c = type[i] | 0x20;
        if (c < 'a' || c > 'z') {
            return false;
        }
    }
    return true;
}

int png_chunk_read(struct png_chunk *c, struct feed *s, size_t pos)
{
    uint8_t b[8];
    int rc = feed_read(s, pos, b, sizeof(b));
    if (rc) {
        return rc;
    }
    memcpy(c->type, b + 4, sizeof(c->type));
    c->n = read_be32(b);
    c->data = pos + sizeof(b);
    c->next = pos + CHUNK_BYTES + c->n;
    return 0;
}

bool png_chunk_is(const struct png_chunk *c, const char *type)
{
    return memcmp(c->type, type, sizeof(c->type)) == 0;
}

static int cut(size_t pos, struct err *e)
{
    return err_set(e, E_CUT, "the PNG ends after %zu bytes, before its end chunk", pos);
}

// The chunk at pos is whole.  Errors: E_CUT, E_CORRUPT, E_IO.
static int check_chunk(struct png_chunk *c, struct feed *s, size_t pos, struct err *e)
{
    static const uint8_t zeros[4];
    if (s->len - pos < CHUNK_BYTES) {
        return cut(pos, e);
    }
    int rc = png_chunk_read(c, s, pos);
    if (rc) {
        return rc;
    }
    if (c->n == 0 && memcmp(c->type, zeros, sizeof(zeros)) == 0) {
        return cut(pos, e);
    }
    if (!is_type(c->type)) {
        return err_set(e, E_CORRUPT, "the PNG has a damaged chunk at byte %zu", pos);
    }
    const size_t room = s->len - pos - CHUNK_BYTES;
    if (c->n > room) {
        return err_set(e, E_CUT, "the PNG's chunk at byte %zu needs %zu bytes more", pos,
                       c->n - room);
    }
    return 0;
}

// What a decoder has to refuse: a second header, pixels in two places, and in front of them
// chunks without which they can not be understood.  libpng judges the same way.
static int check_order(const struct png_chunk *c, size_t pos, size_t idat_end,
                       struct err *e)
{
    static const char known[][5] = {"IDAT", "IEND", "PLTE"};
    if (png_chunk_is(c, "IDAT") && idat_end && idat_end != pos) {
        return err_set(e, E_CORRUPT, "the PNG's pixels are not in one place");
    }
    const bool is_header = png_chunk_is(c, "IHDR");
    if (pos == SIGNATURE_BYTES || c->type[0] & 0x20 || (idat_end && !is_header)) {
        return 0;
    }
    for (size_t i = 0; i < sizeof(known) / sizeof(known[0]); i++) {
        if (png_chunk_is(c, known[i])) {
            return 0;
        }
    }
    return err_set(e, E_CORRUPT, "the PNG has a chunk %.4s at byte %zu",
                   (const char *)c->type, pos);
}

static int read_orientation(struct head *h, struct feed *s, const struct png_chunk *c)
{
    uint8_t exif[MOST_EXIF];
    const size_t n = c->n < sizeof(exif) ? c->n : sizeof(exif);
    int rc = feed_read(s, c->data, exif, n);
    if (!rc) {
        h->orientation = exif_orientation(exif, n);
    }
    return rc;
}

// Facts from a chunk that is whole.
static int note_chunk(struct head *h, struct feed *s, const struct png_chunk *c)
{
    if (png_chunk_is(c, "IDAT")) {
        h->idat_bytes += c->n;
    } else if (png_chunk_is(c, "tRNS")) {
        h->has_colour_key = h->colour_type != 3;
    } else if (png_chunk_is(c, "eXIf")) {
        return read_orientation(h, s, c);
    }
    return 0;
}

int png_check(struct head *h, struct feed *s, struct err *e)
{
    struct png_chunk c;
    size_t pos = SIGNATURE_BYTES;
    size_t idat_end = 0;
    for (bool is_end = false; !is_end;) {
        int rc = check_chunk(&c, s, pos, e);
        if (!rc) {
            rc = check_order(&c, pos, idat_end, e);
        }
        if (!rc) {
            rc = note_chunk(h, s, &c);
        }
        if (rc) {
            return rc;
        }
        pos = c.next;
        idat_end = png_chunk_is(&c, "IDAT") ? pos : idat_end;
        is_end = png_chunk_is(&c, "IEND");
    }
    h->file_len = pos;
    if ((int64_t)h->idat_bytes * MAX_DEFLATE_RATIO < png_raw_bytes(h)) {
        return err_set(e, E_CORRUPT,
                       "the PNG says %d x %d pixels but holds only %zu bytes of them",
                       h->width, h->height, h->idat_bytes);
    }
    return 0;
}
