// utf8.c -- validation after RFC 3629.
// SPDX-License-Identifier: MIT
#include "base/utf8.h"

#include <stdint.h>
#include <string.h>

static uint32_t decode(const unsigned char *s, size_t n)
{
    static const unsigned char mask[] = {0, 0x7f, 0x1f, 0x0f, 0x07};
    uint32_t c = s[0] & mask[n];
    for (size_t i = 1; i < n; i++) {
        c = c << 6 | (s[i] & 0x3f);
    }
    return c;
}

size_t utf8_char(const char *text, size_t len)
{
    const unsigned char *s = (const unsigned char *)text;
    if (len == 0) {
        return 0;
    }
    size_t n = s[0] < 0x80 ? 1 : s[0] < 0xc2 ? 0 : s[0] < 0xe0 ? 2 : s[0] < 0xf0 ? 3 : 4;
    if (n == 0 || n > len || s[0] > 0xf4) {
        return 0;
    }
    for (size_t i = 1; i < n; i++) {
        if ((s[i] & 0xc0) != 0x80) {
            return 0;
        }
    }
    uint32_t c = decode(s, n);
    bool is_overlong = (n == 3 && c < 0x800) || (n == 4 && c < 0x10000);
    bool is_surrogate = c >= 0xd800 && c <= 0xdfff;
    return is_overlong || is_surrogate || c > 0x10ffff ? 0 : n;
}

bool utf8_is_valid(const char *s, size_t len)
{
    for (size_t i = 0; i < len;) {
        size_t n = utf8_char(s + i, len - i);
        if (n == 0) {
            return false;
        }
        i += n;
    }
    return true;
}

void utf8_clean(const char *s, size_t len, char *out, size_t size)
{
    size_t o = 0;
    for (size_t i = 0; i < len && s[i];) {
        size_t n = utf8_char(s + i, len - i);
        size_t put = n ? n : 1;
        if (o + put >= size) {
            break;
        }
        if (n == 0) {
            out[o] = '?';
        } else if ((unsigned char)s[i] < 0x20 || s[i] == 0x7f) {
            out[o] = ' ';
        } else {
            memcpy(out + o, s + i, n);
        }
        o += put;
        i += put;
    }
    if (size) {
        out[o] = 0;
    }
}

// East Asian wide and emoji blocks.  Source: Unicode TR11, the ranges in everyday use.
static bool is_wide(uint32_t c)
{
    return (c >= 0x1100 && c <= 0x115f) || (c >= 0x2e80 && c <= 0xa4cf) ||
           (c >= 0xac00 && c <= 0xd7a3) || (c >= 0xf900 && c <= 0xfaff) ||
           (c >= 0xfe30 && c <= 0xfe6f) || (c >= 0xff00 && c <= 0xff60) ||
           (c >= 0x1f300 && c <= 0x1faff) || (c >= 0x20000 && c <= 0x3fffd);
}

int utf8_columns(const char *s)
{
    size_t len = strlen(s);
    int columns = 0;
    for (size_t i = 0; i < len;) {
        size_t n = utf8_char(s + i, len - i);
        uint32_t c = n ? decode((const unsigned char *)s + i, n) : '?';
        bool is_combining = c >= 0x300 && c <= 0x36f;
        columns += is_combining ? 0 : is_wide(c) ? 2 : 1;
        i += n ? n : 1;
    }
    return columns;
}
