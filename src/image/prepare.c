// prepare.c -- the steps of one picture, in the order they fail cheapest.
//
// open -> size of the file -> signature, sides and area from the first bytes -> read (a
// large PNG or JPEG: in windows, see feed.h; a large WebP: a copy, see file_copy.h) -> hash
// -> whole header -> memory budget -> decode and shrink -> upright -> thumb -> encode.  Runs in
// a pool thread (image.c) or in the caller's; touches only the request, the configuration and
// its worker.
// SPDX-License-Identifier: MIT
#include "image/prepare.h"

#include "image/file_copy.h"
#include "image/fit.h"
#include "image/image_file.h"
#include "image/picture.h"
#include "image/pixels.h"
#include "image/show.h"
#include "image/xxh3.h"

#include <stdlib.h>
#include <string.h>
#include <time.h>

enum {
    PREFIX_BYTES = 4096,  // hold the sizes of all but JPEGs with large metadata in front
    DEFAULT_TARGET_PX = 768,
    BASE_BYTES = 1 << 20,  // tables, rows and what the libraries take for themselves
};

struct run {
    struct image_req *r;
    const struct image_config *c;
    struct worker *w;
    struct image_file file;  // closed when bytes were given
    struct file_copy copy;
    struct feed feed;
    struct head head;
    struct decode decode;
};

static int64_t now_us(void)
{
    struct timespec t;
    clock_gettime(CLOCK_THREAD_CPUTIME_ID, &t);
    return (int64_t)t.tv_sec * 1000000 + t.tv_nsec / 1000;
}

// ---- memory

// The worker holds at least bytes of the budget afterwards.
static int hold(struct run *x, int64_t bytes)
{
    struct worker *w = x->w;
    struct budget *b = w->budget;
    if (bytes > b->max) {
        return err_set(&x->r->err, E_TOOBIG,
                       "decoding needs %lld MB, over image.memory_bytes (%lld MB)",
                       (long long)(bytes / 1000000), (long long)(b->max / 1000000));
    }
    const int64_t more = bytes - w->held;
    long long used = atomic_load(&b->used);
    while (more > 0) {
        if (used + more > b->max) {
            return err_set(&x->r->err, E_BUSY, "other pictures hold the memory");
        }
        if (atomic_compare_exchange_weak(&b->used, &used, used + more)) {
            w->held = bytes;
            break;
        }
    }
    return 0;
}

static void hold_exactly(struct worker *w, int64_t bytes)
{
    atomic_fetch_add(&w->budget->used, bytes - w->held);
    w->held = bytes;
}

void worker_release(struct worker *w)
{
    arena_fini(&w->arena);
    hold_exactly(w, 0);
}

static int64_t feed_held(const struct run *x)
{
    if (x->r->bytes) {
        return 0;
    }
    if (x->copy.bytes) {
        return FEED_WINDOW;  // the copy's pages are the kernel's
    }
    const int64_t len = (int64_t)x->feed.len;
    return x->feed.bytes ? len : feed_file_bytes(len);
}

// File, decoder, the rows a stretched filter reaches over, the small planes twice.
static int64_t memory_needed(const struct run *x)
{
    const struct head *h = &x->head;
    const struct planes *s = &x->decode.small;
    const int64_t sides = (int64_t)h->width + h->height;
    const int64_t reach = 8 * (h->height / s->height + 1);
    const int64_t rows = (reach < h->height ? reach : h->height) * h->width * 2;
    return feed_held(x) + head_memory(h, x->r->want_luma) + rows + sides * 64 +
           (int64_t)s->width * (4 * s->height + 80) + BASE_BYTES;
}

// ---- limits

static int check_file_bytes(const struct run *x, int64_t bytes)
{
    if (bytes > x->c->max_file_bytes) {
        return err_set(&x->r->err, E_TOOBIG,
                       "the file has %lld bytes, over image.max_file_bytes (%lld)",
                       (long long)bytes, (long long)x->c->max_file_bytes);
    }
    if (bytes == 0) {
        return err_set(&x->r->err, E_CUT, "the file is empty");
    }
    return 0;
}

