// fuzz_image.c -- libFuzzer target: any bytes through probe, limits, decode and encode.
// SPDX-License-Identifier: MIT
#include "image/image.h"

#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t len);

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t len)
{
    static const struct image_config c = {.max_pixels = 1 << 20,
                                          .memory_bytes = 64 << 20};
    struct image_req r = {
        .bytes = bytes, .bytes_len = len, .target_px = 64, .want_luma = true};
    const int rc = image_prepare_now(&c, &r);
    if (rc == E_BUG || (rc == 0 && (!r.luma || !r.jpeg.len))) {
        abort();
    }
    image_req_fini(&r);
    return 0;
}
