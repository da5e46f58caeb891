// cli_fixture.h -- runs the command line (linked with fake_vlmd.c) and reads what it wrote.
// SPDX-License-Identifier: MIT
#ifndef VLMD_TEST_CLI_FIXTURE_H
#define VLMD_TEST_CLI_FIXTURE_H

#include <stdbool.h>
#include <stddef.h>
#include <sys/types.h>

enum { RAN_BYTES = 256 << 10 };

struct ran {
    pid_t pid;
    int out_fd, err_fd;
    int code;  // exit code, or 1000 + signal
    size_t out_len, err_len;
    char out[RAN_BYTES];  // a terminal's output is all here
    char err[RAN_BYTES];
};

// A temp folder that is also HOME.
int cli_fixture_setup(void **state);
int cli_fixture_teardown(void **state);
const char *cli_dir(void);
void cli_write(const char *name, const char *text);
const char *cli_read(const char *name);  // "" when there is none
bool cli_exists(const char *name);
int cli_files(void);  // regular files in the temp folder

// script: JSON for the fake; ' is written for ".  args end with NULL.
struct ran *cli_start(const char *script, const char *const *args);
// Nobody reads its standard output (EPIPE).
struct ran *cli_run_unread(const char *script, const char *const *args);
// On a terminal of so many columns.
struct ran *cli_start_pty(const char *script, int columns, const char *const *args);
void cli_wait_for(struct ran *r, const char *text);  // in out or err
void cli_finish(struct ran *r);
void cli_free(struct ran *r);
// What the fake was asked, one line per call.
const char *cli_log(void);

#define ARGS(...)        ((const char *const[]){__VA_ARGS__, NULL})
#define RUN(script, ...) cli_run(script, ARGS(__VA_ARGS__))
struct ran *cli_run(const char *script, const char *const *args);

void assert_has(const char *text, const char *part);
void assert_has_not(const char *text, const char *part);

#endif
