// doc.c -- the search index (an FTS5 table without a copy of the text) and the results.
// SPDX-License-Identifier: MIT
#include "store/doc.h"

#include "store/pack.h"

#include <stdlib.h>

int doc_add(struct writer *w, int64_t job)
{
    if (w->n_docs == w->cap_docs) {
        size_t cap = w->cap_docs ? w->cap_docs * 2 : 512;
        int64_t *docs = realloc(w->docs, cap * sizeof(*docs));
        if (!docs) {
            return E_NOMEM;
        }
        w->docs = docs;
        w->cap_docs = cap;
    }
    w->docs[w->n_docs++] = job;
    return 0;
}

struct document {
    const char *body, *app, *window, *tags;  // borrowed: until the end of its query
};

// false: the job has no document.  The caller ends q.
static bool read_document(struct writer *w, int64_t job, struct sql *q,
                          struct document *d)
{
    *q = sql_begin(&w->db, "SELECT body, app, window, tags FROM doc WHERE id = ?");
    sql_int(q, job);
    if (!sql_row(q)) {
        return false;
    }
    d->body = sql_get_text(q);
    d->app = sql_get_text(q);
    d->window = sql_get_text(q);
    d->tags = sql_get_text(q);
    return true;
}

// Read first and then written, because INSERT ... SELECT makes SQLite open a savepoint
// for the statement, at which FTS5 writes out what it has gathered so far: one document.
static int index_document(struct writer *w, int64_t job, const char *literal)
{
    struct document d;
    struct sql from;
    int rc = 0;
    if (read_document(w, job, &from, &d)) {
        struct sql q = sql_begin(&w->db, literal);
        sql_int(&q, job);
        sql_text(&q, d.body);
        sql_text(&q, d.app);
        sql_text(&q, d.window);
        sql_text(&q, d.tags);
        rc = sql_run(&q);
    }
    int rc2 = sql_end(&from);
    return rc ? rc : rc2;
}

static int by_number(const void *a, const void *b)
{
    int64_t x = *(const int64_t *)a, y = *(const int64_t *)b;
    return x < y ? -1 : x > y;
}

// In ascending order, because FTS5 writes out what it has gathered when a number is lower
// than the one before, and jobs are claimed newest first.
int doc_flush(struct writer *w)
{
    int rc = 0;
    if (w->n_docs > w->n_indexed) {
        qsort(w->docs + w->n_indexed, w->n_docs - w->n_indexed, sizeof(w->docs[0]),
              by_number);
    }
    for (; !rc && w->n_indexed < w->n_docs; w->n_indexed++) {
        rc = index_document(w, w->docs[w->n_indexed],
                            "INSERT INTO search(rowid, body, app, window, tags)"
                            " VALUES (?, ?, ?, ?, ?)");
    }
    return rc;
}

int doc_remove(struct writer *w, int64_t job)
{
    int rc = doc_flush(w);
    return rc ? rc
              : index_document(
                    w, job,
                    "INSERT INTO search(search, rowid, body, app, window, tags)"
                    " VALUES ('delete', ?, ?, ?, ?, ?)");
}

struct result_words {
    int64_t model, prompt, params, backend, tier, finish_reason;
};

static int find_words(struct writer *w, const struct store_result *r,
                      struct result_words *n)
{
    int rc = writer_word(w, r->model, &n->model);
    rc = rc ? rc : writer_word(w, r->prompt, &n->prompt);
    rc = rc ? rc : writer_word(w, r->params, &n->params);
    rc = rc ? rc : writer_word(w, r->backend, &n->backend);
    rc = rc ? rc : writer_word(w, r->tier, &n->tier);
    return rc ? rc : writer_word(w, r->finish_reason, &n->finish_reason);
}

#define RESULT_COLUMNS                                                                   \
    "content, model, prompt, params, backend, tier, finish_reason, is_degraded, "        \
    "created_at,"                                                                        \
    " prompt_tokens, completion_tokens, summary, activity, app, details, tags, text,"    \
    " raw_len, raw"

