// e2e_pictures.h -- pictures that can be told apart by the answer of the fake backend.
//
// Picture n has four plain quarters whose colours are n written in digits far enough apart
// to survive a JPEG; what the backend says of the corners tells which picture it was shown.
// SPDX-License-Identifier: MIT
#ifndef E2E_PICTURES_H
#define E2E_PICTURES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum { PICTURE_W = 320, PICTURE_H = 192, PICTURE_MAX = 12 * 12 * 12 * 12 };

// PNG bytes; the caller frees.
uint8_t *picture_bytes(int n, size_t *len);
// FOLDER/NAME, or FOLDER/pic-NNNNN.png when name is NULL.
void picture_write(const char *folder, const char *name, int n);
// Of pic-NNNNN.png, whatever the folder; -1 = another name.
int picture_number(const char *path);
// Is this what the fake backend says of picture n?
bool picture_is_described(int n, const char *summary);
// A lossy WebP of picture n as trackers write it; json NULL = without metadata.
uint8_t *picture_webp(int n, int quality, const char *json, size_t *len);
// A PNG of random points: the larger the more bytes it has.
uint8_t *picture_noise(int width, int height, uint32_t seed, size_t *len);
// A page with these words in black on white, large enough to be recognised.
uint8_t *picture_words(const char *words, size_t *len);

#endif
