// test_image_pool.c -- requests on the loop: done comes once, memory is shared and given
// back, cancel and close at any moment.
// SPDX-License-Identifier: MIT
#include "image/image.h"
#include "image/image_make.h"
#include "image/memory_kit.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>
#include <malloc.h>
#include <png.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <jpeglib.h>

enum { MAX_REQUESTS = 64 };

struct fixture {
    struct loop loop;
    struct images *images;
    struct image_req reqs[MAX_REQUESTS];
    int results[MAX_REQUESTS];
    int done;
    int close_at;  // image_close after so many; -1 = never
    int left;      // to submit again from done
    bool is_closed;
    struct buf small;
    struct buf large;  // Adam7: needs a full buffer
};

static struct fixture *f;  // of the test that runs

static void on_closed(void *arg)
{
    ((struct fixture *)arg)->is_closed = true;
}

static void on_done(struct image_req *r, int err)
{
    f->results[r - f->reqs] = err;
    f->done++;
    if (f->done == f->close_at) {
        image_close(f->images, on_closed, f);
    } else if (f->left > 0) {
        f->left--;
        image_req_fini(r);
        image_prepare(f->images, r, on_done);
    }
}

static void open_images(const struct image_config *c)
{
    f = calloc(1, sizeof(*f));
    f->close_at = -1;
    assert_int_equal(loop_init(&f->loop), 0);
    assert_int_equal(image_open(&f->images, &f->loop, c), 0);
    const struct scene s = scene_get(200, 120, scene_opaque);
    const struct jpeg_spec jpeg = {.colourspace = JCS_YCbCr};
    make_jpeg(&f->small, &s, &jpeg);
    const struct scene big = scene_get(500, 400, scene_opaque);
    const struct png_spec png = {.colour_type = 2, .depth = 8, .is_interlaced = true};
    make_png(&f->large, &big, &png, NULL);
    memset(f->results, 1, sizeof(f->results));
}

static void submit(int i, const struct buf *file)
{
    f->reqs[i] =
        (struct image_req){.bytes = file->data, .bytes_len = file->len, .target_px = 100};
    image_prepare(f->images, &f->reqs[i], on_done);
}

static void close_images(void)
{
    if (!f->is_closed && f->close_at < 0) {
        image_close(f->images, on_closed, f);
    }
    uv_run(&f->loop.uv, UV_RUN_DEFAULT);
    assert_true(f->is_closed);
    assert_int_equal(loop_fini(&f->loop), 0);
    for (int i = 0; i < MAX_REQUESTS; i++) {
        image_req_fini(&f->reqs[i]);
    }
    buf_fini(&f->small);
    buf_fini(&f->large);
    free(f);
}

static void run_until(int done)
{
    while (f->done < done) {
        uv_run(&f->loop.uv, UV_RUN_ONCE);
    }
}

static void test_many(void **state)
{
    (void)state;
    const struct image_config c = {.threads = 2};
    open_images(&c);
    assert_int_equal(image_threads(f->images), 2);
    for (int i = 0; i < MAX_REQUESTS; i++) {
        submit(i, i % 3 ? &f->small : &f->large);
    }
    assert_int_equal(f->done, 0);  // never from inside
    run_until(MAX_REQUESTS);
    for (int i = 0; i < MAX_REQUESTS; i++) {
        assert_int_equal(f->results[i], 0);
        assert_int_equal(f->reqs[i].sent_width, 100);
        assert_int_equal(f->reqs[i].format, i % 3 ? IMAGE_JPEG : IMAGE_PNG);
        assert_true(f->reqs[i].jpeg.len > 100);
        // Whoever made it, the same bytes come out.
        const int first = i % 3 ? 1 : 0;
        assert_memory_equal(f->reqs[i].sent_hash, f->reqs[first].sent_hash,
                            IMAGE_HASH_BYTES);
    }
    close_images();
}

// The more noise, the longer the file.
static void write_lossless(const char *path, int width, int height, int noise)
{
    uint8_t *map = calloc((size_t)width, (size_t)height);
    struct scene s = scene_get(width, height, scene_opaque);
    const struct webp_spec spec = {.is_lossless = true};
    struct buf b = {0};
    uint32_t random = 1;
    for (int i = 0; i < width * height / 8 * noise; i++) {
        random = random * 1664525 + 1013904223;
        map[i] = random >> 30;
    }
    s.map = map;
    make_webp(&b, &s, &spec);
    FILE *file = fopen(path, "wb");
    assert_non_null(file);
    assert_int_equal(fwrite(b.data, 1, b.len, file), b.len);
    assert_int_equal(fclose(file), 0);
    buf_fini(&b);
    free(map);
}

