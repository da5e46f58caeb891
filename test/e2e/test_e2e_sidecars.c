// test_e2e_sidecars.c -- files beside pictures: what they say counts, and what they are does no
// harm.
// SPDX-License-Identifier: MIT
#include "e2e_more.h"
#include "e2e_pictures.h"
#include "e2e_secrets.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { LONG_BYTES = 10 << 20 };

// Each picture has one file beside it.
enum picture { PLAIN, DENIED, SECRET, GARBAGE, LONG, LINK, BYTES, PICTURES };

static const char *const names[PICTURES] = {"plain", "denied", "secret", "garbage",
                                            "long",  "link",   "bytes"};

static void write_beside(struct place *p, enum picture which, const char *ending,
                         const void *data, size_t len)
{
    write_bytes(place_path(p, "in/%s%s", names[which], ending), data, len);
}

static void write_words(struct place *p, enum picture which, const char *ending,
                        const char *words)
{
    write_beside(p, which, ending, words, strlen(words));
}

static void setup(struct place *p)
{
    static const char bytes[] =
        "{\"app\": \"Code\", \"window\": \"a\xff\xfe\\u001b[31m\"}";
    char path[200];
    place_config(p, "log:\n  level: debug\n");
    for (int i = 0; i < PICTURES; i++) {
        harmless_picture(place_path(p, "in/%s.png", names[i]), (unsigned)i + 1);
    }
    write_words(p, DENIED, ".png.json", "{\"active_app\": \"KeePassXC\"}");
    snprintf(path, sizeof(path), "{\"ocr_text\": [\"%s\"]}", secrets_said());
    write_words(p, SECRET, ".json", path);
    write_words(p, GARBAGE, ".json", "{\"app\": \"KeePassXC\", \"window");
    char *text = malloc(LONG_BYTES);
    assert_non_null(text);
    memset(text, 'x', LONG_BYTES);
    write_beside(p, LONG, ".txt", text, LONG_BYTES);
    free(text);
    write_text(place_path(p, "outside.json"), "{\"app\": \"KeePassXC\"}");
    snprintf(path, sizeof(path), "%s/outside.json", p->dir);
    assert_int_equal(symlink(path, place_path(p, "in/link.json")), 0);
    write_beside(p, BYTES, ".json", bytes, sizeof(bytes) - 1);
    write_beside(p, BYTES, ".txt", "\xff\xfe\x00\x1b[2J", 7);
}

static void assert_ends(struct place *p, const char *const outcomes[PICTURES])
{
    struct rows rows;
    rows_export(p, &rows);
    for (int i = 0; i < PICTURES; i++) {
        char name[40];
        snprintf(name, sizeof(name), "/%s.png", names[i]);
        const cJSON *row = rows_find(&rows, name);
        assert_non_null(row);
        if (strcmp(text_of(row, "outcome"), outcomes[i]) != 0) {
            fail_msg("%s: %s, not %s", names[i], text_of(row, "outcome"), outcomes[i]);
        }
    }
    rows_free(&rows);
}

static void they_count_for_a_model_on_this_machine(void **state)
{
    static const char *const ends[PICTURES] = {"answered", "blocked",  "answered",
                                               "answered", "answered", "answered",
                                               "answered"};
    struct place *p = *state;
    struct fake f;
    setup(p);
    fake_start(p, &f, "");
    struct proc *run =
        VLMD_EXPECT(p, 0, "batch", "--backend", f.url, place_path(p, "in"));
    assert_ends(p, ends);
    assert_non_null(strstr(run->err.text, "more text stands beside the picture"));
    cJSON *shown = VLMD_JSON(p, "show", "--json", place_path(p, "in/secret.png"));
    assert_string_equal(text_of(shown, "verdict"), "safe");
    cJSON_Delete(shown);
    shown = VLMD_JSON(p, "show", "--json", place_path(p, "in/bytes.png"));
    assert_string_equal(text_of(shown, "app"), "Code");
    assert_null(strchr(text_of(shown, "window"), '\x1b'));
    cJSON_Delete(shown);
    struct proc *test =
        VLMD_EXPECT(p, 0, "privacy", "test", place_path(p, "in/denied.png"));
    assert_non_null(strstr(test->out.text, "password managers"));
    secrets_assert_not_printed(run);
    secrets_assert_not_stored(p, SECRET_ANY);
    fake_stop(&f);
}

static void they_count_for_another_machine(void **state)
{
    static const char *const ends[PICTURES] = {
        "answered", "blocked", "blocked", "answered", "blocked", "answered", "answered"};
    struct place *p = *state;
    struct fake f;
    struct totals t;
    setup(p);
    fake_start(p, &f, FAKE_CLOUD);
    VLMD_EXPECT(p, 0, "batch", "--backend", f.url, "--model", CLOUD_MODEL, "--set",
                "privacy.allow_remote=yes", "--set", "privacy.remote_without_ocr=yes",
                "--set", "privacy.read_text=never", "--set", "ocr.when=never",
                place_path(p, "in"));
    assert_ends(p, ends);
    fake_totals(&f, &t);
    assert_int_equal(t.asked, 4);
    fake_stop(&f);
}

static void they_are_not_read_when_that_is_off(void **state)
{
    static const char *const ends[PICTURES] = {"answered", "answered", "answered",
                                               "answered", "answered", "answered",
                                               "answered"};
    struct place *p = *state;
    struct fake f;
    setup(p);
    fake_start(p, &f, "");
    struct proc *run = VLMD_EXPECT(p, 0, "batch", "--backend", f.url, "--set",
                                   "ingest.sidecars=no", place_path(p, "in"));
    assert_ends(p, ends);
    assert_null(strstr(run->err.text, "more text stands beside"));
    run = VLMD_EXPECT(p, 0, "privacy", "test", "--set", "ingest.sidecars=no",
                      place_path(p, "in/denied.png"));
    assert_null(strstr(run->out.text, "password managers"));
    fake_stop(&f);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, place_setup, place_teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(they_count_for_a_model_on_this_machine),
        TEST(they_count_for_another_machine),
        TEST(they_are_not_read_when_that_is_off),
    };
    e2e_filter();
    return cmocka_run_group_tests(tests, NULL, NULL);
}