static int check_sides(const struct run *x)
{
    const struct head *h = &x->head;
    struct err *e = &x->r->err;
    if (h->width > x->c->max_side_px || h->height > x->c->max_side_px) {
        return err_set(e, E_TOOBIG,
                       "it has %d x %d pixels, a side over image.max_side_px (%d)",
                       h->width, h->height, x->c->max_side_px);
    }
    if (picture_area(h) > x->c->max_pixels) {
        return err_set(e, E_TOOBIG,
                       "it has %d x %d pixels, an area over image.max_pixels (%lld)",
                       h->width, h->height, (long long)x->c->max_pixels);
    }
    return 0;
}

// ---- reading

static int check_head(struct run *x, const uint8_t *b, size_t len, bool is_whole)
{
    int rc = head_sizes(&x->head, b, len, &x->r->err);
    if (rc == E_CUT && !is_whole) {
        x->r->err = (struct err){0};  // the sizes come later, and are checked then
        return 0;
    }
    x->r->format = x->head.format;
    return rc ? rc : check_sides(x);
}

// From the first bytes: a bomb is refused before memory is taken or much is read.
static int check_prefix(struct run *x, const struct image_file *s)
{
    uint8_t prefix[PREFIX_BYTES];
    size_t got;
    int rc = image_file_read(s, 0, prefix, sizeof(prefix), &got, &x->r->err);
    return rc ? rc : check_head(x, prefix, got, (int64_t)got >= s->size);
}

static int read_whole(struct run *x, const struct image_file *s)
{
    struct err *e = &x->r->err;
    const size_t size = (size_t)s->size;
    int rc = hold(x, s->size + BASE_BYTES);
    if (rc) {
        return rc;
    }
    uint8_t *bytes = arena_get(&x->w->arena, size + 1);
    if (!bytes) {
        return err_set(e, E_NOMEM, "not enough memory to read %zu bytes", size);
    }
    // One byte more than there should be shows a file that grew.
    size_t got;
    rc = image_file_read(s, 0, bytes, size + 1, &got, e);
    if (!rc && got != size) {
        rc = err_set(e, E_CUT, "it changed while it was read");
    }
    if (!rc) {
        rc = image_file_check(s, e);
    }
    x->feed = feed_of_bytes(bytes, size);
    return rc;
}

// PNG and JPEG of any size in a window's memory.
static int read_windows(struct run *x)
{
    struct err *e = &x->r->err;
    int rc = hold(x, feed_file_bytes(x->file.size) + BASE_BYTES);
    if (!rc) {
        rc = feed_open_file(&x->feed, &x->file, FEED_WINDOW, &x->w->arena, x->r->content,
                            e);
    }
    return rc ? rc : image_file_check(&x->file, e);
}

// What wants all bytes at once.
static int read_copy(struct run *x)
{
    struct err *e = &x->r->err;
    int rc = hold(x, FEED_WINDOW + BASE_BYTES);
    if (rc) {
        return rc;
    }
    uint8_t *window = arena_get(&x->w->arena, FEED_WINDOW);
    if (!window) {
        return err_set(e, E_NOMEM, "not enough memory to copy the file");
    }
    rc = file_copy_open(&x->copy, x->c->scratch_dir, &x->file, window, FEED_WINDOW,
                        x->r->content, e);
    if (!rc) {
        x->feed = feed_of_bytes(x->copy.bytes, x->copy.len);
    }
    return rc;
}

static bool has_windows(enum image_format f)
{
    return f == IMAGE_PNG || f == IMAGE_JPEG;
}

static int read_source(struct run *x)
{
    const struct image_file *s = &x->file;
    x->r->file_bytes = s->size;
    x->r->mtime_ns = s->mtime_ns;
    int rc = check_file_bytes(x, s->size);
    if (!rc) {
        rc = check_prefix(x, s);
    }
    if (rc) {
        return rc;
    }
    if (s->size <= x->c->most_held_bytes) {
        return read_whole(x, s);
    }
    if (has_windows(x->head.format)) {
        return read_windows(x);
    }
    return x->c->scratch_dir ? read_copy(x) : read_whole(x, s);
}

