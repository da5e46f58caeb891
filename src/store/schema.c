// schema.c -- the tables, how they came to be, and how a file is opened.
//
// The queue is table job: three partial indexes make "the next one", "the longest waiting
// one" and "leases by time" look-ups of one row however many jobs have ended.  Texts of
// answers stand in result, which several jobs may share.  Words that repeat (model names,
// folders) stand once, in word.  What `status` shows is kept up to date by triggers in
// tally, so that it costs the same with a million rows.
// SPDX-License-Identifier: MIT
#include "store/schema.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/vfs.h>
#include <unistd.h>

static const char version_1[] =
    "CREATE TABLE word("
    " id INTEGER PRIMARY KEY,"
    " text TEXT NOT NULL UNIQUE);"

    // Numbers of owners and jobs are never used again: leases and links are fenced by
    // them.
    "CREATE TABLE owner("
    " id INTEGER PRIMARY KEY AUTOINCREMENT,"
    " name TEXT NOT NULL UNIQUE,"
    " started_at INTEGER NOT NULL,"
    " seen_at INTEGER NOT NULL,"
    " status TEXT NOT NULL DEFAULT '');"

    "CREATE TABLE batch("
    " id INTEGER PRIMARY KEY AUTOINCREMENT,"
    " key TEXT NOT NULL UNIQUE,"
    " made_at INTEGER NOT NULL);"

    "CREATE TABLE job("
    " id INTEGER PRIMARY KEY AUTOINCREMENT,"
    " cid INTEGER NOT NULL,"
    " path TEXT NOT NULL,"
    " size INTEGER NOT NULL,"
    " mtime INTEGER NOT NULL,"
    " is_url INTEGER NOT NULL,"
    " root INTEGER NOT NULL DEFAULT 0,"  // word
    " state INTEGER NOT NULL DEFAULT 0,"
    " outcome INTEGER NOT NULL DEFAULT 0,"
    " prior INTEGER NOT NULL DEFAULT 0,"  // outcome before it was asked for again
    " priority INTEGER NOT NULL DEFAULT 0,"
    " is_degraded INTEGER NOT NULL DEFAULT 0,"
    " is_redo INTEGER NOT NULL DEFAULT 0,"
    " is_member INTEGER NOT NULL DEFAULT 0,"  // of any batch
    " has_doc INTEGER NOT NULL DEFAULT 0,"    // stands in search
    " run_at INTEGER NOT NULL DEFAULT 0,"  // 0 = due; set back to 0 when its time comes
    " queued_at INTEGER NOT NULL,"         // last time
    " seen_at INTEGER NOT NULL,"           // first time
    " ended_at INTEGER NOT NULL DEFAULT 0,"
    " owner INTEGER NOT NULL DEFAULT 0,"
    " lease_until INTEGER NOT NULL DEFAULT 0,"
    " claims INTEGER NOT NULL DEFAULT 0,"
    " attempts INTEGER NOT NULL DEFAULT 0,"
    " asking BLOB,"                           // content under way, while leased
    " asking_at INTEGER NOT NULL DEFAULT 0,"  // who was first among equal ones
    " code INTEGER NOT NULL DEFAULT 0,"
    " reason TEXT NOT NULL DEFAULT '',"
    " taken_at INTEGER NOT NULL DEFAULT 0,"
    " app TEXT NOT NULL DEFAULT '',"
    " window TEXT NOT NULL DEFAULT '',"
    " screen INTEGER NOT NULL DEFAULT 0,"  // word
    " url TEXT NOT NULL DEFAULT '',"
    " content BLOB,"  // of the picture that was described
    " sent_hash BLOB,"
    " width INTEGER NOT NULL DEFAULT 0,"
    " height INTEGER NOT NULL DEFAULT 0,"
    " sent_width INTEGER NOT NULL DEFAULT 0,"
    " sent_height INTEGER NOT NULL DEFAULT 0,"
    " sent_bytes INTEGER NOT NULL DEFAULT 0,"
    " duplicate_of INTEGER,"
    " near_blocks INTEGER NOT NULL DEFAULT -1,"  // of a duplicate that is only alike
    " near_diff INTEGER NOT NULL DEFAULT -1,"
    " result INTEGER,"
    " ocr_text TEXT NOT NULL DEFAULT '',"
    " queued_ms INTEGER NOT NULL DEFAULT 0,"
    " prepare_ms INTEGER NOT NULL DEFAULT 0,"
    " request_ms INTEGER NOT NULL DEFAULT 0,"
    " first_byte_ms INTEGER NOT NULL DEFAULT 0,"
    // Room for what is known at the end: rows that grow would split their pages.
    " room BLOB,"
    // taken_at, else seen_at.  Not generated: SQLite would not see that job_at covers it.
    " at_ms INTEGER NOT NULL DEFAULT 0,"
    " newest_ms INTEGER AS (CASE WHEN taken_at > 0 THEN taken_at"
    "  WHEN mtime > 0 THEN mtime / 1000000 ELSE seen_at END) VIRTUAL,"
    " tally INTEGER AS (state + 4 * outcome + 32 * is_degraded"
    "  + CASE outcome WHEN 6 THEN -64 * code ELSE 0 END) VIRTUAL,"
    " UNIQUE (path, size, mtime));"

    "CREATE INDEX job_ready ON job(is_degraded, priority DESC, newest_ms DESC, id DESC)"
    " WHERE state = 0 AND run_at = 0;"
    "CREATE INDEX job_aged ON job(is_degraded, run_at, queued_at) WHERE state = 0;"
    "CREATE INDEX job_lease ON job(lease_until) WHERE state = 1;"
    "CREATE INDEX job_asking ON job(asking) WHERE asking IS NOT NULL;"
    "CREATE INDEX job_at ON job(at_ms, outcome);"
    "CREATE INDEX job_app ON job(app COLLATE NOCASE) WHERE app <> '';"
    "CREATE INDEX job_odd ON job(id, outcome, code) WHERE outcome >= 4;"
    "CREATE INDEX job_degraded ON job(id) WHERE is_degraded = 1;"
    "CREATE INDEX job_copy ON job(duplicate_of, at_ms) WHERE duplicate_of IS NOT NULL;"
    "CREATE INDEX job_result ON job(result) WHERE result IS NOT NULL;"

    "CREATE TABLE member("
    " batch INTEGER NOT NULL,"
    " job INTEGER NOT NULL,"
    " is_open INTEGER NOT NULL,"
    " PRIMARY KEY (batch, job)) WITHOUT ROWID;"
    "CREATE INDEX member_open ON member(batch, job) WHERE is_open = 1;"
    "CREATE INDEX member_job ON member(job);"

    "CREATE TABLE result("
    " id INTEGER PRIMARY KEY,"
    " content BLOB,"
    " model INTEGER NOT NULL,"  // word, like the next ones
    " prompt INTEGER NOT NULL,"
    " params INTEGER NOT NULL,"
    " backend INTEGER NOT NULL,"
    " tier INTEGER NOT NULL,"
    " finish_reason INTEGER NOT NULL,"
    " is_degraded INTEGER NOT NULL,"
    " created_at INTEGER NOT NULL,"
    " prompt_tokens INTEGER NOT NULL,"
    " completion_tokens INTEGER NOT NULL,"
    " summary TEXT NOT NULL,"
    " activity TEXT NOT NULL,"
    " app TEXT NOT NULL,"
    " details TEXT NOT NULL,"
    " tags TEXT NOT NULL,"
    " text TEXT NOT NULL,"
    " raw_len INTEGER NOT NULL,"  // of raw unpacked; 0 = raw is not packed
    " raw BLOB,"
    " UNIQUE (content, model, prompt, params));"

    "CREATE TABLE attempt("
    " job INTEGER NOT NULL,"
    " n INTEGER NOT NULL,"
    " at_ms INTEGER NOT NULL,"
    " backend INTEGER NOT NULL,"  // word
    " model INTEGER NOT NULL,"    // word
    " code INTEGER NOT NULL,"
    " request_ms INTEGER NOT NULL,"
    " words TEXT NOT NULL,"
    " PRIMARY KEY (job, n)) WITHOUT ROWID;"

    // The last described pictures of each source, to compare new ones with.
    "CREATE TABLE frame("
    " id INTEGER PRIMARY KEY,"
    " root INTEGER NOT NULL,"    // word
    " screen INTEGER NOT NULL,"  // word
    " at_ms INTEGER NOT NULL,"
    " look INTEGER NOT NULL,"
    " job INTEGER NOT NULL UNIQUE,"
    " luma BLOB NOT NULL);"
    "CREATE INDEX frame_source ON frame(root, screen, at_ms, look, job);"

    // key >= 0: jobs by job.tally; below: other sums.  batch 0: everything.  n has no NOT
    // NULL: checking it in a trigger would make SQLite open a savepoint each time.
    "CREATE TABLE tally("
    " batch INTEGER NOT NULL,"
    " key INTEGER NOT NULL,"
    " n INTEGER,"
    " PRIMARY KEY (batch, key)) WITHOUT ROWID;"

    "CREATE TRIGGER job_born AFTER INSERT ON job BEGIN"
    " INSERT INTO tally VALUES (0, new.tally, 1)"
    "  ON CONFLICT DO UPDATE SET n = n + 1;"
    "END;"
    "CREATE TRIGGER job_moved AFTER UPDATE OF state, outcome, code, is_degraded ON job"
    " WHEN old.tally <> new.tally BEGIN"
    " UPDATE tally SET n = n - 1 WHERE batch = 0 AND key = old.tally;"
    " INSERT INTO tally VALUES (0, new.tally, 1)"
    "  ON CONFLICT DO UPDATE SET n = n + 1;"
    "END;"
    "CREATE TRIGGER job_moved_member AFTER UPDATE OF state, outcome, code, is_degraded "
    "ON job"
    " WHEN new.is_member AND old.tally <> new.tally BEGIN"
    " UPDATE tally SET n = n - 1"
    "  WHERE key = old.tally AND batch IN (SELECT batch FROM member WHERE job = new.id);"
    " INSERT INTO tally SELECT batch, new.tally, 1 FROM member WHERE job = new.id"
    "  ON CONFLICT DO UPDATE SET n = n + 1;"
    " UPDATE member SET is_open = (new.state < 2) WHERE job = new.id;"
    "END;"
    "CREATE TRIGGER job_gone BEFORE DELETE ON job BEGIN"
    " UPDATE tally SET n = n - 1 WHERE batch = 0 AND key = old.tally;"
    " DELETE FROM member WHERE job = old.id;"
    " DELETE FROM attempt WHERE job = old.id;"
    " DELETE FROM frame WHERE job = old.id;"
    "END;"
    "CREATE TRIGGER member_born AFTER INSERT ON member BEGIN"
    " INSERT INTO tally SELECT new.batch, tally, 1 FROM job WHERE id = new.job"
    "  ON CONFLICT DO UPDATE SET n = n + 1;"
    "END;"
    "CREATE TRIGGER member_gone AFTER DELETE ON member BEGIN"
    " UPDATE tally SET n = n - 1 WHERE batch = old.batch"
    "  AND key = (SELECT tally FROM job WHERE id = old.job);"
    "END;"

    // One column for all that is prose: each column more costs two bytes per word.
    "CREATE VIEW doc AS SELECT j.id AS id, r.summary || char(10) || r.activity || "
    "char(10)"
    " || r.details || char(10) || r.text || char(10) || j.ocr_text AS body,"
    " j.app || char(10) || r.app AS app, j.window AS window, r.tags AS tags"
    " FROM job j JOIN result r ON r.id = j.result WHERE j.has_doc = 1;"
    "CREATE VIRTUAL TABLE search USING fts5(body, app, window, tags,"
    " content='doc', content_rowid='id', tokenize='unicode61 remove_diacritics 2');"
    // Fewer, larger merges: a third less work for the writer, still in small steps.
    "INSERT INTO search(search, rank) VALUES ('automerge', 16), ('crisismerge', 64);";

