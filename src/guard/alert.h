// alert.h -- when is something a person must hear about: pure rules over samples.
//
//   QUIET -> PENDING -> FIRING -> QUIET
//
// A value beyond its threshold for the rule's time fires once; back within it for
// ALERT_RECOVER_MS, it has recovered, which is told as well.  What has just recovered stays
// quiet for the cooldown, so that a value that swings does not call every minute.
// SPDX-License-Identifier: MIT
#ifndef VLMD_GUARD_ALERT_H
#define VLMD_GUARD_ALERT_H

#include <stdbool.h>
#include <stdint.h>

enum { ALERT_RECOVER_MS = 60000 };

enum alert_severity { ALERT_WARNING, ALERT_CRITICAL };

// X(rule, name, severity, default threshold, seconds, unit, words)
// Fires from the threshold on; 0 switches a rule off.  LOW_DISK fires below it.
// Source: the defaults of issue 6, part 8.
#define ALERT_TABLE(X)                                                                   \
    X(ALERT_MEMORY, "memory", ALERT_WARNING, 80, 60, "%", "memory is short")             \
    X(ALERT_MEMORY_CRITICAL, "memory_critical", ALERT_CRITICAL, 90, 30, "%",             \
      "memory is nearly used up")                                                        \
    X(ALERT_PROCESS_MEMORY, "process_memory", ALERT_WARNING, 0, 60, "MB",                \
      "vlmd itself uses much memory")                                                    \
    X(ALERT_ERRORS, "errors", ALERT_WARNING, 5, 60, "%", "requests fail")                \
    X(ALERT_CPU, "cpu", ALERT_WARNING, 80, 300, "%", "the processor is busy")            \
    X(ALERT_DESCRIPTORS, "descriptors", ALERT_WARNING, 80, 60, "%",                      \
      "file descriptors run out")                                                        \
    X(ALERT_HEALTH, "health", ALERT_CRITICAL, 2, 0, "checks",                            \
      "a health check failed again and again")                                           \
    X(ALERT_SLOW_QUERIES, "slow_queries", ALERT_WARNING, 1, 0, "queries",                \
      "the database is slow")                                                            \
    X(ALERT_POOL, "pool", ALERT_WARNING, 32, 60, "waiting", "work waits for a thread")   \
    X(ALERT_QUEUE, "queue", ALERT_WARNING, 100, 600, "pictures",                         \
      "the queue grows faster than it is worked off")                                    \
    X(ALERT_STALLED, "stalled", ALERT_CRITICAL, 15, 0, "minutes",                        \
      "nothing was described although pictures wait")                                    \
    X(ALERT_DISK, "disk", ALERT_CRITICAL, 512, 0, "MB", "the disk is nearly full")       \
    X(ALERT_BUDGET, "budget", ALERT_WARNING, 80, 0, "%", "the budget is nearly used up")

enum alert_rule {
#define X(rule, name, severity, threshold, seconds, unit, words) rule,
    ALERT_TABLE(X)
#undef X
        ALERT_RULES
};

const char *alert_name(enum alert_rule r);
const char *alert_words(enum alert_rule r);
const char *alert_unit(enum alert_rule r);
enum alert_severity alert_severity(enum alert_rule r);
const char *alert_severity_name(enum alert_severity s);  // "warning", "critical"

struct alert_config {
    double threshold[ALERT_RULES];
    int64_t for_ms[ALERT_RULES];
    int64_t cooldown_ms;  // default 900000
};
void alert_config_default(struct alert_config *c);

// What was measured; a value that is not known changes nothing.
struct alert_sample {
    double value[ALERT_RULES];
    bool is_known[ALERT_RULES];
};

enum alert_phase { ALERT_QUIET, ALERT_PENDING, ALERT_FIRING };

struct alert_state {
    enum alert_phase phase;
    double value;            // last known
    int64_t since_ms;        // PENDING, FIRING: beyond the threshold since
    int64_t within_ms;       // FIRING: within it since; 0 = it is not
    int64_t quiet_until_ms;  // cooldown
};

struct alerts {
    struct alert_state rules[ALERT_RULES];
};

enum alert_news { ALERT_NOTHING, ALERT_FIRED, ALERT_RECOVERED };

// Takes one sample and says what happened to one rule.
enum alert_news alert_judge(struct alerts *a, const struct alert_config *c,
                            const struct alert_sample *s, enum alert_rule r,
                            int64_t now_ms);
// Is some rule PENDING or FIRING: must it be looked at again even without work?
bool alert_is_open(const struct alerts *a);

// Failed share of the requests between two readings of the totals; needs at least
// ALERT_LEAST_REQUESTS, else it is not known.
enum { ALERT_LEAST_REQUESTS = 20 };
bool alert_error_pct(int64_t requests, int64_t failed, double *pct);

#endif
