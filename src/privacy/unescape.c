// unescape.c -- see unescape.h.
// SPDX-License-Identifier: MIT
#include "privacy/unescape.h"

#include "base/mem.h"
#include "base/utf8.h"

#include <stdlib.h>
#include <string.h>

enum { MOST_TIMES = 3 };

static int hex_digit(char c)
{
    return c >= '0' && c <= '9'   ? c - '0'
           : c >= 'a' && c <= 'f' ? c - 'a' + 10
           : c >= 'A' && c <= 'F' ? c - 'A' + 10
                                  : -1;
}

// In place; the new length.
static size_t unescape(char *text, bool *has_changed)
{
    bool is_query = false;
    size_t n = 0;
    *has_changed = false;
    for (const char *at = text; *at; at++) {
        const int high = *at == '%' ? hex_digit(at[1]) : -1;
        const int low = high >= 0 ? hex_digit(at[2]) : -1;
        const bool is_blank = is_query && *at == '+';
        is_query |= *at == '?';
        *has_changed |= low >= 0 || is_blank;
        if (low >= 0) {
            const int byte = high << 4 | low;
            text[n++] = (char)(byte ? byte : ' ');
            at += 2;
        } else {
            text[n++] = is_blank ? ' ' : *at;
        }
    }
    text[n] = '\0';
    return n;
}

bool privacy_unescape(const char *text, struct buf *out)
{
    bool has_changed = false, goes_on = strpbrk(text, "%+") != NULL;
    buf_clear(out);
    char *plain = goes_on ? mem_dup(text) : NULL;
    size_t len = 0;
    for (int i = 0; i < MOST_TIMES && plain && goes_on; i++) {
        len = unescape(plain, &goes_on);
        has_changed |= goes_on;
    }
    has_changed = has_changed && buf_reserve(out, len + 1) == 0;
    if (has_changed) {
        utf8_clean(plain, len, (char *)out->data, len + 1);
        out->len = strlen((const char *)out->data);
    }
    free(plain);
    return has_changed;
}
