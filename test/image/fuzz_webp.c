// fuzz_webp.c -- libFuzzer target: WebP from head to result.
//
// The container's length is set right, or nearly all inputs would only be incomplete.
// SPDX-License-Identifier: MIT
#include "image/fuzz_kit.h"

#include <stdlib.h>
#include <string.h>

enum { LEAST = 16 };

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t len);

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t len)
{
    if (len < FUZZ_PARAMS + LEAST) {
        return 0;
    }
    const struct fuzz_params p = fuzz_params_get(bytes);
    const size_t n = len - FUZZ_PARAMS;
    uint8_t *file = fuzz_copy(bytes + FUZZ_PARAMS, n);
    memcpy(file, "RIFF", 4);
    memcpy(file + 8, "WEBP", 4);
    for (int i = 0; i < 4; i++) {
        file[4 + i] = (uint8_t)((n - 8) >> 8 * i);
    }
    fuzz_prepare(file, n, &p);
    free(file);
    return 0;
}
