// bench_text.c -- makes up texts, and lays them out as pages.
// SPDX-License-Identifier: MIT
#include "bench_text.h"

#include "privacy/corpus.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum {
    PER_SECRET = 4096,  // bytes of documents
    COLUMN_PX = 8,      // of a letter
    ROW_PX = 20,
    LETTER_PX = 12,
    GUTTER_PX = 48
};

void bench_must(int rc)
{
    if (rc != 0) {
        fprintf(stderr, "bench_privacy: %s\n", err_words(rc));
        exit(1);
    }
}

void *bench_must_have(void *p)
{
    if (!p) {
        bench_must(E_NOMEM);
    }
    return p;
}

static uint64_t next_random(uint64_t *state)
{
    *state ^= *state << 13;
    *state ^= *state >> 7;
    *state ^= *state << 17;
    return *state;
}

// ---- documents

// The commonest words of English come often; 4.7 letters a word, as in English.
static void add_sentence(struct buf *b, uint64_t *state)
{
    static const char words[] =
        "the of and a to in is you that it he was for on are as with his they at be "
        "this have from or one had by word but not what all were we when your can "
        "said there use an each which she do how their if will up other about out "
        "many then them these so some her would make like him into time has look "
        "two more write go see number no way could people my than first water been "
        "call who oil its now find long down day did get come made may part over "
        "new sound take only little work know place year live me back give most "
        "very after thing our just name good sentence man think say great where "
        "help through much before line right too mean old any same tell boy follow "
        "came want show also around form three small set put end does another well "
        "large must big even such because turn here why ask went men read need land "
        "different home us move try kind hand picture again change off play spell "
        "air away animal house point page letter mother answer found study still "
        "learn should world information available settings document application "
        "development management message received yesterday customer service project "
        "schedule following together important question different another sentence "
        "between without something thought children example government company "
        "problem against interest already morning possible language remember "
        "attached regards meeting tomorrow afternoon update download install "
        "configure";
    size_t n = 6 + next_random(state) % 14;
    for (size_t i = 0; i < n; i++) {
        size_t at = next_random(state) % (sizeof(words) - 16);
        at = next_random(state) % 3 == 0 ? at / 12 : at;
        while (at > 0 && words[at - 1] != ' ') {
            at--;
        }
        bench_must(buf_add(b, words + at, strcspn(words + at, " ")));
        bench_must(buf_add_str(b, i + 1 < n ? " " : ".\n"));
    }
}

void bench_add_documents(struct buf *out, size_t bytes)
{
    struct corpus_item item;
    uint64_t state = 88172645463325252u;
    size_t next_secret = PER_SECRET;
    for (unsigned n = 0; out->len < bytes; n++) {
        for (int i = 0; i < 4; i++) {
            add_sentence(out, &state);
        }
        corpus_decoy(&item, n, next_random(&state));
        bench_must(buf_printf(out, "%s\n", item.text));
        if (out->len >= next_secret) {
            next_secret = out->len + PER_SECRET;
            corpus_secret(&item, (enum privacy_category)(n % PRIVACY_CATEGORIES), n,
                          next_random(&state));
            bench_must(buf_printf(out, "%s\n", item.text));
        }
    }
}

// ---- dense

void bench_add_dense(struct buf *out, size_t bytes)
{
    enum { ITEMS = 256 };
    struct corpus_item *items = bench_must_have(calloc(ITEMS, sizeof(*items)));
    for (uint64_t seed = 1; out->len < bytes; seed++) {
        corpus_fill(items, ITEMS, seed);
        for (int i = 0; i < ITEMS && out->len < bytes; i++) {
            bench_must(buf_printf(out, "%s\n", items[i].text));
        }
    }
    free(items);
}

// ---- odd

static void add_odd_piece(struct buf *out, uint64_t *state)
{
    static const char *const pieces[] = {"4111 1111",
                                         "1111",
                                         "password",
                                         "Password: ",
                                         "pwd=",
                                         "token",
                                         "api_key",
                                         "Bearer ",
                                         "eyJhbGciOi",
                                         "-----BEGIN ",
                                         "PRIVATE KEY-----",
                                         "-----END ",
                                         "MII",
                                         "abandon ",
                                         "zoo ",
                                         "ability ",
                                         "mysql -p",
                                         "$6$",
                                         "2001:db8:",
                                         "+1 ",
                                         "born 1.",
                                         "aB1",
                                         "GB82WEST",
                                         "密码",
                                         "пароль",
                                         "mañana",
                                         "\xff",
                                         "@",
                                         "a@b.",
                                         "com",
                                         "://",
                                         "AKIA",
                                         "AKlA",
                                         "ghp_",
                                         "sk-",
                                         "visa ",
                                         "SSN",
                                         "078-05-",
                                         "1120",
                                         "10.0.0.1",
                                         "1.",
                                         "de:ad:be:ef",
                                         ":",
                                         "::1",
                                         "\n",
                                         "\n\n",
                                         " ",
                                         "\t",
                                         "-",
                                         "_",
                                         ".",
                                         "=",
                                         "'",
                                         "\"",
                                         "|",
                                         "[card]",
                                         "O0l1I",
                                         "passport ",
                                         "C01X0006H",
                                         "\xc2\xa0",
                                         "\xe2\x80\x93",
                                         "(555) ",
                                         "use ",
                                         "code ",
                                         "is your ",
                                         "PIN",
                                         "sha256:",
                                         "version ",
                                         "order ",
                                         "<",
                                         "//"};
    const uint64_t r = next_random(state);
    if (r % 8 == 0) {
        const char any = (char)(r >> 32);
        bench_must(buf_add(out, &any, 1));
    } else if (r % 8 == 1) {
        const char any[] = {"0123456789abcdefABCDEFxyzXYZ+/-_"[r >> 32 & 31],
                            "0123456789OolISBZG.- \n"[(r >> 40) % 22]};
        bench_must(buf_add(out, any, sizeof(any)));
    } else {
        bench_must(
            buf_add_str(out, pieces[(r >> 32) % (sizeof(pieces) / sizeof(pieces[0]))]));
    }
}

