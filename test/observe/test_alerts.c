// test_alerts.c -- alerts on their way: measured, judged, sent to a real socket, sent again.
// SPDX-License-Identifier: MIT
// clang-format off
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <cmocka.h>
// clang-format on
#include "api/call.h"
#include "base/json.h"
#include "io/web_server.h"
#include "observe/alerts.h"
#include "store/stats.h"
#include "store/storekit.h"
#include "vlmd_health.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct rig {
    struct kit k;
    vlmd *v;
    struct loop loop;  // of the webhook alone
    struct http *http;
    struct webhook hook;
    struct retry_config retry;
    struct web web;
    bool has_web, is_closed;
    char url[64];
    int refuse;  // so many requests before one is taken
    int status;  // of those
    int arrived;
    char last[2000];
    int events;
    int64_t last_n;
    char last_rule[40];
};

static struct rig *the_rig;

static void on_request(struct web_conn *c)
{
    struct rig *r = the_rig;
    char reply[100];
    r->arrived++;
    snprintf(r->last, sizeof(r->last), "%.*s", (int)c->body_len,
             (const char *)c->in.data + c->head_len);
    if (r->refuse > 0) {
        r->refuse--;
        snprintf(reply, sizeof(reply), "HTTP/1.1 %d No\r\nContent-Length: 0\r\n\r\n",
                 r->status);
        web_send(c, reply);
    } else {
        web_reply(c, "ok");
    }
}

static void open_web(struct rig *r, struct loop *l)
{
    web_open(&r->web, l, NULL);
    r->web.on_request = on_request;
    r->has_web = true;
    snprintf(r->url, sizeof(r->url), "http://127.0.0.1:%d/hook", r->web.port);
}

// ---- the webhook alone

static uint32_t no_jitter(void *arg)
{
    (void)arg;
    return 0;
}

static int setup_hook(void **state)
{
    struct rig *r = test_calloc(1, sizeof(*r));
    *state = the_rig = r;
    retry_config_default(&r->retry);
    r->retry.base_ms = 1;
    assert_int_equal(loop_init(&r->loop), 0);
    assert_int_equal(http_open(&r->http, &r->loop, &(struct http_config){0}), 0);
    open_web(r, &r->loop);
    webhook_open(&r->hook, &r->loop, r->http, r->url, &r->retry, no_jitter, NULL);
    return 0;
}

static void on_http_closed(void *arg)
{
    ((struct rig *)arg)->is_closed = true;
}

static void on_hook_closed(void *arg)
{
    struct rig *r = arg;
    http_close(r->http, on_http_closed, r);
}

static int teardown_hook(void **state)
{
    struct rig *r = *state;
    webhook_close(&r->hook, on_hook_closed, r);
    web_close(&r->web);
    uv_run(&r->loop.uv, UV_RUN_DEFAULT);
    assert_true(r->is_closed);
    assert_int_equal(loop_fini(&r->loop), 0);
    test_free(r);
    return 0;
}

static void run_until_idle(struct rig *r)
{
    while (webhook_is_busy(&r->hook)) {
        uv_run(&r->loop.uv, UV_RUN_ONCE);
    }
}

static void bodies_arrive_in_order(void **state)
{
    struct rig *r = *state;
    webhook_post(&r->hook, "{\"n\":1}");
    webhook_post(&r->hook, "{\"n\":2}");
    assert_int_equal(r->arrived, 0);
    run_until_idle(r);
    assert_int_equal(r->arrived, 2);
    assert_string_equal(r->last, "{\"n\":2}");
    assert_int_equal(r->hook.sent, 2);
}

static void a_server_that_stumbles_is_asked_again(void **state)
{
    struct rig *r = *state;
    r->refuse = 2;
    r->status = 503;
    webhook_post(&r->hook, "{}");
    run_until_idle(r);
    assert_int_equal(r->arrived, 3);
    assert_int_equal(r->hook.sent, 1);
    assert_int_equal(r->hook.failed, 0);
}

static void after_all_attempts_the_next_has_its_turn(void **state)
{
    struct rig *r = *state;
    r->refuse = r->retry.max_attempts;
    r->status = 500;
    webhook_post(&r->hook, "{\"n\":1}");
    webhook_post(&r->hook, "{\"n\":2}");
    run_until_idle(r);
    assert_int_equal(r->hook.failed, 1);
    assert_int_equal(r->hook.sent, 1);
    assert_int_equal(r->arrived, r->retry.max_attempts + 1);
    assert_string_equal(r->last, "{\"n\":2}");
}

static void a_refusal_is_not_tried_again(void **state)
{
    struct rig *r = *state;
    r->refuse = 1;
    r->status = 404;
    webhook_post(&r->hook, "{}");
    run_until_idle(r);
    assert_int_equal(r->arrived, 1);
    assert_int_equal(r->hook.failed, 1);
}

