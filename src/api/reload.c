// reload.c -- the public interface's reading the configuration again.
//
// The whole new configuration is read and checked first, in a thread; with one error nothing
// is taken.
// config_adopt says what is taken, settings_apply who is told.
// SPDX-License-Identifier: MIT
#include "api/reload.h"

#include "api/call.h"
#include "base/log.h"
#include "base/log_file.h"
#include "base/mem.h"
#include "io/pool.h"
#include "settings.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

void reload_keep(struct reload *r, const struct vlmd_options *o)
{
    list_init(&r->waiting);
    struct vlmd_setting *settings =
        mem_zero(sizeof(*settings) * (size_t)(o->n_settings + 1));
    for (int i = 0; i < o->n_settings; i++) {
        settings[i] = (struct vlmd_setting){mem_dup(o->settings[i].key),
                                            mem_dup(o->settings[i].value),
                                            mem_dup(o->settings[i].origin)};
    }
    r->options = (struct vlmd_options){
        .role = o->role,
        .config_file = mem_dup(o->config_file),
        .config_text = mem_dup(o->config_text),
        .settings = settings,
        .n_settings = o->n_settings,
        .ignore_environment = o->ignore_environment,
    };
}

void reload_fini(struct reload *r)
{
    assert(!r->is_under_way && list_is_empty(&r->waiting));
    struct vlmd_options *o = &r->options;
    for (int i = 0; i < o->n_settings; i++) {
        free((char *)o->settings[i].key);
        free((char *)o->settings[i].value);
        free((char *)o->settings[i].origin);
    }
    free((struct vlmd_setting *)o->settings);
    free((char *)o->config_file);
    free((char *)o->config_text);
    *o = (struct vlmd_options){0};
}

// ---- what changed

struct reloading {
    struct vlmd *v;
    vlmd_change_of_key_fn *on_change;
    void *arg;
    bool has_new_log;
    struct buf rules;  // names of the privacy keys that changed, with blanks between
};

// What rules say may itself be private: only their keys go into the audit.
static void on_change(void *arg, const char *key, const char *before, const char *after,
                      bool is_applied)
{
    struct reloading *r = arg;
    if (is_applied && strncmp(key, "privacy.", 8) == 0 &&
        buf_printf(&r->rules, "%s%s", r->rules.len ? " " : "", key)) {
        log_debug("config", "more privacy keys changed than the audit has room for");
    }
    r->has_new_log |= strcmp(key, "log.file") == 0;
    if (r->on_change) {
        r->on_change(r->arg, key, before, after, is_applied);
    }
}

// ---- the audit

struct noting {
    struct vlmd *v;
    struct buf rules;
    struct store_audit_append append;
};

static void on_noted(struct store_audit_append *a, int err)
{
    struct noting *n = container_of(a, struct noting, append);
    struct vlmd *v = n->v;
    if (err) {
        log_error("config", "new privacy rules hold, but the audit does not say so: %s",
                  call_words(&a->err, err));
    }
    buf_fini(&n->rules);
    free(n);
    call_end(v);
}

// The writer takes one after the other: this row stands before those of whatever is judged by
// the new rules.
static void note_rules(struct reloading *r)
{
    if (r->v->app.role == VLMD_CLIENT) {
        return;
    }
    struct noting *n = mem_new(struct noting);
    n->v = r->v;
    buf_take(&n->rules, &r->rules);
    n->append.row = (struct store_audit_row){
        .verdict = "rules", .stage = "", .rules = buf_str(&n->rules)};
    call_begin(r->v);
    store_audit_append(r->v->app.store, &n->append, on_noted);
}

// ---- taking it

static void apply_log(const struct config *c, bool has_new_file)
{
    struct log_levels levels = {.base = LOG_INFO};
    struct err why = {0};
    if (log_parse_levels(c->log_level, &levels)) {
        log_set_levels(&levels);
    }
    if (has_new_file && !c->log_file) {
        log_file_close();
    } else if (has_new_file &&
               log_file_open(c->log_file, strcmp(c->log_format, "json") == 0, &why)) {
        log_error("config", "log.file: %s; the one before goes on", why.msg);
    }
}

// ---- reading it, in a thread: a file of some size and many rules take longer than the loop has

struct problem {
    bool is_error;
    char *where, *words;  // owned
};

