// host.c -- one look at the machine.
//
// host_memory.c reads memory, host_power.c the battery, host_busy.c processors and programs.
// SPDX-License-Identifier: MIT
#include "io/host_inside.h"

#include <fcntl.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { MAX_PATH = 1024 };

bool host_read(char *out, size_t size, const char *fmt, ...)
{
    char path[MAX_PATH];
    va_list ap;
    va_start(ap, fmt);
    int n = vsnprintf(path, sizeof(path), fmt, ap);
    va_end(ap);
    out[0] = 0;
    if (n < 0 || n >= MAX_PATH) {
        return false;
    }
    int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
    if (fd < 0) {
        return false;
    }
    size_t len = 0;
    ssize_t got = 0;
    while (len + 1 < size && (got = read(fd, out + len, size - 1 - len)) > 0) {
        len += (size_t)got;
    }
    close(fd);
    out[len] = 0;
    return got >= 0;
}

int64_t host_number(const char *text, const char *word)
{
    size_t n = strlen(word);
    for (const char *line = text; line; line = strchr(line, '\n')) {
        line += *line == '\n';
        if (strncmp(line, word, n) == 0) {
            char *end;
            const char *digits = line + n + strspn(line + n, " \t");
            long long value = strtoll(digits, &end, 10);
            return end == digits ? -1 : value;
        }
    }
    return -1;
}

void host_look(struct host_req *r)
{
    host_look_memory(r);
    r->on_battery = r->battery_pct = r->cpu_pct = r->gpu_pct = -1;
    r->program[0] = 0;
    if (r->wants_power) {
        host_look_power(r);
    }
    if (r->wants_cpu || r->wants_programs) {
        host_look_programs(r);
    }
    if (r->wants_gpu) {
        host_look_gpu(r);
    }
}

static void sample_run(struct pool_work *w, void *thread)
{
    (void)thread;
    host_look(container_of(w, struct host_req, work));
}

static void sample_done(struct pool_work *w, int err)
{
    struct host_req *r = container_of(w, struct host_req, work);
    r->done(r, err);
}

void host_sample(struct pool *p, struct host_req *r,
                 void (*done)(struct host_req *r, int err))
{
    r->work = (struct pool_work){.run = sample_run, .done = sample_done};
    r->done = done;
    pool_submit(p, &r->work);
}
