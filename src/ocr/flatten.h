// flatten.h -- dark letters on white paper, whatever the windows' colours were.
// SPDX-License-Identifier: MIT
#ifndef VLMD_OCR_FLATTEN_H
#define VLMD_OCR_FLATTEN_H

#include "base/err.h"

#include <stdbool.h>
#include <stdint.h>

// Each pixel becomes its distance from the ground around it: 255 is ground, 0 the letter
// that differs most nearby.  luma: width * height bytes.
// Errors: E_NOMEM; luma is as it was then.
MUST_USE int flatten(uint8_t *luma, int width, int height);

#endif
