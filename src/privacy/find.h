// find.h -- secrets and personal data in a text: what, where, how sure.
//
// The text is what OCR read from a screen, a window's title, an address, or a model's
// answer: any bytes, any length below 2 GB, invalid UTF-8 and NULs included.  Numbers with a
// checksum and keys with a known beginning are found in spite of what OCR does to them: O
// for 0, l or I for 1, S for 5, B for 8, Z for 2, G for 6, stray blanks, broken lines.
// SPDX-License-Identifier: MIT
#ifndef VLMD_PRIVACY_FIND_H
#define VLMD_PRIVACY_FIND_H

#include "base/err.h"
#include "privacy/category.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum { PRIVACY_FINDINGS_MAX = 4096 };

struct privacy_finding {
    enum privacy_category category;
    uint32_t offset, len;  // bytes of the text, whole characters if the text is UTF-8
    int weight;            // of the category's row, less when the evidence is weaker
    bool is_repeat;        // find_page.h: was found already, and counts for nothing more
};

// Zero-initialised is empty.  A second privacy_find reuses the memory.
struct privacy_findings {
    struct privacy_finding *items;  // owned; by offset, not overlapping
    int n;
    int cap;
    bool is_cut;        // PRIVACY_FINDINGS_MAX were found before the text ended
    size_t seen_bytes;  // of the text; all of it unless is_cut
    uint64_t work;  // bytes looked at, some of them several times; grows with the text
};

// Compiled tables.  Nothing changes them after open: any number of threads may use one.
struct privacy_finder;

// Owns:   free with privacy_finder_free, which accepts NULL.
// Errors: E_NOMEM.
MUST_USE int privacy_finder_open(struct privacy_finder **out, struct err *e);
void privacy_finder_free(struct privacy_finder *f);

// Time is proportional to len, whatever the bytes are.  Of findings that overlap the
// stronger one stays and covers all of them.
// Thread: any; blocks while it computes (a screen's text takes well under a millisecond).
// Owns:   out; privacy_findings_fini.
// Errors: E_TOOBIG (2 GB), E_NOMEM; out is empty then.
MUST_USE int privacy_find(const struct privacy_finder *f, const char *text, size_t len,
                          struct privacy_findings *out);
// The same from an offset on: what stands before is context only.
MUST_USE int privacy_find_from(const struct privacy_finder *f, const char *text,
                               size_t len, size_t from, struct privacy_findings *out);
// The same of a text that was read from a picture: also strings that were torn or misread, and
// what is random enough to be a key.  Finds more that is none: for what is masked or blocked,
// not for a text that is kept.
MUST_USE int privacy_find_read(const struct privacy_finder *f, const char *text,
                               size_t len, struct privacy_findings *out);
void privacy_findings_fini(struct privacy_findings *out);

#endif
