// writer.c -- group commit, and what a failure in the middle of a group means.
//
// A request that fails by itself is hardly ever seen: it could only ask for nonsense, or
// find a bug.  So there is no savepoint for each one, which would cost a fifth of all work
// (a copy of every page it touches); instead the group starts over without it.  For the
// same reason the statements of the hot paths say OR FAIL, which lets SQLite do without a
// savepoint for the statement and its triggers.  A failure of the file or the disk ends the
// transaction for all; the connection is opened anew before the next group.  The search
// index is written once per group, at its end.
// SPDX-License-Identifier: MIT
#include "store/writer.h"

#include "base/clock.h"
#include "base/log.h"
#include "store/audit.h"
#include "store/doc.h"
#include "store/inside.h"
#include "store/schema.h"
#include "store/scrub.h"

#include <assert.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <time.h>

#define BUSY_MAX_MS   30000
#define WAL_MAX_BYTES (128ll << 20)
#define WAL_PAGES     1000

// Another process holds the lock for a few milliseconds at a time.  The jitter keeps two
// waiting ones from always losing to the same third.
static int on_busy(void *arg, int n)
{
    (void)arg;
    static _Thread_local struct timespec since;
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    if (n == 0) {
        since = now;
    }
    if ((now.tv_sec - since.tv_sec) * 1000 > BUSY_MAX_MS) {
        return 0;
    }
    int most = n < 5 ? 1 << n : 32;
    sqlite3_sleep(1 + (int)((unsigned long)now.tv_nsec / 1000 % (unsigned long)most));
    return 1;
}

void writer_forget_words(struct writer *w)
{
    for (int i = 0; i < WRITER_WORDS; i++) {
        free(w->words[i].text);
        w->words[i].text = NULL;
    }
}

static int on_wal(void *arg, sqlite3 *h, const char *name, int pages);

int writer_open(struct writer *w, struct err *e)
{
    int rc = schema_open_writer(&w->db, w->path, e);
    if (!rc && !w->audit.chain.digest && audit_chain_init(&w->audit.chain)) {
        rc = err_set(e, E_NOMEM, "%s: %s", w->path, err_words(E_NOMEM));
    }
    if (!rc && !w->key.is_known) {
        rc = address_key_open(&w->key, w->path, true, e);
    }
    if (!rc && address_teach(&w->db, &w->key)) {
        rc = err_set(e, w->db.code, "%s: %s", w->path, w->db.words);
    }
    if (!rc) {
        writer_wait_for_others(w);
        sqlite3_wal_hook(w->db.h, on_wal, w);
        w->must_reopen = false;
    }
    return rc;
}

void writer_wait_for_others(struct writer *w)
{
    sqlite3_busy_handler(w->db.h, on_busy, NULL);
}

void writer_close(struct writer *w)
{
    writer_forget_words(w);
    audit_chain_fini(&w->audit.chain);
    free(w->docs);
    w->docs = NULL;
    w->n_docs = w->n_indexed = w->cap_docs = 0;
    db_close(&w->db);
}

static void break_group(struct writer *w, int code, const char *words)
{
    if (!w->broken) {
        w->broken = code;
        snprintf(w->broken_words, sizeof(w->broken_words), "%.300s", words);
        log_error("store", "path=%s class=%s a group of writes failed: %s", w->path,
                  err_name(code), words);
    }
}

static int64_t free_bytes(const struct writer *w)
{
    struct statvfs fs;
    char folder[4096];
    snprintf(folder, sizeof(folder), "%s", w->path);
    char *slash = strrchr(folder, '/');
    if (slash) {
        slash[1] = 0;
    }
    if (statvfs(slash ? folder : ".", &fs)) {
        return INT64_MAX;
    }
    int64_t all;
    return __builtin_mul_overflow((int64_t)fs.f_bavail, (int64_t)fs.f_frsize, &all)
               ? INT64_MAX
               : all;
}

// Another process may have removed a word that is remembered here.
static int follow_others(struct writer *w)
{
    int64_t version;
    struct sql q = sql_begin(&w->db, "PRAGMA data_version");
    int rc = sql_one(&q, 0, &version);
    if (!rc && version != w->data_version) {
        writer_forget_words(w);
        w->data_version = version;
    }
    return rc;
}

static void start(struct writer *w)
{
    w->n_docs = w->n_indexed = 0;
    w->prompt_tokens = w->completion_tokens = 0;
    w->wants_upkeep = false;
    w->empty_for = 0;
    w->audit.is_known = w->audit.is_dirty = false;
    w->carried = w->carried_before;
    struct sql q = sql_begin(&w->db, "BEGIN IMMEDIATE");
    if (sql_run(&q) || follow_others(w)) {
        break_group(w, w->db.code, w->db.words);
    }
}

