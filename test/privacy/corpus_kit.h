// corpus_kit.h -- what the files of the corpus share: chance, characters, contexts.
// SPDX-License-Identifier: MIT
#ifndef VLMD_TEST_CORPUS_KIT_H
#define VLMD_TEST_CORPUS_KIT_H

#include "corpus.h"

#include <stddef.h>

#define COUNT(a)   ((unsigned)(sizeof(a) / sizeof((a)[0])))
#define PICK(r, a) ((a)[chance_below(r, COUNT(a))])

#define LOWER "abcdefghijklmnopqrstuvwxyz"
#define UPPER "ABCDEFGHIJKLMNOPQRSTUVWXYZ"
#define DIGIT "0123456789"
#define HEX   "0123456789abcdef"
#define ALNUM UPPER LOWER DIGIT

struct chance {
    uint64_t state;
};

uint64_t chance_next(struct chance *r);
unsigned chance_below(struct chance *r, unsigned n);             // 0 .. n - 1
unsigned chance_in(struct chance *r, unsigned lo, unsigned hi);  // lo .. hi
bool chance_is(struct chance *r, unsigned one_in);

// n characters of set, terminated.
void chance_chars(struct chance *r, char *out, unsigned n, const char *set);
// Each character of form: '#' a digit, 'A' a capital, 'a' a small letter, 'x' a hex digit,
// '*' any letter or digit; others stand for themselves.
void chance_form(struct chance *r, char *out, size_t size, const char *form);

// Writes context into item->text.  "~S" becomes item->secret; ~N ~L names of people, ~W a
// word, ~H a host, ~T a time, ~D a date of these years, ~n a number below 100, ~h eight hex
// digits.
void item_say(struct corpus_item *item, struct chance *r, const char *context);
// Adds lines of nothing in particular before and after, now and then.
void item_surround(struct corpus_item *item, struct chance *r);
// Digits in groups of the sizes "4444", "465", ...; a newline as separator breaks the number
// once, after the second group.
void item_group(char *out, size_t size, const char *digits, const char *sizes,
                const char *separator);
// One or two characters of the secret as OCR would take them, only digits below from.
void item_misread(struct corpus_item *item, struct chance *r, unsigned from);

// The generators, one per category; n as in corpus_secret.
void corpus_card(struct corpus_item *item, struct chance *r, unsigned n);
void corpus_iban(struct corpus_item *item, struct chance *r, unsigned n);
void corpus_ssn(struct corpus_item *item, struct chance *r, unsigned n);
void corpus_national_id(struct corpus_item *item, struct chance *r, unsigned n);
void corpus_password(struct corpus_item *item, struct chance *r, unsigned n);
void corpus_api_key(struct corpus_item *item, struct chance *r, unsigned n);
void corpus_token(struct corpus_item *item, struct chance *r, unsigned n);
void corpus_jwt(struct corpus_item *item, struct chance *r, unsigned n);
void corpus_private_key(struct corpus_item *item, struct chance *r, unsigned n);
void corpus_seed(struct corpus_item *item, struct chance *r, unsigned n);
void corpus_email(struct corpus_item *item, struct chance *r, unsigned n);
void corpus_phone(struct corpus_item *item, struct chance *r, unsigned n);
void corpus_birth(struct corpus_item *item, struct chance *r, unsigned n);
void corpus_ip(struct corpus_item *item, struct chance *r, unsigned n);
void corpus_mac(struct corpus_item *item, struct chance *r, unsigned n);
void corpus_lookalike(struct corpus_item *item, struct chance *r, unsigned n);

#endif
