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
static log_sink *the_sink, *the_file_sink;
static void *the_arg, *the_file_arg;
static _Atomic int the_level = LOG_INFO;  // the most of the_levels: a first look
static struct log_levels the_levels = {.base = LOG_INFO};

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

void log_set_file_sink(log_sink *sink, void *arg)
{
    pthread_mutex_lock(&lock);
    the_file_sink = sink;
    the_file_arg = arg;
    pthread_mutex_unlock(&lock);
}

// ---- levels

void log_set_levels(const struct log_levels *levels)
{
    enum log_level most = levels->base;
    for (int i = 0; i < levels->n; i++) {
        most = levels->of[i].level > most ? levels->of[i].level : most;
    }
    pthread_mutex_lock(&lock);
    the_levels = *levels;
    atomic_store(&the_level, (int)most);
    pthread_mutex_unlock(&lock);
}

void log_set_level(enum log_level level)
{
    const struct log_levels levels = {.base = level};
    log_set_levels(&levels);
}

static enum log_level level_of(const char *module)
{
    for (int i = 0; i < the_levels.n; i++) {
        if (strcmp(the_levels.of[i].module, module) == 0) {
            return the_levels.of[i].level;
        }
    }
    return the_levels.base;
}

static bool parse_word(const char *word, size_t len, struct log_levels *out,
                       bool is_first)
{
    char text[LOG_MODULE_BYTES + 16];
    if (len == 0 || len >= sizeof(text)) {
        return false;
    }
    memcpy(text, word, len);
    text[len] = 0;
    char *equals = strchr(text, '=');
    int level = log_level_by_name(equals ? equals + 1 : text);
    if (level < 0 || (!equals && !is_first)) {
        return false;
    }
    if (!equals) {
        out->base = (enum log_level)level;
        return true;
    }
    *equals = 0;
    if (!text[0] || equals - text >= LOG_MODULE_BYTES || out->n == LOG_MAX_MODULES) {
        return false;
    }
    memcpy(out->of[out->n].module, text, (size_t)(equals - text) + 1);
    out->of[out->n++].level = (enum log_level)level;
    return true;
}

bool log_parse_levels(const char *text, struct log_levels *out)
{
    struct log_levels found = {.base = LOG_INFO};
    for (const char *word = text;; word++) {
        size_t len = strcspn(word, ",");
        if (!parse_word(word, len, &found, word == text)) {
            return false;
        }
        word += len;
        if (!*word) {
            *out = found;
            return true;
        }
    }
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
    bool passes = level <= level_of(module);
    if (the_sink && passes) {
        the_sink(the_arg, &line);
    }
    if (the_file_sink && passes) {
        the_file_sink(the_file_arg, &line);
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

// ,"cid":"0123" for cid=0123 in the message; "" when it is not there.
static void json_member(char *out, int size, const char *message, const char *name)
{
    size_t n = strlen(name);
    out[0] = 0;
    for (const char *p = message; (p = strstr(p, name)); p += n) {
        bool begins = p == message || p[-1] == ' ';
        int len = begins && p[n] == '=' ? (int)strcspn(p + n + 1, " \"\\") : 0;
        if (len > 0 && len < size - (int)n - 8) {
            snprintf(out, (size_t)size, ",\"%s\":\"%.*s\"", name, len, p + n + 1);
            return;
        }
    }
}

// Members of the line that people search for.
static void json_members(char *out, int size, const char *message)
{
    static const char *const names[] = {"job", "cid", "backend", "class"};
    int used = 0;
    for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
        json_member(out + used, size - used, message, names[i]);
        used += (int)strlen(out + used);
    }
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
        char text[LINE_BYTES * 2], members[400];
        json_text(text, sizeof(text), line->message);
        json_members(members, sizeof(members), line->message);
        n = snprintf(
            out, (size_t)size,
            "{\"time\":\"%s\",\"level\":\"%s\",\"module\":\"%s\"%s,\"message\":\"%s\"}",
            stamp, level, line->module, members, text);
    } else {
        n = snprintf(out, (size_t)size, "%s %-5s %-8s %s", stamp, level, line->module,
                     line->message);
    }
    return n < size ? n : size - 1;
}
