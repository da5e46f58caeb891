// fv_text.c -- growing byte strings and base64, for the fake backend.
// SPDX-License-Identifier: MIT
#include "fv_text.h"

#include <assert.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

void *fv_alloc(size_t size)
{
    void *p = calloc(1, size ? size : 1);
    if (!p) {
        fputs("fakevlm: out of memory\n", stderr);
        abort();
    }
    return p;
}

char *fv_strndup(const char *s, size_t len)
{
    char *copy = fv_alloc(len + 1);
    memcpy(copy, s, len);
    return copy;
}

// Makes room for `more` bytes and the 0 behind them.
static void reserve(struct text *t, size_t more)
{
    if (more >= TEXT_MAX || t->len + more >= TEXT_MAX) {
        fputs("fakevlm: a text passed its limit\n", stderr);
        abort();
    }
    if (t->len + more < t->cap)
        return;
    size_t cap = t->cap ? t->cap : 256;
    while (cap <= t->len + more)
        cap *= 2;
    char *data = realloc(t->data, cap);
    if (!data) {
        fputs("fakevlm: out of memory\n", stderr);
        abort();
    }
    t->data = data;
    t->cap = cap;
}

void text_add(struct text *t, const void *bytes, size_t len)
{
    reserve(t, len);
    if (len)
        memcpy(t->data + t->len, bytes, len);
    t->len += len;
    t->data[t->len] = 0;
}

void text_puts(struct text *t, const char *s)
{
    text_add(t, s, strlen(s));
}

void text_printf(struct text *t, const char *format, ...)
{
    va_list args, again;
    va_start(args, format);
    va_copy(again, args);
    int len = vsnprintf(NULL, 0, format, args);
    assert(len >= 0);
    reserve(t, (size_t)len);
    vsnprintf(t->data + t->len, (size_t)len + 1, format, again);
    t->len += (size_t)len;
    va_end(again);
    va_end(args);
}

static void add_json_byte(struct text *t, unsigned char c)
{
    switch (c) {
    case '"': text_puts(t, "\\\""); break;
    case '\\': text_puts(t, "\\\\"); break;
    case '\n': text_puts(t, "\\n"); break;
    case '\t': text_puts(t, "\\t"); break;
    default:
        if (c < 0x20)
            text_printf(t, "\\u%04x", c);
        else
            text_add(t, &c, 1);
    }
}

void text_json(struct text *t, const char *s, size_t len)
{
    text_puts(t, "\"");
    for (size_t i = 0; i < len; i++)
        add_json_byte(t, (unsigned char)s[i]);
    text_puts(t, "\"");
}

void text_clear(struct text *t)
{
    t->len = 0;
    if (t->data)
        t->data[0] = 0;
}

void text_free(struct text *t)
{
    free(t->data);
    *t = (struct text){0};
}

struct text text_take(struct text *t)
{
    struct text taken = *t;
    *t = (struct text){0};
    return taken;
}

// The value of each character, or -1.
static const signed char sextets[256] = {
    -1, -1, -1, -1, -1, -1, -1, -1, -1, -1, -1, -1, -1, -1, -1, -1,  //
    -1, -1, -1, -1, -1, -1, -1, -1, -1, -1, -1, -1, -1, -1, -1, -1,  //
    -1, -1, -1, -1, -1, -1, -1, -1, -1, -1, -1, 62, -1, -1, -1, 63,  // + /
    52, 53, 54, 55, 56, 57, 58, 59, 60, 61, -1, -1, -1, -1, -1, -1,  // 0
    -1, 0,  1,  2,  3,  4,  5,  6,  7,  8,  9,  10, 11, 12, 13, 14,  // A
    15, 16, 17, 18, 19, 20, 21, 22, 23, 24, 25, -1, -1, -1, -1, -1,  // P
    -1, 26, 27, 28, 29, 30, 31, 32, 33, 34, 35, 36, 37, 38, 39, 40,  // a
    41, 42, 43, 44, 45, 46, 47, 48, 49, 50, 51, -1, -1, -1, -1, -1,  // p
    -1, -1, -1, -1, -1, -1, -1, -1, -1, -1, -1, -1, -1, -1, -1, -1,  //
    -1, -1, -1, -1, -1, -1, -1, -1, -1, -1, -1, -1, -1, -1, -1, -1,  //
    -1, -1, -1, -1, -1, -1, -1, -1, -1, -1, -1, -1, -1, -1, -1, -1,  //
    -1, -1, -1, -1, -1, -1, -1, -1, -1, -1, -1, -1, -1, -1, -1, -1,  //
    -1, -1, -1, -1, -1, -1, -1, -1, -1, -1, -1, -1, -1, -1, -1, -1,  //
    -1, -1, -1, -1, -1, -1, -1, -1, -1, -1, -1, -1, -1, -1, -1, -1,  //
    -1, -1, -1, -1, -1, -1, -1, -1, -1, -1, -1, -1, -1, -1, -1, -1,  //
    -1, -1, -1, -1, -1, -1, -1, -1, -1, -1, -1, -1, -1, -1, -1, -1,  //
};

static int sextet(char c)
{
    return sextets[(unsigned char)c];
}

// Groups of four up to the first that is not whole; there is room.  Returns its place.
static size_t decode_groups(const char *in, size_t len, struct text *out)
{
    size_t i = 0;
    for (; len - i >= 4; i += 4) {
        int a = sextet(in[i]), b = sextet(in[i + 1]);
        int c = sextet(in[i + 2]), d = sextet(in[i + 3]);
        if ((a | b | c | d) < 0)
            break;
        char *to = out->data + out->len;
        to[0] = (char)(a << 2 | b >> 4);
        to[1] = (char)(b << 4 | c >> 2);
        to[2] = (char)(c << 6 | d);
        out->len += 3;
    }
    return i;
}

// Adds the whole bytes of `n` collected sextets (2, 3 or 4).
static void add_quantum(struct text *out, uint32_t bits, int n)
{
    bits <<= 6 * (4 - n);
    unsigned char bytes[3] = {(unsigned char)(bits >> 16), (unsigned char)(bits >> 8),
                              (unsigned char)bits};
    text_add(out, bytes, (size_t)(n - 1));
}

// Checks the tail that begins at `at` with `n` sextets read before it.
static long check_padding(const char *in, size_t len, size_t at, int n)
{
    if (n == 0)
        return at == len ? -1 : (long)at;
    if (at == len)
        return (long)(at - (size_t)n);  // Go names the beginning of the unfinished group
    if (n == 1)
        return (long)at;
    size_t pads = (size_t)(4 - n);
    for (size_t i = 0; i < pads; i++, at++) {
        if (at == len || in[at] != '=')
            return (long)at;
    }
    return at == len ? -1 : (long)at;
}

long base64_decode(const char *in, size_t len, enum base64_rule rule, struct text *out)
{
    uint32_t bits = 0;
    int n = 0;
    reserve(out, len / 4 * 3 + 4);
    size_t i = decode_groups(in, len, out);
    for (; i < len && n < 4; i++, n++) {
        int v = sextet(in[i]);
        if (v < 0)
            break;
        bits = bits << 6 | (uint32_t)v;
    }
    if (n >= 2)
        add_quantum(out, bits, n);
    out->data[out->len] = 0;
    return rule == BASE64_STOP_EARLY ? -1 : check_padding(in, len, i, n);
}
