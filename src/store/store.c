// store.c -- opening, closing, and the way of a request to its thread and back.
//
//   write: loop -> writer pool (1 thread, groups) -> loop
//   read:  loop -> reader pool (a connection per thread) -> loop
//
// Closing: readers first, so that nothing pins the WAL when the writer, having done all
// it had accepted, writes it into the database and leaves.
// SPDX-License-Identifier: MIT
#include "store/inside.h"

#include "base/clock.h"
#include "base/log.h"
#include "base/mem.h"
#include "store/schema.h"

#include <assert.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

static const char *const state_names[] = {"queued", "leased", "ended"};
static const char *const outcome_names[] = {"",        "answered", "cached", "duplicate",
                                            "blocked", "skipped",  "failed"};

static void *on_writer_thread(void *arg);
static void on_write_begins(void *thread, const struct pool_work *w);
static void on_read_begins(void *thread, const struct pool_work *w);
static void on_writer_leaves(void *arg, void *thread);
static void *on_reader_thread(void *arg);
static void on_readers_closed(void *arg);
static void on_writer_closed(void *arg);

const char *store_state_name(enum store_state s)
{
    return s >= STORE_QUEUED && s <= STORE_ENDED ? state_names[s] : "";
}

const char *store_outcome_name(enum store_outcome o)
{
    return o >= STORE_NONE && o <= STORE_FAILED ? outcome_names[o] : "";
}

int store_outcome_by_name(const char *name)
{
    for (int i = STORE_ANSWERED; i <= STORE_FAILED; i++) {
        if (strcmp(outcome_names[i], name) == 0) {
            return i;
        }
    }
    return -1;
}

void store_config_default(struct store_config *c)
{
    c->readers = c->readers > 0 ? c->readers : 2;
    c->readers = c->readers > STORE_MAX_READERS ? STORE_MAX_READERS : c->readers;
    c->read_deadline_ms = c->read_deadline_ms > 0 ? c->read_deadline_ms : 2000;
    c->lease_ms = c->lease_ms > 0 ? c->lease_ms : 120000;
    c->max_claims = c->max_claims > 0 ? c->max_claims : 20;
    c->min_free_bytes = c->min_free_bytes > 0 ? c->min_free_bytes : 32ll << 20;
    c->slow_ms = c->slow_ms > 0 ? c->slow_ms : 100;
}

int64_t clock_ms(void)
{
    struct timespec ts;
    clock_gettime(CLOCK_MONOTONIC, &ts);
    return (int64_t)ts.tv_sec * 1000 + ts.tv_nsec / 1000000;
}

// ---- opening

static void free_store(struct store *s)
{
    writer_close(&s->writer);
    for (int i = 0; i < s->config.readers; i++) {
        db_close(&s->readers[i].db);
    }
    statements_fini(&s->statements);
    free(s->path);
    free(s);
}

static bool is_unwanted(struct reader *r)
{
    struct pool_work *running = atomic_load(&r->running);
    return running && atomic_load(&r->unwanted) == running;
}

static int on_progress(void *arg)
{
    struct reader *r = arg;
    return is_unwanted(r) || clock_ms() > r->deadline_ms;
}

static int open_readers(struct store *s, struct err *e)
{
    int rc = 0;
    for (int i = 0; !rc && i < s->config.readers; i++) {
        s->readers[i].store = s;
        s->readers[i].deadline_ms = INT64_MAX;
        s->readers[i].db.statements = &s->statements;
        s->readers[i].db.thread = "read";
        struct reader *r = &s->readers[i];
        rc = schema_open_reader(&r->db, s->path, e);
        rc = rc ? rc : address_key_open(&r->key, s->path, false, e);
        if (!rc && address_teach(&r->db, &r->key)) {
            rc = err_set(e, r->db.code, "%s: %s", s->path, r->db.words);
        }
        if (!rc) {
            sqlite3_progress_handler(s->readers[i].db.h, 1000, on_progress,
                                     &s->readers[i]);
        }
    }
    return rc;
}

static int open_writer(struct store *s, struct err *e)
{
    struct writer *w = &s->writer;
    w->path = s->path;
    w->min_free_bytes = s->config.min_free_bytes;
    w->lease_ms = s->config.lease_ms;
    w->max_claims = s->config.max_claims;
    w->audit_keep_ms = s->config.audit_keep_ms;
    w->redact = s->config.redact;
    w->redact_arg = s->config.redact_arg;
    w->db.statements = &s->statements;
    w->db.thread = "write";
    memcpy(w->owner_name, s->name, sizeof(w->owner_name));
    int rc = writer_open(w, e);
    return rc ? rc : upkeep_enter(w, e);
}

