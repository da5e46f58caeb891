// test_admin_guards.c -- every route, asked by those who may not, or in a wrong way.
// SPDX-License-Identifier: MIT
#include "admin/admin_inside.h"
#include "admin/admin_rig.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

static void real_path(const struct route *route, char *out, size_t size)
{
    const char *hole = strstr(route->path, "{id}");
    if (hole) {
        snprintf(out, size, "%.*s7%s", (int)(hole - route->path), route->path, hole + 4);
    } else {
        snprintf(out, size, "%s", route->path);
    }
}

static void expect(struct rig *r, struct answer a, int status, const char *code)
{
    (void)r;
    if (a.status != status) {
        fail_msg("%d instead of %d: %s", a.status, status, a.text);
    }
    if (code) {
        assert_string_equal(answer_error(&a, "code"), code);
        assert_int_equal(strlen(answer_error(&a, "correlation_id")),
                         strlen(answer_header(&a, "X-Correlation-ID")));
        assert_true(*answer_error(&a, "message"));
    }
    assert_string_equal(answer_header(&a, "X-Content-Type-Options"), "nosniff");
    assert_string_equal(answer_header(&a, "X-Frame-Options"), "DENY");
    assert_null(answer_header(&a, "Access-Control-Allow-Origin"));
    answer_free(&a);
}

static void make_jwt(struct rig *r, const char *scope, const char *use, int64_t life_s,
                     char *out)
{
    static struct auth a;
    char dir[200];
    struct err e;
    struct auth_who who = {.name = "test"};
    rig_folder(r, dir, sizeof(dir));
    assert_int_equal(auth_open(&a, dir, "", &e), 0);
    assert_true(auth_parse_scopes(scope, &who.scopes));
    assert_int_equal(auth_make_jwt(&a, &who, use, time(NULL) + life_s, out, JWT_MAX), 0);
    auth_close(&a);
}

// ---- all routes

static void every_route_wants_a_key(void **state)
{
    struct rig *r = *state;
    char path[200], host[100];
    rig_open(r);
    snprintf(host, sizeof(host), "Host: %s\r\n", r->host);
    for (int i = 0; i < n_admin_routes; i++) {
        const struct route *route = &admin_routes[i];
        real_path(route, path, sizeof(path));
        if (route->scope != ADMIN_NOTHING) {
            expect(r, rig_ask_bare(r, route->method, path, host, NULL), 401,
                   "unauthorized");
        }
    }
    // Nor is it told to strangers what there is.
    expect(r, rig_ask_bare(r, "GET", "/v1/nothing", host, NULL), 401, "unauthorized");
}

static void every_route_wants_its_scope(void **state)
{
    struct rig *r = *state;
    char path[200], head[JWT_MAX + 200], jwt[JWT_MAX];
    rig_open(r);
    for (int i = 0; i < n_admin_routes; i++) {
        const struct route *route = &admin_routes[i];
        if (route->scope == ADMIN_NOTHING || route->scope == AUTH_READ) {
            continue;
        }
        make_jwt(r, route->scope == AUTH_ADMIN ? "submit" : "read", "api", 60, jwt);
        snprintf(head, sizeof(head), "Host: %s\r\nAuthorization: Bearer %s\r\n", r->host,
                 jwt);
        real_path(route, path, sizeof(path));
        expect(r, rig_ask_bare(r, route->method, path, head, NULL), 403, "forbidden");
    }
}

static void other_methods_are_told_which_are_possible(void **state)
{
    struct rig *r = *state;
    char path[200];
    rig_open(r);
    for (int i = 0; i < n_admin_routes; i++) {
        const struct route *route = &admin_routes[i];
        real_path(route, path, sizeof(path));
        struct answer a = rig_ask(r, "PATCH", path, NULL, NULL);
        assert_int_equal(a.status, 405);
        assert_non_null(strstr(a.text, "possible here: "));
        assert_non_null(strstr(answer_header(&a, "Allow"), route->method));
        answer_free(&a);
    }
}

static void unknown_parameters_are_named(void **state)
{
    struct rig *r = *state;
    char path[200], own[100];
    rig_open(r);
    for (int i = 0; i < n_admin_routes; i++) {
        const struct route *route = &admin_routes[i];
        real_path(route, path, sizeof(path) - 20);
        strcat(path, "?nonsense=1");
        snprintf(own, sizeof(own), "Origin: http://%s\r\n", r->host);
        struct answer a = rig_ask(r, route->method, path, own, NULL);
        assert_int_equal(a.status, 400);
        assert_string_equal(answer_error(&a, "field"), "nonsense");
        answer_free(&a);
    }
}

