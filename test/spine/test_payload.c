// test_payload.c -- what is kept of prepared pictures, and what is never taken for it.
// SPDX-License-Identifier: MIT
// clang-format off
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <cmocka.h>
// clang-format on
#include "spine/fake_organs.h"
#include "spine/payload.h"

#include <string.h>

enum { NOW_MS = 1000000 };

static struct payloads cache;

static int setup(void **state)
{
    (void)state;
    return payload_open(&cache, 1 << 20, 8);
}

static int teardown(void **state)
{
    (void)state;
    payload_close(&cache);
    return 0;
}

static const struct file_version version = {
    .dev = 1, .ino = 2, .size_bytes = 3000, .mtime_ns = 4000, .ctime_ns = 5000};
static const struct image_box boxes[] = {{1, 2, 3, 4}, {5, 6, 7, 8}};

static struct image_req wanted(void)
{
    return (struct image_req){.path = "a.png", .target_px = 768};
}

// As image_prepare leaves it; byte tells which one it is.
static struct image_req prepared(uint8_t byte, const struct image_req *want)
{
    static uint8_t bytes[1000];
    struct image_req r = *want;
    memset(bytes, byte, sizeof(bytes));
    buf_init(&r.jpeg, 1 << 20);
    assert_int_equal(buf_add(&r.jpeg, bytes, sizeof(bytes)), 0);
    memset(r.content, byte, sizeof(r.content));
    memset(r.sent_hash, byte + 1, sizeof(r.sent_hash));
    memset(r.thumb, byte + 2, sizeof(r.thumb));
    r.format = IMAGE_PNG;
    r.width = 1920;
    r.height = 1080;
    r.sent_width = 768;
    r.sent_height = 432;
    r.file_bytes = version.size_bytes;
    r.mtime_ns = version.mtime_ns;
    return r;
}

static void keep(uint8_t byte, const struct image_req *want)
{
    struct image_req r = prepared(byte, want);
    payload_keep(&cache, &version, &r, NOW_MS);
    image_req_fini(&r);
}

// The byte of what is found, -1 = nothing is.
static int find(const struct file_version *v, const struct image_req *want)
{
    struct image_req r = *want;
    if (!payload_find(&cache, v, &r)) {
        assert_int_equal(r.jpeg.len, 0);
        return -1;
    }
    int byte = ((const uint8_t *)r.jpeg.data)[999];
    assert_int_equal(r.jpeg.len, 1000);
    assert_int_equal(r.content[0], byte);
    assert_int_equal(r.sent_hash[7], byte + 1);
    assert_int_equal(r.thumb[100], (uint8_t)(byte + 2));
    assert_int_equal(r.width + r.height + r.sent_width + r.sent_height,
                     1920 + 1080 + 768 + 432);
    image_req_fini(&r);
    return byte;
}

static void the_same_is_found_again_and_again(void **state)
{
    (void)state;
    struct image_req w = wanted();
    assert_int_equal(find(&version, &w), -1);
    keep(7, &w);
    assert_int_equal(find(&version, &w), 7);
    assert_int_equal(find(&version, &w), 7);
    struct lru_stats s;
    lru_stats(&cache.lru, &s);
    assert_int_equal(s.hits, 2);
    assert_int_equal(s.misses, 1);
}

static void any_other_version_of_the_file_is_not(void **state)
{
    (void)state;
    struct image_req w = wanted();
    keep(7, &w);
    for (int i = 0; i < 5; i++) {
        struct file_version v = version;
        v.dev += i == 0;
        v.ino += i == 1;
        v.size_bytes += i == 2;
        v.mtime_ns += i == 3;
        v.ctime_ns += i == 4;
        assert_int_equal(find(&v, &w), -1);
    }
}

static void another_size_is_not(void **state)
{
    (void)state;
    struct image_req w = wanted();
    keep(7, &w);
    for (int i = 0; i < 3; i++) {
        struct image_req o = w;
        o.target_px += i == 0;
        o.target_patches += i == 1;
        o.patch_px += i == 2;
        assert_int_equal(find(&version, &o), -1);
    }
}

static void masks_are_part_of_what_it_is(void **state)
{
    (void)state;
    struct image_req plain = wanted(), one = wanted(), two = wanted();
    one.masks = two.masks = boxes;
    one.n_masks = 1;
    two.n_masks = 2;
    keep(1, &plain);
    assert_int_equal(find(&version, &one), -1);
    assert_int_equal(find(&version, &two), -1);
    keep(2, &one);
    keep(3, &two);
    assert_int_equal(find(&version, &plain), 1);
    assert_int_equal(find(&version, &one), 2);
    assert_int_equal(find(&version, &two), 3);
    // Equal boxes at another address are equal; moved by a pixel they are not.
    struct image_box copy[2];
    memcpy(copy, boxes, sizeof(copy));
    two.masks = copy;
    assert_int_equal(find(&version, &two), 3);
    copy[1].x++;
    assert_int_equal(find(&version, &two), -1);
}

static void what_has_to_be_made_each_time_goes_past(void **state)
{
    (void)state;
    struct image_req w = wanted();
    keep(7, &w);
    for (int i = 0; i < 6; i++) {
        struct image_req o = w;
        o.as_png = i == 5;
        o.want_luma = i == 0;
        o.want_png = i == 1;
        o.skip_encode = i == 2;
        o.bytes = i == 3 ? (const uint8_t *)"x" : NULL;
        o.path = i == 4 ? NULL : o.path;
        assert_int_equal(find(&version, &o), -1);
        keep(9, &o);
    }
    assert_int_equal(find(&version, &w), 7);
    assert_int_equal(cache.lru.items, 1);
}

