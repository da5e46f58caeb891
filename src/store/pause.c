// pause.c -- see pause.h.  Kept among the profiles: one small text by key.
// SPDX-License-Identifier: MIT
#include "store/pause.h"

#include "store/inside.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

#define KEY "pause"

static int set(struct writer *w, void *request)
{
    const struct store_pause *r = request;
    char text[32];
    struct sql q = r->until_ms == 0
                       ? sql_begin(&w->db, "DELETE FROM profile WHERE key = ?1")
                       : sql_begin(&w->db, "INSERT INTO profile VALUES (?1, ?2, ?3)"
                                           " ON CONFLICT DO UPDATE SET value = ?2,"
                                           " updated_at = ?3");
    snprintf(text, sizeof(text), "%" PRId64, r->until_ms);
    sql_text(&q, KEY);
    if (r->until_ms != 0) {
        sql_text(&q, text);
        sql_int(&q, loop_wall_ms());
    }
    return sql_run(&q);
}

static void pause_run(struct pool_work *work, void *thread)
{
    struct store_pause *r = container_of(work, struct store_pause, work);
    writer_do(thread, WRITE_FINISHES, &r->err, set, r);
}

static void pause_done(struct pool_work *work, int err)
{
    struct store_pause *r = container_of(work, struct store_pause, work);
    r->done(r, write_result(r->owner, &r->err, err));
}

void store_pause(struct store *s, struct store_pause *r,
                 void (*done)(struct store_pause *r, int err))
{
    r->err = (struct err){0};
    r->owner = s;
    r->done = done;
    write_submit(s, &r->work, pause_run, pause_done);
}

int pause_find(struct db *d, int64_t now_ms, int64_t *until_ms)
{
    struct sql q = sql_begin(d, "SELECT value FROM profile WHERE key = ?");
    sql_text(&q, KEY);
    *until_ms = 0;
    if (sql_row(&q)) {
        int64_t until = strtoll(sql_get_text(&q), NULL, 10);
        *until_ms = until > now_ms ? until : 0;
    }
    return sql_end(&q);
}
