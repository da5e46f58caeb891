// gauge.c -- single numbers out of a server's Prometheus text.
//
// Servers with several engines or ranks have a series for each of them, with labels; what is
// wanted is one number for the model.
// SPDX-License-Identifier: MIT
#include "backend/gauge.h"

#include <limits.h>
#include <math.h>
#include <stdbool.h>
#include <string.h>

static bool is_digit(char c)
{
    return c >= '0' && c <= '9';
}

static int read_exponent(const char *s)
{
    int sign = *s == '-' ? -1 : 1, n = 0;
    s += *s == '-' || *s == '+';
    for (; is_digit(*s) && n < 1000; s++) {
        n = n * 10 + (*s - '0');
    }
    return sign * n;
}

// Not strtod: the host's locale may want a comma.
bool gauge_number(const char *s, double *out)
{
    double value = 0, weight = 1;
    bool is_negative = *s == '-';
    s += *s == '-' || *s == '+';
    if (!is_digit(*s)) {
        return false;
    }
    for (; is_digit(*s); s++) {
        value = value * 10 + (*s - '0');
    }
    for (s += *s == '.'; is_digit(*s); s++) {
        weight /= 10;
        value += weight * (*s - '0');
    }
    if (*s == 'e' || *s == 'E') {
        value *= pow(10, read_exponent(s + 1));
    }
    *out = is_negative ? -value : value;
    return isfinite(value);
}

// labels is what stands between { and }.
static bool is_of_model(const char *labels, size_t len, const char *model)
{
    static const char key[] = "model_name=\"";
    const size_t key_len = sizeof(key) - 1, model_len = strlen(model);
    for (size_t i = 0; i + key_len <= len; i++) {
        bool is_start = i == 0 || labels[i - 1] == ',' || labels[i - 1] == ' ';
        if (is_start && memcmp(labels + i, key, key_len) == 0) {
            const char *value = labels + i + key_len;
            size_t left = len - i - key_len;
            return left > model_len && memcmp(value, model, model_len) == 0 &&
                   value[model_len] == '"';
        }
    }
    return true;
}

static void read_line(struct gauge *g, const char *line, size_t len, const char *name,
                      const char *model)
{
    size_t at = strlen(name);
    double value;
    if (len <= at || memcmp(line, name, at) != 0) {
        return;
    }
    if (line[at] == '{') {
        const char *end = memchr(line + at, '}', len - at);
        if (!end || !is_of_model(line + at + 1, (size_t)(end - line) - at - 1, model)) {
            return;
        }
        at = (size_t)(end - line) + 1;
    }
    if (line[at] != ' ' && line[at] != '\t') {
        return;  // a longer name
    }
    at += strspn(line + at, " \t");
    if (gauge_number(line + at, &value)) {
        g->max = g->n == 0 || value > g->max ? value : g->max;
        g->sum += value;
        g->n++;
    }
}

struct gauge gauge_read(const char *text, const char *name, const char *model)
{
    struct gauge g = {0};
    while (*text) {
        size_t len = strcspn(text, "\n");
        read_line(&g, text, len, name, model);
        text += len + (text[len] != 0);
    }
    return g;
}

int gauge_count(const struct gauge *g)
{
    if (g->n == 0) {
        return -1;
    }
    return g->sum > INT_MAX ? INT_MAX : g->sum > 0 ? (int)g->sum : 0;
}
