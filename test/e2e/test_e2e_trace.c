// test_e2e_trace.c -- what a collector of traces gets, and what a backend is told of them.
//
// The collector and a place in front of the backend, which notes what headers came, are web
// sites of the test's own.
// SPDX-License-Identifier: MIT
#include "e2e_more.h"
#include "e2e_pictures.h"

#include "vlmd.h"
#include "vlmd_health.h"

#include <limits.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { PICTURES = 5 };

#define PARENT_TRACE "4bf92f3577b34da6a3ce929d0e0e4736"
#define PARENT_SPAN  "00f067aa0ba902b7"

// ---- the collector

struct collector {
    struct site site;
    char *text;  // owned; all bodies, guarded by the site's lock
    int bodies;
};

static void on_spans(struct site *s, int fd, const char *head, const char *body,
                     size_t body_len)
{
    struct collector *c = s->arg;
    assert_non_null(strstr(head, "POST /v1/traces "));
    assert_non_null(strstr(head, "application/json"));
    pthread_mutex_lock(&s->lock);
    size_t had = c->text ? strlen(c->text) : 0;
    c->text = realloc(c->text, had + body_len + 2);
    memcpy(c->text + had, body, body_len);
    memcpy(c->text + had + body_len, "\n", 2);
    c->bodies++;
    pthread_mutex_unlock(&s->lock);
    site_reply(fd, "200 OK", "", "{}", 2);
}

// ---- in front of the backend

struct front {
    struct site site;
    const struct fake *fake;
    char traceparent[64];  // of the last chat; guarded by the site's lock
};

static void note_header(struct front *f, const char *head)
{
    const char *at = strstr(head, "traceparent: ");
    pthread_mutex_lock(&f->site.lock);
    snprintf(f->traceparent, sizeof(f->traceparent), "%.55s",
             at ? at + strlen("traceparent: ") : "none");
    pthread_mutex_unlock(&f->site.lock);
}

static void on_chat(struct site *s, int fd, const char *head, const char *body,
                    size_t body_len)
{
    struct front *f = s->arg;
    char method[16], path[200];
    struct reply r;
    assert_int_equal(sscanf(head, "%15s %199s", method, path), 2);
    if (strstr(path, "chat")) {
        note_header(f, head);
    }
    int to = client_connect(&f->fake->b);
    client_send(to, method, path, "Content-Type: application/json\r\n",
                body_len ? body : NULL, body_len);
    client_read(to, &r);
    close(to);
    char status[32];
    snprintf(status, sizeof(status), "%d X", r.status);
    site_reply(fd, status, "Content-Type: application/json\r\n", r.body, r.body_len);
    reply_free(&r);
}

// ---- vlmd

static vlmd *open_worker(struct place *p, const char *backend, int collector_port)
{
    char db[PATH_MAX], url[100] = "";
    struct vlmd_error error = {0};
    vlmd *v;
    snprintf(db, sizeof(db), "%s/trace.db", p->dir);
    if (collector_port) {
        snprintf(url, sizeof(url), "http://127.0.0.1:%d/v1/traces", collector_port);
    }
    const struct vlmd_setting settings[] = {{"db", db, "test"},
                                            {"backends", backend, "test"},
                                            {"ocr.when", "never", "test"},
                                            {"backend.stream", "no", "test"},
                                            {"retry.base", "1ms", "test"},
                                            {"trace.otlp_url", url, "test"}};
    const struct vlmd_options options = {.role = VLMD_WORKER,
                                         .config_file = "",
                                         .settings = settings,
                                         .n_settings = 6,
                                         .ignore_environment = true};
    if (vlmd_open(&options, &v, &error)) {
        fail_msg("%s", error.message);
    }
    return v;
}

static void describe(struct place *p, vlmd *v)
{
    const char *const inputs[] = {place_path(p, "in")};
    struct vlmd_error error = {0};
    if (vlmd_batch(v, inputs, 1, &error)) {
        fail_msg("%s", error.message);
    }
    assert_int_equal(vlmd_run(v), 0);
}

// ---- what came

