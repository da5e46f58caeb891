// host_inside.h -- the parts of host.c, and how files of the kernel are read.
// SPDX-License-Identifier: MIT
#ifndef VLMD_IO_HOST_INSIDE_H
#define VLMD_IO_HOST_INSIDE_H

#include "io/host.h"

#include <stddef.h>

// The beginning of a file as text; false when it can not be read.
bool host_read(char *out, size_t size, const char *fmt, ...)
    __attribute__((format(printf, 3, 4)));
// The number behind a word at the start of a line; -1 = not there.
int64_t host_number(const char *text, const char *word);

void host_look_memory(struct host_req *r);    // host_memory.c
void host_look_power(struct host_req *r);     // host_power.c
void host_look_programs(struct host_req *r);  // host_busy.c
void host_look_gpu(struct host_req *r);
// Of the busiest of NVIDIA's GPUs; -1 = not known.  May take some tenths of a second.
int host_nvml_pct(const struct host_req *r);  // host_nvml.c

#endif
