// jpeg_feed.c -- JPEG through libjpeg, whose bytes come from the feed a window at a time.
//
// For files that are too large to be held: what is in memory are the decoded planes, or, of
// files that are decoded to pixels, some rows.  Of a progressive file libjpeg keeps all
// coefficients, which head_memory() counts.
// SPDX-License-Identifier: MIT
#include "image/jpeg_parts.h"
#include "image/pixels.h"

#include <setjmp.h>
#include <stdio.h>
#include <string.h>
// jpeglib.h wants stdio.h first.
#include <jerror.h>
#include <jpeglib.h>
#include <turbojpeg.h>

enum { MAX_PLANES = 3, MAX_UNIT_ROWS = 4 * JPEG_BLOCK };

struct source {
    struct jpeg_decompress_struct c;
    struct jpeg_error_mgr errors;
    struct jpeg_source_mgr bytes;
    jmp_buf out;
    struct decode *d;
    size_t pos;  // of the byte behind those that libjpeg was given
    int rc;      // the first error or warning that counts
};

// ---- errors

static void on_message(struct source *s)
{
    char words[JMSG_LENGTH_MAX];
    (*s->errors.format_message)((j_common_ptr)&s->c, words);
    if (s->rc == 0) {
        s->rc = s->d->feed->rc ? s->d->feed->rc : jpeg_error(words, s->d->err);
    }
}

static void on_error(j_common_ptr c)
{
    struct source *s = c->client_data;
    on_message(s);
    if (s->rc == 0) {
        s->rc = err_set(s->d->err, E_CORRUPT, "the JPEG is damaged");
    }
    longjmp(s->out, 1);
}

static void on_warning(j_common_ptr c, int level)
{
    if (level < 0) {
        on_message(c->client_data);
    }
}

// ---- bytes

static void on_nothing(j_decompress_ptr c)
{
    (void)c;
}

static boolean on_more(j_decompress_ptr c)
{
    static const JOCTET end[] = {0xff, JPEG_EOI};
    struct source *s = c->client_data;
    size_t n = sizeof(end);
    const uint8_t *b = end;
    if (s->pos >= s->d->head->file_len) {
        WARNMS(c, JWRN_JPEG_EOF);
    } else {
        b = feed_run(s->d->feed, s->pos, &n);
        if (!b) {
            ERREXIT(c, JERR_FILE_READ);
        }
        const size_t left = s->d->head->file_len - s->pos;
        n = n < left ? n : left;
        s->pos += n;
    }
    s->bytes.next_input_byte = b;
    s->bytes.bytes_in_buffer = n;
    return TRUE;
}

static void on_skip(j_decompress_ptr c, long n)
{
    struct source *s = c->client_data;
    if (n <= 0) {
        return;
    }
    if ((size_t)n <= s->bytes.bytes_in_buffer) {
        s->bytes.next_input_byte += n;
        s->bytes.bytes_in_buffer -= (size_t)n;
        return;
    }
    const size_t more = (size_t)n - s->bytes.bytes_in_buffer;
    const size_t left = s->d->head->file_len - s->pos;
    s->pos += more < left ? more : left;
    s->bytes.bytes_in_buffer = 0;
}

// ---- planes

// TurboJPEG's name of the sampling; -1: none, or none that planes are made of.
static int sampling_of(const struct jpeg_decompress_struct *c)
{
    static const struct {
        int across, down, name;
    } names[] = {{1, 1, TJSAMP_444},
                 {2, 1, TJSAMP_422},
                 {2, 2, TJSAMP_420},
                 {1, 2, TJSAMP_440},
                 {4, 1, TJSAMP_411}};
    const jpeg_component_info *i = c->comp_info;
    if (c->jpeg_color_space == JCS_GRAYSCALE && c->num_components == 1) {
        return i[0].h_samp_factor == 1 && i[0].v_samp_factor == 1 ? TJSAMP_GRAY : -1;
    }
    if (c->jpeg_color_space != JCS_YCbCr || c->num_components != 3 ||
        i[1].h_samp_factor != 1 || i[1].v_samp_factor != 1 || i[2].h_samp_factor != 1 ||
        i[2].v_samp_factor != 1) {
        return -1;
    }
    for (size_t k = 0; k < sizeof(names) / sizeof(names[0]); k++) {
        if (i[0].h_samp_factor == names[k].across &&
            i[0].v_samp_factor == names[k].down) {
            return names[k].name;
        }
    }
    return -1;
}

// One row of coded units, in memory of its own: libjpeg writes whole blocks.
struct unit_row {
    uint8_t *rows[MAX_PLANES][MAX_UNIT_ROWS];
    int n[MAX_PLANES];  // rows
};

