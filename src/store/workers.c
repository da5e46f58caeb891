// workers.c -- what the processes that share this database say of themselves.
//
// One row each in owner, made when the store opens.  A dead one's row may stay for a
// while: its name tells that it is dead.
// SPDX-License-Identifier: MIT
#include "store/inside.h"

#include <stdlib.h>
#include <string.h>

enum { MAX_WORKERS = 64, MAX_STATUS_BYTES = 64 * 1024, MAX_BLOCK_BYTES = 4 << 20 };

static int publish(struct writer *w, void *request)
{
    struct store_publish *r = request;
    struct sql q =
        sql_begin(&w->db, "UPDATE owner SET status = ?, seen_at = ? WHERE id = ?");
    sql_text(&q, r->status);
    sql_int(&q, loop_wall_ms());
    sql_int(&q, w->owner);
    return sql_run(&q);
}

static void publish_run(struct pool_work *work, void *thread)
{
    struct store_publish *r = container_of(work, struct store_publish, work);
    if (strlen(r->status) > MAX_STATUS_BYTES) {
        err_set(&r->err, E_TOOBIG, "the status is larger than 64 KiB");
        return;
    }
    writer_do(thread, WRITE_FINISHES, &r->err, publish, r);
}

static void publish_done(struct pool_work *work, int err)
{
    struct store_publish *r = container_of(work, struct store_publish, work);
    r->done(r, write_result(r->owner, &r->err, err));
}

void store_publish(struct store *s, struct store_publish *r,
                   void (*done)(struct store_publish *r, int err))
{
    r->err = (struct err){0};
    r->owner = s;
    r->done = done;
    write_submit(s, &r->work, publish_run, publish_done);
}

// Offsets into block stand in for pointers while it may still move.
static int read_one(struct sql *q, struct store_worker *out, struct buf *block)
{
    const char *name = sql_get_text(q);
    out->owner = (const char *)(uintptr_t)block->len;
    out->pid = owner_pid(name);
    int rc = buf_add(block, name, strlen(name) + 1);
    out->started_at_ms = sql_get_int(q);
    out->seen_at_ms = sql_get_int(q);
    const char *status = sql_get_text(q);
    out->status = (const char *)(uintptr_t)block->len;
    return rc ? rc : buf_add(block, status, strlen(status) + 1);
}

static int read_all(struct db *d, struct store_workers *r, struct buf *block)
{
    struct sql q = sql_begin(d, "SELECT name, started_at, seen_at, status FROM owner"
                                " WHERE status <> '' ORDER BY id DESC LIMIT 1000");
    int rc = 0;
    while (!rc && r->n < MAX_WORKERS && sql_row(&q)) {
        rc = read_one(&q, &r->workers[r->n], block);
        const char *name = (const char *)block->data + (uintptr_t)r->workers[r->n].owner;
        r->n += !rc && !owner_is_dead(name);
    }
    int end = sql_end(&q);
    for (int i = 0; i < r->n; i++) {
        struct store_worker *w = &r->workers[i];
        w->owner = (const char *)block->data + (uintptr_t)w->owner;
        w->status = (const char *)block->data + (uintptr_t)w->status;
    }
    return rc ? rc : end;
}

static void list_run(struct pool_work *work, void *thread)
{
    struct store_workers *r = container_of(work, struct store_workers, work);
    struct reader *reader = thread;
    struct buf block;
    if (read_begin(reader, work, reader->store->config.read_deadline_ms, &r->err)) {
        return;
    }
    buf_init(&block, MAX_BLOCK_BYTES);
    r->workers = calloc(MAX_WORKERS, sizeof(*r->workers));
    int rc = r->workers ? read_all(&reader->db, r, &block) : E_NOMEM;
    r->block = (char *)block.data;
    read_end(reader, rc, &r->err);
}

static void list_done(struct pool_work *work, int err)
{
    struct store_workers *r = container_of(work, struct store_workers, work);
    err = read_result(r->owner, &r->err, err);
    if (err) {
        store_workers_fini(r);
    }
    r->done(r, err);
}

void store_workers(struct store *s, struct store_workers *r,
                   void (*done)(struct store_workers *r, int err))
{
    *r = (struct store_workers){.owner = s, .done = done};
    read_submit(s, &r->work, list_run, list_done);
}

void store_workers_fini(struct store_workers *r)
{
    free(r->workers);
    free(r->block);
    r->workers = NULL;
    r->block = NULL;
    r->n = 0;
}
