// kernels.c -- which set of inner loops this machine can run.
// SPDX-License-Identifier: MIT
#include "image/kernels.h"

#include "image/kernels_simd.h"

const struct kernels *kernels_at(int i)
{
#if VLMD_HAS_X86_KERNELS
    switch (i) {
    case 0: return &kernels_scalar;
    case 1: return __builtin_cpu_supports("sse4.1") ? &kernels_sse41 : NULL;
    case 2: return __builtin_cpu_supports("avx2") ? &kernels_avx2 : NULL;
    default: return NULL;
    }
#elif VLMD_HAS_NEON_KERNELS
    return i == 0 ? &kernels_scalar : i == 1 ? &kernels_neon : NULL;
#else
    return i == 0 ? &kernels_scalar : NULL;
#endif
}

const struct kernels *kernels_best(void)
{
    int i = 0;
    while (kernels_at(i + 1)) {
        i++;
    }
    return kernels_at(i);
}