// What the threads keep between pictures is gone a moment after the last one is done.
static void test_memory_goes_back(void **state)
{
    (void)state;
    enum { LEAST_KB = 4000 };  // of the 5.4 MB that one of these takes
    const struct image_config c = {.threads = 2, .rest_ms = 500};
    const struct scene s = scene_get(1500, 1200, scene_opaque);
    const struct png_spec png = {.colour_type = 2, .depth = 8, .is_interlaced = true};
    struct buf file = {0};
    make_png(&file, &s, &png, NULL);
    open_images(&c);
    const long before_kb = memory_resident_kb();
    for (int i = 0; i < 8; i++) {
        submit(i, &file);
    }
    run_until(8);
    for (int i = 0; i < 8; i++) {
        assert_int_equal(f->results[i], 0);
    }
    if (memory_is_glibc()) {
        const long kept_kb = memory_resident_kb();
        assert_true(kept_kb > before_kb + LEAST_KB);
        uv_run(&f->loop.uv, UV_RUN_ONCE);  // until the timer
        assert_true(memory_resident_kb() < kept_kb - LEAST_KB);
    }
    close_images();
    buf_fini(&file);
}

// One picture's heap is as large as the next one's: what a thread keeps for itself does not
// lie among the 6 MB that libwebp takes and frees for each of these.
static void test_heap_has_no_holes(void **state)
{
    (void)state;
    enum { FILES = 6, WIDTH = 1600, HEIGHT = 1000, MOST_KB = 16000 };
    const struct image_config c = {.threads = 1};
    char dir[] = "/tmp/vlmd-test-image-pool-XXXXXX";
    char paths[FILES][64];
    assert_non_null(mkdtemp(dir));
    open_images(&c);
    for (int i = 0; i < FILES; i++) {
        snprintf(paths[i], sizeof(paths[i]), "%s/%d.webp", dir, i);
        write_lossless(paths[i], WIDTH, HEIGHT, i);
    }
    malloc_trim(0);
    const bool counts = memory_is_glibc() && memory_reset_peak();
    const long before_kb = memory_resident_kb();
    for (int i = 0; i < MAX_REQUESTS; i++) {
        f->reqs[i] = (struct image_req){.path = paths[i % FILES]};
        image_prepare(f->images, &f->reqs[i], on_done);
    }
    run_until(MAX_REQUESTS);
    const long more_kb = memory_peak_kb() - before_kb;
    for (int i = 0; i < MAX_REQUESTS; i++) {
        assert_int_equal(f->results[i], 0);
    }
    if (counts && more_kb > MOST_KB) {
        fail_msg("%ld kB", more_kb);
    }
    close_images();
    for (int i = 0; i < FILES; i++) {
        unlink(paths[i]);
    }
    rmdir(dir);
}

static void test_bad_picture_and_words(void **state)
{
    (void)state;
    const struct image_config c = {0};
    open_images(&c);
    f->reqs[0] = (struct image_req){.path = "/nonexistent/picture.png"};
    image_prepare(f->images, &f->reqs[0], on_done);
    submit(1, &f->small);
    run_until(2);
    assert_int_equal(f->results[0], E_NOT_FOUND);
    assert_true(f->reqs[0].err.msg[0] != '\0');
    assert_int_equal(f->results[1], 0);
    close_images();
}

// The large one needs 2.0 MB, the budget is 3 MB, so no two of them run at once; the
// small ones pass beside it or wait their turn.  All must come out.
// The size of a photograph with a preview in front stands behind the first bytes looked at.
static void test_jpeg_with_much_in_front(void **state)
{
    (void)state;
    enum { APP1 = 0xe1, IN_FRONT = 20000 };
    static const uint8_t marker[] = {0xff, APP1, (IN_FRONT + 2) >> 8,
                                     (IN_FRONT + 2) & 255};
    static const uint8_t front[IN_FRONT];
    const struct image_config kinds[] = {{.threads = 1},
                                         {.threads = 1, .most_held_bytes = 1000}};
    for (size_t i = 0; i < sizeof(kinds) / sizeof(kinds[0]); i++) {
        open_images(&kinds[i]);
        char path[] = "/tmp/vlmd-much-XXXXXX";
        FILE *out = fdopen(mkstemp(path), "wb");
        assert_non_null(out);
        fwrite(f->small.data, 1, 2, out);
        fwrite(marker, 1, sizeof(marker), out);
        fwrite(front, 1, sizeof(front), out);
        fwrite(f->small.data + 2, 1, f->small.len - 2, out);
        assert_int_equal(fclose(out), 0);
        f->reqs[0] = (struct image_req){.path = path, .target_px = 100};
        image_prepare(f->images, &f->reqs[0], on_done);
        run_until(1);
        unlink(path);
        assert_int_equal(f->results[0], 0);
        assert_int_equal(f->reqs[0].width, 200);
        assert_string_equal(f->reqs[0].err.msg, "");
        close_images();
    }
}

