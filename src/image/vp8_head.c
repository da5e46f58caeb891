// vp8_head.c -- where the frame lies in a WebP, and what stands before its macroblocks.
//
// Everything that a still picture of an ordinary encoder does not have is refused.
// Source: RFC 9649, 2.3 to 2.7; RFC 6386, 9 and 19.2.
// SPDX-License-Identifier: MIT
#include "image/vp8.h"

enum {
    RIFF_BYTES = 12,
    CHUNK_BYTES = 8,
    TAG_BYTES = 3,
    FRAME_BYTES = 10,  // tag, start code, sizes
    MAX_PROFILE = 3,
    SIDE_MASK = 0x3fff,
    SIZE_BYTES = 3,  // of a partition's length
};

static uint32_t read_le(const uint8_t *b, int n)
{
    uint32_t v = 0;
    for (int i = 0; i < n; i++) {
        v |= (uint32_t)b[i] << 8 * i;
    }
    return v;
}

struct span {
    const uint8_t *b;
    size_t n;
};

// ---- the file

static int find_frame(struct span *frame, const uint8_t *file, size_t len)
{
    size_t at = RIFF_BYTES;
    if (len < RIFF_BYTES || memcmp(file, "RIFF", 4) != 0 ||
        memcmp(file + CHUNK_BYTES, "WEBP", 4) != 0 ||
        read_le(file + 4, 4) != len - CHUNK_BYTES) {
        return E_FORMAT;
    }
    while (at <= len && len - at >= CHUNK_BYTES) {
        const uint8_t *chunk = file + at;
        const size_t n = read_le(chunk + 4, 4), left = len - at - CHUNK_BYTES;
        if (n > left) {
            return E_FORMAT;
        }
        if (memcmp(chunk, "VP8 ", 4) == 0) {
            *frame = (struct span){chunk + CHUNK_BYTES, n};
            return 0;
        }
        at += CHUNK_BYTES + n + (n & 1);
    }
    return E_FORMAT;
}

// ---- the frame's own bytes

static int split_frame(struct vp8_head *h, struct span frame, struct span *first,
                       struct span *rest)
{
    if (frame.n < FRAME_BYTES) {
        return E_FORMAT;
    }
    const uint32_t tag = read_le(frame.b, TAG_BYTES);
    const uint32_t width = read_le(frame.b + 6, 2), height = read_le(frame.b + 8, 2);
    const bool is_key = !(tag & 1), is_shown = tag >> 4 & 1;
    const size_t n = tag >> 5;
    if (!is_key || !is_shown || (tag >> 1 & 7) > MAX_PROFILE ||
        memcmp(frame.b + TAG_BYTES, "\x9d\x01\x2a", 3) != 0 || width > SIDE_MASK ||
        height > SIDE_MASK || width == 0 || height == 0 || n > frame.n - FRAME_BYTES) {
        return E_FORMAT;
    }
    h->width = (int)width;
    h->height = (int)height;
    *first = (struct span){frame.b + FRAME_BYTES, n};
    *rest = (struct span){first->b + n, frame.n - FRAME_BYTES - n};
    return 0;
}

// No encoder begins with a value beyond the range; nothing that follows would mean much.
static bool is_in_range(const struct vp8_bool *b)
{
    return b->in == b->end || *b->in <= b->range >> 56;
}

static int split_partitions(struct vp8_head *h, struct span rest)
{
    const size_t sizes = SIZE_BYTES * (size_t)(h->n_tokens - 1);
    if (rest.n < sizes) {
        return E_FORMAT;
    }
    const uint8_t *b = rest.b + sizes;
    size_t left = rest.n - sizes;
    for (int i = 0; i < h->n_tokens; i++) {
        const bool is_last = i == h->n_tokens - 1;
        const size_t n = is_last ? left : read_le(rest.b + SIZE_BYTES * i, SIZE_BYTES);
        if (n > left || n == 0) {
            return E_FORMAT;
        }
        h->tokens[i] = vp8_bool_of(b, n);
        if (!is_in_range(&h->tokens[i])) {
            return E_FORMAT;
        }
        b += n;
        left -= n;
    }
    return 0;
}

// ---- the coded header

struct segments {
    bool are_used;
    bool are_absolute;
    int quant[VP8_SEGMENTS];
};

static void read_segments(struct vp8_head *h, struct segments *s, struct vp8_bool *b)
{
    // Steps that are not given are the finest.
    *s = (struct segments){.are_used = vp8_flag(b), .are_absolute = true};
    if (!s->are_used) {
        return;
    }
    h->has_map = vp8_flag(b);
    if (vp8_flag(b)) {
        s->are_absolute = vp8_flag(b);
        for (int i = 0; i < VP8_SEGMENTS; i++) {
            s->quant[i] = vp8_optional(b, 7);
        }
        for (int i = 0; i < VP8_SEGMENTS; i++) {
            (void)vp8_optional(b, 6);  // of the loop filter
        }
    }
    for (int i = 0; i < 3 && h->has_map; i++) {
        h->segment_probs[i] = (uint8_t)(vp8_flag(b) ? vp8_number(b, 8) : 255);
    }
}

