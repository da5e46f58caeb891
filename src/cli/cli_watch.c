// cli_watch.c -- vlmd watch and vlmd serve: run until a signal, tell what they do.
//
// The loop has no timer of its own: the library wakes it up when something happened.
// SPDX-License-Identifier: MIT
#include "cli.h"
#include "face/face.h"
#include "face/timefmt.h"
#include "out.h"
#include "record.h"

#include <errno.h>
#include <limits.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>

enum { LOOK_EVERY_MS = 200 };

struct watching {
    struct cli *c;
    bool is_json;
    bool is_quiet;
    bool is_serve;  // no folder is watched
    bool is_out_gone;
    char states[VLMD_MAX_BACKENDS][32];  // of the backends, as told last
    int64_t looked_ms;                   // at them, monotonic
    bool must_look;                      // something may have changed since
};

static void print_item(struct watching *w, const struct vlmd_item *it)
{
    char at[64], line[2048], words[1600], app[200];
    if (w->is_json) {
        struct buf out = {.max_bytes = RECORD_MAX};
        if (record_json(it, &out) == 0) {
            out_bytes(out.data, out.len);
        }
        buf_fini(&out);
        return;
    }
    time_local(face_taken_ms(it), at, sizeof(at));
    text_clip(*it->app        ? it->app
              : *it->seen_app ? it->seen_app
                              : "-",
              20, app, sizeof(app));
    const char *said = it->has_description ? it->summary : it->reason;
    const char *state = it->has_description ? "" : record_state(it);
    snprintf(words, sizeof(words), "%s%s%.1400s%s%.100s", state, *state ? ": " : "", said,
             it->has_description ? "" : "  ", it->has_description ? "" : it->path);
    snprintf(line, sizeof(line), "%s  %s  %s", at, app, words);
    text_clip(line, term_out() ? term_columns(1) : 100000, words, sizeof(words));
    out_printf("%s\n", words);
}

static void on_job(struct watching *w, const struct vlmd_item *it)
{
    bool is_failed = strcmp(it->outcome, "failed") == 0;
    if (w->is_json || it->has_description) {
        if (w->is_json || !w->is_quiet) {
            print_item(w, it);
        }
    } else if (is_failed || !w->is_quiet) {
        char path[PATH_MAX + 64], reason[600];
        text_safe(it->path, path, sizeof(path));
        text_safe(it->reason, reason, sizeof(reason));
        say("vlmd: %s: %s: %s%s%s%s", path, it->outcome, reason, is_failed ? " (" : "",
            is_failed ? it->error_todo : "", is_failed ? ")" : "");
    }
    w->is_out_gone = out_flush() != 0;
}

static void tell(const struct watching *w, const char *before, const char *words,
                 const char *path)
{
    char safe[800], where[PATH_MAX];
    text_safe(words, safe, sizeof(safe));
    text_safe(path, where, sizeof(where));
    if (!w->is_quiet) {
        say("vlmd: %s%s%s%s", before, where, *where && *safe ? ": " : "", safe);
    }
}

static void on_event(void *arg, const struct vlmd_event *e)
{
    struct watching *w = arg;
    char words[128], n[32];
    switch (e->type) {
    case VLMD_EVENT_JOB: on_job(w, e->item); break;
    case VLMD_EVENT_PROBLEM: tell(w, "", e->words, e->path); break;
    case VLMD_EVENT_NOTICE: tell(w, "note: ", e->words, e->path); break;
    case VLMD_EVENT_PAUSED: tell(w, "paused: ", e->words, NULL); break;
    case VLMD_EVENT_RESUMED: tell(w, "going on", "", NULL); break;
    case VLMD_EVENT_SCANNED:
        count_text(e->n, n, sizeof(n));
        snprintf(words, sizeof(words), "%s pictures found", n);
        tell(w, "", words, e->path);
        break;
    case VLMD_EVENT_BATCH: break;
    case VLMD_EVENT_ALERT: tell(w, "alert: ", e->words, NULL); break;
    }
}

static void tell_backend(struct watching *w, const struct vlmd_backend_status *b)
{
    char words[900];
    bool is_ocr = strcmp(b->kind, "ocr") == 0;
    bool is_ready = strcmp(b->state, "ready") == 0;
    if (is_ocr || strcmp(b->state, "unknown") == 0 || strcmp(b->state, "standby") == 0) {
        return;
    }
    snprintf(words, sizeof(words), "%s at %s: %s%s%s", *b->kind ? b->kind : "backend",
             b->url, is_ready ? "ready with " : b->state,
             is_ready     ? b->model
             : *b->reason ? ": "
                          : "",
             is_ready ? "" : b->reason);
    tell(w, "", words, NULL);
}

