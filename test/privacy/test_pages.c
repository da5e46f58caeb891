// test_pages.c -- secrets on rendered pages: how many are masked, and is any left.
//
// VLMD_PAGES=N takes so many pages, VLMD_PAGES=all the number of the promise; without it a
// few.  They begin at UNSEEN_PAGES, which nobody looks at: who improves the finder looks at
// those from 0 to 407, with VLMD_PAGES_FROM=0 and VLMD_PAGES_MISSED=FOLDER.  There is written
// what was missed: the page, what OCR read, and which secrets.
//
// The pages are shared among two processes, on every machine: what is planted on a page depends
// on where its share begins.
// SPDX-License-Identifier: MIT
#include "page_gate.h"

// cmocka wants these first.
#include <setjmp.h>
#include <stdarg.h>

#include <cmocka.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

enum {
    FEW_PAGES = 6,
    ALL_PAGES = 204,
    UNSEEN_PAGES = 100000,  // the first; nothing was tuned by these
    JPEG_EVERY = 3,
    ITEMS_A_PAGE = 6,
    WORKERS = 2,
    ENOUGH_PCT = 95
};

struct tally {
    int planted, masked, blocked;
};

struct figures {
    struct tally secrets[PRIVACY_CATEGORIES];
    struct tally layouts[PAGE_LAYOUTS], themes[PAGE_THEMES], fonts[PAGE_FONTS];
    struct tally decoys;
    int leaks, pages, blocked_pages;
    int64_t read_ms;
};

static int pages_wanted(void)
{
    const char *wanted = getenv("VLMD_PAGES");
    if (!wanted) {
        return FEW_PAGES;
    }
    return strcmp(wanted, "all") == 0 ? ALL_PAGES : atoi(wanted);
}

static unsigned first_page(void)
{
    const char *from = getenv("VLMD_PAGES_FROM");
    return from ? (unsigned)atoi(from) : UNSEEN_PAGES;
}

static void count(struct tally *t, const struct gate_page *p, const struct gate_plant *at)
{
    t->planted++;
    t->masked += at->is_masked && !p->is_blocked;
    t->blocked += p->is_blocked;
}

static void add_page(struct figures *f, const struct gate_page *p)
{
    f->pages++;
    f->blocked_pages += p->is_blocked;
    f->read_ms += p->read_ms;
    for (int i = 0; i < p->n_plants; i++) {
        const struct gate_plant *at = &p->plants[i];
        if (!at->item.is_secret) {
            count(&f->decoys, p, at);
            continue;
        }
        count(&f->secrets[at->item.category], p, at);
        count(&f->layouts[p->spec.layout], p, at);
        count(&f->themes[p->spec.theme], p, at);
        count(&f->fonts[p->spec.font], p, at);
        f->leaks += at->leak != NULL;
        if (at->leak) {
            print_message("LEAK on page \"%s\": %s is read in the %s\n",
                          page_spec_text(&p->spec), at->item.secret, at->leak);
        }
    }
}

// ---- for who improves the finder

static void save(const char *folder, unsigned n, const char *ending, const void *data,
                 size_t len)
{
    char path[512];
    snprintf(path, sizeof(path), "%s/page-%03u%s", folder, n, ending);
    FILE *f = fopen(path, "w");
    assert_non_null(f);
    assert_int_equal(fwrite(data, 1, len, f), len);
    assert_int_equal(fclose(f), 0);
}

static void save_missed(const struct gate_page *p, unsigned n)
{
    const char *folder = getenv("VLMD_PAGES_MISSED");
    bool is_any = false;
    if (!folder) {
        return;
    }
    for (int i = 0; i < p->n_plants; i++) {
        const struct gate_plant *at = &p->plants[i];
        if (at->item.is_secret != at->is_masked && !p->is_blocked) {
            is_any = true;
            char read[1500];
            gate_read_at(p, at, read, sizeof(read));
            print_message("%s page %u (%s) %s, %s, covered %.0f %%: %s\n  read: %s\n",
                          at->item.is_secret ? "missed" : "decoy", n,
                          page_spec_text(&p->spec),
                          privacy_category_name(at->item.category), at->item.kind,
                          at->covered * 100, at->item.text, read);
        }
    }
    if (is_any) {
        save(folder, n, ".png", p->png, p->png_len);
        save(folder, n, ".txt", p->text, p->text_bytes);
    }
}

// ---- figures

static double share_pct(const struct tally *t)
{
    return t->planted ? 100.0 * (t->masked + t->blocked) / t->planted : 100;
}

static void print_tally(const char *name, const struct tally *t)
{
    print_message("  %-18s %5d planted  %5d masked  %4d blocked  %6.1f %%\n", name,
                  t->planted, t->masked, t->blocked, share_pct(t));
}

static void print_figures(const struct figures *f)
{
    print_message("%d pages, %d of them blocked, %lld ms of OCR each\n", f->pages,
                  f->blocked_pages, (long long)(f->read_ms / f->pages));
    for (int c = 0; c < PRIVACY_CATEGORIES; c++) {
        print_tally(privacy_category_name((enum privacy_category)c), &f->secrets[c]);
    }
    print_tally("decoys", &f->decoys);
    for (int i = 0; i < PAGE_LAYOUTS; i++) {
        print_tally(page_layout_name((enum page_layout)i), &f->layouts[i]);
    }
    for (int i = 0; i < PAGE_THEMES; i++) {
        print_tally(page_theme_name((enum page_theme)i), &f->themes[i]);
    }
    for (int i = 0; i < PAGE_FONTS; i++) {
        print_tally(page_font_name(i), &f->fonts[i]);
    }
}

