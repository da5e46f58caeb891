// session.c -- opening the library, its log, signals, and turning its loop.
//
// The first SIGINT or SIGTERM lets what is being asked come to its end, the second stops at
// once, the third ends the process.  The handler calls only vlmd_stop, which may be called
// there.  SIGHUP has a service write its log to a new file and read its configuration again.
// SPDX-License-Identifier: MIT
#include "admin/admin.h"
#include "base/log.h"
#include "cli.h"
#include "face/timefmt.h"
#include "out.h"
#include "vlmd_loop.h"

#include <fcntl.h>
#include <inttypes.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

static struct {
    bool is_json;
    bool is_level_given;
    char file[4096];  // "" = none
} log_config;

static vlmd *volatile the_handle;
static volatile sig_atomic_t signals_seen;
static volatile sig_atomic_t first_signal;
static volatile sig_atomic_t is_client;

static void on_signal(int sig)
{
    if (signals_seen == 0) {
        first_signal = sig;
    }
    signals_seen++;
    if (signals_seen > 2) {
        _exit(CLI_INTERRUPTED);
    }
    vlmd *v = the_handle;
    if (v) {
        vlmd_stop(v, signals_seen > 1 || is_client ? VLMD_STOP_NOW : VLMD_STOP_DRAIN);
    }
}

int cli_signals(void)
{
    return signals_seen;
}

int cli_signal(void)
{
    return first_signal;
}

static volatile sig_atomic_t hangups;

static void on_hangup(int sig)
{
    (void)sig;
    hangups = 1;
    vlmd_log_reopen();
    vlmd *v = the_handle;
    if (v) {
        vlmd_wake(v);
    }
}

// Of a process that belongs to a terminal it means that the terminal is gone.
static bool is_service(void)
{
    int tty = open("/dev/tty", O_RDONLY | O_NOCTTY | O_CLOEXEC);
    if (tty >= 0) {
        close(tty);
    }
    return tty < 0 || (log_config.file[0] && !term_err());
}

static void catch_signals(void)
{
    if (!is_client && is_service()) {
        struct sigaction hangup = {.sa_handler = on_hangup, .sa_flags = SA_RESTART};
        sigemptyset(&hangup.sa_mask);
        sigaction(SIGHUP, &hangup, NULL);
    }
    struct sigaction action = {.sa_handler = on_signal};
    sigemptyset(&action.sa_mask);
    sigaction(SIGINT, &action, NULL);
    sigaction(SIGTERM, &action, NULL);
}

// ---- errors

int cli_exit_of(int code)
{
    switch (code) {
    case VLMD_OK: return CLI_DONE;
    case VLMD_ERR_USAGE:
    case VLMD_ERR_CONFIG: return CLI_USAGE;
    case VLMD_ERR_STORE: return CLI_STORE;
    case VLMD_ERR_NO_BACKEND: return CLI_NO_BACKEND;
    case VLMD_ERR_CANCELED: return CLI_INTERRUPTED;
    default: return CLI_SOME_FAILED;
    }
}

int cli_failed(const char *what, int code, const char *message)
{
    char words[700];
    text_safe(message && *message ? message : "internal error", words, sizeof(words));
    if (what) {
        say("vlmd: %s: %s", what, words);
    } else {
        say("vlmd: %s", words);
    }
    return cli_exit_of(code);
}

// ---- configuration and log
static bool is_page_off;
static bool is_page_asked;

struct checking {
    const struct cli *c;
    bool is_quiet;
};

static void on_problem(void *arg, bool is_error, const char *where, const char *words)
{
    struct checking *k = arg;
    char safe[1500];
    char place[600];
    text_safe(words, safe, sizeof(safe));
    text_safe(where, place, sizeof(place));
    if (is_error || !k->is_quiet) {
        say("vlmd: %s%s: %s", is_error ? "" : "warning: ", place, safe);
    }
}

const char *cli_log_file(void)
{
    return log_config.file;
}

void cli_learn_key(void *arg, const struct vlmd_key *key)
{
    (void)arg;
    if (strcmp(key->key, "log.format") == 0) {
        log_config.is_json = strcmp(key->value, "json") == 0;
    } else if (strcmp(key->key, "log.level") == 0) {
        log_config.is_level_given = strcmp(key->origin, "default") != 0;
    } else if (strcmp(key->key, "log.file") == 0) {
        snprintf(log_config.file, sizeof(log_config.file), "%s", key->value);
    } else if (strcmp(key->key, "admin.listen") == 0) {
        is_page_asked = strcmp(key->origin, "default") != 0;
        is_page_off = strcmp(key->value, "off") == 0;
    }
}

bool cli_is_page_off(void)
{
    return is_page_off;
}

bool cli_is_page_asked(void)
{
    return is_page_asked;
}

static void on_log(void *arg, enum vlmd_log_level level, int64_t at_ms,
                   const char *module, const char *message)
{
    (void)arg;
    if (log_config.file[0] && level > VLMD_LOG_ERROR) {
        return;  // it stands in the file
    }
    static const enum log_level levels[] = {
        [VLMD_LOG_ERROR] = LOG_ERROR,
        [VLMD_LOG_WARN] = LOG_WARN,
        [VLMD_LOG_INFO] = LOG_INFO,
        [VLMD_LOG_DEBUG] = LOG_DEBUG,
    };
    const struct log_line line = {
        .level = levels[level], .at_ms = at_ms, .module = module, .message = message};
    char text[4096];
    log_format(&line, log_config.is_json, text, sizeof(text));
    say("%s", text);
}

