// organs.h -- the pipeline's table of organs, bound to the real ones of an app.
// SPDX-License-Identifier: MIT
#ifndef VLMD_ORGANS_H
#define VLMD_ORGANS_H

#include "app.h"

void organs_bind(struct app *a, struct pipeline_organs *out);
// Uniform 32 bit, for jitter; app: the struct app.
uint32_t organs_random(void *app);

#endif
