// host.h -- what the machine says about itself: memory, power, how busy it is, who runs.
//
// Everything is read from /proc and /sys, in a pool, as some of these files take long to
// make; NVIDIA's GPUs are asked about by the driver's own library where it is there.  Whatever can not be read is not known, and no error.
// SPDX-License-Identifier: MIT
#ifndef VLMD_IO_HOST_H
#define VLMD_IO_HOST_H

#include "io/pool.h"

#include <stdbool.h>
#include <stdint.h>

#define HOST_NVML "libnvidia-ml.so.1"

enum { HOST_NAME_BYTES = 16 };  // of a program, as the kernel cuts it

// Processor time so far, in ticks of the kernel, over all cores.
struct host_ticks {
    uint64_t busy, all;
    uint64_t ours;  // of this process, its children and the servers that answer it
};

struct host_req {
    // in; borrowed until done
    const char *proc, *sys;  // "/proc", "/sys"
    const char *nvml;        // NVIDIA's library, HOST_NVML or a path; NULL = not asked
    const char *const *programs;  // names to look for, NULL at the end; or NULL
    const char *const *servers;   // whose work counts as ours; or NULL
    bool wants_power, wants_cpu, wants_gpu, wants_programs;
    // in and out: of the sample before; zero at first
    struct host_ticks ticks;
    // out; 0 bytes, -1: not known
    int64_t used_bytes, total_bytes;       // of the machine, without what can be dropped
    int64_t group_bytes, group_max_bytes;  // of the fullest control group above us
    int64_t rss_bytes;
    double some_pct, full_pct;  // of the last 10 s that tasks waited for memory
    int on_battery, battery_pct;
    int cpu_pct;  // of all cores since the sample before, by others
    int gpu_pct;
    char program[HOST_NAME_BYTES];  // one of programs that runs; "" = none
    struct pool_work work;          // private from here on
    void (*done)(struct host_req *r, int err);
};

// done's err: 0, or E_CANCELED when the pool closes.
void host_sample(struct pool *p, struct host_req *r,
                 void (*done)(struct host_req *r, int err));
// The same at once, in whichever thread.
void host_look(struct host_req *r);

#endif
