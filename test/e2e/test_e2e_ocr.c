// test_e2e_ocr.c -- text recognition describes while no model is there, and gives way to one.
// SPDX-License-Identifier: MIT
#include "e2e_more.h"
#include "e2e_pictures.h"

#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define NOTE "describing by OCR until one appears"

static void write_words(const char *path, const char *words)
{
    size_t len;
    uint8_t *png = picture_words(words, &len);
    write_bytes(path, png, len);
    free(png);
}

// The words are found, in this one picture.
static void assert_found(struct place *p, const char *words, const char *path_end)
{
    struct rows rows;
    VLMD_ROWS(p, &rows, "search", "--json", words);
    assert_int_equal(rows.n, 1);
    assert_non_null(rows_find(&rows, path_end));
    rows_free(&rows);
}

static void it_describes_when_it_is_the_backend(void **state)
{
    struct place *p = *state;
    struct rows rows;
    write_words(place_path(p, "in/invoice.png"), "Invoice for seven penguins");
    write_words(place_path(p, "in/travel.png"), "Departure from Lisbon tomorrow");
    struct proc *run =
        VLMD_EXPECT(p, 0, "batch", "--backend", "ocr", place_path(p, "in"));
    assert_non_null(strstr(run->out.text, "2 described"));
    assert_non_null(strstr(run->out.text, "by text recognition only"));
    rows_export(p, &rows);
    assert_int_equal(rows.n, 2);
    for (int i = 0; i < rows.n; i++) {
        const cJSON *row = rows.items[i];
        assert_row_is_whole(row);
        assert_string_equal(text_of(row, "outcome"), "answered");
        assert_string_equal(text_of(row, "backend"), "ocr");
        assert_true(cJSON_IsTrue(json_at(row, "degraded")));
    }
    const cJSON *travel = rows_find(&rows, "/travel.png");
    assert_non_null(strstr(text_of(travel, "fields.text"), "Lisbon"));
    assert_non_null(strstr(text_of(travel, "description"), "Lisbon"));
    rows_free(&rows);
    assert_found(p, "penguins", "/invoice.png");
    assert_found(p, "lisb", "/travel.png");
    VLMD_REFUSES(p, 0, "nothing found", "search", "walrus");
}

static void status_names_it(void **state)
{
    struct place *p = *state;
    struct proc *run = VLMD_START(p, "watch", "--backend", "ocr", place_path(p, "in"));
    await_status(p, "workers.0.stats.backends.0.kind", "ocr");
    await_status(p, "workers.0.stats.backends.0.state", "ready");
    struct proc *status = VLMD_EXPECT(p, 0, "status");
    assert_non_null(strstr(status->out.text, "ocr"));
    proc_signal(run, SIGTERM);
    proc_expect(run, 0);
}

// ---- no server yet, then one

static void assert_both_in_history(struct place *p, const char *path, const char *url)
{
    cJSON *shown = VLMD_JSON(p, "show", "--json", path);
    const cJSON *history = json_at(shown, "history"), *one;
    int by_ocr = 0, by_model = 0;
    assert_true(cJSON_IsFalse(json_at(shown, "degraded")));
    assert_non_null(strstr(text_of(shown, "fields.summary"), "picture, mean #"));
    cJSON_ArrayForEach(one, history)
    {
        by_ocr += strcmp(text_of(one, "backend"), "ocr") == 0;
        by_model += strcmp(text_of(one, "model"), "qwen2.5vl:7b") == 0;
    }
    if (by_ocr != 1 || by_model != 1) {
        fail_msg("the history of %s (%s) is %s", path, url, cJSON_Print(history));
    }
    cJSON_Delete(shown);
}

