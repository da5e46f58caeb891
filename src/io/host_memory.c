// host_memory.c -- how full memory is, of the machine, of our control groups, of us.
//
// Of a control group what its files keep in memory and nobody maps is not counted: the kernel
// drops it before anybody is killed.
// SPDX-License-Identifier: MIT
#include "io/host_inside.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { MAX_TEXT = 8192, MAX_GROUP = 512, MAX_LEVELS = 32 };

static void look_machine(struct host_req *r)
{
    char text[MAX_TEXT];
    r->used_bytes = r->total_bytes = 0;
    if (!host_read(text, sizeof(text), "%s/meminfo", r->proc)) {
        return;
    }
    int64_t total = host_number(text, "MemTotal:");
    int64_t available = host_number(text, "MemAvailable:");
    if (total > 0 && available >= 0 && available <= total) {
        r->total_bytes = total * 1024;
        r->used_bytes = (total - available) * 1024;
    }
}

static void look_process(struct host_req *r)
{
    char text[128];
    long long size = 0, resident = 0;
    r->rss_bytes = 0;
    if (host_read(text, sizeof(text), "%s/self/statm", r->proc) &&
        sscanf(text, "%lld %lld", &size, &resident) == 2) {
        r->rss_bytes = resident * sysconf(_SC_PAGESIZE);
    }
}

// "some avg10=1.25 avg60=..."
static void read_stalls(struct host_req *r, const char *text)
{
    const char *some = strstr(text, "some avg10=");
    const char *full = strstr(text, "full avg10=");
    double s = some ? strtod(some + 11, NULL) : -1;
    double f = full ? strtod(full + 11, NULL) : -1;
    r->some_pct = s > r->some_pct ? s : r->some_pct;
    r->full_pct = f > r->full_pct ? f : r->full_pct;
}

static int64_t read_bytes(const struct host_req *r, const char *group, const char *file)
{
    char text[64], *end;
    if (!host_read(text, sizeof(text), "%s/fs/cgroup%s/%s", r->sys, group, file)) {
        return -1;
    }
    long long n = strtoll(text, &end, 10);
    return end == text || n < 0 ? -1 : n;  // "max": no limit
}

static void look_group(struct host_req *r, const char *group)
{
    char text[MAX_TEXT];
    int64_t max = read_bytes(r, group, "memory.max");
    int64_t used = read_bytes(r, group, "memory.current");
    if (max <= 0 || used < 0) {
        return;
    }
    if (host_read(text, sizeof(text), "%s/fs/cgroup%s/memory.stat", r->sys, group)) {
        int64_t cold = host_number(text, "inactive_file ");
        used -= cold > 0 && cold < used ? cold : 0;
    }
    bool is_fuller =
        r->group_max_bytes == 0 ||
        (double)used / (double)max > (double)r->group_bytes / (double)r->group_max_bytes;
    if (is_fuller) {
        r->group_bytes = used;
        r->group_max_bytes = max;
    }
}

// "0::/user.slice/..." is the one of version 2; each above it may have a limit, too.
static void look_groups(struct host_req *r)
{
    char text[4096], group[MAX_GROUP], stalls[512];
    r->group_bytes = r->group_max_bytes = 0;
    if (!host_read(text, sizeof(text), "%s/self/cgroup", r->proc)) {
        return;
    }
    const char *line = strncmp(text, "0::", 3) == 0 ? text : strstr(text, "\n0::");
    if (!line) {
        return;
    }
    line += *line == '\n';
    size_t n = strcspn(line + 3, "\n");
    if (n >= sizeof(group)) {
        return;
    }
    snprintf(group, sizeof(group), "%.*s", (int)n, line + 3);
    if (host_read(stalls, sizeof(stalls), "%s/fs/cgroup%s/memory.pressure", r->sys,
                  group)) {
        read_stalls(r, stalls);
    }
    for (int i = 0; i < MAX_LEVELS; i++) {
        look_group(r, strcmp(group, "/") == 0 ? "" : group);
        char *slash = strrchr(group, '/');
        if (!slash) {
            break;
        }
        *slash = 0;
    }
}

void host_look_memory(struct host_req *r)
{
    char text[512];
    r->some_pct = r->full_pct = -1;
    look_machine(r);
    look_process(r);
    look_groups(r);
    if (host_read(text, sizeof(text), "%s/pressure/memory", r->proc)) {
        read_stalls(r, text);
    }
}
