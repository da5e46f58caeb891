// machine.h -- what the system says about this process and the machine it runs on.
//
// Read from /proc and /sys/fs/cgroup; what can not be read there stays 0.  The readers take
// the folders' names, so that they are tested with files; reading may block for a moment and
// belongs on a pool thread.
// Thread: any.
// SPDX-License-Identifier: MIT
#ifndef VLMD_BASE_MACHINE_H
#define VLMD_BASE_MACHINE_H

#include <stdbool.h>
#include <stdint.h>

// Where to look; NULL = the system's own.
struct machine_roots {
    const char *proc;    // "/proc"
    const char *cgroup;  // "/sys/fs/cgroup"
};

enum machine_tcp {
    MACHINE_TCP_ESTABLISHED,
    MACHINE_TCP_OPENING,  // SYN sent or received
    MACHINE_TCP_CLOSING,  // FIN_WAIT, CLOSE_WAIT, LAST_ACK, CLOSING
    MACHINE_TCP_LISTENING,
    MACHINE_TCP_STATES
};

struct machine {
    // memory, in bytes
    int64_t rss, rss_peak, vms, swapped;  // of the process
    int64_t mem_total, mem_available;     // of the machine
    int64_t swap_total, swap_free;
    int64_t group_limit, group_used;  // tightest control group; limit 0 = none
    double mem_pressure_pct;          // of the last 10 s some process waited for
                                      // memory; -1 = the system does not say
    // processor
    int64_t cpu_user_ms, cpu_system_ms;  // of the process, since it began
    int64_t busy_ticks, all_ticks;       // of the machine, since it was started
    double load[3];                      // over 1, 5 and 15 minutes
    int cores;                           // that this process may use
    int threads;
    // descriptors and connections of the process
    int fds;
    int64_t fds_soft, fds_hard;  // limits
    int tcp[MACHINE_TCP_STATES];
    int unix_sockets;
    // the process
    int64_t pid, parent_pid;
    int64_t started_at_ms;  // unix
    char name[32];
};

// roots: NULL = the usual places.  Sockets are those of this process, whatever the roots are.
void machine_read(const struct machine_roots *roots, struct machine *out);

// Memory of this process that is in use now, in bytes: one small read.
int64_t machine_own_rss(void);

struct machine_disk {
    int64_t total, available;  // bytes; available to this user
    int64_t files, files_free;
};
// The disk on which path is.  0 or E_* of the failure.
int machine_read_disk(const char *path, struct machine_disk *out);

// ---- what follows from it

// Used share of what this process may use, the control group's limit or the machine's.
double machine_memory_pct(const struct machine *m);
double machine_fds_pct(const struct machine *m);
double machine_disk_pct(const struct machine_disk *d);
// Of one core, and of the whole machine, between two readings passed_ms apart.
double machine_process_cpu_pct(const struct machine *before, const struct machine *now,
                               int64_t passed_ms);
double machine_cpu_pct(const struct machine *before, const struct machine *now);

#endif
