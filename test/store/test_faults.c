// test_faults.c -- the n-th write fails, the disk is full, files that are not ours,
// damage, rights, groups, closing.
//
// The file system is a layer under SQLite (a VFS) that passes everything on and fails one
// write when it is told to.
// SPDX-License-Identifier: MIT
#include "base/log.h"
#include "store/inside.h"
#include "store/schema.h"
#include "store/storekit.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

// ---- the layer

struct file {
    sqlite3_file base;
    sqlite3_file real;  // the real one's bytes follow
};

static sqlite3_vfs layer, *real_vfs;
static sqlite3_io_methods methods;
static atomic_int writes_left;  // 0 = none fails
static int fail_with;

static int fails(void)
{
    int left = atomic_load(&writes_left);
    if (left > 0 && atomic_compare_exchange_strong(&writes_left, &left, left - 1)) {
        return left == 1;
    }
    return 0;
}

#define REAL(f) (&((struct file *)(void *)(f))->real)

static int layer_close(sqlite3_file *f)
{
    return REAL(f)->pMethods->xClose(REAL(f));
}

static int layer_read(sqlite3_file *f, void *p, int n, sqlite3_int64 at)
{
    return REAL(f)->pMethods->xRead(REAL(f), p, n, at);
}

static int layer_write(sqlite3_file *f, const void *p, int n, sqlite3_int64 at)
{
    return fails() ? fail_with : REAL(f)->pMethods->xWrite(REAL(f), p, n, at);
}

static int layer_truncate(sqlite3_file *f, sqlite3_int64 size)
{
    return REAL(f)->pMethods->xTruncate(REAL(f), size);
}

static int layer_sync(sqlite3_file *f, int flags)
{
    if (fails()) {
        return SQLITE_IOERR_FSYNC;
    }
    return REAL(f)->pMethods->xSync(REAL(f), flags);
}

static int layer_size(sqlite3_file *f, sqlite3_int64 *size)
{
    return REAL(f)->pMethods->xFileSize(REAL(f), size);
}

static int layer_lock(sqlite3_file *f, int kind)
{
    return REAL(f)->pMethods->xLock(REAL(f), kind);
}

static int layer_unlock(sqlite3_file *f, int kind)
{
    return REAL(f)->pMethods->xUnlock(REAL(f), kind);
}

static int layer_reserved(sqlite3_file *f, int *out)
{
    return REAL(f)->pMethods->xCheckReservedLock(REAL(f), out);
}

static int layer_control(sqlite3_file *f, int op, void *arg)
{
    return REAL(f)->pMethods->xFileControl(REAL(f), op, arg);
}

static int layer_sector(sqlite3_file *f)
{
    return REAL(f)->pMethods->xSectorSize(REAL(f));
}

static int layer_device(sqlite3_file *f)
{
    return REAL(f)->pMethods->xDeviceCharacteristics(REAL(f));
}

static int layer_shm_map(sqlite3_file *f, int page, int size, int extend,
                         void volatile **out)
{
    return REAL(f)->pMethods->xShmMap(REAL(f), page, size, extend, out);
}

static int layer_shm_lock(sqlite3_file *f, int offset, int n, int flags)
{
    return REAL(f)->pMethods->xShmLock(REAL(f), offset, n, flags);
}

static void layer_shm_barrier(sqlite3_file *f)
{
    REAL(f)->pMethods->xShmBarrier(REAL(f));
}

static int layer_shm_unmap(sqlite3_file *f, int remove)
{
    return REAL(f)->pMethods->xShmUnmap(REAL(f), remove);
}

static int layer_open(sqlite3_vfs *vfs, sqlite3_filename name, sqlite3_file *f, int flags,
                      int *out)
{
    (void)vfs;
    int rc = real_vfs->xOpen(real_vfs, name, REAL(f), flags, out);
    f->pMethods = REAL(f)->pMethods ? &methods : NULL;
    return rc;
}

