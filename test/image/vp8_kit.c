// vp8_kit.c -- see vp8_kit.h.
// SPDX-License-Identifier: MIT
#include "image/vp8_kit.h"

#include "image/vp8.h"

#include <stdlib.h>
#include <string.h>
#include <webp/decode.h>

static int width_of(const struct vp8_planes *p, int i)
{
    return i ? (p->width + 1) / 2 : p->width;
}

static int height_of(const struct vp8_planes *p, int i)
{
    return i ? (p->height + 1) / 2 : p->height;
}

static size_t bytes_of(const struct vp8_planes *p, int i)
{
    return (size_t)width_of(p, i) * (size_t)height_of(p, i);
}

static void get_planes(struct vp8_planes *p, int width, int height)
{
    *p = (struct vp8_planes){.width = width, .height = height};
    for (int i = 0; i < 3; i++) {
        p->p[i] = malloc(bytes_of(p, i));
        if (!p->p[i]) {
            abort();
        }
    }
}

void vp8_kit_free(struct vp8_planes *p)
{
    for (int i = 0; i < 3; i++) {
        free(p->p[i]);
    }
    *p = (struct vp8_planes){0};
}

int vp8_kit_compare(const struct vp8_planes *a, const struct vp8_planes *b)
{
    if (a->width != b->width || a->height != b->height) {
        return 0;
    }
    for (int i = 0; i < 3; i++) {
        if (memcmp(a->p[i], b->p[i], bytes_of(a, i)) != 0) {
            return i;
        }
    }
    return -1;
}

// ---- ours

struct strip {
    uint8_t *p[3];
    int stride[3];
    struct vp8_rows rows;
};

static void get_strip(struct strip *s, const struct vp8 *v, struct arena *arena)
{
    for (int i = 0; i < 3; i++) {
        s->stride[i] = v->across * (i ? VP8_MB / 2 : VP8_MB);
        s->p[i] = arena_get_array(arena, (size_t)s->stride[i], VP8_MB);
        if (!s->p[i]) {
            abort();
        }
    }
    for (int y = 0; y < VP8_MB; y++) {
        s->rows.luma[y] = s->p[0] + y * s->stride[0];
    }
    for (int y = 0; y < VP8_MB / 2; y++) {
        s->rows.cb[y] = s->p[1] + y * s->stride[1];
        s->rows.cr[y] = s->p[2] + y * s->stride[2];
    }
}

static void keep_strip(struct vp8_planes *out, const struct strip *s, int number)
{
    for (int i = 0; i < 3; i++) {
        const int rows = i ? VP8_MB / 2 : VP8_MB, width = width_of(out, i);
        for (int y = 0; y < rows && number * rows + y < height_of(out, i); y++) {
            memcpy(out->p[i] + (size_t)(number * rows + y) * (size_t)width,
                   s->p[i] + y * s->stride[i], (size_t)width);
        }
    }
}

static int decode_rows(struct vp8 *v, struct vp8_planes *out, struct arena *arena)
{
    struct strip s;
    get_strip(&s, v, arena);
    get_planes(out, v->head.width, v->head.height);
    int rc = 0;
    for (int y = 0; y < v->down && rc == 0; y++) {
        rc = vp8_next_row(v, &s.rows);
        if (rc == 0) {
            keep_strip(out, &s, y);
        }
    }
    if (rc) {
        vp8_kit_free(out);
    }
    return rc;
}

int vp8_kit_ours(struct vp8_planes *out, const uint8_t *file, size_t len,
                 const struct kernels *kernels)
{
    struct arena arena = {0};
    struct vp8 v;
    *out = (struct vp8_planes){0};
    int rc = vp8_open(&v, file, len, &arena, kernels);
    if (kernels == &kernels_scalar) {
        v.read_modes = vp8_modes_plain;
        v.read_tokens = vp8_tokens_plain;
    }
    if (rc == 0) {
        rc = decode_rows(&v, out, &arena);
    }
    arena_fini(&arena);
    return rc;
}

// ---- theirs

int vp8_kit_theirs(struct vp8_planes *out, const uint8_t *file, size_t len)
{
    WebPDecoderConfig c;
    if (!WebPInitDecoderConfig(&c)) {
        abort();
    }
    const VP8StatusCode head = WebPGetFeatures(file, len, &c.input);
    *out = (struct vp8_planes){0};
    if (head != VP8_STATUS_OK) {
        return head;
    }
    get_planes(out, c.input.width, c.input.height);
    c.options.bypass_filtering = 1;
    c.output.colorspace = MODE_YUV;
    c.output.is_external_memory = 1;
    c.output.u.YUVA = (WebPYUVABuffer){.y = out->p[0],
                                       .u = out->p[1],
                                       .v = out->p[2],
                                       .y_stride = width_of(out, 0),
                                       .u_stride = width_of(out, 1),
                                       .v_stride = width_of(out, 2),
                                       .y_size = bytes_of(out, 0),
                                       .u_size = bytes_of(out, 1),
                                       .v_size = bytes_of(out, 2)};
    const VP8StatusCode status = WebPDecode(file, len, &c);
    if (status != VP8_STATUS_OK) {
        vp8_kit_free(out);
    }
    return status;
}
