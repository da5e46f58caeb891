// png.c -- any PNG through libpng, row by row into the row sink.
//
// What png_fast.c can do is done there; it hands back whatever is unusual or damaged, so
// that libpng alone decides what is an error.
// libpng is fed only the chunks that make the pixels: text, colour profiles and the like
// never reach a decompressor.  Interlaced pictures need a full buffer, all others a row.
// Between setjmp and libpng's longjmp nothing is owned outside struct reader.
// SPDX-License-Identifier: MIT
#include "image/picture.h"
#include "image/pixels.h"

#include <png.h>
#include <setjmp.h>
#include <stdlib.h>
#include <string.h>

enum { SIGNATURE_BYTES = 8, CHUNK_BYTES = 12 };

struct reader {
    struct decode *d;
    png_structp png;
    png_infop info;
    size_t pos;        // next byte for libpng
    size_t chunk_end;  // of the chunk that holds pos
    bool is_out_of_memory;
    bool is_at_end;
};

static void on_error(png_structp png, png_const_charp message)
{
    struct reader *r = png_get_error_ptr(png);
    struct err *e = r->d->err;
    if (r->d->feed->rc) {
        // It has been said what is wrong with the file.
    } else if (r->is_out_of_memory) {
        err_set(e, E_NOMEM, "not enough memory to decode the PNG");
    } else if (r->is_at_end) {
        err_set(e, E_CUT, "the PNG ends before its picture is complete");
    } else {
        err_set(e, E_CORRUPT, "the PNG is damaged: %s", message);
    }
    png_longjmp(png, 1);
}

static void on_warning(png_structp png, png_const_charp message)
{
    (void)png;
    (void)message;
}

static png_voidp on_malloc(png_structp png, png_alloc_size_t size)
{
    struct reader *r = png_get_mem_ptr(png);
    void *p = malloc(size);
    r->is_out_of_memory = r->is_out_of_memory || !p;
    return p;
}

static void on_free(png_structp png, png_voidp p)
{
    (void)png;
    free(p);
}

static bool is_wanted(const struct png_chunk *c)
{
    static const char wanted[][5] = {"IHDR", "PLTE", "tRNS", "IDAT", "IEND"};
    for (size_t i = 0; i < sizeof(wanted) / sizeof(wanted[0]); i++) {
        if (png_chunk_is(c, wanted[i])) {
            return true;
        }
    }
    return false;
}

// Goes to the next chunk that libpng shall see.  png_check walked the same way, so all
// lengths fit.
static bool next_chunk(struct reader *r)
{
    const struct decode *d = r->d;
    struct png_chunk c;
    while (d->head->file_len - r->pos >= CHUNK_BYTES &&
           !png_chunk_read(&c, d->feed, r->pos)) {
        r->chunk_end = c.next;
        if (is_wanted(&c)) {
            return true;
        }
        r->pos = c.next;
    }
    return false;
}

static void on_read(png_structp png, png_bytep out, size_t n)
{
    struct reader *r = png_get_io_ptr(png);
    while (n > 0) {
        if (r->pos == r->chunk_end && !next_chunk(r)) {
            r->is_at_end = true;
            png_error(png, "end of file");
        }
        size_t part;
        const uint8_t *from = feed_run(r->d->feed, r->pos, &part);
        if (!from) {
            png_error(png, "the file");
        }
        part = part < r->chunk_end - r->pos ? part : r->chunk_end - r->pos;
        part = part < n ? part : n;
        memcpy(out, from, part);
        out += part;
        r->pos += part;
        n -= part;
    }
}

static void set_up(struct reader *r)
{
    const struct head *h = r->d->head;
    png_set_read_fn(r->png, r, on_read);
    png_set_user_limits(r->png, (png_uint_32)h->width, (png_uint_32)h->height);
    png_set_crc_action(r->png, PNG_CRC_ERROR_QUIT, PNG_CRC_ERROR_QUIT);
    png_read_info(r->png, r->info);
    png_set_expand(r->png);
    png_set_scale_16(r->png);
    png_set_gray_to_rgb(r->png);
}

static void read_rows(struct reader *r, struct rows *rows, uint8_t *two, int channels)
{
    const size_t stride = (size_t)r->d->head->width * (size_t)channels;
    for (int y = 0; y < r->d->head->height; y++) {
        uint8_t *row = two + (y & 1 ? stride : 0);
        png_read_row(r->png, row, NULL);
        rows_put(rows, row, channels);
    }
}

static void read_interlaced(struct reader *r, struct rows *rows, uint8_t *all,
                            int channels, int passes)
{
    const struct head *h = r->d->head;
    const size_t stride = (size_t)h->width * (size_t)channels;
    for (int pass = 0; pass < passes; pass++) {
        for (int y = 0; y < h->height; y++) {
            png_read_row(r->png, all + (size_t)y * stride, NULL);
        }
    }
    for (int y = 0; y < h->height; y++) {
        rows_put(rows, all + (size_t)y * stride, channels);
    }
}

static int no_memory(struct reader *r)
{
    return err_set(r->d->err, E_NOMEM, "not enough memory to decode the PNG");
}

// Errors land in r->d->err.
static int read_all(struct reader *r, struct rows *rows)
{
    const struct head *h = r->d->head;
    if (setjmp(png_jmpbuf(r->png))) {
        return r->d->err->code;
    }
    set_up(r);
    const int passes = png_set_interlace_handling(r->png);
    png_read_update_info(r->png, r->info);
    const int channels = png_get_channels(r->png, r->info);
    const size_t stride = (size_t)h->width * (size_t)channels;
    const size_t height = passes > 1 ? (size_t)h->height : 2;
    uint8_t *pixels = arena_get_array(r->d->arena, height, stride);
    if (!pixels) {
        return no_memory(r);
    }
    if (passes > 1) {
        memset(pixels, 255, height * stride);
        read_interlaced(r, rows, pixels, channels, passes);
    } else {
        read_rows(r, rows, pixels, channels);
    }
    png_read_end(r->png, NULL);
    return 0;
}

static int decode_any(struct decode *d)
{
    struct rows rows;
    struct reader r = {.d = d, .chunk_end = SIGNATURE_BYTES};
    if (rows_open(&rows, d)) {
        return no_memory(&r);
    }
    r.png = png_create_read_struct_2(PNG_LIBPNG_VER_STRING, &r, on_error, on_warning, &r,
                                     on_malloc, on_free);
    r.info = r.png ? png_create_info_struct(r.png) : NULL;
    int rc = r.info ? read_all(&r, &rows) : no_memory(&r);
    png_destroy_read_struct(&r.png, &r.info, NULL);
    return rc;
}

int png_decode(struct decode *d)
{
    if (png_fast_fits(d->head)) {
        const int fast = png_fast_decode(d);
        if (fast != E_FORMAT) {
            return fast;
        }
    }
    return decode_any(d);
}
