// test_host.c -- what is read from a made-up /proc and /sys.
// SPDX-License-Identifier: MIT
#include "io/host.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static char root[64], proc[80], sys[80];

static int make_root(void **state)
{
    (void)state;
    snprintf(root, sizeof(root), "/tmp/test_host.XXXXXX");
    if (!mkdtemp(root)) {
        return -1;
    }
    snprintf(proc, sizeof(proc), "%s/proc", root);
    snprintf(sys, sizeof(sys), "%s/sys", root);
    return 0;
}

static int drop_root(void **state)
{
    char command[128];
    (void)state;
    snprintf(command, sizeof(command), "rm -rf '%s'", root);
    return system(command);
}

// Makes the folders above it, too.
static void put(const char *path, const char *text)
{
    char full[512];
    snprintf(full, sizeof(full), "%s/%s", root, path);
    for (char *p = full + strlen(root) + 1; (p = strchr(p, '/')); p++) {
        *p = 0;
        mkdir(full, 0700);
        *p = '/';
    }
    FILE *f = fopen(full, "w");
    assert_non_null(f);
    fputs(text, f);
    fclose(f);
}

static struct host_req request(void)
{
    return (struct host_req){.proc = proc,
                             .sys = sys,
                             .wants_power = true,
                             .wants_cpu = true,
                             .wants_gpu = true,
                             .wants_programs = true};
}

static void nothing_there_is_nothing_known(void **state)
{
    (void)state;
    struct host_req r = request();
    host_look(&r);
    assert_int_equal(r.total_bytes, 0);
    assert_int_equal(r.group_max_bytes, 0);
    assert_int_equal(r.rss_bytes, 0);
    assert_true(r.some_pct < 0 && r.full_pct < 0);
    assert_int_equal(r.cpu_pct, -1);
    assert_int_equal(r.gpu_pct, -1);
    assert_int_equal(r.on_battery, 0);
    assert_string_equal(r.program, "");
}

static void memory_of_machine_and_process(void **state)
{
    (void)state;
    struct host_req r = request();
    put("proc/meminfo",
        "MemTotal:        1000 kB\nMemFree:  10 kB\nMemAvailable: 250 kB\n");
    put("proc/self/statm", "5000 25 10 1 0 100 0\n");
    put("proc/pressure/memory", "some avg10=3.50 avg60=1.00 avg300=0.10 total=12\n"
                                "full avg10=1.25 avg60=0.10 avg300=0.00 total=3\n");
    host_look(&r);
    assert_int_equal(r.total_bytes, 1024000);
    assert_int_equal(r.used_bytes, 768000);
    assert_int_equal(r.rss_bytes, 25 * sysconf(_SC_PAGESIZE));
    assert_true(r.some_pct > 3.49 && r.some_pct < 3.51);
    assert_true(r.full_pct > 1.24 && r.full_pct < 1.26);
}

static void the_fullest_control_group_binds(void **state)
{
    (void)state;
    struct host_req r = request();
    put("proc/self/cgroup", "1:name=systemd:/x\n0::/user.slice/app.scope\n");
    put("sys/fs/cgroup/user.slice/app.scope/memory.max", "max\n");
    put("sys/fs/cgroup/user.slice/app.scope/memory.current", "900\n");
    put("sys/fs/cgroup/user.slice/app.scope/memory.pressure", "some avg10=7.00 a\n");
    put("sys/fs/cgroup/user.slice/memory.max", "1000\n");
    put("sys/fs/cgroup/user.slice/memory.current", "950\n");
    put("sys/fs/cgroup/user.slice/memory.stat", "anon 600\ninactive_file 150\n");
    put("sys/fs/cgroup/memory.max", "100000\n");
    put("sys/fs/cgroup/memory.current", "3000\n");
    host_look(&r);
    assert_int_equal(r.group_max_bytes, 1000);
    assert_int_equal(r.group_bytes, 800);  // what the kernel can drop is none of it
    assert_true(r.some_pct > 6.9);
    put("sys/fs/cgroup/memory.current", "99000\n");
    host_look(&r);
    assert_int_equal(r.group_max_bytes, 100000);
}

