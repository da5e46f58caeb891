// trim.h -- memory that the codecs took goes back to the system.
// SPDX-License-Identifier: MIT
#ifndef VLMD_IMAGE_TRIM_H
#define VLMD_IMAGE_TRIM_H

// What is free in the heap is given back, as far as the C library can be made to.
// Thread: the one whose heap it is; a call costs less than a tenth of a picture.
void trim_heap(void);

#endif