struct call {
    struct vlmd *v;
    vlmd_change_of_key_fn *on_change;
    vlmd_problem_fn *on_problem;
    vlmd_end_fn *on_end;
    void *arg;
    struct list node;  // reload.waiting
    struct pool_work work;
    // out
    struct config *fresh;  // owned; NULL = it has errors
    struct problem *problems;
    int n, cap;
    int rc;
};

static void begin_next(struct vlmd *v);

static void on_found_problem(void *arg, bool is_error, const char *where,
                             const char *words)
{
    struct call *c = arg;
    if (c->n == c->cap) {
        struct problem *more = mem_zero(sizeof(*more) * (size_t)(2 * c->cap + 8));
        if (c->n) {
            memcpy(more, c->problems, sizeof(*more) * (size_t)c->n);
        }
        free(c->problems);
        c->problems = more;
        c->cap = 2 * c->cap + 8;
    }
    c->problems[c->n++] = (struct problem){is_error, mem_dup(where), mem_dup(words)};
}

// Nothing changes the running configuration meanwhile: that is done after one of these only.
static void load_run(struct pool_work *w, void *thread)
{
    struct call *c = container_of(w, struct call, work);
    (void)thread;
    c->rc = config_load_again(&c->fresh, c->v->app.config, &c->v->reload.options,
                              on_found_problem, c);
}

static void take(struct call *c)
{
    struct vlmd *v = c->v;
    struct reloading r = {.v = v, .on_change = c->on_change, .arg = c->arg};
    buf_init(&r.rules, STORE_AUDIT_TEXT);
    config_adopt(v->app.config, c->fresh, on_change, &r);
    bool has_new_rules = r.rules.len > 0;
    if (has_new_rules) {
        note_rules(&r);
    }
    settings_apply(&v->app, has_new_rules);
    apply_log(v->app.config, r.has_new_log);
    buf_fini(&r.rules);
    log_info("config", "read again");
}

static void end_call(struct call *c)
{
    if (c->on_end) {
        c->on_end(c->arg, c->rc, c->rc ? err_words(c->rc) : "");
    }
    for (int i = 0; i < c->n; i++) {
        free(c->problems[i].where);
        free(c->problems[i].words);
    }
    free(c->problems);
    config_free(c->fresh);
    free(c);
}

static void load_done(struct pool_work *w, int err)
{
    struct call *c = container_of(w, struct call, work);
    struct vlmd *v = c->v;
    c->rc = err ? err : c->rc ? c->rc : v->is_closing ? E_CANCELED : 0;
    for (int i = 0; i < c->n && c->on_problem; i++) {
        c->on_problem(c->arg, c->problems[i].is_error, c->problems[i].where,
                      c->problems[i].words);
    }
    if (c->rc == 0) {
        take(c);
    }
    end_call(c);
    v->reload.is_under_way = false;
    begin_next(v);
    call_end(v);
}

// A client has no threads for this, and nobody waits for its loop.
static void load_here(void *arg)
{
    struct call *c = arg;
    load_run(&c->work, NULL);
    load_done(&c->work, 0);
}

// One after the other: the second reads what the first has taken.
static void begin_next(struct vlmd *v)
{
    struct reload *r = &v->reload;
    struct list *node = r->is_under_way ? NULL : list_pop_front(&r->waiting);
    if (!node) {
        return;
    }
    struct call *c = container_of(node, struct call, node);
    r->is_under_way = true;
    c->work = (struct pool_work){.run = load_run, .done = load_done};
    if (v->app.reader) {
        pool_submit(v->app.reader, &c->work);
    } else if (app_post(&v->app, load_here, c)) {
        load_done(&c->work, E_CANCELED);
    }
}

int vlmd_config_reload(vlmd *v, vlmd_change_of_key_fn *fn, vlmd_problem_fn *on_problem,
                       vlmd_end_fn *on_end, void *arg)
{
    int rc = call_check(v);
    if (rc) {
        return rc;
    }
    struct call *c = mem_new(struct call);
    *c = (struct call){
        .v = v, .on_change = fn, .on_problem = on_problem, .on_end = on_end, .arg = arg};
    call_begin(v);
    list_push_back(&v->reload.waiting, &c->node);
    begin_next(v);
    return 0;
}
