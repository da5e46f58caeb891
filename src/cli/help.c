// help.c -- --help, the manual page and shell completions, all from the tables.
// SPDX-License-Identifier: MIT
#include "cli.h"
#include "out.h"

#include <ctype.h>
#include <stdio.h>
#include <string.h>

static void option_line(const struct cli_option *o)
{
    char left[80];
    char letter[8] = "    ";
    if (o->letter) {
        snprintf(letter, sizeof(letter), "-%c, ", o->letter);
    }
    const char *arg = o->choices && strlen(o->choices) < 24 ? o->choices : o->arg;
    snprintf(left, sizeof(left), "%s--%s%s%s", letter, o->name, arg ? " " : "",
             arg ? arg : "");
    out_printf("  %-32s %s\n", left, o->help);
}

static void global_options(void)
{
    for (int i = 0; i < OPT_GLOBALS; i++) {
        option_line(&cli_options[i]);
    }
}

static void help_all(void)
{
    out_text(
        "vlmd describes screenshots with a vision-language model and finds them again.\n"
        "\nUsage: vlmd COMMAND [FLAGS] [OPERANDS]\n\nCommands:\n");
    for (int i = 0; i < n_cli_commands; i++) {
        out_printf("  %-12s %s\n", cli_commands[i].name, cli_commands[i].words);
    }
    out_text("\nFlags of every command:\n");
    global_options();
    out_text("\nStart with `vlmd watch`; `vlmd doctor` tells what is missing.\n"
             "More on a command: vlmd COMMAND --help\n");
}

void cli_help(const struct cli_command *command)
{
    if (!command) {
        help_all();
        return;
    }
    out_printf("vlmd %s -- %s\n\nUsage: vlmd %s [FLAGS]%s%s\n", command->name,
               command->words, command->name, *command->args ? " " : "", command->args);
    if (command->more) {
        out_printf("\n%s\n", command->more);
    }
    if (command->options[0] != OPT_COUNT) {
        out_text("\nFlags:\n");
    }
    for (const enum cli_opt *o = command->options; *o != OPT_COUNT; o++) {
        option_line(&cli_options[*o]);
    }
    out_text("\nFlags of every command:\n");
    global_options();
}

// ---- the manual page

// roff takes a dot or quote at the start of a line and a backslash anywhere as its own.
static void roff(const char *s)
{
    bool at_start = true;
    for (; *s; s++) {
        if (at_start && (*s == '.' || *s == '\'')) {
            out_text("\\&");
        }
        at_start = *s == '\n';
        if (*s == '\\') {
            out_text("\\e");
        } else if (*s == '-') {
            out_text("\\-");
        } else {
            out_bytes(s, 1);
        }
    }
}

static void roff_option(const struct cli_option *o)
{
    out_text(".TP\n.B ");
    if (o->letter) {
        out_printf("\\-%c, ", o->letter);
    }
    out_text("\\-\\-");
    roff(o->name);
    if (o->arg) {
        out_printf(" \\fI%s\\fR", o->arg);
    }
    out_text("\n");
    roff(o->help);
    if (o->choices) {
        out_printf(" (%s)", o->choices);
    }
    out_text("\n");
}

static void roff_command(const struct cli_command *command)
{
    out_printf(".SS vlmd %s ", command->name);
    roff(command->args);
    out_text("\n");
    roff(command->words);
    out_text(".\n");
    if (command->more) {
        out_text(".PP\n.nf\n");
        roff(command->more);
        out_text("\n.fi\n");
    }
    for (const enum cli_opt *o = command->options; *o != OPT_COUNT; o++) {
        roff_option(&cli_options[*o]);
    }
}