// Once per change of a named or found backend's state; guesses nobody answers are silent.
// A look costs as much as many turns: there are a few a second.
static void tell_backends(struct watching *w)
{
    static struct vlmd_stats s;
    int64_t now_ms = time_mono_ms();
    w->must_look = now_ms < w->looked_ms + LOOK_EVERY_MS;
    if (w->must_look) {
        return;
    }
    w->looked_ms = now_ms;
    vlmd_stats(w->c->v, &s);
    for (int i = 0; i < s.n_backends && i < VLMD_MAX_BACKENDS; i++) {
        const struct vlmd_backend_status *b = &s.backends[i];
        bool is_guess = strcmp(b->state, "away") == 0 && !*b->kind;
        if (strcmp(w->states[i], b->state) == 0) {
            continue;
        }
        snprintf(w->states[i], sizeof(w->states[i]), "%s", b->state);
        if (!is_guess) {
            tell_backend(w, b);
        }
    }
}

static int start(struct watching *w)
{
    struct cli *c = w->c;
    char chosen[PATH_MAX] = "";
    struct vlmd_error error = {0};
    if (w->is_serve) {
        int rc = vlmd_work(c->v);
        return rc ? cli_failed("serve", rc, "it can not be begun") : 0;
    }
    for (int i = 0; i < c->n_args || i == 0; i++) {
        const char *dir = c->n_args ? c->args[i] : NULL;
        int64_t began_ms = time_mono_ms();
        int rc = vlmd_watch(c->v, dir, chosen, sizeof(chosen), &error);
        if (rc) {
            cli_step(c, "watch", "fail", began_ms, error.message);
            cli_failed(NULL, rc, error.message);
            return rc == VLMD_ERR_STORE ? CLI_STORE : CLI_USAGE;
        }
        cli_step(c, "watch", "ok", began_ms, chosen);
        tell(w, "watching ", "", chosen);
    }
    return 0;
}

static int serve(struct cli *c)
{
    int64_t began_ms = time_mono_ms();
    int rc = cli_serve(c);
    const char *url = rc ? "" : cli_page_url(c);
    bool is_lacking = !*url && !cli_is_page_off();
    cli_step(c, "admin",
             rc           ? "fail"
             : is_lacking ? "warn"
                          : "ok",
             began_ms,
             rc           ? "it can not be served"
             : *url       ? url
             : is_lacking ? "no page: see admin.listen"
                          : "no page, as admin.listen says");
    return rc;
}

static int run(struct cli *c, bool is_serve)
{
    struct watching w = {.c = c,
                         .is_json = cli_has(c, OPT_JSON),
                         .is_quiet = cli_has(c, OPT_QUIET),
                         .is_serve = is_serve};
    c->service_log_level = "info";
    c->shows_start = true;
    int rc = cli_open(c, VLMD_WORKER);
    if (rc) {
        return rc;
    }
    vlmd_subscription *s = vlmd_subscribe(c->v, on_event, &w);
    rc = start(&w);
    rc = rc ? rc : serve(c);
    int told = 0;
    while (rc == 0 && cli_turn(c, w.must_look ? LOOK_EVERY_MS : -1)) {
        tell_backends(&w);
        if (w.is_out_gone) {
            vlmd_stop(c->v, VLMD_STOP_DRAIN);
        }
        if (cli_signals() && told++ == 0) {
            tell(&w, "finishing what is under way; once more stops at once", "", NULL);
        }
    }
    int ended = rc == 0 ? vlmd_run(c->v) : 0;
    vlmd_unsubscribe(s);
    if (rc == 0 && ended && ended != VLMD_ERR_CANCELED && !cli_signals()) {
        rc = cli_failed("watch", ended, "the work ended early (see the log)");
    }
    cli_close(c);
    return rc ? rc : cli_signal() == SIGINT ? CLI_INTERRUPTED : CLI_DONE;
}

int cli_run_watch(struct cli *c)
{
    return run(c, false);
}

int cli_run_serve(struct cli *c)
{
    return c->n_args ? cli_usage(c, "takes no operands") : run(c, true);
}
