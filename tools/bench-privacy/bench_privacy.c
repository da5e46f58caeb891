// bench_privacy.c -- how fast the finder and the redaction are, on one core.
//
//   bench_privacy [FILE...]
//
// Texts: what OCR reads from screens, made up from a seed (running text, menus, logs, one
// secret in four kilobytes); the FILEs, as source code; and pieces that make the finder look
// ahead as often as it can.  Processor time, the best of several rounds.
// SPDX-License-Identifier: MIT
#include "privacy/corpus.h"
#include "privacy/redact.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

enum { TEXT_BYTES = 8 << 20, FILES_MAX = 64 << 20, ROUNDS = 5, PER_SECRET = 4096 };

static double now_s(void)
{
    struct timespec ts;
    clock_gettime(CLOCK_THREAD_CPUTIME_ID, &ts);
    return (double)ts.tv_sec + (double)ts.tv_nsec / 1e9;
}

static void *must(void *p)
{
    if (!p) {
        perror("bench_privacy");
        exit(1);
    }
    return p;
}

static void must_be(int rc)
{
    if (rc != 0) {
        fprintf(stderr, "bench_privacy: %s\n", err_words(rc));
        exit(1);
    }
}

static uint64_t next_random(uint64_t *state)
{
    *state ^= *state << 13;
    *state ^= *state >> 7;
    *state ^= *state << 17;
    return *state;
}

// Running text: the commonest words of English come often; 4.7 letters a word, as in English.
static void add_sentence(struct buf *b, uint64_t *state)
{
    static const char words[] =
        "the of and a to in is you that it he was for on are as with his they at be this "
        "have from or one had by word but not what all were we when your can said there "
        "use "
        "an each which she do how their if will up other about out many then them these "
        "so "
        "some her would make like him into time has look two more write go see number no "
        "way "
        "could people my than first water been call who oil its now find long down day "
        "did "
        "get come made may part over new sound take only little work know place year "
        "live me "
        "back give most very after thing our just name good sentence man think say great "
        "where help through much before line right too mean old any same tell boy follow "
        "came "
        "want show also around form three small set put end does another well large must "
        "big "
        "even such because turn here why ask went men read need land different home us "
        "move "
        "try kind hand picture again change off play spell air away animal house point "
        "page "
        "letter mother answer found study still learn should world information available "
        "settings document application development management message received yesterday "
        "customer service project schedule following together important question "
        "different "
        "another sentence between without something thought children example government "
        "company problem against interest already morning possible language remember "
        "attached regards meeting tomorrow afternoon update download install configure";
    size_t n = 6 + next_random(state) % 14;
    for (size_t i = 0; i < n; i++) {
        size_t at = next_random(state) % (sizeof(words) - 16);
        at = next_random(state) % 3 == 0 ? at / 12 : at;
        while (at > 0 && words[at - 1] != ' ') {
            at--;
        }
        must_be(buf_add(b, words + at, strcspn(words + at, " ")));
        must_be(buf_add_str(b, i + 1 < n ? " " : ".\n"));
    }
}

static void make_screens(struct buf *b)
{
    struct corpus_item item;
    uint64_t state = 88172645463325252u;
    size_t next_secret = PER_SECRET;
    for (unsigned n = 0; b->len < TEXT_BYTES; n++) {
        for (int i = 0; i < 4; i++) {
            add_sentence(b, &state);
        }
        corpus_decoy(&item, n, next_random(&state));
        must_be(buf_printf(b, "%s\n", item.text));
        if (b->len >= next_secret) {
            next_secret = b->len + PER_SECRET;
            corpus_secret(&item, (enum privacy_category)(n % PRIVACY_CATEGORIES), n,
                          next_random(&state));
            must_be(buf_printf(b, "%s\n", item.text));
        }
    }
}

static void read_files(struct buf *b, char **paths, int n)
{
    for (int i = 0; i < n; i++) {
        char block[65536];
        FILE *f = fopen(paths[i], "rb");
        if (!f) {
            perror(paths[i]);
            continue;
        }
        for (size_t got; (got = fread(block, 1, sizeof(block), f)) > 0;) {
            must_be(buf_add(b, block, got));
        }
        fclose(f);
    }
}

