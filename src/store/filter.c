// filter.c -- chooses the index by hand.
//
// The planner knows nothing of how many rows an application or a folder has, and guesses
// wrong by a factor of a thousand.  So the way in is chosen here, from the most to the
// least selective; for folders and times it is measured first how many rows they have.
// All other conditions are checked on the rows that come that way.
// SPDX-License-Identifier: MIT
#include "store/filter.h"

#include <stdio.h>
#include <string.h>

enum {
    FEW_ROWS = 5000,
    RANKED_MAX = 5000,
    WHOLE_HITS = 200,
    SQL_MAX = 64 << 10,
    PATH_MAX_BYTES = 16 << 10
};

bool filter_is_empty(const struct store_filter *f)
{
    return !(f->text && *f->text) && !(f->app && *f->app) && !(f->tag && *f->tag) &&
           !(f->path && *f->path) && !f->id && !f->cid && !f->since_ms && !f->until_ms &&
           !f->states && !f->outcomes && !f->code && !f->batch && !f->only_degraded;
}

static int add_value(struct filter *f, const char *text, int64_t number)
{
    if (f->n_values == FILTER_BINDS) {
        return E_BUG;
    }
    f->values[f->n_values++] = (struct filter_value){text, number};
    return 0;
}

static int add_condition(struct filter *f, const char *condition)
{
    int rc = f->where.len ? buf_add_str(&f->where, " AND ") : 0;
    return rc ? rc : buf_add_str(&f->where, condition);
}

int filter_and(struct filter *f, const char *condition, int64_t value)
{
    int rc = add_condition(f, condition);
    for (const char *at = strchr(condition, '?'); !rc && at; at = strchr(at + 1, '?')) {
        rc = add_value(f, NULL, value);
    }
    return rc;
}

int filter_or(struct filter *f, const char *condition, int64_t value)
{
    int rc = buf_printf(&f->where, " OR %s", condition);
    return rc ? rc : add_value(f, NULL, value);
}

static int and_text(struct filter *f, const char *condition, const char *value)
{
    int rc = add_condition(f, condition);
    return rc ? rc : add_value(f, value, 0);
}

// ---- path

static size_t glob_start(const char *path)
{
    return strcspn(path, "*?[");
}

// The first text after all that begin with it.
static int make_end(const struct buf *of, struct buf *end)
{
    int rc = buf_add(end, of->data, of->len);
    while (!rc && end->len && end->data[end->len - 1] == 0xff) {
        end->data[--end->len] = 0;
    }
    if (!rc && end->len) {
        end->data[end->len - 1]++;
    }
    return rc;
}

// path: as asked for, without a slash at its end; path_above, path_end: the range of what
// begins like its part without wildcards, or of what is below it.
static int make_path(struct filter *f, const struct store_filter *ask, bool *is_glob)
{
    const char *path = ask->path;
    size_t len = strlen(path), fixed = glob_start(path);
    *is_glob = fixed < len && !ask->is_path_exact;
    buf_init(&f->path, PATH_MAX_BYTES);
    buf_init(&f->path_above, PATH_MAX_BYTES);
    buf_init(&f->path_end, PATH_MAX_BYTES);
    while (len > 1 && path[len - 1] == '/' && !ask->is_path_exact) {
        len--;
    }
    int rc = buf_add(&f->path, path, len);
    if (ask->is_path_exact) {
        return rc;
    }
    if (*is_glob) {
        rc = rc || !fixed ? rc : buf_add(&f->path_above, path, fixed);
    } else {
        rc = rc ? rc : buf_add(&f->path_above, path, len);
        rc = rc || path[len - 1] == '/' ? rc : buf_add(&f->path_above, "/", 1);
    }
    return rc || !f->path_above.len ? rc : make_end(&f->path_above, &f->path_end);
}

// What a row's address is told as.
#define TOLD "(CASE j.label WHEN '' THEN j.path ELSE j.label END)"

static int and_path(struct filter *f, bool is_glob)
{
    const char *path = buf_str(&f->path), *above = buf_str(&f->path_above);
    int rc = and_text(f, "(+j.path = address_mark(?)", path);
    rc = rc ? rc : buf_add_str(&f->where, " OR " TOLD " = ?");
    rc = rc ? rc : add_value(f, path, 0);
    if (!rc && is_glob) {
        rc = buf_add_str(&f->where, " OR " TOLD " GLOB ?)");
        return rc ? rc : add_value(f, path, 0);
    }
    rc = rc ? rc : buf_add_str(&f->where, " OR (" TOLD " >= ? AND " TOLD " < ?))");
    rc = rc ? rc : add_value(f, above, 0);
    return rc ? rc : add_value(f, buf_str(&f->path_end), 0);
}

// ---- is it few?

