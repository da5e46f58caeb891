// jpeg_parts.h -- what the two ways of decoding a JPEG share.
//
// jpeg.c has all bytes in memory and uses TurboJPEG; jpeg_feed.c reads a large file through
// its feed and uses libjpeg, which has a source of bytes.  Both make the same pixels.
// SPDX-License-Identifier: MIT
#ifndef VLMD_IMAGE_JPEG_PARTS_H
#define VLMD_IMAGE_JPEG_PARTS_H

#include "image/picture.h"

enum { JPEG_BLOCK = 8 };

// Files over this are decoded at their full size, whichever way: libjpeg's own shrink of
// chroma planes differs from TurboJPEG's, and of the time most goes into their many bytes.
#define JPEG_LARGE_BYTES ((size_t)50 << 20)

// Half a picture, a damaged one, or none at all?  0: only more bytes than needed.
// words: of libjpeg.
int jpeg_error(const char *words, struct err *e);
int jpeg_no_memory(const struct decode *d);
// sampling: TJSAMP_*.  Errors: E_NOMEM.
MUST_USE int jpeg_get_planes(struct decode *d, int width, int height, int sampling,
                             struct planes *full);
// Masks, shrinks, copies luma.  scale: the planes are that many times smaller than the
// picture.  Errors: E_NOMEM.
MUST_USE int jpeg_use_planes(struct decode *d, struct planes *full, int sampling,
                             int scale);
void jpeg_widen_mask(struct decode *d);  // to whole units that are coded together
// In place.
void jpeg_cmyk_to_rgb(uint8_t *row, int n, bool is_inverted);

// Errors: E_CUT, E_CORRUPT, E_FORMAT, E_NOMEM, E_IO.
MUST_USE int jpeg_feed_decode(struct decode *d);

#endif
