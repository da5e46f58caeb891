// test_meta.c -- embedded metadata, from fixtures built byte by byte, whole and hostile.
// SPDX-License-Identifier: MIT
#include "ingest/ingest_kit.h"

#include "ingest/exif.h"
#include "ingest/meta.h"
#include "ingest/taken.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#define JSON                                                                             \
    "{\"timestamp\": \"20261121-101112\", \"active_app\": \"Code\", "                    \
    "\"active_window\": \"caf\\u00e9.c - Code\", \"screen_name\": \"edp-1\", "           \
    "\"url\": \"https://example.org/\", \"sequence\": 3}"
#define JSON_AT_MS INT64_C(1795255872000)

static int read_bytes(const struct bytes *b, struct ingest_meta *out)
{
    struct meta_req r = {.bytes = b->data, .bytes_len = b->len};
    int rc = meta_read_now(&r);
    *out = r.meta;
    return rc;
}

static void check_json(const struct ingest_meta *m)
{
    assert_string_equal(m->app, "Code");
    assert_string_equal(m->window, "caf\xc3\xa9.c - Code");
    assert_string_equal(m->screen, "edp-1");
    assert_string_equal(m->url, "https://example.org/");
    assert_int_equal(m->taken_at_ms, JSON_AT_MS);
    assert_false(m->is_thumbnail);
}

static void reads_every_container(void **state)
{
    (void)state;
    struct bytes b;
    struct ingest_meta m;
    png(&b, JSON);
    assert_int_equal(read_bytes(&b, &m), 0);
    check_json(&m);
    jpeg(&b, JSON);  // little-endian, with the Exif prefix
    assert_int_equal(read_bytes(&b, &m), 0);
    check_json(&m);
    webp(&b, JSON);  // big-endian, without
    assert_int_equal(read_bytes(&b, &m), 0);
    check_json(&m);
}

static void webp_begin(struct bytes *b)
{
    *b = (struct bytes){.len = 0};
    put(b, "RIFF\0\0\0\0WEBP", 12);
    put_webp_chunk(b, "VP8X", "\x08\0\0\0\0\0\0\0\0\0", 10);
}

static void reads_other_webp_payloads(void **state)
{
    (void)state;
    struct bytes b, t, payload = {.len = 0};
    struct ingest_meta m;
    webp_begin(&b);
    tiff(&t, false, JSON, NULL, NULL);
    put(&payload, "Exif\0\0", 6);
    put(&payload, t.data, t.len);
    put_webp_chunk(&b, "EXIF", payload.data, payload.len);
    end_webp(&b);
    assert_int_equal(read_bytes(&b, &m), 0);
    check_json(&m);
    // Old files: the bare JSON, here with a NUL behind it.
    webp_begin(&b);
    put_webp_chunk(&b, "EXIF", JSON, sizeof(JSON));
    end_webp(&b);
    assert_int_equal(read_bytes(&b, &m), 0);
    check_json(&m);
}

static void png_with(struct bytes *b, const char *type, const void *data, size_t len)
{
    *b = (struct bytes){.len = 0};
    put(b, "\x89PNG\r\n\x1a\n", 8);
    put_png_chunk(b, type, data, len);
    put_png_chunk(b, "IEND", "", 0);
}

