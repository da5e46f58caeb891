// log.c -- one sink behind one lock; formatting of a line.
// SPDX-License-Identifier: MIT
#include "base/log.h"

#include <pthread.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

#define LINE_BYTES 2048

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static log_sink *the_sink;
static void *the_arg;
static _Atomic int the_level = LOG_INFO;

static const char *const level_names[] = {"error", "warn", "info", "debug"};

void log_set_sink(log_sink *sink, void *arg)
{
    pthread_mutex_lock(&lock);
    the_sink = sink;
    the_arg = arg;
    pthread_mutex_unlock(&lock);
}

void log_clear_sink(log_sink *sink, void *arg)
{
    pthread_mutex_lock(&lock);
    if (the_sink == sink && the_arg == arg) {
        the_sink = NULL;
        the_arg = NULL;
    }
    pthread_mutex_unlock(&lock);
}

void log_set_level(enum log_level level)
{
    atomic_store(&the_level, (int)level);
}

enum log_level log_get_level(void)
{
    return (enum log_level)atomic_load_explicit(&the_level, memory_order_relaxed);
}

const char *log_level_name(enum log_level level)
{
    return level_names[level];
}

int log_level_by_name(const char *name)
{
    for (int i = LOG_ERROR; i <= LOG_DEBUG; i++) {
        if (strcmp(level_names[i], name) == 0) {
            return i;
        }
    }
    return -1;
}

// Names of files and servers come from outside: control characters must not reach a
// terminal or start a forged line.
static void flatten(char *s)
{
    for (; *s; s++) {
        if ((unsigned char)*s < 0x20 || *s == 0x7f) {
            *s = '?';
        }
    }
}

void log_write(enum log_level level, const char *module, const char *fmt, ...)
{
    if (level > log_get_level()) {
        return;
    }
    char text[LINE_BYTES];
    va_list ap;
    va_start(ap, fmt);
    vsnprintf(text, sizeof(text), fmt, ap);
    va_end(ap);
    flatten(text);
    struct timespec ts;
    clock_gettime(CLOCK_REALTIME, &ts);
    struct log_line line = {
        .level = level,
        .at_ms = (int64_t)ts.tv_sec * 1000 + ts.tv_nsec / 1000000,
        .module = module,
        .message = text,
    };
    pthread_mutex_lock(&lock);
    if (the_sink) {
        the_sink(the_arg, &line);
    }
    pthread_mutex_unlock(&lock);
}

static int json_text(char *out, int size, const char *s)
{
    int n = 0;
    for (; *s && n < size - 3; s++) {
        if (*s == '"' || *s == '\\') {
            out[n++] = '\\';
        }
        out[n++] = *s;
    }
    out[n] = 0;
    return n;
}

int log_format(const struct log_line *line, int as_json, char *out, int size)
{
    time_t sec = (time_t)(line->at_ms / 1000);
    int ms = (int)(line->at_ms % 1000);
    struct tm tm;
    char stamp[40];
    gmtime_r(&sec, &tm);
    size_t len = strftime(stamp, sizeof(stamp), "%Y-%m-%dT%H:%M:%S", &tm);
    snprintf(stamp + len, sizeof(stamp) - len, ".%03dZ", ms);
    const char *level = level_names[line->level];
    int n;
    if (as_json) {
        char text[LINE_BYTES * 2];
        json_text(text, sizeof(text), line->message);
        n = snprintf(out, (size_t)size,
                     "{\"time\":\"%s\",\"level\":\"%s\",\"module\":\"%s\",\"message\":\"%s\"}",
                     stamp, level, line->module, text);
    } else {
        n = snprintf(out, (size_t)size, "%s %-5s %-8s %s", stamp, level, line->module,
                     line->message);
    }
    return n < size ? n : size - 1;
}
