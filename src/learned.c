// learned.c -- what was found out about backends, kept in the store between runs.
// SPDX-License-Identifier: MIT
#include "learned.h"

#include "app.h"
#include "backend/backend.h"
#include "base/log.h"
#include "base/mem.h"

#include <stdio.h>
#include <stdlib.h>

struct learned {
    struct app *app;
    struct store_profile profile;
    char url[512], model[192], version[64];
};

// NULL when there is nothing to keep it for: the app is being closed.
static struct learned *begin(struct app *a, const char *what, const char *url,
                             const char *model)
{
    if (!a->schedule) {
        return NULL;
    }
    struct learned *l = mem_new(struct learned);
    l->app = a;
    snprintf(l->url, sizeof(l->url), "%s", url);
    snprintf(l->model, sizeof(l->model), "%s", model);
    snprintf(l->profile.key, sizeof(l->profile.key), "%s %s %s", what, l->url, l->model);
    a->learned_under_way++;
    return l;
}

static void end(struct learned *l, int err)
{
    if (err) {
        log_debug("learned", "class=%s %s", err_name(err), l->profile.err.msg);
    }
    l->app->learned_under_way--;
    free(l);
}

static void on_found(struct store_profile *p, int err)
{
    struct learned *l = container_of(p, struct learned, profile);
    int limit = err ? 0 : atoi(p->value);
    if (limit > 0 && l->app->schedule) {
        dispatch_recall(l->app->dispatch, l->url, l->model, limit);
    }
    end(l, err);
}

void learned_recall(void *arg, const char *url, const char *model)
{
    struct app *a = arg;
    struct learned *l = begin(a, "limit", url, model);
    if (l) {
        store_profile_find(a->store, &l->profile, on_found);
    }
}

static void on_kept(struct store_profile *p, int err)
{
    end(container_of(p, struct learned, profile), err);
}

void learned_keep(void *arg, const char *url, const char *model, int limit)
{
    struct app *a = arg;
    struct learned *l = begin(a, "limit", url, model);
    if (l) {
        snprintf(l->profile.value, sizeof(l->profile.value), "%d", limit);
        store_profile_keep(a->store, &l->profile, on_kept);
    }
}

// ---- what models see

// Models are replaced under the same name, servers are rebuilt under the same version.
static const int64_t sight_age_ms = 30 * 24 * 3600 * (int64_t)1000;

static void on_sight_known(struct store_profile *p, int err)
{
    struct learned *l = container_of(p, struct learned, profile);
    bool sees = false;
    bool is_known = err == 0 && backend_facts_recall(p->value, loop_wall_ms(),
                                                     sight_age_ms, l->version, &sees);
    enum dispatch_sight known = !is_known ? DISPATCH_SIGHT_UNKNOWN
                                : sees    ? DISPATCH_SIGHT_SEES
                                          : DISPATCH_SIGHT_BLIND;
    if (l->app->schedule) {
        dispatch_recall_sight(l->app->dispatch, l->url, l->model, l->version, known);
    }
    end(l, err);
}

void learned_recall_sight(void *arg, const char *url, const struct backend_facts *f)
{
    struct app *a = arg;
    struct learned *l = begin(a, "sight", url, f->model);
    if (l) {
        snprintf(l->version, sizeof(l->version), "%s", f->version);
        store_profile_find(a->store, &l->profile, on_sight_known);
    }
}

static void keep(struct app *a, const char *what, const char *url,
                 const struct backend_facts *f)
{
    struct learned *l = begin(a, what, url, f->model);
    if (l) {
        backend_facts_text(f, l->profile.value, sizeof(l->profile.value));
        store_profile_keep(a->store, &l->profile, on_kept);
    }
}

void learned_keep_sight(void *arg, const char *url, const struct backend_facts *f)
{
    keep(arg, "sight", url, f);
}

void learned_keep_facts(void *arg, const char *url, const struct backend_facts *f)
{
    keep(arg, LEARNED_FACTS, url, f);
}
