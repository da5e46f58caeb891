// test_e2e_outage.c -- the backend goes away in the middle and comes back: nothing is lost,
// nothing fails, and it is not hammered meanwhile.
//
// Five seconds; a minute with VLMD_E2E_FULL=1.
// SPDX-License-Identifier: MIT
#include "e2e_pictures.h"
#include "e2e_vlmd.h"

#include <arpa/inet.h>
#include <errno.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

enum { N = 600, SLOTS = 16, MAX_VOID = 19 };

static int outage_ms(void)
{
    return is_full_scale() ? 60000 : 5000;
}

static struct proc *begin(struct place *p, struct fake *f)
{
    char flags[100];
    snprintf(flags, sizeof(flags), "--slots %d --latency-ms 100:0.3", SLOTS);
    fake_start(p, f, flags);
    for (int i = 0; i < N; i++) {
        picture_write(place_path(p, "in"), NULL, i);
    }
    struct proc *run = VLMD_START(p, "batch", "--json", "--concurrency", "16",
                                  "--backend", f->url, place_path(p, "in"));
    fake_await_asked(f, N / 4);
    return run;
}

static void assert_all_described(struct place *p)
{
    struct rows rows;
    rows_export(p, &rows);
    assert_int_equal(rows.n, N);
    for (int i = 0; i < rows.n; i++) {
        const cJSON *row = rows.items[i];
        assert_string_equal(text_of(row, "outcome"), "answered");
        assert_true(picture_is_described(picture_number(text_of(row, "path")),
                                         text_of(row, "fields.summary")));
    }
    rows_free(&rows);
}

static void assert_it_was_said(const struct proc *run)
{
    assert_non_null(strstr(run->err.text, "paused: "));
    assert_non_null(strstr(run->err.text, "going on"));
}

static void a_closed_port_loses_and_fails_nothing(void **state)
{
    struct place *p = *state;
    struct fake f;
    struct totals t;
    char json[64];
    struct proc *run = begin(p, &f);
    snprintf(json, sizeof(json), "{\"down_ms\":%d}", outage_ms());
    fake_control(&f, json);
    proc_expect(run, 0);
    assert_it_was_said(run);
    assert_all_described(p);
    fake_totals(&f, &t);
    assert_int_equal(t.images, N);
    assert_in_range(t.asked - N, 0, SLOTS);  // what was cut off
    fake_stop(&f);
}

// It accepts, and resets whoever asks: every attempt is seen.
static void a_deaf_backend_is_hardly_asked(void **state)
{
    struct place *p = *state;
    struct fake f;
    struct totals before, after;
    struct proc *run = begin(p, &f);
    fake_control(&f, "{\"down\":\"deaf\"}");
    fake_totals(&f, &before);
    assert_false(proc_ends_within(run, outage_ms()));
    fake_totals(&f, &after);
    fake_control(&f, "{\"down\":false}");
    proc_expect(run, 0);
    int attempts = after.requests - before.requests;
    print_message("%d requests into the void in %d ms\n", attempts, outage_ms());
    assert_in_range(attempts, 1, MAX_VOID);
    assert_it_was_said(run);
    assert_all_described(p);
    fake_totals(&f, &after);
    assert_in_range(after.asked - N, 0, SLOTS);
    fake_stop(&f);
}

// ---- the process is killed and started again

static int listen_on(int port)
{
    struct sockaddr_in addr = {.sin_family = AF_INET, .sin_port = htons((uint16_t)port)};
    int one = 1, fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    addr.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &one, sizeof(one));
    if (bind(fd, (struct sockaddr *)&addr, sizeof(addr)) || listen(fd, 64)) {
        fail_msg("port %d: %s", port, strerror(errno));
    }
    return fd;
}

// Counts who comes to a port where nobody answers.
static int count_visitors(struct proc *run, int fd, int64_t for_ms)
{
    int64_t until = now_ms() + for_ms;
    int n = 0;
    for (int64_t left = for_ms; left > 0; left = until - now_ms()) {
        struct pollfd fds[3] = {{.fd = fd, .events = POLLIN},
                                {.fd = run->out.fd, .events = POLLIN},
                                {.fd = run->err.fd, .events = POLLIN}};
        poll(fds, 3, (int)left);
        proc_read(run);
        if (fds[0].revents) {
            const struct linger reset = {1, 0};
            int visitor = accept(fd, NULL, NULL);
            setsockopt(visitor, SOL_SOCKET, SO_LINGER, &reset, sizeof(reset));
            close(visitor);
            n++;
        }
    }
    return n;
}

static void a_killed_backend_is_hardly_visited_and_found_again(void **state)
{
    struct place *p = *state;
    struct fake f;
    struct totals t;
    struct proc *run = begin(p, &f);
    fake_kill(&f);
    int fd = listen_on(f.b.port);
    int visitors = count_visitors(run, fd, outage_ms());
    close(fd);
    assert_false(run->has_ended);
    fake_again(&f);
    proc_expect(run, 0);
    print_message("%d connections into the void in %d ms\n", visitors, outage_ms());
    assert_in_range(visitors, 1, MAX_VOID);
    assert_it_was_said(run);
    assert_all_described(p);
    fake_totals(&f, &t);
    assert_int_equal(t.asked_twice, 0);
    assert_int_equal(t.never_answered, 0);
    fake_stop(&f);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(a_closed_port_loses_and_fails_nothing,
                                        place_setup, place_teardown),
        cmocka_unit_test_setup_teardown(a_deaf_backend_is_hardly_asked, place_setup,
                                        place_teardown),
        cmocka_unit_test_setup_teardown(
            a_killed_backend_is_hardly_visited_and_found_again, place_setup,
            place_teardown),
    };
    e2e_filter();
    return cmocka_run_group_tests(tests, NULL, NULL);
}
