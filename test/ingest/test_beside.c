// test_beside.c -- files beside a picture: what is taken from them, and what is not.
// SPDX-License-Identifier: MIT
#include "ingest/ingest_kit.h"

#include "ingest/beside.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

enum { MIB = 1 << 20 };

static int set_up(void **state)
{
    struct folder *f = calloc(1, sizeof(*f));
    struct bytes b;
    assert_non_null(f);
    folder_make(f);
    png(&b, NULL);
    write_file(in(f, "a.png"), &b);
    *state = f;
    return 0;
}

static int tear_down(void **state)
{
    folder_remove(*state);
    free(*state);
    return 0;
}

// Of a.png; the caller frees r->beside.
static void read_picture(const struct folder *f, struct meta_req *r)
{
    *r = (struct meta_req){.root = f->path, .path = "a.png"};
    assert_int_equal(meta_read_now(r), 0);
}

static void assert_nothing(const struct folder *f)
{
    struct meta_req r;
    read_picture(f, &r);
    assert_null(r.beside);
    assert_string_equal(r.meta.app, "");
    assert_string_equal(r.meta.window, "");
    assert_string_equal(r.meta.url, "");
}

static void write_long(const char *path, const char *begin, size_t len, const char *end)
{
    FILE *f = fopen(path, "w");
    assert_non_null(f);
    fputs(begin, f);
    for (size_t i = 0; i < len; i++) {
        fputc('x', f);
    }
    fputs(end, f);
    assert_int_equal(fclose(f), 0);
}

static void what_the_picture_lacks_is_taken(void **state)
{
    const struct folder *f = *state;
    struct meta_req r;
    struct bytes b;
    write_text(
        in(f, "a.png.json"),
        "{\"app\": \"Firefox\", \"title\": \"Shop\", \"url\": \"https://x.example/\","
        "\"timestamp\": \"20261121-101112\", \"screen\": \"left\", \"text\": \"one\"}");
    write_text(in(f, "a.json"), "{\"active_app\": \"Other\", \"ocr_result\": "
                                "[{\"rec_txt\": \"two\", \"score\": 1}, \"three\", 4]}");
    write_text(in(f, "a.png.txt"), "four\n");
    write_text(in(f, "a.txt"), "five");
    read_picture(f, &r);
    assert_string_equal(r.meta.app, "Firefox");
    assert_string_equal(r.meta.window, "Shop");
    assert_string_equal(r.meta.url, "https://x.example/");
    assert_string_equal(r.meta.screen, "left");
    assert_int_equal(r.meta.taken_at_ms, INT64_C(1795255872000));
    assert_string_equal(r.beside, "one\nfour\n\ntwo\nthree\nfive\n");
    free(r.beside);
    // What the picture says counts more.
    png(&b, "{\"active_app\": \"Code\"}");
    write_file(in(f, "a.png"), &b);
    read_picture(f, &r);
    assert_string_equal(r.meta.app, "Code");
    assert_string_equal(r.meta.window, "Shop");
    free(r.beside);
}

static void an_entity_of_a_tracker_is_understood(void **state)
{
    const struct folder *f = *state;
    struct meta_req r;
    write_text(
        in(f, "a.json"),
        "{\"id\": 7, \"metadata_entries\": ["
        "{\"key\": \"active_window\", \"value\": \"Bank - Firefox\"},"
        "{\"key\": \"ocr_result\", \"value\": \"[{\\\"rec_txt\\\": \\\"pin\\\"}]\"},"
        "{\"key\": 5}, 6]}");
    read_picture(f, &r);
    assert_string_equal(r.meta.window, "Bank - Firefox");
    assert_string_equal(r.meta.app, "Bank");
    assert_non_null(strstr(r.beside, "pin"));
    free(r.beside);
}

static void what_vlmd_exported_is_left_alone(void **state)
{
    const struct folder *f = *state;
    write_text(in(f, "a.png.json"),
               "{\"vlmd_sidecar\":1,\"app\":\"Firefox\",\"text\":\"said\"}\n");
    write_text(in(f, "a.png.txt"), "Somebody shops\n-- described by vlmd\n");
    assert_nothing(f);
}

