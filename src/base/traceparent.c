// traceparent.c -- see traceparent.h.
// SPDX-License-Identifier: MIT
#include "base/traceparent.h"

#include <stdio.h>
#include <string.h>

static int digit(char c)
{
    return c >= '0' && c <= '9' ? c - '0' : c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

// Returns what follows, or NULL.
static const char *take_hex(const char *s, uint8_t *out, int n)
{
    for (int i = 0; i < n; i++, s += 2) {
        int high = digit(s[0]);
        int low = high < 0 ? -1 : digit(s[1]);
        if (low < 0) {
            return NULL;
        }
        out[i] = (uint8_t)(high << 4 | low);
    }
    return s;
}

static const char *take_dash(const char *s)
{
    return s && *s == '-' ? s + 1 : NULL;
}

static bool is_zero(const uint8_t *bytes, int n)
{
    for (int i = 0; i < n; i++) {
        if (bytes[i]) {
            return false;
        }
    }
    return true;
}

bool traceparent_parse(const char *s, struct traceparent *out)
{
    uint8_t version, flags;
    struct traceparent t;
    s = take_dash(take_hex(s, &version, 1));
    s = s ? take_dash(take_hex(s, t.trace, 16)) : NULL;
    s = s ? take_dash(take_hex(s, t.span, 8)) : NULL;
    s = s ? take_hex(s, &flags, 1) : NULL;
    if (!s || version == 0xff || is_zero(t.trace, 16) || is_zero(t.span, 8)) {
        return false;
    }
    bool is_end = *s == 0 || (version > 0 && *s == '-');
    t.is_sampled = flags & 1;
    if (is_end) {
        *out = t;
    }
    return is_end;
}

void traceparent_hex(const uint8_t *bytes, int n, char *out)
{
    static const char digits[] = "0123456789abcdef";
    for (int i = 0; i < n; i++) {
        *out++ = digits[bytes[i] >> 4];
        *out++ = digits[bytes[i] & 15];
    }
    *out = 0;
}

void traceparent_format(const struct traceparent *t, char out[TRACEPARENT_BYTES])
{
    char trace[33], span[17];
    traceparent_hex(t->trace, 16, trace);
    traceparent_hex(t->span, 8, span);
    snprintf(out, TRACEPARENT_BYTES, "00-%s-%s-0%d", trace, span, t->is_sampled);
}
