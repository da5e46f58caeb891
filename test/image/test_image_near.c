// test_image_near.c -- what is a duplicate for a person: blocks by hand, and drawn screens.
// SPDX-License-Identifier: MIT
#include "../../tools/bench-duplicates/screen.h"
#include "image/image.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

enum { W = IMAGE_THUMB_W, H = IMAGE_THUMB_H };

// ---- blocks by hand

struct patch {
    int x, y, w, h;
    int by;  // brighter
};

struct hand_case {
    const char *name;
    int width, height;  // of the source
    struct patch patches[6];
    bool strict, normal, loose;
    int spots;  // of normal
};

static const struct hand_case hand_cases[] = {
    {"nothing", 1920, 1080, {{0}}, true, true, true, 0},
    {"noise", 1920, 1080, {{0, 0, W, H, 3}}, true, true, true, 0},
    {"one above noise", 1920, 1080, {{9, 9, 1, 1, 4}}, true, true, true, 1},
    {"darker counts, too", 1920, 1080, {{9, 9, 4, 1, -4}}, false, false, true, 1},
    {"caret", 1920, 1080, {{40, 30, 2, 3, 30}}, true, true, true, 1},
    {"pointer moved",
     1920,
     1080,
     {{40, 30, 2, 3, 60}, {90, 50, 3, 3, 60}},
     false,
     true,
     true,
     2},
    {"pointer moved a little",
     1920,
     1080,
     {{40, 30, 2, 3, 60}, {42, 33, 2, 2, 60}},
     false,
     true,
     true,
     1},
    {"four spots",
     1920,
     1080,
     {{9, 9, 1, 1, 9}, {19, 9, 1, 1, 9}, {29, 9, 1, 1, 9}, {39, 19, 1, 1, 9}},
     false,
     true,
     true,
     4},
    {"five spots",
     1920,
     1080,
     {{9, 9, 1, 1, 9},
      {29, 9, 1, 1, 9},
      {49, 9, 1, 1, 9},
      {69, 9, 1, 1, 9},
      {89, 9, 1, 1, 9}},
     false,
     false,
     true,
     5},
    {"word", 1920, 1080, {{40, 30, 4, 1, 20}}, false, false, true, 1},
    {"word in pieces",
     1920,
     1080,
     {{40, 30, 2, 1, 20}, {43, 30, 2, 1, 20}},
     false,
     false,
     true,
     2},
    {"two ends of a row",
     1920,
     1080,
     {{10, 30, 2, 1, 20}, {99, 30, 2, 1, 20}},
     false,
     true,
     true,
     2},
    {"line", 1920, 1080, {{20, 30, 26, 2, 20}}, false, false, true, 1},
    {"column", 1920, 1080, {{20, 30, 1, 6, 20}}, false, false, false, 1},
    {"dialog", 1920, 1080, {{50, 30, 24, 10, 40}}, false, false, false, 1},
    {"everything", 1920, 1080, {{0, 0, W, H, 9}}, false, false, false, 0},
    {"clock in the middle above", 1920, 1080, {{61, 0, 6, 2, 40}}, true, true, true, 0},
    {"clock on the right above", 1920, 1080, {{118, 1, 7, 2, 40}}, true, true, true, 0},
    {"clock on the right below", 1920, 1080, {{120, 69, 5, 3, 40}}, true, true, true, 0},
    {"clock above and pointer",
     1920,
     1080,
     {{61, 0, 6, 2, 40}, {30, 30, 2, 2, 40}},
     true,
     true,
     true,
     1},
    {"text on the left below", 1920, 1080, {{20, 69, 5, 2, 40}}, false, false, true, 1},
    {"title on the left above", 1920, 1080, {{10, 0, 5, 2, 40}}, false, false, true, 1},
    {"too wide for a clock", 1920, 1080, {{60, 0, 8, 2, 40}}, false, false, true, 1},
    {"too low for a clock", 1920, 1080, {{61, 2, 6, 2, 40}}, false, false, true, 1},
    {"a thick bar", 1366, 768, {{120, 68, 5, 3, 40}}, true, true, true, 0},
    {"hand, fine", 3840, 2160, {{40, 30, 3, 2, 60}}, false, false, true, 1},
    {"arrow, fine", 3840, 2160, {{40, 30, 2, 2, 60}}, true, true, true, 1},
};

