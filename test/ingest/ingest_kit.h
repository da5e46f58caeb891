// ingest_kit.h -- pictures built byte by byte, temp folders, and a recording watcher.
// SPDX-License-Identifier: MIT
#ifndef VLMD_TEST_INGEST_KIT_H
#define VLMD_TEST_INGEST_KIT_H

// cmocka wants these first.
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "ingest/ingest.h"
#include "ingest/watch.h"

// ---- bytes

struct bytes {
    uint8_t data[8192];
    size_t len;
};

void put(struct bytes *b, const void *data, size_t len);
void put_be32(struct bytes *b, uint32_t v);
void put_le32(struct bytes *b, uint32_t v);
void put_be16(struct bytes *b, uint16_t v);
void put_png_chunk(struct bytes *b, const char *type, const void *data, size_t len);
void put_webp_chunk(struct bytes *b, const char *type, const void *data, size_t len);
void put_jpeg_segment(struct bytes *b, int marker, const void *data, size_t len);
void end_webp(struct bytes *b);  // writes the RIFF size

// A TIFF with ImageDescription in IFD0, and DateTimeOriginal + OffsetTimeOriginal in the
// EXIF directory; any may be NULL.
void tiff(struct bytes *b, bool is_big_endian, const char *description, const char *taken,
          const char *offset);
// Whole small pictures; json NULL = without metadata.
void png(struct bytes *b, const char *json);
void webp(struct bytes *b, const char *json);
void jpeg(struct bytes *b, const char *json);

// ---- files

struct folder {
    char path[128];
};

void folder_make(struct folder *f);
void folder_remove(struct folder *f);
const char *in(const struct folder *f, const char *name);  // one of four static buffers
void write_file(const char *path, const struct bytes *b);
void write_text(const char *path, const char *text);
void move_in(const struct folder *f, const char *name, const struct bytes *b);

// ---- a watcher that writes down what it says

struct record {
    char root[256];
    char path[512];
    int code;
    char words[256];
    int64_t size_bytes;
    bool is_live;
    int64_t at_ms;
};

enum { MAX_RECORDS = 4096 };

struct kit {
    struct loop loop;
    struct watcher *w;
    struct folder folder;
    struct record *seen;
    int n_seen;
    struct record *problems;
    int n_problems;
    char notices[8][512];
    int n_notices;
    int n_scanned;
    int64_t last_files;
    bool is_closed;
    bool is_late;  // the guard fired
    uv_timer_t guard;
};

void kit_config(struct ingest_config *c);  // short times
void kit_open(struct kit *k, const struct ingest_config *c);
void kit_add(struct kit *k);    // watches k->folder and waits for its first scan
void kit_close(struct kit *k);  // with everything checked
// Runs the loop until it is true; fails the test after ten seconds.
#define kit_until(k, condition)                                                          \
    do {                                                                                 \
        kit_guard(k);                                                                    \
        while (!(condition)) {                                                           \
            uv_run(&(k)->loop.uv, UV_RUN_ONCE);                                          \
            assert_false((k)->is_late);                                                  \
        }                                                                                \
        kit_unguard(k);                                                                  \
    } while (0)
void kit_guard(struct kit *k);
void kit_unguard(struct kit *k);
// A whole scan, so that everything that could be found was.
void kit_rescan(struct kit *k);
void kit_settle(struct kit *k);                        // until no file waits
int kit_count(const struct kit *k, const char *path);  // sightings of path
const struct record *kit_problem(const struct kit *k, const char *path);  // or NULL

#endif
