// fv_faults.h -- which request goes wrong, and how.
// SPDX-License-Identifier: MIT
#ifndef FV_FAULTS_H
#define FV_FAULTS_H

#include <stdbool.h>
#include <stdint.h>

// name, text: one row per fault; --fault and the counters use the text.
#define FAULT_TABLE(X)                                                                   \
    X(NONE, "none")                                                                      \
    X(RATE, "429")                                                                       \
    X(BUSY, "503-busy")                                                                  \
    X(LOADING, "503-loading")                                                            \
    X(OK_ERROR, "200-error")                                                             \
    X(EMPTY_LENGTH, "empty-length")                                                      \
    X(TRUNCATE, "truncate")                                                              \
    X(STREAM_ERROR, "stream-error")                                                      \
    X(CUT, "cut")                                                                        \
    X(CUT_MID, "cut-mid")                                                                \
    X(SLOW_FIRST_BYTE, "slow-first-byte")                                                \
    X(DRIP, "drip")                                                                      \
    X(STALL, "stall")                                                                    \
    X(GARBAGE, "garbage")                                                                \
    X(WRONG_JSON, "wrong-json")                                                          \
    X(WRONG_SCHEMA, "wrong-schema")                                                      \
    X(DROP_IMAGE, "drop-image")                                                          \
    X(THINKING, "thinking")                                                              \
    X(REPEAT, "repeat")                                                                  \
    X(CRASH, "500")                                                                      \
    X(OOM, "oom")                                                                        \
    X(HTML, "html")                                                                      \
    X(WORDS, "words")

enum fault {
#define X(name, text) FAULT_##name,
    FAULT_TABLE(X)
#undef X
        FAULT_COUNT
};

#define FAULT_RULES_MAX 32

struct fault_rule {
    enum fault fault;  // FAULT_COUNT: any of them, each with the same chance
    char param[32];    // "" when not given
    double percent;    // of the requests it looks at
    int64_t left;      // how often it may still strike; -1: for ever
};

struct faults {
    struct fault_rule rules[FAULT_RULES_MAX];
    int rules_n;
    uint64_t seed, requests_n;
    int64_t applied[FAULT_COUNT];
};

// One fault, chosen for one request.
struct fault_choice {
    enum fault fault;
    char param[32];
};

const char *fault_name(enum fault fault);

// Adds NAME[=PARAM][:PERCENT%|:COUNT].  Returns 0, or -1 with the reason in why.
int faults_add(struct faults *f, const char *spec, char *why, int why_size);
void faults_clear(struct faults *f);

// Decides for the next request; the n-th decision depends on seed, n and the rules only.
struct fault_choice faults_next(struct faults *f);

// The choice's parameter as a number, or otherwise.
int64_t fault_param(const struct fault_choice *c, int64_t otherwise);

// True when a client that does everything right still gets the whole answer.
bool fault_is_harmless(enum fault fault);

// A number in [0, 1) that depends on the arguments only.
double dice(uint64_t seed, uint64_t n, uint64_t salt);

#endif