static void test_budget_is_shared_by_waiting(void **state)
{
    (void)state;
    const struct image_config c = {.threads = 3, .memory_bytes = 3000000};
    open_images(&c);
    f->left = 60;
    for (int i = 0; i < MAX_REQUESTS; i++) {
        submit(i, i % 2 ? &f->small : &f->large);
    }
    run_until(MAX_REQUESTS + 60);
    for (int i = 0; i < MAX_REQUESTS; i++) {
        assert_int_equal(f->results[i], 0);
    }
    close_images();
}

static void test_over_budget_alone_is_refused(void **state)
{
    (void)state;
    const struct image_config c = {.threads = 2, .memory_bytes = 1900000};
    open_images(&c);
    submit(0, &f->large);
    submit(1, &f->small);
    run_until(2);
    assert_int_equal(f->results[0], E_TOOBIG);
    assert_non_null(strstr(f->reqs[0].err.msg, "image.memory_bytes"));
    assert_null(strstr(err_todo(E_TOOBIG), "image.max"));  // it is not the only key
    assert_int_equal(f->results[1], 0);
    close_images();
}

static void test_cancel_before_begin(void **state)
{
    (void)state;
    const struct image_config c = {.threads = 1};
    open_images(&c);
    for (int i = 0; i < 20; i++) {
        submit(i, &f->large);
    }
    for (int i = 19; i >= 0; i--) {
        image_cancel(f->images, &f->reqs[i]);
    }
    assert_int_equal(f->done, 0);
    run_until(20);
    for (int i = 0; i < 20; i++) {
        assert_int_equal(f->results[i], E_CANCELED);
        assert_null(f->reqs[i].jpeg.data);
        assert_true(f->reqs[i].err.msg[0] != '\0');
    }
    // The pool is as good as new.
    submit(20, &f->small);
    run_until(21);
    assert_int_equal(f->results[20], 0);
    close_images();
}

// Canceled while it waits for memory.
static void test_cancel_while_waiting(void **state)
{
    (void)state;
    const struct image_config c = {.threads = 2, .memory_bytes = 3000000};
    open_images(&c);
    for (int i = 0; i < MAX_REQUESTS; i++) {
        submit(i, &f->large);
    }
    run_until(4);
    int canceled = 0;
    for (int i = 0; i < MAX_REQUESTS; i++) {
        if (f->results[i] > 0) {
            image_cancel(f->images, &f->reqs[i]);
            canceled++;
        }
    }
    assert_true(canceled > 0);
    run_until(MAX_REQUESTS);
    int seen = 0;
    for (int i = 0; i < MAX_REQUESTS; i++) {
        seen += f->results[i] == E_CANCELED;
    }
    assert_int_equal(seen, canceled);
    close_images();
}

// Close takes no more, but everything that was accepted gets its done.
static void test_close_while_busy(void **state)
{
    (void)state;
    for (int close_at = 1; close_at < 40; close_at += 13) {
        const struct image_config c = {.threads = 2, .memory_bytes = 3000000};
        open_images(&c);
        f->close_at = close_at;
        for (int i = 0; i < MAX_REQUESTS; i++) {
            submit(i, i % 2 ? &f->small : &f->large);
        }
        uv_run(&f->loop.uv, UV_RUN_DEFAULT);
        assert_true(f->is_closed);
        assert_int_equal(f->done, MAX_REQUESTS);
        for (int i = 0; i < MAX_REQUESTS; i++) {
            assert_true(f->results[i] == 0 || f->results[i] == E_CANCELED);
        }
        close_images();
    }
}

static void test_close_at_once(void **state)
{
    (void)state;
    const struct image_config c = {0};
    open_images(&c);
    close_images();
}

static void test_defaults(void **state)
{
    (void)state;
    struct image_config c = {0};
    image_config_default(&c);
    assert_int_equal(c.max_file_bytes, 64 << 20);
    assert_int_equal(c.max_side_px, 16384);
    assert_int_equal(c.max_pixels, 40000000);
    assert_int_equal(c.memory_bytes, 256 << 20);
    assert_int_equal(c.quality, 75);
    assert_in_range(c.threads, 1, 4);
    c = (struct image_config){.memory_bytes = 1, .quality = 300, .max_side_px = 1 << 20};
    image_config_default(&c);
    assert_int_equal(c.threads, 1);
    assert_int_equal(c.quality, 100);
    assert_int_equal(c.max_side_px, 65500);
    c = (struct image_config){.threads = 7};
    image_config_default(&c);
    assert_int_equal(c.threads, 7);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_many),
        cmocka_unit_test(test_memory_goes_back),
        cmocka_unit_test(test_heap_has_no_holes),
        cmocka_unit_test(test_bad_picture_and_words),
        cmocka_unit_test(test_jpeg_with_much_in_front),
        cmocka_unit_test(test_budget_is_shared_by_waiting),
        cmocka_unit_test(test_over_budget_alone_is_refused),
        cmocka_unit_test(test_cancel_before_begin),
        cmocka_unit_test(test_cancel_while_waiting),
        cmocka_unit_test(test_close_while_busy),
        cmocka_unit_test(test_close_at_once),
        cmocka_unit_test(test_defaults),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