static void damaged_files_are_not_known(void **state)
{
    (void)state;
    static const char *const bad[] = {"",
                                      "\n",
                                      "MemTotal:",
                                      "MemTotal: x kB\n",
                                      "MemTotal: 10 kB\nMemAvailable: 20 kB\n",
                                      "MemTotal: -5 kB\nMemAvailable: 1 kB\n"};
    for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
        struct host_req r = request();
        put("proc/meminfo", bad[i]);
        put("proc/self/statm", bad[i]);
        put("proc/stat", bad[i]);
        put("proc/pressure/memory", bad[i]);
        host_look(&r);
        assert_int_equal(r.total_bytes, 0);
        assert_int_equal(r.rss_bytes, 0);
        assert_int_equal(r.cpu_pct, -1);
    }
}

static void a_laptop_on_its_battery(void **state)
{
    (void)state;
    struct host_req r = request();
    put("sys/class/power_supply/AC/type", "Mains\n");
    put("sys/class/power_supply/AC/online", "0\n");
    put("sys/class/power_supply/BAT0/type", "Battery\n");
    put("sys/class/power_supply/BAT0/status", "Discharging\n");
    put("sys/class/power_supply/BAT0/capacity", "43\n");
    host_look(&r);
    assert_int_equal(r.on_battery, 1);
    assert_int_equal(r.battery_pct, 43);
    put("sys/class/power_supply/AC/online", "1\n");
    host_look(&r);
    assert_int_equal(r.on_battery, 0);
    put("sys/class/power_supply/AC/online", "0\n");
    put("sys/class/power_supply/BAT0/status", "Charging\n");
    host_look(&r);
    assert_int_equal(r.on_battery, 0);
}

static void a_mouse_on_its_battery(void **state)
{
    (void)state;
    struct host_req r = request();
    put("sys/class/power_supply/hid/type", "Battery\n");
    put("sys/class/power_supply/hid/scope", "Device\n");
    put("sys/class/power_supply/hid/status", "Discharging\n");
    put("sys/class/power_supply/hid/capacity", "5\n");
    host_look(&r);
    assert_int_equal(r.on_battery, 0);
    assert_int_equal(r.battery_pct, -1);
}

static void work_of_others_only(void **state)
{
    (void)state;
    static const char *const servers[] = {"ollama", NULL};
    struct host_req r = request();
    char us[64];
    snprintf(us, sizeof(us), "proc/%d/stat", (int)getpid());
    r.servers = servers;
    put("proc/stat", "cpu  100 0 0 900 0 0 0 0\ncpu0 1 2\n");
    put(us, "1 (test) S 1 1 1 0 -1 0 0 0 0 0 10 0 0 0\n");
    put("proc/77/stat", "77 (ollama) S 1 1 1 0 -1 0 0 0 0 0 20 0 0 0\n");
    put("proc/78/stat", "78 (make) S 1 1 1 0 -1 0 0 0 0 0 70 0 0 0\n");
    host_look(&r);
    assert_int_equal(r.cpu_pct, -1);  // one look tells nothing
    put("proc/stat", "cpu  200 0 0 900 0 0 0 0\n");
    put(us, "1 (test) S 1 1 1 0 -1 0 0 0 0 0 15 5 0 0\n");
    put("proc/77/stat", "77 (ollama) S 1 1 1 0 -1 0 0 0 0 0 50 0 0 0\n");
    put("proc/78/stat", "78 (make) S 1 1 1 0 -1 0 0 0 0 0 130 0 0 0\n");
    host_look(&r);
    assert_int_equal(r.cpu_pct, 60);
}

static void programs_are_found_by_name(void **state)
{
    (void)state;
    static const char *const names[] = {"blender", "a very long program name", NULL};
    struct host_req r = request();
    r.programs = names;
    put("proc/90/stat", "90 (odd) name) S 1 1 1 0 -1 0 0 0 0 0 1 0 0 0\n");
    put("proc/91/stat", "91 (blenderX) S 1 1 1 0 -1 0 0 0 0 0 1 0 0 0\n");
    host_look(&r);
    assert_string_equal(r.program, "");
    put("proc/92/stat", "92 (a very long pro) S 1 1 1 0 -1 0 0 0 0 0 1 0 0 0\n");
    host_look(&r);
    assert_string_equal(r.program, "a very long pro");
    put("proc/92/stat", "92 (Blender) S 1 1 1 0 -1 0 0 0 0 0 1 0 0 0\n");
    host_look(&r);
    assert_string_equal(r.program, "Blender");
}

