// once.c -- see once.h.
// SPDX-License-Identifier: MIT
#include "store/once.h"

#define LIFE_MS INT64_C(86400000)

int once_find(struct writer *w, struct store_item *i, int64_t now_ms, bool *is_known)
{
    bool is_same = true;
    struct sql q = sql_begin(&w->db, "SELECT o.job, o.body = ?2, j.state FROM once o"
                                     " JOIN job j ON j.id = o.job"
                                     " WHERE o.key = ?1 AND o.at_ms > ?3");
    *is_known = false;
    sql_blob(&q, i->once->key, sizeof(i->once->key));
    sql_blob(&q, i->once->body, sizeof(i->once->body));
    sql_int(&q, now_ms - LIFE_MS);
    if (sql_row(&q)) {
        *is_known = true;
        i->id = sql_get_int(&q);
        is_same = sql_get_int(&q) != 0;
        i->is_ended = sql_get_int(&q) == STORE_ENDED;
    }
    int rc = sql_end(&q);
    return rc ? rc : is_same ? 0 : E_REUSED;
}

static int drop_old(struct writer *w, int64_t now_ms)
{
    struct sql q = sql_begin(&w->db, "DELETE FROM once WHERE at_ms <= ?");
    sql_int(&q, now_ms - LIFE_MS);
    return sql_run(&q);
}

int once_keep(struct writer *w, const struct store_item *i, int64_t now_ms)
{
    int rc = drop_old(w, now_ms);
    if (rc) {
        return rc;
    }
    struct sql q = sql_begin(&w->db, "INSERT OR REPLACE INTO once(key, body, job, at_ms)"
                                     " VALUES (?, ?, ?, ?)");
    sql_blob(&q, i->once->key, sizeof(i->once->key));
    sql_blob(&q, i->once->body, sizeof(i->once->body));
    sql_int(&q, i->id);
    sql_int(&q, now_ms);
    return sql_run(&q);
}
