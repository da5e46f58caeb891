// test_e2e_backlog.c -- servers that tell their queue over real sockets: the limit that suits
// many comes down to the one slot there is, and the question is asked rarely.
// SPDX-License-Identifier: MIT
#include "e2e_pictures.h"
#include "e2e_vlmd.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { N = 64, FIRST_LIMIT = 8, HALF = 4, SETTLE_MS = 300 };

static bool is_chat(const cJSON *line)
{
    return json_at(line, "completion_tokens") != NULL;
}

static bool is_question(const cJSON *line)
{
    const cJSON *path = json_at(line, "path");
    return path && strcmp(path->valuestring, "/metrics") == 0;
}

// Requests that were inside when this one came, itself too.
static int inside(const struct rows *rows, const cJSON *line)
{
    double at = number_at(line, "at_ms");
    int n = 0;
    for (int i = 0; i < rows->n; i++) {
        const cJSON *o = rows->items[i];
        // One that ends in this very millisecond may have made room for it.
        double from = number_at(o, "at_ms"), to = from + number_at(o, "total_ms") - 2;
        n += is_chat(o) && from <= at && to > at;
    }
    return n;
}

struct seen {
    int questions;
    int most_before,
        most_after;  // inside at once, before the second question and after it
    double first_at, last_at, second_question_at;
};

static void read_log(const struct fake *f, struct seen *s)
{
    struct rows rows;
    char *text = read_text(f->log);
    rows_parse(&rows, text);
    free(text);
    memset(s, 0, sizeof(*s));
    for (int i = 0; i < rows.n; i++) {
        if (is_question(rows.items[i]) && ++s->questions == 2) {
            s->second_question_at = number_at(rows.items[i], "at_ms");
        }
    }
    for (int i = 0; i < rows.n; i++) {
        const cJSON *line = rows.items[i];
        double at = number_at(line, "at_ms");
        if (!is_chat(line)) {
            continue;
        }
        // The answer to the question needs its time, too.
        bool is_before = at < s->second_question_at;
        bool is_after = at > s->second_question_at + SETTLE_MS;
        int n = is_before || is_after ? inside(&rows, line) : 0;
        int *most = is_before ? &s->most_before : &s->most_after;
        *most = n > *most ? n : *most;
        s->first_at = s->first_at == 0 || at < s->first_at ? at : s->first_at;
        s->last_at = at > s->last_at ? at : s->last_at;
    }
    rows_free(&rows);
}

static void a_server_with_one_slot_is_not_given_eight(void **state)
{
    struct place *p = *state;
    static const char *const flags[] = {"--kind vllm --slots 1 --latency-ms 160",
                                        "--kind sglang --slots 1 --latency-ms 160"};
    enum { SERVERS = 2 };
    struct fake fakes[SERVERS];
    for (int n = 0; n < N; n++) {
        picture_write(place_path(p, "in"), NULL, n);
    }
    for (int i = 0; i < SERVERS; i++) {
        fake_start(p, &fakes[i], flags[i]);
    }
    // Each has its own half of the work: a limit is moved only while it is what holds back.
    VLMD_EXPECT(p, 0, "batch", "--json", "--set", "backend.vision=yes", "--backend",
                fakes[0].url, "--backend", fakes[1].url, place_path(p, "in"));
    for (int i = 0; i < SERVERS; i++) {
        struct seen s;
        read_log(&fakes[i], &s);
        double seconds = (s.last_at - s.first_at) / 1000;
        print_message("%s: %d questions in %.1f s, %d inside, then %d\n", flags[i],
                      s.questions, seconds, s.most_before, s.most_after);
        assert_true(s.questions >= 2);
        assert_true(s.questions <= 2 + seconds / 2);
        assert_true(s.most_before >= FIRST_LIMIT);
        assert_in_range(s.most_after, 1, HALF);
        fake_stop(&fakes[i]);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(a_server_with_one_slot_is_not_given_eight,
                                        place_setup, place_teardown),
    };
    e2e_filter();
    return cmocka_run_group_tests(tests, NULL, NULL);
}