static int read_path(struct run *x)
{
    if (!x->r->path) {
        return err_set(&x->r->err, E_USAGE, "neither a path nor bytes are given");
    }
    int rc = image_file_open(&x->file, x->r->root, x->r->path, &x->r->err);
    return rc ? rc : read_source(x);
}

static int read_bytes(struct run *x)
{
    x->feed = feed_of_bytes(x->r->bytes, x->r->bytes_len);
    x->r->file_bytes = (int64_t)x->feed.len;
    return check_file_bytes(x, x->r->file_bytes);
}

static void hash(const void *bytes, size_t len, uint8_t out[IMAGE_HASH_BYTES])
{
    XXH128_canonical_t canonical;
    _Static_assert(sizeof(canonical.digest) == IMAGE_HASH_BYTES, "XXH3-128");
    XXH128_canonicalFromHash(&canonical, XXH3_128bits(bytes, len));
    memcpy(out, canonical.digest, IMAGE_HASH_BYTES);
}

// The prefix was read before the first window was: it counts only now.  A JPEG's sizes may
// lie behind it, and are checked with the whole.
static int check_windows(struct run *x)
{
    uint8_t prefix[PREFIX_BYTES];
    const enum image_format before = x->head.format;
    int rc = feed_read(&x->feed, 0, prefix, sizeof(prefix));
    if (!rc) {
        rc = check_head(x, prefix, sizeof(prefix), before == IMAGE_PNG);
    }
    if (!rc && x->head.format != before) {
        rc = err_set(&x->r->err, E_CUT, "it changed while it was read");
    }
    if (rc || before == IMAGE_PNG) {
        return rc ? rc : png_check(&x->head, &x->feed, &x->r->err);
    }
    rc = jpeg_check(&x->head, &x->feed, &x->r->err);
    x->r->format = x->head.format;
    return rc ? rc : check_sides(x);
}

static int load(struct run *x)
{
    int rc = x->r->bytes ? read_bytes(x) : read_path(x);
    if (rc) {
        return rc;
    }
    const struct feed *f = &x->feed;
    if (!f->bytes) {
        return check_windows(x);
    }
    if (!x->copy.bytes) {
        hash(f->bytes, f->len, x->r->content);
    }
    rc = check_head(x, f->bytes, f->len, true);
    return rc ? rc : head_check(&x->head, f->bytes, f->len, &x->r->err);
}

// ---- pixels

static int decode_format(struct decode *d)
{
    switch (d->head->format) {
    case IMAGE_NONE: return E_FORMAT;
    case IMAGE_PNG: return png_decode(d);
    case IMAGE_JPEG: return jpeg_decode(d);
    case IMAGE_WEBP: return webp_decode(d);
    }
    return E_BUG;
}

static int no_memory(const struct run *x)
{
    return err_set(&x->r->err, E_NOMEM, "not enough memory for the picture");
}

static void find_sent_size(const struct image_req *r, const struct head *h, int *width,
                           int *height)
{
    const int longer = h->width > h->height ? h->width : h->height;
    const bool is_small = r->keeps_small && longer <= r->target_px;
    if (r->target_patches > 0 && !is_small) {
        const int patch = r->patch_px > 0 ? r->patch_px : IMAGE_PATCH_PX;
        fit_patches(h->width, h->height, patch, r->target_patches, width, height);
    } else {
        const int side = r->target_px > 0 ? r->target_px : DEFAULT_TARGET_PX;
        fit_side(h->width, h->height, side, width, height);
    }
}

// Everything that decoding will need, taken before it starts.
static int get_memory(struct run *x)
{
    struct image_req *r = x->r;
    const struct head *h = &x->head;
    int width, height;
    find_sent_size(r, h, &width, &height);
    x->decode = (struct decode){.bytes = x->feed.bytes,
                                .feed = &x->feed,
                                .head = h,
                                .arena = &x->w->arena,
                                .small = {.width = width, .height = height},
                                .err = &r->err};
    int rc = hold(x, memory_needed(x));
    if (rc) {
        return rc;
    }
    if (planes_get(&x->decode.small, width, height, &x->w->arena) ||
        mask_init(&x->decode.mask, r->masks, r->n_masks, h->width, h->height,
                  h->orientation, &x->w->arena)) {
        return no_memory(x);
    }
    if (r->want_luma) {
        r->luma = malloc((size_t)picture_area(h));
        x->decode.luma = r->luma;
    }
    return r->want_luma && !r->luma ? no_memory(x) : 0;
}

