// memory_kit.h -- what this process holds of memory, for tests that set a limit to it.
// SPDX-License-Identifier: MIT
#ifndef VLMD_TEST_MEMORY_KIT_H
#define VLMD_TEST_MEMORY_KIT_H

#include <stdbool.h>

// Exact; VmRSS is so within some pages of each processor only.
long memory_resident_kb(void);
long memory_peak_kb(void);
// The peak is now; false: a container does not let us.
bool memory_reset_peak(void);
// What is freed goes back as glibc has it go: no sanitizer keeps it.
bool memory_is_glibc(void);

#endif
