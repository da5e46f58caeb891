// test_boxes.c -- which parts of a picture are painted over for which finding.
//
// A page is made from a text as text recognition would see it: every byte 10 px wide, lines
// 20 px high and 24 px apart.
// SPDX-License-Identifier: MIT
#include "privacy/boxes.h"

#include <limits.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

enum {
    LETTER = 10,
    HEIGHT = 20,
    STEP = 24,
    MARGIN = 5,
    LEFT = 50,
    TOP = 40,
    MANY = 4000
};

static struct privacy_word words[MANY];

static struct privacy_page page_of(const char *text)
{
    struct privacy_page p = {.width = 1000,
                             .height = 600,
                             .text = text,
                             .text_len = strlen(text),
                             .words = words};
    int line = 0;
    size_t begin = 0;
    for (size_t i = 0; i < p.text_len;) {
        size_t len = strcspn(text + i, " \n");
        if (len) {
            assert_true(p.n_words < MANY);
            words[p.n_words++] = (struct privacy_word){
                .left = LEFT + (int)(i - begin) * LETTER,
                .top = TOP + line * STEP,
                .width = (int)len * LETTER,
                .height = HEIGHT,
                .offset = (uint32_t)i,
                .len = (uint32_t)len,
            };
        }
        i += len;
        if (text[i] == '\n') {
            line++;
            begin = i + 1;
        }
        i += text[i] != 0;
    }
    return p;
}

// The finding is what stands between < and >, which are taken out.
struct marked {
    char text[2000];
    struct privacy_finding finding;
};

static void mark(struct marked *m, const char *text, enum privacy_category c)
{
    size_t n = 0;
    *m = (struct marked){.finding = {.category = c, .weight = 100}};
    for (; *text; text++) {
        if (*text == '<') {
            m->finding.offset = (uint32_t)n;
        } else if (*text == '>') {
            m->finding.len = (uint32_t)n - m->finding.offset;
        } else {
            m->text[n++] = *text;
        }
    }
}

// Every byte of a word that a box covers, margin included or not, as '#'.
static void paint(const struct privacy_page *p, const struct privacy_boxes *b, char *out)
{
    memcpy(out, p->text, p->text_len + 1);
    for (int i = 0; i < p->n_words; i++) {
        const struct privacy_word *w = &p->words[i];
        for (uint32_t k = 0; k < w->len; k++) {
            int x = w->left + (int)k * LETTER;
            for (int j = 0; j < b->n; j++) {
                const struct privacy_box *box = &b->items[j];
                bool is_in = box->x <= x && box->x + box->width >= x + LETTER &&
                             box->y <= w->top &&
                             box->y + box->height >= w->top + w->height;
                out[w->offset + k] = is_in ? '#' : out[w->offset + k];
            }
        }
    }
}

