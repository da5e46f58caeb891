// config_units.c -- values as text: units, ranges, words, and reading them back.
//
// Numbers are read by hand: strtod follows the locale of the host program.
// SPDX-License-Identifier: MIT
#include "config/config_private.h"

#include <ctype.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>

struct unit {
    const char *name;
    int64_t factor;
};

// Formatting takes the largest that divides, so larger ones come first.
static const struct unit byte_units[] = {
    {"TiB", INT64_C(1) << 40},
    {"GiB", 1 << 30},
    {"MiB", 1 << 20},
    {"KiB", 1 << 10},
    {"TB", 1000000000000},
    {"GB", 1000000000},
    {"MB", 1000000},
    {"kB", 1000},
    {"B", 1},
    {"", 1},
};
static const struct unit time_units[] = {
    {"d", 86400000}, {"h", 3600000}, {"m", 60000}, {"s", 1000}, {"ms", 1},
};
#define N(array) (sizeof(array) / sizeof((array)[0]))

bool config_parse_int(const char *s, int64_t *out)
{
    bool is_negative = *s == '-';
    int64_t n = 0;
    s += is_negative;
    if (!*s) {
        return false;
    }
    for (; *s; s++) {
        if (*s < '0' || *s > '9' || __builtin_mul_overflow(n, 10, &n) ||
            __builtin_add_overflow(n, *s - '0', &n)) {
            return false;
        }
    }
    *out = is_negative ? -n : n;
    return true;
}

// Reads "12" or "1.5"; *end is what follows.
static bool decimal(const char *s, double *out, const char **end)
{
    double n = 0;
    double place = 1;
    const char *p = s;
    for (; isdigit((unsigned char)*p) && p - s < 19; p++) {
        n = n * 10 + (*p - '0');
    }
    if (p == s) {
        return false;
    }
    if (*p == '.' && isdigit((unsigned char)p[1])) {
        for (p++; isdigit((unsigned char)*p) && place < 1e9; p++) {
            place *= 10;
            n = n * 10 + (*p - '0');
        }
    }
    *out = n / place;
    *end = p;
    return true;
}

bool config_parse_number(const char *s, double *out)
{
    const char *end;
    return decimal(s, out, &end) && *end == 0;
}

static bool with_unit(const char *s, const struct unit *units, size_t n, int64_t *out)
{
    double value;
    const char *end;
    if (!decimal(s, &value, &end)) {
        return false;
    }
    while (*end == ' ') {
        end++;
    }
    for (size_t i = 0; i < n; i++) {
        if (strcasecmp(units[i].name, end) == 0) {
            value *= (double)units[i].factor;
            if (value >= 9e18) {
                return false;
            }
            *out = (int64_t)(value + 0.5);
            return true;
        }
    }
    return false;
}

bool config_parse_bytes(const char *s, int64_t *out)
{
    return with_unit(s, byte_units, N(byte_units), out);
}

bool config_parse_duration(const char *s, int64_t *ms)
{
    if (strcmp(s, "0") == 0) {
        *ms = 0;
        return true;
    }
    return with_unit(s, time_units, N(time_units), ms);
}

bool config_parse_bool(const char *s, bool *out)
{
    static const char *const yes[] = {"yes", "true", "on", "1"};
    static const char *const no[] = {"no", "false", "off", "0"};
    for (size_t i = 0; i < N(yes); i++) {
        if (strcasecmp(s, yes[i]) == 0 || strcasecmp(s, no[i]) == 0) {
            *out = strcasecmp(s, yes[i]) == 0;
            return true;
        }
    }
    return false;
}

static void format_unit(int64_t n, const struct unit *units, size_t count, char *out,
                        size_t size)
{
    size_t i = 0;
    while (i + 1 < count && (n < units[i].factor || n % units[i].factor != 0)) {
        i++;
    }
    snprintf(out, size, "%" PRId64 "%s", n / units[i].factor, units[i].name);
}

void config_format_bytes(int64_t n, char *out, size_t size)
{
    if (n == 0) {
        snprintf(out, size, "0");
        return;
    }
    format_unit(n, byte_units, N(byte_units) - 1, out, size);
}

void config_format_duration(int64_t ms, char *out, size_t size)
{
    if (ms == 0) {
        snprintf(out, size, "0s");
        return;
    }
    format_unit(ms, time_units, N(time_units), out, size);
}

// ---- a key's range and type, in words

static void kinds(char *out, size_t size)
{
    size_t n = 0;
    out[0] = 0;
    for (int i = BACKEND_AUTO; i <= BACKEND_SGLANG && n < size; i++) {
        n += (size_t)snprintf(out + n, size - n, "%s%s", i ? "|" : "",
                              backend_kind_name((enum backend_kind)i));
    }
}

// A number of the key's type as text.
void config_format_bound(enum config_type type, int64_t n, char *out, size_t size)
{
    if (type == CONFIG_BYTES) {
        config_format_bytes(n, out, size);
    } else if (type == CONFIG_MS) {
        config_format_duration(n, out, size);
    } else if (type == CONFIG_SECONDS) {
        config_format_duration(n * 1000, out, size);
    } else {
        snprintf(out, size, "%" PRId64, n);
    }
}

