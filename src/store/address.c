// address.c -- marks and labels instead of addresses that may not be kept.
// SPDX-License-Identifier: MIT
#include "store/address.h"

#include "base/log.h"
#include "store/scrub.h"
#include "store/writer.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <openssl/evp.h>
#include <openssl/hmac.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>
#include <sys/stat.h>
#include <unistd.h>

enum { MARK_BYTES = 16, LABEL_MAX = 64 << 10, SWEEP_ROWS = 256 };

// ---- the key

static int fail(struct err *e, const char *path, const char *what)
{
    const int errnum = errno;
    const int code = err_from_errno(errnum);
    return err_set(e, code == E_ACCESS || code == E_FULL ? code : E_STORE, "%s: %s: %s",
                   path, what, strerror(errnum));
}

// Whole or not at all: it gets its name when it is written.
static int make_key(const char *path, struct err *e)
{
    uint8_t bytes[ADDRESS_KEY_BYTES];
    char part[PATH_MAX + 8];
    int rc = 0;
    snprintf(part, sizeof(part), "%s.XXXXXX", path);
    if (getrandom(bytes, sizeof(bytes), 0) != (ssize_t)sizeof(bytes)) {
        return fail(e, path, "no random bytes for it");
    }
    const int fd = mkostemp(part, O_CLOEXEC);
    if (fd < 0) {
        return fail(e, path, "can not be made");
    }
    if (fchmod(fd, 0600) || write(fd, bytes, sizeof(bytes)) != (ssize_t)sizeof(bytes) ||
        fsync(fd)) {
        rc = fail(e, part, "can not be written");
    } else if (link(part, path) && errno != EEXIST) {
        rc = fail(e, path, "can not be made");
    }
    close(fd);
    unlink(part);
    return rc;
}

// Nobody's but the owner's, whatever it was copied with.
static int check_key(int fd, const char *path, struct err *e)
{
    struct stat st;
    if (fstat(fd, &st)) {
        return fail(e, path, "can not be read");
    }
    if (!S_ISREG(st.st_mode) || st.st_size != ADDRESS_KEY_BYTES) {
        return err_set(
            e, E_STORE,
            "%s: is damaged (put the one back that belongs to the database, or "
            "remove it: addresses that were not kept are then not known again)",
            path);
    }
    if (st.st_mode & 077 && st.st_uid == geteuid() && fchmod(fd, 0600)) {
        return fail(e, path, "can not be made private");
    }
    return 0;
}

int address_key_open(struct address_key *k, const char *database, bool may_make,
                     struct err *e)
{
    char path[PATH_MAX];
    if ((size_t)snprintf(path, sizeof(path), "%s-key", database) >= sizeof(path) - 32) {
        return err_set(e, E_STORE, "%.100s...: the path is too long", database);
    }
    int rc = 0, fd = open(path, O_RDONLY | O_CLOEXEC | O_NOFOLLOW);
    if (fd < 0 && errno == ENOENT && may_make) {
        rc = make_key(path, e);
        fd = rc ? -1 : open(path, O_RDONLY | O_CLOEXEC | O_NOFOLLOW);
    }
    if (fd < 0) {
        const bool is_missing = errno == ENOENT && !may_make;
        return rc || is_missing ? rc : fail(e, path, "can not be read");
    }
    rc = check_key(fd, path, e);
    if (!rc && read(fd, k->bytes, sizeof(k->bytes)) != (ssize_t)sizeof(k->bytes)) {
        rc = fail(e, path, "can not be read");
    }
    k->is_known = rc == 0;
    close(fd);
    return rc;
}

// ---- marks

// '#' begins neither a path nor a URL.
static void on_mark(sqlite3_context *c, int n, sqlite3_value **values)
{
    const struct address_key *k = sqlite3_user_data(c);
    const unsigned char *text = sqlite3_value_text(values[0]);
    const int len = sqlite3_value_bytes(values[0]);
    uint8_t mac[EVP_MAX_MD_SIZE];
    unsigned mac_len = 0;
    char mark[2 + 2 * MARK_BYTES];
    (void)n;
    if (!k->is_known || !text) {
        sqlite3_result_null(c);
        return;
    }
    if (!HMAC(EVP_sha256(), k->bytes, sizeof(k->bytes), text, (size_t)len, mac,
              &mac_len)) {
        sqlite3_result_error_nomem(c);
        return;
    }
    mark[0] = '#';
    for (int i = 0; i < MARK_BYTES; i++) {
        snprintf(mark + 1 + 2 * i, 3, "%02x", mac[i]);
    }
    sqlite3_result_text(c, mark, -1, SQLITE_TRANSIENT);
}