static int check_span(const cJSON *s, const cJSON *all)
{
    const char *name = text_at(s, "name"), *trace = text_at(s, "traceId");
    int64_t from = atoll(text_at(s, "startTimeUnixNano"));
    int64_t until = atoll(text_at(s, "endTimeUnixNano"));
    const cJSON *other;
    assert_int_equal(strlen(trace), 32);
    assert_int_equal(strlen(text_at(s, "spanId")), 16);
    assert_true(from > INT64_C(1600000000000000000) && until >= from);
    bool is_root = strcmp(name, "describe") == 0;
    assert_int_equal(json_at(s, "parentSpanId") == NULL, is_root);
    if (is_root) {
        return 1;
    }
    cJSON_ArrayForEach(other, all)
    {
        if (strcmp(text_at(other, "spanId"), text_at(s, "parentSpanId")) == 0) {
            assert_string_equal(text_at(other, "name"), "describe");
            assert_string_equal(text_at(other, "traceId"), trace);
            assert_true(atoll(text_at(other, "startTimeUnixNano")) <= from + 2000000);
            assert_true(atoll(text_at(other, "endTimeUnixNano")) >= until);
            return 0;
        }
    }
    fail_msg("the parent of a span %s did not come", name);
    return 0;
}

static int count_named(const cJSON *spans, const char *name)
{
    const cJSON *s;
    int n = 0;
    cJSON_ArrayForEach(s, spans)
    {
        n += strcmp(text_at(s, "name"), name) == 0;
    }
    return n;
}

static void every_picture_is_a_trace(void **state)
{
    struct place *p = *state;
    struct fake f;
    struct collector c = {0};
    for (int n = 0; n < PICTURES; n++) {
        picture_write(place_path(p, "in"), NULL, n);
    }
    fake_start(p, &f, "--kind llama-server --fault 500:1");
    site_open(&c.site, "127.0.0.1", on_spans, &c);
    vlmd *v = open_worker(p, f.url, c.site.port);
    describe(p, v);
    vlmd_close(v);  // what is left is sent before it goes
    assert_int_equal(c.bodies, 1);
    cJSON *root = cJSON_Parse(c.text), *s;
    assert_non_null(root);
    const cJSON *spans = json_at(root, "resourceSpans.0.scopeSpans.0.spans");
    assert_string_equal(
        text_at(root, "resourceSpans.0.resource.attributes.0.value.stringValue"), "vlmd");
    int pictures = 0;
    cJSON_ArrayForEach(s, spans)
    {
        pictures += check_span(s, spans);
    }
    assert_int_equal(pictures, PICTURES);
    assert_int_equal(count_named(spans, "prepare"), PICTURES);
    assert_int_equal(count_named(spans, "request"), PICTURES + 1);
    cJSON_Delete(root);
    free(c.text);
    site_close(&c.site);
    fake_stop(&f);
}

static void on_submitted(void *arg, int err, int64_t id, bool is_new, const char *message)
{
    (void)id;
    (void)is_new;
    (void)message;
    assert_int_equal(err, 0);
    *(bool *)arg = true;
}

static void on_event(void *arg, const struct vlmd_event *e)
{
    if (e->type == VLMD_EVENT_JOB) {
        *(bool *)arg = true;
    }
}

static void submit_one(struct place *p, vlmd *v, int n, const char *traceparent)
{
    char path[PATH_MAX];
    bool is_submitted = false, is_ended = false;
    picture_write(place_path(p, "in"), NULL, n);
    snprintf(path, sizeof(path), "%s/in/pic-%05d.png", p->dir, n);
    const struct vlmd_input in = {.path = path, .traceparent = traceparent};
    vlmd_subscription *heard = vlmd_subscribe(v, on_event, &is_ended);
    assert_int_equal(vlmd_submit(v, &in, on_submitted, &is_submitted), 0);
    struct pollfd fd = {.fd = vlmd_fd(v), .events = POLLIN};
    while (!is_submitted || !is_ended) {
        poll(&fd, 1, vlmd_timeout_ms(v));
        vlmd_step(v);
    }
    vlmd_unsubscribe(heard);
}

