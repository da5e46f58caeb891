// owner.c -- lease owners' names, and which of them are certainly dead.
//
// A pid alone says nothing: it is used again, it means something else in another
// container, and a restart of the machine starts anew.  So the name holds everything that
// is needed to tell, and whoever cannot tell waits until the lease runs out.
// SPDX-License-Identifier: MIT
#include "store/owner.h"

#include <errno.h>
#include <inttypes.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

struct owner {
    char host[65];
    char boot[40];
    uint64_t pid_space;
    long pid;
    uint64_t started;  // clock ticks since boot; 0 = not known
};

static void read_line(const char *path, char *out, size_t size)
{
    FILE *f = fopen(path, "re");
    out[0] = 0;
    if (f) {
        if (fgets(out, (int)size, f)) {
            out[strcspn(out, "\n")] = 0;
        }
        fclose(f);
    }
}

// Field 22 of /proc/PID/stat; the second one is in parentheses and may hold anything.  The
// third tells of a process that has ended and waits for its parent to notice.
static uint64_t start_of(long pid, bool *is_zombie)
{
    char path[64], line[1024];
    snprintf(path, sizeof(path), "/proc/%ld/stat", pid);
    read_line(path, line, sizeof(line));
    char *at = strrchr(line, ')');
    *is_zombie = at && (strncmp(at, ") Z", 3) == 0 || strncmp(at, ") X", 3) == 0);
    for (int field = 2; at && field < 22; field++) {
        at = strchr(at + 1, ' ');
    }
    return at ? strtoull(at, NULL, 10) : 0;
}

static void read_self(struct owner *o)
{
    struct stat st;
    memset(o, 0, sizeof(*o));
    if (gethostname(o->host, sizeof(o->host) - 1)) {
        snprintf(o->host, sizeof(o->host), "?");
    }
    read_line("/proc/sys/kernel/random/boot_id", o->boot, sizeof(o->boot));
    o->pid_space = stat("/proc/self/ns/pid", &st) ? 0 : st.st_ino;
    o->pid = (long)getpid();
    bool is_zombie;
    o->started = start_of(o->pid, &is_zombie);
}

void owner_name(char out[OWNER_BYTES])
{
    struct owner o;
    uint64_t random = 0;
    read_self(&o);
    if (getrandom(&random, sizeof(random), GRND_NONBLOCK) != sizeof(random)) {
        struct timespec ts;
        clock_gettime(CLOCK_MONOTONIC, &ts);
        random = (uint64_t)ts.tv_nsec ^ (uint64_t)(uintptr_t)out;
    }
    snprintf(out, OWNER_BYTES, "%s/%s/%" PRIu64 "/%ld/%" PRIu64 "/%016" PRIx64, o.host,
             o.boot[0] ? o.boot : "?", o.pid_space, o.pid, o.started, random);
}

static bool parse(const char *name, struct owner *o)
{
    memset(o, 0, sizeof(*o));
    return sscanf(name, "%64[^/]/%39[^/]/%" SCNu64 "/%ld/%" SCNu64 "/", o->host, o->boot,
                  &o->pid_space, &o->pid, &o->started) == 5;
}

bool owner_is_dead(const char *name)
{
    struct owner o, self;
    read_self(&self);
    if (!parse(name, &o) || !self.boot[0] || o.pid <= 0) {
        return false;
    }
    if (strcmp(o.boot, self.boot) != 0) {
        return strcmp(o.host, self.host) == 0;
    }
    if (o.pid_space != self.pid_space || !o.pid_space) {
        return false;
    }
    if (kill((pid_t)o.pid, 0) && errno == ESRCH) {
        return true;
    }
    bool is_zombie;
    uint64_t started = start_of(o.pid, &is_zombie);
    return is_zombie || (started && o.started && started != o.started);
}

long owner_pid(const char *name)
{
    struct owner o, self;
    read_self(&self);
    return parse(name, &o) && strcmp(o.host, self.host) == 0 ? o.pid : 0;
}