static void bodies_are_bounded(void **state)
{
    struct rig *r = *state;
    char path[200], head[200];
    rig_open(r);
    for (int i = 0; i < n_admin_routes; i++) {
        const struct route *route = &admin_routes[i];
        char text[600];
        real_path(route, path, sizeof(path));
        snprintf(head, sizeof(head), "Authorization: Bearer %s\r\nOrigin: http://%s\r\n",
                 r->token, r->host);
        // Announced: answered before any of it came.
        int n =
            snprintf(text, sizeof(text),
                     "%s %s HTTP/1.1\r\nHost: %s\r\n%sContent-Length: 999999999\r\n\r\n",
                     route->method, path, r->host, head);
        expect(r, rig_send(r, text, (size_t)n), 413, "too_large");
    }
}

static void a_chunked_body_is_bounded_as_well(void **state)
{
    struct rig *r = *state;
    char head[400];
    size_t size = 3 << 20;
    char *text = calloc(1, size + 1000);
    rig_open(r);
    snprintf(head, sizeof(head),
             "POST /v1/jobs/retry HTTP/1.1\r\nHost: %s\r\nAuthorization: Bearer %s\r\n"
             "Transfer-Encoding: chunked\r\n\r\n",
             r->host, r->token);
    // A little too much is answered, much too much is cut off.
    int n = sprintf(text, "%s%x\r\n", head, ADMIN_BODY_MAX + 10);
    memset(text + n, 'a', ADMIN_BODY_MAX + 10);
    n += ADMIN_BODY_MAX + 10;
    n += sprintf(text + n, "\r\n0\r\n\r\n");
    expect(r, rig_send(r, text, (size_t)n), 413, "too_large");
    n = sprintf(text, "%s%zx\r\n", head, size);
    memset(text + n, 'a', size);
    struct answer a = rig_send(r, text, (size_t)n + size);
    assert_int_equal(a.status, 0);
    assert_true(a.is_closed);
    answer_free(&a);
    free(text);
}

// ---- keys

static void only_good_tokens_open(void **state)
{
    struct rig *r = *state;
    char good[JWT_MAX], head[JWT_MAX + 200], text[JWT_MAX];
    rig_open(r);
    make_jwt(r, "read", "api", 60, good);
    struct {
        const char *key;
        int status;
    } rows[12] = {
        {r->token, 200}, {good, 200}, {"", 401}, {"nonsense", 401}, {"a.b.c", 401}};
    int n = 5;
    static char old[JWT_MAX], login[JWT_MAX], session[JWT_MAX], forged[JWT_MAX];
    make_jwt(r, "admin", "api", -1, old);
    make_jwt(r, "admin", "login", 60, login);
    make_jwt(r, "admin", "session", 60, session);
    snprintf(forged, sizeof(forged), "%s", good);
    forged[strlen(forged) - 10] ^= 1;
    rows[n].key = old, rows[n++].status = 401;
    rows[n].key = login, rows[n++].status = 401;
    rows[n].key = session, rows[n++].status = 401;
    rows[n].key = forged, rows[n++].status = 401;
    // {"alg":"none"}
    snprintf(text, sizeof(text), "eyJhbGciOiJub25lIiwidHlwIjoiSldUIn0%s",
             strchr(good, '.'));
    *(strrchr(text, '.') + 1) = 0;
    rows[n].key = text, rows[n++].status = 401;
    for (int i = 0; i < n; i++) {
        snprintf(head, sizeof(head), "Host: %s\r\nAuthorization: Bearer %s\r\n", r->host,
                 rows[i].key);
        expect(r, rig_ask_bare(r, "GET", "/v1/stats", head, NULL), rows[i].status,
               rows[i].status == 401 ? "unauthorized" : NULL);
        snprintf(head, sizeof(head), "Host: %s\r\nX-API-Key: %s\r\n", r->host,
                 rows[i].key);
        expect(r, rig_ask_bare(r, "GET", "/v1/stats", head, NULL), rows[i].status, NULL);
    }
}

