// wire.h -- what vlmd and vlmd-ocr say to each other over one socket.
//
//   vlmd -> helper   struct wire_page, then width * height bytes of luma
//   helper -> vlmd   struct wire_answer, words * struct wire_word, text_len bytes of UTF-8
//
// One page is under way at a time.  Both ends run on one machine and come from one build,
// so the structs go over as they are; the magic tells a helper of another version.  Either
// end checks every number before it takes memory for it.
// SPDX-License-Identifier: MIT
#ifndef VLMD_OCR_WIRE_H
#define VLMD_OCR_WIRE_H

#include "base/err.h"

#include <assert.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum {
    WIRE_PAGE_MAGIC = 0x766f7031,    // "vop1"
    WIRE_ANSWER_MAGIC = 0x766f6132,  // "voa2"
    WIRE_LANGUAGE_BYTES = 64,
    WIRE_MAX_SIDE = 32767,  // Tesseract's own limit: its coordinates are 16 bit
    WIRE_MAX_PIXELS = 40 * 1000 * 1000,
    WIRE_MAX_TEXT_BYTES = 4 << 20,
    WIRE_MAX_WORDS = 100 * 1000,
};

enum wire_status {
    WIRE_OK,
    WIRE_NO_LANGUAGE,  // text = the missing languages, "deu fra"
    WIRE_TOO_LONG,     // the page's text or words are over the limits
    WIRE_NO_MEMORY,
    WIRE_FAILED,  // Tesseract gave up on the page
    WIRE_STATUSES,
};

struct wire_page {
    uint32_t magic;
    uint32_t width;                      // px
    uint32_t height;                     // px
    char language[WIRE_LANGUAGE_BYTES];  // "eng" or "eng+deu", terminated
};

struct wire_answer {
    uint32_t magic;
    uint32_t status;  // enum wire_status
    uint32_t text_len;
    uint32_t page_len;  // of the text; second readings of parts of the page follow
    uint32_t words;
    uint32_t mean_confidence;  // 0-100
};

struct wire_word {
    int32_t left, top, width, height;  // px
    uint32_t confidence;               // 0-100
    uint32_t offset;                   // of the word in the text
    uint32_t len;
};

static_assert(sizeof(struct wire_page) == 76, "no holes");
static_assert(sizeof(struct wire_answer) == 24, "no holes");
static_assert(sizeof(struct wire_word) == 28, "no holes");

// Errors: E_TOOBIG.
MUST_USE int wire_page_check(const struct wire_page *p);
// Letters, digits and _ / joined by +: a name of a language must not become a path.
bool wire_is_language(const char *language);
size_t wire_body_bytes(const struct wire_answer *a);  // of a checked answer
// Errors: E_GARBAGE.
MUST_USE int wire_answer_check(const struct wire_answer *a);
// Is the text valid UTF-8 without NUL, and all words inside it and inside the page?
// Errors: E_GARBAGE.
MUST_USE int wire_body_check(const struct wire_answer *a, const struct wire_page *p,
                             const struct wire_word *words, const char *text);

#endif
