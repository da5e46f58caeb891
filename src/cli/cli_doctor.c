// cli_doctor.c -- vlmd doctor and vlmd models.
//
// A configuration or database that can not be opened is itself a failed check.
// SPDX-License-Identifier: MIT
#include "base/utf8.h"
#include "cli.h"
#include "face/face.h"
#include "face/timefmt.h"
#include "out.h"
#include "record.h"
#include "table.h"

#include <stdio.h>
#include <string.h>
#include <unistd.h>

enum { NAME_COLUMNS = 16, INDENT = 6 + NAME_COLUMNS + 2 };

struct checking {
    struct cli *c;
    bool is_done;
    int n, ok, warned, failed;
    int err;
    char message[400];
};

static void on_end(void *arg, int err, const char *message)
{
    struct checking *k = arg;
    k->is_done = true;
    k->err = err;
    snprintf(k->message, sizeof(k->message), "%s", message ? message : "");
}

static void check_json(const struct vlmd_check *c, const char *result)
{
    struct buf out = {.max_bytes = RECORD_MAX};
    struct json_writer w;
    json_init(&w, &out);
    json_object(&w, NULL);
    json_str(&w, "check", c->name);
    json_str(&w, "result", result);
    json_str(&w, "words", c->words);
    json_str(&w, "todo", *c->todo ? c->todo : NULL);
    json_object_end(&w);
    if (w.rc == 0) {
        out_bytes(out.data, out.len);
        out_text("\n");
    }
    buf_fini(&out);
}

// The rest of a line that begins at a column; on a terminal it goes on below, between words.
static void print_wrapped(const char *text, int column)
{
    int columns = term_out() ? term_columns(STDOUT_FILENO) - column : 0;
    size_t width = columns >= 20 ? (size_t)columns : SIZE_MAX;
    while (strlen(text) > width) {
        size_t n = width;
        while (n > 0 && text[n] != ' ') {
            n--;
        }
        n = n ? n : strcspn(text, " ");
        out_printf("%.*s\n%*s", (int)n, text, column, "");
        text += n + (text[n] == ' ');
    }
    out_printf("%s\n", text);
}

static void on_check(void *arg, const struct vlmd_check *c)
{
    static const char *const names[] = {"ok", "warn", "fail"};
    static const char *const colours[] = {"\x1b[32m", "\x1b[33m", "\x1b[31m"};
    struct checking *k = arg;
    char name[200], words[700], todo[500];
    k->n++;
    k->ok += c->result != VLMD_CHECK_FAIL;
    k->failed += c->result == VLMD_CHECK_FAIL;
    k->warned += c->result == VLMD_CHECK_WARN;
    if (cli_has(k->c, OPT_JSON)) {
        check_json(c, names[c->result]);
        return;
    }
    text_safe(c->name, name, sizeof(name));
    text_safe(c->words, words, sizeof(words));
    text_safe(c->todo, todo, sizeof(todo));
    bool colour = term_colour();
    out_printf("%s%-4s%s  %-16s  ", colour ? colours[c->result] : "", names[c->result],
               colour ? "\x1b[0m" : "", name);
    if (utf8_columns(name) > NAME_COLUMNS && term_out()) {
        out_printf("\n%*s", INDENT, "");
    }
    print_wrapped(words, INDENT);
    if (*todo) {
        out_printf("%*s-> ", INDENT, "");
        print_wrapped(todo, INDENT + 3);
    }
    out_flush();
}

static void on_problem(void *arg, bool is_error, const char *where, const char *words)
{
    char text[700];
    snprintf(text, sizeof(text), "%s: %s", where, words);
    const struct vlmd_check c = {.name = "configuration",
                                 .result = is_error ? VLMD_CHECK_FAIL : VLMD_CHECK_WARN,
                                 .words = text,
                                 .todo = is_error
                                             ? "correct it; `vlmd config show` shows "
                                               "what is in force"
                                             : ""};
    on_check(arg, &c);
}

