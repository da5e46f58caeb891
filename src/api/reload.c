// reload.c -- the public interface's reading the configuration again.
//
// The whole new configuration is read and checked first; with one error nothing is taken.
// SPDX-License-Identifier: MIT
#include "api/reload.h"

#include "api/call.h"
#include "base/log.h"
#include "base/mem.h"

#include <stdlib.h>

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

int vlmd_config_reload(vlmd *v, vlmd_change_of_key_fn *on_change,
                       vlmd_problem_fn *on_problem, void *arg)
{
    struct config *fresh = NULL;
    struct log_levels levels = {.base = LOG_INFO};
    int rc = call_check(v);
    rc = rc ? rc : config_load(&fresh, &v->reload.options, on_problem, arg);
    if (rc) {
        return rc;
    }
    config_adopt(v->app.config, fresh, on_change, arg);
    config_free(fresh);
    if (log_parse_levels(v->app.config->log_level, &levels)) {
        log_set_levels(&levels);
    }
    log_info("config", "read again");
    return 0;
}
