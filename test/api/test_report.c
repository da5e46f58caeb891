// test_report.c -- the public interface's questions to the audit, and forgetting.
// SPDX-License-Identifier: MIT
// clang-format off
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <cmocka.h>
// clang-format on
#include "store/storekit.h"
#include "vlmd.h"
#include "vlmd_privacy.h"

#include <stdio.h>
#include <string.h>

enum { ROWS = 600 };

struct rig {
    struct kit k;  // fills the database, and looks at it from beside
    vlmd *v;
    int answers, last_err, rows, stop_after;
    int64_t first_seq, last_seq;
    char words[300], head[80], fault[16], chain[80];
    int64_t bad_seq, items, requeued, sound, app_rows, bytes;
    bool is_clean;
};

static void open_handle(struct rig *r)
{
    struct vlmd_setting settings[] = {{"db", r->k.path, "test"}};
    struct vlmd_options o = {.role = VLMD_CLIENT,
                             .config_file = "",
                             .settings = settings,
                             .n_settings = 1,
                             .ignore_environment = true};
    struct vlmd_error e;
    if (vlmd_open(&o, &r->v, &e)) {
        fail_msg("%s", e.message);
    }
}

static void fill(struct kit *k)
{
    kit_must_open(k);
    static struct store_audit_row rows[ROWS];
    for (int i = 0; i < ROWS; i++) {
        rows[i] = (struct store_audit_row){.at_ms = 1000 + i,
                                           .verdict = i % 3 ? "allow" : "block",
                                           .stage = "send",
                                           .categories = i % 3 ? "" : "card=2",
                                           .app = i % 2 ? "Editor" : "Browser",
                                           .destination = "lab local",
                                           .bytes_sent = 10};
    }
    struct store_release r = {.id = 1, .audit = rows, .n_audit = ROWS};
    assert_int_equal(kit_release(k, &r), 0);
    kit_described(k, "/a/1", 1, "one");
    kit_described(k, "/a/2", 2, "two");
    kit_described(k, "/b/3", 3, "three");
    kit_close(k);
}

static int setup(void **state)
{
    struct rig *r = test_calloc(1, sizeof(*r));
    kit_init(&r->k);
    fill(&r->k);
    open_handle(r);
    *state = r;
    return 0;
}

static int teardown(void **state)
{
    struct rig *r = *state;
    vlmd_close(r->v);
    kit_fini(&r->k);
    test_free(r);
    return 0;
}

static void note(struct rig *r, int err, const char *message)
{
    r->answers++;
    r->last_err = err;
    snprintf(r->words, sizeof(r->words), "%s", message ? message : "");
}

// ---- rows

static bool on_row(void *arg, const struct vlmd_audit_row *row)
{
    struct rig *r = arg;
    r->first_seq = r->rows ? r->first_seq : row->seq;
    r->last_seq = row->seq;
    snprintf(r->chain, sizeof(r->chain), "%s", row->chain);
    assert_string_equal(row->destination, "lab local");
    assert_string_equal(row->hash, "");
    return ++r->rows != r->stop_after;
}

static void on_end(void *arg, int err, const char *message)
{
    note(arg, err, message);
}

static void ask_rows(struct rig *r, const struct vlmd_audit_query *q)
{
    r->rows = 0;
    assert_int_equal(vlmd_audit(r->v, q, on_row, on_end, r), 0);
    assert_int_equal(vlmd_run(r->v), 0);
    assert_int_equal(r->last_err, 0);
}

static void rows_come_by_time_in_pages(void **state)
{
    struct rig *r = *state;
    struct vlmd_audit_query q = {.order = VLMD_NEWEST};
    ask_rows(r, &q);
    assert_int_equal(r->rows, ROWS);
    assert_int_equal(r->first_seq, ROWS);
    assert_int_equal(r->last_seq, 1);
    assert_int_equal(strlen(r->chain), 64);
    q = (struct vlmd_audit_query){.order = VLMD_OLDEST, .limit = 300, .since_ms = 1100};
    ask_rows(r, &q);
    assert_int_equal(r->rows, 300);
    assert_int_equal(r->first_seq, 101);
    assert_int_equal(r->last_seq, 400);
    q = (struct vlmd_audit_query){.until_ms = 1010};
    ask_rows(r, &q);
    assert_int_equal(r->rows, 10);
    r->stop_after = 7;
    q = (struct vlmd_audit_query){0};
    ask_rows(r, &q);
    assert_int_equal(r->rows, 7);
}

// ---- totals

static void on_totals(void *arg, int err, const struct vlmd_audit_totals *t,
                      const char *message)
{
    struct rig *r = arg;
    note(r, err, message);
    if (err) {
        return;
    }
    r->rows = (int)t->rows;
    r->bytes = t->bytes_sent;
    for (int i = 0; i < t->n_totals; i++) {
        const struct vlmd_audit_total *x = &t->totals[i];
        if (x->by == VLMD_BY_APP && strcmp(x->name, "Browser") == 0) {
            r->app_rows = x->rows;
        }
        if (x->by == VLMD_BY_CATEGORY) {
            assert_string_equal(x->name, "card");
            assert_int_equal(x->findings, 2 * x->rows);
            assert_int_equal(x->blocked, x->rows);
        }
    }
}

