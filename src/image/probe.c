// probe.c -- what kind of picture is it, and which facts does its header give.
//
// Formats are told by signature, never by name.  All facts are taken from the header
// before any memory is asked for; png_head.c, jpeg_head.c and webp.c know the formats.
// SPDX-License-Identifier: MIT
#include "image/picture.h"

#include <string.h>

static const uint8_t png_signature[8] = {0x89, 'P', 'N', 'G', '\r', '\n', 0x1a, '\n'};
static const uint8_t jpeg_signature[3] = {0xff, 0xd8, 0xff};

static bool begins(const uint8_t *b, size_t len, const void *with, size_t n)
{
    return memcmp(b, with, len < n ? len : n) == 0;
}

static bool begins_webp(const uint8_t *b, size_t len)
{
    return begins(b, len, "RIFF", 4) && (len <= 8 || begins(b + 8, len - 8, "WEBP", 4));
}

enum image_format image_probe(const uint8_t *bytes, size_t len)
{
    if (len >= 8 && begins(bytes, len, png_signature, 8)) {
        return IMAGE_PNG;
    }
    if (len >= 3 && begins(bytes, len, jpeg_signature, 3)) {
        return IMAGE_JPEG;
    }
    if (len >= 12 && begins_webp(bytes, len)) {
        return IMAGE_WEBP;
    }
    return IMAGE_NONE;
}

const char *image_format_name(enum image_format f)
{
    switch (f) {
    case IMAGE_NONE: return "none";
    case IMAGE_PNG: return "png";
    case IMAGE_JPEG: return "jpeg";
    case IMAGE_WEBP: return "webp";
    }
    return "none";
}

// Fewer bytes than a signature, but what is there fits one: still being written.
static bool may_become_picture(const uint8_t *b, size_t len)
{
    return len < 12 && (begins(b, len, png_signature, 8) ||
                        begins(b, len, jpeg_signature, 3) || begins_webp(b, len));
}

static int unknown(const uint8_t *b, size_t len, struct err *e)
{
    if (len == 0) {
        return err_set(e, E_CUT, "the file is empty");
    }
    if (may_become_picture(b, len)) {
        return err_set(e, E_CUT, "only %zu bytes of the picture are there", len);
    }
    bool is_blank = true;
    for (size_t i = 0; i < len && is_blank; i++) {
        is_blank = b[i] == 0;
    }
    if (is_blank) {
        return err_set(e, E_CUT, "the file begins with zeros: it is not written yet");
    }
    return err_set(e, E_FORMAT, "the contents are neither PNG nor JPEG nor WebP");
}

int head_sizes(struct head *h, const uint8_t *b, size_t len, struct err *e)
{
    *h = (struct head){.format = image_probe(b, len), .orientation = 1};
    switch (h->format) {
    case IMAGE_NONE: return unknown(b, len, e);
    case IMAGE_PNG: return png_sizes(h, b, len, e);
    case IMAGE_JPEG: return jpeg_sizes(h, b, len, e);
    case IMAGE_WEBP: return webp_sizes(h, b, len, e);
    }
    return E_BUG;
}

int head_check(struct head *h, const uint8_t *b, size_t len, struct err *e)
{
    struct feed s = feed_of_bytes(b, len);
    switch (h->format) {
    case IMAGE_NONE: return unknown(b, len, e);
    case IMAGE_PNG: return png_check(h, &s, e);
    case IMAGE_JPEG: return jpeg_check(h, &s, e);
    case IMAGE_WEBP: return webp_check(h, b, len, e);
    }
    return E_BUG;
}

// All below in half-bytes per pixel, so that 1.5 is a whole number.
static int64_t png_halves(const struct head *h)
{
    return h->is_interlaced ? 8 : 0;
}

static int64_t jpeg_halves(const struct head *h)
{
    // An Adobe marker may mean RGB or CMYK, which take the road over pixels.
    const bool is_small_chroma = h->components == 3 && h->max_sampling >= 4;
    const int64_t samples = is_small_chroma ? 3 : 2 * h->components;
    const int64_t out = is_small_chroma && h->has_adobe ? 6 : samples;
    // libjpeg keeps all coefficients of a progressive picture, two bytes each.
    return out + (h->is_progressive || h->scans > 1 ? 2 * samples : 0);
}

static int64_t webp_halves(const struct head *h)
{
    if (h->is_lossless) {
        return 16;
    }
    // Lossy: vp8.c takes some rows only, but what it refuses libwebp decodes to planes.
    return h->has_alpha || h->is_animated ? 16 : 3;
}

int64_t head_memory(const struct head *h, bool want_luma)
{
    int64_t halves = 0;
    switch (h->format) {
    case IMAGE_NONE: break;
    case IMAGE_PNG: halves = png_halves(h); break;
    case IMAGE_JPEG: halves = jpeg_halves(h); break;
    case IMAGE_WEBP: halves = webp_halves(h); break;
    }
    if (want_luma) {
        halves += h->orientation == 1 ? 2 : 4;
    }
    int64_t bytes = picture_area(h) * halves / 2;
    if (h->format == IMAGE_PNG && png_fast_fits(h)) {
        bytes += png_fast_bytes(h);
    }
    return bytes;
}

// ---- EXIF

struct tiff {
    const uint8_t *b;
    size_t len;
    bool is_little;
};

static uint32_t tiff16(const struct tiff *t, size_t at)
{
    const uint8_t *b = t->b + at;
    return t->is_little ? (uint32_t)b[1] << 8 | b[0] : read_be16(b);
}

static uint32_t tiff32(const struct tiff *t, size_t at)
{
    return t->is_little ? read_le32(t->b + at) : read_be32(t->b + at);
}

int exif_orientation(const uint8_t *b, size_t len)
{
    enum { TAG_ORIENTATION = 0x112, TYPE_SHORT = 3, ENTRY_BYTES = 12 };
    if (len >= 6 && memcmp(b, "Exif\0\0", 6) == 0) {
        b += 6;
        len -= 6;
    }
    if (len < 8 || (memcmp(b, "II*\0", 4) != 0 && memcmp(b, "MM\0*", 4) != 0)) {
        return 1;
    }
    const struct tiff t = {b, len, b[0] == 'I'};
    size_t at = tiff32(&t, 4);
    if (at > len - 2) {
        return 1;
    }
    size_t entries = tiff16(&t, at);
    at += 2;
    for (; entries > 0 && len - at >= ENTRY_BYTES; entries--, at += ENTRY_BYTES) {
        if (tiff16(&t, at) == TAG_ORIENTATION && tiff16(&t, at + 2) == TYPE_SHORT) {
            uint32_t v = tiff16(&t, at + 8);
            return v >= 1 && v <= 8 ? (int)v : 1;
        }
    }
    return 1;
}