static void reads_other_png_chunks(void **state)
{
    (void)state;
    struct bytes b, t;
    struct ingest_meta m;
    static const char itxt[] = "Description\0\0\0en\0Beschreibung\0" JSON;
    png_with(&b, "iTXt", itxt, sizeof(itxt) - 1);
    assert_int_equal(read_bytes(&b, &m), 0);
    check_json(&m);
    tiff(&t, true, JSON, NULL, NULL);
    png_with(&b, "eXIf", t.data, t.len);
    assert_int_equal(read_bytes(&b, &m), 0);
    check_json(&m);
    // Compressed text, other keywords, text that is no JSON: no metadata, no error.
    static const char packed[] = "Description\0\1\0en\0\0" JSON;
    png_with(&b, "iTXt", packed, sizeof(packed) - 1);
    assert_int_equal(read_bytes(&b, &m), 0);
    assert_string_equal(m.app, "");
    static const char other[] = "Comment\0" JSON;
    png_with(&b, "tEXt", other, sizeof(other) - 1);
    assert_int_equal(read_bytes(&b, &m), 0);
    assert_string_equal(m.app, "");
    static const char *const captions[] = {
        "A cat", "{not json", "{\"active_app\":",
        "",      "[1, 2]",    "{\"active_app\": 7, \"url\": null}"};
    for (size_t i = 0; i < sizeof(captions) / sizeof(captions[0]); i++) {
        png(&b, captions[i]);
        assert_int_equal(read_bytes(&b, &m), 0);
        assert_string_equal(m.app, "");
        assert_string_equal(m.url, "");
    }
}

static void cleans_and_cuts_text(void **state)
{
    (void)state;
    struct bytes b;
    struct ingest_meta m;
    png(&b, "{\"active_app\":\"a\\nb\\u0007\xff z\",\"active_window\":\"Mail - Inbox\"}");
    assert_int_equal(read_bytes(&b, &m), 0);
    assert_string_equal(m.app, "a b ? z");
    char json[4096];
    char window[2500];
    memset(window, 0, sizeof(window));
    for (int i = 0; i < 800; i++) {
        strcat(window, "\xe2\x82\xac");
    }
    snprintf(json, sizeof(json), "{\"active_window\":\"%s\"}", window);
    png(&b, json);
    assert_int_equal(read_bytes(&b, &m), 0);
    assert_int_equal(strlen(m.window), 2046);  // whole characters only
    // The application in front of the title.
    png(&b, "{\"active_window\":\"Mail - Inbox - 3\"}");
    assert_int_equal(read_bytes(&b, &m), 0);
    assert_string_equal(m.app, "Mail");
    png(&b, "{\"active_window\":\"Inbox\"}");
    assert_int_equal(read_bytes(&b, &m), 0);
    assert_string_equal(m.app, "");
    png(&b, "{\"is_thumbnail\":true}");
    assert_int_equal(read_bytes(&b, &m), 0);
    assert_true(m.is_thumbnail);
    png(&b, "{\"is_thumbnail\":1}");
    assert_int_equal(read_bytes(&b, &m), 0);
    assert_true(m.is_thumbnail);
}

static void jpeg_with_tiff(struct bytes *b, const struct bytes *t)
{
    struct bytes app1 = {.len = 0};
    *b = (struct bytes){.len = 0};
    put(b, "\xff\xd8\xff", 3);  // a fill byte
    b->len--;
    put(&app1, "Exif\0\0", 6);
    put(&app1, t->data, t->len);
    put(b, "\xff", 1);
    put_jpeg_segment(b, 0xe1, "http://ns.adobe.com/xap/1.0/\0<x/>", 33);
    put_jpeg_segment(b, 0xe1, app1.data, app1.len);
    put_jpeg_segment(b, 0xda, "\1\1\0\0\x3f\0", 6);
    put(b, "\xff\xd9", 2);
}

static void reads_times_of_cameras(void **state)
{
    (void)state;
    struct bytes b, t;
    struct ingest_meta m;
    for (int be = 0; be < 2; be++) {
        tiff(&t, be, "a caption", "2026:11:21 10:11:12", "+02:00");
        jpeg_with_tiff(&b, &t);
        assert_int_equal(read_bytes(&b, &m), 0);
        assert_int_equal(m.taken_at_ms, JSON_AT_MS - 7200000);
        tiff(&t, be, NULL, "2026:11:21 10:11:12", NULL);
        jpeg_with_tiff(&b, &t);
        assert_int_equal(read_bytes(&b, &m), 0);
        assert_int_equal(m.taken_at_ms, JSON_AT_MS);  // TZ is UTC here
        tiff(&t, be, NULL, "0000:00:00 00:00:00", NULL);
        jpeg_with_tiff(&b, &t);
        assert_int_equal(read_bytes(&b, &m), 0);
        assert_int_equal(m.taken_at_ms, 0);
    }
}

