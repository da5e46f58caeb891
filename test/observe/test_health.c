// test_health.c -- everything that vlmd depends on is asked at once, and none waits for the
// slowest.
// SPDX-License-Identifier: MIT
// clang-format off
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <cmocka.h>
// clang-format on
#include "api/call.h"
#include "io/web_server.h"
#include "store/storekit.h"
#include "vlmd_health.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

enum { MAX_CHECKS = 32, TIMEOUT_MS = 1000 };

struct rig {
    struct kit k;
    vlmd *v;
    struct web web;
    bool has_web;
    char urls[5][64];
    int answers, err;
    // of the last answer
    char state[16];
    double took_ms;
    int n_healthy, n_degraded, n_unhealthy, n_disabled, n;
    struct {
        char name[300], kind[16], state[16], words[400], todo[200];
        double response_ms;
    } checks[MAX_CHECKS];
    // of doctor
    int ok, warned, failed, ended;
};

static int setup(void **state)
{
    struct rig *r = test_calloc(1, sizeof(*r));
    kit_init(&r->k);
    *state = r;
    return 0;
}

static void close_web(struct rig *r)
{
    if (r->has_web) {
        web_close(&r->web);
        r->has_web = false;
    }
}

static int teardown(void **state)
{
    struct rig *r = *state;
    close_web(r);
    vlmd_close(r->v);
    kit_fini(&r->k);
    test_free(r);
    return 0;
}

// What each path answers; /never says nothing.
static void on_request(struct web_conn *c)
{
    if (strcmp(c->path, "/ok") == 0) {
        web_reply(c, "well");
    } else if (strcmp(c->path, "/gone") == 0) {
        web_send(c, "HTTP/1.1 404 Not Found\r\nContent-Length: 0\r\n\r\n");
    } else if (strcmp(c->path, "/moved") == 0) {
        web_send(c, "HTTP/1.1 302 Found\r\nLocation: /ok\r\nContent-Length: 0\r\n\r\n");
    } else if (strcmp(c->path, "/hook") == 0) {
        web_send(c, "HTTP/1.1 405 Method Not Allowed\r\nContent-Length: 0\r\n\r\n");
    } else if (strcmp(c->path, "/v1/models") == 0) {
        web_reply(c, "{\"object\":\"list\",\"data\":[{\"id\":\"qwen2.5-vl-7b\"}]}");
    } else if (strcmp(c->path, "/never") != 0) {
        web_send(c, "HTTP/1.1 404 Not Found\r\nContent-Length: 0\r\n\r\n");
    }
}

static void open_rig(struct rig *r, const char *urls, const char *backend,
                     const char *webhook, const char *dirs)
{
    const struct vlmd_setting settings[] = {
        {"db", r->k.path, "test"},           {"backends", backend, "test"},
        {"health.urls", urls, "test"},       {"health.timeout", "1s", "test"},
        {"alerts.webhook", webhook, "test"}, {"watch.dirs", dirs, "test"},
    };
    const struct vlmd_options o = {.role = VLMD_WORKER,
                                   .config_file = "",
                                   .settings = settings,
                                   .n_settings = 6,
                                   .ignore_environment = true};
    struct vlmd_error e;
    if (vlmd_open(&o, &r->v, &e)) {
        fail_msg("%s", e.message);
    }
}

static void on_health(void *arg, int err, const struct vlmd_health *h,
                      const char *message)
{
    struct rig *r = arg;
    assert_non_null(message);
    r->answers++;
    r->err = err;
    snprintf(r->state, sizeof(r->state), "%s", h->state);
    r->took_ms = h->took_ms;
    r->n_healthy = h->n_healthy;
    r->n_degraded = h->n_degraded;
    r->n_unhealthy = h->n_unhealthy;
    r->n_disabled = h->n_disabled;
    r->n = h->n_checks;
    assert_int_equal(r->n, h->n_healthy + h->n_degraded + h->n_unhealthy + h->n_disabled);
    for (int i = 0; i < h->n_checks && i < MAX_CHECKS; i++) {
        const struct vlmd_health_check *c = &h->checks[i];
        snprintf(r->checks[i].name, sizeof(r->checks[i].name), "%s", c->name);
        snprintf(r->checks[i].kind, sizeof(r->checks[i].kind), "%s", c->kind);
        snprintf(r->checks[i].state, sizeof(r->checks[i].state), "%s", c->state);
        snprintf(r->checks[i].words, sizeof(r->checks[i].words), "%s", c->words);
        snprintf(r->checks[i].todo, sizeof(r->checks[i].todo), "%s", c->todo);
        r->checks[i].response_ms = c->response_ms;
        assert_true(*c->words);
        if (strcmp(c->state, "unhealthy") == 0) {
            assert_true(*c->todo);
        }
    }
}

