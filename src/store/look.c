// look.c -- the described pictures that new ones of the same source are compared with.
//
// A source is a screen and a folder.  Its last STORE_KEPT_FRAMES described pictures are kept
// with their thumbs, because people come back: to the window before, to the page of an hour
// ago.  Few of them are worth a look, found by an index alone: the nearest in time, before
// and after (a folder is caught up with backwards), and those whose looks differ least.
//
// It does not matter whether the described picture is older or newer than the one that
// inherits: they show the same.
// SPDX-License-Identifier: MIT
#include "store/look.h"

#include <stdlib.h>

// ---- keep

static int drop_oldest(struct writer *w, int64_t root, int64_t screen)
{
    struct sql q =
        sql_begin(&w->db, "DELETE FROM frame WHERE root = ?1 AND screen = ?2 AND id <="
                          " (SELECT id FROM frame WHERE root = ?1 AND screen = ?2"
                          " ORDER BY id DESC LIMIT 1 OFFSET ?3)");
    sql_int(&q, root);
    sql_int(&q, screen);
    sql_int(&q, STORE_KEPT_FRAMES);
    return sql_run(&q);
}

static int drop_of_job(struct writer *w, int64_t job)
{
    struct sql q = sql_begin(&w->db, "DELETE FROM frame WHERE job = ?");
    sql_int(&q, job);
    return sql_run(&q);
}

// A stand-in's description is not one that others should inherit.
int look_keep(struct writer *w, const struct store_save *r, int64_t root, int64_t screen,
              bool was_described)
{
    int rc = was_described ? drop_of_job(w, r->id) : 0;
    if (rc || !r->is_frame || !r->has_image || r->result->is_degraded) {
        return rc;
    }
    struct sql q = sql_begin(&w->db, "INSERT INTO frame(root, screen, at_ms, look, job,"
                                     " luma) SELECT ?2, ?3, at_ms, ?4, id, ?5 FROM job"
                                     " WHERE id = ?1");
    sql_int(&q, r->id);
    sql_int(&q, root);
    sql_int(&q, screen);
    sql_int(&q, (int64_t)r->look);
    sql_blob(&q, r->thumb, sizeof(r->thumb));
    rc = sql_run(&q);
    return rc ? rc : drop_oldest(w, root, screen);
}

// ---- find

struct candidate {
    int64_t id;
    int64_t at_ms;
    uint64_t look;
    bool is_taken;
};

struct source {
    int64_t root, screen, at_ms;
};

static int bits_between(uint64_t a, uint64_t b)
{
    int n = 0;
    for (uint64_t x = a ^ b; x; x &= x - 1) {
        n++;
    }
    return n;
}

static int read_source(struct writer *w, const struct store_similar *r, struct source *s)
{
    struct sql q =
        sql_begin(&w->db, "SELECT root, CASE WHEN ?2 = '' THEN screen"
                          " ELSE ifnull((SELECT id FROM word WHERE text = ?2), -1) END,"
                          " CASE WHEN ?3 THEN ?3 ELSE at_ms END FROM job WHERE id = ?1");
    sql_int(&q, r->id);
    sql_text(&q, r->screen);
    sql_int(&q, r->taken_at_ms);
    if (sql_row(&q)) {
        s->root = sql_get_int(&q);
        s->screen = sql_get_int(&q);
        s->at_ms = sql_get_int(&q);
    }
    return sql_end(&q);
}

// By time, oldest first.
static int read_candidates(struct writer *w, const struct store_similar *r,
                           const struct source *s, struct candidate *c, int *n)
{
    struct sql q = sql_begin(&w->db, "SELECT id, at_ms, look FROM frame INDEXED BY"
                                     " frame_source WHERE root = ? AND screen = ?"
                                     " AND job <> ? ORDER BY at_ms");
    sql_int(&q, s->root);
    sql_int(&q, s->screen);
    sql_int(&q, r->id);
    while (*n < STORE_KEPT_FRAMES && sql_row(&q)) {
        c[*n].id = sql_get_int(&q);
        c[*n].at_ms = sql_get_int(&q);
        c[(*n)++].look = (uint64_t)sql_get_int(&q);
    }
    return sql_end(&q);
}

static struct candidate *nearest_look(struct candidate *c, int n, uint64_t look)
{
    struct candidate *best = NULL;
    int best_bits = STORE_NEAR_BITS + 1;
    for (int i = n - 1; i >= 0; i--) {
        const int bits = bits_between(c[i].look, look);
        if (!c[i].is_taken && bits < best_bits) {
            best = &c[i];
            best_bits = bits;
        }
    }
    return best;
}

static int add_frame(struct writer *w, struct store_similar *r, struct candidate *c)
{
    struct store_frame *f = &r->frames[r->n_frames];
    c->is_taken = true;
    struct sql q =
        sql_begin(&w->db, "SELECT j.id, j.width, j.height, f.luma FROM frame f JOIN job j"
                          " ON j.id = f.job WHERE f.id = ?1 AND j.result IS NOT NULL"
                          " AND j.is_degraded = 0 AND j.duplicate_of IS NULL"
                          " AND (?2 = '' OR j.app = '' OR j.app = ?2 COLLATE NOCASE)"
                          " AND (?3 = '' OR j.tier_asked ="
                          " (SELECT id FROM word WHERE text = ?3))");
    sql_int(&q, c->id);
    sql_text(&q, r->app);
    sql_text(&q, r->tier);
    if (sql_row(&q)) {
        f->job = sql_get_int(&q);
        f->width = (int)sql_get_int(&q);
        f->height = (int)sql_get_int(&q);
        r->n_frames += sql_get_blob(&q, f->thumb, sizeof(f->thumb));
    }
    return sql_end(&q);
}

static int add_best(struct writer *w, struct store_similar *r, const struct source *s,
                    struct candidate *c, int n)
{
    int after = 0, rc = 0;
    while (after < n && c[after].at_ms <= s->at_ms) {
        after++;
    }
    if (after > 0) {
        rc = add_frame(w, r, &c[after - 1]);
    }
    if (!rc && after < n) {
        rc = add_frame(w, r, &c[after]);
    }
    struct candidate *next = nearest_look(c, n, r->look);
    while (!rc && next && r->n_frames < STORE_MAX_FRAMES) {
        rc = add_frame(w, r, next);
        next = nearest_look(c, n, r->look);
    }
    return rc;
}

int look_find(struct writer *w, struct store_similar *r)
{
    struct source s = {0};
    struct candidate c[STORE_KEPT_FRAMES] = {{0}};
    int n = 0;
    r->n_frames = 0;
    int rc = read_source(w, r, &s);
    rc = rc ? rc : read_candidates(w, r, &s, c, &n);
    if (rc || n == 0) {
        return rc;
    }
    if (!r->frames) {
        r->frames = calloc(STORE_MAX_FRAMES, sizeof(*r->frames));
    }
    return r->frames ? add_best(w, r, &s, c, n) : E_NOMEM;
}
