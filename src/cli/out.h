// out.h -- standard output with its errors remembered, messages, and the one bar below them.
//
// Text from pictures and file names is not trusted: what goes to a person passes text_safe.
// SPDX-License-Identifier: MIT
#ifndef VLMD_CLI_OUT_H
#define VLMD_CLI_OUT_H

#include <stdbool.h>
#include <stddef.h>

// ---- standard output (or the file it was redirected to)

void out_init(void);
void out_fini(void);
void out_to(int fd);
void out_text(const char *s);
void out_bytes(const void *data, size_t len);
void out_printf(const char *fmt, ...) __attribute__((format(printf, 1, 2)));
// 0, or the errno of the first write that failed.  Nothing is written after that.
int out_flush(void);
int out_error(void);

// ---- messages on standard error; any thread

void say(const char *fmt, ...) __attribute__((format(printf, 1, 2)));

// ---- one line that is redrawn in place, on standard error

void bar_show(const char *line);
void bar_hide(void);

// ---- the terminal

bool term_out(void);  // is standard output one?
bool term_err(void);
bool term_colour(void);  // colour on standard output: a terminal, and not NO_COLOR
int term_columns(int fd);

// ---- text for people

// Without control characters and invalid bytes; a line.
void text_safe(const char *s, char *out, size_t size);
// The same, cut to so many columns ("…" at the end when cut).
void text_clip(const char *s, int columns, char *out, size_t size);

#endif