// Every way of cutting a file short gives an answer, never a crash; the metadata that is
// whole is not lost.
static void survives_every_cut(void **state)
{
    (void)state;
    struct bytes b[3];
    png(&b[0], JSON);
    jpeg(&b[1], JSON);
    webp(&b[2], JSON);
    for (int f = 0; f < 3; f++) {
        for (size_t len = 0; len < b[f].len; len++) {
            // On the heap, so that a byte too far is noticed.
            uint8_t *copy = malloc(len ? len : 1);
            memcpy(copy, b[f].data, len);
            struct meta_req r = {.bytes = copy, .bytes_len = len};
            int rc = meta_read_now(&r);
            bool is_jpeg_tail = f == 1 && rc == 0;
            assert_true(rc == E_CUT || is_jpeg_tail);
            free(copy);
        }
    }
}

static void survives_every_flipped_byte(void **state)
{
    (void)state;
    static const uint8_t values[] = {0, 1, 0x7f, 0x80, 0xff};
    struct bytes b[3];
    png(&b[0], JSON);
    jpeg(&b[1], JSON);
    webp(&b[2], JSON);
    for (int f = 0; f < 3; f++) {
        for (size_t at = 0; at < b[f].len; at++) {
            for (size_t v = 0; v < sizeof(values); v++) {
                uint8_t *copy = malloc(b[f].len);
                memcpy(copy, b[f].data, b[f].len);
                copy[at] = values[v];
                struct meta_req r = {.bytes = copy, .bytes_len = b[f].len};
                int rc = meta_read_now(&r);
                assert_true(rc == 0 || rc == E_CUT || rc == E_FORMAT);
                free(copy);
            }
        }
    }
}

static void survives_hostile_tiff(void **state)
{
    (void)state;
    struct exif e;
    struct bytes t;
    tiff(&t, false, JSON, "2026:11:21 10:11:12", "+02:00");
    for (size_t len = 0; len <= t.len; len++) {
        uint8_t *copy = malloc(len ? len : 1);
        memcpy(copy, t.data, len);
        exif_parse(copy, len, &e);
        assert_true(!e.description || e.description_len == strlen(JSON));
        free(copy);
    }
    // A directory that points at itself, counts over the end, offsets at the edge.
    static const uint8_t self[] =
        "II*\0\x08\0\0\0\x01\0\x69\x87\x04\0\x01\0\0\0\x08\0\0\0";
    exif_parse(self, sizeof(self) - 1, &e);
    assert_null(e.description);
    static const uint8_t many[] =
        "II*\0\x08\0\0\0\xff\xff\x0e\x01\x02\0\xff\xff\xff\xff\x08\0\0\0";
    exif_parse(many, sizeof(many) - 1, &e);
    assert_null(e.description);
    static const uint8_t far[] = "MM\0*\xff\xff\xff\xff";
    exif_parse(far, sizeof(far) - 1, &e);
    assert_null(e.description);
    // A text of at most four bytes stands in the entry itself; a number is no text.
    static const uint8_t near[] = "MM\0*\0\0\0\x08\0\x01\x01\x0e\0\x02\0\0\0\x03{}\n\0";
    exif_parse(near, sizeof(near) - 1, &e);
    assert_int_equal(e.description_len, 3);
    assert_memory_equal(e.description, "{}\n", 3);
    static const uint8_t number[] = "MM\0*\0\0\0\x08\0\x01\x01\x0e\0\x04\0\0\0\x01{}\n\0";
    exif_parse(number, sizeof(number) - 1, &e);
    assert_null(e.description);
}

