// host_nvml.c -- how busy NVIDIA's GPUs are, by their driver's own library.
//
// The library is not free software and comes with the driver, so it is looked for when the
// program runs; what is needed of its documented interface is declared here.  It is opened for
// each look and closed after it: an open one keeps a laptop's second GPU from sleeping, and
// breaks when the driver is replaced.  A GPU that sleeps is not woken to be asked: the kernel
// says that, and that it is idle is known.
//
// Source: NVIDIA, NVML API Reference (nvmlInit_v2, nvmlDeviceGetCount_v2,
// nvmlDeviceGetHandleByIndex_v2, nvmlDeviceGetUtilizationRates, nvmlShutdown); Linux,
// Documentation/ABI/testing/sysfs-devices-power (runtime_status).
// SPDX-License-Identifier: MIT
#include "io/host_inside.h"

#include <dlfcn.h>
#include <stdio.h>
#include <string.h>

enum { NVML_SUCCESS = 0, NVIDIA = 0x10de, MOST_CARDS = 8, MOST_GPUS = 32 };

struct nvml_utilization {
    unsigned gpu;     // percent of the last sample (1/6 to 1 s) that kernels ran
    unsigned memory;  // percent of it that memory was read or written
};

typedef struct nvml_device *nvml_device;  // opaque

struct nvml {
    int (*init)(void);
    int (*shutdown)(void);
    int (*count)(unsigned *n);
    int (*by_index)(unsigned i, nvml_device *out);
    int (*utilization)(nvml_device d, struct nvml_utilization *out);
};

// ISO C has no conversion from data to function pointers, POSIX promises that they are alike.
static bool find(void *library, const char *name, void *out)
{
    void *symbol = dlsym(library, name);
    memcpy(out, &symbol, sizeof(symbol));
    return symbol != NULL;
}

static bool bind_all(void *library, struct nvml *n)
{
    return find(library, "nvmlInit_v2", &n->init) &&
           find(library, "nvmlShutdown", &n->shutdown) &&
           find(library, "nvmlDeviceGetCount_v2", &n->count) &&
           find(library, "nvmlDeviceGetHandleByIndex_v2", &n->by_index) &&
           find(library, "nvmlDeviceGetUtilizationRates", &n->utilization);
}

// Of the busiest; -1 = none of them tells.
static int busiest(const struct nvml *n)
{
    unsigned count = 0;
    int most = -1;
    if (n->count(&count) != NVML_SUCCESS) {
        return -1;
    }
    for (unsigned i = 0; i < count && i < MOST_GPUS; i++) {
        nvml_device d;
        struct nvml_utilization u = {0};
        if (n->by_index(i, &d) == NVML_SUCCESS && n->utilization(d, &u) == NVML_SUCCESS &&
            u.gpu <= 100 && (int)u.gpu > most) {
            most = (int)u.gpu;
        }
    }
    return most;
}

static int ask(const char *name)
{
    struct nvml n = {0};
    int pct = -1;
    void *library = dlopen(name, RTLD_NOW | RTLD_LOCAL);
    if (!library) {
        return -1;
    }
    if (bind_all(library, &n) && n.init() == NVML_SUCCESS) {
        pct = busiest(&n);
        n.shutdown();
    }
    dlclose(library);
    return pct;
}

// How many cards are NVIDIA's, and how many of these sleep.
static void count_cards(const struct host_req *r, int *cards, int *asleep)
{
    char text[32];
    unsigned vendor;
    *cards = *asleep = 0;
    for (int i = 0; i < MOST_CARDS; i++) {
        if (!host_read(text, sizeof(text), "%s/class/drm/card%d/device/vendor", r->sys,
                       i) ||
            sscanf(text, "%x", &vendor) != 1 || vendor != NVIDIA) {
            continue;
        }
        ++*cards;
        *asleep +=
            host_read(text, sizeof(text),
                      "%s/class/drm/card%d/device/power/runtime_status", r->sys, i) &&
            strncmp(text, "suspended", strlen("suspended")) == 0;
    }
}

int host_nvml_pct(const struct host_req *r)
{
    int cards, asleep;
    count_cards(r, &cards, &asleep);
    if (cards == 0 || !r->nvml) {
        return -1;
    }
    return asleep == cards ? 0 : ask(r->nvml);
}
