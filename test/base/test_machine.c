// test_machine.c -- what is read from /proc and control groups, with files of our own.
// SPDX-License-Identifier: MIT
#include "base/machine.h"

#include "base/err.h"

#include <fcntl.h>
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <netinet/in.h>
#include <sys/socket.h>

#include <cmocka.h>

struct rig {
    char dir[64];
    char proc[80], cgroup[80];
    struct machine_roots roots;
    struct machine m;
};

// Makes the folders on the way, too.
static void put(const char *root, const char *name, const char *text)
{
    char path[400];
    snprintf(path, sizeof(path), "%s/%s", root, name);
    for (char *p = path + strlen(root) + 1; (p = strchr(p, '/')); p++) {
        *p = 0;
        mkdir(path, 0700);
        *p = '/';
    }
    FILE *f = fopen(path, "w");
    assert_non_null(f);
    fputs(text, f);
    fclose(f);
}

static int set_up(void **state)
{
    struct rig *r = calloc(1, sizeof(*r));
    snprintf(r->dir, sizeof(r->dir), "machine.XXXXXX");
    if (!r || !mkdtemp(r->dir)) {
        return -1;
    }
    snprintf(r->proc, sizeof(r->proc), "%s/proc", r->dir);
    snprintf(r->cgroup, sizeof(r->cgroup), "%s/cgroup", r->dir);
    mkdir(r->proc, 0700);
    mkdir(r->cgroup, 0700);
    r->roots = (struct machine_roots){r->proc, r->cgroup};
    *state = r;
    return 0;
}

static int tear_down(void **state)
{
    struct rig *r = *state;
    char command[100];
    snprintf(command, sizeof(command), "rm -rf %s", r->dir);
    int rc = system(command);
    free(r);
    return rc;
}

static void memory_is_read_in_bytes(void **state)
{
    struct rig *r = *state;
    put(r->proc, "self/status",
        "Name:\tvlmd\nUmask:\t0022\nPid:\t4711\nPPid:\t1\nVmPeak:\t  999 kB\n"
        "VmSize:\t  2000 kB\nVmHWM:\t  900 kB\nVmRSS:\t  800 kB\nVmSwap:\t 16 kB\n"
        "Threads:\t7\n");
    put(r->proc, "meminfo",
        "MemTotal:       16000 kB\nMemFree: 100 kB\nMemAvailable:    4000 kB\n"
        "SwapTotal: 2000 kB\nSwapFree: 1500 kB\n");
    put(r->proc, "pressure/memory",
        "some avg10=1.25 avg60=0.00 avg300=0.00 total=0\nfull avg10=0.50\n");
    machine_read(&r->roots, &r->m);
    assert_int_equal(r->m.rss, 800 * 1024);
    assert_int_equal(r->m.rss_peak, 900 * 1024);
    assert_int_equal(r->m.vms, 2000 * 1024);
    assert_int_equal(r->m.swapped, 16 * 1024);
    assert_int_equal(r->m.mem_available, 4000 * 1024);
    assert_int_equal(r->m.swap_free, 1500 * 1024);
    assert_true(fabs(r->m.mem_pressure_pct - 1.25) < 1e-9);
    assert_int_equal(r->m.threads, 7);
    assert_int_equal(r->m.pid, 4711);
    assert_int_equal(r->m.parent_pid, 1);
    assert_string_equal(r->m.name, "vlmd");
    assert_true(fabs(machine_memory_pct(&r->m) - 75) < 1e-9);
}

static void the_tightest_control_group_counts(void **state)
{
    struct rig *r = *state;
    put(r->proc, "self/cgroup", "0::/user.slice/app.scope\n");
    put(r->cgroup, "user.slice/app.scope/memory.max", "max\n");
    put(r->cgroup, "user.slice/app.scope/memory.current", "100\n");
    put(r->cgroup, "user.slice/memory.max", "1000\n");
    put(r->cgroup, "user.slice/memory.current", "900\n");
    put(r->cgroup, "memory.max", "5000\n");
    put(r->cgroup, "memory.current", "1000\n");
    put(r->proc, "meminfo", "MemTotal: 1000 kB\nMemAvailable: 900 kB\n");
    machine_read(&r->roots, &r->m);
    assert_int_equal(r->m.group_limit, 1000);
    assert_int_equal(r->m.group_used, 900);
    assert_true(fabs(machine_memory_pct(&r->m) - 90) < 1e-9);
}