// A trace that began elsewhere goes on through vlmd to the backend; without an exporter too.
static void a_trace_goes_on_through(void **state)
{
    struct place *p = *state;
    struct fake f;
    struct collector c = {0};
    struct front front = {.fake = &f};
    char url[64];
    fake_start(p, &f, "--kind llama-server");
    site_open(&c.site, "127.0.0.1", on_spans, &c);
    site_open(&front.site, "127.0.0.1", on_chat, &front);
    snprintf(url, sizeof(url), "http://127.0.0.1:%d", front.site.port);

    vlmd *v = open_worker(p, url, 0);
    submit_one(p, v, 1, "00-" PARENT_TRACE "-" PARENT_SPAN "-01");
    assert_int_equal(strncmp(front.traceparent, "00-" PARENT_TRACE "-", 36), 0);
    assert_null(strstr(front.traceparent, PARENT_SPAN));
    submit_one(p, v, 2, NULL);
    assert_string_equal(front.traceparent, "none");
    submit_one(p, v, 3, "nonsense");
    assert_string_equal(front.traceparent, "none");
    vlmd_close(v);

    v = open_worker(p, url, c.site.port);
    submit_one(p, v, 4, "00-" PARENT_TRACE "-" PARENT_SPAN "-01");
    vlmd_close(v);
    cJSON *root = cJSON_Parse(c.text), *s;
    const cJSON *spans = json_at(root, "resourceSpans.0.scopeSpans.0.spans");
    int found = 0;
    cJSON_ArrayForEach(s, spans)
    {
        const char *name = text_at(s, "name");
        assert_string_equal(text_at(s, "traceId"), PARENT_TRACE);
        if (strcmp(name, "describe") == 0) {
            assert_string_equal(text_at(s, "parentSpanId"), PARENT_SPAN);
            found++;
        }
        if (strcmp(name, "request") == 0) {
            assert_non_null(strstr(front.traceparent, text_at(s, "spanId")));
            found++;
        }
    }
    assert_int_equal(found, 2);
    cJSON_Delete(root);
    free(c.text);
    site_close(&front.site);
    site_close(&c.site);
    fake_stop(&f);
}

static void on_change(void *arg, int err, int64_t n, const char *message)
{
    (void)message;
    assert_int_equal(err, 0);
    assert_int_equal(n, 1);
    *(bool *)arg = true;
}

static void redo_all(vlmd *v)
{
    bool is_changed = false, is_ended = false;
    const struct vlmd_query all = {0};
    vlmd_subscription *heard = vlmd_subscribe(v, on_event, &is_ended);
    assert_int_equal(vlmd_change(v, VLMD_REDO, &all, true, on_change, &is_changed), 0);
    struct pollfd fd = {.fd = vlmd_fd(v), .events = POLLIN};
    while (!is_changed || !is_ended) {
        poll(&fd, 1, vlmd_timeout_ms(v));
        vlmd_step(v);
    }
    vlmd_unsubscribe(heard);
}

// Each time is a span of its own in the picture's trace.
static void what_is_described_again_has_other_spans(void **state)
{
    struct place *p = *state;
    struct fake f;
    struct collector c = {0};
    static const char member[] = "\"spanId\":\"";
    fake_start(p, &f, "--kind llama-server");
    site_open(&c.site, "127.0.0.1", on_spans, &c);
    vlmd *v = open_worker(p, f.url, c.site.port);
    submit_one(p, v, 1, NULL);
    redo_all(v);
    vlmd_close(v);
    int spans = 0;
    for (const char *at = strstr(c.text, member); at; at = strstr(at + 1, member)) {
        char one[64];
        snprintf(one, sizeof(one), "%.*s", (int)sizeof(member) - 1 + 16, at);
        assert_ptr_equal(strstr(c.text, one), at);
        spans++;
    }
    assert_true(spans >= 8);
    assert_int_equal(stat_of(&f.b, "chat_requests"), 2);
    free(c.text);
    site_close(&c.site);
    fake_stop(&f);
}

// The work goes on as if there were no collector, and the end does not wait for it.
static void a_collector_that_is_away_delays_nothing(void **state)
{
    struct place *p = *state;
    struct fake f;
    struct totals t;
    int fd, port = reserve_port(&fd);
    for (int n = 0; n < PICTURES; n++) {
        picture_write(place_path(p, "in"), NULL, n);
    }
    fake_start(p, &f, "--kind llama-server");
    vlmd *v = open_worker(p, f.url, port);
    describe(p, v);
    int64_t began_ms = now_ms();
    vlmd_close(v);
    assert_true(now_ms() - began_ms < 20000);
    fake_totals(&f, &t);
    assert_int_equal(t.answered, PICTURES);
    close(fd);
    fake_stop(&f);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(every_picture_is_a_trace, place_setup,
                                        place_teardown),
        cmocka_unit_test_setup_teardown(a_trace_goes_on_through, place_setup,
                                        place_teardown),
        cmocka_unit_test_setup_teardown(what_is_described_again_has_other_spans,
                                        place_setup, place_teardown),
        cmocka_unit_test_setup_teardown(a_collector_that_is_away_delays_nothing,
                                        place_setup, place_teardown),
    };
    e2e_filter();
    return cmocka_run_group_tests(tests, NULL, NULL);
}