static void named_keys_come_and_go_while_it_runs(void **state)
{
    struct rig *r = *state;
    static struct auth a;
    char key[128], head[300];
    struct err e;
    struct stat st;
    rig_open(r);
    rig_folder(r, head, sizeof(head));
    assert_int_equal(auth_open(&a, head, "", &e), 0);
    assert_int_equal(auth_add_key(&a, "script", AUTH_READ, 0, key, sizeof(key), &e), 0);
    assert_int_equal(auth_add_key(&a, "script", AUTH_READ, 0, head, sizeof(head), &e),
                     E_USAGE);
    assert_int_equal(auth_add_key(&a, "a b", AUTH_READ, 0, head, sizeof(head), &e),
                     E_USAGE);
    auth_close(&a);
    assert_int_equal(stat(a.keys_path, &st), 0);
    assert_int_equal(st.st_mode & 0777, 0600);
    snprintf(head, sizeof(head), "Host: %s\r\nX-API-Key: %s\r\n", r->host, key);
    expect(r, rig_ask_bare(r, "GET", "/v1/stats", head, NULL), 200, NULL);
    expect(r, rig_ask_bare(r, "GET", "/admin/config", head, NULL), 403, "forbidden");
    unlink(a.keys_path);
    expect(r, rig_ask_bare(r, "GET", "/v1/stats", head, NULL), 401, "unauthorized");
}

static void a_token_that_others_can_read_is_refused(void **state)
{
    struct rig *r = *state;
    char path[200];
    struct err e = {0};
    rig_folder(r, path, sizeof(path) - 20);
    strcat(path, "/api-token");
    rig_open(r);
    rig_close(r);
    chmod(path, 0644);
    assert_int_equal(rig_try(r, &e), E_ACCESS);
    assert_non_null(strstr(e.msg, "chmod 600"));
    assert_null(r->admin);
}

// ---- browsers

static void a_session_is_for_its_own_page_only(void **state)
{
    struct rig *r = *state;
    char body[200], head[JWT_MAX + 400], cookie[JWT_MAX];
    rig_open(r);
    snprintf(body, sizeof(body), "{\"token\":\"%s\"}", r->token);
    snprintf(head, sizeof(head), "Host: %s\r\nOrigin: http://%s\r\n", r->host, r->host);
    struct answer a = rig_ask_bare(r, "POST", "/v1/session", head, body);
    assert_int_equal(a.status, 200);
    snprintf(cookie, sizeof(cookie), "%s", answer_header(&a, "Set-Cookie"));
    answer_free(&a);
    assert_non_null(strstr(cookie, "HttpOnly"));
    assert_non_null(strstr(cookie, "SameSite=Strict"));
    assert_null(strstr(cookie, r->token));
    cookie[strcspn(cookie, ";")] = 0;
    static const struct {
        const char *method, *path, *origin, *site;
        int status;
    } rows[] = {
        {"GET", "/v1/stats", NULL, NULL, 200},
        {"GET", "/v1/stats", "own", NULL, 200},
        {"GET", "/v1/stats", "http://evil.example", NULL, 403},
        {"GET", "/v1/stats", NULL, "cross-site", 403},
        {"POST", "/v1/jobs/7/retry", "own", NULL, 404},
        {"POST", "/v1/jobs/7/retry", NULL, "same-origin", 404},
        {"POST", "/v1/jobs/7/retry", NULL, NULL, 403},
        {"POST", "/v1/jobs/7/retry", "http://evil.example", NULL, 403},
        {"POST", "/v1/jobs/7/retry", "null", NULL, 403},
        {"DELETE", "/v1/jobs/7", "http://localhost:1", NULL, 403},
    };
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        int n =
            snprintf(head, sizeof(head), "Host: %s\r\nCookie: %s\r\n", r->host, cookie);
        if (rows[i].origin && strcmp(rows[i].origin, "own") == 0) {
            n += sprintf(head + n, "Origin: http://%s\r\n", r->host);
        } else if (rows[i].origin) {
            n += sprintf(head + n, "Origin: %s\r\n", rows[i].origin);
        }
        if (rows[i].site) {
            sprintf(head + n, "Sec-Fetch-Site: %s\r\n", rows[i].site);
        }
        expect(r, rig_ask_bare(r, rows[i].method, rows[i].path, head, NULL),
               rows[i].status, NULL);
    }
}

static void a_login_code_works_once(void **state)
{
    struct rig *r = *state;
    char code[JWT_MAX], target[JWT_MAX + 40], head[100];
    rig_open(r);
    snprintf(head, sizeof(head), "Host: %s\r\n", r->host);
    make_jwt(r, "admin", "login", 60, code);
    snprintf(target, sizeof(target), "/login?code=%s", code);
    struct answer a = rig_ask_bare(r, "GET", target, head, NULL);
    assert_int_equal(a.status, 200);
    assert_non_null(answer_header(&a, "Set-Cookie"));
    answer_free(&a);
    a = rig_ask_bare(r, "GET", target, head, NULL);
    assert_non_null(strstr(a.text, "this code is not valid, or was used"));
    expect(r, a, 401, "unauthorized");
    expect(r, rig_ask_bare(r, "GET", "/login", head, NULL), 401, "unauthorized");
    make_jwt(r, "admin", "api", 60, code);
    snprintf(target, sizeof(target), "/login?code=%s", code);
    expect(r, rig_ask_bare(r, "GET", target, head, NULL), 401, "unauthorized");
}

