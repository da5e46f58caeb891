// webp.c -- WebP: facts, then planes (lossy) or pixels (all others).
//
// Lossy pictures stay planar: full YUV in video range, which our own shrink brings to full
// range.  They are decoded by our own vp8.c when the loop filter is not wanted: the filter
// only smooths what the shrink averages away, and nothing is predicted from filtered samples
// in a key frame.  Whatever that decoder does not like, damage too, and everything else is
// libwebp's, whose own scaler is slower and blurs text.
// Source: RFC 9649; BT.601.
// SPDX-License-Identifier: MIT
#include "image/picture.h"
#include "image/pixels.h"
#include "image/resize.h"

#include <string.h>
#include <webp/decode.h>
#include <webp/demux.h>

enum { RIFF_BYTES = 12, CHUNK_BYTES = 8 };

static int from_status(VP8StatusCode status, struct err *e)
{
    switch (status) {
    case VP8_STATUS_OK: return 0;
    case VP8_STATUS_USER_ABORT:  // we never abort: its output stage found no memory
    case VP8_STATUS_OUT_OF_MEMORY:
        return err_set(e, E_NOMEM, "not enough memory to decode the WebP");
    case VP8_STATUS_NOT_ENOUGH_DATA:
    case VP8_STATUS_SUSPENDED:
        return err_set(e, E_CUT, "the WebP ends before its picture is complete");
    case VP8_STATUS_UNSUPPORTED_FEATURE:
        return err_set(e, E_FORMAT, "the WebP uses a feature that is not supported");
    case VP8_STATUS_INVALID_PARAM:
    case VP8_STATUS_BITSTREAM_ERROR: break;
    }
    return err_set(e, E_CORRUPT, "the WebP's data is damaged");
}

int webp_sizes(struct head *h, const uint8_t *b, size_t len, struct err *e)
{
    WebPBitstreamFeatures f;
    int rc = from_status(WebPGetFeatures(b, len, &f), e);
    if (rc) {
        return rc;
    }
    if (f.width <= 0 || f.height <= 0) {
        return err_set(e, E_CORRUPT, "the WebP's header says %d x %d pixels", f.width,
                       f.height);
    }
    h->width = f.width;
    h->height = f.height;
    h->has_alpha = f.has_alpha;
    h->is_animated = f.has_animation;
    h->is_lossless = f.format == 2;
    return 0;
}

int webp_check(struct head *h, const uint8_t *b, size_t len, struct err *e)
{
    const size_t whole = (size_t)read_le32(b + 4) + CHUNK_BYTES;
    if (whole > len) {
        return err_set(e, E_CUT, "the WebP holds %zu of %zu bytes", len, whole);
    }
    h->file_len = whole;
    size_t pos = RIFF_BYTES;
    while (pos < whole && whole - pos >= CHUNK_BYTES) {
        const size_t n = read_le32(b + pos + 4);
        if (n > whole - pos - CHUNK_BYTES) {
            return err_set(e, E_CORRUPT, "the WebP has a damaged chunk at byte %zu", pos);
        }
        if (memcmp(b + pos, "EXIF", 4) == 0) {
            h->orientation = exif_orientation(b + pos + CHUNK_BYTES, n);
        }
        pos += CHUNK_BYTES + n + (n & 1);
    }
    return webp_sizes(h, b, whole, e);
}

// libwebp reports some allocations that failed as damaged data.  Giving a good picture up
// for a short moment without memory would lose it, so damage has to be seen twice.
static int decode_twice(const uint8_t *bytes, size_t len, WebPDecoderConfig *c,
                        struct err *e)
{
    VP8StatusCode status = WebPDecode(bytes, len, c);
    if (status == VP8_STATUS_BITSTREAM_ERROR) {
        status = WebPDecode(bytes, len, c);
    }
    WebPFreeDecBuffer(&c->output);
    return from_status(status, e);
}

// ---- lossy: planes

static int shrink_planes(struct decode *d, const struct planes *full)
{
    const struct mask_grid grid = {2, 2, 1, 0, 1};
    mask_paint_planes(&d->mask, full, &grid);
    int rc = planes_shrink(&d->small, full, 2, 2, d->kernels, d->arena);
    if (rc) {
        return err_set(d->err, rc, "not enough memory to shrink the WebP");
    }
    if (d->luma) {
        luma_copy_full_range(d->luma, full->p[0], full->stride[0], full->width,
                             full->height);
    }
    return 0;
}

static bool wants_filter(const struct decode *d)
{
    return d->luma || d->head->width * 3 < d->small.width * 4;
}

static int decode_planes(struct decode *d)
{
    const struct head *h = d->head;
    WebPDecoderConfig c;
    struct planes full;
    if (!WebPInitDecoderConfig(&c)) {
        return err_set(d->err, E_BUG, "libwebp has another version");
    }
    int rc = planes_get(&full, h->width, h->height, d->arena);
    if (rc) {
        return err_set(d->err, rc, "not enough memory to decode the WebP");
    }
    full.is_video_range = true;
    const size_t chroma_rows = (size_t)(h->height + 1) / 2;
    c.output.colorspace = MODE_YUV;
    c.output.is_external_memory = 1;
    c.output.u.YUVA = (WebPYUVABuffer){
        .y = full.p[0],
        .u = full.p[1],
        .v = full.p[2],
        .y_stride = full.stride[0],
        .u_stride = full.stride[1],
        .v_stride = full.stride[2],
        .y_size = (size_t)full.stride[0] * (size_t)h->height,
        .u_size = (size_t)full.stride[1] * chroma_rows,
        .v_size = (size_t)full.stride[2] * chroma_rows,
    };
    c.options.bypass_filtering = !wants_filter(d);
    rc = decode_twice(d->bytes, h->file_len, &c, d->err);
    return rc ? rc : shrink_planes(d, &full);
}

