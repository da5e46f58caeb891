// parse.c -- the command line: flags before and after the command, checked and suggested.
//
// getopt_long does the scanning; which flags a command takes, and what they mean, stands in
// the tables of options.c.
// SPDX-License-Identifier: MIT
#include "base/nearest.h"
#include "cli.h"
#include "out.h"

#include <getopt.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { LONG_BASE = 1000 };

bool cli_has(const struct cli *c, enum cli_opt o)
{
    return c->values[o] != NULL;
}

bool cli_add_setting(struct cli *c, const char *key, const char *value,
                     const char *origin)
{
    if (c->n_settings == CLI_MAX_SETTINGS) {
        say("vlmd: over %d settings were given (use a configuration file)",
            CLI_MAX_SETTINGS);
        return false;
    }
    c->settings[c->n_settings++] = (struct vlmd_setting){key, value, origin};
    return true;
}

int cli_usage(const struct cli *c, const char *fmt, ...)
{
    char words[512];
    va_list ap;
    va_start(ap, fmt);
    vsnprintf(words, sizeof(words), fmt, ap);
    va_end(ap);
    char safe[600];
    text_safe(words, safe, sizeof(safe));
    const char *name = c->command ? c->command->name : "";
    say("vlmd%s%s: %s (see `vlmd %s%s--help`)", *name ? " " : "", name, safe, name,
        *name ? " " : "");
    return CLI_USAGE;
}

// ---- suggestions

const char *cli_nearest(const char *word, const char *const *words, int n)
{
    const char *best = NULL;
    int limit = nearest_limit(strlen(word));
    for (int i = 0; i < n; i++) {
        int d = nearest_distance(word, words[i]);
        if (d < limit) {
            limit = d;
            best = words[i];
        }
    }
    return best;
}

static const struct cli_command *find_command(const char *name)
{
    for (int i = 0; i < n_cli_commands; i++) {
        if (strcmp(cli_commands[i].name, name) == 0) {
            return &cli_commands[i];
        }
    }
    return NULL;
}

static int unknown_command(const struct cli *c, const char *name)
{
    const char *names[64];
    for (int i = 0; i < n_cli_commands; i++) {
        names[i] = cli_commands[i].name;
    }
    const char *nearest = cli_nearest(name, names, n_cli_commands);
    if (nearest) {
        return cli_usage(c, "there is no command \"%s\": did you mean \"%s\"?", name,
                         nearest);
    }
    return cli_usage(c, "there is no command \"%s\"", name);
}

// ---- flags

static bool takes(const struct cli_command *command, enum cli_opt o)
{
    if (o < OPT_GLOBALS) {
        return true;
    }
    for (const enum cli_opt *p = command ? command->options : NULL; p && *p != OPT_COUNT;
         p++) {
        if (*p == o) {
            return true;
        }
    }
    return false;
}

struct scan {
    struct option longs[OPT_COUNT + 1];
    char shorts[3 * OPT_COUNT + 3];
};

// "+" stops at the first operand (the command); ":" tells a missing argument apart.
static void prepare(struct scan *s, const struct cli_command *command)
{
    size_t n = (size_t)snprintf(s->shorts, sizeof(s->shorts), "%s:", command ? "" : "+");
    int count = 0;
    for (int i = 0; i < OPT_COUNT; i++) {
        const struct cli_option *o = &cli_options[i];
        if (!takes(command, o->id)) {
            continue;
        }
        s->longs[count++] = (struct option){
            o->name, o->arg ? required_argument : no_argument, NULL, LONG_BASE + i};
        if (o->letter) {
            n += (size_t)snprintf(s->shorts + n, sizeof(s->shorts) - n, "%c%s", o->letter,
                                  o->arg ? ":" : "");
        }
    }
    s->longs[count] = (struct option){0};
}

static int unknown_flag(const struct cli *c, const char *word)
{
    const char *names[OPT_COUNT];
    int n = 0;
    char name[64];
    snprintf(name, sizeof(name), "%.*s", (int)strcspn(word + 2, "="), word + 2);
    for (int i = 0; i < OPT_COUNT; i++) {
        if (strcmp(cli_options[i].name, name) == 0) {
            return cli_usage(c, "%s takes no --%s",
                             c->command ? "this command" : "vlmd without a command",
                             name);
        }
        if (takes(c->command, cli_options[i].id)) {
            names[n++] = cli_options[i].name;
        }
    }
    const char *nearest = cli_nearest(name, names, n);
    if (nearest) {
        return cli_usage(c, "there is no flag --%s: did you mean --%s?", name, nearest);
    }
    return cli_usage(c, "there is no flag --%s", name);
}

