// cli_config.c -- vlmd config: check, show, init; and vlmd version.
// SPDX-License-Identifier: MIT
#include "cli.h"
#include "file.h"
#include "out.h"
#include "record.h"
#include "table.h"

#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

// change: does a running service take another value at once (vlmd_config_reload)?
static const char *const heads[] = {"key", "from", "change", "value"};

struct looking {
    const struct cli *c;
    int errors, warnings;
    bool is_table;
    struct table table;
    struct buf json;
    struct json_writer w;
};

static void on_problem(void *arg, bool is_error, const char *where, const char *words)
{
    struct looking *k = arg;
    char place[PATH_MAX + 40], safe[1500];
    k->errors += is_error;
    k->warnings += !is_error;
    if (k->is_table) {
        return;
    }
    if (cli_has(k->c, OPT_JSON)) {
        json_object(&k->w, NULL);
        json_str(&k->w, "level", is_error ? "error" : "warning");
        json_str(&k->w, "where", where);
        json_str(&k->w, "words", words);
        json_object_end(&k->w);
        return;
    }
    text_safe(where, place, sizeof(place));
    text_safe(words, safe, sizeof(safe));
    out_printf("%s%s: %s\n", is_error ? "" : "warning: ", place, safe);
}

static void print_json(struct looking *k)
{
    if (k->w.rc == 0) {
        out_bytes(k->json.data, k->json.len);
        out_text("\n");
    }
}

static int check(struct cli *c)
{
    struct looking k = {.c = c, .json.max_bytes = RECORD_MAX};
    struct vlmd_options options;
    cli_options_of(c, VLMD_WORKER, &options);
    json_init(&k.w, &k.json);
    json_object(&k.w, NULL);
    json_array(&k.w, "problems");
    int rc = vlmd_config_check(&options, NULL, on_problem, &k);
    json_array_end(&k.w);
    json_bool(&k.w, "ok", rc == 0);
    json_object_end(&k.w);
    if (cli_has(c, OPT_JSON)) {
        print_json(&k);
    } else if (!cli_has(c, OPT_QUIET)) {
        out_printf("%d error%s, %d warning%s\n", k.errors, k.errors == 1 ? "" : "s",
                   k.warnings, k.warnings == 1 ? "" : "s");
    }
    buf_fini(&k.json);
    return rc ? cli_exit_of(rc) : CLI_DONE;
}

// ---- show

static void on_key(void *arg, const struct vlmd_key *key)
{
    struct looking *k = arg;
    if (!cli_has(k->c, OPT_JSON)) {
        const char *cells[] = {key->key, key->origin,
                               key->is_reloadable ? "at once" : "restart", key->value};
        table_row(&k->table, cells);
        return;
    }
    json_object(&k->w, NULL);
    json_str(&k->w, "key", key->key);
    json_str(&k->w, "value", key->value);
    json_str(&k->w, "origin", key->origin);
    json_str(&k->w, "default", key->def);
    json_str(&k->w, "type", key->type);
    json_str(&k->w, "range", key->range);
    json_str(&k->w, "help", key->help);
    json_bool(&k->w, "reloadable", key->is_reloadable);
    json_object_end(&k->w);
}

static int show(struct cli *c)
{
    struct looking k = {.c = c, .is_table = true, .json.max_bytes = RECORD_MAX};
    struct vlmd_options options;
    cli_options_of(c, VLMD_CLIENT, &options);
    table_init(&k.table, heads, 4);
    json_init(&k.w, &k.json);
    json_array(&k.w, NULL);
    int rc = vlmd_config_check(&options, on_key, on_problem, &k);
    json_array_end(&k.w);
    if (rc) {
        say("vlmd: config: there are %d errors (see `vlmd config check`)", k.errors);
    } else if (cli_has(c, OPT_JSON)) {
        print_json(&k);
    } else {
        table_print(&k.table, 0, term_colour());
    }
    table_fini(&k.table);
    buf_fini(&k.json);
    return rc ? cli_exit_of(rc) : CLI_DONE;
}

// ---- init

static int write_sample(struct cli *c, const char *path, const char *sample)
{
    struct file f;
    char safe[PATH_MAX];
    text_safe(path, safe, sizeof(safe));
    int rc = file_make_folder_of(path);
    if (rc == 0) {
        rc = file_begin(&f, path);
    }
    if (rc == 0) {
        rc = file_add(&f, sample, strlen(sample));
        rc = file_end(&f, rc, cli_has(c, OPT_FORCE) ? FILE_REPLACE : FILE_NEW);
    }
    if (rc == EEXIST) {
        say("vlmd: %s: is there already (--force replaces it)", safe);
        return CLI_USAGE;
    }
    if (rc) {
        say("vlmd: %s: %s (name another place with -o FILE)", safe, strerror(rc));
        return CLI_USAGE;
    }
    if (!cli_has(c, OPT_QUIET)) {
        out_printf("%s is written; every key in it is a comment\n", safe);
    }
    return CLI_DONE;
}

static int init(struct cli *c)
{
    char usual[PATH_MAX];
    const char *path = c->values[OPT_OUTPUT];
    char *sample = vlmd_config_sample();
    int rc = CLI_DONE;
    if (!sample) {
        return cli_failed("config", VLMD_ERR_NOMEM, "not enough memory");
    }
    if (!path && cli_has(c, OPT_CONFIG) && *c->values[OPT_CONFIG]) {
        path = c->values[OPT_CONFIG];
    }
    if (!path) {
        path = vlmd_config_path(usual, sizeof(usual));
    }
    if (strcmp(path, "-") == 0) {
        out_text(sample);
    } else if (!*path) {
        rc = cli_usage(c, "there is no home folder: name a file with -o FILE");
    } else {
        rc = write_sample(c, path, sample);
    }
    free(sample);
    return rc;
}

int cli_run_config(struct cli *c)
{
    bool is_init = strcmp(c->args[0], "init") == 0;
    if (c->n_args > 1) {
        return cli_usage(c, "\"%s\" is too much", c->args[1]);
    }
    if (!is_init && (cli_has(c, OPT_OUTPUT) || cli_has(c, OPT_FORCE))) {
        return cli_usage(c, "--output and --force go with init only");
    }
    return is_init ? init(c) : strcmp(c->args[0], "show") == 0 ? show(c) : check(c);
}

int cli_run_version(struct cli *c)
{
    if (c->command && c->n_args) {
        return cli_usage(c, "takes no operands");
    }
    if (cli_has(c, OPT_JSON)) {
        out_printf("{\"version\":\"%s\"}\n", vlmd_version());
    } else {
        out_printf("vlmd %s\n", vlmd_version());
    }
    return CLI_DONE;
}
