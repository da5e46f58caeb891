// fuzz_jpeg.c -- libFuzzer target: JPEG from head to result.
// SPDX-License-Identifier: MIT
#include "image/fuzz_kit.h"

#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t len);

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t len)
{
    if (len < FUZZ_PARAMS + 4) {
        return 0;
    }
    const struct fuzz_params p = fuzz_params_get(bytes);
    uint8_t *file = fuzz_copy(bytes + FUZZ_PARAMS, len - FUZZ_PARAMS);
    memcpy(file, "\xff\xd8\xff", 3);
    fuzz_prepare(file, len - FUZZ_PARAMS, &p);
    free(file);
    return 0;
}