static void foreign_host_names_are_refused(void **state)
{
    struct rig *r = *state;
    char head[300];
    static const struct {
        const char *host;
        int status;
    } rows[] = {{"evil.example", 403}, {"evil.example:8011", 403},
                {"localhost:1", 200},  {"[::1]:5", 200},
                {"box.lan", 200},      {"127.0.0.1.nip.io", 403}};
    rig_set(r, "admin.hosts", "box.lan");
    rig_open(r);
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        snprintf(head, sizeof(head), "Host: %s\r\nAuthorization: Bearer %s\r\n",
                 rows[i].host, r->token);
        expect(r, rig_ask_bare(r, "GET", "/v1/stats", head, NULL), rows[i].status, NULL);
        snprintf(head, sizeof(head), "Host: %s\r\n", rows[i].host);
        struct answer a = rig_ask_bare(r, "GET", "/healthz", head, NULL);
        assert_int_equal(a.status, rows[i].status);
        answer_free(&a);
    }
}

// ---- rate, places, odd bytes

static void a_key_has_its_share(void **state)
{
    struct rig *r = *state;
    rig_set(r, "admin.rate", "5");
    rig_open(r);
    for (int i = 0; i < 5; i++) {
        struct answer a = rig_ask(r, "GET", "/v1/stats", NULL, NULL);
        assert_int_equal(a.status, 200);
        assert_string_equal(answer_header(&a, "X-RateLimit-Limit"), "5");
        assert_int_equal(atoi(answer_header(&a, "X-RateLimit-Remaining")), 4 - i);
        assert_true(atoll(answer_header(&a, "X-RateLimit-Reset")) >= time(NULL));
        answer_free(&a);
    }
    struct answer a = rig_ask(r, "GET", "/v1/stats", NULL, NULL);
    assert_int_equal(a.status, 429);
    assert_int_equal(atoi(answer_header(&a, "Retry-After")), 12);
    answer_free(&a);
    expect(r, rig_ask(r, "GET", "/healthz", NULL, NULL), 200, NULL);
}

static void no_path_leads_to_a_file(void **state)
{
    struct rig *r = *state;
    static const char *const paths[] = {
        "/../../etc/passwd",
        "/%2e%2e/%2e%2e/etc/passwd",
        "/..%2fapi-token",
        "/.//./api-token",
        "//etc/passwd",
        "/api-token",
        "/index.html/../api-token",
        "/main.js%00.png",
        "/page/../openapi.json",
    };
    rig_open(r);
    for (size_t i = 0; i < sizeof(paths) / sizeof(paths[0]); i++) {
        struct answer a = rig_ask(r, "GET", paths[i], NULL, NULL);
        assert_true(a.status == 404 || a.status == 400 || (i == 7 && a.status == 200));
        assert_null(strstr(a.text, "root:"));
        assert_null(strstr(a.text, r->token));
        answer_free(&a);
    }
    static const char *const ids[] = {"/v1/jobs/0",
                                      "/v1/jobs/-1",
                                      "/v1/jobs/1x",
                                      "/v1/images/../1",
                                      "/v1/jobs/99999999999999999999",
                                      "/v1/images/1/thumb/",
                                      "/v1/jobs/"};
    for (size_t i = 0; i < sizeof(ids) / sizeof(ids[0]); i++) {
        expect(r, rig_ask(r, "GET", ids[i], NULL, NULL), 404, "not_found");
    }
}

static void beyond_this_machine_a_key_is_needed(void **state)
{
    struct rig *r = *state;
    struct err e = {0};
    rig_set(r, "admin.listen", "0.0.0.0:0");
    rig_set(r, "admin.auth", "no");
    assert_int_equal(rig_try(r, &e), E_USAGE);
    assert_non_null(strstr(e.msg, "admin.auth"));
}

static void with_a_key_it_may_listen_anywhere_and_says_so(void **state)
{
    struct rig *r = *state;
    rig_set(r, "admin.listen", "0.0.0.0:0");
    rig_open(r);
    assert_non_null(strstr(r->notes, "other machines"));
    expect(r, rig_ask(r, "GET", "/v1/stats", NULL, NULL), 200, NULL);
}

