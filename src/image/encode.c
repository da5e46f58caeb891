// encode.c -- small planes become a baseline JPEG.
//
// A flat luma table (every frequency quantised alike) keeps a third more small words
// readable than the standard one at the same size in bytes: text is high frequencies.
// Chroma keeps the standard shape.  Standard Huffman codes: optimal ones cost three times
// the time for 2 %.
// Four blocks of luma and two of chroma make an MCU; an MCU's blocks are transformed two at
// a time (blocks*.c) and coded at once (codes.c).  Where no vectors are at hand for that
// libjpeg does the same (encode_lib.c), to the same bytes.
// Source: ITU-T T.81, B.2 (the head), A.2.4 (blocks beyond the edge), annex K (chroma
// table, times 1.2); JFIF 1.01; the rest is measured.
// SPDX-License-Identifier: MIT
#include "image/encode.h"

#include "image/codes.h"
#include "image/kernels.h"

#include <assert.h>
#include <string.h>

enum {
    MCU = 16,
    LUMA_FLAT = 40,  // in percent of the quality's scale
    HEAD_BYTES = 1024,
    SLACK = 16,
};

static const uint8_t chroma_shape[BLOCK_SIZE] = {
    20,  22,  29,  56,  119, 119, 119, 119, 22,  25,  31,  79,  119, 119, 119, 119,
    29,  31,  67,  119, 119, 119, 119, 119, 56,  79,  119, 119, 119, 119, 119, 119,
    119, 119, 119, 119, 119, 119, 119, 119, 119, 119, 119, 119, 119, 119, 119, 119,
    119, 119, 119, 119, 119, 119, 119, 119, 119, 119, 119, 119, 119, 119, 119, 119,
};

static uint8_t scaled(int percent, int scale)
{
    const int v = (percent * scale + 50) / 100;
    return (uint8_t)(v < 1 ? 1 : v > 255 ? 255 : v);
}

void encode_steps(int quality, uint8_t steps[2][BLOCK_SIZE])
{
    const int scale = quality < 50 ? 5000 / quality : 200 - 2 * quality;
    for (int k = 0; k < BLOCK_SIZE; k++) {
        steps[0][k] = scaled(LUMA_FLAT, scale);
        steps[1][k] = scaled(chroma_shape[k], scale);
    }
}

// ---- planes

static int plane_width(const struct planes *p, int i)
{
    return i ? (p->width + 1) / 2 : p->width;
}

static int plane_height(const struct planes *p, int i)
{
    return i ? (p->height + 1) / 2 : p->height;
}

// Repeats the last column up to whole blocks; strides have room for it.
static void pad_columns(const struct planes *p)
{
    for (int i = 0; i < 3; i++) {
        const int w = plane_width(p, i);
        for (int y = 0; y < plane_height(p, i); y++) {
            uint8_t *row = p->p[i] + (size_t)y * (size_t)p->stride[i];
            memset(row + w, row[w - 1], (size_t)(p->stride[i] - w));
        }
    }
}

uint8_t *encode_row(const struct planes *p, int i, int y)
{
    const int h = plane_height(p, i);
    return p->p[i] + (size_t)(y < h ? y : h - 1) * (size_t)p->stride[i];
}

// ---- head

static uint8_t *put_bytes(uint8_t *out, const void *bytes, size_t n)
{
    memcpy(out, bytes, n);
    return out + n;
}

static uint8_t *put_u16(uint8_t *out, int v)
{
    *out++ = (uint8_t)(v >> 8);
    *out++ = (uint8_t)v;
    return out;
}

static uint8_t *put_steps(uint8_t *out, const uint8_t steps[BLOCK_SIZE], uint8_t id)
{
    out = put_bytes(out, "\xff\xdb\x00\x43", 4);
    *out++ = id;
    for (int i = 0; i < BLOCK_SIZE; i++) {
        *out++ = steps[block_zigzag[i]];
    }
    return out;
}

static uint8_t *put_codes(uint8_t *out, const struct codes_table *t)
{
    out = put_bytes(out, "\xff\xc4", 2);
    out = put_u16(out, 2 + 1 + (int)sizeof(t->counts) + t->n_symbols);
    *out++ = t->id;
    out = put_bytes(out, t->counts, sizeof(t->counts));
    return put_bytes(out, t->symbols, (size_t)t->n_symbols);
}

static uint8_t *put_head(uint8_t *out, const struct planes *in,
                         uint8_t steps[2][BLOCK_SIZE])
{
    static const uint8_t begin[] = {0xff, 0xd8, 0xff, 0xe0, 0, 16, 'J', 'F', 'I', 'F',
                                    0,    1,    1,    0,    0, 1,  0,   1,   0,   0};
    static const uint8_t planes[] = {3, 1, 0x22, 0, 2, 0x11, 1, 3, 0x11, 1};
    static const uint8_t scan[] = {0xff, 0xda, 0, 12,   3, 1,  0x00,
                                   2,    0x11, 3, 0x11, 0, 63, 0};
    out = put_bytes(out, begin, sizeof(begin));
    out = put_steps(out, steps[0], 0);
    out = put_steps(out, steps[1], 1);
    out = put_bytes(out, "\xff\xc0\x00\x11\x08", 5);
    out = put_u16(out, in->height);
    out = put_u16(out, in->width);
    out = put_bytes(out, planes, sizeof(planes));
    for (int i = 0; i < 4; i++) {
        out = put_codes(out, &codes_tables[i]);
    }
    return put_bytes(out, scan, sizeof(scan));
}

// ---- scan

