// test_admin_every.c -- what holds for every route, whichever are added.
//
// The table itself is walked: a new row is covered by being there.  Keys, scopes and methods
// are walked in test_admin_guards.c.
// SPDX-License-Identifier: MIT
#include "admin/admin_inside.h"
#include "admin/admin_rig.h"

#include "base/json.h"
#include "base/log.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

enum { AT_ONCE = 12 };

static bool has_body(const struct route *r)
{
    return strcmp(r->method, "POST") == 0;
}

// Its path, with a number for {id}.  A stream never ends: it is asked for something that
// there is not.
static const char *target_of(const struct route *r)
{
    static char text[200];
    const char *hole = strstr(r->path, "{id}");
    if (hole) {
        snprintf(text, sizeof(text), "%.*s987654%s", (int)(hole - r->path), r->path,
                 hole + 4);
        return text;
    }
    snprintf(text, sizeof(text), "%s%s", r->path,
             strcmp(r->path, "/v1/events") == 0 ? "?types=nonsense" : "");
    return text;
}

// An error has all its members, and every answer the headers that protect a browser.
static void check(const struct route *route, const struct answer *a)
{
    static const char *const headers[] = {"X-Content-Type-Options", "X-Frame-Options",
                                          "Referrer-Policy", "X-Correlation-ID"};
    for (size_t i = 0; i < sizeof(headers) / sizeof(headers[0]); i++) {
        if (!answer_header(a, headers[i])) {
            fail_msg("%s %s: no %s: %s", route->method, route->path, headers[i], a->text);
        }
    }
    if (a->status < 400 || a->status == 503) {
        return;
    }
    const cJSON *e = json_get(a->json, "error");
    static const char *const members[] = {"code", "message", "severity",
                                          "correlation_id"};
    for (size_t i = 0; i < sizeof(members) / sizeof(members[0]); i++) {
        const char *s = json_get_str(e, members[i]);
        if (!s || !*s) {
            fail_msg("%s %s: an error without %s: %s", route->method, route->path,
                     members[i], a->text);
        }
    }
    assert_non_null(json_get(e, "field"));
    assert_true(cJSON_IsBool(json_get(e, "recoverable")));
    assert_string_equal(json_get_str(e, "correlation_id"),
                        answer_header(a, "X-Correlation-ID"));
}

static void expect(struct rig *r, const struct route *route, struct answer a, int status,
                   const char *what)
{
    (void)r;
    if (a.status != status) {
        fail_msg("%s %s, %s: %d instead of %d: %s", route->method, route->path, what,
                 a.status, status, a.text);
    }
    check(route, &a);
    answer_free(&a);
}

static void open_unlimited(struct rig *r)
{
    rig_set(r, "admin.rate", "0");
    rig_open(r);
}

// ---- what is refused before anything is read

static void a_body_that_is_announced_too_large_is_refused_at_once(void **state)
{
    struct rig *r = *state;
    open_unlimited(r);
    for (int i = 0; i < n_admin_routes; i++) {
        const struct route *route = &admin_routes[i];
        char text[800];
        int n = snprintf(text, sizeof(text),
                         "%s %s HTTP/1.1\r\nHost: %s\r\nAuthorization: Bearer %s\r\n"
                         "Origin: http://%s\r\nContent-Length: 1099511627776\r\n\r\n",
                         route->method, target_of(route), r->host, r->token, r->host);
        expect(r, route, rig_send(r, text, (size_t)n), 413, "a body of a TiB");
    }
}

// Nobody says how long it will be.
static void a_body_that_grows_too_large_is_refused(void **state)
{
    struct rig *r = *state;
    open_unlimited(r);
    for (int i = 0; i < n_admin_routes; i++) {
        const struct route *route = &admin_routes[i];
        enum { CHUNK = 64 << 10 };
        if (route->max_body > 4096 || route->run == route_submit) {
            continue;  // all of one size are refused in one place, and this is slow
        }
        char *text = malloc(CHUNK + 1000);
        int n =
            snprintf(text, 1000,
                     "%s %s HTTP/1.1\r\nHost: %s\r\nAuthorization: Bearer %s\r\n"
                     "Origin: http://%s\r\nTransfer-Encoding: chunked\r\n\r\n%x\r\n",
                     route->method, target_of(route), r->host, r->token, r->host, CHUNK);
        memset(text + n, 'x', CHUNK);
        memcpy(text + n + CHUNK, "\r\n0\r\n\r\n", 7);
        expect(r, route, rig_send(r, text, (size_t)n + CHUNK + 7), 413, "a long body");
        free(text);
    }
}

struct security {
    int n;
    char last[300];
};

