// blank.c -- a layer under SQLite that leaves no old bytes in the unused parts of pages.
//
// secure_delete puts zeros over a deleted cell where it stands.  But when a page is split
// or balanced its cells are copied to others, and the old copies stay in what is then the
// unused middle of the page: of 400 deleted rows of a busy table 3 could be read on in the
// file.  So the middle is blanked whenever a page goes into the database file (it does so
// at a checkpoint; the write-ahead log is emptied).  SQLite never reads these bytes.
//
// Source: the database file format, sqlite.org/fileformat2.html, sections 1.6 (pages of
// trees), 1.8 (pointer maps).
// SPDX-License-Identifier: MIT
#include "store/blank.h"

#include <pthread.h>
#include <sqlite3.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#define VFS_NAME "vlmd"

enum {
    MIN_PAGE = 512,
    MAX_PAGE = 65536,
    LOCK_BYTE = 0x40000000,
    FILE_HEADER = 100,
    RESERVED_AT = 20,  // in the file's header: bytes at the end of each page
    CELL_POINTER = 2
};

// ---- one page

static size_t number_at(const uint8_t *at)
{
    return (size_t)at[0] << 8 | at[1];
}

// Pages 2, 2 + (n + 1), ... hold n entries of five bytes about the n pages that follow, and
// their first byte may look like the type of a tree's page.  The page of the lock byte is
// never used: a map that would be there is one later.
static bool is_pointer_map(uint64_t page, size_t size)
{
    if (page < 2) {
        return false;
    }
    uint64_t place = (page - 2) % (size / 5 + 1);
    bool is_moved = page - place == LOCK_BYTE / size + 1;
    return place == is_moved;
}

// A page of another kind (overflow, free) begins with a page number, whose first byte is 0
// in files of less than 2^24 pages.
static size_t header_bytes(uint8_t type)
{
    switch (type) {
    case 2:
    case 5: return 12;
    case 10:
    case 13: return 8;
    }
    return 0;
}

size_t blank_page(uint8_t *data, size_t size, uint64_t page)
{
    size_t start = page == 1 ? FILE_HEADER : 0;
    size_t header = header_bytes(data[start]);
    if (!header || page >> 24 || is_pointer_map(page, size)) {
        return 0;
    }
    size_t from = start + header + CELL_POINTER * number_at(data + start + 3);
    size_t to = number_at(data + start + 5);
    to = to ? to : MAX_PAGE;
    if (from >= to || to > size) {
        return 0;
    }
    memset(data + from, 0, to - from);
    return to - from;
}

// ---- the file

struct blank_file {
    sqlite3_file base;
    uint8_t *page;      // owned; NULL until the first write
    bool is_odd;        // has reserved bytes, which ours never have: it is left as it is
    sqlite3_file real;  // its own bytes follow
};

static sqlite3_vfs layer, *below;
static bool is_there;

#define REAL(f) (&((struct blank_file *)(void *)(f))->real)

static int blank_close(sqlite3_file *f)
{
    struct blank_file *b = (struct blank_file *)(void *)f;
    free(b->page);
    b->page = NULL;
    return REAL(f)->pMethods->xClose(REAL(f));
}

static void look_at_header(sqlite3_file *f, const void *data, int n, sqlite3_int64 at)
{
    if (at == 0 && n >= FILE_HEADER) {
        ((struct blank_file *)(void *)f)->is_odd = ((const uint8_t *)data)[RESERVED_AT];
    }
}

static int blank_read(sqlite3_file *f, void *out, int n, sqlite3_int64 at)
{
    int rc = REAL(f)->pMethods->xRead(REAL(f), out, n, at);
    if (rc == SQLITE_OK) {
        look_at_header(f, out, n, at);
    }
    return rc;
}

static bool is_page(int n, sqlite3_int64 at)
{
    return n >= MIN_PAGE && n <= MAX_PAGE && (n & (n - 1)) == 0 && at % n == 0;
}

static int blank_write(sqlite3_file *f, const void *data, int n, sqlite3_int64 at)
{
    struct blank_file *b = (struct blank_file *)(void *)f;
    look_at_header(f, data, n, at);
    if (b->is_odd || !is_page(n, at)) {
        return REAL(f)->pMethods->xWrite(REAL(f), data, n, at);
    }
    b->page = b->page ? b->page : malloc(MAX_PAGE);
    if (!b->page) {
        return SQLITE_IOERR_NOMEM;
    }
    memcpy(b->page, data, (size_t)n);
    blank_page(b->page, (size_t)n, (uint64_t)(at / n) + 1);
    return REAL(f)->pMethods->xWrite(REAL(f), b->page, n, at);
}

