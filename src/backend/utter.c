// utter.c -- an incremental reader of JSON's strings: constant memory, no look-ahead.
//
// It judges nothing: whether the answer is one is found out at its end (answer.c).  Broken
// JSON ends the telling.
// SPDX-License-Identifier: MIT
#include "backend/utter.h"

#include "base/utf8.h"

#include <string.h>

struct teller {
    struct words *w;
    words_fn *fn;
    void *arg;
};

static void flush(struct teller *t)
{
    struct words *w = t->w;
    if (w->n_out > 0) {
        t->fn(t->arg, w->field, w->out, w->n_out);
        w->n_out = 0;
    }
}

// A character at a time, so that what is told is whole; what is no UTF-8 becomes U+FFFD.
static void put_byte(struct teller *t, char byte)
{
    struct words *w = t->w;
    if (((unsigned char)byte & 0xc0) != 0x80 && w->n_held > 0) {
        memcpy(w->out + w->n_out, "\xef\xbf\xbd", 3);
        w->n_out += 3;
        w->n_held = 0;
    }
    w->held[w->n_held++] = byte;
    size_t n = utf8_char(w->held, w->n_held);
    if (n == w->n_held) {
        memcpy(w->out + w->n_out, w->held, n);
        w->n_out += n;
        w->n_held = 0;
    } else if (w->n_held == sizeof(w->held)) {
        w->n_held = 0;
    }
    if (w->n_out > sizeof(w->out) - 8) {
        flush(t);
    }
}

static void put_code(struct teller *t, unsigned c)
{
    if (c < 0x80) {
        put_byte(t, (char)c);
        return;
    }
    int more = c < 0x800 ? 1 : c < 0x10000 ? 2 : 3;
    static const unsigned char heads[] = {0, 0xc0, 0xe0, 0xf0};
    put_byte(t, (char)(heads[more] | c >> (6 * more)));
    while (more-- > 0) {
        put_byte(t, (char)(0x80 | (c >> (6 * more) & 0x3f)));
    }
}

static void add_to_key(struct words *w, char c)
{
    size_t n = strlen(w->field);
    if (n + 1 < sizeof(w->field) && c > ' ' && c < 0x7f) {
        w->field[n] = c;
        w->field[n + 1] = 0;
    }
}

static void put(struct teller *t, char c)
{
    if (!t->w->is_key) {
        put_byte(t, c);
    } else if (t->w->depth == 1) {
        add_to_key(t->w, c);
    }
}

static void begin(struct teller *t, char c)
{
    struct words *w = t->w;
    if (c == '{') {
        w->state = WORDS_OUTSIDE;
        w->depth = 1;
        w->awaits_value = false;
    } else if (c == '<') {
        w->state = WORDS_REASON;
        w->seen[0] = 0;
    } else if (c == '`') {
        w->awaits_value = true;  // in a fence: its word is none of the answer's
    } else if (!strchr(" \t\r\n", c) && !w->awaits_value) {
        w->state = WORDS_PLAIN;
        put_byte(t, c);
    }
}

// Up to "</think>", "</reasoning>": a closing tag.
static void reason(struct words *w, char c)
{
    size_t n = strlen(w->seen);
    if (c == '<') {
        w->seen[0] = 0;
        n = 0;
    }
    if (n + 1 < sizeof(w->seen)) {
        w->seen[n] = c;
        w->seen[n + 1] = 0;
    }
    if (c == '>' && strncmp(w->seen, "</", 2) == 0) {
        w->state = WORDS_BEGIN;
    }
}

static void open_string(struct teller *t)
{
    struct words *w = t->w;
    w->is_key = !w->awaits_value && w->depth >= 1;
    if (w->is_key && w->depth == 1) {
        flush(t);
        w->field[0] = 0;
    }
    w->state = WORDS_INSIDE;
}

static void outside(struct teller *t, char c)
{
    struct words *w = t->w;
    switch (c) {
    case '"': open_string(t); break;
    case ':': w->awaits_value = true; break;
    case '{':
        w->depth++;
        w->awaits_value = false;
        break;
    case '[':
        w->depth++;
        w->awaits_value = true;  // all strings in it are values
        break;
    case '}':
    case ']':
        w->depth--;
        w->awaits_value = false;
        if (w->depth <= 0) {
            flush(t);
            w->state = WORDS_END;
        }
        break;
    case ',':
        if (w->depth == 1) {
            w->awaits_value = false;
        } else if (!w->is_key) {
            put_byte(t, ' ');
        }
        break;
    default: break;
    }
}

static void escape(struct teller *t, char c)
{
    static const char from[] = "nrtbf", to[] = "\n\r\t\b\f";
    const char *at = strchr(from, c);
    struct words *w = t->w;
    if (c == 'u') {
        w->state = WORDS_UNICODE;
        w->n_digits = 0;
        w->code = 0;
        return;
    }
    put(t, c && at ? to[at - from] : c);
    w->state = WORDS_INSIDE;
}

static void end_unicode(struct teller *t)
{
    struct words *w = t->w;
    unsigned c = w->code;
    w->state = WORDS_INSIDE;
    if (c >= 0xd800 && c < 0xdc00) {
        w->high = c;
        return;
    }
    if (c >= 0xdc00 && c < 0xe000) {
        c = w->high ? 0x10000 + ((w->high - 0xd800) << 10) + (c - 0xdc00) : 0xfffd;
    }
    w->high = 0;
    if (!w->is_key) {
        put_code(t, c ? c : 0xfffd);
    }
}

static void unicode(struct teller *t, char c)
{
    struct words *w = t->w;
    static const char digits[] = "0123456789abcdef";
    const char *at = strchr(digits, c >= 'A' && c <= 'F' ? c + ('a' - 'A') : c);
    if (!c || !at) {
        w->state = WORDS_END;
        return;
    }
    w->code = w->code * 16 + (unsigned)(at - digits);
    if (++w->n_digits == 4) {
        end_unicode(t);
    }
}

static void inside(struct teller *t, char c)
{
    struct words *w = t->w;
    if (c == '\\') {
        w->state = WORDS_ESCAPE;
    } else if (c == '"') {
        w->state = WORDS_OUTSIDE;
        if (w->depth == 1) {
            w->awaits_value = false;
        }
    } else {
        put(t, c);
    }
}

void words_feed(struct words *w, const char *bytes, size_t len, words_fn *fn, void *arg)
{
    struct teller t = {w, fn, arg};
    for (size_t i = 0; i < len; i++) {
        switch (w->state) {
        case WORDS_BEGIN: begin(&t, bytes[i]); break;
        case WORDS_REASON: reason(w, bytes[i]); break;
        case WORDS_PLAIN: put_byte(&t, bytes[i]); break;
        case WORDS_OUTSIDE: outside(&t, bytes[i]); break;
        case WORDS_INSIDE: inside(&t, bytes[i]); break;
        case WORDS_ESCAPE: escape(&t, bytes[i]); break;
        case WORDS_UNICODE: unicode(&t, bytes[i]); break;
        case WORDS_END: return;
        }
    }
    flush(&t);
}
