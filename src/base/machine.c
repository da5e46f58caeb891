// machine.c -- small readers of /proc, and the shares that people look at.
// SPDX-License-Identifier: MIT
#include "base/machine.h"

#include "base/err.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/statvfs.h>
#include <unistd.h>

enum { PATH_BYTES = 4096, TEXT_BYTES = 16384 };

struct reading {
    const char *proc;
    const char *cgroup;
    struct machine *out;
};

// ---- files and their words

// Returns the length; text is "" when the file can not be read.
static size_t read_text(const char *folder, const char *name, char *text, size_t size)
{
    char path[PATH_BYTES];
    text[0] = 0;
    snprintf(path, sizeof(path), "%s/%s", folder, name);
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    if (fd < 0) {
        return 0;
    }
    size_t len = 0;
    ssize_t n;
    while (len < size - 1 && (n = read(fd, text + len, size - 1 - len)) > 0) {
        len += (size_t)n;
    }
    close(fd);
    text[len] = 0;
    return len;
}

// The number after "key" at the start of a line, or 0.
static int64_t number_after(const char *text, const char *key)
{
    size_t n = strlen(key);
    for (const char *line = text; line && *line;) {
        if (strncmp(line, key, n) == 0) {
            return strtoll(line + n, NULL, 10);
        }
        line = strchr(line, '\n');
        line = line ? line + 1 : NULL;
    }
    return 0;
}

static int64_t kib_after(const char *text, const char *key)
{
    return number_after(text, key) * 1024;
}

// ---- memory

static void read_memory(struct reading *r)
{
    char text[TEXT_BYTES];
    struct machine *m = r->out;
    read_text(r->proc, "self/status", text, sizeof(text));
    m->rss = kib_after(text, "VmRSS:");
    m->rss_peak = kib_after(text, "VmHWM:");
    m->vms = kib_after(text, "VmSize:");
    m->swapped = kib_after(text, "VmSwap:");
    m->threads = (int)number_after(text, "Threads:");
    m->pid = number_after(text, "Pid:");
    m->parent_pid = number_after(text, "PPid:");
    sscanf(text, "Name: %31s", m->name);
    read_text(r->proc, "meminfo", text, sizeof(text));
    m->mem_total = kib_after(text, "MemTotal:");
    m->mem_available = kib_after(text, "MemAvailable:");
    m->swap_total = kib_after(text, "SwapTotal:");
    m->swap_free = kib_after(text, "SwapFree:");
    m->mem_pressure_pct = -1;
    read_text(r->proc, "pressure/memory", text, sizeof(text));
    sscanf(text, "some avg10=%lf", &m->mem_pressure_pct);
}

// "max" and the largest number the system has are no limits.
static int64_t limit_of(const char *text)
{
    int64_t n = strtoll(text, NULL, 10);
    return n > 0 && n < INT64_C(1) << 60 ? n : 0;
}

// A limit further up counts as well: the tightest is the one with least room.
static void read_group(struct reading *r, const char *group, const char *limit_name,
                       const char *used_name)
{
    char folder[PATH_BYTES], text[64];
    struct machine *m = r->out;
    size_t root = (size_t)snprintf(folder, sizeof(folder), "%s", r->cgroup);
    snprintf(folder + root, sizeof(folder) - root, "%s", group);
    for (;;) {
        read_text(folder, limit_name, text, sizeof(text));
        int64_t limit = limit_of(text);
        read_text(folder, used_name, text, sizeof(text));
        int64_t used = strtoll(text, NULL, 10);
        bool is_tightest =
            m->group_limit == 0 || limit - used < m->group_limit - m->group_used;
        if (limit && is_tightest) {
            m->group_limit = limit;
            m->group_used = used;
        }
        char *slash = strrchr(folder + root, '/');
        if (!slash) {
            return;
        }
        *slash = 0;
    }
}

