// test_e2e_idle.c -- a vlmd that has nothing to do costs nothing.
//
// The one test that waits on the clock: it measures what happens while time passes.
// SPDX-License-Identifier: MIT
#include "e2e_pictures.h"
#include "e2e_vlmd.h"

#include <arpa/inet.h>
#include <dirent.h>
#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

enum { QUIET_MS = 4000, MAX_RSS_KIB = 20 * 1024 };

static long status_of(const char *path, const char *key)
{
    char line[256];
    long n = -1;
    FILE *f = fopen(path, "re");
    if (!f) {
        return -1;
    }
    while (fgets(line, sizeof(line), f)) {
        if (strncmp(line, key, strlen(key)) == 0) {
            n = atol(line + strlen(key));
        }
    }
    fclose(f);
    return n;
}

static long rss_kib(pid_t pid)
{
    char path[64];
    snprintf(path, sizeof(path), "/proc/%d/status", (int)pid);
    return status_of(path, "VmRSS:");
}

// How often any of its threads went to sleep, which it does once per wake-up.
static long sleeps(pid_t pid)
{
    char path[300];
    long sum = 0;
    snprintf(path, sizeof(path), "/proc/%d/task", (int)pid);
    DIR *d = opendir(path);
    assert_non_null(d);
    for (struct dirent *e; (e = readdir(d));) {
        if (e->d_name[0] != '.') {
            snprintf(path, sizeof(path), "/proc/%d/task/%.20s/status", (int)pid,
                     e->d_name);
            sum += status_of(path, "voluntary_ctxt_switches:");
        }
    }
    closedir(d);
    return sum;
}

// Until what it did at first is done: a second without a wake-up, or ten.
static void await_rest(struct proc *run)
{
    for (int i = 0; i < 10; i++) {
        long before = sleeps(run->pid);
        assert_false(proc_ends_within(run, 1000));
        if (sleeps(run->pid) == before) {
            return;
        }
    }
}

static void check_quiet(struct proc *run, const char *what)
{
    await_rest(run);
    long before = sleeps(run->pid);
    assert_false(proc_ends_within(run, QUIET_MS));
    long n = sleeps(run->pid) - before, rss = rss_kib(run->pid);
    print_message("%s: %ld wake-ups in %d ms, %ld KiB\n", what, n, QUIET_MS, rss);
    if (E2E_SANITIZED) {
        print_message("a sanitizer has threads and memory of its own: not judged\n");
        return;
    }
    assert_int_equal(n, 0);
    assert_in_range(rss, 1, MAX_RSS_KIB);
}

// A port where nobody listens: bound, so that nobody else does, and not listened on.
static int free_port(int type, int *fd)
{
    struct sockaddr_in addr = {.sin_family = AF_INET};
    socklen_t len = sizeof(addr);
    *fd = socket(AF_INET, type | SOCK_CLOEXEC, 0);
    addr.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    assert_int_equal(bind(*fd, (struct sockaddr *)&addr, sizeof(addr)), 0);
    assert_int_equal(getsockname(*fd, (struct sockaddr *)&addr, &len), 0);
    return ntohs(addr.sin_port);
}

// The breaker's next look is minutes away with this.
static void a_quiet_folder_without_a_backend(void **state)
{
    struct place *p = *state;
    char url[64];
    int fd, port = free_port(SOCK_STREAM, &fd);
    snprintf(url, sizeof(url), "http://127.0.0.1:%d", port);
    struct proc *run =
        VLMD_START(p, "watch", "--set", "breaker.open=5m", "--set", "breaker.cap=5m",
                   "--backend", url, place_path(p, "in"));
    proc_await(run, &run->err, "pictures found");
    check_quiet(run, "no backend");
    proc_signal(run, SIGINT);
    proc_expect(run, 130);
    close(fd);
}

static void a_quiet_folder_with_a_backend(void **state)
{
    struct place *p = *state;
    struct fake f;
    fake_start(p, &f, "--idle-close-ms 100");
    picture_write(place_path(p, "in"), NULL, 1);
    struct proc *run = VLMD_START(p, "watch", "--backend", f.url, place_path(p, "in"));
    proc_await(run, &run->err, "1 picture");
    fake_await_asked(&f, 1);
    fake_await_quiet(&f);
    check_quiet(run, "after one picture");
    proc_signal(run, SIGINT);
    proc_expect(run, 130);
    fake_stop(&f);
}

// Takes what a StatsD server is sent, until that it has heard of a picture.
static void hear_of_a_picture(int fd)
{
    char packet[2000] = "";
    struct pollfd p = {.fd = fd, .events = POLLIN};
    while (!strstr(packet, "vlmd_jobs_total.answered.")) {
        assert_int_equal(poll(&p, 1, E2E_PATIENCE_MS), 1);
        ssize_t n = recv(fd, packet, sizeof(packet) - 1, 0);
        assert_true(n > 0);
        packet[n] = 0;
    }
}

// The page is served, and a StatsD server hears of what is done.
static void a_quiet_folder_with_the_page(void **state)
{
    struct place *p = *state;
    char statsd[80];
    int server, port = free_port(SOCK_DGRAM, &server);
    snprintf(statsd, sizeof(statsd), "VLMD_STATSD_ADDRESS=127.0.0.1:%d", port);
    const char *const env[] = {"VLMD_ADMIN_LISTEN=127.0.0.1:0", statsd,
                               "VLMD_STATSD_EVERY=1s", NULL};
    const struct spawn how = {.env = env};
    struct fake f;
    fake_start(p, &f, "--idle-close-ms 100");
    picture_write(place_path(p, "in"), NULL, 1);
    struct proc *run =
        VLMD_START_WITH(p, &how, "watch", "--backend", f.url, place_path(p, "in"));
    proc_await(run, &run->err, "page at http://127.0.0.1:");
    struct backend http = {
        .port = atoi(strstr(run->err.text, "page at http://127.0.0.1:") + 25)};
    fake_await_asked(&f, 1);
    fake_await_quiet(&f);
    struct reply r;
    ask_with(&http, "GET", "/healthz", "Host: localhost\r\n", NULL, &r);
    assert_int_equal(r.status, 200);
    reply_free(&r);
    hear_of_a_picture(server);
    check_quiet(run, "with the page and StatsD");
    close(server);
    proc_signal(run, SIGINT);
    proc_expect(run, 130);
    fake_stop(&f);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(a_quiet_folder_without_a_backend, place_setup,
                                        place_teardown),
        cmocka_unit_test_setup_teardown(a_quiet_folder_with_a_backend, place_setup,
                                        place_teardown),
        cmocka_unit_test_setup_teardown(a_quiet_folder_with_the_page, place_setup,
                                        place_teardown),
    };
    e2e_filter();
    return cmocka_run_group_tests(tests, NULL, NULL);
}
