// rules_text.c -- titles and names from anywhere, made fit to be compared.
//
// Edge writes a zero-width space into its own name, browsers put direction marks around
// titles in Hebrew and Arabic, and a page may put anything into its title: a rule has to see
// what a person sees.
// Source: Unicode DerivedCoreProperties.txt (Default_Ignorable_Code_Point), PropList.txt
// (White_Space).
// SPDX-License-Identifier: MIT
#include "privacy/rules_text.h"

#include "base/utf8.h"

#include <stdint.h>
#include <string.h>

struct range {
    uint32_t first, last;
};

static const struct range unseen[] = {
    {0x00ad, 0x00ad}, {0x034f, 0x034f}, {0x061c, 0x061c},   {0x180b, 0x180f},
    {0x200b, 0x200f}, {0x202a, 0x202e}, {0x2060, 0x206f},   {0x3164, 0x3164},
    {0xfe00, 0xfe0f}, {0xfeff, 0xfeff}, {0xe0000, 0xe0fff},
};

static const struct range blanks[] = {
    {0x0000, 0x0020}, {0x007f, 0x00a0}, {0x1680, 0x1680}, {0x2000, 0x200a},
    {0x2028, 0x2029}, {0x202f, 0x202f}, {0x205f, 0x205f}, {0x3000, 0x3000},
};

#define IS_IN(ranges, c) is_in(ranges, sizeof(ranges) / sizeof((ranges)[0]), c)

static bool is_in(const struct range *ranges, size_t n, uint32_t c)
{
    for (size_t i = 0; i < n && c >= ranges[i].first; i++) {
        if (c <= ranges[i].last) {
            return true;
        }
    }
    return false;
}

// The valid character of n bytes at s.
static uint32_t decode(const char *s, size_t n)
{
    static const unsigned char lead[] = {0, 0x7f, 0x1f, 0x0f, 0x07};
    uint32_t c = (unsigned char)s[0] & lead[n];
    for (size_t i = 1; i < n; i++) {
        c = c << 6 | ((unsigned char)s[i] & 0x3f);
    }
    return c;
}

bool rule_text(const char *text, char *out, size_t size)
{
    size_t len = strnlen(text, 2 * size);
    size_t used = 0;
    size_t at = 0;
    while (at < len) {
        size_t n = utf8_char(text + at, len - at);
        uint32_t c = n ? decode(text + at, n) : '?';
        bool is_kept = n > 1 && !IS_IN(blanks, c);
        if (!IS_IN(unseen, c)) {
            size_t width = is_kept ? n : 1;
            if (used + width >= size) {
                break;
            }
            memcpy(out + used, IS_IN(blanks, c) ? " " : n ? text + at : "?", width);
            used += width;
        }
        at += n ? n : 1;
    }
    out[used] = 0;
    return text[at] == 0;
}