static void the_busiest_gpu_counts(void **state)
{
    (void)state;
    struct host_req r = request();
    put("sys/class/drm/card0/device/gpu_busy_percent", "12\n");
    put("sys/class/drm/card1/device/gpu_busy_percent", "77\n");
    put("sys/class/drm/card2/device/gpu_busy_percent", "\n");
    host_look(&r);
    assert_int_equal(r.gpu_pct, 77);
}

static void says(const char *gpus, const char *fails)
{
    char path[512];
    snprintf(path, sizeof(path), "%s/calls", root);
    unlink(path);
    setenv("FAKE_NVML_COUNT", path, 1);
    setenv("FAKE_NVML_GPUS", gpus, 1);
    if (fails) {
        setenv("FAKE_NVML_FAILS", fails, 1);
    } else {
        unsetenv("FAKE_NVML_FAILS");
    }
}

static void expect_calls(const char *expected)
{
    char path[512], text[64] = "";
    snprintf(path, sizeof(path), "%s/calls", root);
    FILE *f = fopen(path, "r");
    if (f) {
        text[fread(text, 1, sizeof(text) - 1, f)] = 0;
        fclose(f);
    }
    assert_string_equal(text, expected);
}

static void nvidia_is_asked_by_its_library(void **state)
{
    (void)state;
    static const struct {
        const char *gpus, *fails;
        int pct;
        const char *calls;
    } rows[] = {
        {"35", NULL, 35, "init\nshutdown\n"},
        {"12,88,40", NULL, 88, "init\nshutdown\n"},  // the busiest
        {"x,7", NULL, 7, "init\nshutdown\n"},        // one that does not tell
        {"x", NULL, -1, "init\nshutdown\n"},
        {"0", NULL, 0, "init\nshutdown\n"},
        {"250", NULL, -1, "init\nshutdown\n"},  // nonsense
        {"35", "18", -1, "init\n"},             // another version than the driver's
    };
    struct host_req r = request();
    r.nvml = FAKE_NVML;
    put("sys/class/drm/card0/device/vendor", "0x10de\n");
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        says(rows[i].gpus, rows[i].fails);
        host_look(&r);
        assert_int_equal(r.gpu_pct, rows[i].pct);
        expect_calls(rows[i].calls);
    }
}

static void a_gpu_that_sleeps_is_not_woken(void **state)
{
    (void)state;
    struct host_req r = request();
    r.nvml = FAKE_NVML;
    says("60", NULL);
    put("sys/class/drm/card1/device/vendor", "0x10de\n");
    put("sys/class/drm/card1/device/power/runtime_status", "suspended\n");
    host_look(&r);
    assert_int_equal(r.gpu_pct, 0);
    expect_calls("");
    put("sys/class/drm/card1/device/power/runtime_status", "active\n");
    host_look(&r);
    assert_int_equal(r.gpu_pct, 60);
}

// As servers have them: no screen, no card of the kernel's graphics.
static void a_gpu_without_a_screen_is_asked(void **state)
{
    (void)state;
    struct host_req r = request();
    r.nvml = FAKE_NVML;
    says("73", NULL);
    put("sys/bus/pci/devices/0000:00:1f.0/vendor", "0x8086\n");
    put("sys/bus/pci/devices/0000:00:1f.0/class", "0x060100\n");
    host_look(&r);
    assert_int_equal(r.gpu_pct, -1);
    expect_calls("");
    put("sys/bus/pci/devices/0000:65:00.1/vendor", "0x10de\n");  // its sound
    put("sys/bus/pci/devices/0000:65:00.1/class", "0x040300\n");
    host_look(&r);
    assert_int_equal(r.gpu_pct, -1);
    put("sys/bus/pci/devices/0000:65:00.0/vendor", "0x10de\n");
    put("sys/bus/pci/devices/0000:65:00.0/class", "0x030200\n");
    host_look(&r);
    assert_int_equal(r.gpu_pct, 73);
    put("sys/bus/pci/devices/0000:65:00.0/power/runtime_status", "suspended\n");
    says("73", NULL);
    host_look(&r);
    assert_int_equal(r.gpu_pct, 0);
    expect_calls("");
}

