// peer_vips.c -- libvips for tools/bench-image --peers.
//
// Reads "COUNT SIDE OUTPUT FILE" per line, answers "CPU_US BYTES"; see bench_image.c.
// SPDX-License-Identifier: MIT
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <vips/vips.h>

static double cpu_us(void)
{
    struct timespec t;
    clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &t);
    return (double)t.tv_sec * 1e6 + (double)t.tv_nsec / 1e3;
}

static void prepare(void *bytes, size_t len, int side, void **out, size_t *out_len)
{
    VipsImage *small = NULL, *flat = NULL;
    if (vips_thumbnail_buffer(bytes, len, &small, side, "height", side, "size",
                              VIPS_SIZE_DOWN, NULL)) {
        vips_error_exit("thumbnail");
    }
    if (vips_image_hasalpha(small)) {
        VipsArrayDouble *white = vips_array_double_newv(1, 255.0);
        if (vips_flatten(small, &flat, "background", white, NULL)) {
            vips_error_exit("flatten");
        }
        vips_area_unref(VIPS_AREA(white));
        g_object_unref(small);
        small = flat;
    }
    if (vips_jpegsave_buffer(small, out, out_len, "Q", 75, "strip", TRUE, NULL)) {
        vips_error_exit("jpegsave");
    }
    g_object_unref(small);
}

static void serve_line(const char *line)
{
    int count, side;
    static char output[4096], path[4096];
    gchar *bytes;
    gsize len;
    if (sscanf(line, "%d %d %4000s %4000[^\n]", &count, &side, output, path) != 4 ||
        !g_file_get_contents(path, &bytes, &len, NULL)) {
        vips_error_exit("bad request");
    }
    void *out = NULL;
    size_t out_len = 0;
    const double from = cpu_us();
    for (int i = 0; i < count; i++) {
        g_free(out);
        prepare(bytes, len, side, &out, &out_len);
    }
    printf("%.0f %zu\n", cpu_us() - from, out_len);
    fflush(stdout);
    if (strcmp(output, "-") != 0) {
        g_file_set_contents(output, out, (gssize)out_len, NULL);
    }
    g_free(out);
    g_free(bytes);
}

int main(int argc, char **argv)
{
    char line[8192];
    (void)argc;
    if (VIPS_INIT(argv[0])) {
        vips_error_exit("init");
    }
    vips_concurrency_set(1);
    vips_cache_set_max(0);
    while (fgets(line, sizeof(line), stdin)) {
        serve_line(line);
    }
    vips_shutdown();
    return 0;
}
