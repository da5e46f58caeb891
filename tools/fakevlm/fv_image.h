// fv_image.h -- decodes a picture and tells its size and colours.
// SPDX-License-Identifier: MIT
#ifndef FV_IMAGE_H
#define FV_IMAGE_H

#include "fv_text.h"

enum image_type { IMAGE_UNKNOWN, IMAGE_JPEG, IMAGE_PNG, IMAGE_WEBP };

enum image_corner {
    CORNER_TOP_LEFT,
    CORNER_TOP_RIGHT,
    CORNER_BOTTOM_LEFT,
    CORNER_BOTTOM_RIGHT,
    CORNER_COUNT
};

struct image_info {
    enum image_type type;
    int width_px, height_px;
    uint32_t mean_rgb;                  // 0xrrggbb
    uint32_t corner_rgb[CORNER_COUNT];  // mean of each quadrant
    bool is_decoded;                    // false: the bytes are no picture
    bool is_incomplete;                 // decoded, but a JPEG had bytes missing
};

// Really decodes the bytes.  Thread: any.
void image_read(const void *bytes, size_t len, struct image_info *info);

// Tokens of a picture on the 28 px grid (Qwen2.5-VL as llama.cpp does it), at least
// min_tokens and at most 4096.
int image_tokens(const struct image_info *info, int min_tokens);

// XXH3-128 of the bytes as 32 hex digits.
void image_hash(const void *bytes, size_t len, char hex[33]);

#endif