// No list of devices, as in some containers: the library knows.
static void where_nothing_is_listed_the_library_is_asked(void **state)
{
    (void)state;
    struct host_req r = request();
    r.nvml = FAKE_NVML;
    says("21", NULL);
    host_look(&r);
    assert_int_equal(r.gpu_pct, 21);
    expect_calls("init\nshutdown\n");
}

static void without_such_a_card_its_library_is_not_looked_for(void **state)
{
    (void)state;
    struct host_req r = request();
    r.nvml = FAKE_NVML;
    says("60", NULL);
    put("sys/class/drm/card0/device/vendor", "0x1002\n");
    host_look(&r);
    assert_int_equal(r.gpu_pct, -1);
    expect_calls("");
    put("sys/class/drm/card0/device/gpu_busy_percent", "41\n");  // it tells in a file
    host_look(&r);
    assert_int_equal(r.gpu_pct, 41);
    put("sys/class/drm/card1/device/vendor", "0x10de\n");  // both are there
    host_look(&r);
    assert_int_equal(r.gpu_pct, 60);
}

static void a_library_that_is_not_there_or_another_one_is_no_error(void **state)
{
    (void)state;
    struct host_req r = request();
    put("sys/class/drm/card0/device/vendor", "0x10de\n");
    r.nvml = "libno-such-library.so.7";
    host_look(&r);
    assert_int_equal(r.gpu_pct, -1);
    r.nvml = "libm.so.6";
    host_look(&r);
    assert_int_equal(r.gpu_pct, -1);
}

// This machine, whatever it is.
static void the_real_files_make_sense(void **state)
{
    (void)state;
    struct host_req r = request();
    r.proc = "/proc";
    r.sys = "/sys";
    host_look(&r);
    assert_true(r.total_bytes > 0 && r.used_bytes > 0 && r.used_bytes < r.total_bytes);
    assert_true(r.rss_bytes > 0);
}

struct sampled {
    struct host_req req;
    int n, err;
};

static void on_sampled(struct host_req *r, int err)
{
    struct sampled *s = container_of(r, struct sampled, req);
    s->n++;
    s->err = err;
}

static void on_closed(void *arg)
{
    *(bool *)arg = true;
}

static void in_a_pool(void **state)
{
    (void)state;
    struct loop l;
    struct pool *p;
    struct pool_config c = {.name = "test", .threads = 1};
    struct sampled s = {.req = request()};
    assert_int_equal(loop_init(&l), 0);
    assert_int_equal(pool_open(&p, &l, &c), 0);
    put("proc/meminfo", "MemTotal: 1000 kB\nMemAvailable: 500 kB\n");
    host_sample(p, &s.req, on_sampled);
    assert_int_equal(s.n, 0);
    while (s.n == 0) {
        uv_run(&l.uv, UV_RUN_ONCE);
    }
    assert_int_equal(s.err, 0);
    assert_int_equal(s.req.used_bytes, 512000);
    bool is_closed = false;
    pool_close(p, on_closed, &is_closed);
    uv_run(&l.uv, UV_RUN_DEFAULT);
    assert_true(is_closed);
    assert_int_equal(loop_fini(&l), 0);
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, make_root, drop_root)
    const struct CMUnitTest tests[] = {
        TEST(nothing_there_is_nothing_known),
        TEST(memory_of_machine_and_process),
        TEST(the_fullest_control_group_binds),
        TEST(damaged_files_are_not_known),
        TEST(a_laptop_on_its_battery),
        TEST(a_mouse_on_its_battery),
        TEST(work_of_others_only),
        TEST(programs_are_found_by_name),
        TEST(the_busiest_gpu_counts),
        TEST(nvidia_is_asked_by_its_library),
        TEST(a_gpu_that_sleeps_is_not_woken),
        TEST(a_gpu_without_a_screen_is_asked),
        TEST(where_nothing_is_listed_the_library_is_asked),
        TEST(without_such_a_card_its_library_is_not_looked_for),
        TEST(a_library_that_is_not_there_or_another_one_is_no_error),
        TEST(the_real_files_make_sense),
        TEST(in_a_pool),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
