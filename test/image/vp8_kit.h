// vp8_kit.h -- one lossy WebP decoded twice, by us and by libwebp.
// SPDX-License-Identifier: MIT
#ifndef VLMD_TEST_VP8_KIT_H
#define VLMD_TEST_VP8_KIT_H

#include "image/kernels.h"

// Planes as they were coded, not filtered.
struct vp8_planes {
    int width;
    int height;
    uint8_t *p[3];  // owned; rows of exactly their width
};

// With the scalar kernels everything is that of any machine.
// Errors: as vp8_open and vp8_next_row.  Planes may be freed in any case.
int vp8_kit_ours(struct vp8_planes *out, const uint8_t *file, size_t len,
                 const struct kernels *kernels);
// libwebp's status.
int vp8_kit_theirs(struct vp8_planes *out, const uint8_t *file, size_t len);
void vp8_kit_free(struct vp8_planes *p);
// The first plane that differs, or -1.
int vp8_kit_compare(const struct vp8_planes *a, const struct vp8_planes *b);

#endif