static void install_layer(void)
{
    real_vfs = sqlite3_vfs_find(NULL);
    layer = *real_vfs;
    layer.zName = "layer";
    layer.szOsFile = (int)(offsetof(struct file, real)) + real_vfs->szOsFile;
    layer.xOpen = layer_open;
    methods = (sqlite3_io_methods){
        .iVersion = 2,
        .xClose = layer_close,
        .xRead = layer_read,
        .xWrite = layer_write,
        .xTruncate = layer_truncate,
        .xSync = layer_sync,
        .xFileSize = layer_size,
        .xLock = layer_lock,
        .xUnlock = layer_unlock,
        .xCheckReservedLock = layer_reserved,
        .xFileControl = layer_control,
        .xSectorSize = layer_sector,
        .xDeviceCharacteristics = layer_device,
        .xShmMap = layer_shm_map,
        .xShmLock = layer_shm_lock,
        .xShmBarrier = layer_shm_barrier,
        .xShmUnmap = layer_shm_unmap,
    };
    assert_int_equal(sqlite3_vfs_register(&layer, 1), SQLITE_OK);
}

// ---- the n-th write fails

static int errors;

// What a caller does: the request again, until it is taken.
static void insist(struct kit *k, int rc, int *again)
{
    *again = rc != 0;
    if (rc) {
        errors++;
        if ((rc != E_FULL && rc != E_STORE) || errors > 20 || !k->err.msg[0]) {
            fail_msg("%d %s", rc, k->err.msg);
        }
    }
}

static void change(struct kit *k, enum store_action action, int64_t id)
{
    struct store_change c;
    for (int again = 1; again;) {
        c = (struct store_change){.action = action, .filter.id = id};
        insist(k, kit_change(k, &c), &again);
    }
    assert_int_equal(c.n, 1);
}

static void answer(struct kit *k, int64_t id, uint8_t byte, const char *summary)
{
    struct store_result r = kit_result("m", summary);
    struct store_save s;
    for (int again = 1; again;) {
        s = kit_answer(id, byte, &r);
        insist(k, kit_save(k, &s), &again);
    }
    assert_false(s.lost);
}

static void claim_all(struct kit *k, int n)
{
    struct store_claim c;
    for (int again = 1; again;) {
        c = (struct store_claim){.max = 64};
        insist(k, kit_claim(k, &c), &again);
    }
    assert_int_equal(c.n, n);
    store_claim_fini(&c);
}

static void work(struct kit *k)
{
    struct store_item items[4] = {{.path = "/1", .size_bytes = 10, .mtime_ns = 1000000},
                                  {.path = "/2", .size_bytes = 10, .mtime_ns = 1000000},
                                  {.path = "/3", .size_bytes = 10, .mtime_ns = 1000000},
                                  {.path = "/4", .size_bytes = 10, .mtime_ns = 1000000}};
    for (int again = 1; again;) {
        struct store_offer o = {.items = items, .n = 4};
        insist(k, kit_offer_all(k, &o), &again);
    }
    claim_all(k, 4);
    for (int again = 1; again;) {
        struct store_similar r = {.id = 1, .model = "m", .prompt = "p/1", .params = ""};
        insist(k, kit_similar(k, &r), &again);
    }
    answer(k, 1, 1, "alpha words");
    answer(k, 2, 2, "beta words");
    for (int again = 1; again;) {
        struct store_save s = kit_answer(3, 1, NULL);
        s.outcome = STORE_DUPLICATE;
        s.duplicate_of = 1;
        insist(k, kit_save(k, &s), &again);
    }
    for (int again = 1; again;) {
        struct store_release r = {.id = 4, .code = E_NET, .words = "away"};
        insist(k, kit_release(k, &r), &again);
    }
    change(k, STORE_REDO, 1);
    claim_all(k, 2);
    answer(k, 1, 1, "gamma words");
    change(k, STORE_DROP, 2);
}