static void manual_page(void)
{
    out_printf(".TH VLMD 1 \"\" \"vlmd %s\" \"User Commands\"\n", vlmd_version());
    out_text(".SH NAME\nvlmd \\- describes screenshots with a vision\\-language model\n"
             ".SH SYNOPSIS\n.B vlmd\n\\fICOMMAND\\fR [\\fIFLAGS\\fR] [\\fIOPERANDS\\fR]\n"
             ".SH COMMANDS\n");
    for (int i = 0; i < n_cli_commands; i++) {
        roff_command(&cli_commands[i]);
    }
    out_text(".SH OPTIONS\nThese go with every command.\n");
    for (int i = 0; i < OPT_GLOBALS; i++) {
        roff_option(&cli_options[i]);
    }
    out_text(
        ".SH ENVIRONMENT\nVLMD_\\fIKEY\\fR sets a configuration key: VLMD_DB, "
        "VLMD_MODEL, VLMD_BACKEND (a list with commas), VLMD_IMAGE_QUALITY.  NO_COLOR "
        "turns colour off.\n"
        ".SH SIGNALS\nSIGHUP: a service reads its configuration again.  With an error in "
        "it "
        "nothing changes; what needs a restart is named in the log, and by \\fBvlmd "
        "config "
        "show\\fR in the column \\fIchange\\fR.  SIGTERM, SIGINT: it ends what is under "
        "way and stops; a second one stops at once.\n"
        ".SH EXIT STATUS\n0 done, 1 some failed, 2 usage or configuration, 3 no backend, "
        "4 database, 130 interrupted (run the same command again to continue).\n"
        ".SH FILES\n$XDG_CONFIG_HOME/vlmd/vlmd.yaml, $XDG_DATA_HOME/vlmd/vlmd.db\n");
}

int cli_run_help(struct cli *c)
{
    if (c->n_args == 0) {
        cli_help(NULL);
        return CLI_DONE;
    }
    if (strcmp(c->args[0], "man") == 0) {
        manual_page();
        return CLI_DONE;
    }
    for (int i = 0; i < n_cli_commands; i++) {
        if (strcmp(cli_commands[i].name, c->args[0]) == 0) {
            cli_help(&cli_commands[i]);
            return CLI_DONE;
        }
    }
    return cli_usage(c, "there is no command \"%s\"", c->args[0]);
}

// ---- completions

static void words_of(const char *choices)
{
    for (const char *p = choices; *p; p++) {
        out_bytes(*p == '|' ? " " : p, 1);
    }
}

static void flags_of(const struct cli_command *command)
{
    for (int i = 0; i < OPT_GLOBALS; i++) {
        out_printf(" --%s", cli_options[i].name);
    }
    for (const enum cli_opt *o = command->options; *o != OPT_COUNT; o++) {
        out_printf(" --%s", cli_options[*o].name);
    }
}

static void bash_values(void)
{
    out_text("  case \"$prev\" in\n");
    for (int i = 0; i < OPT_COUNT; i++) {
        if (cli_options[i].choices) {
            out_printf("    --%s) COMPREPLY=($(compgen -W '", cli_options[i].name);
            words_of(cli_options[i].choices);
            out_text("' -- \"$cur\")); return;;\n");
        }
    }
    out_text("    --config|--db|--output|-o|-c) COMPREPLY=($(compgen -f -- \"$cur\")); "
             "return;;\n"
             "    --dir) COMPREPLY=($(compgen -d -- \"$cur\")); return;;\n"
             "  esac\n");
}

static void bash(void)
{
    out_text("_vlmd() {\n"
             "  local cur prev cmd i\n"
             "  cur=\"${COMP_WORDS[COMP_CWORD]}\"; prev=\"${COMP_WORDS[COMP_CWORD-1]}\"\n"
             "  COMPREPLY=()\n");
    bash_values();
    out_text("  for ((i = 1; i < COMP_CWORD; i++)); do\n"
             "    case \"${COMP_WORDS[i]}\" in\n      ");
    for (int i = 0; i < n_cli_commands; i++) {
        out_printf("%s%s", i ? "|" : "", cli_commands[i].name);
    }
    out_text(") cmd=\"${COMP_WORDS[i]}\"; break;;\n    esac\n  done\n"
             "  case \"$cmd\" in\n    '') COMPREPLY=($(compgen -W '");
    for (int i = 0; i < n_cli_commands; i++) {
        out_printf("%s ", cli_commands[i].name);
    }
    for (int i = 0; i < OPT_GLOBALS; i++) {
        out_printf("--%s ", cli_options[i].name);
    }
    out_text("' -- \"$cur\"));;\n");
    for (int i = 0; i < n_cli_commands; i++) {
        const struct cli_command *command = &cli_commands[i];
        out_printf("    %s) if [[ $cur == -* ]]; then COMPREPLY=($(compgen -W '",
                   command->name);
        flags_of(command);
        out_text("' -- \"$cur\")); else COMPREPLY=($(compgen ");
        if (command->verbs) {
            out_text("-W '");
            words_of(command->verbs);
            out_text("' ");
        } else {
            out_text("-f ");
        }
        out_text("-- \"$cur\")); fi;;\n");
    }
    out_text("  esac\n}\ncomplete -o filenames -F _vlmd vlmd\n");
}