static int find(const struct rig *r, const char *part)
{
    for (int i = 0; i < r->n; i++) {
        if (strstr(r->checks[i].name, part)) {
            return i;
        }
    }
    fail_msg("%s was not asked", part);
    return 0;
}

static void expect(const struct rig *r, const char *part, const char *state)
{
    int i = find(r, part);
    if (strcmp(r->checks[i].state, state) != 0) {
        fail_msg("%s is %s: %s", r->checks[i].name, r->checks[i].state,
                 r->checks[i].words);
    }
}

// The server stands on the library's own loop, so its port is known only when the library is
// open: the addresses are put in then.
static void open_with_web(struct rig *r, const char *backend)
{
    char dirs[300];
    snprintf(dirs, sizeof(dirs), "%s,%s/nowhere", r->k.folder, r->k.folder);
    open_rig(r, "http://a/,http://b/,http://c/,http://d/", backend,
             "http://hook.invalid/", dirs);
    web_open(&r->web, &r->v->app.loop, NULL);
    r->web.on_request = on_request;
    r->has_web = true;
    static const char *const paths[] = {"ok", "gone", "moved", "never", "hook"};
    for (int i = 0; i < 5; i++) {
        snprintf(r->urls[i], sizeof(r->urls[i]), "http://127.0.0.1:%d/%s", r->web.port,
                 paths[i]);
    }
    struct config *c = r->v->app.config;
    for (int i = 0; i < 4; i++) {
        c->health_urls[i] = r->urls[i];
    }
    c->alert_webhook = r->urls[4];
}

static void each_has_its_own_result(void **state)
{
    struct rig *r = *state;
    open_with_web(r, "http://127.0.0.1:9");
    assert_int_equal(vlmd_health(r->v, on_health, r), 0);
    assert_int_equal(r->answers, 0);
    vlmd_run(r->v);
    assert_int_equal(r->answers, 1);
    assert_int_equal(r->err, 0);
    assert_string_equal(r->state, "unhealthy");
    expect(r, "database", "healthy");
    expect(r, "disk", "healthy");
    expect(r, "/ok", "healthy");
    expect(r, "/gone", "unhealthy");
    expect(r, "/moved", "degraded");
    expect(r, "/never", "unhealthy");
    expect(r, "webhook", "healthy");
    expect(r, "tracker", "disabled");
    expect(r, "backend http://127.0.0.1:9", "unhealthy");
    expect(r, "/nowhere", "unhealthy");
    assert_true(r->checks[find(r, "/ok")].response_ms >= 0);
    assert_true(r->checks[find(r, "/ok")].response_ms < TIMEOUT_MS);
    assert_true(r->checks[find(r, "/never")].response_ms >= TIMEOUT_MS * 0.9);
    assert_true(r->checks[find(r, "tracker")].response_ms < 0);
    assert_non_null(strstr(r->checks[find(r, "tracker")].words, "vlmd watch"));
    assert_true(r->took_ms < 3 * TIMEOUT_MS);  // all at once
}

// As Pensieve leaves it beside its pictures.
static void put_sign(struct rig *r, const char *name, int64_t age_s)
{
    char path[400];
    snprintf(path, sizeof(path), "%s/%s", r->k.folder, name);
    FILE *f = fopen(path, "w");
    assert_non_null(f);
    fclose(f);
    const struct timespec at = {.tv_sec = time(NULL) - age_s};
    assert_int_equal(utimensat(AT_FDCWD, path, (struct timespec[]){at, at}, 0), 0);
}