static void on_line(void *arg, const struct log_line *line)
{
    struct security *s = arg;
    if (strcmp(line->module, "security") == 0) {
        s->n++;
        snprintf(s->last, sizeof(s->last), "%s", line->message);
    }
}

// Those who try without end are told of once a while (FAILURES_PER_MIN): one each, here.
static void every_kind_of_refusal_is_logged(void **state)
{
    struct rig *r = *state;
    struct security s = {0};
    open_unlimited(r);
    char host[100], own[200];
    snprintf(own, sizeof(own), "Host: %s\r\nAuthorization: Bearer %s\r\n", r->host,
             r->token);
    snprintf(host, sizeof(host), "Host: %s\r\n", r->host);
    const struct {
        const char *event, *method, *target, *head, *more;
        int status;
    } rows[] = {
        {"auth_failed", "GET", "/v1/status", host, "", 401},
        {"auth_failed", "GET", "/v1/status", host, "Authorization: Bearer wrong\r\n",
         401},
        {"auth_failed", "GET", "/v1/status", host,
         "Authorization: Bearer eyJhbGciOiJub25lIn0.eyJzdWIiOiJhIn0.\r\n", 401},
        {"auth_failed", "GET", "/v1/status", host, "Cookie: vlmd_session=a.b.c\r\n", 401},
        {"host_refused", "GET", "/v1/status", "Host: evil.example\r\n", "", 403},
        {"origin_refused", "POST", "/admin/pause", own, "Origin: http://evil.example\r\n",
         403},
    };
    log_set_sink(on_line, &s);
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        char head[600], expected[60];
        int before = s.n;
        snprintf(head, sizeof(head), "%s%s", rows[i].head, rows[i].more);
        struct answer a = rig_ask_bare(r, rows[i].method, rows[i].target, head, NULL);
        assert_int_equal(a.status, rows[i].status);
        assert_int_equal(s.n, before + 1);
        snprintf(expected, sizeof(expected), "event=%s ", rows[i].event);
        assert_non_null(strstr(s.last, expected));
        assert_non_null(strstr(s.last, answer_header(&a, "X-Correlation-ID")));
        assert_null(strstr(s.last, "eyJ"));
        answer_free(&a);
    }
    log_clear_sink(on_line, &s);
}

// A token whose time is over, signed as it should be.
static void make_expired(struct rig *r, const char *use, char *out)
{
    static struct auth a;
    char dir[200];
    struct err e;
    struct auth_who who = {.name = "old", .scopes = AUTH_READ};
    rig_folder(r, dir, sizeof(dir));
    assert_int_equal(auth_open(&a, dir, "", &e), 0);
    assert_int_equal(auth_make_jwt(&a, &who, use, time(NULL) - 60, out, JWT_MAX), 0);
    auth_close(&a);
}

static int64_t denied(struct rig *r)
{
    struct answer a = rig_ask(r, "GET", "/health", NULL, NULL);
    int64_t n = json_get_int(json_get(a.json, "http"), "denied", -1);
    answer_free(&a);
    return n;
}

static void what_has_expired_or_climbs_is_logged_and_counted(void **state)
{
    struct rig *r = *state;
    struct security s = {0};
    open_unlimited(r);
    char api[JWT_MAX], session[JWT_MAX], key[JWT_MAX + 64], cookie[JWT_MAX + 64];
    static const char json[] = "Content-Type: application/json\r\n";
    make_expired(r, "api", api);
    make_expired(r, "session", session);
    snprintf(key, sizeof(key), "Authorization: Bearer %s\r\n", api);
    snprintf(cookie, sizeof(cookie), "Cookie: vlmd_session=%s\r\n", session);
    const struct {
        const char *event, *target, *head, *body;
        int status;
    } rows[] = {
        {"auth_expired", "/v1/status", key, NULL, 401},
        {"auth_expired", "/v1/status", cookie, NULL, 401},
        {"path_refused", "/../../etc/passwd", "", NULL, 404},
        {"path_refused", "/page/%2e%2e/api-token", "", NULL, 404},
        {"path_refused", "/..%5capi-token", "", NULL, 404},
        {"path_refused", "/%252e%252e/api-token", "", NULL, 404},
        {"path_refused", "/v1/images/../1", "", NULL, 404},
        {"path_refused", "/v1/jobs", json, "{\"path\": \"/etc/hostname\"}", 403},
        {"path_refused", "/v1/batches", json, "{\"inputs\": [\"/etc/hostname\"]}", 200},
    };
    enum { ROWS = sizeof(rows) / sizeof(rows[0]) };
    int64_t before = denied(r);
    log_set_sink(on_line, &s);
    for (int i = 0; i < ROWS; i++) {
        char head[JWT_MAX + 300], expected[60];
        snprintf(head, sizeof(head), "Host: %s\r\n%s", r->host, rows[i].head);
        struct answer a = rows[i].body
                              ? rig_ask(r, "POST", rows[i].target, json, rows[i].body)
                              : rig_ask_bare(r, "GET", rows[i].target, head, NULL);
        assert_int_equal(a.status, rows[i].status);
        snprintf(expected, sizeof(expected), "event=%s ", rows[i].event);
        if (s.n != i + 1 || !strstr(s.last, expected)) {
            fail_msg("row %d: %d lines, %s", i, s.n, s.last);
        }
        assert_non_null(strstr(s.last, answer_header(&a, "X-Correlation-ID")));
        assert_null(strstr(s.last, "eyJ"));
        assert_null(strstr(s.last, "passwd"));
        answer_free(&a);
    }
    // Without end: all are refused and counted, but only ten a minute are told.
    for (int i = 0; i < 40; i++) {
        struct answer a = rig_ask(r, "GET", "/../x", NULL, NULL);
        answer_free(&a);
    }
    log_clear_sink(on_line, &s);
    assert_in_range(s.n, ROWS, 12);
    assert_int_equal(denied(r), before + ROWS + 40);
}

