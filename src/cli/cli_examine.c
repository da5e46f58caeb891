// cli_examine.c -- vlmd privacy test, preview and rules: what would be done, and why.
//
// Nothing is sent and nothing is kept: these ask the same gate as the pictures on their way.
// SPDX-License-Identifier: MIT
#include "cli_examine.h"

#include "base/json.h"
#include "file.h"
#include "out.h"
#include "record.h"
#include "table.h"
#include "vlmd_privacy.h"

#include <errno.h>
#include <inttypes.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { WORDS = 512 };

struct examining {
    struct cli *c;
    const char *output;  // file to write, or NULL
    bool is_done;
    int rc;  // exit code
};

// ---- words

static bool has_found(const struct vlmd_examination *x)
{
    return x->n_found > 0;
}

static void print_found(const struct vlmd_examination *x)
{
    static const char *const heads[] = {"kind", "in the picture", "elsewhere", ""};
    struct table t;
    if (!has_found(x)) {
        out_text("found        nothing\n");
        return;
    }
    out_text("\n");
    table_init(&t, heads, 4);
    t.is_right[1] = t.is_right[2] = true;
    for (int i = 0; i < x->n_found; i++) {
        const struct vlmd_found *f = &x->found[i];
        char inside[16], outside[16];
        snprintf(inside, sizeof(inside), "%d", f->inside);
        snprintf(outside, sizeof(outside), "%d", f->outside);
        const char *cells[] = {f->category, inside, outside, f->words};
        table_row(&t, cells);
    }
    table_print(&t, term_out() ? term_columns(STDOUT_FILENO) : 0, term_colour());
    table_fini(&t);
    out_text("\n");
}

static const char *explain(const char *action)
{
    static const struct {
        const char *action, *words;
    } rows[] = {{"allow", "sent as it is"},
                {"safe", "sent, asked about without quoting"},
                {"mask", "sent with what was found painted over"},
                {"block", "not sent"}};
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        if (strcmp(rows[i].action, action) == 0) {
            return rows[i].words;
        }
    }
    return "";
}

static void print_verdict(const char *head, const struct vlmd_verdict *v)
{
    out_printf("%-12s %s: %s%s%s%s\n", head, v->action, explain(v->action),
               v->reason[0] ? " (" : "", v->reason, v->reason[0] ? ")" : "");
}

static void print_field(const char *head, const char *text)
{
    char safe[WORDS];
    if (text[0]) {
        text_safe(text, safe, sizeof(safe));
        out_printf("%-12s %s\n", head, safe);
    }
}

static void print_picture(const struct vlmd_examination *x)
{
    if (x->width == 0) {
        return;
    }
    out_printf("picture      %d x %d\n", x->width, x->height);
    for (int i = 0; i < x->n_masks; i++) {
        const struct vlmd_box *b = &x->masks[i];
        out_printf("%-12s %d x %d at %d, %d\n", i ? "" : "masked", b->width, b->height,
                   b->x, b->y);
    }
    out_printf("sent         %d x %d, %zu bytes\n", x->sent_width, x->sent_height,
               x->jpeg_bytes);
}

static void print(const struct vlmd_examination *x)
{
    print_field("app", x->app);
    print_field("window", x->window);
    if (x->rule[0]) {
        print_field("rule", x->rule);
        out_printf("verdict      block: %s\n", x->reason);
        return;
    }
    print_picture(x);
    if (!x->is_text_known && x->text_problem[0]) {
        print_field("text", x->text_problem);
    }
    print_found(x);
    print_verdict("this machine", &x->local);
    print_verdict("others", &x->remote);
    print_field("kept as", x->clean);
}

// ---- JSON

static void json_verdict(struct json_writer *w, const char *key,
                         const struct vlmd_verdict *v)
{
    json_object(w, key);
    json_str(w, "action", v->action);
    json_str(w, "reason", v->reason);
    json_object_end(w);
}

