// test_complete.c -- does a file parse to its end; names; opening below a root.
// SPDX-License-Identifier: MIT
#include "ingest/ingest_kit.h"

#include "base/beneath.h"
#include "ingest/source.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

static int complete(const struct bytes *b, size_t len)
{
    int fd = memfd_create("t", 0);
    assert_int_equal(write(fd, b->data, len), len);
    int rc = ingest_complete(fd, (int64_t)len);
    // The position is not moved.
    assert_int_equal(lseek(fd, 0, SEEK_CUR), len);
    close(fd);
    return rc;
}

static void knows_whole_and_cut_files(void **state)
{
    (void)state;
    static const char json[] = "{\"active_app\":\"x\"}";
    struct bytes b[6];
    png(&b[0], NULL);
    png(&b[1], json);
    jpeg(&b[2], NULL);
    jpeg(&b[3], json);
    webp(&b[4], NULL);
    webp(&b[5], json);
    for (int i = 0; i < 6; i++) {
        assert_int_equal(complete(&b[i], b[i].len), 0);
        for (size_t len = 0; len < b[i].len; len++) {
            int rc = complete(&b[i], len);
            // A WebP lacks only the padding byte: all of its data is there.
            if (rc != E_CUT) {
                fail_msg("file %d cut at %zu of %zu: %d", i, len, b[i].len, rc);
            }
        }
    }
}

static void accepts_what_is_appended(void **state)
{
    (void)state;
    struct bytes b;
    png(&b, NULL);
    put(&b, "more than that", 14);
    assert_int_equal(complete(&b, b.len), 0);
    jpeg(&b, NULL);
    put(&b, "\0\0\0\0", 4);
    assert_int_equal(complete(&b, b.len), 0);
    webp(&b, NULL);
    put(&b, "tail", 4);
    assert_int_equal(complete(&b, b.len), 0);
}

static void is_not_fooled_by_thumbnails(void **state)
{
    (void)state;
    // An end marker inside a segment before the picture's own scan.
    struct bytes b = {.len = 0};
    put(&b, "\xff\xd8", 2);
    put_jpeg_segment(&b, 0xe1, "Exif\0\0thumb\xff\xd9", 13);
    assert_int_equal(complete(&b, b.len), E_CUT);
    put_jpeg_segment(&b, 0xda, "\1\1\0\0\x3f\0", 6);
    assert_int_equal(complete(&b, b.len), E_CUT);
    put(&b, "\x12\x34", 2);
    // Progressive: another table with an end marker in it, another scan.
    put_jpeg_segment(&b, 0xc4, "\xff\xd9", 2);
    put(&b, "tail", 4);
    assert_int_equal(complete(&b, b.len), E_CUT);
    b.len -= 4;
    put_jpeg_segment(&b, 0xda, "\1\1\0\0\x3f\0", 6);
    put(&b, "\xff\xff\xd9", 3);
    put(&b, "tail", 4);
    assert_int_equal(complete(&b, b.len), 0);
}

static void knows_sizes_that_lie(void **state)
{
    (void)state;
    struct bytes b;
    webp(&b, NULL);
    memcpy(b.data + 4, "\0\0\0\0", 4);  // the writer fills it in last
    assert_int_equal(complete(&b, b.len), E_CUT);
    webp(&b, NULL);
    memcpy(b.data + 16, "\xff\xff\0\0", 4);  // a chunk longer than the file
    assert_int_equal(complete(&b, b.len), E_CUT);
    // JPEG: rubbish between the segments, a segment of no length.
    b = (struct bytes){.len = 0};
    put(&b, "\xff\xd8\xff\xe0\0\2rubbish\xff\xd9", 15);
    assert_int_equal(complete(&b, b.len), E_CUT);
    b = (struct bytes){.len = 0};
    put(&b, "\xff\xd8\xff\xe0\0\1\xff\xd9", 8);
    assert_int_equal(complete(&b, b.len), E_CUT);
    b = (struct bytes){.len = 0};
    put(&b, "no picture at all", 17);
    assert_int_equal(complete(&b, b.len), E_FORMAT);
    assert_int_equal(ingest_complete(-1, 100), E_IO);
}