static void a_write_fails(int with, int step)
{
    fail_with = with;
    int n = 1, seen = 0;
    for (bool is_over = false; !is_over; n += step) {
        struct kit k;
        kit_init(&k);
        kit_must_open(&k);
        errors = 0;
        atomic_store(&writes_left, n);
        work(&k);
        is_over = atomic_load(&writes_left) > 0;
        atomic_store(&writes_left, 0);
        seen += errors;
        assert_string_equal(kit_search(&k, "gamma"), "1");
        assert_string_equal(kit_search(&k, "beta"), "");
        assert_string_equal(kit_search(&k, "alpha"), "");
        assert_int_equal(kit_sql_int(&k, "SELECT count(*) FROM job"), 3);
        assert_int_equal(kit_sql_int(&k, "SELECT count(*) FROM job WHERE state = 1"), 1);
        kit_assert_consistent(&k);
        kit_fini(&k);
    }
    assert_true(n > 50);
    assert_true(seen > 20);
}

static void a_full_disk_at_any_write_loses_nothing(void **state)
{
    (void)state;
    a_write_fails(SQLITE_FULL, 1);
}

static void a_failing_disk_at_any_write_loses_nothing(void **state)
{
    (void)state;
    a_write_fails(SQLITE_IOERR_WRITE, 3);
}

// All of a group fail together, with words each.
struct crowd {
    struct store_offer offers[100];
    struct store_item items[100];
    char paths[100][16];
    int done, failed, worded;
};

static struct crowd crowd;

static void on_crowd(struct store_offer *r, int err)
{
    crowd.done++;
    crowd.failed += err != 0;
    crowd.worded += err == r->err.code && (!err || strlen(r->err.msg) > 10);
}

static void send_crowd(struct kit *k)
{
    memset(&crowd, 0, sizeof(crowd));
    for (int i = 0; i < 100; i++) {
        snprintf(crowd.paths[i], sizeof(crowd.paths[i]), "/c/%d", i);
        crowd.items[i] = (struct store_item){.path = crowd.paths[i]};
        crowd.offers[i] = (struct store_offer){.items = &crowd.items[i], .n = 1};
        store_offer(k->store, &crowd.offers[i], on_crowd);
    }
}

static void finish_crowd(struct kit *k)
{
    while (crowd.done < 100) {
        uv_run(&k->loop->uv, UV_RUN_ONCE);
    }
    assert_int_equal(crowd.worded, 100);
}

static void many_requests_are_one_commit(void **state)
{
    (void)state;
    struct kit k;
    kit_init(&k);
    kit_must_open(&k);
    long long before = atomic_load(&k.store->writer.commits);
    send_crowd(&k);
    finish_crowd(&k);
    assert_int_equal(crowd.failed, 0);
    assert_in_range(atomic_load(&k.store->writer.commits) - before, 1, 20);
    assert_int_equal(kit_sql_int(&k, "SELECT count(*) FROM job"), 100);
    kit_fini(&k);
}

static void a_group_fails_as_a_whole(void **state)
{
    (void)state;
    struct kit k;
    kit_init(&k);
    kit_must_open(&k);
    fail_with = SQLITE_FULL;
    atomic_store(&writes_left, 2);
    send_crowd(&k);
    finish_crowd(&k);
    assert_true(crowd.failed > 0);
    assert_int_equal(kit_sql_int(&k, "SELECT count(*) FROM job"), 100 - crowd.failed);
    send_crowd(&k);
    finish_crowd(&k);
    assert_int_equal(crowd.failed, 0);
    assert_int_equal(kit_sql_int(&k, "SELECT count(*) FROM job"), 100);
    kit_assert_consistent(&k);
    kit_fini(&k);
}

// One request of a group that goes wrong by itself does not take the others with it.
static void a_bad_request_spoils_only_itself(void **state)
{
    (void)state;
    struct kit k;
    kit_init(&k);
    kit_must_open(&k);
    kit_sql(&k, "CREATE TRIGGER trap BEFORE INSERT ON job WHEN new.path = '/c/50'"
                " BEGIN SELECT raise(ABORT, 'trapped'); END");
    send_crowd(&k);
    finish_crowd(&k);
    assert_int_equal(crowd.failed, 1);
    assert_int_equal(crowd.offers[50].err.code, E_STORE);
    assert_non_null(strstr(crowd.offers[50].err.msg, "trapped"));
    assert_int_equal(kit_sql_int(&k, "SELECT count(*) FROM job"), 99);
    kit_sql(&k, "DROP TRIGGER trap");
    kit_fini(&k);
}

