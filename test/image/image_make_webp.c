// image_make_webp.c -- WebP for the tests.
// SPDX-License-Identifier: MIT
#include "image/image_make.h"

#include <stdlib.h>
#include <string.h>
#include <webp/encode.h>
#include <webp/mux.h>

enum { MAX_BYTES = 64 << 20 };

static void must(int ok)
{
    if (!ok) {
        abort();
    }
}

static void fill(WebPPicture *p, const struct scene *s, bool has_alpha)
{
    must(WebPPictureInit(p));
    p->use_argb = 1;
    p->width = s->width;
    p->height = s->height;
    must(WebPPictureAlloc(p));
    for (int y = 0; y < s->height; y++) {
        for (int x = 0; x < s->width; x++) {
            const struct rgba c = scene_at(s, x, y);
            const uint32_t a = has_alpha ? c.a : 255;
            p->argb[y * p->argb_stride + x] =
                a << 24 | (uint32_t)c.r << 16 | (uint32_t)c.g << 8 | c.b;
        }
    }
}

static void configure(WebPConfig *c, const struct webp_spec *spec)
{
    must(WebPConfigInit(c));
    c->lossless = spec->is_lossless;
    c->quality = 95;
    c->method = 0;
    c->exact = 1;
    // What one place shows has no effect on how coarsely others are coded.
    c->sns_strength = 0;
    c->segments = 1;
}

static void make_still(struct buf *out, const struct scene *s,
                       const struct webp_spec *spec)
{
    WebPPicture p;
    WebPConfig c;
    WebPMemoryWriter w;
    configure(&c, spec);
    fill(&p, s, spec->has_alpha);
    WebPMemoryWriterInit(&w);
    p.writer = WebPMemoryWrite;
    p.custom_ptr = &w;
    must(WebPEncode(&c, &p));
    must(buf_add(out, w.mem, w.size) == 0);
    WebPMemoryWriterClear(&w);
    WebPPictureFree(&p);
}

static void add_frame(WebPAnimEncoder *enc, const struct scene *s,
                      const struct webp_spec *spec, int at_ms)
{
    WebPPicture p;
    WebPConfig c;
    configure(&c, spec);
    fill(&p, s, spec->has_alpha);
    must(WebPAnimEncoderAdd(enc, &p, at_ms, &c));
    WebPPictureFree(&p);
}

static void make_animation(struct buf *out, const struct scene *s,
                           const struct webp_spec *spec)
{
    WebPAnimEncoderOptions options;
    must(WebPAnimEncoderOptionsInit(&options));
    options.allow_mixed = 0;
    WebPAnimEncoder *enc = WebPAnimEncoderNew(s->width, s->height, &options);
    must(enc != NULL);
    const struct scene blank = {.width = s->width, .height = s->height};
    add_frame(enc, s, spec, 0);
    add_frame(enc, &blank, spec, 100);
    must(WebPAnimEncoderAdd(enc, NULL, 200, NULL));
    WebPData data;
    WebPDataInit(&data);
    must(WebPAnimEncoderAssemble(enc, &data));
    must(buf_add(out, data.bytes, data.size) == 0);
    WebPDataClear(&data);
    WebPAnimEncoderDelete(enc);
}

static void add_exif(struct buf *out, int orientation)
{
    const uint8_t exif[] = {'M',  'M',  0, 42, 0, 0, 0, 8, 0, 1,
                            0x01, 0x12, 0, 3,  0, 0, 0, 1, 0, (uint8_t)orientation,
                            0,    0,    0, 0,  0, 0};
    const WebPData in = {out->data, out->len};
    const WebPData chunk = {exif, sizeof(exif)};
    WebPData data;
    WebPMux *mux = WebPMuxCreate(&in, 1);
    must(mux && WebPMuxSetChunk(mux, "EXIF", &chunk, 1) == WEBP_MUX_OK);
    must(WebPMuxAssemble(mux, &data) == WEBP_MUX_OK);
    WebPMuxDelete(mux);
    buf_clear(out);
    must(buf_add(out, data.bytes, data.size) == 0);
    WebPDataClear(&data);
}

void make_webp(struct buf *out, const struct scene *s, const struct webp_spec *spec)
{
    buf_fini(out);
    buf_init(out, MAX_BYTES);
    if (spec->is_animated) {
        make_animation(out, s, spec);
    } else {
        make_still(out, s, spec);
    }
    if (spec->orientation) {
        add_exif(out, spec->orientation);
    }
}

static uint32_t next_random(uint32_t *seed)
{
    *seed = *seed * 1664525 + 1013904223;
    return *seed >> 8;
}

static uint32_t look_at(const struct lossy_spec *l, int x, int y, uint32_t *seed)
{
    const uint32_t noise = next_random(seed);
    switch (l->look) {
    case 0: return noise & 0xffffff;
    case 1: return l->seed & 0xffffff;
    case 2: return (x / 5 * 7 + y / 9 * 3 + (x ^ y) / 2) % 5 == 0 ? 0x202020 : 0xf4f4f0;
    case 3: return (uint32_t)(x * 5 & 255) << 16 | (uint32_t)(y * 3 & 255) << 8 | 90;
    default: return noise & 1 ? 0xffffff : 0;
    }
}

static void fill_lossy(WebPPicture *p, const struct lossy_spec *l)
{
    uint32_t seed = l->seed;
    must(WebPPictureInit(p));
    p->use_argb = 1;
    p->width = l->width;
    p->height = l->height;
    must(WebPPictureAlloc(p));
    for (int y = 0; y < l->height; y++) {
        for (int x = 0; x < l->width; x++) {
            p->argb[y * p->argb_stride + x] = 0xff000000 | look_at(l, x, y, &seed);
        }
    }
}

void make_webp_lossy(struct buf *out, const struct lossy_spec *l)
{
    WebPPicture p;
    WebPConfig c;
    WebPMemoryWriter w;
    must(WebPConfigInit(&c));
    c.quality = (float)l->quality;
    c.method = l->method;
    c.segments = l->segments;
    c.partitions = l->partitions;
    c.sns_strength = l->sns;
    c.filter_sharpness = l->sharpness;
    fill_lossy(&p, l);
    WebPMemoryWriterInit(&w);
    p.writer = WebPMemoryWrite;
    p.custom_ptr = &w;
    must(WebPEncode(&c, &p));
    buf_fini(out);
    buf_init(out, MAX_BYTES);
    must(buf_add(out, w.mem, w.size) == 0);
    WebPMemoryWriterClear(&w);
    WebPPictureFree(&p);
}

// Lossless.
void make_webp_pixels(struct buf *out, const uint8_t *rgb, int width, int height)
{
    uint8_t *bytes;
    const size_t n = WebPEncodeLosslessRGB(rgb, width, height, 3 * width, &bytes);
    must(n > 0);
    buf_fini(out);
    buf_init(out, MAX_BYTES);
    must(buf_add(out, bytes, n) == 0);
    WebPFree(bytes);
}
