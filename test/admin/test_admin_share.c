// test_admin_share.c -- one answer for many: who gets it, and who must not.
// SPDX-License-Identifier: MIT
#include "admin/admin_rig.h"

#include "admin_inside.h"
#include "base/json.h"
#include "share.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

enum { MANY = 40, PICTURES = 30, KEPT_MS = 100 };

// ---- time, which may stand still

static int64_t frozen_ms;  // 0 = it goes on

int64_t __real_loop_now_ms(const struct loop *l);
int64_t __wrap_loop_now_ms(const struct loop *l);

int64_t __wrap_loop_now_ms(const struct loop *l)
{
    return frozen_ms ? frozen_ms : __real_loop_now_ms(l);
}

static void begin_asking(const struct rig *r, int fd, const char *target,
                         const char *head)
{
    char text[1000];
    int n = snprintf(text, sizeof(text),
                     "GET %s HTTP/1.1\r\nHost: %s\r\nAuthorization: Bearer %s\r\n%s\r\n",
                     target, r->host, r->token, head);
    // No turn of the loop: all who ask before the next one ask at the same time.
    assert_int_equal(send(fd, text, (size_t)n, MSG_NOSIGNAL), n);
}

static int64_t statements(struct rig *r)
{
    struct answer a = rig_ask(r, "GET", "/v1/stats", NULL, NULL);
    const cJSON *database = json_get(a.json, "database");
    int64_t n = json_get_int(database, "statements", -1);
    assert_true(n >= 0);
    answer_free(&a);
    return n;
}

static void ask_all(struct rig *r, const int *fds, const char *target, char **body)
{
    for (int i = 0; i < MANY; i++) {
        char head[60];
        snprintf(head, sizeof(head), "X-Correlation-ID: asker-%d\r\n", i);
        begin_asking(r, fds[i], target, head);
    }
    for (int i = 0; i < MANY; i++) {
        char expected[20];
        struct answer a = rig_read(r, fds[i]);
        snprintf(expected, sizeof(expected), "asker-%d", i);
        assert_int_equal(a.status, 200);
        assert_string_equal(answer_header(&a, "X-Correlation-ID"), expected);
        assert_string_equal(answer_header(&a, "Cache-Control"), "no-store");
        assert_non_null(answer_header(&a, "X-RateLimit-Remaining"));
        assert_non_null(answer_header(&a, "Content-Security-Policy"));
        if (*body) {
            assert_string_equal(a.body, *body);
        } else {
            *body = strdup(a.body);
        }
        answer_free(&a);
    }
}

static int64_t cost_of(struct rig *r, const int *fds, int rounds, char **body)
{
    int64_t before = statements(r);
    for (int i = 0; i < rounds; i++) {
        ask_all(r, fds, "/v1/search?limit=10&order=newest", body);
    }
    return statements(r) - before;
}

// Many times over: what is asked again after an answer is a new question.
static void the_same_search_is_made_once_for_all(void **state)
{
    struct rig *r = *state;
    int fds[MANY];
    char *body = NULL;
    rig_open(r);
    rig_add_files(r, PICTURES);
    for (int i = 0; i < MANY; i++) {
        fds[i] = rig_connect(r);
    }
    cost_of(r, fds, 1, &body);  // they are let in one after the other
    int64_t before = statements(r);
    struct answer a = rig_ask(r, "GET", "/v1/search?limit=10&order=newest", NULL, NULL);
    answer_free(&a);
    int64_t one = statements(r) - before;
    assert_in_range(one, 10, 60);
    assert_in_range(cost_of(r, fds, 5, &body), 5 * one, 5 * 2 * one);
    for (int i = 0; i < MANY; i++) {
        close(fds[i]);
    }
    free(body);
}

static void other_questions_have_other_answers(void **state)
{
    struct rig *r = *state;
    rig_open(r);
    rig_add_files(r, PICTURES);
    static const struct {
        const char *target;
        int items;
    } rows[] = {
        {"/v1/search?limit=3", 3},           {"/v1/search?limit=4", 4},
        {"/v1/results?limit=3", 0},          {"/v1/search?limit=3&app=Browser", 3},
        {"/v1/search?app=limit&limit=3", 0},
    };
    enum { ROWS = sizeof(rows) / sizeof(rows[0]) };
    int fds[ROWS];
    for (int i = 0; i < ROWS; i++) {
        fds[i] = rig_connect(r);
        begin_asking(r, fds[i], rows[i].target, "");
    }
    for (int i = 0; i < ROWS; i++) {
        struct answer a = rig_read(r, fds[i]);
        assert_int_equal(a.status, 200);
        assert_int_equal(cJSON_GetArraySize(json_get(a.json, "items")), rows[i].items);
        answer_free(&a);
        close(fds[i]);
    }
}

