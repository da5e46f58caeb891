// base64.h -- RFC 4648 base64, with padding, without line ends.
// SPDX-License-Identifier: MIT
#ifndef VLMD_BASE_BASE64_H
#define VLMD_BASE_BASE64_H

#include <stddef.h>
#include <stdint.h>

// Characters that len bytes become.  len is at most SIZE_MAX / 2.
static inline size_t base64_length(size_t len)
{
    return (len + 2) / 3 * 4;
}

// Writes base64_length(len) characters, no NUL; in and out do not overlap.  Returns how many.
size_t base64_encode(const uint8_t *in, size_t len, char *out);

#endif
