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

// The chunk at pos is whole.  Errors: E_CUT, E_CORRUPT.
static int check_chunk(const uint8_t *b, size_t len, size_t pos, struct err *e)
{
    static const uint8_t zeros[8];
    if (len - pos < CHUNK_BYTES || memcmp(b + pos, zeros, 8) == 0) {
        return err_set(e, E_CUT, "the PNG ends after %zu bytes, before its end chunk",
                       pos);
    }
    if (!is_type(b + pos + 4)) {
        return err_set(e, E_CORRUPT, "the PNG has a damaged chunk at byte %zu", pos);
    }
    const size_t n = read_be32(b + pos);
    if (n > len - pos - CHUNK_BYTES) {
        return err_set(e, E_CUT, "the PNG's chunk at byte %zu needs %zu bytes more", pos,
                       n - (len - pos - CHUNK_BYTES));
    }
    return 0;
}

// What a decoder has to refuse: a second header, pixels in two places, and in front of them
// chunks without which they can not be understood.  libpng judges the same way.
static int check_order(const uint8_t *b, size_t pos, size_t idat_end, struct err *e)
{
    static const char known[][5] = {"IDAT", "IEND", "PLTE"};
    const uint8_t *type = b + pos + 4;
    if (memcmp(type, "IDAT", 4) == 0 && idat_end && idat_end != pos) {
        return err_set(e, E_CORRUPT, "the PNG's pixels are not in one place");
    }
    const bool is_header = memcmp(type, "IHDR", 4) == 0;
    if (pos == SIGNATURE_BYTES || type[0] & 0x20 || (idat_end && !is_header)) {
        return 0;
    }
    for (size_t i = 0; i < sizeof(known) / sizeof(known[0]); i++) {
        if (memcmp(type, known[i], 4) == 0) {
            return 0;
        }
    }
    return err_set(e, E_CORRUPT, "the PNG has a chunk %.4s at byte %zu", type, pos);
}

// Facts from a chunk that is whole; n bytes.
static void note_chunk(struct head *h, const uint8_t *type, size_t n)
{
    if (memcmp(type, "IDAT", 4) == 0) {
        h->idat_bytes += n;
    } else if (memcmp(type, "tRNS", 4) == 0) {
        h->has_colour_key = h->colour_type != 3;
    } else if (memcmp(type, "eXIf", 4) == 0) {
        h->orientation = exif_orientation(type + 4, n);
    }
}

int png_check(struct head *h, const uint8_t *b, size_t len, struct err *e)
{
    size_t pos = SIGNATURE_BYTES;
    size_t idat_end = 0;
    for (bool is_end = false; !is_end;) {
        int rc = check_chunk(b, len, pos, e);
        if (!rc) {
            rc = check_order(b, pos, idat_end, e);
        }
        if (rc) {
            return rc;
        }
        const size_t n = read_be32(b + pos);
        const uint8_t *type = b + pos + 4;
        note_chunk(h, type, n);
        pos += CHUNK_BYTES + n;
        idat_end = memcmp(type, "IDAT", 4) == 0 ? pos : idat_end;
        is_end = memcmp(type, "IEND", 4) == 0;
    }
    h->file_len = pos;
    if ((int64_t)h->idat_bytes * MAX_DEFLATE_RATIO < png_raw_bytes(h)) {
        return err_set(e, E_CORRUPT,
                       "the PNG says %d x %d pixels but holds only %zu bytes of them",
                       h->width, h->height, h->idat_bytes);
    }
    return 0;
}
