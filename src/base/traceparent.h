// traceparent.h -- the header that ties the spans of several programs to one trace.
// Source: W3C, Trace Context, Level 1.
// SPDX-License-Identifier: MIT
#ifndef VLMD_BASE_TRACEPARENT_H
#define VLMD_BASE_TRACEPARENT_H

#include <stdbool.h>
#include <stdint.h>

enum { TRACEPARENT_BYTES = 56 };  // with its end

struct traceparent {
    uint8_t trace[16];
    uint8_t span[8];
    bool is_sampled;
};

// false: not one, or one of zeros.  Later versions may be longer.
bool traceparent_parse(const char *s, struct traceparent *out);
void traceparent_format(const struct traceparent *t, char out[TRACEPARENT_BYTES]);
// n bytes as 2 * n digits and an end.
void traceparent_hex(const uint8_t *bytes, int n, char *out);

#endif
