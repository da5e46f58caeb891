// ingest_kit.c -- helpers of the ingest tests.
// SPDX-License-Identifier: MIT
#include "ingest/ingest_kit.h"

#include <ftw.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

// ---- bytes

void put(struct bytes *b, const void *data, size_t len)
{
    assert_true(b->len + len <= sizeof(b->data));
    if (len) {
        memcpy(b->data + b->len, data, len);
    }
    b->len += len;
}

void put_be32(struct bytes *b, uint32_t v)
{
    uint8_t p[] = {(uint8_t)(v >> 24), (uint8_t)(v >> 16), (uint8_t)(v >> 8), (uint8_t)v};
    put(b, p, 4);
}

void put_le32(struct bytes *b, uint32_t v)
{
    uint8_t p[] = {(uint8_t)v, (uint8_t)(v >> 8), (uint8_t)(v >> 16), (uint8_t)(v >> 24)};
    put(b, p, 4);
}

void put_be16(struct bytes *b, uint16_t v)
{
    uint8_t p[] = {(uint8_t)(v >> 8), (uint8_t)v};
    put(b, p, 2);
}

void put_png_chunk(struct bytes *b, const char *type, const void *data, size_t len)
{
    put_be32(b, (uint32_t)len);
    put(b, type, 4);
    put(b, data, len);
    put_be32(b, strcmp(type, "IEND") == 0 ? 0xae426082 : 0);
}

void put_webp_chunk(struct bytes *b, const char *type, const void *data, size_t len)
{
    put(b, type, 4);
    put_le32(b, (uint32_t)len);
    put(b, data, len);
    put(b, "", len & 1);
}

void put_jpeg_segment(struct bytes *b, int marker, const void *data, size_t len)
{
    uint8_t m[] = {0xff, (uint8_t)marker};
    put(b, m, 2);
    put_be16(b, (uint16_t)(len + 2));
    put(b, data, len);
}

void end_webp(struct bytes *b)
{
    struct bytes size = {.len = 0};
    put_le32(&size, (uint32_t)b->len - 8);
    memcpy(b->data + 4, size.data, 4);
}

static void put32(struct bytes *b, bool is_big_endian, uint32_t v)
{
    if (is_big_endian) {
        put_be32(b, v);
    } else {
        put_le32(b, v);
    }
}

static void put16(struct bytes *b, bool is_big_endian, uint16_t v)
{
    uint8_t p[] = {(uint8_t)v, (uint8_t)(v >> 8)};
    if (is_big_endian) {
        put_be16(b, v);
    } else {
        put(b, p, 2);
    }
}

static void put_entry(struct bytes *b, bool be, int tag, int type, size_t count,
                      size_t value)
{
    put16(b, be, (uint16_t)tag);
    put16(b, be, (uint16_t)type);
    put32(b, be, (uint32_t)count);
    put32(b, be, (uint32_t)value);
}

void tiff(struct bytes *b, bool be, const char *description, const char *taken,
          const char *offset)
{
    *b = (struct bytes){.len = 0};
    size_t n0 = (description != NULL) + (taken != NULL);
    size_t n1 = (taken != NULL) + (offset != NULL);
    size_t ifd1 = 8 + 2 + 12 * n0 + 4;
    size_t text = ifd1 + (n1 ? 2 + 12 * n1 + 4 : 0);
    size_t description_len = description ? strlen(description) : 0;
    put(b, be ? "MM\0*" : "II*\0", 4);
    put32(b, be, 8);
    put16(b, be, (uint16_t)n0);
    if (description) {
        // As the tracker does it: the NUL is not counted.
        put_entry(b, be, 0x010e, 2, description_len, text);
    }
    if (taken) {
        put_entry(b, be, 0x8769, 4, 1, ifd1);
    }
    put32(b, be, 0);
    if (n1) {
        put16(b, be, (uint16_t)n1);
        put_entry(b, be, 0x9003, 2, 20, text + description_len);
        if (offset) {
            put_entry(b, be, 0x9011, 2, 7, text + description_len + 20);
        }
        put32(b, be, 0);
    }
    assert_int_equal(b->len, text);
    put(b, description, description_len);
    if (taken) {
        put(b, taken, 20);
    }
    if (offset) {
        put(b, offset, 7);
    }
}