static struct store_claim group_claim;
static int claims_done;

static void on_group_claim(struct store_claim *r, int err)
{
    assert_int_equal(err, 0);
    claims_done += r->n;
}

// What was done before it in the group is done again, once.
static void a_group_that_starts_over_does_nothing_twice(void **state)
{
    (void)state;
    struct kit k;
    char path[16];
    kit_init(&k);
    kit_must_open(&k);
    for (int i = 0; i < 20; i++) {
        snprintf(path, sizeof(path), "/x/%d", i);
        kit_offer(&k, path, 1, 1);
    }
    kit_sql(&k,
            "CREATE TRIGGER trap BEFORE INSERT ON job WHEN new.path IN ('/c/50', '/c/70')"
            " BEGIN SELECT raise(ABORT, 'trapped'); END");
    claims_done = 0;
    group_claim = (struct store_claim){.max = 10};
    store_claim(k.store, &group_claim, on_group_claim);
    send_crowd(&k);
    finish_crowd(&k);
    assert_int_equal(crowd.failed, 2);
    assert_int_equal(claims_done, 10);
    assert_int_equal(kit_sql_int(&k, "SELECT count(*) FROM job WHERE state = 1"), 10);
    assert_int_equal(kit_sql_int(&k, "SELECT max(claims) FROM job"), 1);
    assert_int_equal(kit_sql_int(&k, "SELECT count(*) FROM job"), 118);
    for (int i = 0; i < 10; i++) {
        assert_int_equal(group_claim.jobs[i].claims, 1);
    }
    store_claim_fini(&group_claim);
    kit_sql(&k, "DROP TRIGGER trap");
    kit_assert_consistent(&k);
    kit_fini(&k);
}

static void closing_finishes_what_was_accepted(void **state)
{
    (void)state;
    struct kit k;
    kit_init(&k);
    kit_must_open(&k);
    send_crowd(&k);
    kit_close(&k);
    assert_int_equal(crowd.done, 100);
    assert_int_equal(crowd.failed, 0);
    assert_int_equal(kit_sql_int(&k, "SELECT count(*) FROM job"), 100);
    // Everything is in the one file.
    struct stat st;
    char wal[128];
    snprintf(wal, sizeof(wal), "%s-wal", k.path);
    assert_true(stat(wal, &st) != 0 || st.st_size == 0);
    kit_fini(&k);
}

static void what_waits_can_be_canceled(void **state)
{
    (void)state;
    struct kit k;
    kit_init(&k);
    kit_must_open(&k);
    send_crowd(&k);
    for (int i = 50; i < 100; i++) {
        store_cancel(k.store, &crowd.offers[i].work);
    }
    finish_crowd(&k);
    assert_int_equal(kit_sql_int(&k, "SELECT count(*) FROM job"), 100 - crowd.failed);
    for (int i = 0; i < 100; i++) {
        assert_true(crowd.offers[i].err.code == 0 ||
                    (i >= 50 && crowd.offers[i].err.code == E_CANCELED));
    }
    kit_fini(&k);
}

static void end_transaction(uv_timer_t *timer)
{
    assert_int_equal(sqlite3_exec(timer->data, "COMMIT", NULL, NULL, NULL), SQLITE_OK);
    uv_close((uv_handle_t *)timer, NULL);
}

