// bench_image.h -- the parts of the picture benchmark.
// SPDX-License-Identifier: MIT
#ifndef VLMD_BENCH_IMAGE_H
#define VLMD_BENCH_IMAGE_H

#include "image/prepare.h"

#include <stddef.h>
#include <stdint.h>

struct bench_file {
    const char *path;  // borrowed: of the command line
    uint8_t *bytes;    // owned
    size_t len;
};

struct bench_quality {
    double psnr;  // of luma, dB
    double ssim;  // of luma, 8 x 8 windows
};

// All functions end the program with words on stderr when something does not work.
void bench_die(const char *path, const char *words);
void bench_read(struct bench_file *f, const char *path);
double bench_cpu_ms(void);              // of the process, all threads
double bench_wall_ms(void);             // monotonic
double bench_median(double *v, int n);  // sorts v
long bench_status_kb(const char *key);  // of /proc/self/status, e.g. "VmHWM:"
// One picture with the worker's warm memory; *jpeg is replaced unless it is NULL.
void bench_prepare(const struct bench_file *f, int side, struct worker *w,
                   struct image_req *r);

// Writes made-up screens to files that go with the program; returns how many paths (borrowed:
// for the program's life) it put into out.
enum { BENCH_SAMPLES = 20 };
int bench_make_samples(const char **out);

// The time no decoder of this kind can avoid: inflate, entropy decoding; CPU-ms, the
// least of several rounds.
double bench_floor_ms(const struct bench_file *f, enum image_format format);
// A JPEG against the float64 Lanczos3 picture of the source's luma.
struct bench_quality bench_compare(const struct bench_file *source, const uint8_t *jpeg,
                                   size_t len);
// n pictures, all files in turn, through the image pool; prints images/s and memory, with
// rests also what is left of it ten seconds later.
void bench_burst(const struct bench_file *files, int n_files, int n, int threads,
                 int side, bool rests);
// How often threads (at most 64) together turn a loop that touches no memory, per ms.
double bench_spin(int threads);
// Prints how many times the pictures of one thread threads make, and at what CPU.
void bench_scale(const struct bench_file *files, int n_files, int threads, int side,
                 int rounds);

#endif