// ---- sharing the work

static void measure(struct figures *f, unsigned first, unsigned end)
{
    static struct gate_page p;
    struct gate g;
    gate_open(&g);
    g.next = first * ITEMS_A_PAGE;
    for (unsigned n = first; n < end; n++) {
        gate_plant(&g, &p, n);
        gate_pass(&g, &p, n % JPEG_EVERY == 0);
        add_page(f, &p);
        save_missed(&p, n);
        gate_page_fini(&p);
    }
    gate_close(&g);
    page_end();
}

// Returns where its figures can be read.
static int start_worker(unsigned first, unsigned end)
{
    int ends[2];
    assert_int_equal(pipe(ends), 0);
    fflush(NULL);
    const pid_t pid = fork();
    assert_true(pid >= 0);
    if (pid == 0) {
        struct figures f = {0};
        close(ends[0]);
        measure(&f, first, end);
        fflush(NULL);
        _exit(write(ends[1], &f, sizeof(f)) == (ssize_t)sizeof(f) ? 0 : 1);
    }
    close(ends[1]);
    return ends[0];
}

static void add_tallies(struct tally *to, const struct tally *from, int n)
{
    for (int i = 0; i < n; i++) {
        to[i].planted += from[i].planted;
        to[i].masked += from[i].masked;
        to[i].blocked += from[i].blocked;
    }
}

static void add_figures(struct figures *to, const struct figures *f)
{
    add_tallies(to->secrets, f->secrets, PRIVACY_CATEGORIES);
    add_tallies(to->layouts, f->layouts, PAGE_LAYOUTS);
    add_tallies(to->themes, f->themes, PAGE_THEMES);
    add_tallies(to->fonts, f->fonts, PAGE_FONTS);
    add_tallies(&to->decoys, &f->decoys, 1);
    to->leaks += f->leaks;
    to->pages += f->pages;
    to->blocked_pages += f->blocked_pages;
    to->read_ms += f->read_ms;
}

static void measure_all(struct figures *f, unsigned first, unsigned pages)
{
    int results[WORKERS];
    for (unsigned i = 0; i < WORKERS; i++) {
        results[i] =
            start_worker(first + pages * i / WORKERS, first + pages * (i + 1) / WORKERS);
    }
    for (unsigned i = 0; i < WORKERS; i++) {
        struct figures one;
        int status;
        // One that failed an assertion has said why.
        assert_int_equal(read(results[i], &one, sizeof(one)), sizeof(one));
        close(results[i]);
        add_figures(f, &one);
        assert_true(wait(&status) > 0);
        assert_int_equal(status, 0);
    }
}

static void secrets_on_screens_are_masked(void **state)
{
    (void)state;
    static const enum privacy_category promised[] = {
        PRIVACY_CARD,  PRIVACY_SSN, PRIVACY_PASSWORD,   PRIVACY_API_KEY,
        PRIVACY_TOKEN, PRIVACY_JWT, PRIVACY_PRIVATE_KEY};
    struct figures f = {0};
    measure_all(&f, first_page(), (unsigned)pages_wanted());
    print_figures(&f);
    assert_int_equal(f.pages, pages_wanted());
    assert_int_equal(f.leaks, 0);
    // A handful of strings of each says nothing of the rate.
    for (size_t i = 0; f.pages >= ALL_PAGES && i < sizeof(promised) / sizeof(promised[0]);
         i++) {
        if (share_pct(&f.secrets[promised[i]]) < ENOUGH_PCT) {
            fail_msg("of %s only %.1f %% were masked", privacy_category_name(promised[i]),
                     share_pct(&f.secrets[promised[i]]));
        }
    }
}

static void what_is_drawn_is_where_it_is_said_to_be(void **state)
{
    (void)state;
    for (unsigned n = 0; n < PAGE_LAYOUTS * 4; n++) {
        struct page_spec spec = page_spec_of(n);
        struct page_box with[4], all[4];
        struct page *p = page_new(&spec);
        const int line = page_add(p, "Reference: 4711-0815 of today");
        assert_int_equal(line, 0);
        assert_int_equal(page_find(p, line, 11, 9, with, 4), 1);
        assert_true(page_find(p, line, 0, 29, all, 4) >= 1);
        assert_true(with[0].width > 9 * spec.scale * spec.size_px * .35);
        assert_true(with[0].height > spec.scale * spec.size_px * .5);
        assert_true(with[0].left > all[0].left);
        assert_int_equal(page_find(p, line, 40, 3, with, 4), 0);
        page_free(p);
    }
    page_end();
}

static void the_same_seed_draws_the_same_page(void **state)
{
    (void)state;
    size_t len[2];
    uint8_t *png[2];
    for (int i = 0; i < 2; i++) {
        struct page_spec spec = page_spec_of(11);
        struct page *p = page_new(&spec);
        assert_int_equal(page_add(p, "Once and again"), 0);
        png[i] = page_png(p, &len[i]);
        page_free(p);
        page_end();
    }
    assert_int_equal(len[0], len[1]);
    assert_memory_equal(png[0], png[1], len[0]);
    free(png[0]);
    free(png[1]);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_same_seed_draws_the_same_page),
        cmocka_unit_test(what_is_drawn_is_where_it_is_said_to_be),
        cmocka_unit_test(secrets_on_screens_are_masked),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
