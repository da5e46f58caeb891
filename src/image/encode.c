// encode.c -- small planes become a baseline JPEG.
//
// A flat luma table (every frequency quantised alike) keeps a third more small words
// readable than the standard one at the same size in bytes: text is high frequencies.
// Chroma keeps the standard shape.  Standard Huffman codes: optimal ones cost three times
// the time for 2 %.  islow is both the best and, with SIMD, the fastest transform.
// Source: ITU-T T.81 annex K (chroma table, times 1.2); the rest is measured.
// SPDX-License-Identifier: MIT
#include "image/picture.h"

#include <setjmp.h>
#include <stdio.h>
#include <string.h>

#include <jerror.h>
#include <jpeglib.h>

enum {
    MCU = 16,
    LUMA_FLAT = 40,  // in percent of the quality's scale
};

static const unsigned chroma_shape[DCTSIZE2] = {
    20,  22,  29,  56,  119, 119, 119, 119, 22,  25,  31,  79,  119, 119, 119, 119,
    29,  31,  67,  119, 119, 119, 119, 119, 56,  79,  119, 119, 119, 119, 119, 119,
    119, 119, 119, 119, 119, 119, 119, 119, 119, 119, 119, 119, 119, 119, 119, 119,
    119, 119, 119, 119, 119, 119, 119, 119, 119, 119, 119, 119, 119, 119, 119, 119,
};

struct encoder {
    struct jpeg_compress_struct jpeg;
    struct jpeg_error_mgr errors;
    struct jpeg_destination_mgr to;
    jmp_buf on_error;
    struct arena *arena;
    uint8_t *bytes;  // borrowed: of the arena
    size_t cap;
};

static void on_error_exit(j_common_ptr c)
{
    struct encoder *en = c->client_data;
    longjmp(en->on_error, 1);
}

static void on_message(j_common_ptr c)
{
    (void)c;
}

static void on_start(j_compress_ptr c)
{
    struct encoder *en = c->client_data;
    c->dest->next_output_byte = en->bytes;
    c->dest->free_in_buffer = en->cap;
}

// libjpeg calls this when the buffer is full to the last byte.
static boolean on_full(j_compress_ptr c)
{
    struct encoder *en = c->client_data;
    uint8_t *bytes = arena_get_array(en->arena, en->cap, 2);
    if (!bytes) {
        ERREXIT1(c, JERR_OUT_OF_MEMORY, 0);
        return FALSE;
    }
    memcpy(bytes, en->bytes, en->cap);
    c->dest->next_output_byte = bytes + en->cap;
    c->dest->free_in_buffer = en->cap;
    en->bytes = bytes;
    en->cap *= 2;
    return TRUE;
}

static void on_end(j_compress_ptr c)
{
    (void)c;
}

static void set_tables(struct encoder *en, int quality)
{
    const int scale = quality < 50 ? 5000 / quality : 200 - 2 * quality;
    unsigned luma[DCTSIZE2];
    for (int i = 0; i < DCTSIZE2; i++) {
        luma[i] = LUMA_FLAT;
    }
    jpeg_add_quant_table(&en->jpeg, 0, luma, scale, TRUE);
    jpeg_add_quant_table(&en->jpeg, 1, chroma_shape, scale, TRUE);
}

static void set_up(struct encoder *en, const struct planes *in, int quality)
{
    struct jpeg_compress_struct *c = &en->jpeg;
    en->to = (struct jpeg_destination_mgr){.init_destination = on_start,
                                           .empty_output_buffer = on_full,
                                           .term_destination = on_end};
    c->dest = &en->to;
    c->image_width = (JDIMENSION)in->width;
    c->image_height = (JDIMENSION)in->height;
    c->input_components = 3;
    c->in_color_space = JCS_YCbCr;
    jpeg_set_defaults(c);
    c->raw_data_in = TRUE;
    c->dct_method = JDCT_ISLOW;
    set_tables(en, quality);
}

// Repeats the last column up to whole blocks; strides have room for it.
static void pad_columns(const struct planes *p)
{
    for (int i = 0; i < 3; i++) {
        const int w = i ? (p->width + 1) / 2 : p->width;
        const int h = i ? (p->height + 1) / 2 : p->height;
        for (int y = 0; y < h; y++) {
            uint8_t *row = p->p[i] + (size_t)y * (size_t)p->stride[i];
            memset(row + w, row[w - 1], (size_t)(p->stride[i] - w));
        }
    }
}

// Row y of plane i; the last one stands for those below it.
static uint8_t *row_at(const struct planes *p, int i, int y)
{
    const int h = i ? (p->height + 1) / 2 : p->height;
    return p->p[i] + (size_t)(y < h ? y : h - 1) * (size_t)p->stride[i];
}

static void write_blocks(struct encoder *en, const struct planes *in)
{
    JSAMPROW luma[MCU], u[MCU / 2], v[MCU / 2];
    JSAMPARRAY planes[3] = {luma, u, v};
    for (int y = 0; y < in->height; y += MCU) {
        for (int k = 0; k < MCU; k++) {
            luma[k] = row_at(in, 0, y + k);
        }
        for (int k = 0; k < MCU / 2; k++) {
            u[k] = row_at(in, 1, y / 2 + k);
            v[k] = row_at(in, 2, y / 2 + k);
        }
        jpeg_write_raw_data(&en->jpeg, planes, MCU);
    }
}

static int run(struct encoder *en, const struct planes *in, int quality)
{
    if (setjmp(en->on_error)) {
        return en->errors.msg_code == JERR_OUT_OF_MEMORY ? E_NOMEM : E_BUG;
    }
    jpeg_create_compress(&en->jpeg);
    set_up(en, in, quality);
    jpeg_start_compress(&en->jpeg, TRUE);
    write_blocks(en, in);
    jpeg_finish_compress(&en->jpeg);
    return 0;
}

int jpeg_encode(const struct planes *in, int quality, struct arena *arena,
                struct buf *out, struct err *e)
{
    // Half a byte per pixel is rarely passed at the default quality.
    struct encoder en = {.arena = arena,
                         .cap = (size_t)in->width * (size_t)in->height / 2 + 4096};
    en.bytes = arena_get(arena, en.cap);
    if (!en.bytes) {
        return err_set(e, E_NOMEM, "not enough memory to encode the picture");
    }
    pad_columns(in);
    en.jpeg.err = jpeg_std_error(&en.errors);
    en.errors.error_exit = on_error_exit;
    en.errors.output_message = on_message;
    en.jpeg.client_data = &en;
    int rc = run(&en, in, quality);
    if (!rc) {
        const size_t len = en.cap - en.to.free_in_buffer;
        buf_fini(out);
        buf_init(out, len);
        rc = buf_add(out, en.bytes, len);
    }
    jpeg_destroy_compress(&en.jpeg);
    return rc ? err_set(e, rc, "the small picture could not be encoded") : 0;
}