int address_teach(struct db *d, const struct address_key *k)
{
    const int rc = sqlite3_create_function_v2(
        d->h, "address_mark", 1, SQLITE_UTF8 | SQLITE_DETERMINISTIC | SQLITE_DIRECTONLY,
        (void *)k, on_mark, NULL, NULL, NULL);
    return rc == SQLITE_OK ? 0 : db_fail(d, rc);
}

// ---- rows

// label: empty when the address may be kept, or does not stand in the row any more.
static int make_label(struct writer *w, int64_t job, struct buf *label)
{
    struct sql q = sql_begin(&w->db, "SELECT path FROM job WHERE id = ? AND +state = 2"
                                     " AND +label = ''");
    sql_int(&q, job);
    buf_init(label, LABEL_MAX);
    if (sql_row(&q) && !w->redact(w->redact_arg, sql_get_text(&q), label)) {
        buf_clear(label);
    }
    return sql_end(&q);
}

int address_end(struct writer *w, int64_t job)
{
    struct buf label;
    if (!w->redact) {
        return 0;
    }
    int rc = make_label(w, job, &label);
    if (!rc && label.len) {
        struct sql q = sql_begin(&w->db, "UPDATE job SET path = address_mark(path),"
                                         " label = ?2, wanted = 0 WHERE id = ?1");
        sql_int(&q, job);
        sql_text(&q, buf_str(&label));
        rc = sql_run(&q);
        rc = rc ? rc : scrub_note(w);
    }
    buf_fini(&label);
    return rc;
}

int address_restore(struct writer *w, int64_t job, const char *address, bool *is_restored)
{
    struct sql q = sql_begin(&w->db, "UPDATE job SET path = ?2, label = '', wanted = 0"
                                     " WHERE id = ?1 AND label <> ''"
                                     " AND path = address_mark(?2)");
    sql_int(&q, job);
    sql_text(&q, address);
    int rc = sql_run(&q);
    *is_restored = !rc && sql_changes(&w->db) > 0;
    return rc;
}

// ---- folders

static bool is_hidden(struct writer *w, const char *address)
{
    struct buf label;
    buf_init(&label, LABEL_MAX);
    const bool is = w->redact && w->redact(w->redact_arg, address, &label);
    buf_fini(&label);
    return is;
}

// "#9f86d081.../23".  In letters, as SQLite counts them.
static int mark_root(struct writer *w, const char *root, char *mark, size_t size)
{
    struct sql q = sql_begin(&w->db, "SELECT ifnull(address_mark(?1), '#') || '/' ||"
                                     " length(rtrim(?1, '/'))");
    sql_text(&q, root);
    snprintf(mark, size, "%s", sql_row(&q) ? sql_get_text(&q) : "");
    return sql_end(&q);
}

// Older databases have it plain, and so have those whose rules let it be.
int address_root(struct writer *w, const char *root, int64_t *id)
{
    char mark[64];
    if (!root || !*root || !is_hidden(w, root)) {
        return writer_word(w, root, id);
    }
    int rc = mark_root(w, root, mark, sizeof(mark));
    struct sql q =
        sql_begin(&w->db, "UPDATE OR IGNORE word SET text = ?2 WHERE text = ?1");
    sql_text(&q, root);
    sql_text(&q, mark);
    rc = rc ? rc : sql_run(&q);
    if (!rc && sql_changes(&w->db) > 0) {
        writer_forget_words(w);
        rc = scrub_note(w);
    }
    return rc ? rc : writer_word(w, mark, id);
}

// ---- what was written before

static int next_rows(struct writer *w, int64_t from, int64_t ids[SWEEP_ROWS], int *n)
{
    struct sql q =
        sql_begin(&w->db, "SELECT id FROM job WHERE id >= ? ORDER BY id LIMIT ?");
    sql_int(&q, from);
    sql_int(&q, SWEEP_ROWS);
    *n = 0;
    while (*n < SWEEP_ROWS && sql_row(&q)) {
        ids[(*n)++] = sql_get_int(&q);
    }
    return sql_end(&q);
}

int address_sweep(struct writer *w, bool *has_more)
{
    int64_t from, ids[SWEEP_ROWS];
    int n = 0;
    *has_more = false;
    struct sql q = sql_begin(&w->db, "SELECT n FROM tally WHERE batch = 0 AND key = ?");
    sql_int(&q, SUM_UNSWEPT);
    int rc = sql_one(&q, 0, &from);
    if (rc || !from || !w->redact) {
        return rc;
    }
    rc = next_rows(w, from, ids, &n);
    for (int i = 0; !rc && i < n; i++) {
        rc = address_end(w, ids[i]);
    }
    *has_more = !rc && n == SWEEP_ROWS;
    return rc ? rc : writer_add(w, SUM_UNSWEPT, (*has_more ? ids[n - 1] + 1 : 0) - from);
}