static void limits_chunk_counts(void **state)
{
    (void)state;
    size_t n = 200000;
    uint8_t *data = calloc(n, 12);
    memcpy(data, "\x89PNG\r\n\x1a\n", 8);
    for (size_t i = 8; i + 12 <= n * 12; i += 12) {
        memcpy(data + i + 4, "tIME", 4);
    }
    struct meta_req r = {.bytes = data, .bytes_len = n * 12};
    assert_int_equal(meta_read_now(&r), 0);
    free(data);
    // A chunk that claims gigabytes is E_CUT before any memory is taken.
    struct bytes b = {.len = 0};
    put(&b, "\x89PNG\r\n\x1a\n\xff\xff\xff\xfftEXtDescription", 27);
    struct ingest_meta m;
    assert_int_equal(read_bytes(&b, &m), E_CUT);
}

static void says_what_is_no_picture(void **state)
{
    (void)state;
    struct bytes b = {.len = 0};
    struct ingest_meta m;
    put(&b, "hello, world", 12);
    assert_int_equal(read_bytes(&b, &m), E_FORMAT);
    b.len = 2;
    assert_int_equal(read_bytes(&b, &m), E_FORMAT);
    b = (struct bytes){.len = 0};
    put(&b, "RIFF\0\0\0\0WAVE", 12);
    assert_int_equal(read_bytes(&b, &m), E_FORMAT);
    struct meta_req none = {0};
    assert_int_equal(meta_read_now(&none), E_USAGE);
}

static void reads_files_below_a_root(void **state)
{
    (void)state;
    struct folder f;
    folder_make(&f);
    struct bytes b;
    webp(&b, JSON);
    write_file(in(&f, "a.webp"), &b);
    struct meta_req r = {.root = f.path, .path = "a.webp"};
    assert_int_equal(meta_read_now(&r), 0);
    check_json(&r.meta);
    r = (struct meta_req){.path = in(&f, "a.webp")};
    assert_int_equal(meta_read_now(&r), 0);
    check_json(&r.meta);
    // Without metadata the name has the time.
    webp(&b, NULL);
    mkdir(in(&f, "d"), 0755);
    write_file(in(&f, "d/Screenshot from 2026-11-21 10-11-12.webp"), &b);
    r = (struct meta_req){.root = f.path,
                          .path = "d/Screenshot from 2026-11-21 10-11-12.webp"};
    assert_int_equal(meta_read_now(&r), 0);
    assert_int_equal(r.meta.taken_at_ms, JSON_AT_MS);
    // Errors of opening.
    struct meta_req gone = {.root = f.path, .path = "b.webp"};
    assert_int_equal(meta_read_now(&gone), E_NOT_FOUND);
    struct meta_req no_root = {.root = in(&f, "none"), .path = "b.webp"};
    assert_int_equal(meta_read_now(&no_root), E_NOT_FOUND);
    struct meta_req outside = {.root = in(&f, "d"), .path = "../a.webp"};
    assert_int_equal(meta_read_now(&outside), E_OUTSIDE);
    struct meta_req dir = {.root = f.path, .path = "d"};
    assert_int_equal(meta_read_now(&dir), E_NOT_FILE);
    assert_int_equal(mkfifo(in(&f, "p.png"), 0644), 0);
    struct meta_req fifo = {.root = f.path, .path = "p.png"};
    assert_int_equal(meta_read_now(&fifo), E_NOT_FILE);
    struct meta_req zero = {.path = "/dev/zero"};
    assert_int_equal(meta_read_now(&zero), E_NOT_FILE);
    folder_remove(&f);
}

static int results[2];
static int n_done;

static void on_read(struct meta_req *r, int err)
{
    results[n_done++] = err;
    (void)r;
}

static void on_pool_closed(void *arg)
{
    *(bool *)arg = true;
}

