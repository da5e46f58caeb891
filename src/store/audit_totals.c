// audit_totals.c -- audit rows added up by verdict, category, program and destination.
//
// Read in parts, like a verification.  Names are few; should somebody make them many, those
// over a limit are one sum without a name of its own.
// SPDX-License-Identifier: MIT
#include "store/audit_read.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum {
    PART_ROWS = 8192,
    PART_MS = 60000,
    BUCKETS = 1024,
    NAMES_MAX = 4096  // of each kind
};

static const char rest[] = "(others)";

// Between two parts.
struct audit_sums {
    struct sum {
        struct sum *next;  // owned; in its bucket
        struct store_audit_total total;
        char name[];
    } * buckets[STORE_BYS][BUCKETS];
    int n[STORE_BYS];
};

// ---- sums

static uint32_t hash_of(const char *s, size_t len)
{
    uint32_t h = 2166136261u;
    for (size_t i = 0; i < len; i++) {
        h = (h ^ (uint8_t)s[i]) * 16777619u;
    }
    return h % BUCKETS;
}

static struct sum *make(struct audit_sums *s, enum store_audit_by by, const char *name,
                        size_t len, struct sum **bucket)
{
    struct sum *made = calloc(1, sizeof(*made) + len + 1);
    if (made) {
        memcpy(made->name, name, len);
        made->total.by = by;
        made->next = *bucket;
        *bucket = made;
        s->n[by]++;
    }
    return made;
}

// NULL: no memory.
static struct sum *find(struct audit_sums *s, enum store_audit_by by, const char *name,
                        size_t len)
{
    struct sum **bucket = &s->buckets[by][hash_of(name, len)];
    for (struct sum *i = *bucket; i; i = i->next) {
        if (strlen(i->name) == len && memcmp(i->name, name, len) == 0) {
            return i;
        }
    }
    if (s->n[by] >= NAMES_MAX && strncmp(name, rest, len) != 0) {
        return find(s, by, rest, strlen(rest));
    }
    return make(s, by, name, len, bucket);
}

static int add(struct audit_sums *s, enum store_audit_by by, const char *name, size_t len,
               const struct store_audit_row *row, int64_t findings)
{
    struct sum *i = find(s, by, name, len);
    if (!i) {
        return E_NOMEM;
    }
    i->total.rows++;
    i->total.findings += findings;
    i->total.bytes_sent += row->bytes_sent;
    i->total.blocked += strcmp(row->verdict, "block") == 0;
    i->total.masked += strcmp(row->verdict, "mask") == 0;
    return 0;
}

// "card=2 email=1": each name with its count.
static int add_categories(struct audit_sums *s, const struct store_audit_row *row,
                          int64_t *findings)
{
    int rc = 0;
    *findings = 0;
    for (const char *at = row->categories; !rc && *at; at += *at == ' ') {
        size_t word = strcspn(at, " "), name = strcspn(at, "= ");
        long long n = name < word ? strtoll(at + name + 1, NULL, 10) : 1;
        rc = word ? add(s, STORE_BY_CATEGORY, at, name, row, n) : 0;
        *findings += word ? n : 0;
        at += word;
    }
    return rc;
}

static int add_row(struct audit_sums *s, const struct store_audit_row *row)
{
    int64_t findings;
    int rc = add_categories(s, row, &findings);
    rc = rc ? rc
            : add(s, STORE_BY_VERDICT, row->verdict, strlen(row->verdict), row, findings);
    bool is_of_picture = *row->stage != 0;
    if (!rc && is_of_picture) {
        rc = add(s, STORE_BY_APP, row->app, strlen(row->app), row, findings);
    }
    if (!rc && is_of_picture) {
        rc = add(s, STORE_BY_DESTINATION, row->destination, strlen(row->destination), row,
                 findings);
    }
    return rc;
}

// ---- reading