static void print_row(const char *name, size_t bytes, double seconds, int found,
                      double looks)
{
    printf("%-28s %7.1f MB %9.1f MB/s %8d found %6.2f looks/byte\n", name,
           (double)bytes / 1e6, (double)bytes / 1e6 / seconds, found, looks);
}

static double bench_find(const struct privacy_finder *f, const char *name,
                         const char *text, size_t len)
{
    struct privacy_findings found = {0};
    double best = 1e9;
    int n = 0;
    uint64_t work = 0;
    for (int round = 0; round < ROUNDS; round++) {
        double begin = now_s();
        n = 0;
        work = 0;
        for (size_t from = 0; from < len;) {  // findings are cut at some number: go on
            must_be(privacy_find_from(f, text, len, from, &found));
            n += found.n;
            work += found.work;
            from = found.is_cut ? found.seen_bytes : len;
        }
        double took = now_s() - begin;
        best = took < best ? took : best;
    }
    if (name) {
        print_row(name, len, best, n, (double)work / (double)len);
    }
    privacy_findings_fini(&found);
    return best;
}

static void bench_redact(const struct privacy_finder *f, const char *text, size_t len)
{
    struct buf out;
    int counts[PRIVACY_CATEGORIES] = {0}, n = 0;
    double best = 1e9;
    buf_init(&out, len * 2);
    for (int round = 0; round < ROUNDS; round++) {
        double begin = now_s();
        memset(counts, 0, sizeof(counts));
        must_be(privacy_redact(f, text, PRIVACY_ALL, &out, counts));
        double took = now_s() - begin;
        best = took < best ? took : best;
    }
    for (int c = 0; c < PRIVACY_CATEGORIES; c++) {
        n += counts[c];
    }
    print_row("screens, redacted", len, best, n, 0);
    buf_fini(&out);
}

static void bench_hostile(const struct privacy_finder *f)
{
    static const char *const pieces[] = {"1 ",
                                         "1111 ",
                                         "4111 1111 1111 1111 ",
                                         "l1",
                                         "a@a.",
                                         "password=",
                                         "Password: a ",
                                         "token=",
                                         "Bearer ",
                                         "eyJhbGciOiJIUzI1NiJ9\n",
                                         "-----BEGIN PRIVATE KEY-----\n",
                                         "MII ",
                                         "abandon ",
                                         "zoo zone ",
                                         "mysql -p",
                                         "$6$",
                                         "2001:",
                                         "+1 ",
                                         "born 1.",
                                         "aB1",
                                         "GB82WEST",
                                         "密码",
                                         "\xff"};
    enum { BYTES = 1 << 20 };
    char *text = must(malloc(BYTES));
    const char *slowest = NULL;
    double longest = 0;
    for (size_t k = 0; k < sizeof(pieces) / sizeof(pieces[0]); k++) {
        size_t n = strlen(pieces[k]);
        for (size_t i = 0; i < BYTES; i++) {
            text[i] = pieces[k][i % n];
        }
        double took = bench_find(f, NULL, text, BYTES);
        if (took > longest) {
            longest = took;
            slowest = pieces[k];
        }
    }
    printf("hostile, the worst of %zu: %.1f MB/s, '%.*s' again and again\n",
           sizeof(pieces) / sizeof(pieces[0]), BYTES / 1e6 / longest,
           (int)strcspn(slowest, "\n"), slowest);
    free(text);
}

int main(int argc, char **argv)
{
    struct privacy_finder *finder;
    struct buf screens, code;
    struct err e = {0};
    double begin = now_s();
    if (privacy_finder_open(&finder, &e) != 0) {
        fprintf(stderr, "bench_privacy: %s\n", e.msg);
        return 1;
    }
    printf("tables made in %.2f ms\n", (now_s() - begin) * 1e3);
    buf_init(&screens, TEXT_BYTES + 65536);
    buf_init(&code, FILES_MAX);
    make_screens(&screens);
    bench_find(finder, "screens", buf_str(&screens), screens.len);
    bench_redact(finder, buf_str(&screens), screens.len);
    read_files(&code, argv + 1, argc - 1);
    if (code.len > 0) {
        bench_find(finder, "files", buf_str(&code), code.len);
    }
    bench_hostile(finder);
    buf_fini(&screens);
    buf_fini(&code);
    privacy_finder_free(finder);
    return 0;
}