const struct migration schema_migrations[] = {
    {version_1},
};
const int schema_version = sizeof(schema_migrations) / sizeof(schema_migrations[0]);

bool schema_is_network(long fs_type)
{
    static const uint32_t types[] = {
        0x6969,      // NFS
        0x517b,      // SMB
        0xff534d42,  // CIFS
        0xfe534d42,  // SMB2
        0x564c,      // NCP
        0x5346414f,  // AFS
        0x6b414653,  // kAFS
        0x00c36400,  // Ceph
        0x01021997,  // 9P
        0x73757245,  // Coda
        0x7461636f,  // OCFS2
        0x01161970,  // GFS2
        0x0bd00bd0,  // Lustre
    };
    for (size_t i = 0; i < sizeof(types) / sizeof(types[0]); i++) {
        if (types[i] == (uint32_t)fs_type) {
            return true;
        }
    }
    return false;
}

static int fail_errno(struct err *e, const char *path, const char *what)
{
    int errnum = errno;
    int code = err_from_errno(errnum);
    if (code != E_ACCESS && code != E_FULL) {
        code = E_STORE;
    }
    return err_set(e, code, "%s: %s: %s", path, what, strerror(errnum));
}

static int fail_db(struct err *e, const char *path, const struct db *d)
{
    return err_set(e, d->code, "%s: %s", path, d->words);
}