static int get_unit_row(struct source *s, struct unit_row *u)
{
    for (int i = 0; i < s->c.num_components; i++) {
        const jpeg_component_info *info = &s->c.comp_info[i];
        const size_t width = (size_t)info->width_in_blocks * JPEG_BLOCK;
        u->n[i] = info->v_samp_factor * JPEG_BLOCK;
        uint8_t *all = arena_get_array(s->d->arena, (size_t)u->n[i], width);
        if (!all) {
            return jpeg_no_memory(s->d);
        }
        for (int y = 0; y < u->n[i]; y++) {
            u->rows[i][y] = all + (size_t)y * width;
        }
    }
    return 0;
}

// The unit row that begins at the picture's row y.
static void copy_unit_row(const struct source *s, const struct unit_row *u, int y,
                          int sampling, struct planes *full)
{
    for (int i = 0; i < s->c.num_components; i++) {
        const jpeg_component_info *info = &s->c.comp_info[i];
        const int top = y * info->v_samp_factor / s->c.max_v_samp_factor;
        const int height = tjPlaneHeight(i, full->height, sampling);
        const int wanted = tjPlaneWidth(i, full->width, sampling);
        const int there = (int)info->width_in_blocks * JPEG_BLOCK;
        for (int k = 0; k < u->n[i] && top + k < height; k++) {
            uint8_t *to = full->p[i] + (size_t)(top + k) * (size_t)full->stride[i];
            memcpy(to, u->rows[i][k], (size_t)(wanted < there ? wanted : there));
        }
    }
}

static int decode_planes(struct source *s, int sampling)
{
    struct jpeg_decompress_struct *c = &s->c;
    struct planes full;
    struct unit_row unit = {0};
    JSAMPARRAY rows[MAX_PLANES];
    int rc =
        jpeg_get_planes(s->d, s->d->head->width, s->d->head->height, sampling, &full);
    rc = rc ? rc : get_unit_row(s, &unit);
    if (rc) {
        return rc;
    }
    for (int i = 0; i < MAX_PLANES; i++) {
        rows[i] = unit.rows[i];
    }
    c->raw_data_out = TRUE;
    c->do_fancy_upsampling = FALSE;
    jpeg_start_decompress(c);
    while (c->output_scanline < c->output_height && s->rc == 0) {
        const int y = (int)c->output_scanline;
        jpeg_read_raw_data(c, rows, (JDIMENSION)(c->max_v_samp_factor * JPEG_BLOCK));
        copy_unit_row(s, &unit, y, sampling, &full);
    }
    return s->rc ? s->rc : jpeg_use_planes(s->d, &full, sampling, 1);
}

// ---- pixels

static int decode_pixels(struct source *s)
{
    struct jpeg_decompress_struct *c = &s->c;
    struct decode *d = s->d;
    struct rows rows;
    const int channels = d->head->components == 4 ? 4 : 3;
    jpeg_widen_mask(d);
    const size_t stride = (size_t)d->head->width * (size_t)channels;
    uint8_t *two = arena_get_array(d->arena, 2, stride);
    if (!two || rows_open(&rows, d)) {
        return jpeg_no_memory(d);
    }
    c->out_color_space = channels == 4 ? JCS_CMYK : JCS_RGB;
    jpeg_start_decompress(c);
    while (c->output_scanline < c->output_height && s->rc == 0) {
        uint8_t *row = two + (c->output_scanline & 1 ? stride : 0);
        jpeg_read_scanlines(c, &row, 1);
        if (channels == 4) {
            jpeg_cmyk_to_rgb(row, d->head->width, d->head->has_adobe);
        }
        rows_put(&rows, row, 3);
    }
    return s->rc;
}

// ---- both

static int decode(struct source *s)
{
    struct jpeg_decompress_struct *c = &s->c;
    jpeg_read_header(c, TRUE);
    if ((int)c->image_width != s->d->head->width ||
        (int)c->image_height != s->d->head->height) {
        return err_set(s->d->err, E_CORRUPT, "the JPEG has two different sizes");
    }
    c->dct_method = JDCT_ISLOW;
    const int sampling = sampling_of(c);
    int rc = sampling < 0 ? decode_pixels(s) : decode_planes(s, sampling);
    if (rc == 0) {
        jpeg_finish_decompress(c);
        rc = s->rc;
    }
    return rc;
}

static int guarded(struct source *s)
{
    if (setjmp(s->out)) {
        return s->rc;
    }
    jpeg_create_decompress(&s->c);
    s->c.src = &s->bytes;
    return decode(s);
}

int jpeg_feed_decode(struct decode *d)
{
    struct source s = {.d = d};
    s.c.err = jpeg_std_error(&s.errors);
    s.errors.error_exit = on_error;
    s.errors.emit_message = on_warning;
    s.c.client_data = &s;
    s.bytes = (struct jpeg_source_mgr){.init_source = on_nothing,
                                       .fill_input_buffer = on_more,
                                       .skip_input_data = on_skip,
                                       .resync_to_restart = jpeg_resync_to_restart,
                                       .term_source = on_nothing};
    const int rc = guarded(&s);
    jpeg_destroy_decompress(&s.c);
    return rc;
}