static void make_folder(struct rig *r, const char *name)
{
    char path[400];
    snprintf(path, sizeof(path), "%s/%s", r->k.folder, name);
    assert_int_equal(mkdir(path, 0700), 0);
}

// The folder above the pictures tells that the tracker runs, was stopped, or is gone.
static void a_tracker_shows_that_it_is_alive(void **state)
{
    struct rig *r = *state;
    static const struct {
        int64_t age_s;
        bool is_stopped;
        const char *state, *words;
    } rows[] = {
        {2, false, "healthy", "runs: seen "},
        {3600, false, "degraded", "no sign of life"},
        {90 * 86400, false, "disabled", "90 days"},
        {3600, true, "degraded", "was stopped"},
    };
    char shots[300];
    make_folder(r, "pids");
    make_folder(r, "shots");
    snprintf(shots, sizeof(shots), "%s/shots", r->k.folder);
    open_rig(r, "http://127.0.0.1:9/", "http://127.0.0.1:9", "http://127.0.0.1:9/",
             "/nowhere/at/all");
    r->v->app.config->watch_dirs[1] = shots;
    r->v->app.config->watch_dirs[2] = NULL;
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        put_sign(r, "record.heartbeat", rows[i].age_s);
        if (rows[i].is_stopped) {
            put_sign(r, "pids/record.stopped", 0);
        }
        r->answers = 0;
        assert_int_equal(vlmd_health(r->v, on_health, r), 0);
        while (r->answers == 0) {
            vlmd_step(r->v);
        }
        expect(r, "tracker", rows[i].state);
        const int at = find(r, "tracker");
        assert_non_null(strstr(r->checks[at].words, rows[i].words));
        assert_non_null(strstr(r->checks[at].words, r->k.folder));
        assert_true(r->checks[at].response_ms >= 0);
    }
}

// What is watched counts, whatever the configuration says; and it may go away.
static void a_watched_folder_that_goes_away_is_seen(void **state)
{
    struct rig *r = *state;
    char dir[200];
    open_with_web(r, "ocr");
    r->v->app.config->health_urls[0] = NULL;
    snprintf(dir, sizeof(dir), "%s/shots", r->k.folder);
    assert_int_equal(mkdir(dir, 0700), 0);
    assert_int_equal(vlmd_watch(r->v, dir, NULL, 0, NULL), 0);
    assert_int_equal(vlmd_health(r->v, on_health, r), 0);
    while (r->answers < 1) {
        uv_run(&r->v->app.loop.uv, UV_RUN_ONCE);
    }
    expect(r, "/shots", "healthy");
    assert_int_equal(rmdir(dir), 0);
    assert_int_equal(vlmd_health(r->v, on_health, r), 0);
    while (r->answers < 2) {
        uv_run(&r->v->app.loop.uv, UV_RUN_ONCE);
    }
    expect(r, "/shots", "unhealthy");
}

static void all_well_is_told_so(void **state)
{
    struct rig *r = *state;
    open_with_web(r, "ocr");
    r->v->app.config->health_urls[1] = NULL;
    r->v->app.config->watch_dirs[1] = NULL;
    assert_int_equal(vlmd_health(r->v, on_health, r), 0);
    vlmd_run(r->v);
    bool has_ocr = strcmp(r->checks[find(r, "ocr")].state, "healthy") == 0;
    assert_string_equal(r->state, has_ocr ? "healthy" : "unhealthy");
    assert_int_equal(r->n_degraded, 0);
    assert_int_equal(r->n_disabled, 1);
}

static void a_webhook_that_refuses_is_degraded(void **state)
{
    struct rig *r = *state;
    open_with_web(r, "ocr");
    r->v->app.config->alert_webhook = r->urls[1];
    assert_int_equal(vlmd_health(r->v, on_health, r), 0);
    vlmd_run(r->v);
    expect(r, "webhook", "degraded");
    r->v->app.config->alert_webhook = "";
    assert_int_equal(vlmd_health(r->v, on_health, r), 0);
    vlmd_run(r->v);
    expect(r, "webhook", "disabled");
}