void bench_add_odd(struct buf *out, size_t bytes)
{
    uint64_t state = 0x2545f4914f6cdd1du;
    while (out->len < bytes) {
        add_odd_piece(out, &state);
    }
}

// ---- source

void bench_add_file(struct buf *out, const char *path)
{
    char block[65536];
    FILE *f = fopen(path, "rb");
    if (!f) {
        perror(path);
        return;
    }
    for (size_t got; (got = fread(block, 1, sizeof(block), f)) > 0;) {
        bench_must(buf_add(out, block, got));
    }
    fclose(f);
}

// ---- pages

void bench_whole(const struct buf *text, struct bench_pages *out)
{
    out->n = 1;
    out->items = bench_must_have(calloc(1, sizeof(*out->items)));
    out->items[0] = (struct privacy_page){
        .text = buf_str(text), .text_len = text->len, .plain_len = text->len};
}

// Words of one line, from x on; returns where it ends.
static int place_line(const struct privacy_page *p, size_t from, size_t to, int x, int y,
                      struct privacy_word *words, int n)
{
    for (size_t at = from; at < to;) {
        size_t end = at;
        while (end < to && p->text[end] != ' ') {
            end++;
        }
        if (end > at) {
            words[n++] = (struct privacy_word){.left = x + (int)(at - from) * COLUMN_PX,
                                               .top = y,
                                               .width = (int)(end - at) * COLUMN_PX,
                                               .height = LETTER_PX,
                                               .offset = (uint32_t)at,
                                               .len = (uint32_t)(end - at)};
        }
        at = end + 1;
    }
    return n;
}

// The first half of the lines is the left column.
static void lay_out(struct privacy_page *p)
{
    struct privacy_word *words = bench_must_have(calloc(p->text_len + 1, sizeof(*words)));
    size_t longest = 0, split = 0;
    int n = 0;
    for (size_t at = 0, n_line; at < p->text_len; at += n_line + 1) {
        const char *end = memchr(p->text + at, '\n', p->text_len - at);
        n_line = end ? (size_t)(end - p->text) - at : p->text_len - at;
        const bool is_left = at < p->text_len / 2;
        longest = is_left && n_line > longest ? n_line : longest;
        split = is_left ? at + n_line + 1 : split;
    }
    int x = 0, y = 0;
    for (size_t at = 0, n_line; at < p->text_len; at += n_line + 1) {
        const char *end = memchr(p->text + at, '\n', p->text_len - at);
        n_line = end ? (size_t)(end - p->text) - at : p->text_len - at;
        if (at >= split && x == 0) {
            x = (int)longest * COLUMN_PX + GUTTER_PX;
            y = 0;
        }
        n = place_line(p, at, at + n_line, x, y, words, n);
        y += ROW_PX;
    }
    p->words = words;
    p->n_words = n;
    p->width = 2 * x;
    p->height = 2 * y;
}

void bench_columns(const struct buf *text, size_t page_bytes, struct bench_pages *out)
{
    const char *all = buf_str(text);
    out->n = 0;
    out->items = bench_must_have(calloc(text->len / page_bytes + 1, sizeof(*out->items)));
    for (size_t at = 0; at + page_bytes <= text->len;) {
        const char *end =
            memchr(all + at + page_bytes - 1, '\n', text->len - at - page_bytes + 1);
        size_t n = end ? (size_t)(end - all) + 1 - at : text->len - at;
        struct privacy_page *p = &out->items[out->n++];
        *p = (struct privacy_page){.text = all + at, .text_len = n, .plain_len = n};
        lay_out(p);
        at += n;
    }
}

void bench_pages_fini(struct bench_pages *p)
{
    for (int i = 0; i < p->n; i++) {
        free((void *)p->items[i].words);
    }
    free(p->items);
    *p = (struct bench_pages){0};
}
