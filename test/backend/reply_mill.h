// reply_mill.h -- any bytes through everything that reads what servers and models say.
// SPDX-License-Identifier: MIT
#ifndef VLMD_TEST_REPLY_MILL_H
#define VLMD_TEST_REPLY_MILL_H

#include <stddef.h>
#include <stdint.h>

// The first byte chooses protocol and pieces, the rest is the reply's body.  Aborts when
// something that must always hold does not.  Returns how the reading ended: 0 or E_*.
int reply_grind(const uint8_t *bytes, size_t len);

#endif