static void a_server_that_answers_is_found_out(void **state)
{
    struct rig *r = *state;
    struct backend_config *b;
    char url[64];
    open_with_web(r, "http://127.0.0.1:9");
    snprintf(url, sizeof(url), "http://127.0.0.1:%d", r->web.port);
    b = &r->v->app.config->backends[0];
    b->url = url;
    assert_int_equal(vlmd_health(r->v, on_health, r), 0);
    vlmd_run(r->v);
    int i = find(r, url);
    assert_string_equal(r->checks[i].kind, "backend");
    assert_string_equal(r->checks[i].state, "healthy");
    assert_non_null(strstr(r->checks[i].words, "qwen2.5-vl-7b"));
}

static void rounds_do_not_mind_each_other(void **state)
{
    struct rig *r = *state;
    open_with_web(r, "http://127.0.0.1:9");
    for (int i = 0; i < 5; i++) {
        assert_int_equal(vlmd_health(r->v, on_health, r), 0);
    }
    vlmd_run(r->v);
    assert_int_equal(r->answers, 5);
    expect(r, "/ok", "healthy");
}

static void a_round_under_way_is_answered_when_it_closes(void **state)
{
    struct rig *r = *state;
    open_rig(r, "http://127.0.0.1:9/", "http://127.0.0.1:9", "", r->k.folder);
    for (int i = 0; i < 3; i++) {
        assert_int_equal(vlmd_health(r->v, on_health, r), 0);
    }
    vlmd_close(r->v);
    r->v = NULL;
    assert_int_equal(r->answers, 3);
    assert_int_equal(r->err, VLMD_ERR_CANCELED);
}

static void a_client_is_refused(void **state)
{
    struct rig *r = *state;
    const struct vlmd_setting settings[] = {{"db", r->k.path, "test"}};
    const struct vlmd_options o = {.role = VLMD_CLIENT,
                                   .config_file = "",
                                   .settings = settings,
                                   .n_settings = 1,
                                   .ignore_environment = true};
    assert_int_equal(vlmd_open(&o, &r->v, NULL), 0);
    assert_int_equal(vlmd_health(r->v, on_health, r), VLMD_ERR_USAGE);
}

// ---- doctor asks the same

static void on_check(void *arg, const struct vlmd_check *c)
{
    struct rig *r = arg;
    r->ok += c->result == VLMD_CHECK_OK;
    r->warned += c->result == VLMD_CHECK_WARN;
    r->failed += c->result == VLMD_CHECK_FAIL;
    assert_true(*c->name && *c->words);
    assert_true(c->result != VLMD_CHECK_FAIL || *c->todo);
}

static void on_end(void *arg, int err, const char *message)
{
    struct rig *r = arg;
    (void)message;
    r->ended++;
    r->err = err;
}

static void doctor_tells_the_same_and_more(void **state)
{
    struct rig *r = *state;
    open_with_web(r, "http://127.0.0.1:9");
    assert_int_equal(vlmd_health(r->v, on_health, r), 0);
    vlmd_run(r->v);
    assert_int_equal(vlmd_doctor(r->v, on_check, on_end, r), 0);
    vlmd_run(r->v);
    assert_int_equal(r->ended, 1);
    assert_int_equal(r->err, 0);
    assert_int_equal(r->failed, r->n_unhealthy);
    assert_true(r->warned >= r->n_degraded);
    // Besides: configuration, integrity, inotify, and memory, which may be short here.
    assert_int_equal(r->ok + r->warned, r->n_healthy + r->n_disabled + r->n_degraded + 4);
}

#define T(f) cmocka_unit_test_setup_teardown(f, setup, teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        T(each_has_its_own_result),
        T(a_tracker_shows_that_it_is_alive),
        T(a_watched_folder_that_goes_away_is_seen),
        T(all_well_is_told_so),
        T(a_webhook_that_refuses_is_degraded),
        T(a_server_that_answers_is_found_out),
        T(rounds_do_not_mind_each_other),
        T(a_round_under_way_is_answered_when_it_closes),
        T(a_client_is_refused),
        T(doctor_tells_the_same_and_more),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