static int decode_lossy(struct decode *d)
{
    if (!wants_filter(d)) {
        int rc = vp8_decode(d);
        if (rc != E_FORMAT) {
            return rc ? err_set(d->err, rc, "not enough memory to decode the WebP") : 0;
        }
    }
    return decode_planes(d);
}

// ---- everything else: pixels

// A whole still picture or one frame of an animation.
struct frame {
    const uint8_t *bytes;
    size_t len;
    int x;  // place on the canvas
    int y;
    int width;
    int height;
    bool has_alpha;
    uint8_t *pixels;
    int stride;
};

static int decode_pixels(struct decode *d, struct frame *f)
{
    WebPDecoderConfig c;
    if (!WebPInitDecoderConfig(&c)) {
        return err_set(d->err, E_BUG, "libwebp has another version");
    }
    f->stride = f->width * (f->has_alpha ? 4 : 3);
    f->pixels = arena_get_array(d->arena, (size_t)f->stride, (size_t)f->height);
    if (!f->pixels) {
        return err_set(d->err, E_NOMEM, "not enough memory to decode the WebP");
    }
    c.output.colorspace = f->has_alpha ? MODE_RGBA : MODE_RGB;
    c.output.is_external_memory = 1;
    c.output.u.RGBA = (WebPRGBABuffer){
        .rgba = f->pixels,
        .stride = f->stride,
        .size = (size_t)f->stride * (size_t)f->height,
    };
    return decode_twice(f->bytes, f->len, &c, d->err);
}

// The frame's row y of the canvas on a white row.
static void place_row(const struct frame *f, int y, uint8_t *row, int width)
{
    const size_t channels = f->has_alpha ? 4 : 3;
    memset(row, 255, channels * (size_t)width);
    if (y >= f->y && y < f->y + f->height) {
        memcpy(row + channels * (size_t)f->x,
               f->pixels + (size_t)(y - f->y) * (size_t)f->stride, (size_t)f->stride);
    }
}

static int shrink_pixels(struct decode *d, const struct frame *f)
{
    const struct head *h = d->head;
    struct rows rows;
    if (!h->is_lossless) {
        mask_widen(&d->mask, 2, 2, 1);  // a pixel's chroma comes from two samples
    }
    int rc = rows_open(&rows, d);
    uint8_t *two = arena_get_array(d->arena, (size_t)h->width, 2 * 4);
    if (rc || !two) {
        return err_set(d->err, E_NOMEM, "not enough memory to shrink the WebP");
    }
    const int channels = f->has_alpha ? 4 : 3;
    const bool is_whole = f->width == h->width && f->height == h->height;
    for (int y = 0; y < h->height; y++) {
        if (is_whole) {
            rows_put(&rows, f->pixels + (size_t)y * (size_t)f->stride, channels);
        } else {
            uint8_t *row = two + (y & 1 ? 4 * (size_t)h->width : 0);
            place_row(f, y, row, h->width);
            rows_put(&rows, row, channels);
        }
    }
    return 0;
}

static int decode_frame(struct decode *d, struct frame *f)
{
    int rc = decode_pixels(d, f);
    return rc ? rc : shrink_pixels(d, f);
}

static int decode_first_frame(struct decode *d, WebPDemuxer *demux)
{
    WebPIterator it;
    if (!WebPDemuxGetFrame(demux, 1, &it)) {
        return err_set(d->err, E_CORRUPT, "the animated WebP has no frame");
    }
    struct frame f = {
        .bytes = it.fragment.bytes,
        .len = it.fragment.size,
        .x = it.x_offset,
        .y = it.y_offset,
        .width = it.width,
        .height = it.height,
        .has_alpha = true,
    };
    int rc;
    if (!it.complete || f.x < 0 || f.y < 0 || f.width > d->head->width - f.x ||
        f.height > d->head->height - f.y) {
        rc = err_set(d->err, E_CORRUPT, "the animated WebP's first frame is damaged");
    } else {
        rc = decode_frame(d, &f);
    }
    WebPDemuxReleaseIterator(&it);
    return rc;
}

static int decode_animation(struct decode *d)
{
    const WebPData data = {d->bytes, d->head->file_len};
    WebPDemuxer *demux = WebPDemux(&data);
    demux = demux ? demux : WebPDemux(&data);  // as in decode_twice
    if (!demux) {
        return err_set(d->err, E_CORRUPT, "the animated WebP is damaged");
    }
    int rc = decode_first_frame(d, demux);
    WebPDemuxDelete(demux);
    return rc;
}

int webp_decode(struct decode *d)
{
    const struct head *h = d->head;
    if (h->is_animated) {
        return decode_animation(d);
    }
    if (!h->has_alpha && !h->is_lossless) {
        return decode_lossy(d);
    }
    struct frame f = {
        .bytes = d->bytes,
        .len = h->file_len,
        .width = h->width,
        .height = h->height,
        .has_alpha = h->has_alpha,
    };
    return decode_frame(d, &f);
}