static void totals_are_of_a_time(void **state)
{
    struct rig *r = *state;
    struct vlmd_audit_query q = {0};
    assert_int_equal(vlmd_audit_totals(r->v, &q, on_totals, r), 0);
    vlmd_run(r->v);
    assert_int_equal(r->rows, ROWS);
    assert_int_equal(r->bytes, 10 * ROWS);
    assert_int_equal(r->app_rows, ROWS / 2);
    q.since_ms = 1000 + ROWS - 10;
    assert_int_equal(vlmd_audit_totals(r->v, &q, on_totals, r), 0);
    vlmd_run(r->v);
    assert_int_equal(r->answers, 2);
    assert_int_equal(r->rows, 10);
    assert_int_equal(r->app_rows, 5);
}

// ---- verification

static void on_check(void *arg, int err, const struct vlmd_audit_check *c,
                     const char *message)
{
    struct rig *r = arg;
    note(r, err, message);
    if (err) {
        return;
    }
    r->bad_seq = c->bad_seq;
    r->sound = c->rows;
    snprintf(r->fault, sizeof(r->fault), "%s", c->fault);
    snprintf(r->head, sizeof(r->head), "%s", c->head);
    snprintf(r->words, sizeof(r->words), "%s", c->words);
}

static void verify(struct rig *r, const char *expected)
{
    assert_int_equal(vlmd_audit_verify(r->v, expected, on_check, r), 0);
    assert_int_equal(vlmd_run(r->v), 0);
}

static void a_changed_row_is_told(void **state)
{
    struct rig *r = *state;
    verify(r, NULL);
    assert_string_equal(r->fault, "sound");
    assert_int_equal(r->sound, ROWS);
    char noted[80];
    memcpy(noted, r->head, sizeof(noted));
    verify(r, noted);
    assert_string_equal(r->fault, "sound");
    noted[5] = noted[5] == 'a' ? 'b' : 'a';
    verify(r, noted);
    assert_string_equal(r->fault, "unknown");
    assert_non_null(strstr(r->words, "none has the expected hash"));
    verify(r, "not a hash");
    assert_int_equal(r->last_err, VLMD_ERR_USAGE);
    kit_sql(&r->k, "DROP TRIGGER audit_kept; DELETE FROM audit WHERE seq = 100");
    verify(r, NULL);
    assert_string_equal(r->fault, "removed");
    assert_int_equal(r->bad_seq, 101);
    assert_string_equal(r->words, "rows are missing before row 101");
}

// ---- forgetting

static void on_forgot(void *arg, int err, const struct vlmd_forgotten *f,
                      const char *message)
{
    struct rig *r = arg;
    note(r, err, message);
    r->items = f->items;
    r->requeued = f->requeued;
    r->is_clean = f->is_clean;
}

static void forget(struct rig *r, const struct vlmd_query *q, bool is_trial)
{
    assert_int_equal(vlmd_forget(r->v, q, is_trial, on_forgot, r), 0);
    assert_int_equal(vlmd_run(r->v), 0);
}

static void items_are_forgotten(void **state)
{
    struct rig *r = *state;
    struct vlmd_query q = {.path = "/a"};
    forget(r, &q, true);
    assert_int_equal(r->items, 2);
    assert_int_equal(kit_sql_int(&r->k, "SELECT count(*) FROM job"), 3);
    forget(r, &q, false);
    assert_int_equal(r->last_err, 0);
    assert_int_equal(r->items, 2);
    assert_int_equal(r->requeued, 0);
    assert_true(r->is_clean);
    assert_int_equal(kit_sql_int(&r->k, "SELECT count(*) FROM job"), 1);
    assert_int_equal(kit_sql_int(&r->k, "SELECT n FROM audit WHERE verdict = 'forget'"),
                     2);
    q = (struct vlmd_query){.text = "three"};
    forget(r, &q, false);
    assert_int_equal(r->last_err, VLMD_ERR_USAGE);
    q = (struct vlmd_query){.outcome = "no such outcome"};
    forget(r, &q, false);
    assert_int_equal(r->last_err, VLMD_ERR_USAGE);
    q = (struct vlmd_query){0};
    forget(r, &q, false);
    assert_int_equal(r->last_err, VLMD_ERR_USAGE);
    assert_int_equal(kit_sql_int(&r->k, "SELECT count(*) FROM job"), 1);
}

static void all_are_answered_when_it_closes(void **state)
{
    struct rig *r = *state;
    struct vlmd_audit_query all = {0};
    struct vlmd_query q = {.path = "/a"};
    assert_int_equal(vlmd_audit(r->v, &all, on_row, on_end, r), 0);
    assert_int_equal(vlmd_audit_totals(r->v, &all, on_totals, r), 0);
    assert_int_equal(vlmd_audit_verify(r->v, NULL, on_check, r), 0);
    assert_int_equal(vlmd_forget(r->v, &q, false, on_forgot, r), 0);
    vlmd_close(r->v);
    r->v = NULL;
    assert_int_equal(r->answers, 4);
}

#define CASE(f) cmocka_unit_test_setup_teardown(f, setup, teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        CASE(rows_come_by_time_in_pages),      CASE(totals_are_of_a_time),
        CASE(a_changed_row_is_told),           CASE(items_are_forgotten),
        CASE(all_are_answered_when_it_closes),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
