// bench_quality.c -- a small JPEG against what exact arithmetic makes of the source.
// SPDX-License-Identifier: MIT
#include "bench_image.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <turbojpeg.h>

enum { WINDOW = 8, STEP = 4 };

static double lanczos3(double x)
{
    const double pi = acos(-1.0);
    if (fabs(x) < 1e-12) {
        return 1;
    }
    return fabs(x) >= 3 ? 0 : 3 * sin(pi * x) * sin(pi * x / 3) / (pi * pi * x * x);
}

// n samples a step apart become m, for each of lines.
static void shrink_axis(const float *in, int n, int in_step, float *out, int m,
                        int out_step, int lines, int in_line, int out_line)
{
    const double ratio = (double)n / m, stretch = ratio > 1 ? ratio : 1;
    float *w = malloc(sizeof(*w) * (size_t)n);
    for (int i = 0; i < m; i++) {
        const double centre = (i + 0.5) * ratio - 0.5;
        int lo = (int)ceil(centre - 3 * stretch), hi = (int)floor(centre + 3 * stretch);
        lo = lo < 0 ? 0 : lo;
        hi = hi >= n ? n - 1 : hi;
        double sum = 0;
        for (int k = lo; k <= hi; k++) {
            w[k] = (float)lanczos3((k - centre) / stretch);
            sum += w[k];
        }
        for (int line = 0; line < lines; line++) {
            double v = 0;
            for (int k = lo; k <= hi; k++) {
                v += (double)w[k] * in[(size_t)line * in_line + (size_t)k * in_step];
            }
            out[(size_t)line * out_line + (size_t)i * out_step] = (float)(v / sum);
        }
    }
    free(w);
}

static float *reference(const struct bench_file *f, int width, int height)
{
    struct image_config c = {.memory_bytes = (int64_t)1 << 30};
    struct image_req r = {
        .bytes = f->bytes, .bytes_len = f->len, .want_luma = true, .skip_encode = true};
    if (image_prepare_now(&c, &r) != 0) {
        bench_die(f->path, r.err.msg);
    }
    const size_t n = (size_t)r.width * (size_t)r.height;
    float *full = malloc(n * sizeof(*full));
    float *half = malloc((size_t)r.width * (size_t)height * sizeof(*half));
    float *out = malloc((size_t)width * (size_t)height * sizeof(*out));
    for (size_t i = 0; i < n; i++) {
        full[i] = r.luma[i];
    }
    shrink_axis(full, r.height, r.width, half, height, r.width, r.width, 1, 1);
    shrink_axis(half, r.width, 1, out, width, 1, height, r.width, width);
    free(full);
    free(half);
    image_req_fini(&r);
    return out;
}

static uint8_t *read_grey(const uint8_t *jpeg, size_t len, int *width, int *height)
{
    tjhandle tj = tjInitDecompress();
    int sampling, space;
    if (tjDecompressHeader3(tj, jpeg, len, width, height, &sampling, &space)) {
        bench_die("output", tjGetErrorStr2(tj));
    }
    uint8_t *out = malloc((size_t)*width * (size_t)*height);
    if (tjDecompress2(tj, jpeg, len, out, *width, 0, *height, TJPF_GRAY,
                      TJFLAG_ACCURATEDCT)) {
        bench_die("output", tjGetErrorStr2(tj));
    }
    tjDestroy(tj);
    return out;
}

static double window_ssim(const float *a, const uint8_t *b, int stride)
{
    const double n = WINDOW * WINDOW, c1 = 6.5025, c2 = 58.5225;
    double sa = 0, sb = 0, saa = 0, sbb = 0, sab = 0;
    for (int y = 0; y < WINDOW; y++) {
        for (int x = 0; x < WINDOW; x++) {
            const double p = a[y * stride + x], q = b[y * stride + x];
            sa += p;
            sb += q;
            saa += p * p;
            sbb += q * q;
            sab += p * q;
        }
    }
    const double ma = sa / n, mb = sb / n;
    const double va = saa / n - ma * ma, vb = sbb / n - mb * mb, cov = sab / n - ma * mb;
    return (2 * ma * mb + c1) * (2 * cov + c2) /
           ((ma * ma + mb * mb + c1) * (va + vb + c2));
}

static double mean_ssim(const float *a, const uint8_t *b, int width, int height)
{
    double sum = 0;
    int n = 0;
    for (int y = 0; y + WINDOW <= height; y += STEP) {
        for (int x = 0; x + WINDOW <= width; x += STEP) {
            sum += window_ssim(a + y * width + x, b + y * width + x, width);
            n++;
        }
    }
    return n ? sum / n : 1;
}

struct bench_quality bench_compare(const struct bench_file *source, const uint8_t *jpeg,
                                   size_t len)
{
    int width, height;
    uint8_t *got = read_grey(jpeg, len, &width, &height);
    float *want = reference(source, width, height);
    double sum = 0;
    for (int i = 0; i < width * height; i++) {
        const double v = want[i] < 0 ? 0 : want[i] > 255 ? 255 : want[i];
        sum += (v - got[i]) * (v - got[i]);
    }
    const struct bench_quality q = {
        .psnr = 10 * log10(255.0 * 255.0 * width * height / (sum + 1e-9)),
        .ssim = mean_ssim(want, got, width, height)};
    free(want);
    free(got);
    return q;
}
