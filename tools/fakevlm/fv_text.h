// fv_text.h -- growing byte strings and base64, for the fake backend.
// SPDX-License-Identifier: MIT
#ifndef FV_TEXT_H
#define FV_TEXT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define FV_MUST_USE __attribute__((warn_unused_result))

// Nothing in the fake grows beyond this; a request body may have 100 MiB.
#define TEXT_MAX ((size_t)128 << 20)

// Bytes with a 0 behind them.  A zeroed struct is an empty text.
// Owns: data; free with text_free, or hand it over with text_take.
struct text {
    char *data;
    size_t len, cap;
};

// All of these abort when memory is out or TEXT_MAX is passed: this is a test tool.
void text_add(struct text *t, const void *bytes, size_t len);
void text_puts(struct text *t, const char *s);
void text_printf(struct text *t, const char *format, ...)
    __attribute__((format(printf, 2, 3)));
// Adds s as a JSON string with its quotes; bytes that are not ASCII pass unchanged.
void text_json(struct text *t, const char *s, size_t len);
void text_clear(struct text *t);
void text_free(struct text *t);
struct text text_take(struct text *t);

void *fv_alloc(size_t size);
char *fv_strndup(const char *s, size_t len);

enum base64_rule {
    BASE64_STRICT,  // standard alphabet, padded, nothing else (Go, Python validate=True)
    BASE64_STOP_EARLY,  // llama.cpp: ends at the first foreign byte, padding optional
};

// Decodes into *out (owned by the caller, also on failure).
// Returns -1, or the offset of the first illegal byte.
FV_MUST_USE long base64_decode(const char *in, size_t len, enum base64_rule rule,
                               struct text *out);

#endif
