// find_scan.h -- what the finders of one kind each share: the text, its characters, the
// labels seen so far.
//
// find.c walks through the text once and calls the finders below at the places where one of
// their things may begin.  Each looks a bounded way ahead (LOOK_AHEAD, or a run that is
// measured once), so the whole is linear.
// SPDX-License-Identifier: MIT
#ifndef VLMD_PRIVACY_FIND_SCAN_H
#define VLMD_PRIVACY_FIND_SCAN_H

#include "privacy/find.h"

#include <string.h>

// What a word or phrase says about what stands beside it.
enum label {
    LABEL_NONE,
    LABEL_PASSWORD,
    LABEL_PIN,
    LABEL_CODE,        // one-time codes
    LABEL_PLAIN_CODE,  // "Code: 123456" at the beginning of a line
    LABEL_IS_YOUR,     // "123456 is your ... code"
    LABEL_USE,         // "use 123456 to sign in"
    LABEL_COMMAND,     // a program that takes a password as an argument
    LABEL_SECRET,      // API key, client secret, access token
    LABEL_KEY,         // token, key, session: needs a sign and a random value
    LABEL_AWS,         // secret access key
    LABEL_ACCOUNT_KEY,
    LABEL_BEARER,
    LABEL_BASIC,
    LABEL_BEGIN,  // of a PEM block
    LABEL_END,
    LABEL_PUTTY,
    LABEL_CARD,
    LABEL_SSN,
    LABEL_ID,
    LABEL_DOCUMENT,  // passport, identity card: the number has no common form
    LABEL_PHONE,
    LABEL_BIRTH,
    LABEL_IP,
    LABEL_VERSION,
    LABEL_NUMBER,  // order, part, tracking: the number beside it is no person's
    LABEL_PUBLIC,  // fingerprint, integrity, data: random, and meant to be seen
    LABELS
};

enum class {
    IS_DIGIT = 1,
    IS_UPPER = 2,
    IS_LOWER = 4,
    IS_HIGH = 8,  // part of a character of several bytes
    IS_HEX = 16,
    IS_KEY = 32,    // base64 and base64url: letters, digits, + / - _ =
    IS_WORD = 64,   // letters, digits, _, IS_HIGH
    IS_MARK = 128,  // something may begin with it
    IS_LETTER = IS_UPPER | IS_LOWER,
    IS_ALNUM = IS_LETTER | IS_DIGIT
};

enum {
    LOOK_AHEAD = 256,  // bytes that a finder may look at beyond its beginning
    NEAR = 48,         // bytes between a label and what it names
    WORD_MAX = 48,     // bytes of a word of a label
    WEAKER = 60        // weight of a finding whose proof is missing
};

// One phrase; those with the same first word are linked, the longest first.
struct phrase {
    const char *words;  // borrowed: constant; ends at '|' or NUL
    uint16_t len;
    uint16_t next;  // index, 0 = none
    enum label label;
};

struct label_slot {
    uint32_t hash;   // of the first word
    uint16_t first;  // index of a phrase; 0 = empty
};

enum { LABEL_SLOTS = 2048, SEED_SLOTS = 8192, HINT_BITS = 14 };

// What a word may be, by its first, second and last letter and its length: most of what is
// looked up in a large table is not there, and this says so at once.
enum hint { HINT_LABEL = 1, HINT_SEED = 2, HINT_KEY = 4 };

struct privacy_finder {
    uint8_t class[256];
    uint8_t as_digit[256];  // 0..9, also of letters that OCR takes for digits; NOT_DIGIT
    uint8_t alike[256];     // one for all the characters that OCR does not tell apart
    uint64_t counts[256];   // 1 in each field of enum count_field that a byte counts in
    uint8_t hints[1 << HINT_BITS];  // enum hint, of a word or of the beginning of a key
    struct label_slot labels[LABEL_SLOTS];
    struct phrase *phrases;                 // owned; from index 1
    uint64_t seed_words[2048];              // of BIP-39, letters packed
    uint16_t seeds[SEED_SLOTS];             // index + 1 by the whole word
    uint16_t seed_starts[SEED_SLOTS];       // ... by its first four letters
    uint8_t first_key[256], next_key[160];  // rules by first character; index + 1, 0 ends
};

enum {
    NOT_DIGIT = 255,
    SEED_RUN_MAX = 48,
    SEED_RUN_FUZZY = 4  // words after which one may be misspelt
};

