// fuzz_webp.c -- libFuzzer target: WebP from head to result; and what our decoder of VP8
// makes of it, when it does, is what libwebp makes of it, by every set of kernels.
//
// The container's length is set right, or nearly all inputs would only be incomplete.
// SPDX-License-Identifier: MIT
#include "image/fuzz_kit.h"
#include "image/vp8_kit.h"

#include <stdlib.h>
#include <string.h>
#include <webp/decode.h>

enum { LEAST = 16 };

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t len);

static void check_planes(const uint8_t *file, size_t len, const struct kernels *k,
                         const struct vp8_planes *theirs, int status)
{
    struct vp8_planes ours;
    if (vp8_kit_ours(&ours, file, len, k) == 0) {
        fuzz_must(status == 0, "libwebp refuses what we decode");
        fuzz_must(vp8_kit_compare(&ours, theirs) < 0, "other planes than libwebp's");
        vp8_kit_free(&ours);
    }
}

static bool is_small(const uint8_t *file, size_t len)
{
    enum { MOST_PX = 1 << 15 };
    WebPBitstreamFeatures f;
    return WebPGetFeatures(file, len, &f) == VP8_STATUS_OK && !f.has_alpha &&
           !f.has_animation && f.format == 1 && f.width * f.height <= MOST_PX;
}

static void compare(const uint8_t *file, size_t len)
{
    struct vp8_planes theirs;
    if (!is_small(file, len)) {
        return;
    }
    const int status = vp8_kit_theirs(&theirs, file, len);
    check_planes(file, len, &kernels_scalar, &theirs, status);
    check_planes(file, len, kernels_best(), &theirs, status);
    vp8_kit_free(&theirs);
}

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
    compare(file, n);
    free(file);
    return 0;
}