static int turn_luma(struct run *x)
{
    const struct head *h = &x->head;
    uint8_t *out = malloc((size_t)picture_area(h));
    if (!out) {
        return no_memory(x);
    }
    const int stride = orientation_swaps_sides(h->orientation) ? h->height : h->width;
    plane_turn(out, stride, x->r->luma, h->width, h->width, h->height, h->orientation);
    free(x->r->luma);
    x->r->luma = out;
    return 0;
}

static int make_upright(struct run *x)
{
    struct image_req *r = x->r;
    const struct head *h = &x->head;
    const bool swaps = orientation_swaps_sides(h->orientation);
    if (h->orientation != 1) {
        if (planes_turn(&x->decode.small, h->orientation, &x->w->arena)) {
            return no_memory(x);
        }
        int rc = r->luma ? turn_luma(x) : 0;
        if (rc) {
            return rc;
        }
    }
    r->width = swaps ? h->height : h->width;
    r->height = swaps ? h->width : h->height;
    r->sent_width = x->decode.small.width;
    r->sent_height = x->decode.small.height;
    planes_thumb(&x->decode.small, r->thumb);
    return 0;
}

static int shrink(struct run *x)
{
    int rc = get_memory(x);
    if (!rc) {
        rc = decode_format(&x->decode);
    }
    return rc ? rc : make_upright(x);
}

static int encode(struct run *x)
{
    struct image_req *r = x->r;
    if (r->skip_encode) {
        return 0;
    }
    int rc =
        jpeg_encode(&x->decode.small, x->c->quality, &x->w->arena, &r->jpeg, &r->err);
    if (!rc && (r->want_png || r->as_png)) {
        rc = show_as_png(&r->jpeg, &r->png, &r->err);
    }
    if (!rc && r->as_png) {
        buf_fini(&r->jpeg);
        r->jpeg = r->png;
        r->png = (struct buf){0};
    }
    if (!rc) {
        hash(r->jpeg.data, r->jpeg.len, r->sent_hash);
    }
    return rc;
}

// ---- the whole

static int timed(struct run *x, int (*step)(struct run *x), int64_t *us)
{
    if (atomic_load(&x->r->is_canceled)) {
        return err_set(&x->r->err, E_CANCELED, "it was canceled");
    }
    const int64_t from = now_us();
    int rc = step(x);
    *us = now_us() - from;
    return rc;
}

static int run_steps(struct run *x)
{
    struct image_req *r = x->r;
    int rc = timed(x, load, &r->read_us);
    if (!rc) {
        rc = timed(x, shrink, &r->decode_us);
    }
    return rc ? rc : timed(x, encode, &r->encode_us);
}

static void clear_outputs(struct image_req *r)
{
    image_req_fini(r);
    memset(r->content, 0, sizeof(r->content));
    memset(r->sent_hash, 0, sizeof(r->sent_hash));
    memset(r->thumb, 0, sizeof(r->thumb));
    r->format = IMAGE_NONE;
    r->width = r->height = r->sent_width = r->sent_height = 0;
    r->file_bytes = r->mtime_ns = 0;
    r->read_us = r->decode_us = r->encode_us = 0;
    r->err = (struct err){0};
}

int picture_prepare(struct image_req *r, const struct image_config *c, struct worker *w)
{
    clear_outputs(r);
    struct run x = {.r = r, .c = c, .w = w, .file = {.fd = -1}};
    int rc = mask_check(r->masks, r->n_masks, &r->err);
    if (!rc) {
        rc = run_steps(&x);
    }
    image_file_close(&x.file);
    file_copy_close(&x.copy);
    arena_reset(&w->arena, (size_t)w->keep);
    hold_exactly(w, (int64_t)w->arena.total);
    if (rc) {
        image_req_fini(r);
    }
    r->err.code = rc;
    return rc;
}