// How many characters of a kind a string has: fields of one number, so that a table adds up
// all of them at once.  Twelve bits each, for at most COUNTED_MAX bytes.
enum count_field {
    COUNT_LOWER = 0,
    COUNT_UPPER = 12,
    COUNT_DIGITS = 24,
    COUNT_HEX = 36,
    COUNT_ODD = 48,  // characters that no key is made of
    COUNTED_MAX = 4095
};

static inline int count_in(uint64_t counts, enum count_field field)
{
    return (int)(counts >> field & COUNTED_MAX);
}

// Where the hint of four small numbers is.
static inline uint32_t hint_slot(uint32_t a, uint32_t b, uint32_t c, uint32_t d)
{
    return (a << 24 ^ b << 16 ^ c << 8 ^ d) * 2654435761u >> (32 - HINT_BITS);
}

// Of a word in ASCII, without regard to case.
static inline uint32_t hint_slot_of_word(const unsigned char *word, size_t n)
{
    return hint_slot(word[0] & 31u, word[n > 1] & 31u, word[n - 1] & 31u, (uint32_t)n);
}

struct scan {
    const struct privacy_finder *f;  // borrowed: until the end of the scan
    const unsigned char *text;       // borrowed: the same
    size_t len;
    size_t from;
    struct privacy_findings *out;
    int rc;                     // E_NOMEM
    bool is_over;               // findings are full, or rc is set
    size_t label_end[LABELS];   // where the latest one ended; 0 = none
    size_t number_end;          // numbers before it are done
    size_t card_end;            // of the last card
    size_t key_begin, key_end;  // the run of IS_KEY measured last
    struct {
        size_t begin, end, run_end;  // end: without full stops
    } token;                         // what tokens are made of, measured last
    size_t block_end;                // of a public block: nothing in it is secret
    size_t known_end;  // of a key that was found whole: nothing is looked for in it
    size_t
        random_end;  // of a random token that was found: only keys are looked for in it
    struct {
        size_t begin, end;
        int n, odd;  // words, of them only similar ones
        uint16_t words[SEED_RUN_MAX];
    } seed;
};

void find_add(struct scan *s, enum privacy_category c, size_t begin, size_t end,
              int weight);
// Sorts, and makes one finding of those that overlap: the kind of the strongest, the extent
// of all.
void find_resolve(const struct scan *s);

static inline unsigned char byte_at(const struct scan *s, size_t i)
{
    return i < s->len ? s->text[i] : 0;
}

static inline uint8_t class_at(const struct scan *s, size_t i)
{
    return i < s->len ? s->f->class[s->text[i]] : 0;
}

// The class of the byte before i.
static inline uint8_t class_before(const struct scan *s, size_t i)
{
    return i > 0 ? s->f->class[s->text[i - 1]] : 0;
}

static inline uint8_t digit_at(const struct scan *s, size_t i)
{
    return i < s->len ? s->f->as_digit[s->text[i]] : NOT_DIGIT;
}

static inline bool may_be_key(const struct scan *s, size_t i)
{
    const uint8_t *alike = s->f->alike;
    uint32_t slot = hint_slot(alike[s->text[i]], alike[byte_at(s, i + 1)],
                              alike[byte_at(s, i + 2)], 0);
    return s->f->hints[slot] & HINT_KEY;
}

// words is not empty: its first byte says no nearly always.
static inline bool has_at(const struct scan *s, size_t i, const char *words)
{
    if (i >= s->len || s->text[i] != (unsigned char)words[0]) {
        return false;
    }
    size_t n = strlen(words);
    return n <= s->len - i && memcmp(s->text + i, words, n) == 0;
}

// Lengths of the character at i if it is of that kind, else 0; the rare ones are looked at
// by the function of the same name.
size_t find_high_blank(const struct scan *s, size_t i);
size_t find_high_dash(const struct scan *s, size_t i);
size_t find_high_letter(const struct scan *s, size_t i);
size_t find_quote(const struct scan *s, size_t i);

// Space, tab, no-break space and their like.
static inline size_t find_blank(const struct scan *s, size_t i)
{
    unsigned char c = byte_at(s, i);
    return c < 0x80 ? c == ' ' || c == '\t' : find_high_blank(s, i);
}

static inline size_t find_dash(const struct scan *s, size_t i)
{
    unsigned char c = byte_at(s, i);
    return c < 0x80 ? c == '-' : find_high_dash(s, i);
}

static inline size_t find_letter(const struct scan *s, size_t i)
{
    uint8_t k = class_at(s, i);
    return k & IS_LETTER ? 1 : k & IS_HIGH ? find_high_letter(s, i) : 0;
}