static void on_read_waited(void *arg, int64_t us)
{
    struct store *s = arg;
    histogram_add(&s->read_load.waited, us);
}

static void on_write_waited(void *arg, int64_t us)
{
    struct store *s = arg;
    histogram_add(&s->write_load.waited, us);
}

static int open_pools(struct store *s, struct err *e)
{
    struct pool_config readers = {
        .name = "vlmd-read",
        .threads = s->config.readers,
        .is_keen = true,
        .arg = s,
        .thread_open = on_reader_thread,
        .work_begins = on_read_begins,
        .waited = on_read_waited,
    };
    struct pool_config writer = {
        .name = "vlmd-write",
        .threads = 1,
        .arg = s,
        .thread_open = on_writer_thread,
        .thread_close = on_writer_leaves,
        .work_begins = on_write_begins,
        .waited = on_write_waited,
        .batch_max = WRITER_GROUP,
        .batch_begin = writer_begin,
        .batch_end = writer_end,
    };
    int rc = pool_open(&s->reader_pool, s->loop, &readers);
    if (!rc && !s->config.is_read_only) {
        rc = pool_open(&s->writer_pool, s->loop, &writer);
    }
    return rc ? err_set(e, rc, "%s: threads: %s", s->path, err_words(rc)) : 0;
}

int store_open(struct store **out, struct loop *l, const struct store_config *c,
               struct err *e)
{
    struct store *s = mem_new(struct store);
    struct err ignored;
    e = e ? e : &ignored;
    *out = NULL;
    s->loop = l;
    s->config = *c;
    store_config_default(&s->config);
    s->path = mem_dup(c->path);
    s->config.path = s->path;
    owner_name(s->name);
    statements_init(&s->statements, s->config.slow_ms);
    s->upkeep.due_ms = s->upkeep.full_due_ms = INT64_MIN;
    int rc = s->config.is_read_only ? 0 : open_writer(s, e);
    rc = rc ? rc : open_readers(s, e);
    if (rc) {
        free_store(s);
        return rc;
    }
    rc = open_pools(s, e);
    if (rc && s->reader_pool) {
        store_close(s, NULL, NULL);
        return rc;
    }
    if (rc) {
        free_store(s);
        return rc;
    }
    log_info("store", "path=%s owner=%s opened%s", s->path, s->name,
             s->config.is_read_only ? " for reading" : "");
    *out = s;
    return 0;
}

static void *on_writer_thread(void *arg)
{
    struct store *s = arg;
    return &s->writer;
}

static void *on_reader_thread(void *arg)
{
    struct store *s = arg;
    return &s->readers[atomic_fetch_add(&s->readers_taken, 1)];
}

static const char *asker_of(const struct pool_work *w)
{
    return w->asker[0] ? w->asker : NULL;
}

static void on_write_begins(void *thread, const struct pool_work *w)
{
    struct writer *writer = thread;
    writer->db.asker = asker_of(w);
}

static void on_read_begins(void *thread, const struct pool_work *w)
{
    struct reader *r = thread;
    r->db.asker = asker_of(w);
}

const char *store_owner(const struct store *s)
{
    return s->name;
}

void store_configure(struct store *s, const struct store_config *c)
{
    s->writer.audit_keep_ms = c->audit_keep_ms;
    s->statements.slow_us = c->slow_ms * 1000;
}

const char *store_path(const struct store *s)
{
    return s->path;
}

// ---- closing

void store_close(struct store *s, void (*on_closed)(void *arg), void *arg)
{
    assert(!s->is_closing);
    s->is_closing = true;
    s->on_closed = on_closed;
    s->closed_arg = arg;
    pool_close(s->reader_pool, on_readers_closed, s);
}

static void on_readers_closed(void *arg)
{
    struct store *s = arg;
    s->reader_pool = NULL;
    for (int i = 0; i < s->config.readers; i++) {
        db_close(&s->readers[i].db);
    }
    if (s->writer_pool) {
        pool_close(s->writer_pool, on_writer_closed, s);
    } else {
        on_writer_closed(s);
    }
}

