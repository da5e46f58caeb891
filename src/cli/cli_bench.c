// cli_bench.c -- vlmd bench image: hands over to vlmd-bench-image, which stands beside us.
//
// Measuring needs the inside of the library, which commands do not see, and nobody needs
// it to describe pictures: it is a program of its own.
// SPDX-License-Identifier: MIT
#include "cli.h"
#include "out.h"

#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define BENCH_NAME "vlmd-bench-image"

// Beside the program that runs.  False: it does not fit, or /proc is not there.
static bool find_bench(char *out, size_t size)
{
    char self[PATH_MAX];
    const ssize_t n = readlink("/proc/self/exe", self, sizeof(self) - 1);
    if (n <= 0) {
        return false;
    }
    self[n] = '\0';
    char *slash = strrchr(self, '/');
    if (!slash) {
        return false;
    }
    *slash = '\0';
    const int len = snprintf(out, size, "%s/%s", self, BENCH_NAME);
    return len > 0 && (size_t)len < size;
}

// Ends the process when it works.
int cli_run_bench(struct cli *c)
{
    char path[PATH_MAX];
    if (!find_bench(path, sizeof(path))) {
        say("vlmd: bench: %s can not be looked for", BENCH_NAME);
        return CLI_SOME_FAILED;
    }
    // The program, "--", pictures, NULL.
    char **args = calloc((size_t)c->n_args + 2, sizeof(*args));
    if (!args) {
        say("vlmd: bench: %s", strerror(ENOMEM));
        return CLI_SOME_FAILED;
    }
    char separator[] = "--";
    args[0] = path;
    args[1] = separator;
    memcpy(args + 2, c->args + 1, (size_t)(c->n_args - 1) * sizeof(*args));
    execv(path, args);
    say("vlmd: bench: %s: %s (it is built and installed with the tools)", path,
        strerror(errno));
    free(args);
    return CLI_SOME_FAILED;
}