static void json_found(struct json_writer *w, const struct vlmd_examination *x)
{
    json_array(w, "found");
    for (int i = 0; i < x->n_found; i++) {
        json_object(w, NULL);
        json_str(w, "category", x->found[i].category);
        json_int(w, "inside", x->found[i].inside);
        json_int(w, "outside", x->found[i].outside);
        json_object_end(w);
    }
    json_array_end(w);
}

static void json_masks(struct json_writer *w, const struct vlmd_examination *x)
{
    json_array(w, "masks");
    for (int i = 0; i < x->n_masks; i++) {
        json_array(w, NULL);
        json_int(w, NULL, x->masks[i].x);
        json_int(w, NULL, x->masks[i].y);
        json_int(w, NULL, x->masks[i].width);
        json_int(w, NULL, x->masks[i].height);
        json_array_end(w);
    }
    json_array_end(w);
}

static void print_json(const struct vlmd_examination *x)
{
    struct json_writer w;
    struct buf out = {.max_bytes = RECORD_MAX};
    json_init(&w, &out);
    json_object(&w, NULL);
    json_str(&w, "app", x->app);
    json_str(&w, "window", x->window);
    json_bool(&w, "is_excluded", x->rule[0]);
    json_str(&w, "rule", x->rule);
    json_bool(&w, "is_text_known", x->is_text_known);
    json_str(&w, "text_problem", x->text_problem);
    json_found(&w, x);
    json_verdict(&w, "local", &x->local);
    json_verdict(&w, "remote", &x->remote);
    json_int(&w, "width", x->width);
    json_int(&w, "height", x->height);
    json_masks(&w, x);
    json_int(&w, "sent_width", x->sent_width);
    json_int(&w, "sent_height", x->sent_height);
    json_int(&w, "sent_bytes", (int64_t)x->jpeg_bytes);
    json_str(&w, "kept_as", x->clean);
    json_object_end(&w);
    if (w.rc == 0) {
        out_bytes(out.data, out.len);
        out_text("\n");
    }
    buf_fini(&out);
}

// ---- preview's file

static bool is_png(const char *path)
{
    const char *dot = strrchr(path, '.');
    return dot && (strcmp(dot, ".png") == 0 || strcmp(dot, ".PNG") == 0);
}

static int write_picture(const struct vlmd_examination *x, const char *path)
{
    struct file f;
    if (x->rule[0]) {
        say("vlmd: privacy: nothing would be sent, so %s is not written", path);
        return CLI_SOME_FAILED;
    }
    int err = file_begin(&f, path);
    if (err == 0) {
        err = is_png(path) ? file_add(&f, x->png, x->png_bytes)
                           : file_add(&f, x->jpeg, x->jpeg_bytes);
        err = file_end(&f, err, FILE_REPLACE);
    }
    if (err) {
        say("vlmd: privacy: %s: %s", path, strerror(err));
        return CLI_SOME_FAILED;
    }
    return CLI_DONE;
}

static void on_examined(void *arg, int err, const struct vlmd_examination *x,
                        const char *message)
{
    struct examining *e = arg;
    e->is_done = true;
    if (err) {
        e->rc = cli_failed("privacy", err, message);
        return;
    }
    if (cli_has(e->c, OPT_JSON)) {
        print_json(x);
    } else {
        print(x);
    }
    e->rc = e->output ? write_picture(x, e->output) : CLI_DONE;
}

// ---- the command line

static int fill(struct cli *c, struct vlmd_examine_input *in, char *path)
{
    const char *file = c->n_args > 1 ? c->args[1] : NULL;
    *in = (struct vlmd_examine_input){.text = c->values[OPT_TEXT],
                                      .app = c->values[OPT_APP],
                                      .window = c->values[OPT_WINDOW],
                                      .page_url = c->values[OPT_URL]};
    if (file && in->text) {
        return cli_usage(c, "a picture and --text: only one of them");
    }
    if (file && !realpath(file, path)) {
        say("vlmd: privacy: %s: %s", file, strerror(errno));
        return CLI_SOME_FAILED;
    }
    in->path = file ? path : NULL;
    if (!in->path && !in->text && !in->app && !in->window && !in->page_url) {
        return cli_usage(c, "%s needs a picture, --text, --app, --window or --url",
                         c->args[0]);
    }
    return 0;
}