// Another program writes for a while: requests wait for it and then go on.
static void a_busy_database_is_waited_for(void **state)
{
    (void)state;
    struct kit k;
    sqlite3 *other;
    uv_timer_t timer;
    kit_init(&k);
    kit_must_open(&k);
    assert_int_equal(sqlite3_open(k.path, &other), SQLITE_OK);
    assert_int_equal(sqlite3_exec(other, "BEGIN IMMEDIATE", NULL, NULL, NULL), SQLITE_OK);
    timer.data = other;
    uv_timer_init(&k.loop->uv, &timer);
    uv_timer_start(&timer, end_transaction, 300, 0);
    send_crowd(&k);
    // Readers are not held up by it.
    struct store_counts c = {0};
    assert_int_equal(kit_count(&k, &c), 0);
    assert_int_equal(crowd.done, 0);
    finish_crowd(&k);
    assert_int_equal(crowd.failed, 0);
    sqlite3_close(other);
    kit_fini(&k);
}

// ---- the reserve

static void below_the_reserve_work_stops_and_space_can_be_made(void **state)
{
    (void)state;
    struct kit k;
    kit_init(&k);
    kit_must_open(&k);
    int64_t described = kit_described(&k, "/1", 1, "words");
    int64_t leased = kit_offer(&k, "/2", 10, 1000000);
    assert_int_equal(kit_claim_one(&k), leased);
    k.store->writer.min_free_bytes = INT64_MAX;
    struct store_item item = {.path = "/3"};
    assert_int_equal(kit_offer_item(&k, &item, 0), E_FULL);
    assert_non_null(strstr(k.err.msg, "MiB left"));
    struct store_claim c = {.max = 1};
    assert_int_equal(kit_claim(&k, &c), E_FULL);
    assert_null(c.jobs);
    struct store_result r = kit_result("m", "paid");
    struct store_save s = kit_answer(leased, 2, &r);
    assert_int_equal(kit_save(&k, &s), E_FULL);
    struct store_change redo = {.action = STORE_REDO, .filter.id = described};
    assert_int_equal(kit_change(&k, &redo), E_FULL);
    bool lost = true;
    struct store_renew renew = {.ids = &leased, .lost = &lost, .n = 1};
    assert_int_equal(kit_renew(&k, &renew), 0);
    assert_false(lost);
    struct store_change drop = {.action = STORE_DROP, .filter.id = described};
    assert_int_equal(kit_change(&k, &drop), 0);
    assert_int_equal(drop.n, 1);
    // Half of the reserve is for answers that were paid for.
    k.store->writer.min_free_bytes = 0;
    k.store->writer.free_bytes = 0;
    assert_int_equal(kit_save(&k, &s), 0);
    kit_fini(&k);
    struct kit low;
    kit_init(&low);
    low.config.min_free_bytes = INT64_MAX;
    kit_must_open(&low);
    struct store_check check = {0};
    assert_int_equal(kit_check(&low, &check), 0);
    assert_false(check.is_ok);
    assert_non_null(strstr(check.words, "almost full"));
    kit_fini(&low);
}

// ---- files

static void write_file(const char *path, const void *data, size_t len)
{
    FILE *f = fopen(path, "wb");
    assert_non_null(f);
    assert_int_equal(fwrite(data, 1, len, f), len);
    fclose(f);
}

static unsigned mode_of(const char *path)
{
    struct stat st;
    return stat(path, &st) ? 0 : st.st_mode & 0777;
}

static void only_this_user_can_read_it(void **state)
{
    (void)state;
    const mode_t masks[] = {0, 0077, 0777};
    for (int i = 0; i < 3; i++) {
        struct kit k;
        char name[160];
        kit_init(&k);
        mode_t old = umask(masks[i]);
        kit_must_open(&k);
        kit_offer(&k, "/1", 1, 1);
        umask(old);
        assert_int_equal(mode_of(k.path), 0600);
        snprintf(name, sizeof(name), "%s-wal", k.path);
        assert_int_equal(mode_of(name), 0600);
        snprintf(name, sizeof(name), "%s-shm", k.path);
        assert_int_equal(mode_of(name), 0600);
        snprintf(name, sizeof(name), "%s/db", k.folder);
        assert_int_equal(mode_of(name), 0700);
        kit_close(&k);
        assert_int_equal(mode_of(k.path), 0600);
        kit_fini(&k);
    }
}

