// test_image_nomem.c -- the n-th allocation fails, for every n: E_NOMEM, and nothing leaks.
//
// Without a sanitizer malloc itself is replaced, so that the libraries' allocations fail,
// too, and the blocks are counted.  With one, the linker wraps the calls of our own code
// (CMakeLists.txt) and the sanitizer counts.
// SPDX-License-Identifier: MIT
#include "image/image.h"
#include "image/image_make.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>
#include <errno.h>
#include <png.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <jpeglib.h>

static bool is_counting;
static int countdown;  // the allocation that brings it to 0 fails
static int blocks;     // allocated minus freed while counting

static bool only_ours;  // the libraries' allocations succeed

extern char __executable_start;
extern char etext;

// caller: the address that the allocation returns to.
static bool must_fail(const void *caller)
{
    const bool is_ours =
        (const char *)caller >= &__executable_start && (const char *)caller < &etext;
    return is_counting && (is_ours || !only_ours) && --countdown == 0;
}

#ifdef WRAP_OWN_CALLS
#define NAME(f) __wrap_##f
#define REAL(f) __real_##f
#else
#define NAME(f) f
#define REAL(f) __libc_##f
#endif

// Hidden symbols would replace malloc for this program only, not for its libraries.
#pragma GCC visibility push(default)

void *REAL(malloc)(size_t n);
void *REAL(calloc)(size_t n, size_t size);
void *REAL(realloc)(void *p, size_t n);
void REAL(free)(void *p);
#ifdef WRAP_OWN_CALLS
void *REAL(aligned_alloc)(size_t align, size_t n);
#else
void *__libc_memalign(size_t align, size_t n);
#endif

static void *counted(void *p)
{
    blocks += is_counting && p;
    return p;
}

void *NAME(malloc)(size_t n)
{
    return must_fail(__builtin_return_address(0)) ? NULL : counted(REAL(malloc)(n));
}

void *NAME(calloc)(size_t n, size_t size)
{
    return must_fail(__builtin_return_address(0)) ? NULL : counted(REAL(calloc)(n, size));
}

void *NAME(realloc)(void *p, size_t n)
{
    if (must_fail(__builtin_return_address(0))) {
        return NULL;
    }
    blocks += is_counting && !p;
    return REAL(realloc)(p, n);
}

void *NAME(aligned_alloc)(size_t align, size_t n)
{
    if (must_fail(__builtin_return_address(0))) {
        return NULL;
    }
#ifdef WRAP_OWN_CALLS
    return counted(REAL(aligned_alloc)(align, n));
#else
    return counted(__libc_memalign(align, n));
#endif
}

#ifndef WRAP_OWN_CALLS
int posix_memalign(void **out, size_t align, size_t n)
{
    *out = aligned_alloc(align, n);
    return *out ? 0 : ENOMEM;
}
#endif

void NAME(free)(void *p)
{
    blocks -= is_counting && p;
    REAL(free)(p);
}

// The arena's; glibc's malloc and the sanitizers do not come by here.
void *NAME(mmap)(void *at, size_t n, int protection, int flags, int fd, off_t offset)
{
    if (must_fail(__builtin_return_address(0))) {
        errno = ENOMEM;
        return MAP_FAILED;
    }
    return counted((void *)syscall(SYS_mmap, at, n, protection, flags, fd, offset));
}

int NAME(munmap)(void *p, size_t n)
{
    blocks -= is_counting;
    return (int)syscall(SYS_munmap, p, n);
}

#pragma GCC visibility pop

// How many allocations failed before it went through.
static int fail_each(const char *what, const struct buf *file)
{
    static const struct image_config c = {0};
    static const struct image_box box = {10, 10, 20, 20};
    for (int n = 1;; n++) {
        struct image_req r = {.bytes = file->data,
                              .bytes_len = file->len,
                              .target_px = 60,
                              .want_luma = true,
                              .masks = &box,
                              .n_masks = 1};
        blocks = 0;
        countdown = n;
        is_counting = true;
        const int rc = image_prepare_now(&c, &r);
        const bool has_failed = countdown <= 0;
        image_req_fini(&r);
        is_counting = false;
        if (blocks != 0) {
            fail_msg("%s: allocation %d failed and %d blocks are left", what, n, blocks);
        }
        if (!has_failed) {
            assert_int_equal(rc, 0);
            return n - 1;
        }
        // Some libraries can do without a block; then the picture must be there.
        if (rc != E_NOMEM && rc != 0) {
            fail_msg("%s: allocation %d failed: %s (%s)", what, n, err_name(rc),
                     r.err.msg);
        }
    }
}

static void test_png(void **state)
{
    (void)state;
    struct buf file = {0};
    const struct scene s = scene_get(130, 90, scene_clear);
    static const struct png_spec specs[] = {
        {.colour_type = 2, .depth = 8},
        {.colour_type = 6, .depth = 16, .is_interlaced = true, .orientation = 6},
        {.colour_type = 3, .depth = 2, .has_trns = true},
    };
    for (size_t i = 0; i < sizeof(specs) / sizeof(specs[0]); i++) {
        make_png(&file, &s, &specs[i], NULL);
        assert_true(fail_each("png", &file) >= 3);
    }
    buf_fini(&file);
}

static void test_jpeg(void **state)
{
    (void)state;
    struct buf file = {0};
    const struct scene s = scene_get(130, 90, scene_opaque);
    static const struct jpeg_spec specs[] = {
        {.colourspace = JCS_YCbCr, .h = 2, .v = 2},
        {.colourspace = JCS_YCbCr, .is_progressive = true, .orientation = 8},
        {.colourspace = JCS_CMYK},
    };
    for (size_t i = 0; i < sizeof(specs) / sizeof(specs[0]); i++) {
        make_jpeg(&file, &s, &specs[i]);
        assert_true(fail_each("jpeg", &file) >= 3);
    }
    buf_fini(&file);
}

static void test_webp(void **state)
{
    (void)state;
    struct buf file = {0};
    const struct scene s = scene_get(130, 90, scene_clear);
    for (int flags = 0; flags < 8; flags++) {
        const struct webp_spec spec = {
            .is_lossless = flags & 1, .has_alpha = flags & 2, .is_animated = flags & 4};
        // libwebp 1.2.4 itself crashes when its Huffman tables find no memory: an
        // uninitialised pointer is freed.  Lossy pictures without alpha have none.
        only_ours = flags != 0 && flags != 4;
        make_webp(&file, &s, &spec);
        assert_true(fail_each("webp", &file) >= 3);
    }
    only_ours = false;
    buf_fini(&file);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_png),
        cmocka_unit_test(test_jpeg),
        cmocka_unit_test(test_webp),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