static int count_range(struct sql q, bool *is_few)
{
    int64_t rows;
    sql_int(&q, FEW_ROWS);
    int rc = sql_one(&q, FEW_ROWS, &rows);
    *is_few = rows < FEW_ROWS;
    return rc;
}

static int is_path_narrow(struct filter *f, struct db *d, const struct store_filter *ask,
                          bool is_glob, bool *is_few)
{
    const char *above = buf_str(&f->path_above), *end = buf_str(&f->path_end);
    const char *const one = is_glob ? "" : buf_str(&f->path);
    const char *const texts[] = {above, end, above, end, one, one, one};
    enum { TEXTS = sizeof(texts) / sizeof(texts[0]) };
    *is_few = false;
    if (!f->path_above.len && !ask->is_path_exact) {
        return 0;
    }
    struct sql q =
        sql_begin(d, "SELECT count(*) FROM (SELECT 1 FROM job"
                     " INDEXED BY sqlite_autoindex_job_1"
                     " WHERE path >= ? AND path < ? UNION ALL"
                     " SELECT 1 FROM job INDEXED BY job_label WHERE label <> ''"
                     " AND label >= ? AND label < ? LIMIT ?)");
    for (int i = 0; i < TEXTS; i++) {
        f->from_values[i] = (struct filter_value){.text = texts[i]};
    }
    for (int i = 0; i < 4; i++) {
        sql_text(&q, texts[i]);
    }
    int rc = count_range(q, is_few);
    f->n_from_values = *is_few ? TEXTS : 0;
    return rc;
}

static int64_t end_of(const struct store_filter *f)
{
    return f->until_ms ? f->until_ms : INT64_MAX;
}

static int is_time_narrow(struct filter *f, struct db *d, const struct store_filter *ask,
                          bool *is_few)
{
    struct sql q =
        sql_begin(d, "SELECT count(*) FROM (SELECT 1 FROM job INDEXED BY job_at"
                     " WHERE at_ms >= ? AND at_ms < ? LIMIT ?)");
    sql_int(&q, ask->since_ms);
    sql_int(&q, end_of(ask));
    f->from_values[0] = (struct filter_value){.number = ask->since_ms};
    f->from_values[1] = (struct filter_value){.number = end_of(ask)};
    int rc = count_range(q, is_few);
    f->n_from_values = *is_few ? 2 : 0;
    return rc;
}

// ---- the way in

static const char from_match[] = "search CROSS JOIN job j ON j.id = search.rowid";
static const char from_batch[] = "member m CROSS JOIN job j ON j.id = m.job";
static const char from_path[] =
    "(SELECT id AS one FROM job INDEXED BY sqlite_autoindex_job_1 WHERE path >= ?"
    " AND path < ? UNION SELECT id FROM job INDEXED BY job_label WHERE label <> ''"
    " AND label >= ? AND label < ? UNION SELECT id FROM job INDEXED BY"
    " sqlite_autoindex_job_1 WHERE path IN (?, address_mark(?)) UNION SELECT id FROM job"
    " INDEXED BY job_label WHERE label <> '' AND label = ?) CROSS JOIN job j ON j.id = "
    "one";
static const char from_time[] =
    "(SELECT id AS one FROM job INDEXED BY job_at WHERE at_ms >= ? AND at_ms < ?"
    " ORDER BY id) CROSS JOIN job j ON j.id = one";
static const char from_open[] =
    "(SELECT id AS one FROM job INDEXED BY job_aged WHERE state = 0"
    " UNION ALL SELECT id FROM job INDEXED BY job_lease WHERE state = 1)"
    " CROSS JOIN job j ON j.id = one";

static bool only(unsigned bits, unsigned allowed)
{
    return bits && !(bits & ~allowed);
}

static int set_from(struct filter *f, const char *from, const char *id)
{
    f->id = id;
    return buf_add_str(&f->from, from);
}

// Of what is left when neither words nor a small range lead the way.
static int choose_index(struct filter *f, const struct store_filter *ask)
{
    if (ask->batch) {
        int rc = set_from(f, from_batch, "m.job");
        return rc ? rc : filter_and(f, "m.batch = ?", ask->batch);
    }
    if (only(ask->states, 1u << STORE_QUEUED | 1u << STORE_LEASED)) {
        return set_from(f, from_open, "one");
    }
    if (ask->only_degraded) {
        return set_from(f, "job j INDEXED BY job_degraded", "j.id");
    }
    if (ask->code || only(ask->outcomes, 1u << STORE_BLOCKED | 1u << STORE_SKIPPED |
                                             1u << STORE_FAILED)) {
        int rc = set_from(f, "job j INDEXED BY job_odd", "j.id");
        return rc ? rc : add_condition(f, "j.outcome >= 4");
    }
    if (ask->app && *ask->app) {
        return set_from(f, "job j INDEXED BY job_app", "j.id");
    }
    return set_from(f, f->is_by_time ? "job j INDEXED BY job_at" : "job j NOT INDEXED",
                    "j.id");
}