static void a_port_that_is_taken_is_said(void **state)
{
    struct rig *r = *state;
    struct err e = {0};
    char listen[64];
    rig_open(r);
    snprintf(listen, sizeof(listen), "%s", r->host);
    struct rig *other;
    assert_int_equal(rig_setup((void **)&other), 0);
    rig_set(other, "admin.listen", listen);
    assert_int_equal(rig_try(other, &e), 0);
    assert_non_null(strstr(other->notes, "no web page"));
    assert_string_equal(admin_url(other->admin), "");
    rig_teardown((void **)&other);
}

static void without_keys_only_the_page_changes_things(void **state)
{
    struct rig *r = *state;
    char head[200];
    rig_set(r, "admin.auth", "no");
    rig_open(r);
    snprintf(head, sizeof(head), "Host: %s\r\n", r->host);
    expect(r, rig_ask_bare(r, "GET", "/v1/stats", head, NULL), 200, NULL);
    expect(r, rig_ask_bare(r, "POST", "/v1/jobs/7/retry", head, NULL), 403, "forbidden");
    snprintf(head, sizeof(head), "Host: %s\r\nOrigin: http://%s\r\n", r->host, r->host);
    expect(r, rig_ask_bare(r, "POST", "/v1/jobs/7/retry", head, NULL), 404, "not_found");
}

static uint32_t any(uint32_t *seed)
{
    *seed ^= *seed << 13;
    *seed ^= *seed >> 17;
    *seed ^= *seed << 5;
    return *seed;
}

// Whatever comes, it goes on serving.
static void garbage_does_no_harm(void **state)
{
    struct rig *r = *state;
    char good[500], bytes[500];
    uint32_t seed = 2463534242u;
    rig_open(r);
    int len = snprintf(good, sizeof(good),
                       "POST /v1/search?q=a%%20b&limit=3 HTTP/1.1\r\nHost: %s\r\n"
                       "Authorization: Bearer %s\r\nContent-Length: 5\r\n\r\nhello",
                       r->host, r->token);
    for (int i = 0; i < 400; i++) {
        memcpy(bytes, good, (size_t)len);
        for (uint32_t k = 0; k < 1 + any(&seed) % 8; k++) {
            bytes[any(&seed) % (uint32_t)len] = (char)any(&seed);
        }
        int fd = rig_connect(r);
        rig_write(r, fd, bytes, 1 + any(&seed) % (uint32_t)len);
        rig_turn(r);
        close(fd);
        rig_turn(r);
    }
    expect(r, rig_ask(r, "GET", "/v1/stats", NULL, NULL), 200, NULL);
}

static void a_correlation_id_comes_back(void **state)
{
    struct rig *r = *state;
    rig_open(r);
    struct answer a =
        rig_ask(r, "GET", "/v1/nothing", "X-Correlation-ID: my-id_1.2\r\n", NULL);
    assert_string_equal(answer_header(&a, "X-Correlation-ID"), "my-id_1.2");
    assert_string_equal(answer_error(&a, "correlation_id"), "my-id_1.2");
    answer_free(&a);
    a = rig_ask(r, "GET", "/v1/nothing", "X-Correlation-ID: a b\"c\r\n", NULL);
    assert_int_equal(strlen(answer_header(&a, "X-Correlation-ID")), 16);
    answer_free(&a);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, rig_setup, rig_teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(every_route_wants_a_key),
        TEST(every_route_wants_its_scope),
        TEST(other_methods_are_told_which_are_possible),
        TEST(unknown_parameters_are_named),
        TEST(bodies_are_bounded),
        TEST(a_chunked_body_is_bounded_as_well),
        TEST(only_good_tokens_open),
        TEST(named_keys_come_and_go_while_it_runs),
        TEST(a_token_that_others_can_read_is_refused),
        TEST(a_session_is_for_its_own_page_only),
        TEST(a_login_code_works_once),
        TEST(foreign_host_names_are_refused),
        TEST(a_key_has_its_share),
        TEST(no_path_leads_to_a_file),
        TEST(beyond_this_machine_a_key_is_needed),
        TEST(with_a_key_it_may_listen_anywhere_and_says_so),
        TEST(a_port_that_is_taken_is_said),
        TEST(without_keys_only_the_page_changes_things),
        TEST(garbage_does_no_harm),
        TEST(a_correlation_id_comes_back),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
