// intake.c -- what watched folders and lists report, on its way to the queue.
// SPDX-License-Identifier: MIT
#include "intake.h"

#include "api/item.h"
#include "base/log.h"
#include "base/mem.h"
#include "guard/tier.h"

#include <stdio.h>
#include <string.h>

// Folders and lists are held back; nothing is lost.
void intake_on_pressure(void *arg, bool is_full)
{
    struct app *a = arg;
    if (a->manifest) {
        manifest_pause(a->manifest, is_full);
    }
    if (a->watcher) {
        watcher_pause(a->watcher, is_full);
    }
}

static void on_seen(void *arg, const struct sighting *s)
{
    struct app *a = arg;
    bool is_kept =
        schedule_offer(a->schedule, s, s->is_live ? STORE_LIVE : STORE_BACKFILL);
    if (!is_kept && a->stop_seen == 0) {
        struct buf hidden;
        log_error("ingest", "path=\"%s\" was not taken though folders are paused",
                  item_address(&a->gate, s->path, &hidden));
        buf_fini(&hidden);
    }
}

static void tell_problem(struct app *a, const char *name, int code, const char *words)
{
    struct buf hidden = {0}, hidden_words = {0};
    const char *path = item_address(&a->gate, name, &hidden);
    const char *said =
        item_address(&a->gate, words, &hidden_words);  // a list's name is there
    a->problems++;
    log_info("ingest", "path=\"%s\" class=%s %s", path, err_name(code), said);
    event_say(&a->events, VLMD_EVENT_PROBLEM, path, err_name(code), said, 0);
    buf_fini(&hidden);
    buf_fini(&hidden_words);
}

static void on_watch_problem(void *arg, const char *root, const char *path, int code,
                             const char *words)
{
    char full[8192];
    snprintf(full, sizeof(full), "%s%s%s", root ? root : "", root ? "/" : "", path);
    tell_problem(arg, full, code, words);
}

static void on_watch_notice(void *arg, const char *root, const char *words)
{
    struct app *a = arg;
    struct buf hidden;
    const char *folder = item_address(&a->gate, root, &hidden);
    log_warn("ingest", "folder=\"%s\" %s", folder, words);
    event_say(&a->events, VLMD_EVENT_NOTICE, folder, NULL, words, 0);
    buf_fini(&hidden);
}

static void on_scanned(void *arg, const char *root, int64_t files)
{
    struct app *a = arg;
    event_say(&a->events, VLMD_EVENT_SCANNED, root, NULL, NULL, files);
}

int app_watch(struct app *a, const char *dir, struct err *e)
{
    if (a->is_batch) {
        return err_set(e, E_USAGE, "this handle has a batch: watch with another one");
    }
    if (!a->watcher) {
        struct watcher_events events = {
            .arg = a,
            .on_sighting = on_seen,
            .on_problem = on_watch_problem,
            .on_notice = on_watch_notice,
            .on_scanned = on_scanned,
        };
        int rc = watcher_open(&a->watcher, &a->loop, &a->config->ingest, &events);
        if (rc) {
            return err_set(e, rc, "folders can not be watched: %s", err_words(rc));
        }
    }
    int rc = watcher_add(a->watcher, dir, e);
    if (rc == 0 && a->n_watched < CONFIG_MAX_LIST) {
        a->watched[a->n_watched++] = mem_dup(dir);
    }
    if (rc == 0) {
        app_work(a);
    }
    return rc;
}

static void on_listed(void *arg, const struct sighting *s)
{
    struct app *a = arg;
    if (!schedule_offer(a->schedule, s, STORE_BATCH)) {
        tell_problem(a, s->path ? s->path : s->url, E_BUSY, "too many inputs at once");
    }
}

static void on_list_problem(void *arg, const char *path, int code, const char *words)
{
    tell_problem(arg, path, code, words);
}

static void on_list_end(void *arg, int err, const char *words)
{
    struct app *a = arg;
    if (err) {
        tell_problem(a, "", err, words);
    }
    a->is_input_read = true;
    schedule_input_ended(a->schedule);
}

static void on_batch_opened(struct store_batch *r, int err)
{
    struct app *a = container_of(r, struct app, batch);
    if (a->stop_seen) {
        return;  // the parts may be gone
    }
    struct manifest_events events = {
        .arg = a,
        .on_sighting = on_listed,
        .on_problem = on_list_problem,
        .on_end = on_list_end,
    };
    if (err == 0) {
        a->batch_id = r->id;
        schedule_set_batch(a->schedule, r->id);
        struct ingest_config c = a->config->ingest;
        c.tiers = tier_names();
        // A list may tell titles and addresses: what is not for the database is replaced
        // before it gets there.
        c.clean = gate_clean_meta;
        c.clean_arg = &a->gate;
        err = manifest_open(&a->manifest, &a->loop, &c, a->batch_inputs,
                            a->n_batch_inputs, &events);
    }
    if (err) {
        a->result = err;
        log_error("app", "batch class=%s %s", err_name(err),
                  r->err.msg[0] ? r->err.msg : err_words(err));
        app_stop(a, VLMD_STOP_NOW);
        return;
    }
    app_work(a);
}

int app_batch(struct app *a, const char *const *inputs, int n, struct err *e)
{
    if (a->is_batch) {
        return err_set(e, E_USAGE, "this handle has a batch already");
    }
    if (a->is_working) {
        return err_set(e, E_USAGE, "this handle has other work: open one for the batch");
    }
    a->is_batch = true;
    a->batch_inputs = mem_zero(sizeof(char *) * (size_t)(n + 1));
    for (int i = 0; i < n; i++) {
        a->batch_inputs[i] = mem_dup(inputs[i]);
    }
    a->n_batch_inputs = n;
    item_batch_key(inputs, n, a->batch_key, sizeof(a->batch_key));
    a->batch = (struct store_batch){.key = a->batch_key};
    store_batch_open(a->store, &a->batch, on_batch_opened);
    return 0;
}

// ---- the end of input

static void on_one_closed(void *arg)
{
    struct app *a = arg;
    if (a->watcher) {
        struct watcher *w = a->watcher;
        a->watcher = NULL;
        watcher_close(w, on_one_closed, a);
    } else if (a->manifest) {
        struct manifest *m = a->manifest;
        a->manifest = NULL;
        manifest_close(m, on_one_closed, a);
    } else {
        a->inputs_closing = false;
        app_inputs_closed(a);
    }
}

void intake_end(struct app *a)
{
    a->inputs_closing = true;
    on_one_closed(a);
}