// In our words where the library lets us, else in its own; told in the log and counted.
static void what_is_no_request_is_refused_and_logged(void **state)
{
    struct rig *r = *state;
    struct security s = {0};
    static const struct {
        const char *text;
        int filler;  // bytes of a header
        int status;
        bool is_ours;
    } rows[] = {
        {"GET /healthz HTTP/1.1\r\nHost: 127.0.0.1\r\nX-Long: ", 20000, 431, true},
        {"GET /healthz HTTP/1.1\r\nHost: 127.0.0.1\r\nX-Long: ", 60000, 431, false},
        {"GET /healthz HTTP/1.1\r\nContent-Length: -5\r\nX: ", 1, 400, false},
        {"GET /healthz HTTP/1.1\r\nX: ", 1, 400, false},  // without a host
    };
    open_unlimited(r);
    log_set_sink(on_line, &s);
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        int before = s.n;
        char *text = malloc((size_t)rows[i].filler + 1000);
        size_t n = (size_t)sprintf(text, "%s", rows[i].text);
        memset(text + n, 'x', (size_t)rows[i].filler);
        memcpy(text + n + rows[i].filler, "\r\n\r\n", 5);
        struct answer a = rig_send(r, text, n + (size_t)rows[i].filler + 4);
        free(text);
        if (a.status != rows[i].status) {
            fail_msg("row %zu: %d: %s", i, a.status, a.text);
        }
        assert_int_equal(s.n, before + 1);
        assert_non_null(
            strstr(s.last, rows[i].is_ours ? "head_refused" : "request_refused"));
        if (rows[i].is_ours) {
            assert_string_equal(answer_error(&a, "code"), "headers_too_large");
            assert_non_null(answer_header(&a, "X-Content-Type-Options"));
        }
        answer_free(&a);
    }
    log_clear_sink(on_line, &s);
    struct answer a = rig_ask(r, "GET", "/health", NULL, NULL);
    assert_int_equal(json_get_int(json_get(a.json, "http"), "malformed", 0), 3);
    answer_free(&a);
}

// A browser sends the cookies of every port of this machine to each of them.
static void heads_with_many_fields_are_answered_or_refused(void **state)
{
    struct rig *r = *state;
    static const struct {
        const char *name, *between;
        int n, bytes;  // fields, and of each value
        int status;    // 0: refused, but the library finds no room to say so
    } rows[] = {
        {"Cookie: a", "; a", 1, 20, 200},    {"Cookie: a", "; a", 5, 1400, 200},
        {"Cookie: a", "; a", 40, 150, 200},  {"Cookie: a", "; a", 20, 450, 431},
        {"X-A: ", "\r\nX-A: ", 150, 8, 200}, {"X-A: ", "\r\nX-A: ", 10, 1200, 200},
        {"X-A: ", "\r\nX-A: ", 260, 8, 431}, {"Cookie: a", "; a", 1, 11000, 0},
    };
    struct security s = {0};
    open_unlimited(r);
    log_set_sink(on_line, &s);
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        char text[20000];
        int before = s.n;
        int n = sprintf(text, "GET /healthz HTTP/1.1\r\nHost: 127.0.0.1\r\n");
        for (int k = 0; k < rows[i].n; k++) {
            n += sprintf(text + n, "%s%03d=%0*d", k ? rows[i].between : rows[i].name, k,
                         rows[i].bytes, 7);
        }
        n += sprintf(text + n, "\r\n\r\n");
        struct answer a = rig_send(r, text, (size_t)n);
        if (a.status != rows[i].status) {
            fail_msg("row %zu: %d: %s", i, a.status, a.text);
        }
        assert_int_equal(s.n, before + (a.status != 200));
        if (a.status == 431) {
            assert_string_equal(answer_error(&a, "code"), "headers_too_large");
        }
        answer_free(&a);
    }
    log_clear_sink(on_line, &s);
}

