// cli_filter.c -- a question to the library from flags, with each value checked.
// SPDX-License-Identifier: MIT
#include "cli.h"
#include "face/timefmt.h"

#include <ctype.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static bool parse_count(const char *s, int64_t *out)
{
    int64_t n = 0;
    const char *p = s;
    for (; isdigit((unsigned char)*p) && p - s < 15; p++) {
        n = n * 10 + (*p - '0');
    }
    *out = n;
    return p != s && *p == 0;
}

static int take_time(const struct cli *c, enum cli_opt o, int64_t *out)
{
    const char *s = c->values[o];
    if (s && !time_parse(s, time_wall_ms(), o == OPT_UNTIL, out)) {
        return cli_usage(
            c,
            "--%s \"%s\" is no time: 2026-11-21, \"2026-11-21 10:30\", today, "
            "yesterday, 2h or 3d",
            cli_options[o].name, s);
    }
    return 0;
}

static enum vlmd_order order_of(const char *s)
{
    if (!s) {
        return VLMD_NEWEST;
    }
    return s[0] == 'b' ? VLMD_BEST : s[0] == 'o' ? VLMD_OLDEST : VLMD_NEWEST;
}

// The database knows absolute paths; a pattern or a deleted file has no real path to ask for.
static const char *absolute(const char *path)
{
    static char out[PATH_MAX];
    char folder[PATH_MAX];
    if (path[0] == '/' || strstr(path, "://") || !getcwd(folder, sizeof(folder))) {
        return path;
    }
    while (path[0] == '.' && path[1] == '/') {
        path += 2;
    }
    bool is_here = strcmp(path, ".") == 0;
    int n = snprintf(out, sizeof(out), "%s%s%s", folder, is_here ? "" : "/",
                     is_here ? "" : path);
    return n < (int)sizeof(out) ? out : path;
}

int cli_filter(const struct cli *c, struct vlmd_query *q)
{
    *q = (struct vlmd_query){
        .app = c->values[OPT_APP],
        .tag = c->values[OPT_TAG],
        .state = c->values[OPT_STATE],
        .outcome = c->values[OPT_OUTCOME],
        .error_class = c->values[OPT_CLASS],
        .text = c->values[OPT_TEXT],
        .only_degraded = cli_has(c, OPT_DEGRADED),
        .order = order_of(c->values[OPT_ORDER]),
    };
    if (c->values[OPT_PATH]) {
        q->path = absolute(c->values[OPT_PATH]);
    }
    if (c->values[OPT_LIMIT] && !parse_count(c->values[OPT_LIMIT], &q->limit)) {
        return cli_usage(c, "--limit \"%s\" is no number", c->values[OPT_LIMIT]);
    }
    int rc = take_time(c, OPT_SINCE, &q->since_ms);
    if (rc == 0) {
        rc = take_time(c, OPT_UNTIL, &q->until_ms);
    }
    if (rc == 0 && q->since_ms && q->until_ms && q->since_ms > q->until_ms) {
        rc = cli_usage(c, "--since is later than --until: nothing can be found");
    }
    return rc;
}

bool cli_has_filter(const struct vlmd_query *q)
{
    return q->text || q->app || q->tag || q->path || q->id || q->since_ms ||
           q->until_ms || q->state || q->outcome || q->error_class || q->only_degraded;
}

int cli_target(const struct cli *c, const char *arg, struct vlmd_query *q, char *path,
               size_t path_size)
{
    if (parse_count(*arg == '#' ? arg + 1 : arg, &q->id)) {
        if (q->id == 0) {
            return cli_usage(c, "there is no picture 0");
        }
        return 0;
    }
    q->id = 0;
    char real[PATH_MAX];
    const char *found = realpath(arg, real);
    snprintf(path, path_size, "%s", found ? found : absolute(arg));
    q->path = path;
    return 0;
}

int cli_interval(const struct cli *c, int64_t *ms)
{
    const char *s = c->values[OPT_INTERVAL];
    char *end = NULL;
    double seconds = s ? strtod(s, &end) : 1;
    if (s && (*s == 0 || *end || !(seconds >= 0.1 && seconds <= 86400))) {
        return cli_usage(c, "--interval \"%s\" is no number of seconds from 0.1 to 86400",
                         s);
    }
    *ms = (int64_t)(seconds * 1000);
    return 0;
}
