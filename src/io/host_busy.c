// host_busy.c -- how much of the processors others use, how busy the GPU is, which of the
// named programs run.
//
// The servers that answer us work for us: their time is ours, whoever started them.
// SPDX-License-Identifier: MIT
#include "io/host_inside.h"

#include <ctype.h>
#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <unistd.h>

enum { MAX_PROCESSES = 1 << 16 };

// As the kernel cuts names.
static bool is_named(const char *const *names, const char *comm)
{
    for (int i = 0; names && names[i]; i++) {
        if (strncasecmp(names[i], comm, HOST_NAME_BYTES - 1) == 0 && names[i][0]) {
            return true;
        }
    }
    return false;
}

struct process {
    char comm[HOST_NAME_BYTES];
    int64_t parent;
    uint64_t ticks;
};

// "123 (a name) S 1 ... utime stime": the name may hold anything, also brackets.
static bool parse(const char *text, struct process *p)
{
    const char *open = strchr(text, '('), *close = strrchr(text, ')');
    unsigned long long user = 0, kernel = 0;
    long long parent = 0;
    if (!open || !close || close < open) {
        return false;
    }
    int n = (int)(close - open - 1);
    snprintf(p->comm, sizeof(p->comm), "%.*s", n, open + 1);
    if (sscanf(close + 1, " %*c %lld %*d %*d %*d %*d %*u %*u %*u %*u %*u %llu %llu",
               &parent, &user, &kernel) != 3) {
        return false;
    }
    p->parent = parent;
    p->ticks = user + kernel;
    return true;
}

static void look_process(struct host_req *r, const char *pid, uint64_t *ours)
{
    char text[1024];
    struct process p;
    if (!host_read(text, sizeof(text), "%s/%s/stat", r->proc, pid) || !parse(text, &p)) {
        return;
    }
    bool is_us = atoll(pid) == getpid() || p.parent == getpid();
    *ours += is_us || is_named(r->servers, p.comm) ? p.ticks : 0;
    if (r->wants_programs && !r->program[0] && is_named(r->programs, p.comm)) {
        memcpy(r->program, p.comm, sizeof(r->program));
    }
}

static bool read_ticks(const struct host_req *r, struct host_ticks *out)
{
    char text[512];
    unsigned long long t[8] = {0};
    if (!host_read(text, sizeof(text), "%s/stat", r->proc) ||
        sscanf(text, "cpu %llu %llu %llu %llu %llu %llu %llu %llu", &t[0], &t[1], &t[2],
               &t[3], &t[4], &t[5], &t[6], &t[7]) < 4) {
        return false;
    }
    for (int i = 0; i < 8; i++) {
        bool is_rest = i == 3 || i == 4;  // idle, waiting for a disk
        out->all += t[i];
        out->busy += is_rest ? 0 : t[i];
    }
    return true;
}

// A process that ended in between takes its time with it: never less than nothing.
static int share(const struct host_ticks *old, const struct host_ticks *now)
{
    if (old->all == 0 || now->all <= old->all || now->busy < old->busy) {
        return -1;
    }
    uint64_t all = now->all - old->all, busy = now->busy - old->busy;
    uint64_t ours = now->ours > old->ours ? now->ours - old->ours : 0;
    return (int)((busy > ours ? busy - ours : 0) * 100 / all);
}

void host_look_programs(struct host_req *r)
{
    struct host_ticks now = {0};
    bool is_known = read_ticks(r, &now);
    DIR *dir = opendir(r->proc);
    const struct dirent *e;
    for (int n = 0; dir && n < MAX_PROCESSES && (e = readdir(dir)); n++) {
        if (isdigit((unsigned char)e->d_name[0])) {
            look_process(r, e->d_name, &now.ours);
        }
    }
    if (dir) {
        closedir(dir);
    }
    if (is_known && r->wants_cpu) {
        r->cpu_pct = share(&r->ticks, &now);
        r->ticks = now;
    }
}

// The busiest of those that tell: amdgpu does in a file, NVIDIA's driver in its library.
void host_look_gpu(struct host_req *r)
{
    char text[16];
    r->gpu_pct = host_nvml_pct(r);
    for (int i = 0; i < 8; i++) {
        if (host_read(text, sizeof(text), "%s/class/drm/card%d/device/gpu_busy_percent",
                      r->sys, i) &&
            isdigit((unsigned char)text[0])) {
            int pct = atoi(text);
            r->gpu_pct = pct > r->gpu_pct ? pct : r->gpu_pct;
        }
    }
}
