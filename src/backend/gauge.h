// gauge.h -- single numbers out of a server's Prometheus text (PROTOCOLS.md 10).  Pure.
// SPDX-License-Identifier: MIT
#ifndef VLMD_BACKEND_GAUGE_H
#define VLMD_BACKEND_GAUGE_H

#include <stdbool.h>

struct gauge {
    double sum;  // over all series of the name
    double max;
    int n;  // series; 0 = the text has none
};

// A number as Prometheus and JSON write it, whatever the host's locale is; what stands behind
// it does not matter.  false: none, or not finite.
bool gauge_number(const char *s, double *out);

// The series of that name whose label model_name is model, or which have no such label.
// text has a NUL behind it.  Numbers are read in the C locale's form whatever the host's is;
// "NaN" and the like do not count.
// Source: Prometheus text format 0.0.4.
struct gauge gauge_read(const char *text, const char *name, const char *model);
// The sum as a count; -1: the text has none.  Whatever the server says, it is a number.
int gauge_count(const struct gauge *g);

#endif