static void findings_are_covered_as_the_table_says(void **state)
{
    (void)state;
    static const struct {
        enum privacy_category c;
        const char *text;
        const char *painted;
    } rows[] = {
        {PRIVACY_CARD, "pay <4111 1111 1111 1111> now", "pay #### #### #### #### now"},
        {PRIVACY_CARD, "pay 4111 <1111 11>11 1111 now", "pay 4111 #### #### 1111 now"},
        {PRIVACY_EMAIL, "(<me@example.org>), hi", "################# hi"},
        // over the end of a line
        {PRIVACY_CARD, "no <4111 1111\n1111 1111> ok\nend",
         "no #### ####\n#### #### ok\nend"},
        {PRIVACY_CARD, "<4111 1111\n\n1111 1111>", "#### ####\n\n#### ####"},
        {PRIVACY_IBAN, "a <DE89\n3704\n0044> b", "a ####\n####\n#### b"},
        // a long token that fills its line goes on in the next
        {PRIVACY_TOKEN, "k <0123456789abcdefghijklmn>\nopqrstu is more\nend",
         "k ########################\n####### is more\nend"},
        {PRIVACY_JWT,
         "x\n<eyJhbGciOiJIUzI1NiJ9.eyJzdWI>\niOiIxMjM0NTY3ODkwIn0.abcdefg\n"
         "SflKxwRJSM done\nend",
         "x\n############################\n############################\n########## "
         "done\nend"},
        {PRIVACY_API_KEY, "<sk-0123456789abcdefghij> \\\nklmnopqrst",
         "####################### #\n##########"},
        {PRIVACY_TOKEN, "k <0123456789abcdefghijklmn>\nopqrstu is more and so\nvwxyzab",
         "k ########################\n####### is more and so\nvwxyzab"},
        // ... unless something else stands behind it, it ends before, or the next is no piece
        {PRIVACY_TOKEN, "<0123456789abcdefghijklmn> or\nopqrstu",
         "######################## ##\n#######"},
        {PRIVACY_TOKEN, "<0123456789abcdefghijklmn> other\nopqrstu",
         "######################## other\nopqrstu"},
        {PRIVACY_TOKEN,
         "<0123456789abcdefghijklmn>\nopqrstu and a line that is far longer",
         "########################\nopqrstu and a line that is far longer"},
        {PRIVACY_TOKEN, "<0123456789abcdefghijklmn>\nend: x",
         "########################\nend: x"},
        {PRIVACY_CARD, "<4111111111111111>\nopqrstu", "################\nopqrstu"},
        {PRIVACY_PASSWORD, "pw <hunter2>\nopqrstu", "pw #######\nopqrstu"},
        // a private key with all its lines
        {PRIVACY_PRIVATE_KEY,
         "a\n<-----BEGIN RSA PRIVATE KEY----->\nMIIEow\nq83v\n-----END RSA PRIVATE "
         "KEY-----\nz",
         "a\n########## ### ####### ########\n######\n####\n######## ### ####### "
         "########\nz"},
        {PRIVACY_PRIVATE_KEY,
         "<-----BEGIN PRIVATE KEY----->\nPr: 4\n\nMIIEow\n-----END PRIVATE KEY-----\nz",
         "########## ####### ########\n### #\n\n######\n######## ####### ########\nz"},
        {PRIVACY_PRIVATE_KEY,
         "<-----BEGIN PRIVATE KEY----->\nMIIEow\nq83v z\n\nother words\n",
         "########## ####### ########\n######\n#### #\n\nother words\n"},
        {PRIVACY_PRIVATE_KEY,
         "<-----BEGIN PRIVATE KEY----->\nMIIEow\n\nq83vEjRWeJCrze8\n\nother words",
         "########## ####### ########\n######\n\n###############\n\nother words"},
        {PRIVACY_PRIVATE_KEY,
         "<-----BEGIN A KEY----->\nMIIEow\n\nb\n-----BEGIN A KEY-----\n-----END A "
         "KEY-----",
         "########## # ########\n######\n\nb\n-----BEGIN A KEY-----\n-----END A "
         "KEY-----"},
    };
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        struct marked m;
        struct privacy_boxes boxes;
        char painted[2000];
        mark(&m, rows[i].text, rows[i].c);
        struct privacy_page p = page_of(m.text);
        struct privacy_findings f = {.items = &m.finding, .n = 1};
        assert_int_equal(privacy_boxes_make(&p, &f, 1u << rows[i].c, &boxes), 0);
        paint(&p, &boxes, painted);
        if (strcmp(painted, rows[i].painted) != 0) {
            fail_msg("row %zu:\n%s\nexpected:\n%s", i, painted, rows[i].painted);
        }
    }
}

static void a_box_has_a_margin_and_covers_gaps(void **state)
{
    (void)state;
    struct marked m;
    struct privacy_boxes b;
    mark(&m, "pay <4111 1111>\nmore words here", PRIVACY_CARD);
    struct privacy_page p = page_of(m.text);
    struct privacy_findings f = {.items = &m.finding, .n = 1};
    assert_int_equal(privacy_boxes_make(&p, &f, ~0u, &b), 0);
    assert_int_equal(b.n, 1);
    assert_int_equal(b.items[0].x, LEFT + 4 * LETTER - MARGIN);
    assert_int_equal(b.items[0].width, 9 * LETTER + 2 * MARGIN);
    assert_int_equal(b.items[0].y, TOP - MARGIN);
    assert_int_equal(b.items[0].height, HEIGHT + 2 * MARGIN);
    // a token at the end of its line is covered to where the longest line ends
    mark(&m, "<0123456789abcdefghijklmn>\nmore words that go further than it",
         PRIVACY_TOKEN);
    p = page_of(m.text);
    assert_int_equal(privacy_boxes_make(&p, &f, ~0u, &b), 0);
    assert_int_equal(b.n, 1);
    assert_int_equal(b.items[0].x + b.items[0].width, LEFT + 34 * LETTER + MARGIN);
    // what is not to be masked is not
    assert_int_equal(privacy_boxes_make(&p, &f, 1u << PRIVACY_CARD, &b), 0);
    assert_int_equal(b.n, 0);
}

static void boxes_stay_inside_the_picture(void **state)
{
    (void)state;
    static const struct {
        int left, top, width, height;
        struct privacy_box box;  // width 0: nowhere
    } rows[] = {
        {0, 0, 20, 8, {0, 0, 22, 10}},
        {90, 40, 10, 10, {88, 38, 12, 12}},
        {90, 40, 50, 50, {88, 38, 12, 12}},
        {-10, -10, 20, 20, {0, 0, 12, 12}},
        {INT_MIN, INT_MIN, INT_MAX, INT_MAX, {0}},
        {INT_MAX, INT_MAX, INT_MAX, INT_MAX, {0}},
        {5, 5, INT_MAX, INT_MAX, {0, 0, 100, 50}},
        {100, 10, 10, 10, {0}},
        {10, 50, 10, 10, {0}},
        {10, 10, 0, 10, {0}},
        {10, 10, 10, -1, {0}},
        {-20, 10, 10, 10, {0}},
    };
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        struct privacy_word w = {rows[i].left,   rows[i].top, rows[i].width,
                                 rows[i].height, 0,           4};
        struct privacy_page p = {100, 50, "1234", 4, 4, &w, 1};
        struct privacy_finding one = {.category = PRIVACY_CARD, .len = 4};
        struct privacy_findings f = {.items = &one, .n = 1};
        struct privacy_boxes b;
        int rc = privacy_boxes_make(&p, &f, ~0u, &b);
        assert_int_equal(rc, rows[i].box.width ? 0 : E_NOT_FOUND);
        assert_int_equal(b.n, rc == 0);
        if (rc == 0 && memcmp(&b.items[0], &rows[i].box, sizeof(b.items[0])) != 0) {
            fail_msg("row %zu: %d %d %d %d", i, b.items[0].x, b.items[0].y,
                     b.items[0].width, b.items[0].height);
        }
    }
}

