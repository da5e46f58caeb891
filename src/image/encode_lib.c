// encode_lib.c -- planes become a JPEG by libjpeg, where encode.c has no vectors.
//
// islow is both its best and, with SIMD, its fastest transform.
// SPDX-License-Identifier: MIT
#include "image/encode.h"

#include <setjmp.h>
#include <stdio.h>
#include <string.h>

#include <jerror.h>
#include <jpeglib.h>

enum { MCU = 16 };

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
    uint8_t steps[2][BLOCK_SIZE];
    unsigned table[DCTSIZE2];
    encode_steps(quality, steps);
    for (int i = 0; i < 2; i++) {
        for (int k = 0; k < DCTSIZE2; k++) {
            table[k] = steps[i][k];
        }
        jpeg_add_quant_table(&en->jpeg, i, table, 100, TRUE);
    }
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

static void write_blocks(struct encoder *en, const struct planes *in)
{
    JSAMPROW luma[MCU], u[MCU / 2], v[MCU / 2];
    JSAMPARRAY planes[3] = {luma, u, v};
    for (int y = 0; y < in->height; y += MCU) {
        for (int k = 0; k < MCU; k++) {
            luma[k] = encode_row(in, 0, y + k);
        }
        for (int k = 0; k < MCU / 2; k++) {
            u[k] = encode_row(in, 1, y / 2 + k);
            v[k] = encode_row(in, 2, y / 2 + k);
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

int encode_planes_lib(const struct planes *in, int quality, struct arena *arena,
                      struct buf *out)
{
    struct encoder en = {.arena = arena,
                         .cap = (size_t)in->width * (size_t)in->height / 2 + 4096};
    en.bytes = arena_get(arena, en.cap);
    if (!en.bytes) {
        return E_NOMEM;
    }
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
    return rc;
}
