// standin.c -- where, and the first words that can be read there.
// SPDX-License-Identifier: MIT
#include "dispatch/standin.h"

#include "base/mem.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { OCR_SUMMARY_BYTES = 160 };

static char *first_words(const char *text, size_t max)
{
    char *out = mem_zero(max + 4);
    size_t n = 0;
    for (const char *p = text; *p && n < max; p++) {
        bool is_space = *p == ' ' || *p == '\n' || *p == '\t' || *p == '\r';
        if (!is_space) {
            out[n++] = *p;
        } else if (n > 0 && out[n - 1] != ' ') {
            out[n++] = ' ';
        }
    }
    while (n > 0 && ((unsigned char)out[n - 1] & 0xc0) == 0x80) {
        n--;  // not in the middle of a character
    }
    if (n > 0 && (unsigned char)out[n - 1] >= 0xc0) {
        n--;
    }
    while (n > 0 && out[n - 1] == ' ') {
        n--;
    }
    memcpy(out + n, "", 1);
    return out;
}

void standin_compose(const char *app, const char *window, const char *text,
                     struct answer *out)
{
    const char *where = window && window[0] ? window : app && app[0] ? app : "Screen";
    char *words = first_words(text, OCR_SUMMARY_BYTES);
    char summary[OCR_SUMMARY_BYTES + 600];
    snprintf(summary, sizeof(summary), "%.512s: %s", where,
             words[0] ? words : "no readable text");
    free(words);
    *out = (struct answer){
        .summary = mem_dup(summary),
        .app = mem_dup(app ? app : ""),
        .tags = mem_dup("[]"),
        .text = mem_dup(text),
        .raw = mem_dup(""),
        .is_plain = true,
    };
}

void standin_compose_unseen(const char *app, const char *window, struct answer *out)
{
    const char *title = window ? window : "", *name = app ? app : "";
    char summary[700];
    snprintf(summary, sizeof(summary), "%.300s%s%.300s (the picture was not looked at)",
             name, *name && *title ? ": " : "", title);
    *out = (struct answer){
        .summary = mem_dup(summary),
        .app = mem_dup(name),
        .tags = mem_dup("[]"),
        .raw = mem_dup(""),
        .is_plain = true,
    };
}
