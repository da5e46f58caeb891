// bench_floor.c -- what any program has to spend on a file: inflate, entropy decoding.
//
// PNG: libdeflate over the joined IDAT.  JPEG: TurboJPEG at 1/8, which is little more than
// Huffman decoding.  WebP: libwebp's decoding into its own format, which for lossy pictures
// is more than ours takes.
// SPDX-License-Identifier: MIT
#include "bench_image.h"

#include <libdeflate.h>
#include <stdlib.h>
#include <string.h>
#include <turbojpeg.h>
#include <webp/decode.h>

#define MOST_RAW ((size_t)1 << 28)

enum { ROUNDS = 7, SIGNATURE_BYTES = 8, CHUNK_BYTES = 12 };

static size_t be32(const uint8_t *b)
{
    return (size_t)b[0] << 24 | (size_t)b[1] << 16 | (size_t)b[2] << 8 | b[3];
}

static uint8_t *join_idat(const struct bench_file *f, size_t *len)
{
    uint8_t *out = malloc(f->len);
    *len = 0;
    for (size_t at = SIGNATURE_BYTES; at + CHUNK_BYTES <= f->len;) {
        const size_t n = be32(f->bytes + at);
        if (memcmp(f->bytes + at + 4, "IDAT", 4) == 0) {
            memcpy(out + *len, f->bytes + at + 8, n);
            *len += n;
        }
        at += CHUNK_BYTES + n;
    }
    return out;
}

static double inflate_ms(const struct bench_file *f)
{
    size_t len, got = 0;
    uint8_t *idat = join_idat(f, &len);
    // Rows of 16-bit RGBA are the most there can be.
    const size_t cap =
        be32(f->bytes + 16) * be32(f->bytes + 20) * 8 + be32(f->bytes + 20);
    uint8_t *raw = cap < MOST_RAW ? calloc(1, cap) : NULL;
    struct libdeflate_decompressor *z = libdeflate_alloc_decompressor();
    double best = 1e9;
    for (int i = 0; raw && i < ROUNDS; i++) {
        const double from = bench_cpu_ms();
        if (libdeflate_zlib_decompress(z, idat, len, raw, cap, &got) != 0) {
            bench_die(f->path, "can not be inflated");
        }
        const double ms = bench_cpu_ms() - from;
        best = ms < best ? ms : best;
    }
    libdeflate_free_decompressor(z);
    free(raw);
    free(idat);
    return best;
}

static double huffman_ms(const struct bench_file *f)
{
    tjhandle tj = tjInitDecompress();
    int width, height, sampling, space;
    if (tjDecompressHeader3(tj, f->bytes, f->len, &width, &height, &sampling, &space)) {
        bench_die(f->path, tjGetErrorStr2(tj));
    }
    const int w = (width + 7) / 8, h = (height + 7) / 8;
    uint8_t *out = malloc((size_t)w * (size_t)h * 3);
    double best = 1e9;
    for (int i = 0; i < ROUNDS; i++) {
        const double from = bench_cpu_ms();
        tjDecompress2(tj, f->bytes, f->len, out, w, 0, h, TJPF_RGB, TJFLAG_FASTDCT);
        const double ms = bench_cpu_ms() - from;
        best = ms < best ? ms : best;
    }
    tjDestroy(tj);
    free(out);
    return best;
}

static double webp_ms(const struct bench_file *f)
{
    double best = 1e9;
    WebPDecoderConfig c;
    for (int i = 0; i < ROUNDS; i++) {
        if (!WebPInitDecoderConfig(&c) ||
            WebPGetFeatures(f->bytes, f->len, &c.input) != VP8_STATUS_OK) {
            bench_die(f->path, "is no WebP");
        }
        c.output.colorspace = c.input.format == 1 ? MODE_YUV : MODE_BGRA;
        c.options.bypass_filtering = 1;
        const double from = bench_cpu_ms();
        const VP8StatusCode status = WebPDecode(f->bytes, f->len, &c);
        const double ms = bench_cpu_ms() - from;
        WebPFreeDecBuffer(&c.output);
        if (status != VP8_STATUS_OK) {
            bench_die(f->path, "can not be decoded");
        }
        best = ms < best ? ms : best;
    }
    return best;
}

double bench_floor_ms(const struct bench_file *f, enum image_format format)
{
    switch (format) {
    case IMAGE_NONE: break;
    case IMAGE_PNG: return inflate_ms(f);
    case IMAGE_JPEG: return huffman_ms(f);
    case IMAGE_WEBP: return webp_ms(f);
    }
    return 0;
}
