// kernels_simd.h -- the vector sets, for kernels.c; each ends rows with what it is made of.
// SPDX-License-Identifier: MIT
#ifndef VLMD_IMAGE_KERNELS_SIMD_H
#define VLMD_IMAGE_KERNELS_SIMD_H

#include "image/kernels.h"

#if defined(__x86_64__)
#define VLMD_HAS_X86_KERNELS 1
extern const struct kernels kernels_sse41;
extern const struct kernels kernels_avx2;
void sse41_unfilter(int filter, const uint8_t *in, const uint8_t *up, size_t n,
                    size_t step, uint8_t *out);
void avx_unfilter(int filter, const uint8_t *in, const uint8_t *up, size_t n, size_t step,
                  uint8_t *out);
void blocks_avx2(const uint8_t *const left[BLOCK_SIDE],
                 const uint8_t *const right[BLOCK_SIDE], int x, const struct quantiser *q,
                 struct block_pair *out);
void sse41_add_block(const int16_t coeffs[16], uint8_t *at, int stride);
void sse41_add_mean(int coeff, uint8_t *at, int stride);
#elif defined(__aarch64__)
#define VLMD_HAS_NEON_KERNELS 1
extern const struct kernels kernels_neon;
void neon_unfilter(int filter, const uint8_t *in, const uint8_t *up, size_t n,
                   size_t step, uint8_t *out);
void neon_blocks(const uint8_t *const left[BLOCK_SIDE],
                 const uint8_t *const right[BLOCK_SIDE], int x, const struct quantiser *q,
                 struct block_pair *out);
void neon_add_block(const int16_t coeffs[16], uint8_t *at, int stride);
void neon_add_mean(int coeff, uint8_t *at, int stride);
#endif

#endif