static void old_control_groups_are_read_too(void **state)
{
    struct rig *r = *state;
    put(r->proc, "self/cgroup", "9:cpu:/\n7:memory:/docker/abc\n");
    put(r->cgroup, "memory/docker/abc/memory.limit_in_bytes", "4000\n");
    put(r->cgroup, "memory/docker/abc/memory.usage_in_bytes", "1000\n");
    put(r->cgroup, "memory/docker/memory.limit_in_bytes", "9223372036854771712\n");
    machine_read(&r->roots, &r->m);
    assert_int_equal(r->m.group_limit, 4000);
    assert_int_equal(r->m.group_used, 1000);
}

static void processor_times_are_differences(void **state)
{
    struct rig *r = *state;
    struct machine before;
    char text[400];
    long tick = sysconf(_SC_CLK_TCK);
    put(r->proc, "stat", "cpu  100 0 100 700 100 0 0 0 0 0\nbtime 1700000000\n");
    snprintf(text, sizeof(text),
             "42 (a b) c) S 1 1 1 0 -1 0 0 0 0 0 %ld %ld 0 0 20 0 3 0 %ld 1 1 1\n", tick,
             2 * tick, 10 * tick);
    put(r->proc, "self/stat", text);
    machine_read(&r->roots, &before);
    assert_int_equal(before.cpu_user_ms, 1000);
    assert_int_equal(before.cpu_system_ms, 2000);
    assert_int_equal(before.started_at_ms, INT64_C(1700000010000));
    put(r->proc, "stat", "cpu  150 0 130 710 110 0 0 0 0 0\nbtime 1700000000\n");
    snprintf(text, sizeof(text),
             "42 (a b) c) S 1 1 1 0 -1 0 0 0 0 0 %ld %ld 0 0 20 0 3 0 %ld 1 1 1\n",
             2 * tick, 2 * tick, 10 * tick);
    put(r->proc, "self/stat", text);
    machine_read(&r->roots, &r->m);
    assert_true(fabs(machine_cpu_pct(&before, &r->m) - 80) < 1e-9);
    assert_true(fabs(machine_process_cpu_pct(&before, &r->m, 4000) - 25) < 1e-9);
    assert_true(machine_process_cpu_pct(&before, &r->m, 0) == 0);
}

static void own_sockets_are_counted_by_state(void **state)
{
    struct rig *r = *state;
    struct sockaddr_in at = {.sin_family = AF_INET,
                             .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    socklen_t len = sizeof(at);
    struct machine before;
    int pair[2];
    machine_read(NULL, &before);
    int door = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    int client = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    int udp = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
    assert_int_equal(bind(door, (struct sockaddr *)&at, sizeof(at)), 0);
    assert_int_equal(listen(door, 1), 0);
    assert_int_equal(getsockname(door, (struct sockaddr *)&at, &len), 0);
    assert_int_equal(connect(client, (struct sockaddr *)&at, sizeof(at)), 0);
    int served = accept(door, NULL, NULL);
    assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, pair), 0);
    machine_read(NULL, &r->m);
    assert_int_equal(r->m.tcp[MACHINE_TCP_LISTENING],
                     before.tcp[MACHINE_TCP_LISTENING] + 1);
    assert_int_equal(r->m.tcp[MACHINE_TCP_ESTABLISHED],
                     before.tcp[MACHINE_TCP_ESTABLISHED] + 2);
    assert_int_equal(r->m.unix_sockets, before.unix_sockets + 2);
    assert_int_equal(r->m.fds, before.fds + 6);
    close(client);
    machine_read(NULL, &r->m);
    assert_int_equal(r->m.tcp[MACHINE_TCP_ESTABLISHED],
                     before.tcp[MACHINE_TCP_ESTABLISHED]);
    assert_int_equal(r->m.tcp[MACHINE_TCP_CLOSING], before.tcp[MACHINE_TCP_CLOSING] + 1);
    assert_true(r->m.fds_soft > 0);
    assert_true(fabs(machine_fds_pct(&r->m) -
                     (double)r->m.fds * 100 / (double)r->m.fds_soft) < 1e-9);
    const int all[] = {door, udp, served, pair[0], pair[1]};
    for (size_t i = 0; i < sizeof(all) / sizeof(all[0]); i++) {
        close(all[i]);
    }
}

