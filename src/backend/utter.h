// utter.h -- the words of an answer while it is still coming, field by field.
//
// Models are asked for JSON: what a listener wants are the texts in it, unescaped, and what
// the privacy rules look at has to be what people read.  Reasoning and fences are left out.
// Private to backend/.
// SPDX-License-Identifier: MIT
#ifndef VLMD_BACKEND_UTTER_H
#define VLMD_BACKEND_UTTER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

// text: whole UTF-8 characters, not ended by a NUL; field: "" = an answer without JSON.
typedef void words_fn(void *arg, const char *field, const char *text, size_t len);

enum words_state {
    WORDS_BEGIN,    // blanks, a fence
    WORDS_REASON,   // <think> and the like
    WORDS_PLAIN,    // no JSON
    WORDS_OUTSIDE,  // between the strings of an object
    WORDS_INSIDE,   // a string
    WORDS_ESCAPE,   // behind a backslash
    WORDS_UNICODE,  // behind \u
    WORDS_END       // the object has ended, or is none
};

struct words {
    enum words_state state;
    int depth;            // of brackets
    bool is_key;          // the string is the name of a field
    bool awaits_value;    // a colon came
    char field[32];       // at the first depth
    char seen[12];        // the last letters of reasoning
    size_t n_digits;      // of \u
    unsigned code, high;  // of \u; the first half of a pair, 0 = none
    char held[4];         // the beginning of a character
    size_t n_held;
    char out[256];  // not told yet
    size_t n_out;
};

// Any split of the bytes tells the same text.
void words_feed(struct words *w, const char *bytes, size_t len, words_fn *fn, void *arg);

#endif
