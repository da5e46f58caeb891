// nearest.c -- Levenshtein's distance in one row.
// SPDX-License-Identifier: MIT
#include "base/nearest.h"

#include <string.h>

static int least(int a, int b, int c)
{
    int m = a < b ? a : b;
    return m < c ? m : c;
}

int nearest_distance(const char *a, const char *b)
{
    int row[NEAREST_MAX_BYTES + 1];
    size_t n = strlen(b);
    if (n > NEAREST_MAX_BYTES || strlen(a) > NEAREST_MAX_BYTES) {
        return NEAREST_MAX_BYTES;
    }
    for (size_t j = 0; j <= n; j++) {
        row[j] = (int)j;
    }
    for (int i = 1; a[i - 1]; i++) {
        int diagonal = row[0];
        row[0] = i;
        for (size_t j = 1; j <= n; j++) {
            int above = row[j];
            row[j] = least(above + 1, row[j - 1] + 1, diagonal + (a[i - 1] != b[j - 1]));
            diagonal = above;
        }
    }
    return row[n];
}

int nearest_limit(size_t len)
{
    return (int)(len / 3 > 2 ? len / 3 : 2) + 1;
}
