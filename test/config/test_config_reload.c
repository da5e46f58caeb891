// test_config_reload.c -- what of a new configuration is taken over, and what is told of it.
// SPDX-License-Identifier: MIT
#include "config_fixture.h"

#include "privacy/rules.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

struct heard {
    char text
        [4096];  // "key: before -> after\n", with "!" in front where a restart is needed
};

static void on_change(void *arg, const char *key, const char *before, const char *after,
                      bool is_applied)
{
    struct heard *h = arg;
    size_t n = strlen(h->text);
    snprintf(h->text + n, sizeof(h->text) - n, "%s%s: %s -> %s\n", is_applied ? "" : "!",
             key, before, after);
}

static void adopt(struct loaded *l, const char *text, struct heard *h)
{
    struct loaded fresh;
    *h = (struct heard){0};
    load_again(&fresh, l->c, text);
    if (!fresh.c) {
        fail_msg("%s", fresh.said);
    }
    config_adopt(l->c, fresh.c, on_change, h);
    unload(&fresh);
}

static void values_of_every_type_are_taken(void **state)
{
    (void)state;
    struct loaded l;
    struct heard h;
    load_text(&l, "model: one\n");
    adopt(&l,
          "model: one\n"
          "rate:\n  requests: 5\n"                     // int
          "budget:\n  tokens_per_day: 1000\n"          // count
          "alerts:\n  errors: 7.5\n  format: slack\n"  // number, choice
          "health:\n  every: 1h\n  urls: [\"http://a\", \"http://b\"]\n"  // ms, urls
          "backend:\n  keep_alive: 20m\n  preload: no\n"                  // seconds, bool
          "prompts:\n  system: Say less.\n"                               // text
          "yield:\n  hours: [\"mon-fri 09:00-17:00\"]\n  battery: pause\n"
          "audit:\n  keep: 30d\n",
          &h);
    const struct config *c = l.c;
    assert_int_equal(c->terms.rate.requests_per_min, 5);
    assert_int_equal(c->terms.budget.limits[BUDGET_DAY].tokens, 1000);
    assert_true(c->alerts.threshold[ALERT_ERRORS] == 7.5);
    assert_int_equal(c->alert_format, ALERT_SLACK);
    assert_int_equal(c->health_every_ms, 3600000);
    assert_string_equal(c->health_urls[1], "http://b");
    assert_null(c->health_urls[2]);
    assert_int_equal(c->backend.keep_alive_s, 1200);
    assert_false(c->life.preloads);
    assert_string_equal(c->prompts.system, "Say less.");
    assert_string_equal(c->yield_hours[0], "mon-fri 09:00-17:00");
    assert_int_equal(c->yield.rule[YIELD_BATTERY], YIELD_PAUSE);
    assert_int_equal(c->store.audit_keep_ms, INT64_C(30) * 86400000);
    assert_null(strchr(h.text, '!'));
    assert_non_null(strstr(h.text, "rate.requests: 0 -> 5\n"));
    assert_string_equal(value_of(&l, "health.every"), "1h");
    assert_string_equal(origin_of(&l, "health.every"), "vlmd.yaml:10");
    // The same again is no change; what is taken back is.
    adopt(&l, "model: one\nrate:\n  requests: 5\n", &h);
    assert_null(strstr(h.text, "rate.requests"));
    assert_non_null(strstr(h.text, "prompts.system: Say less. -> \n"));
    assert_null(c->health_urls[0]);
    assert_true(c->life.preloads);
    unload(&l);
}

static void what_follows_from_a_value_is_taken_with_it(void **state)
{
    (void)state;
    struct loaded l;
    struct heard h;
    load_text(&l, "tier: quick\n");
    assert_int_equal(l.c->target_px, 768);
    adopt(&l, "tier: deep\nbreaker:\n  preset: 3/60s\n", &h);
    assert_int_equal(l.c->target_px, 1280);
    assert_false(l.c->has_own_px);
    assert_int_equal(l.c->breaker.failures, 3);
    adopt(&l, "image:\n  target_px: 900\n", &h);
    assert_int_equal(l.c->target_px, 900);
    assert_true(l.c->has_own_px);
    unload(&l);
}

static bool is_denied(const struct config *c, const char *app)
{
    const struct privacy_subject s = {.app = app};
    struct privacy_reason why;
    return privacy_is_denied(c->rules, &s, &why);
}

static void rules_are_compiled_anew(void **state)
{
    (void)state;
    struct loaded l;
    struct heard h;
    load_text(&l, "privacy:\n  exclude_apps: [Signal]\n  allow_remote: yes\n");
    assert_true(is_denied(l.c, "Signal") && !is_denied(l.c, "Maps"));
    for (int i = 0; i < 5; i++) {
        adopt(&l, "privacy:\n  exclude_apps: [Maps, \"re:^Vault\"]\n", &h);
        assert_true(!is_denied(l.c, "Signal") && is_denied(l.c, "Maps"));
        assert_true(is_denied(l.c, "Vault 7"));
        assert_false(l.c->privacy.policy.allow_remote);
        assert_int_equal(l.c->privacy.rules.deny[PRIVACY_APP].n, 2);
        adopt(&l, "privacy:\n  exclude_apps: [Signal]\n  allow_remote: yes\n", &h);
        assert_true(is_denied(l.c, "Signal") && !is_denied(l.c, "Maps"));
    }
    assert_non_null(strstr(h.text, "privacy.exclude_apps: "));
    unload(&l);
}