static void other_hosts_and_origins_are_refused_everywhere(void **state)
{
    struct rig *r = *state;
    open_unlimited(r);
    for (int i = 0; i < n_admin_routes; i++) {
        const struct route *route = &admin_routes[i];
        char head[300];
        snprintf(head, sizeof(head),
                 "Host: rebound.example\r\nAuthorization: Bearer %s\r\n", r->token);
        expect(r, route, rig_ask_bare(r, route->method, target_of(route), head, NULL),
               403, "another host");
        expect(r, route,
               rig_ask(r, route->method, target_of(route),
                       "Origin: http://evil.example\r\n", NULL),
               403, "another origin");
    }
}

// ---- what is answered

// No route takes what is no JSON for JSON, or fails over it.
static void bad_bodies_are_refused(void **state)
{
    struct rig *r = *state;
    static const char *const bodies[] = {
        "{", "[]", "null", "\"x\"", "{\"no such member\":1}", "{} {}", "{\"a\":\"\xff\"}",
    };
    open_unlimited(r);
    for (int i = 0; i < n_admin_routes; i++) {
        const struct route *route = &admin_routes[i];
        for (size_t k = 0; has_body(route) && k < sizeof(bodies) / sizeof(bodies[0]);
             k++) {
            struct answer a = rig_ask(r, "POST", target_of(route),
                                      "Content-Type: application/json\r\n", bodies[k]);
            if (a.status >= 500 || a.status < 200) {
                fail_msg("POST %s with %s: %s", route->path, bodies[k], a.text);
            }
            check(route, &a);
            answer_free(&a);
        }
    }
}

static int request(struct rig *r, const struct route *route, char *out, size_t size)
{
    return snprintf(out, size,
                    "%s %s HTTP/1.1\r\nHost: %s\r\nAuthorization: Bearer %s\r\n"
                    "Origin: http://%s\r\nContent-Type: application/json\r\n"
                    "Content-Length: %d\r\n\r\n%s",
                    route->method, target_of(route), r->host, r->token, r->host,
                    has_body(route) ? 1 : 0, has_body(route) ? "[" : "");
}

// Byte by byte it is the same request.
static void a_slow_sender_gets_the_same_answer(void **state)
{
    struct rig *r = *state;
    open_unlimited(r);
    for (int i = 0; i < n_admin_routes; i++) {
        const struct route *route = &admin_routes[i];
        char text[800];
        int n = request(r, route, text, sizeof(text));
        struct answer at_once = rig_send(r, text, (size_t)n);
        int fd = rig_connect(r);
        for (int k = 0; k < n; k++) {
            rig_write(r, fd, text + k, 1);
            if (k % 16 == 0) {
                rig_turn(r);
            }
        }
        struct answer slow = rig_read(r, fd);
        close(fd);
        check(route, &at_once);
        expect(r, route, slow, at_once.status, "byte by byte");
        answer_free(&at_once);
    }
}

static void many_at_once_get_the_same_answer(void **state)
{
    struct rig *r = *state;
    open_unlimited(r);
    rig_add_files(r, 5);
    for (int i = 0; i < n_admin_routes; i++) {
        const struct route *route = &admin_routes[i];
        char text[800];
        int fds[AT_ONCE], n = request(r, route, text, sizeof(text)), first = 0;
        for (int k = 0; k < AT_ONCE; k++) {
            fds[k] = rig_connect(r);
            rig_write(r, fds[k], text, (size_t)n);
        }
        for (int k = 0; k < AT_ONCE; k++) {
            struct answer a = rig_read(r, fds[k]);
            close(fds[k]);
            first = k ? first : a.status;
            expect(r, route, a, first, "many at once");
        }
        assert_true(first < 500 || first == 503);
    }
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, rig_setup, rig_teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(a_body_that_is_announced_too_large_is_refused_at_once),
        TEST(a_body_that_grows_too_large_is_refused),
        TEST(every_kind_of_refusal_is_logged),
        TEST(what_has_expired_or_climbs_is_logged_and_counted),
        TEST(what_is_no_request_is_refused_and_logged),
        TEST(heads_with_many_fields_are_answered_or_refused),
        TEST(other_hosts_and_origins_are_refused_everywhere),
        TEST(bad_bodies_are_refused),
        TEST(a_slow_sender_gets_the_same_answer),
        TEST(many_at_once_get_the_same_answer),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
