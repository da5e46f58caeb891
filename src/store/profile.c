// profile.c -- what was learned about servers, kept between runs: small texts by key.
// SPDX-License-Identifier: MIT
#include "store/inside.h"

#include <assert.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static int keep(struct writer *w, void *request)
{
    struct store_profile *r = request;
    struct sql q = sql_begin(&w->db, "INSERT INTO profile VALUES (?, ?, ?) ON CONFLICT"
                                     " DO UPDATE SET value = excluded.value,"
                                     " updated_at = excluded.updated_at");
    sql_text(&q, r->key);
    sql_text(&q, r->value);
    sql_int(&q, loop_wall_ms());
    return sql_run(&q);
}

static void keep_run(struct pool_work *work, void *thread)
{
    struct store_profile *r = container_of(work, struct store_profile, work);
    writer_do(thread, WRITE_FINISHES, &r->err, keep, r);
}

static void keep_done(struct pool_work *work, int err)
{
    struct store_profile *r = container_of(work, struct store_profile, work);
    r->done(r, write_result(r->owner, &r->err, err));
}

void store_profile_keep(struct store *s, struct store_profile *r,
                        void (*done)(struct store_profile *r, int err))
{
    assert(r->key[0] && memchr(r->value, 0, sizeof(r->value)));
    r->err = (struct err){0};
    r->owner = s;
    r->done = done;
    write_submit(s, &r->work, keep_run, keep_done);
}

static int find(struct db *d, struct store_profile *r)
{
    struct sql q = sql_begin(d, "SELECT value FROM profile WHERE key = ?");
    sql_text(&q, r->key);
    if (sql_row(&q)) {
        snprintf(r->value, sizeof(r->value), "%s", sql_get_text(&q));
    }
    return sql_end(&q);
}

static void find_run(struct pool_work *work, void *thread)
{
    struct store_profile *r = container_of(work, struct store_profile, work);
    struct reader *reader = thread;
    if (read_begin(reader, work, reader->store->config.read_deadline_ms, &r->err)) {
        return;
    }
    read_end(reader, find(&reader->db, r), &r->err);
}

static void find_done(struct pool_work *work, int err)
{
    struct store_profile *r = container_of(work, struct store_profile, work);
    r->done(r, read_result(r->owner, &r->err, err));
}

void store_profile_find(struct store *s, struct store_profile *r,
                        void (*done)(struct store_profile *r, int err))
{
    assert(r->key[0]);
    r->err = (struct err){0};
    r->value[0] = 0;
    r->owner = s;
    r->done = done;
    read_submit(s, &r->work, find_run, find_done);
}

// ---- all of a kind

static int list(struct db *d, struct store_profiles *r)
{
    struct sql q = sql_begin(d, "SELECT key, value FROM profile"
                                " WHERE substr(key, 1, length(?1)) = ?1"
                                " ORDER BY updated_at DESC, key LIMIT ?2");
    sql_text(&q, r->prefix);
    sql_int(&q, STORE_MOST_PROFILES);
    while (r->n < STORE_MOST_PROFILES && sql_row(&q)) {
        struct store_profile_row *row = &r->rows[r->n++];
        snprintf(row->key, sizeof(row->key), "%s", sql_get_text(&q));
        snprintf(row->value, sizeof(row->value), "%s", sql_get_text(&q));
    }
    return sql_end(&q);
}

static void list_run(struct pool_work *work, void *thread)
{
    struct store_profiles *r = container_of(work, struct store_profiles, work);
    struct reader *reader = thread;
    if (read_begin(reader, work, reader->store->config.read_deadline_ms, &r->err)) {
        return;
    }
    r->rows = calloc(STORE_MOST_PROFILES, sizeof(r->rows[0]));
    read_end(reader, r->rows ? list(&reader->db, r) : E_NOMEM, &r->err);
}

static void list_done(struct pool_work *work, int err)
{
    struct store_profiles *r = container_of(work, struct store_profiles, work);
    r->done(r, read_result(r->owner, &r->err, err));
}

void store_profiles(struct store *s, struct store_profiles *r,
                    void (*done)(struct store_profiles *r, int err))
{
    r->err = (struct err){0};
    r->rows = NULL;
    r->n = 0;
    r->owner = s;
    r->done = done;
    read_submit(s, &r->work, list_run, list_done);
}