static char last_warning[256];

static void note_warning(void *arg, const struct log_line *line)
{
    (void)arg;
    if (line->level == LOG_WARN) {
        snprintf(last_warning, sizeof(last_warning), "%s", line->message);
    }
}

// A mode that lets others in is put right and told; a folder that is not ours is not touched.
static void what_others_could_read_is_made_private(void **state)
{
    (void)state;
    struct kit k;
    char folder[96], wal[128], shm[128];
    log_set_level(LOG_WARN);
    log_set_sink(note_warning, NULL);
    kit_init(&k);
    snprintf(folder, sizeof(folder), "%s/db", k.folder);
    snprintf(wal, sizeof(wal), "%s-wal", k.path);
    snprintf(shm, sizeof(shm), "%s-shm", k.path);
    assert_int_equal(mkdir(folder, 0755), 0);
    assert_int_equal(chmod(folder, 0755), 0);
    last_warning[0] = 0;
    kit_must_open(&k);
    assert_string_equal(last_warning, "");
    assert_int_equal(mode_of(folder), 0755);
    assert_int_equal(mode_of(k.path), 0600);
    kit_close(&k);
    // As a copy or another program may have left them.
    write_file(wal, "", 0);
    write_file(shm, "", 0);
    chmod(k.path, 0644);
    chmod(wal, 0644);
    chmod(shm, 0666);
    kit_must_open(&k);
    kit_offer(&k, "/1", 1, 1);
    assert_non_null(strstr(last_warning, "others could read it (mode 644)"));
    assert_int_equal(mode_of(k.path), 0600);
    assert_int_equal(mode_of(wal), 0600);
    assert_int_equal(mode_of(shm), 0600);
    kit_close(&k);
    // Where others may put another file in its place.
    last_warning[0] = 0;
    chmod(folder, 0777);
    kit_must_open(&k);
    assert_non_null(strstr(last_warning, "others may replace files"));
    assert_int_equal(mode_of(folder), 0777);
    kit_close(&k);
    last_warning[0] = 0;
    chmod(folder, 01777);
    kit_must_open(&k);
    assert_string_equal(last_warning, "");
    kit_fini(&k);
    log_set_sink(NULL, NULL);
}

static void assert_refused(struct kit *k, int code, const char *words)
{
    int rc = kit_open(k);
    if (rc != code || !strstr(k->err.msg, words) || !strstr(k->err.msg, "/")) {
        fail_msg("%d <%s>, not %d <%s>", rc, k->err.msg, code, words);
    }
    assert_null(k->store);
}

static void files_that_are_not_ours_are_left_alone(void **state)
{
    (void)state;
    struct kit k;
    char folder[96];
    kit_init(&k);
    snprintf(folder, sizeof(folder), "%s/db", k.folder);
    assert_int_equal(mkdir(folder, 0700), 0);
    // Text.
    char text[4096];
    memset(text, 'x', sizeof(text));
    write_file(k.path, text, sizeof(text));
    assert_refused(&k, E_STORE, "is not a database");
    unlink(k.path);
    // The database of another program.
    kit_sql(&k, "CREATE TABLE precious(x); INSERT INTO precious VALUES (42)");
    assert_refused(&k, E_STORE, "another program");
    k.config.is_read_only = true;
    assert_refused(&k, E_STORE, "another program");
    k.config.is_read_only = false;
    assert_int_equal(kit_sql_int(&k, "SELECT x FROM precious"), 42);
    assert_int_equal(kit_sql_int(&k, "SELECT count(*) FROM sqlite_schema"), 1);
    unlink(k.path);
    // A folder.
    assert_int_equal(mkdir(k.path, 0700), 0);
    assert_refused(&k, E_STORE, "is not a file");
    rmdir(k.path);
    // No file to read, no way to one.
    k.config.is_read_only = true;
    assert_refused(&k, E_STORE, "no database yet");
    k.config.is_read_only = false;
    k.config.path = "/dev/null/x/vlmd.db";
    assert_refused(&k, E_STORE, "can not be");
    char long_path[6000];
    memset(long_path, 'a', sizeof(long_path) - 1);
    long_path[0] = '/';
    long_path[sizeof(long_path) - 1] = 0;
    k.config.path = long_path;
    assert_refused(&k, E_STORE, "too long");
    // An empty file is a database that is not there yet.
    k.config.path = k.path;
    write_file(k.path, "", 0);
    kit_must_open(&k);
    kit_fini(&k);
}

