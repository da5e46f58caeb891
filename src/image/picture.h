// picture.h -- what the parts of the image organ tell each other.
//
// The way of one picture: image_file (open, read) -> head (facts from the header, limits) ->
// png | jpeg | webp (decode, shrinking on the way) -> pixels (upright, thumb) -> encode.
// Everything between decode and encode is full-range planar YUV 4:2:0, as JPEG wants it.
// SPDX-License-Identifier: MIT
#ifndef VLMD_IMAGE_PICTURE_H
#define VLMD_IMAGE_PICTURE_H

#include "image/arena.h"
#include "image/feed.h"
#include "image/image.h"
#include "image/mask.h"

// Plane 0 is luma of width x height, planes 1 and 2 chroma of half that, rounded up.
// Strides are padded to whole JPEG blocks.  All borrowed: until the arena's reset.
struct planes {
    uint8_t *p[3];
    int stride[3];
    int width;
    int height;
    bool is_video_range;  // luma 16 to 235, chroma 16 to 240; else 0 to 255
};

// Facts from the header.  Sizes are as stored, before orientation.
struct head {
    enum image_format format;
    int width;
    int height;
    int orientation;      // EXIF 1 to 8; 1 = upright
    size_t file_len;      // bytes that belong to the picture
    int bit_depth;        // PNG, JPEG
    int colour_type;      // PNG
    bool is_interlaced;   // PNG
    bool has_colour_key;  // PNG: tRNS without palette
    size_t idat_bytes;    // PNG: compressed
    int components;       // JPEG
    int max_sampling;     // JPEG: luma samples per chroma sample, 1 to 16
    int scans;            // JPEG
    int mcu_width;        // JPEG: pixels that are coded together
    int mcu_height;       // JPEG
    bool is_progressive;  // JPEG
    bool is_coarse;       // JPEG: progressive, and low frequencies are not exact
    bool has_adobe;       // JPEG: CMYK is stored inverted
    bool has_alpha;       // WebP
    bool is_animated;     // WebP
    bool is_lossless;     // WebP
};

struct kernels;

// One decoder call: bytes become small (shrunk to its size) and luma (full size).
struct decode {
    // in
    const uint8_t *bytes;  // head->file_len of them; NULL: only the feed has them
    struct feed *feed;     // what PNG reads, and JPEG without bytes
    const struct head *head;
    struct arena *arena;
    uint8_t *luma;  // width * height bytes as stored, or NULL when not wanted
    const struct kernels *kernels;  // NULL: the fastest
    struct mask mask;  // painted before small and luma are made; decoders widen it
    // out
    struct planes small;  // memory and size are set by the caller, pixels by the decoder
    struct err *err;
};

// Length 0..len of the file's beginning is enough when it holds the sizes.  Fills format,
// width and height.
// Errors: E_FORMAT, E_CORRUPT; E_CUT (more bytes are needed).
MUST_USE int head_sizes(struct head *h, const uint8_t *b, size_t len, struct err *e);
// Fills the rest from the whole file and checks that it is complete.
// Errors: E_FORMAT, E_CORRUPT, E_CUT.
MUST_USE int head_check(struct head *h, const uint8_t *b, size_t len, struct err *e);
// Working memory that grows with the picture's area, besides the file, in bytes.
int64_t head_memory(const struct head *h, bool want_luma);
// Orientation of an EXIF block ("II*\0..." or "MM\0*...", with or without "Exif\0\0").
int exif_orientation(const uint8_t *b, size_t len);

// The per-format halves of head_sizes and head_check.
MUST_USE int png_sizes(struct head *h, const uint8_t *b, size_t len, struct err *e);
MUST_USE int png_check(struct head *h, struct feed *s, struct err *e);
MUST_USE int jpeg_sizes(struct head *h, const uint8_t *b, size_t len, struct err *e);
MUST_USE int jpeg_check(struct head *h, struct feed *s, struct err *e);
MUST_USE int webp_sizes(struct head *h, const uint8_t *b, size_t len, struct err *e);
MUST_USE int webp_check(struct head *h, const uint8_t *b, size_t len, struct err *e);

struct png_chunk {
    uint8_t type[4];
    size_t n;     // bytes of data
    size_t data;  // where they are; the checksum is behind them
    size_t next;  // where the next chunk is
};
// pos: at least 8 bytes are there.  Errors: as feed_read.
MUST_USE int png_chunk_read(struct png_chunk *c, struct feed *s, size_t pos);
bool png_chunk_is(const struct png_chunk *c, const char *type);

// Errors: E_CUT, E_CORRUPT, E_FORMAT, E_NOMEM; E_IO.
MUST_USE int png_decode(struct decode *d);
// The common kinds of PNG without libpng.
bool png_fast_fits(const struct head *h);
int64_t png_fast_bytes(const struct head *h);  // that inflating takes
int64_t png_raw_bytes(const struct head *h);   // filtered rows, not interlaced
// Errors: E_NOMEM; E_FORMAT: anything unusual, libpng shall start over and judge.
MUST_USE int png_fast_decode(struct decode *d);
MUST_USE int jpeg_decode(struct decode *d);
MUST_USE int webp_decode(struct decode *d);
// Lossy WebP without libwebp and without the loop filter; d->luma is left alone.
// Errors: E_NOMEM; E_FORMAT: unusual or damaged, libwebp shall start over and judge.
MUST_USE int vp8_decode(struct decode *d);

// Encodes as baseline JPEG 4:2:0; replaces *out, which the caller owns.
// Errors: E_NOMEM.
MUST_USE int jpeg_encode(const struct planes *in, int quality, struct arena *arena,
                         struct buf *out, struct err *e);

static inline int64_t picture_area(const struct head *h)
{
    return (int64_t)h->width * h->height;
}

static inline uint32_t read_be32(const uint8_t *b)
{
    return (uint32_t)b[0] << 24 | (uint32_t)b[1] << 16 | (uint32_t)b[2] << 8 | b[3];
}

static inline uint32_t read_be16(const uint8_t *b)
{
    return (uint32_t)b[0] << 8 | b[1];
}

static inline uint32_t read_le32(const uint8_t *b)
{
    return (uint32_t)b[3] << 24 | (uint32_t)b[2] << 16 | (uint32_t)b[1] << 8 | b[0];
}

#endif
