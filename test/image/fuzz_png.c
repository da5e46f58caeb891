// fuzz_png.c -- libFuzzer target: PNG from head to result, in memory and in windows.
//
// Checksums are set right, so that changes get behind them.  The flag of the parameters
// says what the bytes are: a whole file, or rows that become one: kind, sides and
// interlacing, then filters and pixels as they stand in the compressed data.
// SPDX-License-Identifier: MIT
#include "image/fuzz_kit.h"
#include "image/picture.h"
#include "image/pixels.h"

#include <libdeflate.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

enum { SIGNATURE_BYTES = 8, CHUNK_BYTES = 12, SIDES = 3, MOST_AREA = 1 << 15 };

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t len);

static const uint8_t signature[8] = {0x89, 'P', 'N', 'G', '\r', '\n', 0x1a, '\n'};

static void put_be32(uint8_t *b, uint32_t v)
{
    for (int i = 0; i < 4; i++) {
        b[i] = (uint8_t)(v >> (24 - 8 * i));
    }
}

static void set_checksums(uint8_t *b, size_t len)
{
    memcpy(b, signature, sizeof(signature));
    for (size_t pos = SIGNATURE_BYTES; len - pos >= CHUNK_BYTES;) {
        const size_t n = read_be32(b + pos);
        if (n > len - pos - CHUNK_BYTES) {
            return;
        }
        put_be32(b + pos + 8 + n, libdeflate_crc32(0, b + pos + 4, n + 4));
        pos += CHUNK_BYTES + n;
    }
}

// ---- rows -> file

struct writer {
    uint8_t *b;
    size_t len;
};

static void add_chunk(struct writer *w, const char *type, const uint8_t *data, size_t n)
{
    uint8_t *chunk = w->b + w->len;
    put_be32(chunk, (uint32_t)n);
    memcpy(chunk + 4, type, 4);
    if (n > 0) {
        memcpy(chunk + 8, data, n);
    }
    w->len += CHUNK_BYTES + n;
}

static void add_pixels(struct writer *w, const uint8_t *raw, size_t n, int level,
                       size_t part)
{
    struct libdeflate_compressor *c = libdeflate_alloc_compressor(level);
    const size_t room = libdeflate_zlib_compress_bound(c, n);
    uint8_t *packed = malloc(room);
    fuzz_must(c && packed, "no memory");
    const size_t len = libdeflate_zlib_compress(c, raw, n, packed, room);
    for (size_t at = 0; at < len; at += part) {
        add_chunk(w, "IDAT", packed + at, len - at < part ? len - at : part);
    }
    free(packed);
    libdeflate_free_compressor(c);
}

// kind: an index of all that the specification allows.
static void fill_header(uint8_t ihdr[13], const uint8_t *b)
{
    static const uint8_t kinds[][2] = {{1, 0}, {2, 0},  {4, 0},  {8, 0}, {16, 0},
                                       {8, 2}, {16, 2}, {1, 3},  {2, 3}, {4, 3},
                                       {8, 3}, {8, 4},  {16, 4}, {8, 6}, {16, 6}};
    const uint8_t *kind = kinds[b[0] % (sizeof(kinds) / sizeof(kinds[0]))];
    memset(ihdr, 0, 13);
    put_be32(ihdr, 1 + b[1]);
    put_be32(ihdr + 4, 1 + b[2]);
    ihdr[8] = kind[0];
    ihdr[9] = kind[1];
    ihdr[12] = b[0] >> 7;
}

// extra: how it is packed, and how large an IDAT is.
static uint8_t *make_file(const uint8_t *b, size_t len, const int extra[2], size_t *out)
{
    static const uint8_t palette[768];
    uint8_t ihdr[13];
    fill_header(ihdr, b);
    const size_t part = 1 + (size_t)extra[1] * (size_t)extra[1];
    const size_t packed = len + len / 8 + 1024;
    struct writer w = {.b = malloc(packed + (packed / part + 8) * CHUNK_BYTES + 2048)};
    fuzz_must(w.b, "no memory");
    memcpy(w.b, signature, sizeof(signature));
    w.len = sizeof(signature);
    add_chunk(&w, "IHDR", ihdr, sizeof(ihdr));
    if (ihdr[9] == 3) {
        add_chunk(&w, "PLTE", palette, 3u << ihdr[8]);
    }
    add_pixels(&w, b + SIDES, len - SIDES, extra[0] % 10, part);
    add_chunk(&w, "IEND", NULL, 0);
    *out = w.len;
    return w.b;
}

