// fuzz_seeds.c -- writes pictures of all kinds for the fuzz targets to begin with.
//
// usage: fuzz_seeds FOLDER    writes FOLDER/probe, png, jpeg and webp, one corpus each
// SPDX-License-Identifier: MIT
#include "image/fuzz_kit.h"
#include "image/image_make.h"

#include <png.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

#include <jpeglib.h>

static const char *folder;
static int failures;

// params: NULL for the probe, which has none.
static void write_seed(const char *format, int number, const struct buf *file,
                       const uint8_t *params)
{
    char path[4096];
    snprintf(path, sizeof(path), "%s/%s", folder, format);
    mkdir(path, 0755);
    snprintf(path, sizeof(path), "%s/%s/%d", folder, format, number);
    FILE *f = fopen(path, "wb");
    if (!f) {
        perror(path);
        failures++;
        return;
    }
    if (params) {
        fwrite(params, 1, FUZZ_PARAMS, f);
    }
    fwrite(file->data, 1, file->len, f);
    failures += fclose(f) != 0;
}

static void write_both(const char *format, const struct buf *file)
{
    static int number;
    // To 32 pixels, with luma and two boxes, one of which reaches out.
    static const uint8_t boxes[FUZZ_PARAMS] = {31, 17, 16,   64, 3, 2,
                                               4,  3,  0xfe, 5,  5, 40};
    static const uint8_t plain[FUZZ_PARAMS] = {255, 0, 1, 8};
    number++;
    write_seed("probe", number, file, NULL);
    write_seed(format, 2 * number, file, boxes);
    write_seed(format, 2 * number + 1, file, plain);
}

static void write_pngs(struct buf *file, const struct scene *s)
{
    static const int kinds[][2] = {{0, 1}, {0, 2},  {0, 4},  {0, 8}, {0, 16},
                                   {2, 8}, {2, 16}, {3, 1},  {3, 2}, {3, 4},
                                   {3, 8}, {4, 8},  {4, 16}, {6, 8}, {6, 16}};
    for (size_t i = 0; i < sizeof(kinds) / sizeof(kinds[0]); i++) {
        for (int flags = 0; flags < 4; flags++) {
            const struct png_spec spec = {.colour_type = kinds[i][0],
                                          .depth = kinds[i][1],
                                          .is_interlaced = flags & 1,
                                          .has_trns = flags & 2 && kinds[i][0] < 4,
                                          .has_profiles = flags == 2,
                                          .orientation = flags == 3 ? 6 : 0};
            make_png(file, s, &spec, NULL);
            write_both("png", file);
        }
    }
}

// What becomes a PNG inside the target.
static void write_png_rows(struct buf *file)
{
    static const uint8_t params[FUZZ_PARAMS] = {31, 1 | 4 | 8, 6, 20, 2, 2, 3, 3};
    for (int kind = 0; kind < 15; kind++) {
        const uint8_t head[3] = {(uint8_t)kind, 15, 9};
        buf_clear(file);
        failures += buf_add(file, head, sizeof(head)) != 0;
        for (int i = 0; i < 16 * 8 * 10 + 10; i++) {
            const uint8_t byte =
                (uint8_t)(i % 5);  // a filter, whatever a row's length is
            failures += buf_add(file, &byte, 1) != 0;
        }
        write_seed("png", 1000 + kind, file, params);
    }
}

static void write_jpegs(struct buf *file, const struct scene *s)
{
    static const struct jpeg_spec specs[] = {
        {.colourspace = JCS_YCbCr, .h = 2, .v = 2},
        {.colourspace = JCS_YCbCr, .h = 2, .v = 2, .is_progressive = true},
        {.colourspace = JCS_YCbCr, .h = 2, .v = 1, .restart = 1, .orientation = 6},
        {.colourspace = JCS_YCbCr, .h = 1, .v = 2, .quality = 30},
        {.colourspace = JCS_YCbCr, .h = 4, .v = 2},
        {.colourspace = JCS_YCbCr, .is_coarse = true},
        {.colourspace = JCS_GRAYSCALE, .h = 2, .v = 2},
        {.colourspace = JCS_RGB, .is_progressive = true},
        {.colourspace = JCS_CMYK, .has_no_adobe = true},
        {.colourspace = JCS_YCCK, .h = 2, .v = 2},
    };
    for (size_t i = 0; i < sizeof(specs) / sizeof(specs[0]); i++) {
        make_jpeg(file, s, &specs[i]);
        write_both("jpeg", file);
    }
}

static void write_webps(struct buf *file, const struct scene *s)
{
    for (int flags = 0; flags < 8; flags++) {
        const struct webp_spec spec = {.is_lossless = flags & 1,
                                       .has_alpha = flags & 2,
                                       .is_animated = flags & 4,
                                       .orientation = flags & 4 ? 0 : flags};
        make_webp(file, s, &spec);
        write_both("webp", file);
    }
}

static void write_lossy(struct buf *file)
{
    for (int i = 0; i < 16; i++) {
        const struct lossy_spec l = {.width = 20 + i * 7,
                                     .height = 90 - i * 5,
                                     .look = i % 5,
                                     .quality = i * 6,
                                     .method = i % 7,
                                     .segments = 1 + i % 4,
                                     .partitions = i / 4,
                                     .sns = 60,
                                     .seed = (uint32_t)i};
        make_webp_lossy(file, &l);
        write_both("webp", file);
    }
}

int main(int argc, char **argv)
{
    struct buf file = {0};
    const struct scene s = scene_get(53, 37, scene_clear);
    if (argc != 2) {
        fprintf(stderr, "usage: fuzz_seeds FOLDER\n");
        return 2;
    }
    folder = argv[1];
    mkdir(folder, 0755);
    write_pngs(&file, &s);
    write_png_rows(&file);
    write_jpegs(&file, &s);
    write_webps(&file, &s);
    write_lossy(&file);
    buf_fini(&file);
    return failures ? 1 : 0;
}