static void bind_result(struct sql *q, const uint8_t *content,
                        const struct store_result *r, const struct result_words *n,
                        int64_t now_ms)
{
    const int64_t numbers[] = {
        n->model,         n->prompt,           n->params,      n->backend,
        n->tier,          n->finish_reason,    r->is_degraded, now_ms,
        r->prompt_tokens, r->completion_tokens};
    const char *texts[] = {r->summary, r->activity, r->app, r->details, r->tags, r->text};
    sql_blob(q, content, content ? STORE_HASH_BYTES : 0);
    for (size_t i = 0; i < sizeof(numbers) / sizeof(numbers[0]); i++) {
        sql_int(q, numbers[i]);
    }
    for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++) {
        sql_text(q, texts[i]);
    }
}

// *id: of the row to replace, or 0 to make one.
static int write_result(struct writer *w, const uint8_t *content,
                        const struct store_result *r, const struct result_words *n,
                        int64_t now_ms, int64_t *id)
{
    struct buf raw;
    int64_t raw_len;
    int rc = pack_raw(r, &raw, &raw_len);
    if (!rc) {
        struct sql q =
            sql_begin(&w->db, *id ? "UPDATE result SET (" RESULT_COLUMNS
                                    ") = (?, ?, ?, ?, ?, ?, ?, ?,"
                                    " ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?) WHERE id = ?"
                                  : "INSERT INTO result(" RESULT_COLUMNS
                                    ") VALUES (?, ?, ?, ?, ?, ?,"
                                    " ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)");
        bind_result(&q, content, r, n, now_ms);
        sql_int(&q, raw_len);
        sql_blob(&q, raw.data, raw.len);
        if (*id) {
            sql_int(&q, *id);
        }
        rc = sql_run(&q);
        *id = *id ? *id : sqlite3_last_insert_rowid(w->db.h);
    }
    buf_fini(&raw);
    return rc;
}

// Jobs that show the result; after_id walks through them, as each step changes the index.
static int next_job_of(struct writer *w, int64_t result, int64_t after_id, int64_t *job)
{
    struct sql q = sql_begin(&w->db, "SELECT id FROM job WHERE result = ? AND has_doc = 1"
                                     " AND id > ? ORDER BY id LIMIT 1");
    sql_int(&q, result);
    sql_int(&q, after_id);
    return sql_one(&q, 0, job);
}

static int each_doc(struct writer *w, int64_t result,
                    int (*what)(struct writer *w, int64_t job))
{
    int64_t job = 0;
    int rc = next_job_of(w, result, 0, &job);
    while (!rc && job) {
        rc = what(w, job);
        rc = rc ? rc : next_job_of(w, result, job, &job);
    }
    return rc;
}

static int find_result(struct writer *w, const uint8_t *content,
                       const struct result_words *n, int64_t *id)
{
    *id = 0;
    if (!content) {
        return 0;
    }
    struct sql q =
        sql_begin(&w->db, "SELECT id FROM result WHERE content = ? AND model = ?"
                          " AND prompt = ? AND params = ?");
    sql_blob(&q, content, STORE_HASH_BYTES);
    sql_int(&q, n->model);
    sql_int(&q, n->prompt);
    sql_int(&q, n->params);
    return sql_one(&q, 0, id);
}

int result_keep(struct writer *w, const uint8_t *content, const struct store_result *r,
                int64_t now_ms, int64_t *id)
{
    struct result_words n;
    int64_t old;
    int rc = find_words(w, r, &n);
    rc = rc ? rc : find_result(w, content, &n, &old);
    if (!rc && old) {
        rc = each_doc(w, old, doc_remove);
    }
    *id = rc ? 0 : old;
    rc = rc ? rc : write_result(w, content, r, &n, now_ms, id);
    if (!rc && old) {
        rc = each_doc(w, old, doc_add);
    }
    return rc;
}

int result_drop_unused(struct writer *w, int64_t id)
{
    struct sql q = sql_begin(&w->db, "DELETE FROM result WHERE id = ?1 AND NOT EXISTS"
                                     " (SELECT 1 FROM job WHERE result = ?1)");
    sql_int(&q, id);
    return sql_run(&q);
}