static void a_model_that_appears_replaces_it(void **state)
{
    struct place *p = *state;
    struct fake f = {.place = p};
    struct totals t;
    struct rows rows;
    int port_fd;
    char listen[64], url[64];
    char *first = strdup(place_path(p, "in/first.png")),
         *second = strdup(place_path(p, "in/second.png"));
    int port = reserve_port(&port_fd);
    snprintf(url, sizeof(url), "http://127.0.0.1:%d", port);
    write_words(first, "Gardening notes about tulips");
    struct proc *run =
        VLMD_START(p, "watch", "--backend", url, "--set", "breaker.open=100ms", "--set",
                   "breaker.cap=300ms", place_path(p, "in"));
    await_shown(p, first, "outcome", "answered");
    await_shown(p, first, "degraded", "true");
    write_words(second, "Lecture about volcanoes");
    await_shown(p, second, "degraded", "true");
    await_shown(p, second, "fields.text", "volcanoes");
    proc_await(run, &run->err, NOTE);
    await_status(p, "workers.0.stats.backends.1.kind", "ocr");
    await_status(p, "workers.0.stats.backends.1.state", "ready");

    snprintf(listen, sizeof(listen), "--listen 127.0.0.1:%d", port);
    fake_start(p, &f, listen);
    assert_int_equal(f.b.port, port);
    await_shown(p, first, "degraded", "false");
    await_shown(p, second, "degraded", "false");
    assert_both_in_history(p, first, url);
    assert_both_in_history(p, second, url);
    VLMD_ROWS(p, &rows, "search", "--json", "mean");
    assert_int_equal(rows.n, 2);
    rows_free(&rows);
    proc_signal(run, SIGINT);
    proc_expect(run, 130);
    assert_int_equal(times_said(&run->err, "vlmd: note: "), 1);
    fake_totals(&f, &t);
    assert_int_equal(t.asked, 2);
    assert_int_equal(t.images, 2);
    fake_stop(&f);
    close(port_fd);
    free(first);
    free(second);
}

static void always_makes_the_text_searchable_too(void **state)
{
    struct place *p = *state;
    struct fake f;
    struct totals t;
    fake_start(p, &f, "--kind llama-server");
    write_words(place_path(p, "in/one.png"), "Recipe with rhubarb");
    VLMD_EXPECT(p, 0, "batch", "--backend", f.url, "--set", "ocr.when=always",
                place_path(p, "in"));
    cJSON *shown = VLMD_JSON(p, "show", "--json", place_path(p, "in/one.png"));
    assert_true(cJSON_IsFalse(json_at(shown, "degraded")));
    assert_non_null(strstr(text_of(shown, "fields.summary"), "picture, mean #"));
    cJSON_Delete(shown);
    assert_found(p, "rhubarb", "/one.png");
    assert_found(p, "mean", "/one.png");
    // Without it nothing is read.
    write_words(place_path(p, "in/two.png"), "Ballad of the heron");
    VLMD_EXPECT(p, 0, "batch", "--backend", f.url, place_path(p, "in"));
    VLMD_REFUSES(p, 0, "nothing found", "search", "heron");
    fake_totals(&f, &t);
    assert_int_equal(t.asked, 2);
    fake_stop(&f);
}

static void never_waits_for_a_model(void **state)
{
    struct place *p = *state;
    int port_fd;
    char url[64];
    snprintf(url, sizeof(url), "http://127.0.0.1:%d", reserve_port(&port_fd));
    write_words(place_path(p, "in/one.png"), "Nobody reads this");
    VLMD_REFUSES(p, 3, "no backend can be asked", "batch", "--backend", url, "--set",
                 "ocr.when=never", "--set", "backend_wait=300ms", place_path(p, "in"));
    cJSON *shown = VLMD_JSON(p, "show", "--json", place_path(p, "in/one.png"));
    assert_string_equal(text_of(shown, "state"), "queued");
    cJSON_Delete(shown);
    close(port_fd);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, place_setup, place_teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(it_describes_when_it_is_the_backend),
        TEST(status_names_it),
        TEST(a_model_that_appears_replaces_it),
        TEST(always_makes_the_text_searchable_too),
        TEST(never_waits_for_a_model),
    };
    e2e_filter();
    return cmocka_run_group_tests(tests, NULL, NULL);
}