static int read_part(struct db *d, struct store_audit_totals *r)
{
    struct store_audit_row row;
    int64_t first;
    int n = 0;
    int rc = audit_read_first(d, &first);
    struct sql q = sql_begin(d, "SELECT " AUDIT_COLUMNS " FROM audit INDEXED BY audit_at"
                                " WHERE at_ms < ? AND seq >= ? AND (at_ms, seq) > (?, ?)"
                                " ORDER BY at_ms, seq LIMIT ?");
    sql_int(&q, r->until_ms ? r->until_ms : INT64_MAX);
    sql_int(&q, first);
    sql_int(&q, r->after_ms);
    sql_int(&q, r->after_seq);
    sql_int(&q, PART_ROWS);
    while (!rc && sql_row(&q)) {
        audit_read(&q, &row);
        rc = add_row(r->sums, &row);
        r->first_ms = r->rows ? r->first_ms : row.at_ms;
        r->last_ms = r->after_ms = row.at_ms;
        r->after_seq = row.seq;
        r->rows++;
        r->bytes_sent += row.bytes_sent;
        n++;
    }
    int end = sql_end(&q);
    r->has_more = n == PART_ROWS;
    return rc ? rc : end;
}

static int by_rows(const void *a, const void *b)
{
    const struct store_audit_total *x = a, *y = b;
    if (x->by != y->by) {
        return x->by < y->by ? -1 : 1;
    }
    if (x->rows != y->rows) {
        return x->rows > y->rows ? -1 : 1;
    }
    return strcmp(x->name, y->name);
}

static int collect(struct store_audit_totals *r)
{
    int most = 0;
    for (int by = 0; by < STORE_BYS; by++) {
        most += r->sums->n[by];
    }
    r->totals = calloc((size_t)most + 1, sizeof(r->totals[0]));
    if (!r->totals) {
        return E_NOMEM;
    }
    for (int by = 0; by < STORE_BYS; by++) {
        for (int b = 0; b < BUCKETS; b++) {
            for (struct sum *i = r->sums->buckets[by][b]; i; i = i->next) {
                i->total.name = i->name;
                r->totals[r->n++] = i->total;
            }
        }
    }
    qsort(r->totals, (size_t)r->n, sizeof(r->totals[0]), by_rows);
    return 0;
}

static void totals_run(struct pool_work *work, void *thread)
{
    struct store_audit_totals *r = container_of(work, struct store_audit_totals, work);
    struct reader *reader = thread;
    r->has_more = false;
    if (r->err.code || read_begin(reader, work, PART_MS, &r->err)) {
        return;
    }
    int rc = read_part(&reader->db, r);
    rc = rc || r->has_more ? rc : collect(r);
    read_end(reader, rc, &r->err);
}

static void totals_done(struct pool_work *work, int err)
{
    struct store_audit_totals *r = container_of(work, struct store_audit_totals, work);
    err = read_result(r->owner, &r->err, err);
    if (!err && r->has_more && !r->owner->is_closing) {
        read_submit(r->owner, &r->work, totals_run, totals_done);
        return;
    }
    if (!err && r->has_more) {
        err = err_set(&r->err, E_CANCELED, "%s: stopped after %lld rows", r->owner->path,
                      (long long)r->rows);
    }
    if (err) {
        store_audit_totals_fini(r);
    }
    r->done(r, err);
}

void store_audit_totals(struct store *s, struct store_audit_totals *r,
                        void (*done)(struct store_audit_totals *r, int err))
{
    int64_t since_ms = r->since_ms, until_ms = r->until_ms;
    *r = (struct store_audit_totals){
        .since_ms = since_ms, .until_ms = until_ms, .owner = s, .done = done};
    r->after_ms = since_ms ? since_ms - 1 : INT64_MIN;
    r->after_seq = INT64_MAX;
    r->sums = calloc(1, sizeof(*r->sums));
    if (!r->sums) {
        err_set(&r->err, E_NOMEM, "%s: %s", s->path, err_words(E_NOMEM));
    }
    read_submit(s, &r->work, totals_run, totals_done);
}

void store_audit_totals_fini(struct store_audit_totals *r)
{
    for (int by = 0; r->sums && by < STORE_BYS; by++) {
        for (int b = 0; b < BUCKETS; b++) {
            while (r->sums->buckets[by][b]) {
                struct sum *i = r->sums->buckets[by][b];
                r->sums->buckets[by][b] = i->next;
                free(i);
            }
        }
    }
    free(r->sums);
    free(r->totals);
    r->sums = NULL;
    r->totals = NULL;
    r->n = 0;
}
