// bench_privacy.c -- how fast the finders and the redaction are, on one core.
//
//   bench_privacy [-k KIND] [-r ROUNDS] [-d] [FILE...]
//
// A kind is a text and what is done with it; the FILEs are source code.  Rounds go through
// all kinds in turn, so that what else the machine does meets all of them; the median of a
// kind's processor times is printed, and the longest time that one call took in a middling
// round.  The digest is of all that was found: it stays the same when a change makes the
// rules faster and nothing else.  -d lists all that was found instead, a line each.
// SPDX-License-Identifier: MIT
#include "bench_text.h"
#include "privacy/find_page.h"
#include "privacy/redact.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

enum { MOST_ROUNDS = 31, FILES_MAX = 64 << 20, PIECE_BYTES = 1 << 20 };

struct tally {
    int found;
    uint64_t work;
    uint64_t digest;
    bool is_listing;
};

struct kind {
    const char *name;
    struct bench_pages pages;
    int (*run)(const struct privacy_finder *f, const struct privacy_page *p,
               struct tally *t);
    double took_s[MOST_ROUNDS], longest_s[MOST_ROUNDS];
    struct tally tally;
};

static double now_s(void)
{
    struct timespec ts;
    clock_gettime(CLOCK_THREAD_CPUTIME_ID, &ts);
    return (double)ts.tv_sec + (double)ts.tv_nsec / 1e9;
}

// ---- what is measured

// FNV-1a.
static void add_digest(struct tally *t, uint64_t value)
{
    for (int i = 0; i < 64; i += 8) {
        t->digest = (t->digest ^ (value >> i & 0xff)) * 0x100000001b3u;
    }
}

static void list(const struct privacy_page *page, const struct privacy_finding *p)
{
    printf("%u+%u %s %d%s ", p->offset, p->len, privacy_category_name(p->category),
           p->weight, p->is_repeat ? " again" : "");
    for (uint32_t i = 0; i < p->len; i++) {
        const unsigned char c = (unsigned char)page->text[p->offset + i];
        putchar(c < ' ' ? ' ' : c);
    }
    putchar('\n');
}

static void count(struct tally *t, const struct privacy_page *page,
                  const struct privacy_findings *found)
{
    t->found += found->n;
    t->work += found->work;
    for (int i = 0; i < found->n; i++) {
        const struct privacy_finding *p = &found->items[i];
        if (t->is_listing) {
            list(page, p);
        }
        add_digest(t, (uint64_t)p->offset << 32 | p->len);
        add_digest(t,
                   (uint64_t)p->category << 16 | (uint64_t)p->weight << 1 | p->is_repeat);
    }
}

static int run_find(const struct privacy_finder *f, const struct privacy_page *p,
                    struct tally *t)
{
    struct privacy_findings found = {0};
    int rc = privacy_find(f, p->text, p->text_len, &found);
    count(t, p, &found);
    privacy_findings_fini(&found);
    return rc;
}

static int run_read(const struct privacy_finder *f, const struct privacy_page *p,
                    struct tally *t)
{
    struct privacy_findings found = {0};
    int rc = privacy_find_read(f, p->text, p->text_len, &found);
    count(t, p, &found);
    privacy_findings_fini(&found);
    return rc;
}

static int run_page(const struct privacy_finder *f, const struct privacy_page *p,
                    struct tally *t)
{
    struct privacy_findings found = {0};
    int rc = privacy_find_page(f, p, &found);
    count(t, p, &found);
    privacy_findings_fini(&found);
    return rc;
}

static int run_redact(const struct privacy_finder *f, const struct privacy_page *p,
                      struct tally *t)
{
    int counts[PRIVACY_CATEGORIES] = {0};
    struct buf out;
    buf_init(&out, p->text_len * 2);
    int rc = privacy_redact(f, p->text, PRIVACY_ALL, &out, counts);
    for (int c = 0; c < PRIVACY_CATEGORIES; c++) {
        t->found += counts[c];
    }
    for (size_t i = 0; i < out.len; i++) {
        t->digest = (t->digest ^ (unsigned char)buf_str(&out)[i]) * 0x100000001b3u;
    }
    buf_fini(&out);
    return rc;
}

// ---- measuring

static void measure(const struct privacy_finder *f, struct kind *k, int round)
{
    double took = 0, longest = 0;
    k->tally =
        (struct tally){.digest = 0xcbf29ce484222325u, .is_listing = k->tally.is_listing};
    for (int i = 0; i < k->pages.n; i++) {
        const double begin = now_s();
        bench_must(k->run(f, &k->pages.items[i], &k->tally));
        const double one = now_s() - begin;
        took += one;
        longest = one > longest ? one : longest;
    }
    k->took_s[round] = took;
    k->longest_s[round] = longest;
}

static int by_size(const void *a, const void *b)
{
    const double *x = a, *y = b;
    return (*x > *y) - (*x < *y);
}

static double median(double *values, int n)
{
    qsort(values, (size_t)n, sizeof(*values), by_size);
    return values[n / 2];
}

static size_t bytes_of(const struct kind *k)
{
    size_t n = 0;
    for (int i = 0; i < k->pages.n; i++) {
        n += k->pages.items[i].text_len;
    }
    return n;
}