static int examine(struct cli *c, const char *output)
{
    struct examining e = {.c = c, .output = output};
    struct vlmd_examine_input in;
    char path[PATH_MAX];
    int rc = c->n_args > 2 ? cli_usage(c, "%s takes one picture", c->args[0])
                           : fill(c, &in, path);
    if (rc == 0) {
        rc = cli_open(c, VLMD_CLIENT);
    }
    if (rc) {
        return rc;
    }
    in.wants_png = output && is_png(output);
    int err = vlmd_examine(c->v, &in, on_examined, &e);
    if (err) {
        return cli_failed("privacy", err, "it was not accepted");
    }
    rc = cli_wait(c, &e.is_done);
    return rc ? rc : e.rc;
}

int cli_privacy_test(struct cli *c)
{
    return examine(c, NULL);
}

int cli_privacy_preview(struct cli *c)
{
    const char *output = c->values[OPT_OUTPUT];
    if (c->n_args < 2 || !output) {
        return cli_usage(c, "preview needs a picture and -o FILE.png (or .jpg)");
    }
    return examine(c, output);
}

// ---- rules

static void on_rule_json(void *arg, const struct vlmd_rule *r)
{
    struct json_writer *w = arg;
    json_object(w, NULL);
    json_str(w, "list", r->list);
    json_str(w, "pattern", r->pattern);
    json_str(w, "field", r->field);
    json_bool(w, "is_allow", r->is_allow);
    json_str(w, "origin", r->origin);
    json_str(w, "words", r->words);
    json_object_end(w);
}

static void print_rules_json(struct cli *c)
{
    struct json_writer w;
    struct buf out = {.max_bytes = RECORD_MAX};
    json_init(&w, &out);
    json_array(&w, NULL);
    vlmd_rules(c->v, NULL, on_rule_json, &w);
    json_array_end(&w);
    if (w.rc == 0) {
        out_bytes(out.data, out.len);
        out_text("\n");
    }
    buf_fini(&out);
}

static void on_rule(void *arg, const struct vlmd_rule *r)
{
    struct table *t = arg;
    char pattern[WORDS];
    text_safe(r->pattern, pattern, sizeof(pattern));
    const char *cells[] = {r->is_allow ? "allow" : "deny", r->field, pattern, r->origin,
                           r->words};
    table_row(t, cells);
}

static void on_policy_key(void *arg, const struct vlmd_key *key)
{
    struct table *t = arg;
    const bool is_list = strcmp(key->type, "list") == 0;  // shown above, rule by rule
    if (strncmp(key->key, "privacy.", 8) == 0 && !is_list) {
        const char *cells[] = {key->key, key->value, key->origin};
        table_row(t, cells);
    }
}

static void print_policy(struct cli *c)
{
    static const char *const heads[] = {"setting", "value", "from"};
    struct vlmd_options options;
    struct table t;
    table_init(&t, heads, 3);
    cli_options_of(c, VLMD_CLIENT, &options);
    (void)vlmd_config_check(&options, on_policy_key, NULL, &t);
    out_text("\n");
    table_print(&t, term_out() ? term_columns(STDOUT_FILENO) : 0, term_colour());
    table_fini(&t);
}

int cli_privacy_rules(struct cli *c)
{
    static const char *const heads[] = {"", "of", "pattern", "from", "covers"};
    struct table t;
    if (c->n_args > 1) {
        return cli_usage(c, "rules takes no operands");
    }
    int rc = cli_open(c, VLMD_CLIENT);
    if (rc) {
        return rc;
    }
    if (cli_has(c, OPT_JSON)) {
        print_rules_json(c);
        return CLI_DONE;
    }
    table_init(&t, heads, 5);
    vlmd_rules(c->v, NULL, on_rule, &t);
    table_print(&t, term_out() ? term_columns(STDOUT_FILENO) : 0, term_colour());
    table_fini(&t);
    print_policy(c);
    return CLI_DONE;
}
