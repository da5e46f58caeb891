// cli.h -- what every command has: the parsed command line, the library's handle, output.
//
// Commands see only vlmd.h, face/, admin/ and base/.  One file per family of commands (cli_*.c); helpers
// have headers of their own (item.h, out.h, progress.h, table.h, timefmt.h).
// SPDX-License-Identifier: MIT
#ifndef VLMD_CLI_CLI_H
#define VLMD_CLI_CLI_H

#include "vlmd.h"

#include <stdbool.h>
#include <stdint.h>

enum cli_exit {
    CLI_DONE = 0,
    CLI_SOME_FAILED = 1,
    CLI_USAGE = 2,
    CLI_NO_BACKEND = 3,
    CLI_STORE = 4,
    CLI_INTERRUPTED = 130
};

enum cli_opt {
    OPT_CONFIG,
    OPT_DB,
    OPT_BACKEND,
    OPT_MODEL,
    OPT_CONCURRENCY,
    OPT_TIER,
    OPT_SET,
    OPT_JSON,
    OPT_QUIET,
    OPT_LOG_LEVEL,
    OPT_LOG_FORMAT,
    OPT_HELP,
    OPT_VERSION,
    OPT_GLOBALS,  // the ones above go with every command
    OPT_APP = OPT_GLOBALS,
    OPT_SINCE,
    OPT_UNTIL,
    OPT_TAG,
    OPT_LIMIT,
    OPT_ORDER,
    OPT_STATE,
    OPT_OUTCOME,
    OPT_CLASS,
    OPT_PATH,
    OPT_TEXT,
    OPT_DEGRADED,
    OPT_ALL,
    OPT_WATCH,
    OPT_INTERVAL,
    OPT_OUTPUT,
    OPT_DIR,
    OPT_BESIDE,
    OPT_FORMAT,
    OPT_FORCE,
    OPT_YES,
    OPT_DRY_RUN,
    OPT_ROWS,
    OPT_EXPECT,
    OPT_WINDOW,
    OPT_URL,
    OPT_SCOPE,
    OPT_NAME,
    OPT_LIFE,
    OPT_PRINT,
    OPT_OPENAI_BATCH,
    OPT_FOR,
    OPT_COUNT
};

struct cli;
struct admin;

struct cli_option {
    enum cli_opt id;
    const char *name;
    char letter;          // 0 = none
    const char *arg;      // NULL = takes none
    const char *choices;  // "a|b", or NULL
    const char *key;      // of the setting it makes, or NULL
    const char *help;
};

struct cli_command {
    const char *name;
    const char *args;
    const char *words;            // one line
    const char *more;             // below the options in --help, or NULL
    const char *verbs;            // "list|retry", the first operand; NULL = none
    const enum cli_opt *options;  // own ones; ends with OPT_COUNT
    int (*run)(struct cli *c);    // returns an exit code
};

extern const struct cli_option cli_options[OPT_COUNT];
extern const struct cli_command cli_commands[];
extern const int n_cli_commands;

enum { CLI_MAX_SETTINGS = 64 };

struct cli {
    const struct cli_command *command;
    const char *values[OPT_COUNT];  // "" for those without argument; NULL = not given
    struct vlmd_setting settings[CLI_MAX_SETTINGS];
    int n_settings;
    char **args;  // operands
    int n_args;
    const char
        *service_log_level;  // when nobody watches and none is configured; NULL: error
    bool shows_start;  // the steps of opening are shown
    vlmd *v;
    struct admin *admin;  // NULL = no page is served
};

// ---- parse.c

// Returns -1 when c is filled, else the exit code (help was shown, or usage was wrong).
int cli_parse(struct cli *c, int argc, char **argv);
bool cli_has(const struct cli *c, enum cli_opt o);
bool cli_add_setting(struct cli *c, const char *key, const char *value,
                     const char *origin);
// Nearest of the words "a|b|c", or NULL.  n_best bytes long.
const char *cli_nearest(const char *word, const char *const *words, int n);

