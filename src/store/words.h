// words.h -- what a person types into a search box, as an FTS5 expression.
// Private to store/.
// Thread: any.
// SPDX-License-Identifier: MIT
#ifndef VLMD_STORE_WORDS_H
#define VLMD_STORE_WORDS_H

#include "base/buf.h"

#include <stdbool.h>

enum { WORDS_MAX = 64, WORDS_BYTES_MAX = 4096 };

struct words {
    struct buf with;     // "a" "b c" "d"*   all of them; "" when there is none
    struct buf without;  // "x" OR "y"       none of them
    bool ends_open;      // with ends in a * that nobody typed
};

// Every word is quoted, so nothing that is typed can be an operator or a syntax error.
// Errors: E_USAGE (with words) when it is more than WORDS_MAX words or WORDS_BYTES_MAX
// bytes.
MUST_USE int words_parse(const char *typed, struct words *out, struct err *e);
// The last word is meant as it stands.
void words_close(struct words *w);
// column : "text", before what stands in with; for filters the index can help with.
MUST_USE int words_add_column(struct words *w, const char *column, const char *text);
void words_fini(struct words *w);
// Has it at least one ASCII letter or digit, so that the index surely has a word of it?
bool words_is_indexed(const char *text);

#endif
