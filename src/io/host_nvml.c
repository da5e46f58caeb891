// host_nvml.c -- how busy NVIDIA's GPUs are, by their driver's own library.
//
// The library is not free software and comes with the driver, so it is looked for when the
// program runs; what is needed of its documented interface is declared here.  It is opened for
// each look and closed after it: an open one keeps a laptop's second GPU from sleeping, and
// breaks when the driver is replaced.  A GPU that sleeps is not woken to be asked: the kernel
// says that, and that it is idle is known.  Where the kernel lists devices and none is
// NVIDIA's the library is not opened; where it lists none, whoever opens is asked.
//
// Source: NVIDIA, NVML API Reference (nvmlInit_v2, nvmlDeviceGetCount_v2,
// nvmlDeviceGetHandleByIndex_v2, nvmlDeviceGetUtilizationRates, nvmlShutdown); Linux,
// Documentation/ABI/testing/sysfs-devices-power (runtime_status), sysfs-bus-pci; PCI Code and ID
// Assignment Specification (base class 03h).
// SPDX-License-Identifier: MIT
#include "io/host_inside.h"

#include <dirent.h>
#include <dlfcn.h>
#include <stdio.h>
#include <string.h>

enum {
    NVML_SUCCESS = 0,
    NVIDIA = 0x10de,
    MOST_CARDS = 8,
    MOST_GPUS = 32,
    MOST_DEVICES = 4096
};

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

// ---- which GPUs there are

struct gpus {
    bool are_known;  // the kernel lists what there is
    int n;           // its library may tell of
    int asleep;      // of these
};

static unsigned number(const char *folder, const char *name)
{
    char text[32];
    unsigned n = 0;
    return host_read(text, sizeof(text), "%s/%s", folder, name) &&
                   sscanf(text, "%x", &n) == 1
               ? n
               : 0;
}

static void add_gpu(struct gpus *g, const char *folder)
{
    char text[32];
    g->n++;
    g->asleep += host_read(text, sizeof(text), "%s/power/runtime_status", folder) &&
                 strncmp(text, "suspended", strlen("suspended")) == 0;
}

// Also one that drives no screen, and has no card below /sys/class/drm.  In a Linux inside of
// Windows it is Microsoft's, whoever made it.
static void list_pci(const struct host_req *r, struct gpus *g)
{
    enum { MICROSOFT = 0x1414, DISPLAY = 0x03 };
    char path[300], folder[600];
    snprintf(path, sizeof(path), "%.200s/bus/pci/devices", r->sys);
    DIR *dir = opendir(path);
    const struct dirent *e;
    for (int i = 0; dir && i < MOST_DEVICES && (e = readdir(dir)); i++) {
        snprintf(folder, sizeof(folder), "%s/%.200s", path, e->d_name);
        unsigned vendor = number(folder, "vendor");
        bool is_gpu = number(folder, "class") >> 16 == DISPLAY;
        g->are_known |= vendor != 0;
        if (is_gpu && (vendor == NVIDIA || vendor == MICROSOFT)) {
            add_gpu(g, folder);
        }
    }
    if (dir) {
        closedir(dir);
    }
}

static void list_cards(const struct host_req *r, struct gpus *g)
{
    char folder[300];
    for (int i = 0; i < MOST_CARDS; i++) {
        snprintf(folder, sizeof(folder), "%.200s/class/drm/card%d/device", r->sys, i);
        unsigned vendor = number(folder, "vendor");
        g->are_known |= vendor != 0;
        if (vendor == NVIDIA) {
            add_gpu(g, folder);
        }
    }
}

int host_nvml_pct(const struct host_req *r)
{
    struct gpus g = {0};
    if (!r->nvml) {
        return -1;
    }
    list_pci(r, &g);
    if (!g.n) {
        list_cards(r, &g);
    }
    if (g.n ? g.asleep == g.n : g.are_known) {
        return g.n ? 0 : -1;
    }
    return ask(r->nvml);
}
