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
    const char *words;
    const char *todo;
} rows[] = {
#define X(code, number, name, class, words, todo) {code, name, class, words, todo},
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