// Folders that are made are for this user alone, whatever the umask says.
static int make_folders(const char *path, struct err *e)
{
    char part[PATH_MAX];
    if (strlen(path) >= sizeof(part)) {
        return err_set(e, E_STORE, "%.100s...: the path is too long", path);
    }
    snprintf(part, sizeof(part), "%s", path);
    for (char *slash = strchr(part + 1, '/'); slash; slash = strchr(slash + 1, '/')) {
        *slash = 0;
        if (mkdir(part, 0700) == 0) {
            if (chmod(part, 0700)) {
                return fail_errno(e, part, "the folder can not be made private");
            }
        } else if (errno != EEXIST) {
            return fail_errno(e, part, "the folder can not be made");
        }
        *slash = '/';
    }
    return 0;
}

// The file is made here and not by SQLite for the sake of its mode, which the -wal and
// -shm files copy.  An existing one must not be opened and closed besides SQLite: that
// would drop the locks of another connection in this process.
static int make_file(const char *path, struct err *e)
{
    int fd = open(path, O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
    if (fd >= 0) {
        int rc = fchmod(fd, 0600) ? fail_errno(e, path, "can not be made private") : 0;
        close(fd);
        return rc;
    }
    if (errno != EEXIST) {
        return fail_errno(e, path, "can not be made");
    }
    struct stat st;
    if (stat(path, &st) == 0 && !S_ISREG(st.st_mode)) {
        return err_set(e, E_STORE, "%s: is not a file", path);
    }
    if (faccessat(AT_FDCWD, path, R_OK | W_OK, AT_EACCESS)) {
        return fail_errno(e, path, "may not be read and written");
    }
    if ((st.st_mode & 077) && st.st_uid == geteuid() && chmod(path, 0600)) {
        return fail_errno(e, path, "can not be made private");
    }
    return 0;
}

static int refuse_network(const char *path, struct err *e)
{
    struct statfs fs;
    char folder[PATH_MAX];
    snprintf(folder, sizeof(folder), "%s", path);
    char *slash = strrchr(folder, '/');
    if (slash) {
        slash[slash == folder] = 0;
    } else {
        snprintf(folder, sizeof(folder), ".");
    }
    if (statfs(folder, &fs)) {
        return fail_errno(e, folder, "the folder can not be used");
    }
    if (schema_is_network((long)fs.f_type)) {
        return err_set(e, E_STORE,
                       "%s: is on a network file system, where several programs can not "
                       "share a database safely (put it on a local disk: store.path)",
                       path);
    }
    return 0;
}

static int pragma_int(struct db *d, const char *text, int64_t *out)
{
    struct sql q = sql_begin_once(d, text);
    return sql_one(&q, 0, out);
}

// *version: 0 = empty, else of ours.
static int identify(struct db *d, const char *path, int newest, int64_t *version,
                    struct err *e)
{
    int64_t id, tables;
    int rc = pragma_int(d, "PRAGMA application_id", &id);
    rc = rc ? rc : pragma_int(d, "PRAGMA user_version", version);
    rc = rc ? rc : pragma_int(d, "SELECT count(*) FROM sqlite_schema", &tables);
    if (rc && (d->sqlite_code & 0xff) == SQLITE_NOTADB) {
        return err_set(e, E_STORE, "%s: is not a database (choose another store.path)",
                       path);
    }
    if (rc) {
        return fail_db(e, path, d);
    }
    if (id != SCHEMA_APPLICATION_ID && (id || tables || *version)) {
        return err_set(
            e, E_STORE,
            "%s: is the database of another program (choose another store.path)", path);
    }
    if (*version > newest) {
        return err_set(
            e, E_STORE,
            "%s: was written by a newer vlmd (its version is %lld, this program "
            "knows %d; update vlmd)",
            path, (long long)*version, newest);
    }
    return 0;
}

static int apply(struct db *d, const struct migration *table, int64_t from, int n)
{
    int rc = 0;
    for (int64_t i = from; !rc && i < n; i++) {
        rc = db_exec(d, table[i].sql);
    }
    char text[80];
    snprintf(text, sizeof(text), "PRAGMA user_version=%d; PRAGMA application_id=%d", n,
             SCHEMA_APPLICATION_ID);
    return rc ? rc : db_exec(d, text);
}

// All steps stand in one transaction: a version is reached whole or not at all.
int schema_migrate(struct db *d, const char *path, const struct migration *table, int n,
                   struct err *e)
{
    int64_t version;
    if (db_exec(d, "BEGIN IMMEDIATE")) {
        return fail_db(e, path, d);
    }
    int rc = identify(d, path, n, &version, e);
    if (!rc && version < n && apply(d, table, version, n)) {
        rc = fail_db(e, path, d);
    }
    if (!rc && db_exec(d, "COMMIT")) {
        rc = fail_db(e, path, d);
    }
    if (!sqlite3_get_autocommit(d->h)) {
        sqlite3_exec(d->h, "ROLLBACK", NULL, NULL, NULL);
    }
    return rc;
}

static int connect(struct db *d, const char *path, int flags, struct err *e)
{
    int rc = sqlite3_open_v2(path, &d->h,
                             flags | SQLITE_OPEN_NOMUTEX | SQLITE_OPEN_EXRESCODE, NULL);
    if (rc != SQLITE_OK) {
        db_fail(d, rc);
        return fail_db(e, path, d);
    }
    sqlite3_busy_timeout(d->h, 10000);
    sqlite3_limit(d->h, SQLITE_LIMIT_LENGTH, 256 << 20);
    return 0;
}

// Several processes may meet here with a new file: only one can switch to WAL, and SQLite
// does not call the busy handler for it.
static int use_wal(struct db *d)
{
    for (int i = 0;; i++) {
        struct sql q = sql_begin_once(d, "PRAGMA journal_mode=WAL");
        bool is_wal = sql_row(&q) && strcmp(sql_get_text(&q), "wal") == 0;
        int rc = sql_end(&q);
        if (!rc && !is_wal) {
            snprintf(d->words, sizeof(d->words),
                     "the file system does not allow shared "
                     "memory (choose another store.path)");
            return d->code = E_STORE;
        }
        if (!rc || (d->sqlite_code & 0xff) != SQLITE_BUSY || i == 500) {
            return rc;
        }
        sqlite3_sleep(5 + i % 7);
    }
}

// In one transaction: another process may be making the tables right now, and half of its
// work looks like a stranger's.
static int identify_at_once(struct db *d, const char *path, int64_t *version,
                            struct err *e)
{
    if (db_exec(d, "BEGIN")) {
        return fail_db(e, path, d);
    }
    int rc = identify(d, path, schema_version, version, e);
    sqlite3_exec(d->h, "ROLLBACK", NULL, NULL, NULL);
    return rc;
}

static int prepare_writer(struct db *d, const char *path, struct err *e)
{
    int64_t version;
    int rc = identify_at_once(d, path, &version, e);
    if (rc) {
        return rc;
    }
    if ((!version &&
         db_exec(d, "PRAGMA page_size=8192; PRAGMA auto_vacuum=INCREMENTAL")) ||
        use_wal(d) ||
        db_exec(d, "PRAGMA synchronous=FULL; PRAGMA temp_store=MEMORY;"
                   "PRAGMA cache_size=-16384; PRAGMA wal_autocheckpoint=1000;"
                   "PRAGMA journal_size_limit=67108864; PRAGMA trusted_schema=OFF;"
                   "PRAGMA secure_delete=ON; PRAGMA foreign_keys=ON")) {
        return fail_db(e, path, d);
    }
    return schema_migrate(d, path, schema_migrations, schema_version, e);
}

int schema_open_writer(struct db *d, const char *path, struct err *e)
{
    int rc = make_folders(path, e);
    rc = rc ? rc : refuse_network(path, e);
    rc = rc ? rc : make_file(path, e);
    rc = rc ? rc : connect(d, path, SQLITE_OPEN_READWRITE, e);
    rc = rc ? rc : prepare_writer(d, path, e);
    if (rc) {
        db_close(d);
    }
    return rc;
}

int schema_open_reader(struct db *d, const char *path, struct err *e)
{
    int64_t version = 0;
    if (faccessat(AT_FDCWD, path, R_OK, AT_EACCESS)) {
        return fail_errno(
            e, path, errno == ENOENT ? "there is no database yet" : "may not be read");
    }
    int rc = connect(d, path, SQLITE_OPEN_READONLY, e);
    rc = rc ? rc : identify_at_once(d, path, &version, e);
    if (!rc && version < schema_version) {
        rc = err_set(
            e, E_STORE,
            "%s: was written by an older vlmd (start `vlmd watch` once to update it)",
            path);
    }
    if (!rc && db_exec(d, "PRAGMA query_only=ON; PRAGMA temp_store=MEMORY;"
                          "PRAGMA cache_size=-16384; PRAGMA mmap_size=268435456;"
                          "PRAGMA trusted_schema=OFF")) {
        rc = fail_db(e, path, d);
    }
    if (rc) {
        db_close(d);
    }
    return rc;
}
