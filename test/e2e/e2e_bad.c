// e2e_bad.c -- makes the folder.
// SPDX-License-Identifier: MIT
#include "e2e_bad.h"

#include "e2e_pictures.h"

#include <errno.h>
#include <fcntl.h>
#include <ftw.h>
#include <png.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

enum { NOBODY = 65534, BOMB_SIDE = 30000 };

const struct bad_file bad_files[] = {
    {"truncated.png", "ends before the picture is complete"},
    {"empty.png", "e"},  // ends before it is complete, or: is empty
    {"text.png", "is not a PNG, JPEG or WebP picture"},
    {"bomb.png", "30000 x 30000"},
    {"unreadable.png", "may not be read"},
    {"evil\n\x1b[31mname\xff.png", "is not a PNG, JPEG or WebP picture"},
    {"fifo.png", "is a named pipe"},
    {"sock.png", "is a socket"},
    {"zero.png", "leads out of"},
    {"loop.png", "leads out of"},
};
const int n_bad_files = sizeof(bad_files) / sizeof(bad_files[0]);

const char *const good_names[] = {"good.png", "new\nline.png", "broken-\xff\xfe-utf8.png",
                                  "pic-00003.png", "\xe6\x97\xa5\xe6\x9c\xac.png"};
const int n_good_names = sizeof(good_names) / sizeof(good_names[0]);

// A real one, whole: 112 MB of points in 0.1 MB of file.
static void write_bomb(const char *path)
{
    static uint8_t row[BOMB_SIDE / 8];
    FILE *f = fopen(path, "we");
    png_structp png = png_create_write_struct(PNG_LIBPNG_VER_STRING, NULL, NULL, NULL);
    png_infop info = png_create_info_struct(png);
    assert_non_null(f);
    png_init_io(png, f);
    png_set_filter(png, 0, PNG_FILTER_NONE);
    png_set_compression_level(png, 1);
    png_set_IHDR(png, info, BOMB_SIDE, BOMB_SIDE, 1, PNG_COLOR_TYPE_GRAY,
                 PNG_INTERLACE_NONE, PNG_COMPRESSION_TYPE_BASE, PNG_FILTER_TYPE_BASE);
    png_write_info(png, info);
    for (int y = 0; y < BOMB_SIDE; y++) {
        png_write_row(png, row);
    }
    png_write_end(png, info);
    png_destroy_write_struct(&png, &info);
    fclose(f);
}

static void make_socket(const char *path)
{
    struct sockaddr_un addr = {.sun_family = AF_UNIX};
    int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
    snprintf(addr.sun_path, sizeof(addr.sun_path), "%.100s", path);
    assert_int_equal(bind(fd, (struct sockaddr *)&addr, sizeof(addr)), 0);
    close(fd);  // its name stays
}

// An hour old, so that nobody waits for the rest of it.
static void make_old(const char *path)
{
    struct timespec times[2];
    clock_gettime(CLOCK_REALTIME, &times[0]);
    times[0].tv_sec -= 3600;
    times[1] = times[0];
    assert_int_equal(utimensat(AT_FDCWD, path, times, 0), 0);
}

static void write_cut(const struct place *p)
{
    size_t len;
    uint8_t *bytes = picture_noise(100, 100, 1, &len);
    write_bytes(place_path(p, "in/truncated.png"), bytes, len / 2);
    write_bytes(place_path(p, "in/empty.png"), "", 0);
    make_old(place_path(p, "in/truncated.png"));
    make_old(place_path(p, "in/empty.png"));
    free(bytes);
}

void bad_folder(const struct place *p, bool with_unreadable)
{
    static const char text[] = "This is no picture, whatever its name says.\n";
    write_cut(p);
    write_text(place_path(p, "in/text.png"), text);
    write_text(place_path(p, "in/%s", bad_files[5].name), text);
    write_bomb(place_path(p, "in/bomb.png"));
    if (with_unreadable) {
        picture_write(place_path(p, "in"), "unreadable.png", 99);
        assert_int_equal(chmod(place_path(p, "in/unreadable.png"), 0), 0);
    }
    assert_int_equal(mkfifo(place_path(p, "in/fifo.png"), 0666), 0);
    make_socket(place_path(p, "in/sock.png"));
    assert_int_equal(symlink("/dev/zero", place_path(p, "in/zero.png")), 0);
    assert_int_equal(symlink("loop.png", place_path(p, "in/loop.png")), 0);
    make_folder(place_path(p, "in/folder.png"));
    for (int i = 0; i < n_good_names; i++) {
        picture_write(place_path(p, "in"), good_names[i], i);
    }
    uint8_t one[3] = {200, 100, 50};
    png_image image = {.version = PNG_IMAGE_VERSION, .format = PNG_FORMAT_RGB};
    image.width = image.height = 1;
    assert_true(
        png_image_write_to_file(&image, place_path(p, "in/one.png"), 0, one, 0, NULL));
}

bool bad_is_there(const struct place *p, const struct bad_file *b)
{
    return is_there(place_path(p, "in/%s", b->name));
}

const char *shown_name(const char *name)
{
    static char out[256];
    size_t n = 0;
    for (; name[n] && n < sizeof(out) - 1; n++) {
        unsigned char c = (unsigned char)name[n];
        out[n] = (char)(c < 0x20 ? ' ' : c == 0xff || c == 0xfe ? '?' : c);
    }
    out[n] = 0;
    return out;
}

static int give_one(const char *path, const struct stat *st, int kind, struct FTW *ftw)
{
    (void)st;
    (void)kind;
    (void)ftw;
    return lchown(path, NOBODY, NOBODY);
}

bool bad_user(struct place *p, struct spawn *how)
{
    *how = (struct spawn){0};
    if (geteuid() != 0) {
        return true;
    }
    how->uid = NOBODY;
    struct proc *run = vlmd_start_with(p, how, (const char *const[]){"version", NULL});
    int code = proc_end(run);
    proc_free(p, run);
    if (code != 0) {
        print_message("no unreadable file: nobody else can run this build (%d)\n", code);
        how->uid = 0;
        return false;
    }
    assert_int_equal(nftw(p->dir, give_one, 16, FTW_PHYS), 0);
    return true;
}