static void without_rights_the_error_says_so(void **state)
{
    (void)state;
    struct kit k;
    kit_init(&k);
    kit_must_open(&k);
    kit_close(&k);
    chmod(k.folder, 0755);
    char folder[96];
    snprintf(folder, sizeof(folder), "%s/db", k.folder);
    chmod(folder, 0555);
    chmod(k.path, 0444);
    bool is_root = geteuid() == 0;
    if (is_root) {
        assert_int_equal(seteuid(65534), 0);
    }
    assert_refused(&k, E_ACCESS, "may not be");
    char deeper[128];
    snprintf(deeper, sizeof(deeper), "%s/new/vlmd.db", folder);
    k.config.path = deeper;
    assert_refused(&k, E_ACCESS, "folder can not be made");
    if (is_root) {
        assert_int_equal(seteuid(0), 0);
    }
    chmod(folder, 0755);
    kit_fini(&k);
}

static void versions_go_forward_only(void **state)
{
    (void)state;
    struct kit k;
    kit_init(&k);
    kit_must_open(&k);
    kit_close(&k);
    assert_int_equal(kit_sql_int(&k, "PRAGMA application_id"), SCHEMA_APPLICATION_ID);
    assert_int_equal(kit_sql_int(&k, "PRAGMA user_version"), schema_version);
    assert_int_equal(kit_sql_int(&k, "PRAGMA auto_vacuum"), 2);
    kit_sql(&k, "PRAGMA user_version = 1000");
    assert_refused(&k, E_STORE, "written by a newer vlmd");
    k.config.is_read_only = true;
    assert_refused(&k, E_STORE, "written by a newer vlmd");
    kit_sql(&k, "PRAGMA user_version = 0");
    assert_refused(&k, E_STORE, "older vlmd");
    kit_fini(&k);
}

static void migrations_are_whole_or_not_at_all(void **state)
{
    (void)state;
    struct kit k;
    struct db d = {0};
    struct err e = {0};
    kit_init(&k);
    assert_int_equal(sqlite3_open(":memory:", &d.h), SQLITE_OK);
    struct migration table[] = {{"CREATE TABLE a(x); INSERT INTO a VALUES (1);"},
                                {"ALTER TABLE a ADD COLUMN y; UPDATE a SET y = x + 1;"},
                                {"CREATE TABLE b(x); INSERT INTO nowhere VALUES (1);"}};
    assert_int_equal(schema_migrate(&d, "p", table, 1, &e), 0);
    assert_int_equal(schema_migrate(&d, "p", table, 2, &e), 0);
    assert_int_equal(schema_migrate(&d, "p", table, 2, &e), 0);
    int64_t value;
    struct sql q = sql_begin_once(&d, "SELECT y FROM a");
    assert_int_equal(sql_one(&q, 0, &value), 0);
    assert_int_equal(value, 2);
    assert_int_equal(schema_migrate(&d, "p", table, 3, &e), E_STORE);
    assert_non_null(strstr(e.msg, "nowhere"));
    q = sql_begin_once(&d, "PRAGMA user_version");
    assert_int_equal(sql_one(&q, 0, &value), 0);
    assert_int_equal(value, 2);
    q = sql_begin_once(&d, "SELECT count(*) FROM sqlite_schema");
    assert_int_equal(sql_one(&q, 0, &value), 0);
    assert_int_equal(value, 1);
    assert_int_equal(schema_migrate(&d, "p", table, 1, &e), E_STORE);
    assert_non_null(strstr(e.msg, "newer"));
    db_close(&d);
    kit_fini(&k);
}

