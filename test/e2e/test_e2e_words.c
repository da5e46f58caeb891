// test_e2e_words.c -- a host program that reads along: words come before the answer has ended,
// nothing secret is among them, and a listener that has enough slows the server down.
// SPDX-License-Identifier: MIT
#include "e2e_more.h"
#include "e2e_pictures.h"
#include "vlmd_words.h"

#include <poll.h>
#include <stdio.h>
#include <string.h>

static struct reader {
    vlmd *v;
    char text[20000];  // all told, fields apart
    size_t len;
    int pieces, begins, pieces_at_answer;
    int64_t id;
    bool stops_at_first, is_stopped;
    int64_t stopped_ms, resumed_ms, first_ms, answered_ms;
    bool is_answered;
    char summary[2000], details[4000];
} reader;

static bool on_words(void *arg, const struct vlmd_words *w)
{
    struct reader *r = arg;
    assert_false(r->is_answered);
    r->id = w->id;
    r->begins += *w->text == 0;
    r->pieces += *w->text != 0;
    r->first_ms = *w->text && !r->first_ms ? now_ms() : r->first_ms;
    int n = snprintf(r->text + r->len, sizeof(r->text) - r->len, "%s", w->text);
    r->len += (size_t)n;
    assert_true(r->len < sizeof(r->text));
    if (r->stops_at_first && *w->text && !r->is_stopped) {
        r->is_stopped = true;
        r->stopped_ms = now_ms();
        return false;
    }
    return true;
}

static void on_event(void *arg, const struct vlmd_event *e)
{
    struct reader *r = arg;
    if (e->type != VLMD_EVENT_JOB) {
        return;
    }
    assert_string_equal(e->item->outcome, "answered");
    snprintf(r->summary, sizeof(r->summary), "%s", e->item->summary);
    snprintf(r->details, sizeof(r->details), "%s", e->item->details);
    r->is_answered = true;
    r->answered_ms = now_ms();
    r->pieces_at_answer = r->pieces;
}

static bool turn(vlmd *v)
{
    struct pollfd p = {.fd = vlmd_fd(v), .events = POLLIN};
    int wait = vlmd_timeout_ms(v);
    poll(&p, 1, wait < 0 || wait > 50 ? 50 : wait);
    return vlmd_step(v);
}

static void open_reader(struct place *p, const struct fake *f)
{
    struct vlmd_error error = {0};
    const struct vlmd_setting settings[] = {{"db", place_path(p, "words.db"), "host"},
                                            {"backends", f->url, "host"},
                                            {"backend.max_tokens", "3000", "host"},
                                            {"ocr.when", "never", "host"}};
    const struct vlmd_options options = {.role = VLMD_WORKER,
                                         .config_file = "",
                                         .settings = settings,
                                         .n_settings = 4,
                                         .ignore_environment = true};
    if (vlmd_open(&options, &reader.v, &error)) {
        fail_msg("%s", error.message);
    }
    vlmd_subscribe(reader.v, on_event, &reader);
    vlmd_listen_words(reader.v, on_words, &reader);
}

static const char long_words[] =
    "The window shows a list of invoices with their dates and amounts and a side bar "
    "with "
    "folders for every month of the last two years, of which November is open and has "
    "twenty entries, the newest of them on top; below it a preview of the chosen invoice "
    "with the address of a supplier, three lines of goods and a total, and at the bottom "
    "a "
    "line of buttons to print it, to send it and to mark it as paid. The card is 4111 "
    "1111 "
    "1111 1111 as the header says, and then the "
    "list "
    "goes on with older entries that are paid already and are shown in grey letters, "
    "page "
    "after page, until the end of the year before.";

// One picture, read along; the answer takes two seconds.
static void read_along(struct place *p, const char *kind, bool stops)
{
    struct fake f;
    char flags[100], say[1000];
    memset(&reader, 0, sizeof(reader));
    reader.stops_at_first = stops;
    snprintf(flags, sizeof(flags), "--kind %s --latency-ms 2000", kind);
    fake_start(p, &f, flags);
    snprintf(say, sizeof(say), "{\"say\":\"%s\"}", long_words);
    control(&f.b, "/__fake/config", say);
    picture_write(place_path(p, "in"), NULL, 1);
    open_reader(p, &f);
    struct vlmd_error error = {0};
    const char *inputs[] = {place_path(p, "in")};
    assert_int_equal(vlmd_batch(reader.v, inputs, 1, &error), 0);
    while (turn(reader.v)) {
        bool is_enough = reader.is_stopped && !reader.resumed_ms &&
                         now_ms() - reader.stopped_ms > 1500;
        if (is_enough) {
            assert_int_equal(reader.pieces, 1);  // nothing came meanwhile
            assert_false(reader.is_answered);
            reader.resumed_ms = now_ms();
            vlmd_resume_words(reader.v, reader.id);
        }
    }
    vlmd_close(reader.v);
    fake_stop(&f);
    assert_true(reader.is_answered);
}

static void check_words(void)
{
    assert_int_equal(reader.begins, 1);
    assert_true(reader.pieces_at_answer > 4);
    assert_non_null(strstr(reader.text, "The window shows a list of invoices"));
    assert_non_null(strstr(reader.text, "[card]"));
    assert_null(strstr(reader.text, "4111"));
    // what was told is what was kept
    assert_non_null(strstr(reader.text, reader.summary));
    assert_true(reader.first_ms > 0 && reader.answered_ms - reader.first_ms > 300);
}

static void words_come_before_the_answer(void **state)
{
    static const char *const kinds[] = {"ollama", "openai", "lmstudio"};
    for (size_t i = 0; i < 3; i++) {
        struct place p;
        place_make(&p);
        read_along(&p, kinds[i], false);
        check_words();
        place_remove(&p);
    }
    (void)state;
}

static void a_listener_may_have_enough(void **state)
{
    read_along(*state, "ollama", true);
    assert_true(reader.resumed_ms > 0);
    check_words();
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, place_setup, place_teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(words_come_before_the_answer),
        TEST(a_listener_may_have_enough),
    };
    e2e_filter();
    return cmocka_run_group_tests(tests, NULL, NULL);
}
