// test_ocr_locate.c -- which vlmd-ocr is taken, and what is said when there is none.
// SPDX-License-Identifier: MIT
#include "ocr/locate.h"

#include <fcntl.h>
#include <limits.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

static void make_file(const char *path, mode_t mode)
{
    int fd = open(path, O_CREAT | O_WRONLY | O_TRUNC, mode);
    assert_true(fd >= 0);
    assert_int_equal(fchmod(fd, mode), 0);
    close(fd);
}

static void a_configured_program_is_taken(void **state)
{
    (void)state;
    char out[PATH_MAX] = "";
    struct err e = {0};
    make_file("./mine", 0755);
    assert_int_equal(locate_helper("./mine", out, sizeof(out), &e), 0);
    assert_string_equal(out, "./mine");
}

static void a_wrong_configured_program_is_named(void **state)
{
    (void)state;
    static const struct {
        const char *helper, *words;
    } rows[] = {
        {"vlmd-ocr", "is not a path"},
        {"./nothing", "No such file"},
        {"./text", "Permission denied"},
        {"./folder", "Permission denied"},
    };
    make_file("./text", 0644);
    assert_int_equal(mkdir("./folder", 0755), 0);
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        char out[PATH_MAX];
        struct err e = {0};
        assert_int_equal(locate_helper(rows[i].helper, out, sizeof(out), &e), E_OCR);
        assert_int_equal(e.code, E_OCR);
        assert_non_null(strstr(e.msg, rows[i].words));
        assert_non_null(strstr(e.msg, rows[i].helper));
        assert_non_null(strstr(e.msg, "ocr.helper"));
    }
}

static void a_path_longer_than_the_room_is_refused(void **state)
{
    (void)state;
    char out[4];
    assert_int_equal(locate_helper("./mine", out, sizeof(out), NULL), E_OCR);
}

// The path of name in the folder of this program.
static void path_near_us(const char *name, char *out, size_t size)
{
    char self[PATH_MAX] = "";
    assert_true(readlink("/proc/self/exe", self, sizeof(self) - 1) > 0);
    *strrchr(self, '/') = 0;
    assert_true((size_t)snprintf(out, size, "%s/%s", self, name) < size);
}

static void a_helper_near_us_goes_before_the_installed_one(void **state)
{
    (void)state;
    static const char *const near[] = {"../libexec/vlmd/vlmd-ocr", "vlmd-ocr"};
    char out[PATH_MAX], path[2][PATH_MAX], folder[2][PATH_MAX];
    struct err e = {0};
    for (int i = 0; i < 2; i++) {
        path_near_us(near[i], path[i], sizeof(path[i]));
        unlink(path[i]);
    }
    assert_int_equal(locate_helper(NULL, out, sizeof(out), &e), E_OCR);
    assert_non_null(strstr(e.msg, "vlmd-ocr"));
    assert_non_null(strstr(e.msg, "libexec"));
    assert_int_equal(mkdir("libexec", 0755), 0);
    make_file("libexec/vlmd-ocr", 0755);
    assert_int_equal(locate_helper(NULL, out, sizeof(out), &e), 0);
    assert_string_equal(out, "libexec/vlmd-ocr");
    path_near_us("../libexec", folder[0], sizeof(folder[0]));
    path_near_us("../libexec/vlmd", folder[1], sizeof(folder[1]));
    mkdir(folder[0], 0755);
    mkdir(folder[1], 0755);
    for (int i = 0; i < 2; i++) {
        make_file(path[i], 0755);
        assert_int_equal(locate_helper("", out, sizeof(out), &e), 0);
        assert_string_equal(out, path[i]);
    }
    assert_int_equal(unlink(path[0]) + unlink(path[1]), 0);
    assert_int_equal(rmdir(folder[1]) + rmdir(folder[0]), 0);
}

int main(void)
{
    char folder[] = "/tmp/vlmd-test-XXXXXX";
    if (!mkdtemp(folder) || chdir(folder)) {
        return 1;
    }
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_configured_program_is_taken),
        cmocka_unit_test(a_wrong_configured_program_is_named),
        cmocka_unit_test(a_path_longer_than_the_room_is_refused),
        cmocka_unit_test(a_helper_near_us_goes_before_the_installed_one),
    };
    int failed = cmocka_run_group_tests(tests, NULL, NULL);
    static const char *const left[] = {"mine", "text", "libexec/vlmd-ocr", NULL};
    for (int i = 0; left[i]; i++) {
        unlink(left[i]);
    }
    rmdir("folder");
    rmdir("libexec");
    return failed + (rmdir(folder) != 0);
}