static void paint(uint8_t *thumb, const struct patch *p)
{
    for (int y = p->y; y < p->y + p->h; y++) {
        for (int x = p->x; x < p->x + p->w; x++) {
            thumb[y * W + x] = (uint8_t)(thumb[y * W + x] + p->by);
        }
    }
}

static bool judge(const struct image_look *a, const struct image_look *b,
                  enum image_near mode)
{
    const struct image_change x = image_compare(a, b, mode);
    const struct image_change y = image_compare(b, a, mode);
    assert_memory_equal(&x, &y, sizeof(x));  // no direction
    return x.is_duplicate;
}

static void test_by_hand(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof(hand_cases) / sizeof(hand_cases[0]); i++) {
        const struct hand_case *h = &hand_cases[i];
        uint8_t before[W * H], after[W * H];
        memset(before, 100, sizeof(before));
        memcpy(after, before, sizeof(after));
        for (int k = 0; k < 6; k++) {
            paint(after, &h->patches[k]);
        }
        const struct image_look a = {before, h->width, h->height};
        const struct image_look b = {after, h->width, h->height};
        const struct image_change c = image_compare(&a, &b, IMAGE_NEAR_NORMAL);
        if (judge(&a, &b, IMAGE_NEAR_STRICT) != h->strict ||
            c.is_duplicate != h->normal || judge(&a, &b, IMAGE_NEAR_LOOSE) != h->loose ||
            c.spots != h->spots) {
            fail_msg("%s: blocks %d spots %d %dx%d run %d", h->name, c.blocks, c.spots,
                     c.widest, c.highest, c.run);
        }
    }
}

static void test_never(void **state)
{
    (void)state;
    static uint8_t thumb[W * H];
    const struct image_look a = {thumb, 1920, 1080}, wide = {thumb, 1921, 1080},
                            high = {thumb, 1920, 1081};
    assert_true(image_compare(&a, &a, IMAGE_NEAR_NORMAL).is_duplicate);
    assert_false(image_compare(&a, &a, IMAGE_NEAR_OFF).is_duplicate);
    assert_false(image_compare(&a, &wide, IMAGE_NEAR_LOOSE).is_duplicate);
    assert_false(image_compare(&a, &high, IMAGE_NEAR_LOOSE).is_duplicate);
}

static void test_measures(void **state)
{
    (void)state;
    static uint8_t before[W * H], after[W * H];
    const struct patch patches[] = {{10, 10, 3, 2, 50}, {40, 60, 1, 4, 90}};
    paint(after, &patches[0]);
    paint(after, &patches[1]);
    const struct image_look a = {before, 800, 600}, b = {after, 800, 600};
    const struct image_change c = image_compare(&a, &b, IMAGE_NEAR_NORMAL);
    assert_int_equal(c.blocks, 10);
    assert_int_equal(c.max_diff, 90);
    assert_int_equal(c.spots, 2);
    assert_int_equal(c.widest, 3);
    assert_int_equal(c.highest, 4);
    assert_int_equal(c.run, 3);
}

// ---- drawn screens, through the decoder

static void prepare(const struct scene *s, uint8_t *thumb)
{
    struct image_config c = {0};
    size_t len;
    uint8_t *png = scene_png(s, &len);
    struct image_req r = {.bytes = png, .bytes_len = len, .skip_encode = true};
    image_config_default(&c);
    assert_int_equal(image_prepare_now(&c, &r), 0);
    memcpy(thumb, r.thumb, sizeof(r.thumb));
    image_req_fini(&r);
    free(png);
}