// The one whose question it was leaves; the others are answered all the same.
static void the_first_may_leave(void **state)
{
    struct rig *r = *state;
    int fds[MANY];
    rig_open(r);
    rig_add_files(r, PICTURES);
    for (int i = 0; i < MANY; i++) {
        fds[i] = rig_connect(r);
        begin_asking(r, fds[i], "/v1/search?limit=500", "");
    }
    close(fds[0]);
    for (int i = 1; i < MANY; i++) {
        struct answer a = rig_read(r, fds[i]);
        assert_int_equal(a.status, 200);
        assert_int_equal(cJSON_GetArraySize(json_get(a.json, "items")), PICTURES);
        answer_free(&a);
        close(fds[i]);
    }
}

static void those_who_wait_may_leave(void **state)
{
    struct rig *r = *state;
    int fds[MANY];
    rig_open(r);
    rig_add_files(r, PICTURES);
    for (int i = 0; i < MANY; i++) {
        fds[i] = rig_connect(r);
        begin_asking(r, fds[i], "/v1/search?limit=500", "");
    }
    for (int i = 1; i < MANY; i++) {
        close(fds[i]);
    }
    struct answer a = rig_read(r, fds[0]);
    assert_int_equal(a.status, 200);
    answer_free(&a);
    close(fds[0]);
}

// A mistake is each one's own, under his own id.
static void mistakes_are_told_to_each(void **state)
{
    struct rig *r = *state;
    rig_open(r);
    struct answer a =
        rig_ask(r, "GET", "/v1/search?limit=0", "X-Correlation-ID: wrong-1\r\n", NULL);
    assert_int_equal(a.status, 400);
    assert_string_equal(answer_error(&a, "correlation_id"), "wrong-1");
    answer_free(&a);
    a = rig_ask(r, "GET", "/v1/search?limit=1", NULL, NULL);
    assert_int_equal(a.status, 200);
    answer_free(&a);
}

// What was kept is not shown to who has just changed something.
static void health_is_kept_until_something_changes(void **state)
{
    struct rig *r = *state;
    rig_open(r);
    struct answer a = rig_ask(r, "GET", "/health", NULL, NULL);
    answer_free(&a);
    a = rig_ask(r, "POST", "/admin/pause", NULL, "{}");
    assert_int_equal(a.status, 200);
    answer_free(&a);
    a = rig_ask(r, "GET", "/health", NULL, NULL);
    const char *why = json_get_str(a.json, "paused_because");
    assert_true(why && *why);
    answer_free(&a);
    a = rig_ask(r, "POST", "/admin/resume", NULL, "{}");
    assert_int_equal(a.status, 200);
    answer_free(&a);
    a = rig_ask(r, "GET", "/health", NULL, NULL);
    assert_null(strstr(a.body, "\"paused_because\":\"paused"));
    answer_free(&a);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, rig_setup, rig_teardown)

// ---- ahead of a turn

static const char newest[] = "/v1/search?limit=10&order=newest";

// What was asked ahead is there; what has come is read, as in a turn.
static void come_to_the_turn(struct rig *r)
{
    struct admin *a = r->admin;
    while (!list_is_empty(&a->exchanges)) {
        rig_turn(r);
    }
    a->admission.is_ahead = false;
    httpd_go_on(a->http);
    share_end_turn(a);
}

// What many have just asked is asked ahead of the turn in which all ask again.
static void ask_in_a_turn(struct rig *r, const int *fds, bool is_changed, char **body)
{
    struct admin *a = r->admin;
    assert_non_null(a->hot.route);
    httpd_rest(a->http);
    for (int i = 0; i < MANY; i++) {
        begin_asking(r, fds[i], newest, "");
    }
    struct exchange *x = share_ahead(a);
    assert_non_null(x);
    a->admission.is_ahead = true;
    exchange_run(x, x->route->run);
    exchange_drop(x);
    a->changes += is_changed;
    come_to_the_turn(r);
    for (int i = 0; i < MANY; i++) {
        struct answer answer = rig_read(r, fds[i]);
        assert_int_equal(answer.status, 200);
        assert_string_equal(answer.body, *body);
        answer_free(&answer);
    }
}

// All are let in, have asked in a turn whose answer was asked ahead, and it is frozen_ms.
static void open_asked_ahead(struct rig *r, int *fds, bool is_changed, char **body)
{
    rig_open(r);
    rig_add_files(r, PICTURES);
    for (int i = 0; i < MANY; i++) {
        fds[i] = rig_connect(r);
    }
    cost_of(r, fds, 1, body);
    ask_all(r, fds, newest, body);
    frozen_ms = loop_now_ms(vlmd_loop(r->v));
    ask_in_a_turn(r, fds, is_changed, body);
}

static void close_asked(const int *fds, char *body)
{
    frozen_ms = 0;
    for (int i = 0; i < MANY; i++) {
        close(fds[i]);
    }
    free(body);
}

// Whether the one who asks now gets the answer that others had got.
static bool is_kept(struct rig *r, int fd, const char *body)
{
    begin_asking(r, fd, newest, "");
    struct answer a = rig_read(r, fd);
    assert_int_equal(a.status, 200);
    bool is_same = strcmp(a.body, body) == 0;
    answer_free(&a);
    return is_same;
}