static void skip_filter(struct vp8_bool *b)
{
    (void)vp8_number(b, 1 + 6 + 3);  // kind, level, sharpness
    if (vp8_flag(b) && vp8_flag(b)) {
        for (int i = 0; i < 4 + 4; i++) {
            (void)vp8_optional(b, 6);
        }
    }
}

static int clip(int v, int most)
{
    return v < 0 ? 0 : v > most ? most : v;
}

// The step's index is that of luma's other coefficients, and these are added to it.
struct quant_deltas {
    int luma_dc, means_dc, means_ac, chroma_dc, chroma_ac;
};

static struct vp8_quant quant_of(int q, const struct quant_deltas *d)
{
    enum { MOST = 127, MOST_CHROMA_DC = 117, LEAST_MEANS_AC = 8 };
    const int means_ac = vp8_ac_steps[clip(q + d->means_ac, MOST)] * 155 / 100;
    return (struct vp8_quant){
        .luma = {vp8_dc_steps[clip(q + d->luma_dc, MOST)], vp8_ac_steps[clip(q, MOST)]},
        .means = {vp8_dc_steps[clip(q + d->means_dc, MOST)] * 2,
                  means_ac < LEAST_MEANS_AC ? LEAST_MEANS_AC : means_ac},
        .chroma = {vp8_dc_steps[clip(q + d->chroma_dc, MOST_CHROMA_DC)],
                   vp8_ac_steps[clip(q + d->chroma_ac, MOST)]}};
}

static void read_quant(struct vp8_head *h, const struct segments *s, struct vp8_bool *b)
{
    const int base = vp8_number(b, 7);
    struct quant_deltas d;
    d.luma_dc = vp8_optional(b, 4);
    d.means_dc = vp8_optional(b, 4);
    d.means_ac = vp8_optional(b, 4);
    d.chroma_dc = vp8_optional(b, 4);
    d.chroma_ac = vp8_optional(b, 4);
    for (int i = 0; i < VP8_SEGMENTS; i++) {
        const int own = s->are_used ? s->quant[i] : 0;
        h->quant[i] = quant_of(s->are_used && s->are_absolute ? own : base + own, &d);
    }
}

static void read_probs(struct vp8_probs *probs, struct vp8_bool *b)
{
    static const uint8_t bands[VP8_PLACES] = {0, 1, 2, 3, 6, 4, 5, 6, 6,
                                              6, 6, 6, 6, 6, 6, 7, 0};
    uint8_t by_band[VP8_TYPES][VP8_BANDS][VP8_CONTEXTS][VP8_PROBS];
    uint8_t *to = &by_band[0][0][0][0];
    const uint8_t *update = &vp8_update_probs[0][0][0][0];
    const uint8_t *start = &vp8_default_probs[0][0][0][0];
    for (size_t i = 0; i < sizeof(by_band); i++) {
        to[i] = (uint8_t)(vp8_flag_of(b, update[i]) ? vp8_number(b, 8) : start[i]);
    }
    memset(probs, 0, sizeof(*probs));
    for (int t = 0; t < VP8_TYPES; t++) {
        for (int n = 0; n < VP8_PLACES; n++) {
            for (int c = 0; c < VP8_CONTEXTS; c++) {
                memcpy(probs->at[t][n][c], by_band[t][bands[n]][c], VP8_PROBS);
            }
        }
    }
}

int vp8_head_read(struct vp8_head *h, struct vp8_probs *probs, const uint8_t *file,
                  size_t len)
{
    struct span frame, first, rest;
    *h = (struct vp8_head){0};
    if (find_frame(&frame, file, len) || split_frame(h, frame, &first, &rest)) {
        return E_FORMAT;
    }
    struct vp8_bool b = vp8_bool_of(first.b, first.n);
    if (!is_in_range(&b)) {
        return E_FORMAT;
    }
    struct segments segments;
    (void)vp8_number(&b, 2);  // colour space, clamping: one kind of each is in use
    read_segments(h, &segments, &b);
    skip_filter(&b);
    h->n_tokens = 1 << vp8_number(&b, 2);
    read_quant(h, &segments, &b);
    (void)vp8_flag(&b);  // of what comes after a key frame
    read_probs(probs, &b);
    h->has_skip = vp8_flag(&b);
    h->skip_prob = (uint8_t)(h->has_skip ? vp8_number(&b, 8) : 0);
    h->modes = b;
    return vp8_bool_is_past(&b) ? E_FORMAT : split_partitions(h, rest);
}