static void roll_back(struct writer *w)
{
    writer_forget_words(w);
    if (w->db.h && !sqlite3_get_autocommit(w->db.h)) {
        sqlite3_exec(w->db.h, "ROLLBACK", NULL, NULL, NULL);
    }
}

// Never fails itself: the words must reach every request of the group.
int writer_begin(void *writer)
{
    struct writer *w = writer;
    struct err e = {0};
    w->n_ops = 0;
    w->broken = 0;
    w->db.asker = NULL;
    w->free_bytes = free_bytes(w);
    w->carried_before = w->carried;
    if (w->must_reopen) {
        db_close(&w->db);
        if (writer_open(w, &e) || upkeep_enter(w, &e)) {
            w->must_reopen = true;
            break_group(w, e.code, e.msg);
            return 0;
        }
        log_info("store", "path=%s opened again", w->path);
    }
    start(w);
    return 0;
}

// Anything but a lack of space or patience may mean that the connection has gone bad.
static void give_up(struct writer *w)
{
    int kind = w->db.sqlite_code & 0xff;
    w->must_reopen |= kind != SQLITE_FULL && kind != SQLITE_BUSY;
    w->carried = w->carried_before;
    roll_back(w);
    for (int i = 0; i < w->n_ops; i++) {
        if (!w->ops[i].err->code) {
            err_set(w->ops[i].err, w->broken, "%s: %s", w->path, w->broken_words);
        }
    }
}

static int64_t wal_bytes(const struct writer *w)
{
    struct stat st;
    char path[4096];
    snprintf(path, sizeof(path), "%s-wal", w->path);
    return stat(path, &st) ? 0 : st.st_size;
}

int writer_checkpoint(struct writer *w, int mode)
{
    const int64_t began_us = clock_us();
    int rc = sqlite3_wal_checkpoint_v2(w->db.h, NULL, mode, NULL, NULL);
    atomic_fetch_add(&w->checkpoints, 1);
    atomic_fetch_add(&w->checkpoint_us, clock_us() - began_us);
    return rc;
}

// SQLite's own way, but counted.
static int on_wal(void *arg, sqlite3 *h, const char *name, int pages)
{
    (void)h;
    (void)name;
    if (pages >= WAL_PAGES) {
        writer_checkpoint(arg, SQLITE_CHECKPOINT_PASSIVE);
    }
    return SQLITE_OK;
}

// Readers that were slow may have let the WAL grow; SQLite's own checkpoints never
// shorten it below what it once was.
static void checkpoint(struct writer *w)
{
    bool is_long = wal_bytes(w) > WAL_MAX_BYTES;
    writer_checkpoint(w,
                      is_long ? SQLITE_CHECKPOINT_TRUNCATE : SQLITE_CHECKPOINT_PASSIVE);
}

static int write_spent(struct writer *w)
{
    int rc = writer_add(w, SUM_PROMPT_TOKENS, w->prompt_tokens);
    return rc ? rc : writer_add(w, SUM_COMPLETION_TOKENS, w->completion_tokens);
}

// What is done for the whole group is somebody's when all of it is.
static const char *group_asker(const struct writer *w)
{
    const char *one = w->n_ops ? w->ops[0].asker : NULL;
    for (int i = 1; one && i < w->n_ops; i++) {
        const char *other = w->ops[i].asker;
        one = other && strcmp(one, other) == 0 ? one : NULL;
    }
    return one;
}

static void end_group(struct writer *w)
{
    w->db.job = 0;
    w->db.asker = group_asker(w);
    if (!w->broken && (write_spent(w) || doc_flush(w) || audit_flush(w))) {
        break_group(w, w->db.code, w->db.words);
    }
    if (!w->broken) {
        struct sql q = sql_begin(&w->db, "COMMIT");
        if (sql_run(&q)) {
            break_group(w, w->db.code, w->db.words);
        }
    }
    if (w->broken) {
        give_up(w);
        return;
    }
    atomic_fetch_add(&w->commits, 1);
    if (w->wants_upkeep) {
        sqlite3_exec(w->db.h, "PRAGMA analysis_limit=400; PRAGMA optimize", NULL, NULL,
                     NULL);
        checkpoint(w);
    }
    scrub_after_commit(w);
}

// The works, and whose they are, are gone soon after it.
int writer_end(void *writer)
{
    struct writer *w = writer;
    end_group(w);
    w->db.asker = NULL;
    return 0;
}