// Version 2: "0::/path"; version 1: "7:memory:/path" below a folder of its own.
static void read_groups(struct reading *r)
{
    char text[TEXT_BYTES], group[PATH_BYTES];
    read_text(r->proc, "self/cgroup", text, sizeof(text));
    for (char *save = NULL, *line = strtok_r(text, "\n", &save); line;
         line = strtok_r(NULL, "\n", &save)) {
        const char *names = strchr(line, ':');
        const char *path = names ? strchr(names + 1, ':') : NULL;
        if (!path || strlen(path) > sizeof(group) - 16) {
            continue;
        }
        path++;
        if (strncmp(names, "::", 2) == 0) {
            read_group(r, strcmp(path, "/") ? path : "", "memory.max", "memory.current");
        } else if (strncmp(names, ":memory:", 8) == 0) {
            snprintf(group, sizeof(group), "/memory%s", strcmp(path, "/") ? path : "");
            read_group(r, group, "memory.limit_in_bytes", "memory.usage_in_bytes");
        }
    }
}

// ---- processor

static int count_cores(void)
{
    cpu_set_t set;
    CPU_ZERO(&set);
    int n = sched_getaffinity(0, sizeof(set), &set) == 0 ? CPU_COUNT(&set) : 0;
    return n > 0 ? n : (int)sysconf(_SC_NPROCESSORS_ONLN);
}

// user nice system idle iowait irq softirq steal
static void read_ticks(struct reading *r)
{
    char text[TEXT_BYTES];
    int64_t t[8] = {0};
    read_text(r->proc, "stat", text, sizeof(text));
    sscanf(text,
           "cpu %" SCNd64 " %" SCNd64 " %" SCNd64 " %" SCNd64 " %" SCNd64 " %" SCNd64
           " %" SCNd64 " %" SCNd64,
           &t[0], &t[1], &t[2], &t[3], &t[4], &t[5], &t[6], &t[7]);
    for (int i = 0; i < 8; i++) {
        r->out->all_ticks += t[i];
    }
    r->out->busy_ticks = r->out->all_ticks - t[3] - t[4];
}

// The name, in brackets, may hold anything: fields are counted after the last bracket.
static void read_own_ticks(struct reading *r)
{
    char text[TEXT_BYTES];
    int64_t user = 0, system = 0, start = 0;
    int64_t per_s = sysconf(_SC_CLK_TCK);
    read_text(r->proc, "self/stat", text, sizeof(text));
    const char *p = strrchr(text, ')');
    if (!p || per_s <= 0 ||
        sscanf(p + 1,
               " %*c %*d %*d %*d %*d %*d %*u %*u %*u %*u %*u %" SCNd64 " %" SCNd64
               " %*d %*d %*d %*d %*d %*d %" SCNd64,
               &user, &system, &start) != 3) {
        return;
    }
    r->out->cpu_user_ms = user * 1000 / per_s;
    r->out->cpu_system_ms = system * 1000 / per_s;
    read_text(r->proc, "stat", text, sizeof(text));
    r->out->started_at_ms = number_after(text, "btime ") * 1000 + start * 1000 / per_s;
}

static void read_load(struct reading *r)
{
    char text[256];
    double *l = r->out->load;
    read_text(r->proc, "loadavg", text, sizeof(text));
    sscanf(text, "%lf %lf %lf", &l[0], &l[1], &l[2]);
}

// ---- descriptors and connections

// Source: include/net/tcp_states.h of Linux.
static enum machine_tcp tcp_state(unsigned code)
{
    switch (code) {
    case 1: return MACHINE_TCP_ESTABLISHED;
    case 2:
    case 3: return MACHINE_TCP_OPENING;
    case 10: return MACHINE_TCP_LISTENING;
    default: return MACHINE_TCP_CLOSING;
    }
}

static int option_of(int fd, int name)
{
    int value = -1;
    socklen_t len = sizeof(value);
    return getsockopt(fd, SOL_SOCKET, name, &value, &len) == 0 ? value : -1;
}