static int choose(struct filter *f, struct db *d, const struct store_filter *ask,
                  bool is_glob)
{
    bool is_few = false;
    int rc = 0;
    if (f->words.with.len) {
        f->has_match = true;
        rc = set_from(f, from_match, "search.rowid");
        return rc ? rc : and_text(f, "search MATCH ?", buf_str(&f->words.with));
    }
    if (ask->id) {
        return set_from(f, "job j", "j.id");
    }
    if (ask->cid) {
        return set_from(f, "job j INDEXED BY job_cid", "j.id");
    }
    if (ask->path && *ask->path) {
        rc = is_path_narrow(f, d, ask, is_glob, &is_few);
    }
    if (rc || is_few) {
        return rc ? rc : set_from(f, from_path, "one");
    }
    if ((ask->since_ms || ask->until_ms) && !f->is_by_time) {
        rc = is_time_narrow(f, d, ask, &is_few);
    }
    if (rc || is_few) {
        return rc ? rc : set_from(f, from_time, "one");
    }
    return choose_index(f, ask);
}

// ---- what is checked on each row

// bits 0 to n - 1 of set; all or none is no condition.
static int and_bits(struct filter *f, const char *column, unsigned set, int n)
{
    set &= (1u << n) - 1;
    if (!set || set == (1u << n) - 1) {
        return 0;
    }
    int rc = f->where.len ? buf_add_str(&f->where, " AND ") : 0;
    rc = rc ? rc : buf_printf(&f->where, "+%s IN (-1", column);
    for (int i = 0; !rc && i < n; i++) {
        rc = set & 1u << i ? buf_printf(&f->where, ", %d", i) : 0;
    }
    return rc ? rc : buf_add_str(&f->where, ")");
}

static int and_texts(struct filter *f, const struct store_filter *ask, bool is_glob)
{
    int rc = 0;
    if (ask->app && *ask->app) {
        rc = and_text(f, "j.app <> '' AND j.app = ? COLLATE NOCASE", ask->app);
    }
    if (!rc && ask->tag && *ask->tag) {
        rc = and_text(
            f,
            "EXISTS (SELECT 1 FROM result r, json_each(CASE WHEN json_valid(r.tags)"
            " THEN r.tags ELSE '[]' END) t WHERE r.id = j.result"
            " AND t.value = ? COLLATE NOCASE)",
            ask->tag);
    }
    if (!rc && ask->path && *ask->path) {
        rc = and_path(f, is_glob);
    }
    if (!rc && f->words.without.len) {
        rc = and_text(f,
                      "j.has_doc = 1 AND j.id NOT IN"
                      " (SELECT rowid FROM search WHERE search MATCH ?)",
                      buf_str(&f->words.without));
    }
    return rc;
}

// A plus keeps the index of times from being used, where another one leads the way.
static int and_times(struct filter *f, const struct store_filter *ask)
{
    int rc = !ask->since_ms
                 ? 0
                 : filter_and(f, f->is_by_time ? "j.at_ms >= ?" : "+j.at_ms >= ?",
                              ask->since_ms);
    return rc || !ask->until_ms
               ? rc
               : filter_and(f, f->is_by_time ? "j.at_ms < ?" : "+j.at_ms < ?",
                            ask->until_ms);
}

static int and_rest(struct filter *f, const struct store_filter *ask, bool is_glob)
{
    int rc = and_texts(f, ask, is_glob);
    rc = rc || !ask->id
             ? rc
             : filter_and(f, f->has_match ? "search.rowid = ?" : "j.id = ?", ask->id);
    rc = rc || !ask->cid ? rc : filter_and(f, "j.cid = ?", (int64_t)ask->cid);
    rc = rc ? rc : and_times(f, ask);
    rc = rc ? rc : and_bits(f, "j.state", ask->states, STORE_ENDED + 1);
    rc = rc ? rc : and_bits(f, "j.outcome", ask->outcomes, STORE_FAILED + 1);
    // A described row may have a class too: of why it could not be described anew.
    rc = rc || !ask->code
             ? rc
             : filter_and(f, "j.outcome NOT IN (1, 2, 3) AND j.code = ?", ask->code);
    rc = rc || !ask->only_degraded ? rc : add_condition(f, "j.is_degraded = 1");
    if (!rc && ask->batch && strcmp(f->id, "m.job") != 0) {
        rc = filter_and(f, "EXISTS (SELECT 1 FROM member WHERE batch = ? AND job = j.id)",
                        ask->batch);
    }
    return rc;
}

