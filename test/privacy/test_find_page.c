// test_find_page.c -- labels and values that stand apart in the text but together on the page.
//
// A page is drawn with letters: "place" puts words at a column and a row of it.
// SPDX-License-Identifier: MIT
#include "privacy/find_page.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdlib.h>

#include <cmocka.h>
#include <string.h>

enum { COLUMN_PX = 8, ROW_PX = 20, LETTER_PX = 12, MOST = 64 };

static struct privacy_finder *finder;

struct sheet {
    char text[1000];
    struct privacy_word words[MOST];
    struct privacy_page page;
};

static int open_finder(void **state)
{
    struct err e = {0};
    (void)state;
    return privacy_finder_open(&finder, &e);
}

static int close_finder(void **state)
{
    (void)state;
    privacy_finder_free(finder);
    return 0;
}

static void clear(struct sheet *s)
{
    memset(s, 0, sizeof(*s));
    s->page = (struct privacy_page){
        .width = 1000, .height = 1000, .text = s->text, .words = s->words};
}

// A line of the text, as text recognition read it there.
static void place(struct sheet *s, int column, double row, const char *line)
{
    struct privacy_page *p = &s->page;
    for (const char *at = line; *at;) {
        const size_t len = strcspn(at, " ");
        assert_true(p->n_words < MOST && p->text_len + len + 2 < sizeof(s->text));
        s->words[p->n_words++] =
            (struct privacy_word){.left = (column + (int)(at - line)) * COLUMN_PX,
                                  .top = (int)(row * ROW_PX),
                                  .width = (int)len * COLUMN_PX,
                                  .height = LETTER_PX,
                                  .offset = (uint32_t)p->text_len,
                                  .len = (uint32_t)len};
        memcpy(s->text + p->text_len, at, len);
        p->text_len += len;
        s->text[p->text_len++] = at[len] ? ' ' : '\n';
        at += len + (at[len] == ' ');
    }
    p->plain_len = p->text_len;
}

static void place_again(struct sheet *s, int column, double row, const char *line)
{
    const size_t plain = s->page.plain_len;
    place(s, column, row, line);
    s->page.plain_len = plain;
}

static void find(const struct sheet *s, struct privacy_findings *f)
{
    memset(f, 0, sizeof(*f));
    assert_int_equal(privacy_find_page(finder, &s->page, f), 0);
}

static bool is_found(const struct sheet *s, enum privacy_category c, const char *secret)
{
    struct privacy_findings f;
    bool is_there = false;
    find(s, &f);
    for (int i = 0; i < f.n; i++) {
        is_there |= f.items[i].category == c && f.items[i].len == strlen(secret) &&
                    memcmp(s->text + f.items[i].offset, secret, f.items[i].len) == 0;
    }
    privacy_findings_fini(&f);
    return is_there;
}

static void a_value_beside_its_label_is_found(void **state)
{
    (void)state;
    struct sheet s;
    clear(&s);
    // Read column by column.
    place(&s, 2, 1, "Name:");
    place(&s, 2, 3, "Password:");
    place(&s, 2, 5, "Social security number:");
    place(&s, 40, 1, "Maria Schmidt");
    place(&s, 40, 3.1, "tiger");
    place(&s, 40, 4.9, "219 099 999");
    assert_true(is_found(&s, PRIVACY_PASSWORD, "tiger"));
    assert_true(is_found(&s, PRIVACY_SSN, "219 099 999"));
}

static void a_label_may_be_broken_over_lines(void **state)
{
    (void)state;
    struct sheet s;
    clear(&s);
    place(&s, 2, 1, "Your login");
    place(&s, 2, 2, "code:");
    place(&s, 40, 1, "266858");
    place(&s, 2, 5, "Files are saved");
    assert_true(is_found(&s, PRIVACY_PASSWORD, "266858"));
    clear(&s);
    place(&s, 2, 1, "Shown only");
    place(&s, 2, 2, "Password:");
    place(&s, 40, 2, "is not kept");
    place(&s, 40, 1, "tiger");
    assert_true(is_found(&s, PRIVACY_PASSWORD, "tiger"));
}

static void what_is_far_below_is_no_value(void **state)
{
    (void)state;
    struct sheet s;
    clear(&s);
    place(&s, 2, 1, "Password:");
    place(&s, 2, 20, "Berlin");
    place(&s, 40, 21, "Inbox");
    assert_false(is_found(&s, PRIVACY_PASSWORD, "Berlin"));
    assert_false(is_found(&s, PRIVACY_PASSWORD, "Inbox"));
}

static void second_readings_count_once(void **state)
{
    (void)state;
    struct sheet s;
    struct privacy_findings f;
    clear(&s);
    place(&s, 2, 1, "card 4242 4242 4242 4242");
    place(&s, 2, 3, "5555 5555 5555 4445");
    place_again(&s, 2, 1, "card 4242 4242 4242 4242");
    place_again(&s, 2, 3, "5555 5555 5555 4444");
    find(&s, &f);
    assert_int_equal(f.n, 3);
    for (int i = 0; i < f.n; i++) {
        assert_int_equal(f.items[i].category, PRIVACY_CARD);
        assert_int_equal(f.items[i].is_repeat, i == 1);
    }
    privacy_findings_fini(&f);
}

// Nothing is known of where they stand; the text is looked at all the same.
static void words_out_of_order_make_no_rows(void **state)
{
    (void)state;
    struct sheet s;
    clear(&s);
    place(&s, 2, 1, "card 4242 4242 4242 4242");
    s.words[0].offset = UINT32_MAX;
    assert_true(is_found(&s, PRIVACY_CARD, "4242 4242 4242 4242"));
    clear(&s);
    place(&s, 2, 1, "Password:");
    place(&s, 40, 1, "tiger");
    for (int i = 0; i < s.page.n_words; i++) {
        s.words[i].height = s.words[i].width = 0;
    }
    struct privacy_findings f;
    find(&s, &f);
    privacy_findings_fini(&f);
    clear(&s);
    find(&s, &f);
    assert_int_equal(f.n, 0);
    privacy_findings_fini(&f);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_value_beside_its_label_is_found),
        cmocka_unit_test(a_label_may_be_broken_over_lines),
        cmocka_unit_test(what_is_far_below_is_no_value),
        cmocka_unit_test(second_readings_count_once),
        cmocka_unit_test(words_out_of_order_make_no_rows),
    };
    return cmocka_run_group_tests(tests, open_finder, close_finder);
}
