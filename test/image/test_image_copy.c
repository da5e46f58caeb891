// test_image_copy.c -- large WebP: decoded from a nameless copy that nobody else can touch.
// SPDX-License-Identifier: MIT
#include "image/file_copy.h"
#include "image/image_make.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>
#include <dirent.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/types.h>
#include <unistd.h>

enum { WIDTH = 600, HEIGHT = 400, MOST_HELD = 100 * 1000, MIB = 1 << 20 };

static char pictures[] = "/tmp/vlmd_copy_p_XXXXXX";
static char scratch[] = "/tmp/vlmd_copy_s_XXXXXX";
static char path[64];
static struct buf file;  // noise: as long as its pixels
static bool is_disk_full;

int __real_posix_fallocate(int fd, off_t from, off_t n);
int __wrap_posix_fallocate(int fd, off_t from, off_t n);

int __wrap_posix_fallocate(int fd, off_t from, off_t n)
{
    return is_disk_full ? ENOSPC : __real_posix_fallocate(fd, from, n);
}

static void write_file(void)
{
    FILE *f = fopen(path, "wb");
    assert_non_null(f);
    assert_int_equal(fwrite(file.data, 1, file.len, f), file.len);
    assert_int_equal(fclose(f), 0);
}

static int set_up(void **state)
{
    (void)state;
    static uint8_t pixels[WIDTH * HEIGHT * 3];
    uint32_t seed = 1;
    for (size_t i = 0; i < sizeof(pixels); i++) {
        seed = seed * 1664525 + 1013904223;
        pixels[i] = (uint8_t)(seed >> 24);
    }
    make_webp_pixels(&file, pixels, WIDTH, HEIGHT);
    if (!mkdtemp(pictures) || !mkdtemp(scratch)) {
        return -1;
    }
    snprintf(path, sizeof(path), "%s/large.webp", pictures);
    write_file();
    return 0;
}

static int tear_down(void **state)
{
    (void)state;
    buf_fini(&file);
    unlink(path);
    return rmdir(pictures) | rmdir(scratch);
}

// What is mapped of the scratch folder's files, in KB.
static long mapped_kb(void)
{
    char line[512];
    long kb = 0, part;
    bool is_copy = false;
    FILE *f = fopen("/proc/self/smaps", "r");
    assert_non_null(f);
    while (fgets(line, sizeof(line), f)) {
        if (strstr(line, " r--s ")) {
            is_copy = strstr(line, scratch) != NULL;
        } else if (is_copy && sscanf(line, "Size: %ld", &part) == 1) {
            kb += part;
            is_copy = false;
        }
    }
    fclose(f);
    return kb;
}

static void assert_scratch_is_empty(void)
{
    DIR *d = opendir(scratch);
    assert_non_null(d);
    for (struct dirent *entry; (entry = readdir(d));) {
        assert_int_equal(entry->d_name[0], '.');
        assert_true(strlen(entry->d_name) <= 2);
    }
    closedir(d);
}

static int prepare(struct image_req *r, const char *folder, int64_t memory)
{
    const struct image_config c = {
        .most_held_bytes = MOST_HELD, .scratch_dir = folder, .memory_bytes = memory};
    *r = (struct image_req){.root = pictures, .path = path};
    return image_prepare_now(&c, r);
}

// The same picture, out of a budget that the file would not fit into as well.
static void test_same_picture(void **state)
{
    (void)state;
    struct image_req r, held = {.bytes = file.data, .bytes_len = file.len};
    int64_t least = 0;
    while (prepare(&r, scratch, least += 64 * 1024) == E_TOOBIG) {
    }
    assert_int_equal(r.err.code, 0);
    const struct image_config all = {0};
    assert_int_equal(image_prepare_now(&all, &held), 0);
    assert_int_equal(r.jpeg.len, held.jpeg.len);
    assert_memory_equal(r.jpeg.data, held.jpeg.data, held.jpeg.len);
    assert_memory_equal(r.content, held.content, IMAGE_HASH_BYTES);
    assert_memory_equal(r.thumb, held.thumb, sizeof(held.thumb));
    assert_int_equal(mapped_kb(), 0);
    assert_scratch_is_empty();
    image_req_fini(&r);
    // Without a folder for the copy it is held, which takes its length of the budget.
    assert_int_equal(prepare(&r, NULL, least), E_TOOBIG);
    assert_int_equal(prepare(&r, NULL, least + (int64_t)file.len), 0);
    image_req_fini(&r);
    image_req_fini(&held);
}

static int copy(struct file_copy *c, const char *folder, struct err *e)
{
    uint8_t window[1000], content[IMAGE_HASH_BYTES];
    struct image_file f;
    assert_int_equal(image_file_open(&f, pictures, path, e), 0);
    const int rc = file_copy_open(c, folder, &f, window, sizeof(window), content, e);
    image_file_close(&f);
    return rc;
}

// Whoever cuts the file off does not reach the copy.
static void test_copy_is_ours(void **state)
{
    (void)state;
    struct file_copy c;
    struct err e = {0};
    assert_int_equal(copy(&c, scratch, &e), 0);
    assert_true(mapped_kb() * 1024 >= (long)file.len);
    assert_scratch_is_empty();
    assert_int_equal(truncate(path, 10), 0);
    assert_int_equal(c.len, file.len);
    assert_memory_equal(c.bytes, file.data, file.len);
    file_copy_close(&c);
    assert_int_equal(mapped_kb(), 0);
    file_copy_close(&c);
    write_file();
}

static void test_cut_while_it_is_copied(void **state)
{
    (void)state;
    uint8_t window[1000], content[IMAGE_HASH_BYTES];
    struct image_file f;
    struct file_copy c;
    struct err e = {0};
    assert_int_equal(image_file_open(&f, pictures, path, &e), 0);
    assert_int_equal(truncate(path, (off_t)file.len - 1), 0);
    assert_int_equal(file_copy_open(&c, scratch, &f, window, sizeof(window), content, &e),
                     E_CUT);
    assert_int_equal(mapped_kb(), 0);
    image_file_close(&f);
    write_file();
}

static void test_full_disk(void **state)
{
    (void)state;
    struct image_req r;
    is_disk_full = true;
    assert_int_equal(prepare(&r, scratch, 64 * MIB), E_FULL);
    assert_non_null(strstr(r.err.msg, scratch));
    assert_non_null(strstr(r.err.msg, strerror(ENOSPC)));
    assert_scratch_is_empty();
    is_disk_full = false;
    assert_int_equal(prepare(&r, scratch, 64 * MIB), 0);
    image_req_fini(&r);
}

// A folder that is gone is not a picture that is gone.
static void test_no_folder(void **state)
{
    (void)state;
    struct image_req r;
    assert_int_equal(prepare(&r, "/no/such/folder", 64 * MIB), E_IO);
    assert_non_null(strstr(r.err.msg, "/no/such/folder"));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_same_picture),
        cmocka_unit_test(test_copy_is_ours),
        cmocka_unit_test(test_cut_while_it_is_copied),
        cmocka_unit_test(test_full_disk),
        cmocka_unit_test(test_no_folder),
    };
    return cmocka_run_group_tests(tests, set_up, tear_down);
}
