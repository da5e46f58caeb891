// bench_text.h -- the texts that bench_privacy measures with, made up from a seed.
// SPDX-License-Identifier: MIT
#ifndef VLMD_BENCH_TEXT_H
#define VLMD_BENCH_TEXT_H

#include "base/buf.h"
#include "privacy/boxes.h"

// A text in pieces, each of which is looked at alone.
struct bench_pages {
    struct privacy_page *items;  // owned, with their words; the text is borrowed
    int n;
};

// Each appends until out holds so many bytes.
// Documents: running text, one line in five a menu, log or listing, a secret in 4 KB.
void bench_add_documents(struct buf *out, size_t bytes);
// Dense: the corpus of the tests, every second item a secret, every second one a decoy.
void bench_add_dense(struct buf *out, size_t bytes);
// Odd: pieces of secrets, labels, signs and any bytes, joined by chance.
void bench_add_odd(struct buf *out, size_t bytes);
void bench_add_file(struct buf *out, const char *path);

// One page that is the whole text.
void bench_whole(const struct buf *text, struct bench_pages *out);
// Pages of so many bytes, in lines; two columns that text recognition read one after the
// other, so that what stands side by side is found only in the rows.
void bench_columns(const struct buf *text, size_t page_bytes, struct bench_pages *out);
void bench_pages_fini(struct bench_pages *p);

// They end the program with words when rc is not 0, or p is NULL.
void bench_must(int rc);
void *bench_must_have(void *p);

#endif
