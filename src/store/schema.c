// schema.c -- opening a database file: whose it is, its version, how it is used.
// SPDX-License-Identifier: MIT
#include "store/schema.h"

#include "base/log.h"
#include "store/blank.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/vfs.h>
#include <unistd.h>

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

// An old -wal or -shm may be there as well; new ones get the mode of the database.
static int make_private(const char *path, const struct stat *st, struct err *e)
{
    static const char *const suffixes[] = {"", "-wal", "-shm"};
    if (!(st->st_mode & 077)) {
        return 0;
    }
    if (st->st_uid != geteuid()) {
        log_warn("store", "path=%s others may read it (its owner should: chmod 600)",
                 path);
        return 0;
    }
    for (int i = 0; i < 3; i++) {
        char name[PATH_MAX + 8];
        snprintf(name, sizeof(name), "%s%s", path, suffixes[i]);
        if (chmod(name, 0600) && (i == 0 || errno != ENOENT)) {
            return fail_errno(e, name, "can not be made private");
        }
    }
    log_warn("store", "path=%s others could read it (mode %03o): it is private now", path,
             (unsigned)st->st_mode & 0777);
    return 0;
}

// Not ours to change: somebody else made it.  In a sticky one nobody can replace our file.
static void look_at_folder(const char *path)
{
    struct stat st;
    char folder[PATH_MAX];
    snprintf(folder, sizeof(folder), "%s", path);
    char *slash = strrchr(folder, '/');
    snprintf(slash ? slash + 1 : folder, 2, "%s", slash ? "" : ".");
    if (stat(folder, &st) == 0 && (st.st_mode & 022) && !(st.st_mode & S_ISVTX)) {
        log_warn("store", "path=%s others may replace files in it (chmod go-w)", folder);
    }
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
    if (stat(path, &st)) {
        return fail_errno(e, path, "can not be used");
    }
    if (!S_ISREG(st.st_mode)) {
        return err_set(e, E_STORE, "%s: is not a file", path);
    }
    if (faccessat(AT_FDCWD, path, R_OK | W_OK, AT_EACCESS)) {
        return fail_errno(e, path, "may not be read and written");
    }
    return make_private(path, &st, e);
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

static int connect(struct db *d, const char *path, int flags, const char *vfs,
                   struct err *e)
{
    int rc = sqlite3_open_v2(path, &d->h,
                             flags | SQLITE_OPEN_NOMUTEX | SQLITE_OPEN_EXRESCODE, vfs);
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
    if (!rc) {
        look_at_folder(path);
    }
    if (!rc && !blank_vfs()) {
        rc = err_set(e, E_NOMEM, "%s: %s", path, err_words(E_NOMEM));
    }
    rc = rc ? rc : connect(d, path, SQLITE_OPEN_READWRITE, blank_vfs(), e);
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
    int rc = connect(d, path, SQLITE_OPEN_READONLY, NULL, e);
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
