// page_reader.c -- turns the loop until the helper has read the picture.
// SPDX-License-Identifier: MIT
#include "page_reader.h"

// cmocka wants these first.
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

void reader_open(struct page_reader *r)
{
    struct ocr_config c;
    *r = (struct page_reader){0};
    ocr_config_default(&c);
    c.helper = REAL_HELPER;
    assert_int_equal(loop_init(&r->loop), 0);
    assert_int_equal(ocr_open(&r->ocr, &r->loop, &c), 0);
}

static void on_closed(void *arg)
{
    *(bool *)arg = true;
}

void reader_close(struct page_reader *r)
{
    bool is_closed = false;
    ocr_close(r->ocr, on_closed, &is_closed);
    uv_run(&r->loop.uv, UV_RUN_DEFAULT);
    assert_true(is_closed);
    assert_int_equal(loop_fini(&r->loop), 0);
}

static void on_done(struct ocr_req *req, int err)
{
    struct page_reading *g = container_of(req, struct page_reading, req);
    g->is_done = true;
    g->rc = err;
}

void reader_read(struct page_reader *r, const uint8_t *luma, int width, int height,
                 struct page_reading *out)
{
    *out = (struct page_reading){.req = {.luma = luma, .width = width, .height = height}};
    ocr_read(r->ocr, &out->req, on_done);
    while (!out->is_done) {
        assert_true(uv_run(&r->loop.uv, UV_RUN_ONCE) || out->is_done);
    }
    if (out->rc) {
        fail_msg("vlmd-ocr: %s", out->req.err.msg);
    }
}

void reader_read_file(struct page_reader *r, const uint8_t *bytes, size_t len,
                      struct page_reading *out)
{
    struct image_config c = {0};
    struct image_req image = {
        .bytes = bytes, .bytes_len = len, .want_luma = true, .skip_encode = true};
    image_config_default(&c);
    if (image_prepare_now(&c, &image)) {
        fail_msg("image: %s", image.err.msg);
    }
    reader_read(r, image.luma, image.width, image.height, out);
    image_req_fini(&image);
}

void reading_fini(struct page_reading *g)
{
    ocr_req_fini(&g->req);
}
