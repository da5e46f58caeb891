// conformance_words.h -- what servers say when they fail, and what it must mean.
// SPDX-License-Identifier: MIT
#ifndef VLMD_TEST_CONFORMANCE_WORDS_H
#define VLMD_TEST_CONFORMANCE_WORDS_H

#include <stdbool.h>

// One error as a server says it.
struct said {
    int code;    // E_*
    int status;  // it comes with
    const char *words;
    bool in_stream;  // means the same inside a success (status 200)
};

extern const struct said said[];
extern const int n_said;

#endif