static void reads_in_a_pool(void **state)
{
    (void)state;
    struct loop l;
    struct pool *p;
    struct pool_config pc = {.name = "meta", .threads = 1};
    assert_int_equal(loop_init(&l), 0);
    assert_int_equal(pool_open(&p, &l, &pc), 0);
    struct bytes b;
    jpeg(&b, JSON);
    struct meta_req good = {.bytes = b.data, .bytes_len = b.len};
    struct meta_req bad = {.path = "/nowhere/a.png"};
    meta_read(p, &good, on_read);
    meta_read(p, &bad, on_read);
    assert_int_equal(n_done, 0);
    bool is_closed = false;
    pool_close(p, on_pool_closed, &is_closed);
    uv_run(&l.uv, UV_RUN_DEFAULT);
    assert_true(is_closed);
    assert_int_equal(n_done, 2);
    assert_int_equal(results[0], 0);
    assert_int_equal(results[1], E_NOT_FOUND);
    check_json(&good.meta);
    assert_int_equal(loop_fini(&l), 0);
}

static void reads_times_in_names(void **state)
{
    (void)state;
    static const struct {
        const char *name;
        int64_t ms;
    } rows[] = {
        {"Screenshot from 2026-11-21 10-11-12.png", JSON_AT_MS},
        {"Bildschirmfoto vom 2026-11-21 10-11-12-1.png", JSON_AT_MS},
        {"Screenshot 2026-11-21 at 10.11.12.png", JSON_AT_MS},
        {"Screenshot 2026-11-21 at 10.11.12 PM.png", JSON_AT_MS + 43200000},
        {"Screenshot 2026-11-21 at 9.11.12\xe2\x80\xaf"
         "AM.png",
         JSON_AT_MS - 3600000},
        {"Screenshot 2026-11-21 at 12.11.12 AM.png", JSON_AT_MS - 36000000},
        {"screenshot-20261121-101112-of-edp-1.webp", JSON_AT_MS},
        {"Screenshot_20261121_101112.png", JSON_AT_MS},
        {"2026-11-21_10-11.png", JSON_AT_MS - 12000},
        {"2026-11-21T10:11:12.png", JSON_AT_MS},
        {"IMG 7 20261121_101112.jpg", JSON_AT_MS},
        {"2026-11-21.png", 0},
        {"2026-13-21 10-11-12.png", 0},
        {"2026-02-30 10-11-12.png", 0},
        {"2026-11-21 25-11-12.png", 0},
        {"1234567890123456.png", 0},
        {"report 2026 part 11.png", 0},
        {"photo.png", 0},
        {"", 0},
    };
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        if (taken_from_name(rows[i].name) != rows[i].ms) {
            fail_msg("%s: %lld", rows[i].name, (long long)taken_from_name(rows[i].name));
        }
    }
    assert_true(taken_is_tracker_name("screenshot-20261121-101112-of-x.webp"));
    assert_true(taken_is_tracker_name("screenshot-20261121-101112-of-x.y.WEBP"));
    assert_false(taken_is_tracker_name("screenshot-20261121-101112-of-.webp"));
    assert_false(taken_is_tracker_name("screenshot-20261121-101112-of-x.png"));
    assert_false(taken_is_tracker_name("screenshot-2026112x-101112-of-x.webp"));
    assert_false(taken_is_tracker_name("screenshot-20261121"));
}

