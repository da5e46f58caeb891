// spool.h -- pictures that were uploaded, until they are described.
//
// They lie in a folder beside the database that only this user can read, named by their
// contents; a job that has ended takes its file along.  One that failed keeps it for a
// week, so that it can be tried again.
// SPDX-License-Identifier: MIT
#ifndef VLMD_SPOOL_H
#define VLMD_SPOOL_H

#include "base/list.h"
#include "io/pool.h"
#include "store/store.h"

#include <stdbool.h>
#include <stdint.h>

enum { SPOOL_MOST_FILES = 10000 };
#define SPOOL_MOST_BYTES    (INT64_C(1) << 30)
#define SPOOL_KEEP_FAILED_S (7 * 86400)

struct app;

// Part of an app.
struct spool {
    char parent[4096];  // the database's folder
    char dir[4096];
    struct list files;  // struct spooled: those with a job under way
    int64_t bytes;
    int n_files;
    bool is_swept;
    int under_way;  // works and questions
};

struct spool_put {
    // in
    const void *bytes;  // borrowed: until done
    size_t len;
    // out
    char path[4200];
    int64_t size_bytes, mtime_ns;
    struct err err;
    struct pool_work work;  // private from here on
    struct app *app;
    const char *extension;
    int code;
    bool is_new;
    void (*done)(struct spool_put *r, int err);
};

void spool_init(struct app *a);
void spool_fini(struct app *a);
// Looks through what an earlier process left, once.
void spool_sweep(struct app *a);
// Errors: E_FORMAT (no picture), E_FULL, E_BUSY (the spool is full), E_IO.
void spool_put(struct app *a, struct spool_put *r,
               void (*done)(struct spool_put *r, int err));
// The job of a file, and that it has ended.
void spool_note_job(struct app *a, const char *path, int64_t id);
void spool_note_ended(struct app *a, int64_t id, enum store_outcome outcome);

#endif