static void finds_the_end_of_a_long_scan(void **state)
{
    (void)state;
    struct bytes b;
    jpeg(&b, NULL);
    b.len -= 2;
    int fd = memfd_create("t", 0);
    assert_int_equal(write(fd, b.data, b.len), b.len);
    // Markers fall on every place of the read buffer.
    static uint8_t coded[100003];
    memset(coded, 0x55, sizeof(coded));
    for (size_t i = 0; i + 1 < sizeof(coded); i += 7) {
        coded[i] = 0xff;
        coded[i + 1] = 0;
    }
    assert_int_equal(write(fd, coded, sizeof(coded)), sizeof(coded));
    assert_int_equal(write(fd, "\xff\xd9 more", 7), 7);
    struct stat st;
    fstat(fd, &st);
    assert_int_equal(ingest_complete(fd, st.st_size), 0);
    assert_int_equal(ingest_complete(fd, st.st_size - 7), E_CUT);
    close(fd);
}

static void chooses_names(void **state)
{
    (void)state;
    static const char *const yes[] = {"a.png",  "A.PNG",   "b.jpg",     "c.JPeG",
                                      "d.webp", "x.y.png", "a b\n.png", "\xff.png"};
    static const char *const no[] = {
        "",           "png",       ".png",         ".a.png",   "a.gif",      "a.png~",
        "a.png.part", "a.tmp",     "a.crdownload", "tmpx.png", "temp_a.png", "~a.png",
        "._a.png",    "a.png.tmp", "apng",         "a.",       "a.png "};
    for (size_t i = 0; i < sizeof(yes) / sizeof(yes[0]); i++) {
        assert_true(ingest_is_candidate(yes[i]));
    }
    for (size_t i = 0; i < sizeof(no) / sizeof(no[0]); i++) {
        assert_false(ingest_is_candidate(no[i]));
    }
}

// ---- opening below a root

static int open_either(bool is_portable, int root, const char *rel, int flags)
{
    return is_portable ? beneath_open_portable(root, rel, flags)
                       : beneath_open(root, rel, flags);
}

static void check_open(bool is_portable, int root, const char *rel, int flags,
                       int expected)
{
    int fd = open_either(is_portable, root, rel, flags);
    if (fd >= 0) {
        close(fd);
    }
    if ((fd >= 0 ? 0 : fd) != expected) {
        fail_msg("%s portable=%d: %d", rel, is_portable, fd);
    }
}

