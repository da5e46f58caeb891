// fake_nvml.c -- what NVIDIA's library looks like from outside, for machines without one.
//
// FAKE_NVML_GPUS: percent of each GPU, "30,80"; "x" = one that does not tell.  FAKE_NVML_FAILS:
// nvmlInit_v2 returns it.  FAKE_NVML_COUNT: file that gets a line for each call of init and
// shutdown.
// SPDX-License-Identifier: MIT
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { SUCCESS = 0, NOT_SUPPORTED = 3 };

struct utilization {
    unsigned gpu, memory;
};

int nvmlInit_v2(void);
int nvmlShutdown(void);
int nvmlDeviceGetCount_v2(unsigned *n);
int nvmlDeviceGetHandleByIndex_v2(unsigned i, void **out);
int nvmlDeviceGetUtilizationRates(void *device, struct utilization *out);

static void count(const char *what)
{
    const char *path = getenv("FAKE_NVML_COUNT");
    FILE *f = path ? fopen(path, "a") : NULL;
    if (f) {
        fprintf(f, "%s\n", what);
        fclose(f);
    }
}

static const char *gpu_at(unsigned i)
{
    const char *at = getenv("FAKE_NVML_GPUS");
    for (; at && i > 0; i--) {
        at = strchr(at, ',');
        at = at ? at + 1 : NULL;
    }
    return at;
}

int nvmlInit_v2(void)
{
    const char *fails = getenv("FAKE_NVML_FAILS");
    count("init");
    return fails ? atoi(fails) : SUCCESS;
}

int nvmlShutdown(void)
{
    count("shutdown");
    return SUCCESS;
}

int nvmlDeviceGetCount_v2(unsigned *n)
{
    for (*n = 0; gpu_at(*n); ++*n) {
    }
    return SUCCESS;
}

int nvmlDeviceGetHandleByIndex_v2(unsigned i, void **out)
{
    *out = (void *)gpu_at(i);
    return SUCCESS;
}

int nvmlDeviceGetUtilizationRates(void *device, struct utilization *out)
{
    const char *text = device;
    if (*text == 'x') {
        return NOT_SUPPORTED;
    }
    *out = (struct utilization){(unsigned)atoi(text), 0};
    return SUCCESS;
}