// The byte after the blanks at i, at most LOOK_AHEAD.
size_t find_skip_blanks(const struct scan *s, size_t i);
// Behind blanks and at most one line break; i itself when there is none of them.
size_t find_skip_break(const struct scan *s, size_t i);
// The end of the line that holds i, at most LOOK_AHEAD away.
size_t find_line_end(const struct scan *s, size_t i);
bool find_is_break(const struct scan *s, size_t begin,
                   size_t end);  // a line ends between
// The run of IS_KEY bytes around i, measured once.
void find_key_run(struct scan *s, size_t i);
// ASCII text equals words, letters without case.
bool find_is_word(const struct scan *s, size_t begin, size_t end, const char *words);
bool find_in_list(const struct scan *s, size_t begin, size_t end,
                  const char *const *list);

// Two digits stand before i, with only blanks between.
bool find_follows_number(const struct scan *s, size_t i);

// find_label.c
MUST_USE int find_label_open(struct privacy_finder *f);
// The label that the word at i begins, LABEL_NONE if none; *end is where the phrase ends.
enum label find_label_at(const struct scan *s, size_t i, size_t word_end, size_t *end);
// By the last two letters of a word: may its ending be a label? "dbpassword"
bool find_may_end_label(const struct scan *s, size_t i, size_t end);
// Most words are none, and this says so at once.
static inline bool may_be_label(const struct scan *s, size_t i, size_t end)
{
    const unsigned char *word = s->text + i;
    return (word[0] | s->text[end - 1]) & 0x80 ||
           s->f->hints[hint_slot_of_word(word, end - i)] & HINT_LABEL ||
           find_may_end_label(s, i, end);
}
// A label of the kind stands up to max bytes before i, or shortly after end.
bool find_near(const struct scan *s, enum label kind, size_t i, size_t max);
bool find_on_line(const struct scan *s, enum label kind, size_t i, size_t max);
bool find_follows(const struct scan *s, enum label kind, size_t end);
size_t find_word_end(const struct scan *s, size_t i);

// The finders.  i is where it may begin, end the end of the word there.
void find_number(struct scan *s, size_t i);
void find_iban(struct scan *s, size_t i);
void find_mixed_id(struct scan *s, size_t i, size_t end);
void find_machine_zone(struct scan *s, size_t i);
void find_document(struct scan *s, size_t label_end);
void find_phone(struct scan *s, size_t i);
void find_birth(struct scan *s, size_t label_end);
void find_email(struct scan *s, size_t at_sign);
void find_network(struct scan *s, size_t i, size_t end);
void find_password(struct scan *s, size_t label, size_t label_end);
bool find_url_password(struct scan *s, size_t at_sign);
void find_crypt(struct scan *s, size_t dollar);
void find_command(struct scan *s, size_t label, size_t label_end);
void find_code(struct scan *s, enum label kind, size_t label, size_t label_end);
void find_code_before(struct scan *s, size_t label, size_t label_end);
void find_key_open(struct privacy_finder *f);
void find_key(struct scan *s, size_t i);
// The same of what was read badly: a surer beginning, but not just so many characters.
void find_key_loose(struct scan *s, size_t i);
void find_labelled_token(struct scan *s, enum label kind, size_t label, size_t label_end);
void find_header(struct scan *s, enum label kind, size_t label_end);
void find_bare_token(struct scan *s, size_t i);
void find_telegram(struct scan *s, size_t i);
void find_jwt(struct scan *s, size_t i);
void find_pem(struct scan *s, enum label kind, size_t label, size_t label_end);
void find_pem_body(struct scan *s, size_t i);
void find_putty(struct scan *s, size_t label);
void find_seed_open(struct privacy_finder *f);
void find_seed_word(struct scan *s, size_t i, size_t end);
void find_seed_end(struct scan *s);

// find_loose.c, for texts that were read from a picture: the whole text at once.
void find_loose(struct scan *s);

// find_list.c, the same: lengthens the seed phrases that were found by the rest of their lists.
void find_list_ends(struct scan *s);

// What stands between a label and its value.
enum gap { GAP_NONE, GAP_SPACE, GAP_SIGN, GAP_IS, GAP_LINE };

struct value {
    enum gap gap;
    size_t begin, end;  // without quotes
    bool is_quoted;
    unsigned char sign;  // of GAP_SIGN: ':' or '='
};

// The value beside the label; gap is GAP_NONE when there is none.
struct value find_value(const struct scan *s, size_t label_end);
// Where the identifier that ends with the label ends; 0: it goes on, PASSWORD_MIN_LENGTH.
size_t find_name_end(const struct scan *s, size_t label_end);

#endif