// Each is asked itself: the system's tables of sockets also hold those of all others, and one
// for each connection of the last minute.
static void count_socket(struct machine *m, int fd)
{
    int domain = option_of(fd, SO_DOMAIN);
    struct tcp_info info = {0};
    socklen_t len = sizeof(info);
    if (domain == AF_UNIX) {
        m->unix_sockets++;
    } else if ((domain == AF_INET || domain == AF_INET6) &&
               option_of(fd, SO_PROTOCOL) == IPPROTO_TCP &&
               getsockopt(fd, IPPROTO_TCP, TCP_INFO, &info, &len) == 0) {
        m->tcp[tcp_state(info.tcpi_state)]++;
    }
}

// Another thread may close one meanwhile: then it is not counted, or the next one with its
// number is.
static void read_fds(struct reading *r)
{
    char path[PATH_BYTES];
    snprintf(path, sizeof(path), "%s/self/fd", r->proc);
    DIR *dir = opendir(path);
    if (!dir) {
        return;
    }
    for (const struct dirent *e; (e = readdir(dir));) {
        if (e->d_name[0] == '.') {
            continue;
        }
        r->out->fds++;
        count_socket(r->out, (int)strtol(e->d_name, NULL, 10));
    }
    r->out->fds--;  // the folder itself, while it was being read
    closedir(dir);
}

static void read_limits(struct machine *m)
{
    struct rlimit l;
    if (getrlimit(RLIMIT_NOFILE, &l) == 0) {
        m->fds_soft = l.rlim_cur == RLIM_INFINITY ? 0 : (int64_t)l.rlim_cur;
        m->fds_hard = l.rlim_max == RLIM_INFINITY ? 0 : (int64_t)l.rlim_max;
    }
}

// ---- public

void machine_read(const struct machine_roots *roots, struct machine *out)
{
    static const struct machine_roots none;
    const struct machine_roots *from = roots ? roots : &none;
    struct reading r = {.proc = from->proc ? from->proc : "/proc",
                        .cgroup = from->cgroup ? from->cgroup : "/sys/fs/cgroup",
                        .out = out};
    *out = (struct machine){0};
    read_memory(&r);
    read_groups(&r);
    read_ticks(&r);
    read_own_ticks(&r);
    read_load(&r);
    out->cores = count_cores();
    read_fds(&r);
    read_limits(out);
}

int64_t machine_own_rss(void)
{
    char text[200];
    long pages = 0;
    read_text("/proc", "self/statm", text, sizeof(text));
    sscanf(text, "%*s %ld", &pages);
    return (int64_t)pages * sysconf(_SC_PAGESIZE);
}

int machine_read_disk(const char *path, struct machine_disk *out)
{
    struct statvfs fs;
    *out = (struct machine_disk){0};
    if (statvfs(path, &fs) != 0) {
        return err_from_errno(errno);
    }
    out->total = (int64_t)fs.f_blocks * (int64_t)fs.f_frsize;
    out->available = (int64_t)fs.f_bavail * (int64_t)fs.f_frsize;
    out->files = (int64_t)fs.f_files;
    out->files_free = (int64_t)fs.f_favail;
    return 0;
}

static double share(double part, double whole)
{
    return whole > 0 ? part * 100 / whole : 0;
}

double machine_memory_pct(const struct machine *m)
{
    double whole = share((double)(m->mem_total - m->mem_available), (double)m->mem_total);
    double group = share((double)m->group_used, (double)m->group_limit);
    return group > whole ? group : whole;
}

double machine_fds_pct(const struct machine *m)
{
    return share(m->fds, (double)m->fds_soft);
}

double machine_disk_pct(const struct machine_disk *d)
{
    return share((double)(d->total - d->available), (double)d->total);
}

double machine_process_cpu_pct(const struct machine *before, const struct machine *now,
                               int64_t passed_ms)
{
    int64_t used = now->cpu_user_ms + now->cpu_system_ms - before->cpu_user_ms -
                   before->cpu_system_ms;
    return share((double)used, (double)passed_ms);
}

double machine_cpu_pct(const struct machine *before, const struct machine *now)
{
    return share((double)(now->busy_ticks - before->busy_ticks),
                 (double)(now->all_ticks - before->all_ticks));
}