static int open_or_check(struct checking *k)
{
    struct cli *c = k->c;
    struct vlmd_options options;
    struct vlmd_error error = {0};
    cli_options_of(c, VLMD_WORKER, &options);
    if (vlmd_config_check(&options, cli_learn_key, on_problem, k)) {
        return CLI_SOME_FAILED;
    }
    int rc = cli_open_quietly(c, VLMD_WORKER, &error);
    if (rc) {
        const struct vlmd_check check = {.name = rc == VLMD_ERR_STORE ? "database"
                                                                      : "opening",
                                         .result = VLMD_CHECK_FAIL,
                                         .words = error.message,
                                         .todo = ""};
        on_check(k, &check);
    }
    return rc ? CLI_SOME_FAILED : 0;
}

static void sum_up(const struct checking *k)
{
    if (!cli_has(k->c, OPT_JSON)) {
        out_printf("\n%d/%d checks passed", k->ok, k->n);
        if (k->warned) {
            out_printf(", %d with a warning", k->warned);
        }
        out_text("\n");
    }
}

int cli_run_doctor(struct cli *c)
{
    struct checking k = {.c = c};
    if (c->n_args) {
        return cli_usage(c, "takes no operands");
    }
    int rc = open_or_check(&k);
    if (rc == 0) {
        int err = vlmd_doctor(c->v, on_check, on_end, &k);
        rc = err ? cli_failed("doctor", err, "it was not accepted")
                 : cli_wait(c, &k.is_done);
        if (rc == 0 && k.err) {
            rc = cli_failed("doctor", k.err, k.message);
        }
        cli_close(c);
    }
    if (rc == 0 || rc == CLI_SOME_FAILED) {
        sum_up(&k);
    }
    return rc ? rc : k.failed ? CLI_SOME_FAILED : CLI_DONE;
}

// ---- models

static const char *const heads[] = {"backend", "kind",   "model", "sees",
                                    "loaded",  "chosen", ""};
static const char *const fact_heads[] = {"backend",  "model",   "sees",  "formats",
                                         "slots",    "context", "patch", "unload",
                                         "thinking", "known",   ""};

struct listing {
    struct checking end;
    struct table table;
    int n_good;
    char trouble[400];  // of the first backend that can not be asked
    bool is_probe;
};

static void model_json(const struct vlmd_model *m)
{
    struct buf out = {.max_bytes = RECORD_MAX};
    struct json_writer w;
    json_init(&w, &out);
    face_model(&w, m);
    if (w.rc == 0) {
        out_bytes(out.data, out.len);
        out_text("\n");
    }
    buf_fini(&out);
}

static const char *number_or_dash(char *out, size_t size, int n)
{
    snprintf(out, size, "%d", n);
    return n > 0 ? out : "-";
}

static const char *sees(const struct vlmd_model *m)
{
    return !*m->model ? "" : !m->is_vision_sure ? "?" : m->has_vision ? "yes" : "no";
}

// Only of what would be asked, what was before, and what does not answer.
static void facts_row(struct listing *l, const struct vlmd_model *m)
{
    char slots[16], ctx[16], patch[16], at[64] = "-";
    if (*m->model && !m->is_chosen && !m->known_at_ms) {
        return;
    }
    if (m->known_at_ms) {
        time_local(m->known_at_ms, at, sizeof(at));
    }
    const char *cells[] = {m->backend,
                           *m->model ? m->model : "-",
                           sees(m),
                           m->formats,
                           number_or_dash(slots, sizeof(slots), m->slots),
                           number_or_dash(ctx, sizeof(ctx), m->n_ctx),
                           number_or_dash(patch, sizeof(patch), m->patch_px),
                           m->unload,
                           m->thinking,
                           at,
                           m->error};
    table_row(&l->table, cells);
}

static void on_model(void *arg, const struct vlmd_model *m)
{
    struct listing *l = arg;
    l->n_good += *m->model != 0 && !m->is_kept;
    if (*m->error && !l->trouble[0]) {
        snprintf(l->trouble, sizeof(l->trouble), "%.96s: %.280s", m->backend, m->error);
    }
    if (cli_has(l->end.c, OPT_JSON)) {
        model_json(m);
        return;
    }
    if (l->is_probe) {
        facts_row(l, m);
        return;
    }
    const char *cells[] = {m->backend,
                           m->kind,
                           *m->model ? m->model : "-",
                           sees(m),
                           m->is_loaded ? "yes" : "",
                           m->is_chosen ? "yes" : "",
                           m->error};
    table_row(&l->table, cells);
}