// ---- in memory and in windows

struct result {
    int rc;
    struct planes small;
    uint8_t *luma;
    struct arena arena;
};

static void decode(struct result *r, struct feed *feed, const struct fuzz_params *p)
{
    struct err e = {0};
    struct head h;
    uint8_t prefix[64];
    size_t n = feed->len < sizeof(prefix) ? feed->len : sizeof(prefix);
    r->rc = feed_read(feed, 0, prefix, n);
    if (!r->rc) {
        r->rc = head_sizes(&h, prefix, n, &e);
    }
    if (!r->rc) {
        r->rc = png_check(&h, feed, &e);
    }
    if (r->rc || picture_area(&h) > MOST_AREA) {
        return;
    }
    struct decode d = {.feed = feed, .head = &h, .arena = &r->arena, .err = &e};
    const int most = h.width > h.height ? h.width : h.height;
    const int by = most > p->target_px ? most / p->target_px : 1;
    r->luma = d.luma = calloc((size_t)h.width, (size_t)h.height);
    fuzz_must(r->luma, "no memory");
    fuzz_must(!planes_get(&d.small, (h.width + by - 1) / by, (h.height + by - 1) / by,
                          &r->arena),
              "no memory");
    fuzz_must(!mask_init(&d.mask, p->boxes, p->n_boxes, h.width, h.height, h.orientation,
                         &r->arena),
              "no memory");
    r->rc = png_decode(&d);
    r->small = d.small;
}

static void check_same(const struct result *a, const struct result *b, const size_t area)
{
    fuzz_must(a->rc == b->rc, "windows change the outcome");
    if (a->rc || !a->luma) {
        return;
    }
    fuzz_must(memcmp(a->luma, b->luma, area) == 0, "windows change luma");
    for (int i = 0; i < 3; i++) {
        const int rows = i ? (a->small.height + 1) / 2 : a->small.height;
        const int columns = i ? (a->small.width + 1) / 2 : a->small.width;
        for (int y = 0; y < rows; y++) {
            fuzz_must(memcmp(a->small.p[i] + y * a->small.stride[i],
                             b->small.p[i] + y * b->small.stride[i],
                             (size_t)columns) == 0,
                      "windows change the picture");
        }
    }
}

static void check_windows(const uint8_t *bytes, size_t len, const struct fuzz_params *p)
{
    struct result whole = {0}, parts = {0};
    struct feed feed = feed_of_bytes(bytes, len);
    struct image_file file = {.fd = memfd_create("fuzz", 0), .size = (int64_t)len};
    uint8_t content[IMAGE_HASH_BYTES];
    struct err e;
    decode(&whole, &feed, p);
    const size_t area =
        whole.luma ? read_be32(bytes + 16) * (size_t)read_be32(bytes + 20) : 0;
    fuzz_must(write(file.fd, bytes, len) == (ssize_t)len, "no file");
    const size_t window = 1 + (size_t)p->extra[0] * 4;
    fuzz_must(!feed_open_file(&feed, &file, window, &parts.arena, content, &e),
              "no feed");
    decode(&parts, &feed, p);
    check_same(&whole, &parts, area);
    image_file_close(&file);
    free(whole.luma);
    free(parts.luma);
    arena_fini(&whole.arena);
    arena_fini(&parts.arena);
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t len)
{
    if (len < FUZZ_PARAMS + 64) {
        return 0;
    }
    const struct fuzz_params p = fuzz_params_get(bytes);
    bytes += FUZZ_PARAMS;
    size_t n = len - FUZZ_PARAMS;
    uint8_t *file = p.flag ? make_file(bytes, n, p.extra, &n) : fuzz_copy(bytes, n);
    set_checksums(file, n);
    fuzz_prepare(file, n, &p);
    check_windows(file, n, &p);
    free(file);
    return 0;
}