static void a_file_written_just_now_is_not_kept(void **state)
{
    (void)state;
    struct image_req w = wanted(), r = prepared(7, &w);
    struct file_version v = version;
    v.ctime_ns = (int64_t)NOW_MS * 1000000;
    payload_keep(&cache, &v, &r, NOW_MS + 99);
    assert_int_equal(cache.lru.items, 0);
    payload_keep(&cache, &v, &r, NOW_MS + 100);
    assert_int_equal(cache.lru.items, 1);
    image_req_fini(&r);
}

static void a_file_that_changed_meanwhile_is_not_kept(void **state)
{
    (void)state;
    struct image_req w = wanted(), r = prepared(7, &w);
    r.mtime_ns++;
    payload_keep(&cache, &version, &r, NOW_MS);
    r.mtime_ns--;
    r.file_bytes++;
    payload_keep(&cache, &version, &r, NOW_MS);
    assert_int_equal(cache.lru.items, 0);
    image_req_fini(&r);
}

static void under_pressure_it_is_dropped(void **state)
{
    (void)state;
    struct image_req w = wanted();
    keep(7, &w);
    payload_resize(&cache, 0);
    assert_int_equal(find(&version, &w), -1);
    keep(7, &w);
    assert_int_equal(cache.lru.bytes, 0);
    payload_resize(&cache, 100);
    keep(7, &w);
    assert_int_equal(find(&version, &w), 7);
}

static void its_size_is_counted_with_all_it_holds(void **state)
{
    (void)state;
    for (int i = 0; i < 50; i++) {
        struct image_req w = wanted();
        w.target_px = 100 + i;
        keep((uint8_t)i, &w);
    }
    assert_int_equal(cache.lru.items, 8);
    assert_true(cache.lru.bytes > 8 * (1000 + sizeof(((struct image_req *)0)->thumb)));
}

static void one_that_is_not_open_keeps_nothing(void **state)
{
    (void)state;
    struct payloads none = {0};
    struct image_req w = wanted(), r = prepared(7, &w);
    payload_keep(&none, &version, &r, NOW_MS);
    assert_false(payload_find(&none, &version, &w));
    payload_resize(&none, 50);
    payload_close(&none);
    image_req_fini(&r);
}

// ---- with a pipeline around it

// As a job of the pipeline sees the file, up to where it is prepared.
static void inspect(struct fake *f, int64_t mtime_ns)
{
    fake_add(f, "/shots/a.png");
    struct meta_req *m = fake_req(f, FAKE_INSPECT);
    m->version = version;
    m->version.size_bytes = 100;  // as the fake says
    m->version.mtime_ns = mtime_ns;
    fake_end(f, FAKE_INSPECT, 0);
}

static void prepare(struct fake *f, int64_t mtime_ns)
{
    struct image_req *r = fake_req(f, FAKE_PREPARE);
    r->mtime_ns = mtime_ns;
    fake_end(f, FAKE_PREPARE, 0);
}

static void a_second_job_for_the_same_file_prepares_nothing(void **state)
{
    (void)state;
    struct fake f;
    fake_init(&f);
    f.p.config.payloads = &cache;
    inspect(&f, 4000);
    prepare(&f, 4000);
    fake_run_to(&f, FAKE_SAVE);
    int64_t sent = f.last_save.sent_bytes;
    fake_end(&f, FAKE_SAVE, 0);
    inspect(&f, 4000);
    assert_int_equal(fake_waits_for(&f), FAKE_COMPARE);
    fake_end(&f, FAKE_COMPARE, 0);
    assert_int_equal(fake_waits_for(&f), FAKE_ASK);
    fake_end(&f, FAKE_ASK, 0);
    assert_int_equal(f.last_save.sent_bytes, sent);
    assert_int_equal(f.last_save.outcome, STORE_ANSWERED);
    fake_end(&f, FAKE_SAVE, 0);
    inspect(&f, 4001);  // it was written again
    assert_int_equal(fake_waits_for(&f), FAKE_PREPARE);
    prepare(&f, 4001);
    fake_run_to(&f, FAKE_SAVE);
    fake_end(&f, FAKE_SAVE, 0);
    fake_fini(&f);
}

static void without_a_cache_each_prepares_its_own(void **state)
{
    (void)state;
    struct fake f;
    fake_init(&f);
    for (int i = 0; i < 2; i++) {
        inspect(&f, 4000);
        assert_int_equal(fake_waits_for(&f), FAKE_PREPARE);
        prepare(&f, 4000);
        fake_run_to(&f, FAKE_SAVE);
        fake_end(&f, FAKE_SAVE, 0);
    }
    fake_fini(&f);
}

int main(void)
{
#define T(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
    const struct CMUnitTest tests[] = {
        T(the_same_is_found_again_and_again),
        T(any_other_version_of_the_file_is_not),
        T(another_size_is_not),
        T(masks_are_part_of_what_it_is),
        T(what_has_to_be_made_each_time_goes_past),
        T(a_file_written_just_now_is_not_kept),
        T(a_file_that_changed_meanwhile_is_not_kept),
        T(under_pressure_it_is_dropped),
        T(its_size_is_counted_with_all_it_holds),
        T(one_that_is_not_open_keeps_nothing),
        T(a_second_job_for_the_same_file_prepares_nothing),
        T(without_a_cache_each_prepares_its_own),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