// ---- help.c

void cli_help(const struct cli_command *command);  // NULL = all of vlmd
int cli_run_help(struct cli *c);
int cli_run_completion(struct cli *c);

// ---- session.c

// Checks the configuration, says what is wrong with it, opens the library, catches signals.
// Returns 0 or an exit code, with the words said.
int cli_open(struct cli *c, enum vlmd_role role);
// A vlmd_key_fn that learns how to log; arg is not used.
void cli_learn_key(void *arg, const struct vlmd_key *key);
const char *cli_log_file(void);  // of the configuration; "" = none
// The same without a word.  Returns 0 or a vlmd_code with error filled.
int cli_open_quietly(struct cli *c, enum vlmd_role role, struct vlmd_error *error);
void cli_close(struct cli *c);
// Shows a step on a terminal, and logs it: those of the library come by themselves.
void cli_step(const struct cli *c, const char *name, const char *result, int64_t began_ms,
              const char *words);
void cli_options_of(const struct cli *c, enum vlmd_role role, struct vlmd_options *out);
// One turn of the library's loop, waiting at most max_ms (-1 = until something happens).
// false: vlmd_run would have returned.
bool cli_turn(struct cli *c, int64_t max_ms);
// Waits without turning; a signal ends it.  For a client that has nothing pending.
void cli_pause(const struct cli *c, int64_t ms);
// Turns until *done is set.  Returns 0, or CLI_INTERRUPTED / CLI_SOME_FAILED.
int cli_wait(struct cli *c, const bool *done);
int cli_signals(void);      // how many SIGINT and SIGTERM came
int cli_signal(void);       // the first that came, or 0
int cli_exit_of(int code);  // enum vlmd_code -> exit code
// Says "vlmd: what: message" and returns the exit code for code.
int cli_failed(const char *what, int code, const char *message);
// "30m", "2h", "1d" in ms; 0 = it is none.
int64_t cli_span(const char *text);
int cli_usage(const struct cli *c, const char *fmt, ...)
    __attribute__((format(printf, 2, 3)));

// ---- cli_filter.c

// Fills q from the options.  Returns 0 or CLI_USAGE with the words said.
int cli_filter(const struct cli *c, struct vlmd_query *q);
bool cli_has_filter(const struct vlmd_query *q);
// An operand as id or absolute path; path must stay as long as q.
int cli_target(const struct cli *c, const char *arg, struct vlmd_query *q, char *path,
               size_t path_size);

// --interval in ms, 1 s when it is not given.
int cli_interval(const struct cli *c, int64_t *ms);

// ---- the commands, one file per family

int cli_run_watch(struct cli *c);
int cli_run_batch(struct cli *c);
int cli_run_usage(struct cli *c);
int cli_run_search(struct cli *c);
int cli_run_show(struct cli *c);
int cli_run_jobs(struct cli *c);
int cli_run_status(struct cli *c);
int cli_run_top(struct cli *c);
int cli_run_doctor(struct cli *c);
int cli_run_db(struct cli *c);
int cli_run_models(struct cli *c);
int cli_run_pause(struct cli *c);
int cli_run_resume(struct cli *c);
int cli_run_bench(struct cli *c);
int cli_run_config(struct cli *c);
int cli_run_export(struct cli *c);
int cli_run_forget(struct cli *c);
int cli_run_logs(struct cli *c);
int cli_run_privacy(struct cli *c);
int cli_run_token(struct cli *c);
int cli_run_open(struct cli *c);
int cli_run_serve(struct cli *c);
int cli_run_version(struct cli *c);

// ---- cli_admin.c

// The page and the HTTP interface, as configured, until cli_close.  Returns 0 or an exit
// code, with the words said.
int cli_serve(struct cli *c);
// Where the page is after cli_serve; "" = nowhere.
const char *cli_page_url(const struct cli *c);
// Was it asked for where to serve them (or is it the default)?
bool cli_is_page_asked(void);
bool cli_is_page_off(void);

#endif
