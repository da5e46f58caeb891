// exif.h -- the few EXIF fields that say what a screenshot is of and when it was taken.
// SPDX-License-Identifier: MIT
#ifndef VLMD_INGEST_EXIF_H
#define VLMD_INGEST_EXIF_H

#include "base/err.h"

#include <stddef.h>
#include <stdint.h>

struct exif {
    const uint8_t *description;  // ImageDescription; borrowed: from the bytes; or NULL
    size_t description_len;
    char taken[20];        // DateTimeOriginal "YYYY:MM:DD HH:MM:SS", or ""
    char taken_offset[8];  // OffsetTimeOriginal "+HH:MM", or ""
};

// tiff: what follows "Exif\0\0" in a JPEG.  Damaged directories give fewer fields, never
// an error.  Source: TIFF 6.0 section 2, EXIF 2.32 section 4.6.
void exif_parse(const uint8_t *tiff, size_t len, struct exif *out);

#endif