static void the_queue_is_bounded(void **state)
{
    struct rig *r = *state;
    char text[32];
    for (int i = 0; i < WEBHOOK_QUEUE + 10; i++) {
        snprintf(text, sizeof(text), "{\"n\":%d}", i);
        webhook_post(&r->hook, text);
    }
    assert_int_equal(r->hook.dropped, 10);
    run_until_idle(r);
    assert_int_equal(r->arrived, WEBHOOK_QUEUE);
    snprintf(text, sizeof(text), "{\"n\":%d}", WEBHOOK_QUEUE + 9);
    assert_string_equal(r->last, text);  // the newest are kept
}

static void it_closes_with_a_request_under_way(void **state)
{
    struct rig *r = *state;
    r->web.is_deaf = true;
    webhook_post(&r->hook, "{}");
    while (r->web.accepted == 0) {
        uv_run(&r->loop.uv, UV_RUN_ONCE);
    }
    assert_true(webhook_is_busy(&r->hook));
}

// ---- the whole way

static int setup(void **state)
{
    struct rig *r = test_calloc(1, sizeof(*r));
    *state = the_rig = r;
    kit_init(&r->k);
    const struct vlmd_setting settings[] = {
        {"db", r->k.path, "test"},
        {"backends", "http://127.0.0.1:9", "test"},
        {"alerts.webhook", "http://127.0.0.1:9/", "test"},
        {"alerts.every", "1s", "test"},
        {"alerts.disk", "1000000", "test"},  // more than any test machine has
        {"alerts.cpu", "0", "test"},
        {"alerts.memory", "0", "test"},
        {"alerts.memory_critical", "0", "test"},
        {"alerts.descriptors", "0", "test"},
    };
    const struct vlmd_options o = {.role = VLMD_WORKER,
                                   .config_file = "",
                                   .settings = settings,
                                   .n_settings = 9,
                                   .ignore_environment = true};
    struct vlmd_error e;
    if (vlmd_open(&o, &r->v, &e)) {
        fail_msg("%s", e.message);
    }
    open_web(r, &r->v->app.loop);
    r->v->app.monitor->alerter->webhook.url = r->url;
    return 0;
}

static int teardown(void **state)
{
    struct rig *r = *state;
    if (r->has_web) {
        web_close(&r->web);
    }
    vlmd_close(r->v);
    kit_fini(&r->k);
    test_free(r);
    return 0;
}

static void on_event(void *arg, const struct vlmd_event *e)
{
    struct rig *r = arg;
    if (e->type == VLMD_EVENT_ALERT) {
        r->events++;
        r->last_n = e->n;
        snprintf(r->last_rule, sizeof(r->last_rule), "%s", e->error_class);
    }
}

static bool on_alert(void *arg, const struct vlmd_alert *a)
{
    struct rig *r = arg;
    if (strcmp(a->name, "disk") == 0) {
        snprintf(r->last_rule, sizeof(r->last_rule), "%s", a->state);
    }
    if (strcmp(a->name, "cpu") == 0) {
        assert_string_equal(a->state, "off");
    }
    return true;
}

static void step_until(struct rig *r, const int *n, int least)
{
    while (*n < least) {
        uv_run(&r->v->app.loop.uv, UV_RUN_ONCE);
    }
}

static void begin_work(struct rig *r)
{
    const struct vlmd_input in = {.url = "http://127.0.0.1:9/a.png"};
    assert_int_equal(vlmd_submit(r->v, &in, NULL, NULL), 0);
}

static void a_full_disk_is_told_and_its_end_too(void **state)
{
    struct rig *r = *state;
    vlmd_subscription *s = vlmd_subscribe(r->v, on_event, r);
    begin_work(r);
    step_until(r, &r->arrived, 1);
    assert_int_equal(r->events, 1);
    assert_int_equal(r->last_n, 1);
    assert_string_equal(r->last_rule, "disk");
    struct cJSON *json = json_parse(r->last, strlen(r->last));
    assert_string_equal(json_get_str(json, "alert"), "disk");
    assert_string_equal(json_get_str(json, "state"), "firing");
    json_free(json);
    vlmd_alerts(r->v, on_alert, r);
    assert_string_equal(r->last_rule, "firing");

    // There is room again, and has been for long.
    struct alerter *a = r->v->app.monitor->alerter;
    r->v->app.config->alerts.threshold[ALERT_DISK] = 0.001;
    a->alerts.rules[ALERT_DISK].within_ms =
        loop_now_ms(&r->v->app.loop) - ALERT_RECOVER_MS;
    step_until(r, &r->arrived, 2);
    json = json_parse(r->last, strlen(r->last));
    assert_string_equal(json_get_str(json, "state"), "recovered");
    json_free(json);
    assert_int_equal(r->last_n, 0);
    vlmd_unsubscribe(s);
}