struct encoder {
    const struct planes *in;
    const struct kernels *kernels;
    struct arena *arena;
    uint8_t *bytes;  // borrowed: of the arena
    size_t len, cap;
    uint8_t *row;  // borrowed: of the arena; a row of MCUs, not escaped
    struct quantiser luma, chroma;
    struct codes_plan plan;
    struct codes codes;
};

// Rows of the pixels of each block of an MCU, from its first column on.
struct mcu_rows {
    const uint8_t *at[CODES_MCU_BLOCKS][BLOCK_SIDE];
};

static void find_rows(const struct planes *in, int y, struct mcu_rows *rows)
{
    for (int k = 0; k < BLOCK_SIDE; k++) {
        for (int i = 0; i < 4; i++) {
            rows->at[i][k] = encode_row(in, 0, y + i / 2 * BLOCK_SIDE + k) + i % 2 * 8;
        }
        rows->at[4][k] = encode_row(in, 1, y / 2 + k);
        rows->at[5][k] = encode_row(in, 2, y / 2 + k);
    }
}

// A block that lies outside the picture costs least when it is like the one before.
static void make_dummy(struct block_pair *p, int which, int16_t first)
{
    p->values[0][which][0] = first;
    p->used[which] = first != 0;
}

// has_right, has_lower: blocks of the picture are there.
static void transform_mcu(const struct encoder *en, const struct mcu_rows *rows, int x,
                          bool has_right, bool has_lower, struct block_pair pairs[3])
{
    const struct kernels *k = en->kernels;
    for (int i = 0; i < 2; i++) {
        k->blocks(rows->at[2 * i], rows->at[2 * i + 1], x, &en->luma, &pairs[i]);
        if (!has_right) {
            make_dummy(&pairs[i], 1, pairs[i].values[0][0][0]);
        }
    }
    if (!has_lower) {
        make_dummy(&pairs[1], 0, pairs[0].values[0][1][0]);
        make_dummy(&pairs[1], 1, pairs[0].values[0][1][0]);
    }
    k->blocks(rows->at[4], rows->at[5], x / 2, &en->chroma, &pairs[2]);
}

// n more bytes, each of which may need an escape.
static int make_room(struct encoder *en, size_t n)
{
    const size_t want = en->len + 2 * n + SLACK;
    if (want <= en->cap) {
        return 0;
    }
    const size_t cap = want > 2 * en->cap ? want : 2 * en->cap;
    uint8_t *bytes = arena_get(en->arena, cap);
    if (!bytes) {
        return E_NOMEM;
    }
    en->bytes = put_bytes(bytes, en->bytes, en->len) - en->len;
    en->cap = cap;
    return 0;
}

static int put_row(struct encoder *en, const uint8_t *end)
{
    const size_t n = (size_t)(end - en->row);
    int rc = make_room(en, n);
    if (!rc) {
        uint8_t *out = codes_escape(en->row, n, en->bytes + en->len);
        en->len = (size_t)(out - en->bytes);
    }
    return rc;
}

static int write_row(struct encoder *en, int y)
{
    const int blocks = (en->in->width + BLOCK_SIDE - 1) / BLOCK_SIDE;
    const bool has_lower = y + BLOCK_SIDE < en->in->height;
    struct mcu_rows rows;
    struct block_pair pairs[3];
    uint8_t *out = en->row;
    find_rows(en->in, y, &rows);
    for (int i = 0; i < blocks; i += 2) {
        transform_mcu(en, &rows, i * BLOCK_SIDE, i + 1 < blocks, has_lower, pairs);
        out = codes_mcu(&en->codes, &en->plan, pairs, out);
    }
    if (y + MCU >= en->in->height) {
        out = codes_end(&en->codes, out);
    }
    return put_row(en, out);
}

static int encode(struct encoder *en, int quality)
{
    const struct planes *in = en->in;
    uint8_t steps[2][BLOCK_SIZE];
    // Half a byte per pixel is rarely passed at the default quality.
    en->cap = (size_t)in->width * (size_t)in->height / 2 + HEAD_BYTES;
    en->bytes = arena_get(en->arena, en->cap);
    en->row = arena_get_array(en->arena, (size_t)in->width / MCU + 2, CODES_MCU_BYTES);
    if (!en->bytes || !en->row) {
        return E_NOMEM;
    }
    encode_steps(quality, steps);
    quantiser_init(&en->luma, steps[0]);
    quantiser_init(&en->chroma, steps[1]);
    codes_plan_init(&en->plan);
    en->len = (size_t)(put_head(en->bytes, in, steps) - en->bytes);
    assert(en->len <= HEAD_BYTES);
    int rc = 0;
    for (int y = 0; y < in->height && !rc; y += MCU) {
        rc = write_row(en, y);
    }
    return rc ? rc : make_room(en, 2);
}

static int copy_out(const struct encoder *en, struct buf *out)
{
    put_bytes(en->bytes + en->len, "\xff\xd9", 2);
    buf_fini(out);
    buf_init(out, en->len + 2);
    return buf_add(out, en->bytes, en->len + 2);
}

int encode_planes(const struct planes *in, int quality, const struct kernels *kernels,
                  struct arena *arena, struct buf *out)
{
    struct encoder en = {.in = in, .kernels = kernels, .arena = arena};
    int rc = encode(&en, quality);
    return rc ? rc : copy_out(&en, out);
}

int jpeg_encode(const struct planes *in, int quality, struct arena *arena,
                struct buf *out, struct err *e)
{
    const struct kernels *k = kernels_best();
    pad_columns(in);
    int rc = k->blocks ? encode_planes(in, quality, k, arena, out)
                       : encode_planes_lib(in, quality, arena, out);
    return rc == E_NOMEM ? err_set(e, rc, "not enough memory to encode the picture")
           : rc          ? err_set(e, rc, "the small picture could not be encoded")
                         : 0;
}