void png(struct bytes *b, const char *json)
{
    *b = (struct bytes){.len = 0};
    put(b, "\x89PNG\r\n\x1a\n", 8);
    put_png_chunk(b, "IHDR", "\0\0\0\1\0\0\0\1\10\0\0\0\0", 13);
    if (json) {
        struct bytes text = {.len = 0};
        put(&text, "Description", 12);
        put(&text, json, strlen(json));
        put_png_chunk(b, "tEXt", text.data, text.len);
    }
    put_png_chunk(b, "IDAT", "\x78\x9c\x63\x60\x00\x00\x00\x02\x00\x01", 10);
    put_png_chunk(b, "IEND", "", 0);
}

void webp(struct bytes *b, const char *json)
{
    *b = (struct bytes){.len = 0};
    put(b, "RIFF\0\0\0\0WEBP", 12);
    if (json) {
        put_webp_chunk(b, "VP8X", "\x08\0\0\0\0\0\0\0\0\0", 10);
    }
    put_webp_chunk(b, "VP8 ", "0123456789abcde", 15);
    if (json) {
        struct bytes t;
        tiff(&t, true, json, NULL, NULL);
        put_webp_chunk(b, "EXIF", t.data, t.len);
    }
    end_webp(b);
}

void jpeg(struct bytes *b, const char *json)
{
    *b = (struct bytes){.len = 0};
    put(b, "\xff\xd8", 2);
    put_jpeg_segment(b, 0xe0, "JFIF\0\1\1\0\0\1\0\1\0\0", 14);
    if (json) {
        struct bytes t;
        struct bytes app1 = {.len = 0};
        tiff(&t, false, json, NULL, NULL);
        put(&app1, "Exif\0\0", 6);
        put(&app1, t.data, t.len);
        put_jpeg_segment(b, 0xe1, app1.data, app1.len);
    }
    put_jpeg_segment(b, 0xda, "\1\1\0\0\x3f\0", 6);
    put(b, "\x12\x34\xff\x00\x56\xff\xd0\x78", 8);
    put(b, "\xff\xd9", 2);
}

// ---- files

void folder_make(struct folder *f)
{
    const char *tmp = getenv("TMPDIR");
    snprintf(f->path, sizeof(f->path), "%.90s/vlmd-ingest-XXXXXX", tmp ? tmp : "/tmp");
    assert_non_null(mkdtemp(f->path));
    // What the watcher says has no links in it.
    char *real = realpath(f->path, NULL);
    snprintf(f->path, sizeof(f->path), "%.120s", real);
    free(real);
}

static int remove_one(const char *path, const struct stat *st, int type, struct FTW *ftw)
{
    (void)st;
    (void)type;
    (void)ftw;
    return remove(path);
}

void folder_remove(struct folder *f)
{
    nftw(f->path, remove_one, 16, FTW_DEPTH | FTW_PHYS);
}

const char *in(const struct folder *f, const char *name)
{
    static char paths[4][4096];
    static int next;
    next = (next + 1) % 4;
    snprintf(paths[next], sizeof(paths[next]), "%s/%s", f->path, name);
    return paths[next];
}

void write_file(const char *path, const struct bytes *b)
{
    FILE *f = fopen(path, "wb");
    assert_non_null(f);
    assert_int_equal(fwrite(b->data, 1, b->len, f), b->len);
    assert_int_equal(fclose(f), 0);
}

void write_text(const char *path, const char *text)
{
    FILE *f = fopen(path, "wb");
    assert_non_null(f);
    fputs(text, f);
    assert_int_equal(fclose(f), 0);
}

void move_in(const struct folder *f, const char *name, const struct bytes *b)
{
    char hidden[4096];
    snprintf(hidden, sizeof(hidden), "%s/.incoming", f->path);
    write_file(hidden, b);
    assert_int_equal(rename(hidden, in(f, name)), 0);
}

// ---- the watcher

static void on_sighting(void *arg, const struct sighting *s)
{
    struct kit *k = arg;
    assert_true(k->n_seen < MAX_RECORDS);
    assert_null(s->url);
    struct record *r = &k->seen[k->n_seen++];
    *r = (struct record){.size_bytes = s->size_bytes,
                         .is_live = s->is_live,
                         .at_ms = loop_now_ms(&k->loop)};
    snprintf(r->root, sizeof(r->root), "%s", s->root);
    snprintf(r->path, sizeof(r->path), "%s", s->path);
}