static void nothing_is_measured_without_work(void **state)
{
    struct rig *r = *state;
    struct alerter *a = r->v->app.monitor->alerter;
    for (int i = 0; i < 20; i++) {
        uv_run(&r->v->app.loop.uv, UV_RUN_NOWAIT);
    }
    assert_false(timer_is_started(&a->timer));
    begin_work(r);
    while (!timer_is_started(&a->timer)) {
        uv_run(&r->v->app.loop.uv, UV_RUN_ONCE);
    }
}

// Two rounds in a row: the backend that is named is not there.
static void health_that_fails_twice_is_told(void **state)
{
    struct rig *r = *state;
    struct alerter *a = r->v->app.monitor->alerter;
    r->v->app.config->alerts.threshold[ALERT_DISK] = 0;
    r->v->app.config->health_every_ms = 1;
    a->check_due_ms = 0;
    vlmd_subscription *s = vlmd_subscribe(r->v, on_event, r);
    begin_work(r);
    step_until(r, &r->arrived, 1);
    assert_string_equal(r->last_rule, "health");
    assert_non_null(strstr(r->last, "critical"));
    assert_true(a->unhealthy >= 2);
    vlmd_unsubscribe(s);
}

// A statement that took two seconds, as the store would have counted it.
static void a_slow_query_is_told(void **state)
{
    struct rig *r = *state;
    r->v->app.config->alerts.threshold[ALERT_DISK] = 0;
    histogram_add(
        (struct histogram *)store_statement_times(r->v->app.store, STORE_SELECT),
        2000000);
    vlmd_subscription *s = vlmd_subscribe(r->v, on_event, r);
    begin_work(r);
    step_until(r, &r->arrived, 1);
    assert_string_equal(r->last_rule, "slow_queries");
    assert_int_equal(r->v->app.monitor->alerter->slow_queries, 1);
    vlmd_unsubscribe(s);
}

static void on_paused(void *arg, int err, const char *message)
{
    (void)message;
    assert_int_equal(err, 0);
    *(int *)arg += 1;
}

static void step_samples(struct rig *r, int n)
{
    struct alerter *a = r->v->app.monitor->alerter;
    for (int i = 0; i < n; i++) {
        while (!a->is_sampling) {
            uv_run(&r->v->app.loop.uv, UV_RUN_ONCE);
        }
        while (a->is_sampling) {
            uv_run(&r->v->app.loop.uv, UV_RUN_ONCE);
        }
    }
}

// Nothing was described for long, though a picture waits.
static void what_a_person_paused_is_not_stuck(void **state)
{
    struct rig *r = *state;
    struct alerter *a = r->v->app.monitor->alerter;
    int paused = 0;
    r->v->app.config->alerts.threshold[ALERT_DISK] = 0;
    vlmd_subscription *s = vlmd_subscribe(r->v, on_event, r);
    assert_int_equal(vlmd_pause(r->v, VLMD_UNTIL_RESUMED, on_paused, &paused), 0);
    step_until(r, &paused, 1);
    begin_work(r);
    step_samples(r, 1);
    a->progress_ms = loop_now_ms(&r->v->app.loop) - 3600000;
    step_samples(r, 2);
    assert_int_equal(r->events, 0);
    assert_int_equal(vlmd_resume(r->v, on_paused, &paused), 0);
    step_until(r, &paused, 2);
    step_samples(r, 1);
    a->progress_ms = loop_now_ms(&r->v->app.loop) - 3600000;
    step_until(r, &r->events, 1);
    assert_string_equal(r->last_rule, "stalled");
    vlmd_unsubscribe(s);
}

static void it_closes_while_a_sample_is_taken(void **state)
{
    struct rig *r = *state;
    begin_work(r);
    while (!r->v->app.monitor->alerter->is_sampling) {
        uv_run(&r->v->app.loop.uv, UV_RUN_ONCE);
    }
}

#define H(f) cmocka_unit_test_setup_teardown(f, setup_hook, teardown_hook)
#define T(f) cmocka_unit_test_setup_teardown(f, setup, teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        H(bodies_arrive_in_order),
        H(a_server_that_stumbles_is_asked_again),
        H(after_all_attempts_the_next_has_its_turn),
        H(a_refusal_is_not_tried_again),
        H(the_queue_is_bounded),
        H(it_closes_with_a_request_under_way),
        T(a_full_disk_is_told_and_its_end_too),
        T(nothing_is_measured_without_work),
        T(health_that_fails_twice_is_told),
        T(a_slow_query_is_told),
        T(what_a_person_paused_is_not_stuck),
        T(it_closes_while_a_sample_is_taken),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
