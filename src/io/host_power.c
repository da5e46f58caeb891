// host_power.c -- does the machine run on its battery, and how full is that.
// SPDX-License-Identifier: MIT
#include "io/host_inside.h"

#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct supplies {
    int batteries, draining;
    int plugs, plugged;
    int least_pct;
};

// A mouse has a battery, too.
static bool is_of_a_device(const struct host_req *r, const char *name)
{
    char scope[32];
    return host_read(scope, sizeof(scope), "%s/class/power_supply/%s/scope", r->sys,
                     name) &&
           strncmp(scope, "Device", 6) == 0;
}

static void look_battery(const struct host_req *r, const char *name, struct supplies *s)
{
    char text[32];
    s->batteries++;
    if (host_read(text, sizeof(text), "%s/class/power_supply/%s/status", r->sys, name)) {
        s->draining += strncmp(text, "Discharging", 11) == 0;
    }
    if (host_read(text, sizeof(text), "%s/class/power_supply/%s/capacity", r->sys,
                  name)) {
        int pct = atoi(text);
        bool is_less = pct >= 0 && pct <= 100 && (s->least_pct < 0 || pct < s->least_pct);
        s->least_pct = is_less ? pct : s->least_pct;
    }
}

static void look_supply(const struct host_req *r, const char *name, struct supplies *s)
{
    char type[32], online[8];
    if (is_of_a_device(r, name) ||
        !host_read(type, sizeof(type), "%s/class/power_supply/%s/type", r->sys, name)) {
        return;
    }
    if (strncmp(type, "Battery", 7) == 0) {
        look_battery(r, name, s);
    } else if (host_read(online, sizeof(online), "%s/class/power_supply/%s/online",
                         r->sys, name)) {
        s->plugs++;
        s->plugged += online[0] == '1';
    }
}

void host_look_power(struct host_req *r)
{
    char path[1024];
    struct supplies s = {.least_pct = -1};
    int n = snprintf(path, sizeof(path), "%s/class/power_supply", r->sys);
    DIR *dir = n > 0 && n < (int)sizeof(path) ? opendir(path) : NULL;
    const struct dirent *e;
    while (dir && (e = readdir(dir))) {
        if (e->d_name[0] != '.') {
            look_supply(r, e->d_name, &s);
        }
    }
    if (dir) {
        closedir(dir);
    }
    r->on_battery = s.draining > 0 && s.plugged == 0;
    r->battery_pct = s.batteries > 0 ? s.least_pct : -1;
}
