// cli_pause.c -- vlmd pause and vlmd resume.
//
// The word goes into the database: whoever works on it obeys, now and after a restart.
// SPDX-License-Identifier: MIT
#include "cli.h"
#include "face/timefmt.h"
#include "out.h"

#include <ctype.h>
#include <stdio.h>
#include <string.h>

int64_t cli_span(const char *text)
{
    int64_t now = time_wall_ms(), then;
    size_t n = strlen(text);
    bool is_span =
        n > 1 && isdigit((unsigned char)text[0]) && strchr("smhdw", text[n - 1]);
    return is_span && time_parse(text, now, false, &then) ? now - then : 0;
}

struct changing {
    struct cli *c;
    bool is_done;
    int err;
    char message[400];
};

static void on_changed(void *arg, int err, const char *message)
{
    struct changing *k = arg;
    k->is_done = true;
    k->err = err;
    snprintf(k->message, sizeof(k->message), "%s", message ? message : "");
}

static int change(struct cli *c, const char *what, int64_t until_ms)
{
    struct changing k = {.c = c};
    int rc = cli_open(c, VLMD_CLIENT);
    if (rc) {
        return rc;
    }
    int err = until_ms ? vlmd_pause(c->v, until_ms, on_changed, &k)
                       : vlmd_resume(c->v, on_changed, &k);
    rc = err ? cli_failed(what, err, "it was not accepted") : cli_wait(c, &k.is_done);
    if (rc == 0 && k.err) {
        rc = cli_failed(what, k.err, k.message);
    }
    cli_close(c);
    return rc;
}

int cli_run_pause(struct cli *c)
{
    const char *span = c->values[OPT_FOR];
    int64_t until_ms = VLMD_UNTIL_RESUMED;
    char at[64];
    if (span) {
        int64_t ms = cli_span(span);
        if (ms <= 0) {
            return cli_usage(c, "--for: \"%s\" is not a duration such as 30m, 2h or 1d",
                             span);
        }
        until_ms = time_wall_ms() + ms;
    }
    int rc = change(c, "pause", until_ms);
    if (rc == 0 && cli_has(c, OPT_JSON)) {
        out_printf("{\"paused_until_ms\":%lld}\n", span ? (long long)until_ms : -1ll);
    } else if (rc == 0 && !cli_has(c, OPT_QUIET)) {
        time_local(until_ms, at, sizeof(at));
        say(span ? "vlmd: paused until %s; `vlmd resume` ends it"
                 : "vlmd: paused until `vlmd resume`",
            at);
    }
    return rc;
}

int cli_run_resume(struct cli *c)
{
    int rc = change(c, "resume", 0);
    if (rc == 0 && cli_has(c, OPT_JSON)) {
        out_text("{\"paused_until_ms\":0}\n");
    } else if (rc == 0 && !cli_has(c, OPT_QUIET)) {
        say("vlmd: work goes on");
    }
    return rc;
}