static int blank_truncate(sqlite3_file *f, sqlite3_int64 size)
{
    return REAL(f)->pMethods->xTruncate(REAL(f), size);
}

static int blank_sync(sqlite3_file *f, int flags)
{
    return REAL(f)->pMethods->xSync(REAL(f), flags);
}

static int blank_size(sqlite3_file *f, sqlite3_int64 *out)
{
    return REAL(f)->pMethods->xFileSize(REAL(f), out);
}

static int blank_lock(sqlite3_file *f, int kind)
{
    return REAL(f)->pMethods->xLock(REAL(f), kind);
}

static int blank_unlock(sqlite3_file *f, int kind)
{
    return REAL(f)->pMethods->xUnlock(REAL(f), kind);
}

static int blank_check_lock(sqlite3_file *f, int *out)
{
    return REAL(f)->pMethods->xCheckReservedLock(REAL(f), out);
}

static int blank_control(sqlite3_file *f, int op, void *arg)
{
    return REAL(f)->pMethods->xFileControl(REAL(f), op, arg);
}

static int blank_sector(sqlite3_file *f)
{
    return REAL(f)->pMethods->xSectorSize(REAL(f));
}

static int blank_device(sqlite3_file *f)
{
    return REAL(f)->pMethods->xDeviceCharacteristics(REAL(f));
}

static int blank_shm_map(sqlite3_file *f, int page, int size, int extend,
                         void volatile **out)
{
    return REAL(f)->pMethods->xShmMap(REAL(f), page, size, extend, out);
}

static int blank_shm_lock(sqlite3_file *f, int offset, int n, int flags)
{
    return REAL(f)->pMethods->xShmLock(REAL(f), offset, n, flags);
}

static void blank_shm_barrier(sqlite3_file *f)
{
    REAL(f)->pMethods->xShmBarrier(REAL(f));
}

static int blank_shm_unmap(sqlite3_file *f, int remove)
{
    return REAL(f)->pMethods->xShmUnmap(REAL(f), remove);
}

// Version 2: with shared memory, which the write-ahead log needs, without mapped reads.
static const sqlite3_io_methods methods = {
    .iVersion = 2,
    .xClose = blank_close,
    .xRead = blank_read,
    .xWrite = blank_write,
    .xTruncate = blank_truncate,
    .xSync = blank_sync,
    .xFileSize = blank_size,
    .xLock = blank_lock,
    .xUnlock = blank_unlock,
    .xCheckReservedLock = blank_check_lock,
    .xFileControl = blank_control,
    .xSectorSize = blank_sector,
    .xDeviceCharacteristics = blank_device,
    .xShmMap = blank_shm_map,
    .xShmLock = blank_shm_lock,
    .xShmBarrier = blank_shm_barrier,
    .xShmUnmap = blank_shm_unmap,
};

// ---- the layer

// Only the database itself passes through it; logs and journals are the real ones.
static int blank_open(sqlite3_vfs *vfs, sqlite3_filename name, sqlite3_file *f, int flags,
                      int *out)
{
    (void)vfs;
    if (!(flags & SQLITE_OPEN_MAIN_DB)) {
        return below->xOpen(below, name, f, flags, out);
    }
    struct blank_file *b = (struct blank_file *)(void *)f;
    b->page = NULL;
    b->is_odd = false;
    int rc = below->xOpen(below, name, REAL(f), flags, out);
    f->pMethods = REAL(f)->pMethods ? &methods : NULL;
    return rc;
}

static void make_layer(void)
{
    below = sqlite3_vfs_find(NULL);
    if (!below) {
        return;
    }
    layer = *below;
    layer.zName = VFS_NAME;
    layer.pNext = NULL;
    layer.szOsFile = below->szOsFile + (int)sizeof(struct blank_file);
    layer.xOpen = blank_open;
    is_there = sqlite3_vfs_register(&layer, 0) == SQLITE_OK;
}

const char *blank_vfs(void)
{
    static pthread_once_t once = PTHREAD_ONCE_INIT;
    pthread_once(&once, make_layer);
    return is_there ? VFS_NAME : NULL;
}