static int bad_flag(const struct cli *c, int found, char **argv)
{
    const char *word = argv[optind - 1];
    if (found == ':') {
        return cli_usage(c, "%s needs a value", word);
    }
    if (optopt >= LONG_BASE) {
        return cli_usage(c, "--%s takes no value", cli_options[optopt - LONG_BASE].name);
    }
    if (optopt) {
        return cli_usage(c, "there is no flag -%c", optopt);
    }
    return unknown_flag(c, word);
}

static bool is_choice(const char *choices, const char *value)
{
    size_t n = strlen(value);
    for (const char *p = choices; p; p = strchr(p, '|')) {
        p += *p == '|';
        if (strcspn(p, "|") == n && strncmp(p, value, n) == 0) {
            return true;
        }
    }
    return false;
}

static int take_set(struct cli *c, char *text)
{
    char *equals = strchr(text, '=');
    if (!equals || equals == text) {
        return cli_usage(c, "--set wants KEY=VALUE, not \"%s\"", text);
    }
    *equals = 0;
    return cli_add_setting(c, text, equals + 1, "--set") ? 0 : CLI_USAGE;
}

static int take(struct cli *c, const struct cli_option *o, char *value)
{
    static const char *const origins[OPT_GLOBALS] = {[OPT_DB] = "--db",
                                                     [OPT_BACKEND] = "--backend",
                                                     [OPT_MODEL] = "--model",
                                                     [OPT_CONCURRENCY] = "--concurrency",
                                                     [OPT_TIER] = "--tier",
                                                     [OPT_LOG_LEVEL] = "--log-level",
                                                     [OPT_LOG_FORMAT] = "--log-format"};
    if (o->choices && !is_choice(o->choices, value)) {
        return cli_usage(c, "--%s \"%s\" is none of %s", o->name, value, o->choices);
    }
    if (o->id == OPT_SET) {
        return take_set(c, value);
    }
    if (o->key && !cli_add_setting(c, o->key, value, origins[o->id])) {
        return CLI_USAGE;
    }
    c->values[o->id] = value ? value : "";
    return 0;
}

static int scan_flags(struct cli *c, int argc, char **argv)
{
    struct scan s;
    int found;
    prepare(&s, c->command);
    opterr = 0;
    optind = 0;
    while ((found = getopt_long(argc, argv, s.shorts, s.longs, NULL)) != -1) {
        if (found == '?' || found == ':') {
            return bad_flag(c, found, argv);
        }
        int i = found - LONG_BASE;
        for (int j = 0; found < LONG_BASE && j < OPT_COUNT; j++) {
            if (takes(c->command, cli_options[j].id) && cli_options[j].letter == found) {
                i = j;
            }
        }
        int rc = take(c, &cli_options[i], optarg);
        if (rc) {
            return rc;
        }
    }
    return 0;
}

static int check_verb(struct cli *c)
{
    const struct cli_command *command = c->command;
    if (!command->verbs || (c->n_args > 0 && is_choice(command->verbs, c->args[0]))) {
        return -1;
    }
    if (c->n_args == 0) {
        return cli_usage(c, "say what: %s", command->verbs);
    }
    return cli_usage(c, "\"%s\" is none of %s", c->args[0], command->verbs);
}

int cli_parse(struct cli *c, int argc, char **argv)
{
    *c = (struct cli){0};
    int rc = scan_flags(c, argc, argv);
    if (rc) {
        return rc;
    }
    if (cli_has(c, OPT_VERSION)) {
        return cli_run_version(c);
    }
    if (optind >= argc || cli_has(c, OPT_HELP)) {
        const struct cli_command *command =
            optind < argc ? find_command(argv[optind]) : NULL;
        cli_help(command);
        return CLI_DONE;
    }
    const struct cli_command *command = find_command(argv[optind]);
    if (!command) {
        return unknown_command(c, argv[optind]);
    }
    c->command = command;
    argc -= optind;
    argv += optind;
    rc = scan_flags(c, argc, argv);
    if (rc) {
        return rc;
    }
    if (cli_has(c, OPT_HELP)) {
        cli_help(command);
        return CLI_DONE;
    }
    c->args = argv + optind;
    c->n_args = argc - optind;
    return check_verb(c);
}