static void what_needs_a_restart_stays_and_is_named(void **state)
{
    (void)state;
    struct loaded l;
    struct heard h;
    load_text(&l, "model: one\nstore:\n  readers: 2\n");
    adopt(&l, "model: two\nstore:\n  readers: 4\n  slow: 1s\nlog:\n  format: json\n", &h);
    assert_string_equal(h.text, "!model: one -> two\n"
                                "!store.readers: 2 -> 4\n"
                                "store.slow: 100ms -> 1s\n"
                                "!log.format: text -> json\n");
    assert_string_equal(l.c->backend.model, "one");
    assert_int_equal(l.c->store.readers, 2);
    assert_int_equal(l.c->store.slow_ms, 1000);
    assert_string_equal(value_of(&l, "model"), "one");
    // It is told again as long as it differs.
    adopt(&l, "model: two\nstore:\n  slow: 1s\n", &h);
    assert_string_equal(h.text, "!model: one -> two\n");
    unload(&l);
}

static void terms_of_each_backend_are_taken(void **state)
{
    (void)state;
    struct loaded l;
    struct heard h;
    load_text(&l, "backends:\n  - url: http://a:1\n  - {url: \"http://b:2\", name: b}\n");
    adopt(&l,
          "backends:\n  - url: http://a:1\n"
          "  - {url: \"http://b:2\", name: b, rate.requests: 9}\nrate:\n  tokens: 7\n",
          &h);
    assert_string_equal(h.text, "rate.tokens: 0 -> 7\n");
    assert_int_equal(l.c->terms_of[0].rate.tokens_per_min, 7);
    assert_int_equal(l.c->terms_of[1].rate.requests_per_min, 9);
    // Another model for one of them shows in no text, and needs a restart.
    adopt(&l,
          "backends:\n  - url: http://a:1\n"
          "  - {url: \"http://b:2\", name: b, model: x}\nrate:\n  tokens: 7\n",
          &h);
    assert_non_null(strstr(h.text, "!backends: http://a:1, http://b:2 -> "));
    // Another list: whose the terms are is not known before the restart.
    adopt(&l, "backends:\n  - url: http://c:1\nrate:\n  tokens: 8\n", &h);
    assert_non_null(strstr(h.text, "!backends: http://a:1, http://b:2 -> http://c:1\n"));
    assert_non_null(strstr(h.text, "!rate.tokens: 7 -> 8\n"));
    assert_int_equal(l.c->terms_of[0].rate.tokens_per_min, 7);
    unload(&l);
}

static void a_secret_is_taken_and_not_told(void **state)
{
    (void)state;
    struct loaded l;
    struct heard h;
    load_text(&l, "alerts:\n  webhook: http://a/secret1\n");
    adopt(&l, "alerts:\n  webhook: http://a/secret2\n", &h);
    assert_string_equal(h.text, "alerts.webhook: (hidden) -> (hidden)\n");
    assert_string_equal(l.c->alert_webhook, "http://a/secret2");
    adopt(&l, "alerts:\n  webhook: http://a/secret2\n", &h);
    assert_string_equal(h.text, "");
    adopt(&l, "model: \"\"\n", &h);
    assert_string_equal(h.text, "alerts.webhook: (hidden) -> \n");
    assert_true(!l.c->alert_webhook || !*l.c->alert_webhook);
    unload(&l);
}

// A password manager may ask for a password, or for half a minute.
static void a_process_at_work_runs_no_command(void **state)
{
    (void)state;
    struct loaded l;
    struct heard h;
    char text[1024], trace[600];
    snprintf(trace, sizeof(trace), "%s/ran", config_fixture_dir());
    snprintf(text, sizeof(text),
             "backend: {api_key_command: 'echo once >> %s; echo key-of-a-command'}\n"
             "backends: [{url: 'h:1', api_key_command: 'echo key-of-another'}]\n",
             trace);
    load_text(&l, text);
    assert_string_equal(l.c->backend.api_key, "key-of-a-command");
    assert_int_equal(remove(trace), 0);
    adopt(&l, text, &h);
    assert_string_equal(h.text, "");
    adopt(&l, "backend: {api_key_command: 'echo a-new-command'}\n", &h);
    assert_non_null(strstr(h.text, "!backend.api_key_command: "));
    assert_string_equal(l.c->backend.api_key, "key-of-a-command");
    assert_int_not_equal(remove(trace), 0);  // nothing ran
    unload(&l);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(values_of_every_type_are_taken),
        cmocka_unit_test(what_follows_from_a_value_is_taken_with_it),
        cmocka_unit_test(rules_are_compiled_anew),
        cmocka_unit_test(what_needs_a_restart_stays_and_is_named),
        cmocka_unit_test(terms_of_each_backend_are_taken),
        cmocka_unit_test(a_secret_is_taken_and_not_told),
        cmocka_unit_test(a_process_at_work_runs_no_command),
    };
    return cmocka_run_group_tests(tests, config_fixture_setup, config_fixture_teardown);
}
