// xxh3.h -- xxhash.h, with functions for the widest vectors of the machine where the library
// has them: three times as fast as those that every x86-64 machine can run.
// SPDX-License-Identifier: MIT
#ifndef VLMD_IMAGE_XXH3_H
#define VLMD_IMAGE_XXH3_H

#ifdef VLMD_HAS_XXH_DISPATCH
#include <xxh_x86dispatch.h>
#else
#include <xxhash.h>
#endif

#endif
