// log.h -- the one log: levels, key=value words, text or JSON lines.
//
// error: someone must act.  warn: degraded but going on.  info: life events, a few a
// minute.  debug: one line per state move.  Never image bytes, prompts or recognised text
// above debug.
// Thread: any.
// SPDX-License-Identifier: MIT
#ifndef VLMD_BASE_LOG_H
#define VLMD_BASE_LOG_H

#include <stdbool.h>
#include <stdint.h>

enum log_level { LOG_ERROR, LOG_WARN, LOG_INFO, LOG_DEBUG };

struct log_line {
    enum log_level level;
    int64_t at_ms;        // unix
    const char *module;   // "store", "http", ...
    const char *message;  // "key=value key=\"two words\" ..." after a few plain words
};

// line and its strings are borrowed during the call.
typedef void log_sink(void *arg, const struct log_line *line);

// NULL sink = discard (the library's default).  The sink is called with the log's lock
// held: it must not log.
void log_set_sink(log_sink *sink, void *arg);
// The sink is removed only if it is still this one.
void log_clear_sink(log_sink *sink, void *arg);
// A second sink beside it, for log_file.c.
void log_set_file_sink(log_sink *sink, void *arg);
void log_set_level(enum log_level level);  // of every module
enum log_level log_get_level(void);        // the most that some module says

enum { LOG_MAX_MODULES = 16, LOG_MODULE_BYTES = 24 };
struct log_levels {
    enum log_level base;
    int n;
    struct {
        char module[LOG_MODULE_BYTES];
        enum log_level level;
    } of[LOG_MAX_MODULES];
};
// "info", or "warn,http=debug,store=error".  false: it is none of these; out is untouched.
bool log_parse_levels(const char *text, struct log_levels *out);
void log_set_levels(const struct log_levels *levels);
const char *log_level_name(enum log_level level);
int log_level_by_name(const char *name);  // enum log_level, or -1

void log_write(enum log_level level, const char *module, const char *fmt, ...)
    __attribute__((format(printf, 3, 4)));

#define log_error(module, ...) log_write(LOG_ERROR, module, __VA_ARGS__)
#define log_warn(module, ...)  log_write(LOG_WARN, module, __VA_ARGS__)
#define log_info(module, ...)  log_write(LOG_INFO, module, __VA_ARGS__)
#define log_debug(module, ...)                                                           \
    do {                                                                                 \
        if (log_get_level() >= LOG_DEBUG) {                                              \
            log_write(LOG_DEBUG, module, __VA_ARGS__);                                   \
        }                                                                                \
    } while (0)

// One line of text or JSON, without the line feed, as the command line prints it.  In JSON
// job, cid, backend and class of the message have members of their own.
// Returns the length that was written (at most size - 1; out is always terminated).
int log_format(const struct log_line *line, int as_json, char *out, int size);

#endif