static void network_file_systems_are_known(void **state)
{
    (void)state;
    assert_true(schema_is_network(0x6969));            // NFS
    assert_true(schema_is_network((long)0xff534d42));  // CIFS
    assert_true(schema_is_network((int)0xfe534d42));  // SMB2 where f_type is 32 bits wide
    assert_false(schema_is_network(0xef53));          // ext4
    assert_false(schema_is_network(0x01021994));      // tmpfs
    assert_false(schema_is_network(0x9123683e));      // btrfs
}

static void damage_is_reported_not_followed(void **state)
{
    (void)state;
    struct kit k;
    char path[16];
    kit_init(&k);
    kit_must_open(&k);
    for (int i = 0; i < 50; i++) {
        snprintf(path, sizeof(path), "/%d", i);
        kit_described(&k, path, (uint8_t)i, "some words to fill a page with");
    }
    struct store_check check = {0};
    assert_int_equal(kit_check(&k, &check), 0);
    if (!check.is_ok) {
        fail_msg("%s", check.words);
    }
    assert_non_null(strstr(check.words, "sound"));
    kit_close(&k);
    // Everything behind the first pages is overwritten.
    FILE *f = fopen(k.path, "r+b");
    assert_non_null(f);
    fseek(f, 0, SEEK_END);
    long size = ftell(f);
    assert_true(size > 100000);
    for (long at = 40000; at + 4000 < size; at += 8192) {
        char junk[2000];
        memset(junk, 0xa5, sizeof(junk));
        fseek(f, at, SEEK_SET);
        fwrite(junk, 1, sizeof(junk), f);
    }
    fclose(f);
    if (kit_open(&k) == 0) {
        check = (struct store_check){0};
        assert_int_equal(kit_check(&k, &check), 0);
        assert_false(check.is_ok);
        assert_non_null(strstr(check.words, "damaged"));
        for (int i = 0; i < 20; i++) {
            struct store_query q = {.limit = 50, .filter.text = i % 2 ? "words" : ""};
            int rc = kit_query(&k, &q);
            assert_true(rc == 0 || rc == E_STORE);
            store_query_fini(&q);
            struct store_item item = {.path = "/new", .mtime_ns = i};
            rc = kit_offer_item(&k, &item, 0);
            assert_true(rc == 0 || rc == E_STORE);
        }
    } else {
        assert_int_equal(k.err.code, E_STORE);
        assert_true(strlen(k.err.msg) > 20);
    }
    kit_fini(&k);
}

static int install(void **state)
{
    (void)state;
    install_layer();
    return 0;
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_full_disk_at_any_write_loses_nothing),
        cmocka_unit_test(a_failing_disk_at_any_write_loses_nothing),
        cmocka_unit_test(many_requests_are_one_commit),
        cmocka_unit_test(a_group_fails_as_a_whole),
        cmocka_unit_test(a_bad_request_spoils_only_itself),
        cmocka_unit_test(a_group_that_starts_over_does_nothing_twice),
        cmocka_unit_test(closing_finishes_what_was_accepted),
        cmocka_unit_test(what_waits_can_be_canceled),
        cmocka_unit_test(a_busy_database_is_waited_for),
        cmocka_unit_test(below_the_reserve_work_stops_and_space_can_be_made),
        cmocka_unit_test(only_this_user_can_read_it),
        cmocka_unit_test(what_others_could_read_is_made_private),
        cmocka_unit_test(files_that_are_not_ours_are_left_alone),
        cmocka_unit_test(without_rights_the_error_says_so),
        cmocka_unit_test(versions_go_forward_only),
        cmocka_unit_test(migrations_are_whole_or_not_at_all),
        cmocka_unit_test(network_file_systems_are_known),
        cmocka_unit_test(damage_is_reported_not_followed),
    };
    return cmocka_run_group_tests(tests, install, NULL);
}
