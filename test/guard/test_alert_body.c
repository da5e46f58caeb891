// test_alert_body.c -- what is sent of an alert: valid JSON, both ends with one key.
// SPDX-License-Identifier: MIT
#include "base/json.h"
#include "guard/alert_body.h"

#include <cjson/cJSON.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

static struct alert_notice notice(bool has_recovered)
{
    return (struct alert_notice){
        .rule = ALERT_MEMORY,
        .has_recovered = has_recovered,
        .value = 83.456,
        .threshold = 80,
        .since_ms = INT64_C(1700000000123),
        .at_ms = INT64_C(1700000060000),
        .host = "de\"sk",
        .more = "",
    };
}

static struct cJSON *body(enum alert_format f, const struct alert_notice *n)
{
    struct buf out;
    buf_init(&out, 4096);
    assert_int_equal(alert_body(f, n, "key-1", &out), 0);
    struct cJSON *json = json_parse(buf_str(&out), out.len);
    assert_non_null(json);
    buf_fini(&out);
    return json;
}

static void assert_member(const struct cJSON *json, const char *key, const char *value)
{
    const char *s = json_get_str(json, key);
    if (!s || strcmp(s, value) != 0) {
        fail_msg("%s is %s, not %s", key, s ? s : "not there", value);
    }
}

static void a_summary_has_value_and_limit(void **state)
{
    (void)state;
    char text[300];
    struct alert_notice n = notice(false);
    alert_summary(&n, text, sizeof(text));
    assert_string_equal(text, "memory is short: 83.46 % (limit 80 %)");
    n.has_recovered = true;
    n.more = "backend";
    alert_summary(&n, text, sizeof(text));
    assert_string_equal(text, "over: memory is short: 83.46 % (limit 80 %): backend");
}

static void own_json_has_every_fact(void **state)
{
    (void)state;
    const struct alert_notice n = notice(false);
    struct cJSON *json = body(ALERT_JSON, &n);
    assert_member(json, "alert", "memory");
    assert_member(json, "state", "firing");
    assert_member(json, "severity", "warning");
    assert_member(json, "host", "de\"sk");
    assert_member(json, "source", "vlmd");
    assert_member(json, "unit", "%");
    assert_member(json, "since", "2023-11-14T22:13:20.123Z");
    assert_member(json, "at", "2023-11-14T22:14:20.000Z");
    assert_int_equal(json_get_int(json, "threshold", 0), 80);
    json_free(json);
}

static void slack_gets_a_text(void **state)
{
    (void)state;
    struct alert_notice n = notice(false);
    struct cJSON *json = body(ALERT_SLACK, &n);
    assert_member(json, "text",
                  ":warning: *vlmd on de\"sk*: memory is short: 83.46 % (limit 80 %)");
    json_free(json);
    n.rule = ALERT_MEMORY_CRITICAL;
    json = body(ALERT_SLACK, &n);
    assert_non_null(strstr(json_get_str(json, "text"), ":rotating_light:"));
    json_free(json);
    n.has_recovered = true;
    json = body(ALERT_SLACK, &n);
    assert_non_null(strstr(json_get_str(json, "text"), ":white_check_mark:"));
    json_free(json);
}

static void pagerduty_resolves_what_it_was_told_of(void **state)
{
    (void)state;
    struct alert_notice n = notice(false);
    struct cJSON *fired = body(ALERT_PAGERDUTY, &n);
    n.has_recovered = true;
    struct cJSON *over = body(ALERT_PAGERDUTY, &n);
    assert_member(fired, "routing_key", "key-1");
    assert_member(fired, "event_action", "trigger");
    assert_member(over, "event_action", "resolve");
    assert_member(over, "dedup_key", json_get_str(fired, "dedup_key"));
    const struct cJSON *payload = json_get(fired, "payload");
    assert_member(payload, "severity", "warning");
    assert_member(payload, "source", "de\"sk");
    assert_member(payload, "summary", "memory is short: 83.46 % (limit 80 %)");
    assert_member(json_get(payload, "custom_details"), "alert", "memory");
    json_free(fired);
    json_free(over);
}

static void what_does_not_fit_is_no_body(void **state)
{
    (void)state;
    const struct alert_notice n = notice(false);
    struct buf out;
    buf_init(&out, 20);
    assert_int_equal(alert_body(ALERT_JSON, &n, "", &out), E_TOOBIG);
    buf_fini(&out);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_summary_has_value_and_limit),
        cmocka_unit_test(own_json_has_every_fact),
        cmocka_unit_test(slack_gets_a_text),
        cmocka_unit_test(pagerduty_resolves_what_it_was_told_of),
        cmocka_unit_test(what_does_not_fit_is_no_body),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