static int no_models(const struct listing *l)
{
    if (l->trouble[0]) {
        say("vlmd: models: no backend can be asked: %s (`vlmd doctor` says what to do)",
            l->trouble);
    } else {
        say("vlmd: models: no backend with models answers (start one, or name it with "
            "--backend URL)");
    }
    return CLI_NO_BACKEND;
}

static int list_models(struct cli *c)
{
    struct listing l = {.end.c = c};
    if (c->n_args != 1) {
        return cli_usage(c, "list and probe take no operands");
    }
    int rc = cli_open(c, VLMD_WORKER);
    if (rc) {
        return rc;
    }
    l.is_probe = strcmp(c->args[0], "probe") == 0;
    table_init(&l.table, l.is_probe ? fact_heads : heads, l.is_probe ? 11 : 7);
    int err = l.is_probe ? vlmd_models_probe(c->v, on_model, on_end, &l)
                         : vlmd_models(c->v, on_model, on_end, &l);
    rc = err ? cli_failed("models", err, "it was not accepted")
             : cli_wait(c, &l.end.is_done);
    if (rc == 0 && l.end.err) {
        rc = cli_failed("models", l.end.err, l.end.message);
    }
    if (rc == 0 && l.table.n_rows) {
        table_print(&l.table, term_out() ? term_columns(STDOUT_FILENO) : 0,
                    term_colour());
    }
    if (rc == 0 && l.n_good == 0) {
        rc = no_models(&l);
    }
    table_fini(&l.table);
    cli_close(c);
    return rc;
}

// ---- load, unload

static void on_changed(void *arg, int err, const char *message)
{
    on_end(arg, err, message);
}

// A model that a person had loaded is a guest: five minutes, unless told otherwise.
static int set_life(struct cli *c, char *text, size_t size)
{
    const char *span = c->values[OPT_FOR];
    int64_t ms = span ? cli_span(span) : 300000;
    if (ms < 1000 || ms > 86400000) {
        return cli_usage(c, "--for: \"%s\" is not a duration from 1s to 1d", span);
    }
    snprintf(text, size, "%llds", (long long)(ms / 1000));
    return cli_add_setting(c, "backend.keep_alive", text, "--for") ? 0 : CLI_USAGE;
}

static int change_model(struct cli *c, bool is_load)
{
    struct checking end = {.c = c};
    char life[32];  // as long as the handle
    const char *what = is_load ? "models load" : "models unload";
    if (c->n_args > 2) {
        return cli_usage(c, "%s takes one MODEL", c->args[0]);
    }
    if (c->n_args == 2 && !cli_add_setting(c, "model", c->args[1], "MODEL")) {
        return CLI_USAGE;
    }
    int rc = is_load ? set_life(c, life, sizeof(life)) : 0;
    rc = rc ? rc : cli_open(c, VLMD_WORKER);
    if (rc) {
        return rc;
    }
    int err = is_load ? vlmd_model_load(c->v, NULL, on_changed, &end)
                      : vlmd_model_unload(c->v, NULL, on_changed, &end);
    rc = err ? cli_failed(what, err, "it was not accepted") : cli_wait(c, &end.is_done);
    if (rc == 0 && end.err) {
        rc = cli_failed(what, end.err, end.message);
    } else if (rc == 0 && !cli_has(c, OPT_QUIET)) {
        say("vlmd: %s", is_load ? "the model is loaded" : "the model is unloaded");
    }
    cli_close(c);
    return rc;
}

int cli_run_models(struct cli *c)
{
    bool is_load = strcmp(c->args[0], "load") == 0;
    bool is_change = is_load || strcmp(c->args[0], "unload") == 0;
    return is_change ? change_model(c, is_load) : list_models(c);
}
