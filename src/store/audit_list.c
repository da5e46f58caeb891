// audit_list.c -- audit rows as they stand, by time, a page at a time.
// SPDX-License-Identifier: MIT
#include "store/audit_read.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

enum { LIMIT_MAX = 1000, TEXTS = 7, BYTES_MAX = 16 << 20 };

void audit_read(struct sql *q, struct store_audit_row *r)
{
    memset(r, 0, sizeof(*r));
    r->seq = sql_get_int(q);
    r->at_ms = sql_get_int(q);
    r->job = sql_get_int(q);
    r->cid = sql_get_text(q);
    sql_get_blob(q, r->content, sizeof(r->content));
    sql_get_blob(q, r->sent_hash, sizeof(r->sent_hash));
    r->verdict = sql_get_text(q);
    r->stage = sql_get_text(q);
    r->categories = sql_get_text(q);
    r->rules = sql_get_text(q);
    r->app = sql_get_text(q);
    r->destination = sql_get_text(q);
    r->bytes_sent = sql_get_int(q);
    r->n = sql_get_int(q);
    r->until_seq = sql_get_int(q);
    r->until_ms = sql_get_int(q);
    sql_get_blob(q, r->hash, sizeof(r->hash));
}

int audit_read_first(struct db *d, int64_t *seq)
{
    struct sql q = sql_begin(d, "SELECT first FROM audit_head WHERE id = 1");
    return sql_one(&q, 1, seq);
}

static void list_texts(struct store_audit_row *r, const char **out[TEXTS])
{
    const char **all[] = {&r->cid,   &r->verdict, &r->stage,      &r->categories,
                          &r->rules, &r->app,     &r->destination};
    memcpy(out, all, sizeof(all));
}

// Offsets into the block stand in for pointers while it may still move.
static int keep_texts(struct store_audit_row *r, struct buf *block)
{
    const char **texts[TEXTS];
    int rc = 0;
    list_texts(r, texts);
    for (int i = 0; !rc && i < TEXTS; i++) {
        uintptr_t at = block->len;
        rc = buf_add(block, *texts[i], strlen(*texts[i]) + 1);
        *texts[i] = (const char *)at;
    }
    return rc;
}

static void fix_texts(struct store_audit_list *r, const struct buf *block)
{
    const char **texts[TEXTS];
    for (int i = 0; i < r->n; i++) {
        list_texts(&r->rows[i], texts);
        for (int k = 0; k < TEXTS; k++) {
            *texts[k] = (const char *)block->data + (uintptr_t)*texts[k];
        }
    }
}

#define WHERE                                                                            \
    "SELECT " AUDIT_COLUMNS " FROM audit INDEXED BY audit_at WHERE at_ms >= ?1"          \
    " AND at_ms < ?2 AND seq >= ?3 AND (at_ms, seq) "

static struct sql begin(struct db *d, const struct store_audit_list *r, int64_t first)
{
    int64_t until_ms = r->until_ms ? r->until_ms : INT64_MAX;
    bool is_start = !r->after_seq;
    struct sql q =
        sql_begin(d, r->is_oldest_first ? WHERE "> (?4, ?5) ORDER BY at_ms, seq LIMIT ?6"
                                        : WHERE
                         "< (?4, ?5) ORDER BY at_ms DESC, seq DESC LIMIT ?6");
    int64_t edge = r->is_oldest_first ? INT64_MIN : INT64_MAX;
    sql_int(&q, r->since_ms ? r->since_ms : INT64_MIN);
    sql_int(&q, until_ms);
    sql_int(&q, first);
    sql_int(&q, is_start ? edge : r->after_ms);
    sql_int(&q, is_start ? edge : r->after_seq);
    sql_int(&q, r->limit + 1);
    return q;
}

static int read_list(struct db *d, struct store_audit_list *r, struct buf *block)
{
    int64_t first;
    int rc = audit_read_first(d, &first);
    if (rc) {
        return rc;
    }
    struct sql q = begin(d, r, first);
    while (!rc && !r->has_more && sql_row(&q)) {
        r->has_more = r->n == r->limit;
        if (!r->has_more) {
            audit_read(&q, &r->rows[r->n]);
            rc = keep_texts(&r->rows[r->n], block);
            r->n += !rc;
        }
    }
    int end = sql_end(&q);
    fix_texts(r, block);
    return rc ? rc : end;
}

static void list_run(struct pool_work *work, void *thread)
{
    struct store_audit_list *r = container_of(work, struct store_audit_list, work);
    struct reader *reader = thread;
    struct buf block;
    if (read_begin(reader, work, reader->store->config.read_deadline_ms, &r->err)) {
        return;
    }
    buf_init(&block, BYTES_MAX);
    r->rows = calloc((size_t)r->limit, sizeof(r->rows[0]));
    int rc = r->rows ? read_list(&reader->db, r, &block) : E_NOMEM;
    r->block = (char *)block.data;
    read_end(reader, rc, &r->err);
}

static void list_done(struct pool_work *work, int err)
{
    struct store_audit_list *r = container_of(work, struct store_audit_list, work);
    err = read_result(r->owner, &r->err, err);
    if (err) {
        store_audit_list_fini(r);
    }
    r->done(r, err);
}

void store_audit_list(struct store *s, struct store_audit_list *r,
                      void (*done)(struct store_audit_list *r, int err))
{
    assert(r->limit >= 1 && r->limit <= LIMIT_MAX);
    r->rows = NULL;
    r->block = NULL;
    r->n = 0;
    r->has_more = false;
    r->err.code = 0;
    r->owner = s;
    r->done = done;
    read_submit(s, &r->work, list_run, list_done);
}

void store_audit_list_fini(struct store_audit_list *r)
{
    free(r->rows);
    free(r->block);
    r->rows = NULL;
    r->block = NULL;
    r->n = 0;
}