static void on_problem(void *arg, const char *root, const char *path, int code,
                       const char *words)
{
    struct kit *k = arg;
    assert_true(k->n_problems < MAX_RECORDS);
    struct record *r = &k->problems[k->n_problems++];
    *r = (struct record){.code = code, .at_ms = loop_now_ms(&k->loop)};
    snprintf(r->root, sizeof(r->root), "%s", root);
    snprintf(r->path, sizeof(r->path), "%s", path);
    snprintf(r->words, sizeof(r->words), "%s", words);
}

static void on_notice(void *arg, const char *root, const char *words)
{
    struct kit *k = arg;
    (void)root;
    assert_true(k->n_notices < 8);
    snprintf(k->notices[k->n_notices++], sizeof(k->notices[0]), "%s", words);
}

static void on_scanned(void *arg, const char *root, int64_t files)
{
    struct kit *k = arg;
    (void)root;
    k->n_scanned++;
    k->last_files = files;
}

void kit_config(struct ingest_config *c)
{
    ingest_config_default(c);
    c->settle_ms = 40;
    c->tracker_settle_ms = 250;
    c->give_up_ms = 500;
    c->poll_ms = 30;
}

void kit_open(struct kit *k, const struct ingest_config *c)
{
    memset(k, 0, sizeof(*k));
    k->seen = calloc(MAX_RECORDS, sizeof(*k->seen));
    k->problems = calloc(MAX_RECORDS, sizeof(*k->problems));
    assert_non_null(k->seen);
    assert_non_null(k->problems);
    folder_make(&k->folder);
    assert_int_equal(loop_init(&k->loop), 0);
    uv_timer_init(&k->loop.uv, &k->guard);
    uv_unref((uv_handle_t *)&k->guard);
    struct watcher_events events = {.arg = k,
                                    .on_sighting = on_sighting,
                                    .on_problem = on_problem,
                                    .on_notice = on_notice,
                                    .on_scanned = on_scanned};
    assert_int_equal(watcher_open(&k->w, &k->loop, c, &events), 0);
}

void kit_add(struct kit *k)
{
    struct err e = {0};
    int before = k->n_scanned;
    assert_int_equal(watcher_add(k->w, k->folder.path, &e), 0);
    kit_until(k, k->n_scanned > before);
}

static void on_closed(void *arg)
{
    struct kit *k = arg;
    k->is_closed = true;
}

void kit_close(struct kit *k)
{
    watcher_close(k->w, on_closed, k);
    kit_until(k, k->is_closed);
    uv_close((uv_handle_t *)&k->guard, NULL);
    uv_run(&k->loop.uv, UV_RUN_DEFAULT);
    assert_int_equal(loop_fini(&k->loop), 0);
    folder_remove(&k->folder);
    free(k->seen);
    free(k->problems);
}

static void on_guard(uv_timer_t *t)
{
    container_of(t, struct kit, guard)->is_late = true;
}

void kit_guard(struct kit *k)
{
    uv_update_time(&k->loop.uv);
    uv_timer_start(&k->guard, on_guard, 10000, 0);
}

void kit_unguard(struct kit *k)
{
    uv_timer_stop(&k->guard);
}

void kit_rescan(struct kit *k)
{
    int before = k->n_scanned;
    watcher_rescan(k->w);
    kit_until(k, k->n_scanned > before);
}

static int64_t settling(const struct kit *k)
{
    struct watcher_stats st;
    watcher_stats(k->w, &st);
    return st.settling;
}

void kit_settle(struct kit *k)
{
    kit_until(k, settling(k) == 0);
}

int kit_count(const struct kit *k, const char *path)
{
    int n = 0;
    for (int i = 0; i < k->n_seen; i++) {
        n += strcmp(k->seen[i].path, path) == 0;
    }
    return n;
}

const struct record *kit_problem(const struct kit *k, const char *path)
{
    for (int i = 0; i < k->n_problems; i++) {
        if (strcmp(k->problems[i].path, path) == 0) {
            return &k->problems[i];
        }
    }
    return NULL;
}