// The best ones of the newest, as judging all of a common word's hits takes seconds.
static int bound_rank(struct filter *f, struct db *d)
{
    int64_t bound;
    struct sql q = sql_begin(d, "SELECT rowid FROM search WHERE search MATCH ?"
                                " ORDER BY rowid DESC LIMIT 1 OFFSET ?");
    sql_text(&q, buf_str(&f->words.with));
    sql_int(&q, RANKED_MAX);
    int rc = sql_one(&q, 0, &bound);
    return rc || !bound ? rc : filter_and(f, "search.rowid > ?", bound);
}

// A last word with enough hits of its own is not taken as a beginning too: the index would
// have to gather the hits of all words that begin like it, half a second of them when there
// are a million rows.
static int close_words(struct words *w, struct db *d)
{
    int64_t hits;
    if (!w->ends_open) {
        return 0;
    }
    struct words whole = *w;
    buf_init(&whole.with, w->with.max_bytes);
    int rc = buf_add(&whole.with, w->with.data, w->with.len);
    if (!rc) {
        words_close(&whole);
        struct sql q = sql_begin(d, "SELECT count(*) FROM (SELECT 1 FROM search"
                                    " WHERE search MATCH ? LIMIT ?)");
        sql_text(&q, buf_str(&whole.with));
        sql_int(&q, WHOLE_HITS);
        rc = sql_one(&q, 0, &hits);
    }
    buf_fini(&whole.with);
    if (!rc && hits == WHOLE_HITS) {
        words_close(w);
    }
    return rc;
}

static int parse_words(struct filter *f, struct db *d, const struct store_filter *ask,
                       struct err *e)
{
    int rc = words_parse(ask->text ? ask->text : "", &f->words, e);
    rc = rc ? rc : close_words(&f->words, d);
    bool has_words = f->words.with.len > 0;
    // Columns first would be as good, but the snippet shows what was typed.
    if (!rc && ask->tag && words_is_indexed(ask->tag)) {
        rc = words_add_column(&f->words, "tags", ask->tag);
    }
    if (!rc && has_words && ask->app && words_is_indexed(ask->app)) {
        rc = words_add_column(&f->words, "app", ask->app);
    }
    return rc;
}

int filter_build(struct filter *f, struct db *d, const struct store_filter *ask,
                 enum store_order order, struct err *e)
{
    bool is_glob = false;
    memset(f, 0, sizeof(*f));
    buf_init(&f->from, SQL_MAX);
    buf_init(&f->where, SQL_MAX);
    f->is_by_time = order == STORE_TAKEN;
    int rc = parse_words(f, d, ask, e);
    if (!rc && ask->path && *ask->path) {
        rc = make_path(f, ask, &is_glob);
    }
    rc = rc ? rc : choose(f, d, ask, is_glob);
    rc = rc ? rc : and_rest(f, ask, is_glob);
    if (!rc && f->has_match && order == STORE_RANK) {
        rc = bound_rank(f, d);
    }
    return rc || f->where.len ? rc : add_condition(f, "1");
}

void filter_bind(const struct filter *f, struct sql *q)
{
    for (int i = 0; i < f->n_from_values + f->n_values; i++) {
        const struct filter_value *v =
            i < f->n_from_values ? &f->from_values[i] : &f->values[i - f->n_from_values];
        if (v->text) {
            sql_text(q, v->text);
        } else {
            sql_int(q, v->number);
        }
    }
}

void filter_fini(struct filter *f)
{
    words_fini(&f->words);
    buf_fini(&f->from);
    buf_fini(&f->where);
    buf_fini(&f->path);
    buf_fini(&f->path_above);
    buf_fini(&f->path_end);
}

static int read_ids(struct filter *f, struct db *d, int64_t *ids, int most, int *n)
{
    struct buf text;
    buf_init(&text, SQL_MAX);
    int rc = buf_printf(&text, "SELECT %s FROM %s WHERE %s ORDER BY %s LIMIT ?", f->id,
                        buf_str(&f->from), buf_str(&f->where), f->id);
    if (!rc) {
        struct sql q = sql_begin_once(d, buf_str(&text));
        filter_bind(f, &q);
        sql_int(&q, most);
        while (*n < most && sql_row(&q)) {
            ids[(*n)++] = sql_get_int(&q);
        }
        rc = sql_end(&q);
    }
    buf_fini(&text);
    return rc;
}

int filter_ids(struct db *d, const struct store_filter *ask, const char *condition,
               int64_t after_id, int64_t *ids, int most, int *n, struct err *e)
{
    struct filter f;
    char after[64];
    *n = 0;
    int rc = filter_build(&f, d, ask, STORE_OLDEST, e);
    snprintf(after, sizeof(after), "%s > ?", rc ? "" : f.id);
    rc = rc || !condition ? rc : add_condition(&f, condition);
    rc = rc ? rc : filter_and(&f, after, after_id);
    rc = rc ? rc : read_ids(&f, d, ids, most, n);
    filter_fini(&f);
    return rc;
}