static void what_many_asked_is_asked_ahead_of_the_next_turn(void **state)
{
    struct rig *r = *state;
    int fds[MANY];
    char *body = NULL;
    open_asked_ahead(r, fds, false, &body);
    assert_false(list_is_empty(&r->admin->shares));
    rig_add_files(r, PICTURES + 1);  // nobody hears of it
    assert_true(is_kept(r, fds[0], body));
    assert_true(is_kept(r, fds[1], body));
    frozen_ms += KEPT_MS;
    assert_false(is_kept(r, fds[2], body));
    close_asked(fds, body);
}

static void a_kept_answer_ends_with_what_tells_of_newer(void **state)
{
    struct rig *r = *state;
    int fds[MANY];
    char *body = NULL;
    open_asked_ahead(r, fds, false, &body);
    rig_add_files(r, PICTURES + 1);
    assert_true(is_kept(r, fds[0], body));
    struct answer a = rig_ask(r, "GET", "/v1/jobs/31", NULL, NULL);
    assert_int_equal(a.status, 200);
    answer_free(&a);
    assert_false(is_kept(r, fds[1], body));
    close_asked(fds, body);
}

// What nobody asked for in a turn is not kept for the next one.
static void a_kept_answer_ends_with_who_wants_it(void **state)
{
    struct rig *r = *state;
    int fds[MANY];
    char *body = NULL;
    open_asked_ahead(r, fds, false, &body);
    assert_false(list_is_empty(&r->admin->shares));
    share_end_turn(r->admin);
    assert_true(list_is_empty(&r->admin->shares));
    close_asked(fds, body);
}

// Something changed since it was asked: one of those who came asks anew.
static void what_was_asked_ahead_of_a_change_is_asked_anew(void **state)
{
    struct rig *r = *state;
    int fds[MANY];
    char *body = NULL;
    open_asked_ahead(r, fds, true, &body);
    assert_true(list_is_empty(&r->admin->shares));
    assert_int_equal(r->admin->hot.n, MANY - 1);
    close_asked(fds, body);
}

// Without a model it says 503.
static void ask_all_for_health(struct rig *r, const int *fds)
{
    for (int i = 0; i < MANY; i++) {
        begin_asking(r, fds[i], "/health", "");
    }
    for (int i = 0; i < MANY; i++) {
        struct answer a = rig_read(r, fds[i]);
        assert_int_equal(a.status, 503);
        assert_non_null(json_get(a.json, "uptime_s"));
        answer_free(&a);
    }
}

// What is kept is made anew before it is out of date.
static void health_is_asked_ahead_of_the_turn_it_would_be_old_in(void **state)
{
    struct rig *r = *state;
    int fds[MANY];
    rig_open(r);
    struct admin *a = r->admin;
    for (int i = 0; i < MANY; i++) {
        fds[i] = rig_connect(r);
    }
    ask_all_for_health(r, fds);
    share_end_turn(a);
    while (!a->hot.route) {
        rig_turn(r);
        share_end_turn(a);
    }
    assert_string_equal(a->hot.route->path, "/health");
    assert_true(list_is_empty(&a->shares));
    struct exchange *x = share_ahead(a);
    a->admission.is_ahead = true;
    exchange_run(x, x->route->run);
    exchange_drop(x);
    come_to_the_turn(r);
    assert_false(list_is_empty(&a->shares));
    ask_all_for_health(r, fds);
    for (int i = 0; i < MANY; i++) {
        close(fds[i]);
    }
}

// Nobody is to be answered any more, and nothing is left.
static void a_server_may_close_while_it_asks_ahead(void **state)
{
    struct rig *r = *state;
    int fds[MANY];
    char *body = NULL;
    rig_open(r);
    rig_add_files(r, PICTURES);
    for (int i = 0; i < MANY; i++) {
        fds[i] = rig_connect(r);
    }
    cost_of(r, fds, 2, &body);
    struct exchange *x = share_ahead(r->admin);
    assert_non_null(x);
    r->admin->admission.is_ahead = true;
    exchange_run(x, x->route->run);
    exchange_drop(x);
    rig_close(r);
    for (int i = 0; i < MANY; i++) {
        close(fds[i]);
    }
    free(body);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(the_same_search_is_made_once_for_all),
        TEST(other_questions_have_other_answers),
        TEST(the_first_may_leave),
        TEST(those_who_wait_may_leave),
        TEST(mistakes_are_told_to_each),
        TEST(health_is_kept_until_something_changes),
        TEST(what_many_asked_is_asked_ahead_of_the_next_turn),
        TEST(a_kept_answer_ends_with_what_tells_of_newer),
        TEST(a_kept_answer_ends_with_who_wants_it),
        TEST(what_was_asked_ahead_of_a_change_is_asked_anew),
        TEST(health_is_asked_ahead_of_the_turn_it_would_be_old_in),
        TEST(a_server_may_close_while_it_asks_ahead),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
