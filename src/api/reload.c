// reload.c -- the public interface's reading the configuration again.
//
// The whole new configuration is read and checked first; with one error nothing is taken.
// config_adopt says what is taken, settings_apply who is told.
// SPDX-License-Identifier: MIT
#include "api/reload.h"

#include "api/call.h"
#include "base/log.h"
#include "base/log_file.h"
#include "base/mem.h"
#include "settings.h"

#include <stdlib.h>
#include <string.h>

void reload_keep(struct reload *r, const struct vlmd_options *o)
{
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

int vlmd_config_reload(vlmd *v, vlmd_change_of_key_fn *fn, vlmd_problem_fn *on_problem,
                       void *arg)
{
    struct config *fresh = NULL;
    struct reloading r = {.v = v, .on_change = fn, .arg = arg};
    int rc = call_check(v);
    rc = rc ? rc
            : config_load_again(&fresh, v->app.config, &v->reload.options, on_problem,
                                arg);
    if (rc) {
        return rc;
    }
    buf_init(&r.rules, STORE_AUDIT_TEXT);
    config_adopt(v->app.config, fresh, on_change, &r);
    config_free(fresh);
    bool has_new_rules = r.rules.len > 0;
    if (has_new_rules) {
        note_rules(&r);
    }
    settings_apply(&v->app, has_new_rules);
    apply_log(v->app.config, r.has_new_log);
    buf_fini(&r.rules);
    log_info("config", "read again");
    return 0;
}