static void nothing_there_is_no_harm(void **state)
{
    struct rig *r = *state;
    machine_read(&r->roots, &r->m);
    assert_int_equal(r->m.rss, 0);
    assert_int_equal(r->m.group_limit, 0);
    assert_true(r->m.mem_pressure_pct == -1);
    assert_true(machine_memory_pct(&r->m) == 0);
}

static void broken_files_are_no_harm(void **state)
{
    struct rig *r = *state;
    char long_line[9000];
    memset(long_line, 'x', sizeof(long_line) - 1);
    long_line[sizeof(long_line) - 1] = 0;
    put(r->proc, "self/status", "VmRSS:\nVmSize: lots kB\nThreads");
    put(r->proc, "self/stat", "no bracket");
    put(r->proc, "stat", "cpu x y");
    put(r->proc, "loadavg", "");
    put(r->proc, "self/cgroup", long_line);
    machine_read(&r->roots, &r->m);
    assert_int_equal(r->m.rss, 0);
    assert_int_equal(r->m.cpu_user_ms, 0);
    assert_int_equal(r->m.all_ticks, 0);
}

static void this_process_is_found(void **state)
{
    struct rig *r = *state;
    int fd = open("/dev/null", O_RDONLY);
    machine_read(NULL, &r->m);
    int before = r->m.fds;
    int other = open("/dev/null", O_RDONLY);
    machine_read(NULL, &r->m);
    assert_int_equal(r->m.fds, before + 1);
    assert_int_equal(r->m.pid, getpid());
    assert_true(r->m.rss > 100 * 1024);
    assert_true(r->m.vms >= r->m.rss);
    assert_true(r->m.mem_total > r->m.mem_available && r->m.mem_available > 0);
    assert_true(r->m.threads >= 1 && r->m.cores >= 1);
    assert_true(r->m.started_at_ms > INT64_C(1500000000000));
    close(fd);
    close(other);
}

static void a_disk_has_room(void **state)
{
    struct rig *r = *state;
    struct machine_disk d;
    assert_int_equal(machine_read_disk(r->dir, &d), 0);
    assert_true(d.total > 0 && d.available > 0 && d.available <= d.total);
    assert_true(machine_disk_pct(&d) >= 0 && machine_disk_pct(&d) <= 100);
    assert_int_equal(machine_read_disk("/no/such/folder", &d), E_NOT_FOUND);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(memory_is_read_in_bytes, set_up, tear_down),
        cmocka_unit_test_setup_teardown(the_tightest_control_group_counts, set_up,
                                        tear_down),
        cmocka_unit_test_setup_teardown(old_control_groups_are_read_too, set_up,
                                        tear_down),
        cmocka_unit_test_setup_teardown(processor_times_are_differences, set_up,
                                        tear_down),
        cmocka_unit_test_setup_teardown(own_sockets_are_counted_by_state, set_up,
                                        tear_down),
        cmocka_unit_test_setup_teardown(nothing_there_is_no_harm, set_up, tear_down),
        cmocka_unit_test_setup_teardown(broken_files_are_no_harm, set_up, tear_down),
        cmocka_unit_test_setup_teardown(this_process_is_found, set_up, tear_down),
        cmocka_unit_test_setup_teardown(a_disk_has_room, set_up, tear_down),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
