// corpus.h -- labelled strings: texts with one planted secret, and texts that only look so.
//
// Everything is made up from a seed by rules of its own: the checksums here share no code
// with src/privacy/, otherwise a mistake would confirm itself.  The secrets have the right
// form and belong to nobody.
// SPDX-License-Identifier: MIT
#ifndef VLMD_TEST_CORPUS_H
#define VLMD_TEST_CORPUS_H

#include "privacy/category.h"

#include <stdbool.h>
#include <stdint.h>

struct corpus_item {
    // Of the secret; of a decoy: what it might be taken for.
    enum privacy_category category;
    bool is_secret;
    // The secret holds one or two characters as OCR reads them (O for 0), or a stray blank.
    // A program that draws pages leaves these out: its OCR makes its own mistakes.
    bool is_misread;
    const char *kind;  // which rule made it: "visa", "iban DE", "git log"; static
    char text[1024];   // one or more lines, UTF-8, ends without a newline
    char secret[768];  // what stands in text and must not leave; "" of a decoy
};

// Fills items with max strings, the same ones for the same seed: every second one a secret,
// the categories in turn, and every second one a decoy.  Returns max.
int corpus_fill(struct corpus_item *items, int max, uint64_t seed);

// One string.  n chooses among the rules of its kind, in turn; seed the rest.
void corpus_secret(struct corpus_item *item, enum privacy_category c, unsigned n,
                   uint64_t seed);
void corpus_decoy(struct corpus_item *item, unsigned n, uint64_t seed);

#endif
