// test_e2e_reload.c -- a service that reads its configuration again works by the new one.
// SPDX-License-Identifier: MIT
#include "e2e_more.h"
#include "e2e_pictures.h"

#include <dirent.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct service {
    struct place *p;
    struct fake f;
    struct proc *run;
    char config[200];
};

static void begin(struct place *p, struct service *s, const char *fake, const char *yaml)
{
    *s = (struct service){.p = p};
    fake_start(p, &s->f, fake);
    snprintf(s->config, sizeof(s->config), "%s", place_path(p, "own.yaml"));
    write_text(s->config, yaml);
    s->run = VLMD_START(p, "watch", "--config", s->config, "--backend", s->f.url, "--set",
                        "concurrency=1", "--set", "ocr.when=never", "--set",
                        "log.level=info", place_path(p, "in"));
    proc_await(s->run, &s->run->err, "watching");
}

static void reload(struct service *s, const char *yaml, const char *words)
{
    write_text(s->config, yaml);
    proc_signal(s->run, SIGHUP);
    proc_await(s->run, &s->run->err, words);
}

static void end(struct service *s)
{
    proc_signal(s->run, SIGTERM);
    proc_expect(s->run, 0);
    fake_stop(&s->f);
}

// One is being asked, one waits for the backend when the rule comes that excludes the second:
// it never leaves, and the audit says since when.
static void a_rule_holds_for_what_waits_already(void **state)
{
    struct service s;
    struct totals t;
    struct rows rows;
    char secret[256];
    begin(*state, &s, "--kind llama-server --slots 1 --latency-ms 1200",
          "privacy:\n  allow_remote: no\n");
    picture_write(place_path(s.p, "in"), NULL, 1);
    fake_await_asked(&s.f, 1);
    snprintf(secret, sizeof(secret), "%s", place_path(s.p, "in/secret-plan.png"));
    picture_write(place_path(s.p, "in"), "secret-plan.png", 2);
    await_shown(s.p, secret, "state", "leased");
    reload(&s, "privacy:\n  exclude_paths: [\"*secret-*\"]\n", "read again");
    await_shown(s.p, secret, "outcome", "blocked");
    fake_await_quiet(&s.f);
    fake_totals(&s.f, &t);
    assert_int_equal(t.asked, 1);
    assert_int_equal(t.answered, 1);
    struct proc *audit = VLMD_EXPECT(s.p, 0, "privacy", "report", "--rows", "--json");
    rows_parse(&rows, audit->out.text);
    assert_int_equal(rows_count(&rows, "verdict", "rules"), 1);
    for (int i = 0; i < rows.n; i++) {
        if (strcmp(text_of(rows.items[i], "verdict"), "rules") == 0) {
            assert_string_equal(text_of(rows.items[i], "rules"), "privacy.exclude_paths");
        }
    }
    rows_free(&rows);
    VLMD_EXPECT(s.p, 0, "privacy", "verify");
    end(&s);
}

static bool was_said(const struct place *p, const char *words)
{
    bool is_there = false;
    DIR *d = opendir(place_path(p, "kept"));
    assert_non_null(d);
    for (struct dirent *e; !is_there && (e = readdir(d));) {
        if (strncmp(e->d_name, "body-", 5) == 0) {
            char *body = read_text(place_path(p, "kept/%s", e->d_name));
            is_there = strstr(body, words) != NULL;
            free(body);
        }
    }
    closedir(d);
    return is_there;
}

// What was held by a limit goes on as soon as the limit is another, with the new words.
static void limits_and_prompts_hold_at_once(void **state)
{
    struct place *p = *state;
    struct service s;
    char flags[300];
    make_folder(place_path(p, "kept"));
    snprintf(flags, sizeof(flags), "--kind llama-server --keep %s",
             place_path(p, "kept"));
    begin(p, &s, flags, "rate:\n  requests: 1\n");
    picture_write(place_path(p, "in"), NULL, 1);
    picture_write(place_path(p, "in"), NULL, 2);
    await_status(p, "workers.0.stats.backends.0.reason", "rate.requests");
    assert_int_equal((int)stat_of(&s.f.b, "chat_requests"), 1);
    assert_false(was_said(p, "as short as can be"));
    reload(&s, "prompts:\n  system: Be as short as can be.\n", "read again");
    fake_await_asked(&s.f, 2);
    assert_true(was_said(p, "as short as can be"));

    reload(&s, "budget:\n  requests_per_day: 2\n", "read again");
    picture_write(place_path(p, "in"), NULL, 3);
    await_status(p, "workers.0.stats.paused_because", "budget");
    reload(&s, "budget:\n  requests_per_day: 3\n", "budget.requests_per_day: 3, was 2");
    fake_await_asked(&s.f, 3);

    // Outside of its hours it rests, whatever the time is now.
    reload(&s, "yield:\n  hours: [\"mon 00:00-00:01\"]\n  outside_hours: pause\n",
           "read again");
    picture_write(place_path(p, "in"), NULL, 4);
    await_status(p, "workers.0.stats.paused_because", "hours");
    reload(&s, "tier: quick\n", "read again");
    fake_await_asked(&s.f, 4);
    end(&s);
}

static void a_bad_file_changes_nothing(void **state)
{
    struct service s;
    begin(*state, &s, "--kind ollama", "rate:\n  requests: 1000\n");
    reload(&s, "rate:\n  requests: 5\nprivacy:\n  exclude_apps: [\"re:(\"]\n",
           "own.yaml:4: ");
    proc_await(s.run, &s.run->err, "nothing was changed");
    assert_null(strstr(s.run->err.text, "rate.requests: 5"));
    // What needs a restart is named, and nothing else is said to.
    reload(&s, "rate:\n  requests: 2000\nstore:\n  readers: 4\n", "read again");
    assert_non_null(strstr(s.run->err.text, "rate.requests: 2000, was 1000\n"));
    assert_non_null(
        strstr(s.run->err.text, "store.readers: 4, was 2 (after a restart)\n"));
    end(&s);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(a_rule_holds_for_what_waits_already, place_setup,
                                        place_teardown),
        cmocka_unit_test_setup_teardown(limits_and_prompts_hold_at_once, place_setup,
                                        place_teardown),
        cmocka_unit_test_setup_teardown(a_bad_file_changes_nothing, place_setup,
                                        place_teardown),
    };
    e2e_filter();
    return cmocka_run_group_tests(tests, NULL, NULL);
}
