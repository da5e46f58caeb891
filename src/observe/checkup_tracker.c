// checkup_tracker.c -- does the program that takes the screenshots still take them?
//
// vlmd reads its pictures from a folder and asks it for nothing.  Pensieve says that it is
// alive by touching a file in the folder above its pictures every few seconds; so it is known
// for whichever of the watched folders is one of its own.
//
// Source: arkohut/pensieve 0.37, memos/health.py (record.heartbeat), memos/service_manager.py
// (pids/record.stopped).
// SPDX-License-Identifier: MIT
#include "observe/checkup.h"

#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

enum {
    LATE_S = 60,              // it waits 4 s between two pictures, unless told otherwise
    GIVEN_UP_S = 30 * 86400,  // a folder that somebody kept
};

static bool find_age(const char *base, struct checkup_tracker *t)
{
    char path[4200];
    struct stat st;
    snprintf(path, sizeof(path), "%s/record.heartbeat", base);
    if (stat(path, &st)) {
        return false;
    }
    t->age_s = loop_wall_ms() / 1000 - st.st_mtime;
    snprintf(path, sizeof(path), "%s/pids/record.stopped", base);
    t->is_stopped = stat(path, &st) == 0;
    return true;
}

// base: a watched folder; the tracker's is that one, or the one above it.
static bool look(char *base, struct checkup_tracker *t)
{
    if (find_age(base, t)) {
        return true;
    }
    char *slash = strrchr(base, '/');
    if (!slash || slash == base) {
        return false;
    }
    *slash = 0;
    return find_age(base, t);
}

static void tracker_run(struct pool_work *w, void *thread)
{
    struct checkup *c = container_of(w, struct checkup, work);
    (void)thread;
    for (char *at = c->path; *at && !c->tracker.base;) {
        char *next = at + strlen(at) + 1;
        c->tracker.base = look(at, &c->tracker) ? at : NULL;
        at = next;
    }
}

static void tell_age(struct checkup *c)
{
    const struct checkup_tracker *t = &c->tracker;
    const long long age_s = t->age_s > 0 ? t->age_s : 0;
    if (age_s > GIVEN_UP_S) {
        checkup_tell(c, HEALTH_DISABLED, "",
                     "Pensieve in %.200s has not run for %lld days (memos start)",
                     t->base, age_s / 86400);
    } else if (age_s <= LATE_S) {
        checkup_tell(c, HEALTH_HEALTHY, "", "Pensieve in %.200s runs: seen %lld s ago",
                     t->base, age_s);
    } else if (t->is_stopped) {
        checkup_tell(c, HEALTH_DEGRADED, "start it again: memos start",
                     "Pensieve in %.200s was stopped: no new screenshots come", t->base);
    } else {
        checkup_tell(c, HEALTH_DEGRADED, "start it again: memos start",
                     "Pensieve in %.200s gave no sign of life for %lld s: no new "
                     "screenshots come",
                     t->base, age_s);
    }
}

static void tracker_done(struct pool_work *w, int err)
{
    struct checkup *c = container_of(w, struct checkup, work);
    if (!err && c->tracker.base) {
        tell_age(c);
    } else {
        c->response_ms = -1;  // nobody was there to be asked
        checkup_tell(c, HEALTH_DISABLED, "",
                     "no watched folder is a tracker's (vlmd watch ~/.memos/screenshots "
                     "would be Pensieve's)");
    }
    checkup_drop(c);
}

// One after the other, each with its NUL, and an empty one at the end; what there is no room
// for is left out.
static void add_place(void *arg, const char *dir, bool is_lost)
{
    struct checkup *c = arg;
    size_t n = 0, len = strlen(dir);
    (void)is_lost;
    while (c->path[n]) {
        n += strlen(c->path + n) + 1;
    }
    if (n + len + 2 <= sizeof(c->path)) {
        memcpy(c->path + n, dir, len + 1);
        c->path[n + len + 1] = 0;
    }
}

void health_add_tracker(struct health_round *r)
{
    struct checkup *c = checkup_add(r, "tracker", "tracker");
    if (!c) {
        return;
    }
    health_each_folder(r, add_place, c);
    c->response_ms = 0;
    c->work = (struct pool_work){.run = tracker_run, .done = tracker_done};
    checkup_hold(c);
    pool_submit(r->pool, &c->work);
}
