// day.h -- pictures through the real code, and a made-up working day.
// SPDX-License-Identifier: MIT
#ifndef VLMD_DAY_H
#define VLMD_DAY_H

#include "image/image.h"
#include "screen.h"

struct prepared {
    uint8_t thumb[IMAGE_THUMB_W * IMAGE_THUMB_H];
    int width, height;
};

// End the program when the picture can not be read.
void prepare_file(const char *path, struct prepared *out);
void prepare_scene(const struct scene *s, struct prepared *out);
struct image_look prepared_look(const struct prepared *p);

// Prints what became of the pictures of a day.  1: a change was missed.
int run_day(double hours);

#endif