static void reads_iso_and_unix_times(void **state)
{
    (void)state;
    assert_int_equal(taken_from_iso("2026-11-21T10:11:12Z"), JSON_AT_MS);
    assert_int_equal(taken_from_iso("2026-11-21 10:11:12"), JSON_AT_MS);
    assert_int_equal(taken_from_iso("2026-11-21T10:11:12.5+01:00"), JSON_AT_MS - 3599500);
    assert_int_equal(taken_from_iso("2026-11-21T05:11:12,25-0500"), JSON_AT_MS + 250);
    assert_int_equal(taken_from_iso("20261121T1011Z"), JSON_AT_MS - 12000);
    assert_int_equal(taken_from_iso("20261121T101112+02"), JSON_AT_MS - 7200000);
    static const char *const bad[] = {"",
                                      "2026",
                                      "2026-11-21",
                                      "2026-11-21T10:11:12X",
                                      "2026-11-21T10:11:12+25:00",
                                      "2026-11-21T10:61:12Z",
                                      "2026-11-21T10:11:12+2",
                                      "yesterday",
                                      "1989-01-01T00:00Z"};
    for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
        assert_int_equal(taken_from_iso(bad[i]), 0);
    }
    assert_int_equal(taken_from_unix(1795255872), JSON_AT_MS);
    assert_int_equal(taken_from_unix(1795255872000.0), JSON_AT_MS);
    assert_int_equal(taken_from_unix(1795255872.25), JSON_AT_MS + 250);
    assert_int_equal(taken_from_unix(-1), 0);
    assert_int_equal(taken_from_unix(1e300), 0);
    assert_int_equal(taken_from_unix(0.0 / 1e-320 / 0.0), 0);
    assert_int_equal(taken_from_stamp("20261121-101112"), JSON_AT_MS);
    assert_int_equal(taken_from_stamp("20261121-1011"), 0);
    assert_int_equal(taken_from_stamp("20261121-101112x"), 0);
}

static void repairs_the_hour_of_summer(void **state)
{
    (void)state;
    setenv("TZ", "CET-1CEST,M3.5.0,M10.5.0/3", 1);
    tzset();
    // July: the tracker subtracted one hour, the clock was two ahead.
    int64_t name = taken_from_name("screenshot-20260701-120000-of-x.webp");
    assert_int_equal(name, INT64_C(1782900000000));
    assert_int_equal(taken_correct_dst(name + 3600000, name), name);
    assert_int_equal(taken_correct_dst(name, name), name);
    assert_int_equal(taken_correct_dst(name + 7200000, name), name + 7200000);
    assert_int_equal(taken_correct_dst(name + 3600000, 0), name + 3600000);
    // January: an hour is an hour.
    name = taken_from_name("screenshot-20260101-120000-of-x.webp");
    assert_int_equal(taken_correct_dst(name + 3600000, name), name + 3600000);
    // Through a whole file.
    struct folder f;
    folder_make(&f);
    struct bytes b;
    webp(&b, "{\"timestamp\": \"20260701-110000\"}");
    write_file(in(&f, "screenshot-20260701-120000-of-x.webp"), &b);
    struct meta_req r = {.root = f.path, .path = "screenshot-20260701-120000-of-x.webp"};
    assert_int_equal(meta_read_now(&r), 0);
    assert_int_equal(r.meta.taken_at_ms, INT64_C(1782900000000));
    folder_remove(&f);
    setenv("TZ", "UTC", 1);
    tzset();
}

int main(void)
{
    setenv("TZ", "UTC", 1);
    tzset();
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(reads_every_container),
        cmocka_unit_test(reads_other_webp_payloads),
        cmocka_unit_test(reads_other_png_chunks),
        cmocka_unit_test(cleans_and_cuts_text),
        cmocka_unit_test(reads_times_of_cameras),
        cmocka_unit_test(survives_every_cut),
        cmocka_unit_test(survives_every_flipped_byte),
        cmocka_unit_test(survives_hostile_tiff),
        cmocka_unit_test(limits_chunk_counts),
        cmocka_unit_test(says_what_is_no_picture),
        cmocka_unit_test(reads_files_below_a_root),
        cmocka_unit_test(reads_in_a_pool),
        cmocka_unit_test(reads_times_in_names),
        cmocka_unit_test(reads_iso_and_unix_times),
        cmocka_unit_test(repairs_the_hour_of_summer),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