static bool is_too_full(const struct writer *w, enum write_kind kind)
{
    switch (kind) {
    case WRITE_GROWS: return w->free_bytes < w->min_free_bytes;
    case WRITE_FINISHES: return w->free_bytes < w->min_free_bytes / 2;
    case WRITE_FREES: break;
    }
    return false;
}

// false: this op is at fault, or (broken) all are.
static bool try_op(struct writer *w, struct writer_op *op)
{
    w->db.sqlite_code = 0;
    w->db.asker = op->asker;
    int rc = op->apply(w, op->request);
    if (!rc) {
        return true;
    }
    if (db_is_broken(&w->db)) {
        break_group(w, w->db.code, w->db.words);
        return false;
    }
    op->is_out = true;
    if (!op->err->code) {
        err_set(op->err, rc, "%s: %s", w->path,
                w->db.sqlite_code ? w->db.words : err_words(rc));
    }
    return false;
}

// Each round leaves at least one op out, so it comes to an end.
static void start_over(struct writer *w)
{
    bool again = true;
    while (again && !w->broken) {
        roll_back(w);
        start(w);
        again = false;
        for (int i = 0; i < w->n_ops && !again && !w->broken; i++) {
            again = !w->ops[i].is_out && !try_op(w, &w->ops[i]);
        }
    }
}

void writer_do(struct writer *w, enum write_kind kind, struct err *e,
               int (*apply)(struct writer *w, void *request), void *request)
{
    assert(w->n_ops < WRITER_GROUP);
    w->db.job = 0;
    struct writer_op *op = &w->ops[w->n_ops++];
    *op = (struct writer_op){
        .err = e, .apply = apply, .request = request, .asker = w->db.asker};
    if (w->broken) {
        return;
    }
    if (is_too_full(w, kind)) {
        err_set(e, E_FULL, "%s: the disk is almost full: %lld MiB left (free some space)",
                w->path, (long long)(w->free_bytes >> 20));
        op->is_out = true;
        return;
    }
    if (!try_op(w, op)) {
        start_over(w);
    }
}

static uint32_t hash_of(const char *s)
{
    uint32_t h = 2166136261u;
    for (; *s; s++) {
        h = (h ^ (uint8_t)*s) * 16777619u;
    }
    return h;
}

static int word_in_table(struct writer *w, const char *text, int64_t *id)
{
    struct sql q = sql_begin(&w->db, "SELECT id FROM word WHERE text = ?");
    sql_text(&q, text);
    int rc = sql_one(&q, 0, id);
    if (rc || *id) {
        return rc;
    }
    q = sql_begin(&w->db, "INSERT INTO word(text) VALUES (?) RETURNING id");
    sql_text(&q, text);
    if (sql_row(&q)) {
        *id = sql_get_int(&q);
    }
    return sql_run(&q);
}

// The memory of words is dropped on every rollback, as it may name one that is gone again,
// and when another process has written.
int writer_word(struct writer *w, const char *text, int64_t *id)
{
    *id = 0;
    if (!text || !*text) {
        return 0;
    }
    uint32_t at = hash_of(text) % WRITER_WORDS;
    if (w->words[at].text && strcmp(w->words[at].text, text) == 0) {
        *id = w->words[at].id;
        return 0;
    }
    int rc = word_in_table(w, text, id);
    if (!rc) {
        free(w->words[at].text);
        w->words[at].text = strdup(text);
        w->words[at].id = *id;
    }
    return rc;
}

int writer_add(struct writer *w, enum writer_sum sum, int64_t n)
{
    if (!n) {
        return 0;
    }
    struct sql q = sql_begin(&w->db, "INSERT INTO tally VALUES (0, ?, ?)"
                                     " ON CONFLICT DO UPDATE SET n = n + excluded.n");
    sql_int(&q, sum);
    sql_int(&q, n);
    return sql_run(&q);
}

static int add_to_batches(struct writer *w, enum writer_sum sum, int64_t job, int64_t n)
{
    struct sql q = sql_begin(&w->db, "INSERT INTO tally SELECT batch, ?, ? FROM member"
                                     " WHERE job = ?"
                                     " ON CONFLICT DO UPDATE SET n = n + excluded.n");
    sql_int(&q, sum);
    sql_int(&q, n);
    sql_int(&q, job);
    return sql_run(&q);
}

int writer_spend(struct writer *w, int64_t job, int64_t prompt, int64_t completion)
{
    prompt = prompt > 0 ? prompt : 0;
    completion = completion > 0 ? completion : 0;
    w->prompt_tokens += prompt;
    w->completion_tokens += completion;
    int rc = job ? add_to_batches(w, SUM_PROMPT_TOKENS, job, prompt) : 0;
    return rc || !job ? rc : add_to_batches(w, SUM_COMPLETION_TOKENS, job, completion);
}
