// bench_sample.c -- made-up screens to measure with where no pictures were named.
//
// Four windows as PNG in two sizes, as JPEG and as WebP, in a folder that goes with the
// program.
// SPDX-License-Identifier: MIT
#include "bench_image.h"

#include "../bench-duplicates/screen.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <turbojpeg.h>
#include <unistd.h>
#include <webp/encode.h>

enum { JPEG_QUALITY = 90, WEBP_QUALITY = 80, WINDOWS = 4, PATH_BYTES = 160 };

static char folder[64];
static char paths[BENCH_SAMPLES][PATH_BYTES];
static int n_paths;

static void remove_samples(void)
{
    for (int i = 0; i < n_paths; i++) {
        unlink(paths[i]);
    }
    rmdir(folder);
}

static void keep(const char *name, const char *kind, int height, const uint8_t *bytes,
                 size_t len)
{
    char *path = paths[n_paths];
    snprintf(path, PATH_BYTES, "%s/%s_%d.%s", folder, name, height, kind);
    FILE *out = bytes ? fopen(path, "wb") : NULL;
    if (!out || fwrite(bytes, 1, len, out) != len || fclose(out) != 0) {
        bench_die(path, "can not be made");
    }
    n_paths++;
}

static void keep_jpeg(const char *name, const struct scene *s, const uint8_t *rgb)
{
    tjhandle tj = tjInitCompress();
    unsigned char *jpeg = NULL;
    unsigned long len = 0;
    tjCompress2(tj, rgb, s->width, 0, s->height, TJPF_RGB, &jpeg, &len, TJSAMP_420,
                JPEG_QUALITY, TJFLAG_ACCURATEDCT);
    keep(name, "q90.jpg", s->height, jpeg, len);
    tjFree(jpeg);
    tjDestroy(tj);
}

static void keep_webp(const char *name, const struct scene *s, const uint8_t *rgb)
{
    uint8_t *webp = NULL;
    size_t len =
        WebPEncodeRGB(rgb, s->width, s->height, s->width * 3, WEBP_QUALITY, &webp);
    keep(name, "q80.webp", s->height, webp, len);
    WebPFree(webp);
    len = WebPEncodeLosslessRGB(rgb, s->width, s->height, s->width * 3, &webp);
    keep(name, "ll.webp", s->height, webp, len);
    WebPFree(webp);
}

static void keep_window(enum scene_app app, int width, int height, double scale)
{
    const struct scene s = {.width = width,
                            .height = height,
                            .scale = scale,
                            .is_dark = app == APP_EDITOR,
                            .app = app,
                            .pointer = POINTER_ARROW,
                            .pointer_x = width / 2,
                            .pointer_y = height / 3,
                            .at_s = 36000};
    const char *name = scene_app_name(app);
    uint8_t *rgb = malloc((size_t)width * (size_t)height * 3);
    size_t len;
    uint8_t *png = scene_png(&s, &len);
    if (!rgb) {
        bench_die(name, "no memory");
    }
    keep(name, "png", height, png, len);
    if (scale < 2) {
        scene_draw(&s, rgb);
        keep_jpeg(name, &s, rgb);
        keep_webp(name, &s, rgb);
    }
    free(png);
    free(rgb);
}

int bench_make_samples(const char **out)
{
    static const enum scene_app apps[WINDOWS] = {APP_EDITOR, APP_PAGE, APP_CHAT,
                                                 APP_SHEET};
    const char *tmp = getenv("TMPDIR");
    snprintf(folder, sizeof(folder), "%.40s/vlmd-bench-XXXXXX", tmp ? tmp : "/tmp");
    if (!mkdtemp(folder)) {
        bench_die(folder, "can not be made");
    }
    atexit(remove_samples);
    for (int i = 0; i < WINDOWS; i++) {
        keep_window(apps[i], 1920, 1080, 1);
        keep_window(apps[i], 3840, 2160, 2);
    }
    for (int i = 0; i < n_paths; i++) {
        out[i] = paths[i];
    }
    return n_paths;
}
