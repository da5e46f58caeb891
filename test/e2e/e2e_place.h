// e2e_place.h -- one test's world: a temp folder, the processes in it, and what they say.
//
// Every wait has an end: a process that says or does nothing for E2E_PATIENCE_MS is killed
// and fails the test with the last it said.  Nothing outlives the test.
// SPDX-License-Identifier: MIT
#ifndef E2E_PLACE_H
#define E2E_PLACE_H

// cmocka wants these first.
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdbool.h>
#include <sys/resource.h>
#include <sys/types.h>

enum { E2E_PATIENCE_MS = 90000 };

#ifdef VLMD_SANITIZED
enum { E2E_SANITIZED = 1 };
#else
enum { E2E_SANITIZED = 0 };
#endif

struct said {
    char *text;  // owned; never NULL
    size_t len, cap;
    size_t mark;  // proc_await goes on from here
    int fd;       // -1: closed
};

struct place;

struct proc {
    struct proc *next;
    struct place *place;
    pid_t pid;
    int pid_fd;
    int in_fd;  // its standard input, or -1
    struct said out, err;
    bool has_ended;
    int status;  // as waitpid gives it
    struct rusage usage;
};

struct place {
    char dir[128];
    struct proc *procs;
};

// What is not usual about a process.
struct spawn {
    const char *cwd;
    const char *const *env;  // "NAME=VALUE", added; ends with NULL
    bool has_input;          // in_fd is a pipe; else /dev/null
    int64_t max_file_bytes;  // RLIMIT_FSIZE; 0 = none
    uid_t uid;               // 0 = stay
    const int *sockets;      // given to it as the service manager does (sd_listen_fds(3))
    int n_sockets;
};

// setup and teardown of one test: *state is the place.
int place_setup(void **state);
int place_teardown(void **state);
void place_make(struct place *p);
void place_remove(struct place *p);

// Below the place; one of 32 static buffers.
const char *place_path(const struct place *p, const char *fmt, ...)
    __attribute__((format(printf, 2, 3)));
void make_folder(const char *path);
void write_bytes(const char *path, const void *data, size_t len);
void write_text(const char *path, const char *text);
// Everything in a file, as text; fails when it is not there.  The caller frees.
char *read_text(const char *path);
bool is_there(const char *path);
// The configuration file that every vlmd of this place reads.
void place_config(const struct place *p, const char *yaml);

struct proc *proc_start(struct place *p, const char *const *argv,
                        const struct spawn *how);
// Reads what it says until the text comes (after the last one awaited); fails if it ends
// before.
void proc_await(struct proc *p, struct said *said, const char *text);
// Reads on for as long as there is something.
void proc_read(struct proc *p);
// The same of all: one with a full pipe stands still.
void place_read(struct place *p);
// Reads until it ends or so much time has passed.
bool proc_ends_within(struct proc *p, int64_t ms);
// Waits for its end.  Returns the exit code, or 128 + signal.  A sanitizer's report fails.
int proc_end(struct proc *p);
void proc_signal(struct proc *p, int sig);
void proc_kill(struct proc *p);  // SIGKILL, and waits
void proc_free(struct place *place, struct proc *p);
// Fails unless it ended with this code; tells what it said.
void proc_expect(struct proc *p, int exit_code);

// VLMD_E2E_ONLY=PATTERN (cmocka's pattern) runs only the tests of that name.
void e2e_filter(void);
int64_t now_ms(void);      // monotonic
bool is_full_scale(void);  // VLMD_E2E_FULL=1: the sizes and times of the promise
// xorshift; the seed is printed at the first use, VLMD_E2E_SEED sets it.
uint32_t any_number(uint32_t below);

#endif