static void print_kind(struct kind *k, int rounds)
{
    const double bytes = (double)bytes_of(k);
    printf("%-20s %5.1f MB in %4d %7.1f MB/s %8.2f ms the longest %7d found %6.2f "
           "looks/byte %016llx\n",
           k->name, bytes / 1e6, k->pages.n, bytes / 1e6 / median(k->took_s, rounds),
           1e3 * median(k->longest_s, rounds), k->tally.found,
           (double)k->tally.work / bytes, (unsigned long long)k->tally.digest);
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
    struct kind k = {.run = run_find};
    struct buf text;
    const char *slowest = NULL;
    double longest = 0;
    for (size_t i = 0; i < sizeof(pieces) / sizeof(pieces[0]); i++) {
        buf_init(&text, PIECE_BYTES + 64);
        while (text.len < PIECE_BYTES) {
            bench_must(buf_add_str(&text, pieces[i]));
        }
        bench_whole(&text, &k.pages);
        measure(f, &k, 0);
        bench_pages_fini(&k.pages);
        buf_fini(&text);
        if (k.took_s[0] > longest) {
            longest = k.took_s[0];
            slowest = pieces[i];
        }
    }
    printf("hostile, the worst of %zu: %.1f MB/s, '%.*s' again and again\n",
           sizeof(pieces) / sizeof(pieces[0]), PIECE_BYTES / 1e6 / longest,
           (int)strcspn(slowest, "\n"), slowest);
}

// ---- all

struct options {
    const char *kind;  // NULL: all
    int rounds;
    bool is_listing;
    char **files;
    int n_files;
};

static bool read_options(int argc, char **argv, struct options *o)
{
    *o = (struct options){.rounds = 7};
    for (int c; (c = getopt(argc, argv, "dk:r:")) != -1;) {
        if (c == 'k') {
            o->kind = optarg;
        } else if (c == 'r') {
            o->rounds = atoi(optarg);
        } else if (c == 'd') {
            o->is_listing = true;
            o->rounds = 1;
        } else {
            return false;
        }
    }
    o->files = argv + optind;
    o->n_files = argc - optind;
    return o->rounds >= 1 && o->rounds <= MOST_ROUNDS;
}

static void bench_all(const struct privacy_finder *f, const struct options *o)
{
    enum { WHOLE = 4 << 20, PAGED = 1 << 20, PAGE = 10 << 10, PIECE = 64 << 10 };
    struct buf documents, dense, odd, source;
    buf_init(&documents, WHOLE + 65536);
    buf_init(&dense, WHOLE + 65536);
    buf_init(&odd, WHOLE + 65536);
    buf_init(&source, FILES_MAX);
    bench_add_documents(&documents, WHOLE);
    bench_add_dense(&dense, WHOLE);
    bench_add_odd(&odd, PAGED);
    for (int i = 0; i < o->n_files; i++) {
        bench_add_file(&source, o->files[i]);
    }
    const struct buf few_documents = {.data = documents.data, .len = PAGED};
    const struct buf few_dense = {.data = dense.data, .len = PAGED};
    struct {
        const char *name;
        const struct buf *text;
        size_t page_bytes;  // 0 = whole
        int (*run)(const struct privacy_finder *, const struct privacy_page *,
                   struct tally *);
    } rows[] = {
        {"documents", &documents, PIECE, run_find},
        {"source", &source, PIECE, run_find},
        {"dense", &dense, PIECE, run_find},
        {"odd", &odd, PIECE, run_find},
        {"documents-redacted", &documents, 0, run_redact},
        {"dense-redacted", &dense, 0, run_redact},
        {"documents-read", &few_documents, PAGE, run_read},
        {"dense-read", &few_dense, PAGE, run_read},
        {"odd-read", &odd, PAGE, run_read},
        {"documents-page", &few_documents, PAGE, run_page},
        {"dense-page", &few_dense, PAGE, run_page},
        {"odd-page", &odd, PAGE, run_page},
    };
    enum { KINDS = sizeof(rows) / sizeof(rows[0]) };
    struct kind kinds[KINDS] = {0};
    int n = 0;
    for (int i = 0; i < KINDS; i++) {
        if (rows[i].text->len == 0 || (o->kind && strcmp(o->kind, rows[i].name) != 0)) {
            continue;
        }
        struct kind *k = &kinds[n++];
        k->name = rows[i].name;
        k->tally.is_listing = o->is_listing;
        k->run = rows[i].run;
        if (rows[i].page_bytes) {
            bench_columns(rows[i].text, rows[i].page_bytes, &k->pages);
        } else {
            bench_whole(rows[i].text, &k->pages);
        }
    }
    for (int round = 0; round < o->rounds; round++) {
        for (int i = 0; i < n; i++) {
            measure(f, &kinds[i], round);
        }
    }
    for (int i = 0; i < n; i++) {
        if (!o->is_listing) {
            print_kind(&kinds[i], o->rounds);
        }
        bench_pages_fini(&kinds[i].pages);
    }
    buf_fini(&documents);
    buf_fini(&dense);
    buf_fini(&odd);
    buf_fini(&source);
}

int main(int argc, char **argv)
{
    struct privacy_finder *finder;
    struct options options;
    struct err e = {0};
    if (!read_options(argc, argv, &options)) {
        fprintf(stderr, "usage: bench_privacy [-k KIND] [-r ROUNDS] [-d] [FILE...]\n");
        return 2;
    }
    const double begin = now_s();
    if (privacy_finder_open(&finder, &e) != 0) {
        fprintf(stderr, "bench_privacy: %s\n", e.msg);
        return 1;
    }
    if (!options.is_listing) {
        printf("tables made in %.2f ms\n", (now_s() - begin) * 1e3);
    }
    bench_all(finder, &options);
    if (!options.kind && !options.is_listing) {
        bench_hostile(finder);
    }
    privacy_finder_free(finder);
    return 0;
}
