// test_shelf.c -- an equal page is not read again; the shelf keeps to its bounds.
// SPDX-License-Identifier: MIT
#include "ocr/shelf.h"

#include "ocr_fake.h"
#include "ocr_rig.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

static void open_fake(struct rig *g)
{
    struct ocr_config c;
    rig_config(&c, FAKE_HELPER);
    rig_open(g, &c);
}

// The fake helper crashes on the second page: it must not get it.
static void an_equal_page_is_not_read_again(void **state)
{
    (void)state;
    static const uint8_t key[OCR_KEY_BYTES] = {1, 2, 3};
    struct rig g;
    struct page first, second, other;
    open_fake(&g);
    page_init(&first, 40, 20, FAKE_READ);
    first.req.key = key;
    assert_int_equal(page_read(&g, &first), 0);
    page_init(&second, 40, 20, FAKE_EXIT);
    second.req.key = key;
    assert_int_equal(page_read(&g, &second), 0);
    assert_string_equal(buf_str(&second.req.text), buf_str(&first.req.text));
    assert_int_equal(second.req.n_words, first.req.n_words);
    assert_memory_equal(second.req.words, first.req.words,
                        sizeof(first.req.words[0]) * (size_t)first.req.n_words);
    // Another size or no key: another page.
    page_init(&other, 41, 20, FAKE_EXIT);
    other.req.key = key;
    assert_int_equal(page_read(&g, &other), E_OCR);
    page_fini(&other);
    page_init(&other, 40, 20, FAKE_EXIT);
    assert_int_equal(page_read(&g, &other), E_OCR);
    page_fini(&first);
    page_fini(&second);
    page_fini(&other);
    rig_close(&g);
}

static void a_page_that_failed_is_read_again(void **state)
{
    (void)state;
    static const uint8_t key[OCR_KEY_BYTES] = {9};
    struct rig g;
    struct page p;
    open_fake(&g);
    page_init(&p, 40, 20, FAKE_EXIT);
    p.req.key = key;
    assert_int_equal(page_read(&g, &p), E_OCR);
    page_fini(&p);
    page_init(&p, 40, 20, FAKE_READ);
    p.req.key = key;
    assert_int_equal(page_read(&g, &p), 0);
    page_fini(&p);
    rig_close(&g);
}

static void keep(struct shelf *s, uint8_t first, size_t text_len)
{
    uint8_t key[OCR_KEY_BYTES] = {first, 7};
    struct ocr_req r = {.key = key, .width = 10, .height = 10};
    char *text = malloc(text_len);
    memset(text, 'x', text_len);
    buf_init(&r.text, text_len + 1);
    assert_int_equal(buf_add(&r.text, text, text_len), 0);
    shelf_keep(s, &r);
    buf_fini(&r.text);
    free(text);
}

static bool has(struct shelf *s, uint8_t first)
{
    uint8_t key[OCR_KEY_BYTES] = {first, 7};
    struct ocr_req r = {.key = key, .width = 10, .height = 10};
    buf_init(&r.text, SHELF_BYTES);
    bool is_there = shelf_find(s, &r);
    ocr_req_fini(&r);
    return is_there;
}

static void the_least_used_goes_first(void **state)
{
    (void)state;
    struct shelf s;
    shelf_init(&s);
    for (int i = 0; i < SHELF_PAGES; i++) {
        keep(&s, (uint8_t)i, 100);
    }
    assert_true(has(&s, 0));
    keep(&s, 200, 100);
    assert_int_equal(s.n, SHELF_PAGES);
    assert_true(has(&s, 0) && has(&s, 200));
    assert_false(has(&s, 1));
    // One that is as large as the whole shelf is not kept, a large one drives others out.
    keep(&s, 201, SHELF_BYTES);
    assert_false(has(&s, 201));
    keep(&s, 202, SHELF_BYTES - 4096);
    assert_true(has(&s, 202));
    assert_true(s.n < SHELF_PAGES && s.bytes <= SHELF_BYTES);
    shelf_fini(&s);
    assert_int_equal(s.n, 0);
    assert_int_equal(s.bytes, 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(an_equal_page_is_not_read_again),
        cmocka_unit_test(a_page_that_failed_is_read_again),
        cmocka_unit_test(the_least_used_goes_first),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
