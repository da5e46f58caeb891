// test_e2e_hedge.c -- somebody waits and the backend stalls: another one is asked as well,
// within 2 % of all requests, and the picture is described once.
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
enum { USUAL = 60 };

struct world {
    struct place *p;
    struct fake quick, slow;
    struct proc *run;
    struct backend http;  // only its port
    char head[300];       // header lines with the token
};

// The quick one is always preferred; the slow one takes longer than 95 of 100 answers of it.
static void begin(struct place *p, struct world *w)
{
    static const char *const env[] = {"VLMD_ADMIN_LISTEN=127.0.0.1:0", NULL};
    const struct spawn how = {.env = env};
    char yaml[400];
    *w = (struct world){.p = p};
    fake_start(p, &w->quick, "--kind llama-server --slots 4 --latency-ms 1");
    fake_start(p, &w->slow, "--kind llama-server --slots 4 --latency-ms 400");
    snprintf(yaml, sizeof(yaml),
             "backends: [{name: quick, url: \"%s\"}, {name: slow, url: \"%s\"}]\n"
             "concurrency: 4\n",
             w->quick.url, w->slow.url);
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
    fake_stop(&w->quick);
    fake_stop(&w->slow);
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

static int number_of(const struct rows *rows, const char *backend, const char *key)
{
    for (int i = 0; i < rows->n; i++) {
        if (strcmp(text_of(rows->items[i], "backend"), backend) == 0) {
            return (int)number_at(rows->items[i], key);
        }
    }
    return 0;
}

static void stall_next(struct fake *f)
{
    control(&f->b, "/__fake/faults", "{\"faults\":[\"stall:1\"]}");
}

// The usual ones come as nobody waits for, so that none of them is late.
static void let_it_learn(struct world *w)
{
    for (int i = 0; i < USUAL; i++) {
        await_described(post(w, i, "normal"), NULL);
    }
    assert_in_range(asked(&w->quick), USUAL - 2, USUAL);
}

static void what_stalls_is_asked_elsewhere_and_saved_once(void **state)
{
    struct world w;
    struct rows rows;
    begin(*state, &w);
    let_it_learn(&w);
    int by_quick = asked(&w.quick), by_slow = asked(&w.slow);
    stall_next(&w.quick);
    await_described(post(&w, USUAL, "interactive"), "slow");
    assert_int_equal(asked(&w.quick), by_quick + 1);
    assert_int_equal(asked(&w.slow), by_slow + 1);
    await_stat(&w.quick.b, "cancelled", 1);  // its slot is given back

    // The next one that is late would be more than 2 of 100: it is waited for.  While another
    // is described, which takes longer than it would be late, nothing else is asked.
    stall_next(&w.quick);
    int fd = post(&w, USUAL + 1, "interactive");
    fake_await_asked(&w.quick, by_quick + 2);
    await_described(post(&w, USUAL + 2, "interactive"), "slow");
    assert_int_equal(asked(&w.slow), by_slow + 2);
    fake_control(&w.quick, "{\"kill\":true}");
    await_described(fd, NULL);  // by way of a repetition

    rows_export(w.p, &rows);
    assert_int_equal(rows.n, USUAL + 3);
    assert_int_equal(rows_count(&rows, "outcome", "answered"), USUAL + 3);
    rows_free(&rows);
    struct proc *usage = VLMD_EXPECT(w.p, 0, "usage", "--json");
    rows_parse(&rows, usage->out.text);
    int all = asked(&w.quick) + asked(&w.slow);
    assert_int_equal(all, USUAL + 3 + 2);  // the second request, and the repetition
    assert_int_equal(number_of(&rows, "quick", "requests"), asked(&w.quick));
    assert_int_equal(number_of(&rows, "slow", "requests"), asked(&w.slow));
    rows_free(&rows);
    end(&w);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(what_stalls_is_asked_elsewhere_and_saved_once,
                                        place_setup, place_teardown),
    };
    e2e_filter();
    return cmocka_run_group_tests(tests, NULL, NULL);
}