static const struct drawn_case {
    const char *name;
    struct scene change;  // what is added to the first scene
    bool is_duplicate;
} drawn_cases[] = {
    {"the same", {0}, true},
    {"minute", {.at_s = 60}, true},
    {"caret", {.has_caret = true}, true},
    {"pointer", {.pointer_x = 300, .pointer_y = -140}, true},
    {"all three", {.at_s = 600, .has_caret = true, .pointer_x = -200}, true},
    {"one letter", {.typed = 1}, true},
    {"twelve letters", {.typed = 12}, false},
    {"forty letters", {.typed = 40}, false},
    {"other letters", {.replaced = 20}, false},
    {"one line", {.scrolled = 20}, false},
    {"a page", {.scrolled = 700}, false},
    {"other tab", {.document = 1}, false},
    {"dialog", {.has_dialog = true}, false},
};

static struct scene changed(struct scene s, const struct scene *by)
{
    s.at_s += by->at_s;
    s.has_caret |= by->has_caret;
    s.pointer_x += by->pointer_x;
    s.pointer_y += by->pointer_y;
    s.typed += by->typed;
    s.replaced += by->replaced;
    s.scrolled += by->scrolled;
    s.document += by->document;
    s.has_dialog |= by->has_dialog;
    return s;
}

static void check_drawn(struct scene first)
{
    uint8_t before[W * H], after[W * H];
    prepare(&first, before);
    const uint64_t hash = image_hash_look(before);
    for (size_t i = 0; i < sizeof(drawn_cases) / sizeof(drawn_cases[0]); i++) {
        const struct drawn_case *d = &drawn_cases[i];
        const struct scene next = changed(first, &d->change);
        prepare(&next, after);
        const struct image_look a = {before, first.width, first.height};
        const struct image_look b = {after, first.width, first.height};
        const struct image_change c = image_compare(&a, &b, IMAGE_NEAR_NORMAL);
        const int bits = __builtin_popcountll(hash ^ image_hash_look(after));
        if (c.is_duplicate != d->is_duplicate || (d->is_duplicate && bits > 8)) {
            fail_msg("%s, %s: blocks %d spots %d %dx%d run %d bits %d", d->name,
                     first.is_dark ? "dark" : "light", c.blocks, c.spots, c.widest,
                     c.highest, c.run, bits);
        }
    }
}

static void test_drawn(void **state)
{
    (void)state;
    for (int i = 0; i < 4; i++) {
        const struct scene s = {
            .width = i < 2 ? 1920 : 1366,
            .height = i < 2 ? 1080 : 768,
            .scale = 1,
            .is_dark = i % 2,
            .is_bar_below = i / 2,
            .document = 7,
            .at_s = 36059,
            .typed = 30,
            .pointer = POINTER_ARROW,
            .pointer_x = 700,
            .pointer_y = 500,
        };
        check_drawn(s);
    }
}

static void test_hash(void **state)
{
    (void)state;
    struct scene s = {.width = 1920, .height = 1080, .scale = 1, .app = APP_PAGE};
    uint8_t thumb[W * H];
    uint64_t hashes[3];
    for (int i = 0; i < 3; i++) {
        s.document = i * 10;
        s.is_dark = i == 2;
        prepare(&s, thumb);
        hashes[i] = image_hash_look(thumb);
    }
    assert_true(__builtin_popcountll(hashes[0] ^ hashes[1]) > 8);
    assert_true(__builtin_popcountll(hashes[0] ^ hashes[2]) > 8);
    memset(thumb, 77, sizeof(thumb));
    assert_int_equal(image_hash_look(thumb), 0);  // flat
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_by_hand),  cmocka_unit_test(test_never),
        cmocka_unit_test(test_measures), cmocka_unit_test(test_drawn),
        cmocka_unit_test(test_hash),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