static void stays_below_the_root(void **state)
{
    (void)state;
    struct folder f;
    struct bytes b;
    folder_make(&f);
    png(&b, NULL);
    mkdir(in(&f, "root"), 0755);
    mkdir(in(&f, "root/sub"), 0755);
    mkdir(in(&f, "rootless"), 0755);
    write_file(in(&f, "secret.png"), &b);
    write_file(in(&f, "root/sub/a.png"), &b);
    assert_int_equal(symlink("sub", in(&f, "root/link")), 0);
    assert_int_equal(symlink("..", in(&f, "root/up")), 0);
    assert_int_equal(symlink("../rootless", in(&f, "root/near")), 0);
    assert_int_equal(symlink("sub/a.png", in(&f, "root/a.png")), 0);
    assert_int_equal(symlink(in(&f, "secret.png"), in(&f, "root/s.png")), 0);
    int root = beneath_root(in(&f, "root"));
    assert_true(root >= 0);
    char longest[300];
    memset(longest, 'x', sizeof(longest) - 1);
    longest[sizeof(longest) - 1] = 0;
    for (int p = 0; p < 2; p++) {
        check_open(p, root, "", O_PATH, 0);
        check_open(p, root, "sub/a.png", O_RDONLY, 0);
        check_open(p, root, "sub/a.png", O_RDONLY | O_NOFOLLOW, 0);
        check_open(p, root, "link/a.png", O_RDONLY, 0);
        check_open(p, root, "a.png", O_RDONLY, 0);
        check_open(p, root, "link/a.png", O_RDONLY | O_NOFOLLOW,
                   p ? E_NOT_FOUND : E_OUTSIDE);
        check_open(p, root, "a.png", O_RDONLY | O_NOFOLLOW, E_OUTSIDE);
        check_open(p, root, "up/secret.png", O_RDONLY, E_OUTSIDE);
        check_open(p, root, "s.png", O_RDONLY, E_OUTSIDE);
        check_open(p, root, "near", O_PATH, E_OUTSIDE);
        check_open(p, root, "../secret.png", O_RDONLY, E_OUTSIDE);
        check_open(p, root, "sub/../../secret.png", O_RDONLY, E_OUTSIDE);
        check_open(p, root, "/etc/passwd", O_RDONLY, E_OUTSIDE);
        check_open(p, root, "none/a.png", O_RDONLY | O_NOFOLLOW, E_NOT_FOUND);
        check_open(p, root, longest, O_RDONLY | O_NOFOLLOW, E_NOT_FOUND);
        check_open(p, root, longest, O_RDONLY, E_NOT_FOUND);
    }
    check_open(false, BENEATH_ANY, in(&f, "secret.png"), O_RDONLY, 0);
    check_open(false, BENEATH_ANY, in(&f, "none.png"), O_RDONLY, E_NOT_FOUND);
    assert_int_equal(beneath_root(in(&f, "secret.png")), E_NOT_FILE);
    assert_int_equal(beneath_root(in(&f, "none")), E_NOT_FOUND);
    int all = beneath_root("/");
    check_open(true, all, "etc", O_PATH, 0);
    close(all);
    close(root);
    folder_remove(&f);
}

static void opens_only_regular_files(void **state)
{
    (void)state;
    struct folder f;
    folder_make(&f);
    struct file_version v;
    assert_int_equal(mkfifo(in(&f, "p.png"), 0644), 0);
    int root = beneath_root(f.path);
    assert_int_equal(beneath_open_file(root, "p.png", &v), E_NOT_FILE);
    assert_string_equal(version_kind(v.mode), "a named pipe");
    assert_int_equal(beneath_open_file(root, "", &v), E_NOT_FILE);
    assert_string_equal(version_kind(v.mode), "a folder");
    struct sockaddr_un a = {.sun_family = AF_UNIX};
    snprintf(a.sun_path, sizeof(a.sun_path), "%s", in(&f, "s.png"));
    int s = socket(AF_UNIX, SOCK_STREAM, 0);
    assert_int_equal(bind(s, (struct sockaddr *)&a, sizeof(a)), 0);
    assert_int_equal(beneath_open_file(root, "s.png", &v), E_NOT_FILE);
    assert_string_equal(version_kind(v.mode), "a socket");
    close(s);
    assert_int_equal(beneath_open_file(BENEATH_ANY, "/dev/zero", &v), E_NOT_FILE);
    assert_string_equal(version_kind(v.mode), "a device");
    assert_int_equal(beneath_open_file(root, "none.png", &v), E_NOT_FOUND);
    assert_int_equal(v.ino, 0);
    assert_string_equal(version_kind(S_IFREG), "a regular file");
    assert_string_equal(version_kind(S_IFLNK), "a link");
    assert_string_equal(version_kind(0), "something else");
    close(root);
    folder_remove(&f);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(knows_whole_and_cut_files),
        cmocka_unit_test(accepts_what_is_appended),
        cmocka_unit_test(is_not_fooled_by_thumbnails),
        cmocka_unit_test(knows_sizes_that_lie),
        cmocka_unit_test(finds_the_end_of_a_long_scan),
        cmocka_unit_test(chooses_names),
        cmocka_unit_test(stays_below_the_root),
        cmocka_unit_test(opens_only_regular_files),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