static void other_files_say_nothing(void **state)
{
    const struct folder *f = *state;
    static const char *const texts[] = {
        "",     "[1, 2]", "{\"app\": 5, \"text\": {}}", "{\"app\": \"Firefox\"",
        "null", "{}"};
    for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++) {
        write_text(in(f, "a.json"), texts[i]);
        assert_nothing(f);
    }
}

static void hostile_files_do_no_harm(void **state)
{
    const struct folder *f = *state;
    struct folder elsewhere;
    struct meta_req r;
    folder_make(&elsewhere);
    write_text(in(&elsewhere, "secret.txt"), "outside");
    write_text(in(&elsewhere, "secret.json"), "{\"app\": \"Outside\"}");
    assert_int_equal(symlink(in(&elsewhere, "secret.txt"), in(f, "a.txt")), 0);
    assert_int_equal(symlink(in(&elsewhere, "secret.json"), in(f, "a.json")), 0);
    assert_int_equal(mkfifo(in(f, "a.png.txt"), 0600), 0);
    assert_int_equal(mkdir(in(f, "a.png.json"), 0700), 0);
    assert_nothing(f);
    unlink(in(f, "a.txt"));
    unlink(in(f, "a.json"));
    unlink(in(f, "a.png.txt"));
    // Ten megabytes, and a deep nest.
    write_long(in(f, "a.txt"), "", 10 * MIB, "");
    write_long(in(f, "a.json"), "{\"app\": \"Long\", \"text\": \"", 10 * MIB, "\"}");
    assert_nothing(f);
    read_picture(f, &r);
    assert_true(r.is_beside_cut);
    unlink(in(f, "a.txt"));
    FILE *nest = fopen(in(f, "a.json"), "w");
    assert_non_null(nest);
    for (int i = 0; i < 100000; i++) {
        fputs("{\"text\":[", nest);
    }
    assert_int_equal(fclose(nest), 0);
    assert_nothing(f);
    folder_remove(&elsewhere);
}

static void any_bytes_become_a_bounded_text(void **state)
{
    const struct folder *f = *state;
    struct meta_req r;
    FILE *out = fopen(in(f, "a.txt"), "w");
    assert_non_null(out);
    assert_int_equal(fwrite("a\0b\xff\xfe\x1b[2J\nc", 1, 11, out), 11);
    assert_int_equal(fclose(out), 0);
    write_text(in(f, "a.json"), "{\"app\": \"A\\u001b[31m\\ud800\xff\"}");
    read_picture(f, &r);
    assert_string_equal(r.beside, "a b\xff\xfe [2J\nc\n");
    assert_null(strchr(r.meta.app, '\x1b'));
    free(r.beside);
    write_long(in(f, "a.txt"), "", MIB, "");
    write_long(in(f, "a.png.txt"), "begin ", MIB - 100, "");
    read_picture(f, &r);
    assert_int_equal(strncmp(r.beside, "begin x", 7), 0);
    assert_in_range(strlen(r.beside), INGEST_MOST_BESIDE - 2, INGEST_MOST_BESIDE - 1);
    assert_true(r.is_beside_cut);
    free(r.beside);
}

static void they_are_not_read_when_nobody_wants_them(void **state)
{
    const struct folder *f = *state;
    struct meta_req r = {.root = f->path, .path = "a.png", .ignores_beside = true};
    write_text(in(f, "a.json"), "{\"app\": \"Firefox\", \"text\": \"one\"}");
    assert_int_equal(meta_read_now(&r), 0);
    assert_string_equal(r.meta.app, "");
    assert_null(r.beside);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(what_the_picture_lacks_is_taken),
        TEST(an_entity_of_a_tracker_is_understood),
        TEST(what_vlmd_exported_is_left_alone),
        TEST(other_files_say_nothing),
        TEST(hostile_files_do_no_harm),
        TEST(any_bytes_become_a_bounded_text),
        TEST(they_are_not_read_when_nobody_wants_them),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
