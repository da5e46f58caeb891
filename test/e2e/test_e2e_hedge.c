// test_e2e_hedge.c -- somebody waits and the backend stalls: another one is asked as well,
// within 2 % of all requests, and the picture is described once; what changes from inside an
// ask sends nothing twice.
// SPDX-License-Identifier: MIT
#include "e2e_pictures.h"
#include "e2e_vlmd.h"

#include "base/json.h"

#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

// So many that one second request is within 2 % of them, and two are not.
enum { USUAL = 60, MORE = 8 };

struct world {
    struct place *p;
    struct fake first, second;
    struct proc *run;
    struct backend http;  // only its port
    char head[300];       // header lines with the token
    int next;             // picture
    int by_second;        // asked before the first one was there
};

// The first is preferred as long as it is there, however busy.
static void begin(struct place *p, struct world *w, const char *more)
{
    static const char *const env[] = {"VLMD_ADMIN_LISTEN=127.0.0.1:0", NULL};
    const struct spawn how = {.env = env};
    char yaml[400];
    *w = (struct world){.p = p};
    fake_start(p, &w->first, "--kind llama-server --slots 4");
    fake_start(p, &w->second, "--kind llama-server --slots 4");
    snprintf(yaml, sizeof(yaml),
             "backends: [{name: first, url: \"%s\", priority: 1%s},\n"
             "  {name: second, url: \"%s\", priority: 2}]\n",
             w->first.url, more, w->second.url);
    place_config(p, yaml);
    w->run = VLMD_START_WITH(p, &how, "serve");
    proc_await(w->run, &w->run->err, "page at http://127.0.0.1:");
    w->http.port = atoi(strstr(w->run->err.text, "page at http://127.0.0.1:") + 25);
    char *token = read_text(place_path(p, "data/vlmd/api-token"));
    snprintf(w->head, sizeof(w->head),
             "Host: 127.0.0.1\r\nAuthorization: Bearer %.64s\r\nContent-Type: "
             "image/png\r\n",
             token);
    free(token);
}

static void end(struct world *w)
{
    proc_signal(w->run, SIGINT);
    proc_expect(w->run, 130);
    fake_stop(&w->first);
    fake_stop(&w->second);
}

// A connection on which the answer will come.
static int post(struct world *w, int n, const char *priority)
{
    char target[100];
    size_t len;
    uint8_t *png = picture_bytes(n, &len);
    snprintf(target, sizeof(target), "/v1/jobs?wait=60&priority=%s", priority);
    int fd = client_connect(&w->http);
    client_send(fd, "POST", target, w->head, (char *)png, len);
    free(png);
    return fd;
}

// Who described it.
static void await_described(int fd, const char *backend)
{
    struct reply r;
    client_read(fd, &r);
    close(fd);
    struct cJSON *job = json_parse(r.body, r.body_len);
    assert_non_null(job);
    assert_string_equal(text_at(job, "item.outcome"), "answered");
    if (backend) {
        assert_string_equal(text_at(job, "item.backend"), backend);
    }
    json_free(job);
    reply_free(&r);
}

static int asked(const struct fake *f)
{
    struct totals t;
    fake_totals(f, &t);
    return t.asked;
}

static void stall_next(struct fake *f)
{
    control(&f->b, "/__fake/faults", "{\"faults\":[\"stall:1\"]}");
}

// Nobody waits for these, so that none of them is late.
static void describe(struct world *w, int n, const char *by)
{
    for (int i = 0; i < n; i++) {
        await_described(post(w, w->next++, "normal"), by);
    }
}

// The second one serves as long as the first has not been found yet.
static void await_first(struct world *w)
{
    do {
        describe(w, 1, NULL);
        w->by_second = asked(&w->second);
    } while (asked(&w->first) == 0 && w->next < USUAL / 3);
    assert_int_equal(asked(&w->first), 1);
}

static int requests_of(struct world *w, const char *backend)
{
    struct proc *usage = VLMD_EXPECT(w->p, 0, "usage", "--json");
    struct rows rows;
    int n = 0;
    rows_parse(&rows, usage->out.text);
    for (int i = 0; i < rows.n; i++) {
        bool is_it = strcmp(text_of(rows.items[i], "backend"), backend) == 0;
        n += is_it ? (int)number_at(rows.items[i], "requests") : 0;
    }
    rows_free(&rows);
    return n;
}

static void what_stalls_is_asked_elsewhere_and_saved_once(void **state)
{
    struct world w;
    struct rows rows;
    begin(*state, &w, "");
    await_first(&w);
    describe(&w, USUAL - 1, "first");
    stall_next(&w.first);
    await_described(post(&w, w.next++, "interactive"), "second");
    assert_int_equal(asked(&w.first), USUAL + 1);
    assert_int_equal(asked(&w.second), w.by_second + 1);
    await_stat(&w.first.b, "cancelled", 1);  // its slot is given back

    // The next one that is late would be more than 2 of 100: it is waited for, and meanwhile
    // others take as long as it should have.
    stall_next(&w.first);
    int fd = post(&w, w.next++, "interactive");
    fake_await_asked(&w.first, USUAL + 2);
    describe(&w, MORE, "first");
    assert_int_equal(asked(&w.second), w.by_second + 1);
    fake_control(&w.first, "{\"kill\":true}");
    await_described(fd, "second");  // by way of a repetition

    rows_export(w.p, &rows);
    assert_int_equal(rows.n, w.next);
    assert_int_equal(rows_count(&rows, "outcome", "answered"), w.next);
    rows_free(&rows);
    assert_int_equal(asked(&w.first), USUAL + 2 + MORE);
    assert_int_equal(asked(&w.second), w.by_second + 2);
    assert_int_equal(requests_of(&w, "first"), USUAL + 2 + MORE);
    assert_int_equal(requests_of(&w, "second"), w.by_second + 2);
    end(&w);
}

// What uses up the budget is told at once, from inside the ask: the picture that it is for
// goes nowhere else.
static void the_last_within_a_budget_is_sent_once(void **state)
{
    struct world w;
    struct totals t;
    begin(*state, &w, ", budget.requests_per_month: 3");
    await_first(&w);
    describe(&w, 2, "first");
    for (int i = 0; i < 3; i++) {
        await_described(post(&w, w.next++, "interactive"), "second");
    }
    fake_totals(&w.second, &t);
    assert_int_equal(t.asked, w.by_second + 3);
    assert_int_equal(t.answered, w.by_second + 3);
    assert_int_equal(asked(&w.first), 3);
    end(&w);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(what_stalls_is_asked_elsewhere_and_saved_once,
                                        place_setup, place_teardown),
        cmocka_unit_test_setup_teardown(the_last_within_a_budget_is_sent_once,
                                        place_setup, place_teardown),
    };
    e2e_filter();
    return cmocka_run_group_tests(tests, NULL, NULL);
}