// Whoever looks at a terminal; a service has them in the log.
static void show_step(const struct cli *c, const char *name, const char *result,
                      double ms, const char *words)
{
    char safe[700];
    if (c->shows_start && term_err() && !cli_has(c, OPT_QUIET)) {
        text_safe(words, safe, sizeof(safe));
        say("%-4s  %-9s %6.0f ms  %s", result, name, ms, safe);
    }
}

static void on_start(void *arg, const struct vlmd_start_step *s)
{
    show_step(arg, s->name, s->result, s->took_ms, s->words);
}

void cli_step(const struct cli *c, const char *name, const char *result, int64_t began_ms,
              const char *words)
{
    int64_t ms = time_mono_ms() - began_ms;
    log_info("start", "step=%s state=%s ms=%" PRId64 " %s", name, result, ms, words);
    show_step(c, name, result, (double)ms, words);
}

void cli_options_of(const struct cli *c, enum vlmd_role role, struct vlmd_options *out)
{
    *out = (struct vlmd_options){
        .role = role,
        .config_file = c->values[OPT_CONFIG],
        .settings = c->settings,
        .n_settings = c->n_settings,
        .on_log = on_log,
        .on_start = on_start,
        .start_arg = (void *)(uintptr_t)c,
    };
}

// Whoever looks at a terminal is told what happens by events; a service has only the log.
static bool default_level(struct cli *c, enum vlmd_role role)
{
    bool is_seen_later = log_config.file[0] || (!term_err() && !cli_has(c, OPT_QUIET));
    bool is_service = role == VLMD_WORKER && is_seen_later;
    const char *level = is_service ? c->service_log_level : NULL;
    return log_config.is_level_given ||
           cli_add_setting(c, "log.level", level ? level : "error", "vlmd");
}

int cli_open_quietly(struct cli *c, enum vlmd_role role, struct vlmd_error *error)
{
    struct vlmd_options options;
    if (!default_level(c, role)) {
        error->code = VLMD_ERR_USAGE;
        return VLMD_ERR_USAGE;
    }
    cli_options_of(c, role, &options);
    is_client = role == VLMD_CLIENT;
    catch_signals();
    int rc = vlmd_open(&options, &c->v, error);
    if (rc) {
        return rc;
    }
    the_handle = c->v;
    // A signal between catching and here found no handle to stop.
    if (signals_seen) {
        vlmd_stop(c->v, VLMD_STOP_NOW);
    }
    if (hangups) {
        vlmd_wake(c->v);
    }
    return 0;
}

int cli_open(struct cli *c, enum vlmd_role role)
{
    struct vlmd_options options;
    struct vlmd_error error = {0};
    struct checking k = {c, cli_has(c, OPT_QUIET) || role == VLMD_CLIENT};
    int64_t began_ms = time_mono_ms();
    cli_options_of(c, role, &options);
    int rc = vlmd_config_check(&options, cli_learn_key, on_problem, &k);
    if (rc) {
        cli_step(c, "config", "fail", began_ms, "nothing was started");
        return cli_exit_of(rc);
    }
    rc = cli_open_quietly(c, role, &error);
    return rc ? cli_failed(NULL, rc, error.message) : 0;
}

void cli_close(struct cli *c)
{
    the_handle = NULL;
    admin_close(c->admin);
    c->admin = NULL;
    vlmd_close(c->v);
    c->v = NULL;
}

// ---- turning

static void on_changed(void *arg, const char *key, const char *before, const char *after,
                       bool is_applied)
{
    (void)arg;
    log_info("config", "%s: %s, was %s%s", key, after, before,
             is_applied ? "" : " (after a restart)");
}

static void on_reload_problem(void *arg, bool is_error, const char *where,
                              const char *words)
{
    (void)arg;
    if (is_error) {
        log_error("config", "%s: %s; nothing was changed", where, words);
    } else {
        log_warn("config", "%s: %s", where, words);
    }
}

bool cli_turn(struct cli *c, int64_t max_ms)
{
    bool goes_on = vlmd_turn(c->v, max_ms);
    if (hangups) {
        hangups = 0;
        vlmd_config_reload(c->v, on_changed, on_reload_problem, NULL, NULL);
    }
    return goes_on;
}

void cli_pause(const struct cli *c, int64_t ms)
{
    (void)c;
    poll(NULL, 0, ms > 3600000 ? 3600000 : (int)ms);
}

int cli_wait(struct cli *c, const bool *done)
{
    // What the library was asked before it ended is answered within a turn or two.
    int turns_left = 100;
    bool goes_on = true;
    while (!*done) {
        goes_on = cli_turn(c, goes_on ? 1000 : 10);
        if (!*done && cli_signals()) {
            return CLI_INTERRUPTED;
        }
        if (!goes_on && !*done && --turns_left == 0) {
            return CLI_SOME_FAILED;
        }
    }
    return 0;
}
