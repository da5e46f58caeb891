// main.c -- vlmd's command line: parse, run one command of the table, tell how it ended.
// SPDX-License-Identifier: MIT
#include "cli.h"
#include "out.h"

#include <errno.h>
#include <signal.h>
#include <string.h>

// A reader that went away (| head) got what it wanted.
static int exit_code(int rc)
{
    int err = out_flush();
    if (err && err != EPIPE) {
        say("vlmd: standard output: %s", strerror(err));
        return rc ? rc : CLI_SOME_FAILED;
    }
    return rc;
}

int main(int argc, char **argv)
{
    struct cli c;
    signal(SIGPIPE, SIG_IGN);
    out_init();
    int rc = cli_parse(&c, argc, argv);
    if (rc < 0) {
        rc = c.command->run(&c);
    }
    rc = exit_code(rc);
    out_fini();
    return rc;
}
