// soak.c -- ten minutes of what happens to a program that runs for months.
//
//   soak [SCALE]        1 = ten minutes (the usual), 0.1 = one
//
// The real vlmd watches a folder where pictures come in all the time; its one backend is
// closed for a minute, the process is stopped for a minute, the machine "sleeps" eight hours
// (its wall clock jumps, its connections are gone), the backend's name can not be resolved
// for a minute, and the server is killed and started again.  At the end every picture must be
// described, once, nearly all asked once, and the log must be short.
// SPDX-License-Identifier: MIT
#include "e2e/e2e_pictures.h"
#include "e2e/e2e_vlmd.h"

#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

enum { EVERY_MS = 400, MAX_LOG_LINES = 99, SLOTS = 8, SLEEP_MS = 8 * 3600 * 1000 };

// What each of the troubles may cut off, and what looks for the server meanwhile.
enum { MAX_WASTED = 5 * SLOTS + 40 };

static double scale = 1;

struct soak {
    struct place *place;
    struct fake fake;
    struct proc *run;
    char dns_down[200];
    char clock[200];   // see soak_clock.c
    int n;             // pictures so far
    int asked_before;  // of the server that was killed
    int64_t began_ms;
    bool is_stopped;
};

static int64_t at(const struct soak *s, double second)
{
    return s->began_ms + (int64_t)(second * 1000 * scale);
}

// Pictures go on coming, whatever happens.
static void pass_until(struct soak *s, double second)
{
    while (now_ms() < at(s, second)) {
        struct timespec t = {0, EVERY_MS * 1000000L};
        picture_write(place_path(s->place, "in"), NULL, s->n++);
        if (!s->is_stopped) {
            proc_read(s->run);
        }
        nanosleep(&t, NULL);
    }
}

static void say(const char *what)
{
    print_message("%s\n", what);
    fflush(stdout);
}

static void set_clock(const struct soak *s, int64_t ahead_ms)
{
    FILE *f = fopen(s->clock, ahead_ms ? "r+" : "w");
    assert_non_null(f);
    assert_int_equal(fwrite(&ahead_ms, sizeof(ahead_ms), 1, f), 1);
    assert_int_equal(fclose(f), 0);
}

static void start(struct soak *s)
{
    char yaml[700], preload[300], down[260], clock[260];
    fake_start(s->place, &s->fake, "--kind llama-server --slots 8 --latency-ms 300:0.4");
    snprintf(s->dns_down, sizeof(s->dns_down), "%s", place_path(s->place, "dns-down"));
    snprintf(s->clock, sizeof(s->clock), "%s", place_path(s->place, "clock"));
    set_clock(s, 0);
    // A name is another machine as far as anybody can tell.
    snprintf(yaml, sizeof(yaml),
             "backends: [http://soak.test:%d]\n"
             "duplicates: off\n"
             "ocr: {when: never}\n"
             "privacy: {allow_remote: yes, read_text: never, remote_without_ocr: yes}\n",
             s->fake.b.port);
    place_config(s->place, yaml);
    snprintf(preload, sizeof(preload), "LD_PRELOAD=%s", SOAK_WORLD);
    snprintf(down, sizeof(down), "SOAK_DNS_DOWN=%s", s->dns_down);
    snprintf(clock, sizeof(clock), "SOAK_CLOCK=%s", s->clock);
    const char *const env[] = {preload, down, clock, NULL};
    const struct spawn how = {.env = env};
    s->run = VLMD_START_WITH(s->place, &how, "watch", "--log-level", "info",
                             place_path(s->place, "in"));
    s->began_ms = now_ms();
}

static void close_port(struct soak *s)
{
    say("the backend's port is closed");
    kill(s->fake.b.pid, SIGUSR1);
    pass_until(s, 120);
    kill(s->fake.b.pid, SIGUSR2);
    say("it is open again");
}

// A laptop's lid: stopped for a while by its own clock, longer by everybody else's, and what
// was connected is not any more.
static void sleep_and_wake(struct soak *s)
{
    say("vlmd is stopped, the wall clock goes eight hours ahead");
    proc_signal(s->run, SIGSTOP);
    s->is_stopped = true;
    pass_until(s, 240);
    fake_control(&s->fake, "{\"kill\":true}");
    set_clock(s, SLEEP_MS);
    proc_signal(s->run, SIGCONT);
    s->is_stopped = false;
    say("it goes on");
}

static void lose_names(struct soak *s)
{
    say("names are not resolved, connections are gone");
    write_text(s->dns_down, "");
    fake_control(&s->fake, "{\"kill\":true}");
    pass_until(s, 360);
    unlink(s->dns_down);
    say("they are again");
}

static void restart_server(struct soak *s)
{
    struct totals t;
    say("the server is killed");
    fake_totals(&s->fake, &t);
    s->asked_before = t.chat_requests;
    fake_kill(&s->fake);
    pass_until(s, 440);
    fake_again(&s->fake);
    say("it is there again");
}

static int described(struct soak *s)
{
    struct rows rows;
    rows_export(s->place, &rows);
    int n = rows_count(&rows, "outcome", "answered");
    rows_free(&rows);
    return n;
}

static void await_all(struct soak *s)
{
    int64_t until = now_ms() + E2E_PATIENCE_MS;
    while (described(s) < s->n && now_ms() < until) {
        struct timespec t = {1, 0};
        place_read(s->place);
        nanosleep(&t, NULL);
    }
    if (described(s) < s->n) {
        print_message("%s", s->run->err.text);
        fail_msg("%d of %d are described", described(s), s->n);
    }
}

static int lines_of(const char *text)
{
    int n = 0;
    for (; *text; text++) {
        n += *text == '\n';
    }
    return n;
}

static void assert_all_are_right(struct soak *s)
{
    struct rows rows;
    rows_export(s->place, &rows);
    assert_int_equal(rows.n, s->n);
    for (int i = 0; i < rows.n; i++) {
        const cJSON *row = rows.items[i];
        assert_string_equal(text_of(row, "outcome"), "answered");
        assert_true(picture_is_described(picture_number(text_of(row, "path")),
                                         text_of(row, "fields.summary")));
    }
    rows_free(&rows);
}

static void nothing_is_lost(void **state)
{
    struct soak s = {.place = *state};
    start(&s);
    pass_until(&s, 60);
    close_port(&s);
    pass_until(&s, 180);
    sleep_and_wake(&s);
    pass_until(&s, 300);
    lose_names(&s);
    pass_until(&s, 420);
    restart_server(&s);
    pass_until(&s, 570);
    await_all(&s);
    proc_signal(s.run, SIGTERM);
    proc_expect(s.run, 0);
    int lines = lines_of(s.run->err.text);
    struct totals t;
    fake_totals(&s.fake, &t);
    print_message("%d pictures, %d described, %d requests, %d lines of log\n", s.n,
                  described(&s), s.asked_before + t.chat_requests, lines);
    assert_in_range(s.asked_before + t.chat_requests, s.n, s.n + MAX_WASTED);
    assert_all_are_right(&s);
    if (lines > MAX_LOG_LINES) {
        print_message("%s", s.run->err.text);
    }
    assert_in_range(lines, 1, MAX_LOG_LINES);
    fake_stop(&s.fake);
}

int main(int argc, char **argv)
{
    scale = argc > 1 ? atof(argv[1]) : 1;
    if (scale < 0.02 || scale > 100) {
        fprintf(stderr, "usage: soak [SCALE]   (0.02 to 100; 1 = ten minutes)\n");
        return 2;
    }
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(nothing_is_lost, place_setup, place_teardown),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
