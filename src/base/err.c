// err.c -- look-ups in the error table.
// SPDX-License-Identifier: MIT
#include "base/err.h"

#include <errno.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>

static const struct row {
    int code;
    const char *name;
    enum err_class class;
    enum err_category category;
    enum err_severity severity;
    const char *words;
    const char *todo;
} rows[] = {
#define X(code, number, name, class, category, severity, words, todo)                    \
    {code, name, class, category, severity, words, todo},
    ERR_TABLE(X)
#undef X
};

static const struct row *find(int code)
{
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        if (rows[i].code == code) {
            return &rows[i];
        }
    }
    return NULL;
}

const char *err_name(int code)
{
    const struct row *r = find(code);
    return r ? r->name : code == 0 ? "ok" : "unknown";
}

const char *err_words(int code)
{
    const struct row *r = find(code);
    return r ? r->words : code == 0 ? "ok" : "unknown error";
}

const char *err_todo(int code)
{
    const struct row *r = find(code);
    return r ? r->todo : "";
}

enum err_class err_class(int code)
{
    const struct row *r = find(code);
    return r ? r->class : ERR_BUG;
}

enum err_category err_category(int code)
{
    const struct row *r = find(code);
    return r ? r->category : ERR_IN_INTERNAL;
}

enum err_severity err_severity(int code)
{
    const struct row *r = find(code);
    return r ? r->severity : ERR_CRITICAL;
}

bool err_is_recoverable(int code)
{
    enum err_class c = err_class(code);
    return c == ERR_RETRY || c == ERR_REROUTE;
}

static const char *const categories[ERR_CATEGORIES] = {
    [ERR_IN_VALIDATION] = "validation", [ERR_IN_IMAGE] = "image",
    [ERR_IN_MODEL] = "model",           [ERR_IN_NETWORK] = "network",
    [ERR_IN_PROTOCOL] = "protocol",     [ERR_IN_STORE] = "store",
    [ERR_IN_PRIVACY] = "privacy",       [ERR_IN_INTERNAL] = "internal",
};
static const char *const severities[] = {"low", "medium", "high", "critical"};

const char *err_category_name(enum err_category c)
{
    return categories[c];
}

const char *err_severity_name(enum err_severity s)
{
    return severities[s];
}

static int index_of(const char *const *names, int n, const char *name)
{
    for (int i = 0; i < n; i++) {
        if (strcmp(names[i], name) == 0) {
            return i;
        }
    }
    return -1;
}

int err_category_by_name(const char *name)
{
    return index_of(categories, ERR_CATEGORIES, name);
}

int err_severity_by_name(const char *name)
{
    return index_of(severities, ERR_CRITICAL + 1, name);
}

int err_by_name(const char *name)
{
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        if (strcmp(rows[i].name, name) == 0) {
            return rows[i].code;
        }
    }
    return 0;
}

int err_set(struct err *e, int code, const char *fmt, ...)
{
    if (e) {
        va_list ap;
        va_start(ap, fmt);
        e->code = code;
        vsnprintf(e->msg, sizeof(e->msg), fmt, ap);
        va_end(ap);
    }
    return code;
}

int err_from_errno(int errnum)
{
    switch (errnum) {
    case 0: return 0;
    case ENOENT:
    case ENOTDIR: return E_NOT_FOUND;
    case EACCES:
    case EPERM: return E_ACCESS;
    case ELOOP:
    case EXDEV: return E_OUTSIDE;
    case ENOMEM: return E_NOMEM;
    case ENOSPC:
    case EDQUOT: return E_FULL;
    case EISDIR: return E_NOT_FILE;
    default: return E_IO;
    }
}