// Single quotes within single quotes, and brackets zsh gives a meaning.
static void zsh_quoted(const char *s)
{
    for (; *s; s++) {
        if (*s == '\'') {
            out_text("'\\''");
        } else {
            if (strchr("[]:\\", *s)) {
                out_text("\\");
            }
            out_bytes(s, 1);
        }
    }
}

static void zsh_option(const struct cli_option *o)
{
    out_printf(" '%s--%s%s[", o->id == OPT_BACKEND || o->id == OPT_SET ? "*" : "",
               o->name, o->arg ? "=" : "");
    zsh_quoted(o->help);
    out_text("]");
    if (o->choices) {
        out_printf(":%s:(", o->arg);
        words_of(o->choices);
        out_text(")");
    } else if (o->arg) {
        bool is_file = strcmp(o->arg, "FILE") == 0;
        out_printf(":%s:%s", o->arg,
                   is_file                      ? "_files"
                   : strcmp(o->arg, "DIR") == 0 ? "_files -/"
                                                : "");
    }
    out_text("'");
}

static void zsh(void)
{
    out_text("#compdef vlmd\nlocal -a commands\ncommands=(\n");
    for (int i = 0; i < n_cli_commands; i++) {
        out_printf("  '%s:", cli_commands[i].name);
        zsh_quoted(cli_commands[i].words);
        out_text("'\n");
    }
    out_text(")\nlocal state line\n_arguments -C");
    for (int i = 0; i < OPT_GLOBALS; i++) {
        zsh_option(&cli_options[i]);
    }
    out_text(" '1:command:->command' '*::operand:->operand'\n"
             "case $state in\n  command) _describe command commands;;\n"
             "  operand) case $line[1] in\n");
    for (int i = 0; i < n_cli_commands; i++) {
        const struct cli_command *command = &cli_commands[i];
        out_printf("    %s) _arguments", command->name);
        for (const enum cli_opt *o = command->options; *o != OPT_COUNT; o++) {
            zsh_option(&cli_options[*o]);
        }
        if (command->verbs) {
            out_text(" '1:what:(");
            words_of(command->verbs);
            out_text(")'");
        }
        out_text(" '*:operand:_files';;\n");
    }
    out_text("  esac;;\nesac\n");
}

static void fish_option(const struct cli_option *o, const char *command)
{
    out_text("complete -c vlmd");
    if (command) {
        out_printf(" -n '__fish_seen_subcommand_from %s'", command);
    }
    out_printf(" -l %s%s", o->name, o->arg ? " -r" : "");
    if (o->letter) {
        out_printf(" -s %c", o->letter);
    }
    if (o->choices) {
        out_text(" -f -a '");
        words_of(o->choices);
        out_text("'");
    }
    out_text(" -d '");
    for (const char *p = o->help; *p; p++) {
        out_printf(*p == '\'' ? "\\%c" : "%c", *p);
    }
    out_text("'\n");
}

static void fish(void)
{
    for (int i = 0; i < n_cli_commands; i++) {
        const struct cli_command *command = &cli_commands[i];
        out_printf("complete -c vlmd -f -n __fish_use_subcommand -a %s -d '%s'\n",
                   command->name, command->words);
        if (command->verbs) {
            out_printf("complete -c vlmd -f -n '__fish_seen_subcommand_from %s' -a '",
                       command->name);
            words_of(command->verbs);
            out_text("'\n");
        }
        for (const enum cli_opt *o = command->options; *o != OPT_COUNT; o++) {
            fish_option(&cli_options[*o], command->name);
        }
    }
    for (int i = 0; i < OPT_GLOBALS; i++) {
        fish_option(&cli_options[i], NULL);
    }
}

int cli_run_completion(struct cli *c)
{
    if (strcmp(c->args[0], "bash") == 0) {
        bash();
    } else if (strcmp(c->args[0], "zsh") == 0) {
        zsh();
    } else {
        fish();
    }
    return CLI_DONE;
}