static void a_finding_without_words_is_said(void **state)
{
    (void)state;
    struct privacy_page p = page_of("one two  three");
    struct privacy_finding one = {.category = PRIVACY_CARD, .offset = 7, .len = 2};
    struct privacy_findings f = {.items = &one, .n = 1};
    struct privacy_boxes b = {.n = 7};
    assert_int_equal(privacy_boxes_make(&p, &f, ~0u, &b), E_NOT_FOUND);
    assert_int_equal(b.n, 0);
    one = (struct privacy_finding){.category = PRIVACY_CARD, .offset = 99, .len = 2};
    assert_int_equal(privacy_boxes_make(&p, &f, ~0u, &b), E_NOT_FOUND);
    one = (struct privacy_finding){
        .category = PRIVACY_CARD, .offset = UINT32_MAX, .len = UINT32_MAX};
    assert_int_equal(privacy_boxes_make(&p, &f, ~0u, &b), E_NOT_FOUND);
    one = (struct privacy_finding){
        .category = PRIVACY_CARD, .offset = 0, .len = UINT32_MAX};
    assert_int_equal(privacy_boxes_make(&p, &f, ~0u, &b), 0);
    p.n_words = 0;
    assert_int_equal(privacy_boxes_make(&p, &f, ~0u, &b), E_NOT_FOUND);
    f.n = 0;
    assert_int_equal(privacy_boxes_make(&p, &f, ~0u, &b), 0);
    // words that contradict the text
    f.n = 1;
    p = page_of("one two");
    words[1].offset = 2;
    assert_int_equal(privacy_boxes_make(&p, &f, ~0u, &b), E_NOT_FOUND);
    p = page_of("one two");
    words[1].len = 4;
    assert_int_equal(privacy_boxes_make(&p, &f, ~0u, &b), E_NOT_FOUND);
    p = page_of("one two");
    p.width = INT_MAX;
    assert_int_equal(privacy_boxes_make(&p, &f, ~0u, &b), E_NOT_FOUND);
}

// n words a line, every second one a finding.
static void make_many(int lines, int per_line, struct privacy_page *p,
                      struct privacy_findings *f)
{
    static char text[4 * MANY + 1];
    static struct privacy_finding items[MANY];
    size_t n = 0;
    *f = (struct privacy_findings){.items = items};
    for (int i = 0; i < lines * per_line; i++) {
        if (i % 2 == 0) {
            items[f->n++] = (struct privacy_finding){
                .category = PRIVACY_CARD, .offset = (uint32_t)n, .len = 2};
        }
        n += (size_t)sprintf(text + n, "%02d%c", i % 100,
                             i % per_line == per_line - 1 ? '\n' : ' ');
    }
    *p = page_of(text);
    p->height = TOP + lines * STEP;
}

static void too_many_boxes_become_fewer(void **state)
{
    (void)state;
    struct privacy_page p;
    struct privacy_findings f;
    struct privacy_boxes b;
    make_many(64, 16, &p, &f);
    assert_int_equal(privacy_boxes_make(&p, &f, ~0u, &b), 0);
    assert_int_equal(b.n, 512);
    make_many(65, 16, &p, &f);
    assert_int_equal(privacy_boxes_make(&p, &f, ~0u, &b), 0);
    assert_int_equal(b.n, 65);  // one per line
    assert_int_equal(b.items[3].x, LEFT - MARGIN);
    assert_int_equal(b.items[3].width, (14 * 3 + 2) * LETTER + 2 * MARGIN);
    assert_int_equal(b.items[3].height, HEIGHT + 2 * MARGIN);
    make_many(513, 2, &p, &f);
    assert_int_equal(privacy_boxes_make(&p, &f, ~0u, &b), 0);
    assert_int_equal(b.n, 1);  // everything
    assert_int_equal(b.items[0].width, p.width);
    assert_int_equal(b.items[0].height, p.height);
}

int main(void)
{
    static const struct CMUnitTest tests[] = {
        cmocka_unit_test(findings_are_covered_as_the_table_says),
        cmocka_unit_test(a_box_has_a_margin_and_covers_gaps),
        cmocka_unit_test(boxes_stay_inside_the_picture),
        cmocka_unit_test(a_finding_without_words_is_said),
        cmocka_unit_test(too_many_boxes_become_fewer),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
