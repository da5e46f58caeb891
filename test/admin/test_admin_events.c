// test_admin_events.c -- those who listen, and those who wait.
// SPDX-License-Identifier: MIT
#include "admin/admin_rig.h"

#include "base/json.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

struct listener {
    int fd;
    char text[200000];
    size_t len;
};

static void request(struct rig *r, int fd, const char *target, const char *head)
{
    char text[600];
    int n = snprintf(text, sizeof(text),
                     "GET %s HTTP/1.1\r\nHost: %s\r\nAuthorization: Bearer %s\r\n%s\r\n",
                     target, r->host, r->token, head);
    rig_write(r, fd, text, (size_t)n);
}

static struct listener *listen_to(struct rig *r, const char *target, const char *head)
{
    struct listener *l = test_calloc(1, sizeof(*l));
    l->fd = rig_connect(r);
    request(r, l->fd, target, head);
    return l;
}

static void await(struct rig *r, struct listener *l, const char *words)
{
    time_t end = time(NULL) + 20;
    while (!strstr(l->text, words)) {
        ssize_t n = recv(l->fd, l->text + l->len, sizeof(l->text) - 1 - l->len, 0);
        l->len += n > 0 ? (size_t)n : 0;
        if (n == 0 || time(NULL) > end) {
            fail_msg("\"%s\" never came: %s", words, l->text);
        }
        rig_turn(r);
    }
}

static void drop(struct listener *l)
{
    close(l->fd);
    test_free(l);
}

// Something to tell without a backend: a folder is watched, and scanned.
static void make_event(struct rig *r)
{
    struct vlmd_error e;
    char dir[300];
    rig_folder(r, dir, sizeof(dir));
    if (vlmd_watch(r->v, dir, NULL, 0, &e)) {
        fail_msg("%s", e.message);
    }
}

static void events_come_with_ids(void **state)
{
    struct rig *r = *state;
    rig_open(r);
    struct listener *l = listen_to(r, "/v1/events", "");
    await(r, l, "retry: 3000");
    assert_non_null(strstr(l->text, "Content-Type: text/event-stream"));
    make_event(r);
    await(r, l, "event: scanned\nid: ");
    await(r, l, "\"type\":\"scanned\"");
    await(r, l, "event: progress\ndata: {\"type\":\"progress\"");
    drop(l);
}

static void who_was_away_is_told_what_was_missed(void **state)
{
    struct rig *r = *state;
    char head[100], id[64];
    rig_open(r);
    struct listener *l = listen_to(r, "/v1/events?types=scanned", "");
    await(r, l, "retry: 3000");
    make_event(r);
    await(r, l, "\"stats\":null}\n\n");
    assert_int_equal(sscanf(strstr(l->text, "\nid: "), "\nid: %63s", id), 1);
    drop(l);
    // From before it on: it comes again.
    long long number = atoll(strchr(id, '-') + 1);
    snprintf(head, sizeof(head), "Last-Event-ID: %.*s-%lld\r\n",
             (int)(strchr(id, '-') - id), id, number - 1);
    l = listen_to(r, "/v1/events?types=scanned", head);
    await(r, l, "event: scanned");
    drop(l);
    // From it on: nothing is missed, so nothing comes but what is new.
    snprintf(head, sizeof(head), "Last-Event-ID: %s\r\n", id);
    l = listen_to(r, "/v1/events?types=scanned,notice", head);
    await(r, l, "retry: 3000");
    for (int i = 0; i < 20; i++) {
        rig_turn(r);
    }
    assert_null(strstr(l->text, "event: "));
    drop(l);
    // Of another run: one has to look anew.
    l = listen_to(r, "/v1/events", "Last-Event-ID: 12ab-3\r\n");
    await(r, l, "events were missed");
    drop(l);
}

static void only_known_types_are_listened_to(void **state)
{
    struct rig *r = *state;
    rig_open(r);
    struct answer a = rig_ask(r, "GET", "/v1/events?types=job,nonsense", NULL, NULL);
    assert_int_equal(a.status, 400);
    assert_string_equal(answer_error(&a, "field"), "types");
    answer_free(&a);
}

static void listeners_are_bounded(void **state)
{
    struct rig *r = *state;
    enum { MOST = 8, ALL = 40 };
    struct listener *l[MOST];
    rig_set(r, "admin.max_event_clients", "8");
    rig_open(r);
    for (int i = 0; i < MOST; i++) {
        l[i] = listen_to(r, "/v1/events", "");
        await(r, l[i], "retry: 3000");
    }
    for (int i = MOST; i < ALL; i++) {
        struct answer a = rig_ask(r, "GET", "/v1/events", NULL, NULL);
        assert_int_equal(a.status, 503);
        assert_non_null(answer_header(&a, "Retry-After"));
        answer_free(&a);
    }
    for (int i = 0; i < MOST; i++) {
        drop(l[i]);
    }
}

static void who_waits_is_answered_when_the_time_is_over(void **state)
{
    struct rig *r = *state;
    time_t begin = time(NULL);
    rig_open(r);
    rig_add_files(r, 1);
    struct answer a = rig_ask(r, "GET", "/v1/jobs/1?wait=1", NULL, NULL);
    assert_int_equal(a.status, 200);
    assert_string_equal(json_get_str(a.json, "state"), "queued");
    assert_in_range(time(NULL) - begin, 1, 10);
    answer_free(&a);
    a = rig_ask(r, "GET", "/v1/jobs/77?wait=1", NULL, NULL);
    assert_int_equal(a.status, 404);
    answer_free(&a);
    a = rig_ask(r, "POST", "/v1/jobs?wait=1", "Content-Type: application/json\r\n",
                "{\"url\":\"http://127.0.0.1:9/a.png\"}");
    assert_int_equal(a.status, 202);
    assert_string_equal(json_get_str(a.json, "state"), "queued");
    answer_free(&a);
}

static void who_waits_may_go_away(void **state)
{
    struct rig *r = *state;
    rig_open(r);
    rig_add_files(r, 1);
    for (int i = 0; i < 10; i++) {
        int fd = rig_connect(r);
        request(r, fd, "/v1/jobs/1?wait=60", "");
        rig_turn(r);
        rig_turn(r);
        close(fd);
    }
    for (int i = 0; i < 10; i++) {
        rig_turn(r);
    }
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, rig_setup, rig_teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(events_come_with_ids),
        TEST(who_was_away_is_told_what_was_missed),
        TEST(only_known_types_are_listened_to),
        TEST(listeners_are_bounded),
        TEST(who_waits_is_answered_when_the_time_is_over),
        TEST(who_waits_may_go_away),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