void config_range(const struct config_key *k, char *out, size_t size)
{
    char low[32];
    char high[32];
    out[0] = 0;
    switch (k->type) {
    case CONFIG_CHOICE:
    case CONFIG_WORD: snprintf(out, size, "%s", k->choices); break;
    case CONFIG_KIND: kinds(out, size); break;
    case CONFIG_BOOL: snprintf(out, size, "yes|no"); break;
    case CONFIG_INT:
    case CONFIG_COUNT:
    case CONFIG_NUMBER:
    case CONFIG_BYTES:
    case CONFIG_MS:
    case CONFIG_SECONDS:
        config_format_bound(k->type, k->min, low, sizeof(low));
        config_format_bound(k->type, k->max, high, sizeof(high));
        snprintf(out, size, "%s-%s", low, high);
        break;
    case CONFIG_TEXT:
    case CONFIG_PATH:
    case CONFIG_SECRET:
    case CONFIG_SECRET_FILE:
    case CONFIG_SECRET_ENV:
    case CONFIG_SECRET_COMMAND: break;
    case CONFIG_PATHS:
    case CONFIG_URLS:
    case CONFIG_TEXTS:
    case CONFIG_HOURS:
    case CONFIG_RULES:
    case CONFIG_BACKENDS: snprintf(out, size, "at most %" PRId64, k->max); break;
    }
}

const char *config_type_name(const struct config_key *k)
{
    switch (k->type) {
    case CONFIG_TEXT: return "text";
    case CONFIG_PATH:
    case CONFIG_SECRET_FILE: return "path";
    case CONFIG_SECRET: return "secret";
    case CONFIG_SECRET_ENV: return "name";
    case CONFIG_SECRET_COMMAND: return "command";
    case CONFIG_INT:
    case CONFIG_COUNT: return "integer";
    case CONFIG_NUMBER: return "number";
    case CONFIG_BYTES: return "bytes";
    case CONFIG_MS:
    case CONFIG_SECONDS: return "duration";
    case CONFIG_BOOL: return "yes/no";
    case CONFIG_CHOICE:
    case CONFIG_KIND:
    case CONFIG_WORD: return "choice";
    case CONFIG_PATHS:
    case CONFIG_URLS:
    case CONFIG_TEXTS:
    case CONFIG_HOURS:
    case CONFIG_RULES: return "list";
    case CONFIG_BACKENDS: return "list of backends";
    }
    return "";
}

// ---- reading a value out of the struct

static int add_list(const char *const *list, struct buf *out)
{
    int rc = 0;
    for (int i = 0; list && list[i] && rc == 0; i++) {
        rc = buf_printf(out, "%s%s", i ? ", " : "", list[i]);
    }
    return rc;
}

static int add_rules(const struct privacy_list *list, struct buf *out)
{
    int rc = 0;
    for (int i = 0; i < list->n && rc == 0; i++) {
        rc = buf_printf(out, "%s%s", i ? ", " : "", list->items[i].text);
    }
    return rc;
}

const char *config_choice_at(const char *choices, int index, size_t *len)
{
    const char *p = choices;
    for (; index > 0 && p; index--) {
        p = strchr(p, '|');
        p = p ? p + 1 : NULL;
    }
    *len = p ? strcspn(p, "|") : 0;
    return p ? p : "";
}

static int add_text(const char *s, struct buf *out)
{
    return buf_add_str(out, s ? s : "");
}

static int format_number(const struct config_key *k, const char *at, struct buf *out)
{
    char text[40];
    int64_t n = 0;
    if (k->type == CONFIG_INT || k->type == CONFIG_SECONDS) {
        n = *(const int *)(const void *)at;
    } else {
        n = *(const int64_t *)(const void *)at;
    }
    config_format_bound(k->type, n, text, sizeof(text));
    return buf_add_str(out, text);
}

static int format_double(double value, struct buf *out)
{
    int64_t thousandths = (int64_t)(value * 1000 + 0.5);
    char text[40];
    int n = snprintf(text, sizeof(text), "%" PRId64 ".%03d", thousandths / 1000,
                     (int)(thousandths % 1000));
    while (n > 1 && text[n - 1] == '0' && text[n - 2] != '.') {
        text[--n] = 0;
    }
    return buf_add_str(out, text);
}

int config_format(const struct config_key *k, const struct config *c, struct buf *out)
{
    const char *at = (const char *)c + k->offset;
    const char *const *texts = (const char *const *)(const void *)at;
    size_t len;
    const char *s;
    switch (k->type) {
    case CONFIG_TEXT:
    case CONFIG_PATH:
    case CONFIG_WORD: return add_text(*texts, out);
    case CONFIG_SECRET: return buf_add_str(out, *texts && **texts ? "(hidden)" : "");
    case CONFIG_INT:
    case CONFIG_COUNT:
    case CONFIG_BYTES:
    case CONFIG_MS:
    case CONFIG_SECONDS: return format_number(k, at, out);
    case CONFIG_NUMBER: return format_double(*(const double *)(const void *)at, out);
    case CONFIG_BOOL:
        return buf_add_str(out, *(const bool *)(const void *)at ? "yes" : "no");
    case CONFIG_CHOICE:
        s = config_choice_at(k->choices, *(const int *)(const void *)at, &len);
        return buf_add(out, s, len);
    case CONFIG_KIND:
        return add_text(backend_kind_name(*(const enum backend_kind *)(const void *)at),
                        out);
    case CONFIG_URLS:
    case CONFIG_PATHS:
    case CONFIG_TEXTS:
    case CONFIG_HOURS: return add_list(texts, out);
    case CONFIG_RULES:
        return add_rules((const struct privacy_list *)(const void *)at, out);
    case CONFIG_SECRET_FILE:
    case CONFIG_SECRET_ENV:
    case CONFIG_SECRET_COMMAND:
    case CONFIG_BACKENDS: return 0;
    }
    return 0;
}
