// fit.h -- the size a picture is sent in: by its long side, or by a model's patches.
// SPDX-License-Identifier: MIT
#ifndef VLMD_IMAGE_FIT_H
#define VLMD_IMAGE_FIT_H

// The long side at most side px, the other one in proportion, rounded to nearest (halves
// up), both at least 1; never enlarged.
void fit_side(int width, int height, int side, int *out_width, int *out_height);

// Whole patches of patch px, at most so many of them, never enlarged: models cut pictures
// into such patches, each one or a fixed share of a token, and would resize once more what
// does not fit.  The shape changes by at most 4 %, as models do themselves.  Where no
// such size exists (smaller than a patch, very long) the long side decides.
void fit_patches(int width, int height, int patch, int patches, int *out_width,
                 int *out_height);

#endif