static void on_writer_leaves(void *arg, void *thread)
{
    (void)arg;
    struct writer *w = thread;
    upkeep_leave(w);
    writer_close(w);
}

static void on_writer_closed(void *arg)
{
    struct store *s = arg;
    void (*on_closed)(void *arg) = s->on_closed;
    void *closed_arg = s->closed_arg;
    log_info("store", "path=%s closed", s->path);
    free_store(s);
    if (on_closed) {
        on_closed(closed_arg);
    }
}

// ---- the way of a request

static void refuse_run(struct pool_work *w, void *thread)
{
    (void)w;
    (void)thread;
}

void write_submit(struct store *s, struct pool_work *w,
                  void (*run)(struct pool_work *w, void *thread),
                  void (*done)(struct pool_work *w, int err))
{
    w->run = s->writer_pool ? run : refuse_run;
    w->done = done;
    pool_submit(s->writer_pool ? s->writer_pool : s->reader_pool, w);
}

int write_result(const struct store *s, struct err *e, int err)
{
    if (!err && s->config.is_read_only) {
        return err_set(e, E_STORE, "%s: was opened for reading only", s->path);
    }
    return read_result(s, e, err);
}

void read_submit(struct store *s, struct pool_work *w,
                 void (*run)(struct pool_work *w, void *thread),
                 void (*done)(struct pool_work *w, int err))
{
    w->run = run;
    w->done = done;
    pool_submit(s->reader_pool, w);
}

int read_result(const struct store *s, struct err *e, int err)
{
    return err ? err_set(e, err, "%s: %s", s->path, err_words(err)) : e->code;
}

int read_begin(struct reader *r, struct pool_work *w, int64_t deadline_ms, struct err *e)
{
    atomic_store(&r->unwanted, NULL);
    atomic_store(&r->running, w);
    r->deadline_ms = clock_ms() + deadline_ms;
    r->began_us = clock_thread_us();
    r->db.sqlite_code = 0;
    struct sql q = sql_begin(&r->db, "BEGIN");
    int rc = sql_run(&q);
    if (rc) {
        read_end(r, rc, e);
    }
    return rc;
}

// rc without words in e: what SQLite said.  A stop is either a cancel or the deadline.
void read_end(struct reader *r, int rc, struct err *e)
{
    if (rc == E_DEADLINE && is_unwanted(r)) {
        err_set(e, E_CANCELED, "%s: the question was canceled", r->store->path);
    } else if (rc == E_DEADLINE) {
        err_set(e, rc,
                "%s: the question took too long (narrow it: more words, a shorter "
                "time, an application)",
                r->store->path);
    } else if (rc && !e->code) {
        err_set(e, rc, "%s: %s", r->store->path,
                r->db.sqlite_code ? r->db.words : err_words(rc));
    }
    atomic_store(&r->unwanted, NULL);
    atomic_store(&r->running, NULL);
    r->deadline_ms = INT64_MAX;
    if (!sqlite3_get_autocommit(r->db.h)) {
        struct sql q = sql_begin(&r->db, "COMMIT");
        if (sql_run(&q)) {
            sqlite3_exec(r->db.h, "ROLLBACK", NULL, NULL, NULL);
        }
    }
    r->db.asker = NULL;  // its work is gone soon
    atomic_fetch_add(&r->store->read_us, clock_thread_us() - r->began_us);
}

// A work is only ever submitted again after its done, so a name left behind by a cancel
// that came too late can not stop anything else.
void store_cancel(struct store *s, struct pool_work *work)
{
    if (work->pool) {
        pool_cancel(work->pool, work);
    }
    for (int i = 0; i < s->config.readers; i++) {
        if (atomic_load(&s->readers[i].running) == work) {
            atomic_store(&s->readers[i].unwanted, work);
        }
    }
}

// ---- small helpers

int strings_copy(const char **const *fields, int n, char **block)
{
    size_t bytes = 1;
    for (int i = 0; i < n; i++) {
        bytes += *fields[i] ? strlen(*fields[i]) + 1 : 0;
    }
    char *at = malloc(bytes);
    *block = at;
    if (!at) {
        return E_NOMEM;
    }
    for (int i = 0; i < n; i++) {
        if (*fields[i]) {
            size_t len = strlen(*fields[i]) + 1;
            memcpy(at, *fields[i], len);
            *fields[i] = at;
            at += len;
        }
    }
    return 0;
}
