// fold.c -- capital letters made small, without the locale.
//
// The library never calls setlocale, so tolower and FNM_CASEFOLD see ASCII only; a rule
// "Банк" has to match "БАНК" all the same.  Every pair below has the same length in UTF-8.
// Source: Unicode CaseFolding.txt, the blocks of alphabets in everyday use.
// SPDX-License-Identifier: MIT
#include "privacy/fold.h"

#include "base/utf8.h"

#include <stdint.h>
#include <string.h>

// Capitals first..last; the small letter is add further on.  step 2: capitals and small
// letters alternate.  In order.
static const struct range {
    uint16_t first;
    uint16_t last;
    uint16_t add;
    uint16_t step;
} ranges[] = {
    {0x00c0, 0x00d6, 32, 1}, {0x00d8, 0x00de, 32, 1}, {0x0100, 0x012e, 1, 2},
    {0x0132, 0x0136, 1, 2},  {0x0139, 0x0147, 1, 2},  {0x014a, 0x0176, 1, 2},
    {0x0179, 0x017d, 1, 2},  {0x0391, 0x03a1, 32, 1}, {0x03a3, 0x03ab, 32, 1},
    {0x0400, 0x040f, 80, 1}, {0x0410, 0x042f, 32, 1}, {0x0460, 0x0480, 1, 2},
    {0x048a, 0x04be, 1, 2},  {0x04d0, 0x052e, 1, 2},  {0x0531, 0x0556, 48, 1},
};

static uint32_t small(uint32_t c)
{
    size_t low = 0, high = sizeof(ranges) / sizeof(ranges[0]);
    while (low < high) {  // the first range that ends at c or behind
        const size_t middle = low + (high - low) / 2;
        low = ranges[middle].last < c ? middle + 1 : low;
        high = ranges[middle].last < c ? high : middle;
    }
    const struct range *r = &ranges[low];
    if (low == sizeof(ranges) / sizeof(ranges[0]) || c < r->first) {
        return c;
    }
    return r->step == 1 || (c - r->first) % 2 == 0 ? c + r->add : c;
}

size_t fold_char(const char *s, size_t len, char *out)
{
    size_t n = utf8_char(s, len);
    n = n ? n : 1;
    memcpy(out, s, n);
    if (n == 1) {
        out[0] = s[0] >= 'A' && s[0] <= 'Z' ? (char)(s[0] + ('a' - 'A')) : s[0];
    } else if (n == 2) {
        uint32_t c = small((uint32_t)(s[0] & 0x1f) << 6 | (uint32_t)(s[1] & 0x3f));
        out[0] = (char)(0xc0 | c >> 6);
        out[1] = (char)(0x80 | (c & 0x3f));
    }
    return n;
}

bool fold_case(const char *text, char *out, size_t size)
{
    size_t len = strlen(text);
    if (len >= size) {
        return false;
    }
    for (size_t i = 0; i < len;) {
        i += fold_char(text + i, len - i, out + i);
    }
    out[len] = 0;
    return true;
}
