// timefmt.c -- see timefmt.h.
// SPDX-License-Identifier: MIT
#include "face/timefmt.h"

#include <ctype.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <time.h>

static int64_t clock_ms(clockid_t id)
{
    struct timespec ts;
    clock_gettime(id, &ts);
    return (int64_t)ts.tv_sec * 1000 + ts.tv_nsec / 1000000;
}

int64_t time_wall_ms(void)
{
    return clock_ms(CLOCK_REALTIME);
}

int64_t time_mono_ms(void)
{
    return clock_ms(CLOCK_MONOTONIC);
}

static time_t seconds_of(int64_t ms, int *rest)
{
    int64_t s = ms / 1000;
    int64_t r = ms % 1000;
    if (r < 0) {
        s--;
        r += 1000;
    }
    *rest = (int)r;
    return (time_t)s;
}

// Zeros before it; of a list of pictures there are hundreds, each of which printf would read
// its format for.
static char *put_digits(char *out, int digits, int n)
{
    for (int i = digits; i-- > 0; n /= 10) {
        out[i] = (char)('0' + n % 10);
    }
    return out + digits;
}

static bool is_usual(const struct tm *tm, size_t size)
{
    return size >= sizeof("2026-11-21T10:00:00.000Z") && tm->tm_year >= -1900 &&
           tm->tm_year < 8100;
}

static void put_iso(const struct tm *tm, int ms, char *out)
{
    out = put_digits(out, 4, tm->tm_year + 1900);
    *out++ = '-';
    out = put_digits(out, 2, tm->tm_mon + 1);
    *out++ = '-';
    out = put_digits(out, 2, tm->tm_mday);
    *out++ = 'T';
    out = put_digits(out, 2, tm->tm_hour);
    *out++ = ':';
    out = put_digits(out, 2, tm->tm_min);
    *out++ = ':';
    out = put_digits(out, 2, tm->tm_sec);
    *out++ = '.';
    out = put_digits(out, 3, ms);
    *out++ = 'Z';
    *out = 0;
}

void time_iso(int64_t at_ms, char *out, size_t size)
{
    struct tm tm;
    int ms;
    time_t s = seconds_of(at_ms, &ms);
    if (!gmtime_r(&s, &tm)) {
        snprintf(out, size, "?");
        return;
    }
    if (is_usual(&tm, size)) {
        put_iso(&tm, ms, out);
        return;
    }
    snprintf(out, size, "%04d-%02d-%02dT%02d:%02d:%02d.%03dZ", tm.tm_year + 1900,
             tm.tm_mon + 1, tm.tm_mday, tm.tm_hour, tm.tm_min, tm.tm_sec, ms);
}

void time_local(int64_t at_ms, char *out, size_t size)
{
    struct tm tm;
    int ms;
    time_t s = seconds_of(at_ms, &ms);
    if (!localtime_r(&s, &tm) || !strftime(out, size, "%Y-%m-%d %H:%M", &tm)) {
        snprintf(out, size, "?");
    }
}

void time_span(int64_t ms, char *out, size_t size)
{
    int64_t s = ms < 0 ? 0 : ms / 1000;
    if (s < 60) {
        snprintf(out, size, "%" PRId64 "s", s);
    } else if (s < 3600) {
        snprintf(out, size, "%" PRId64 "m %" PRId64 "s", s / 60, s % 60);
    } else if (s < 86400) {
        snprintf(out, size, "%" PRId64 "h %" PRId64 "m", s / 3600, s / 60 % 60);
    } else {
        snprintf(out, size, "%" PRId64 "d %" PRId64 "h", s / 86400, s / 3600 % 24);
    }
}

void time_clock(int64_t ms, char *out, size_t size)
{
    int64_t s = ms < 0 ? 0 : ms / 1000;
    if (s < 3600) {
        snprintf(out, size, "%" PRId64 ":%02" PRId64, s / 60, s % 60);
    } else {
        snprintf(out, size, "%" PRId64 ":%02" PRId64 ":%02" PRId64, s / 3600, s / 60 % 60,
                 s % 60);
    }
}

// ---- what a person types

static bool parse_ago(const char *s, int64_t now_ms, int64_t *out)
{
    static const struct {
        char letter;
        int64_t ms;
    } units[] = {
        {'s', 1000}, {'m', 60000}, {'h', 3600000}, {'d', 86400000}, {'w', 604800000}};
    int64_t n = 0;
    int digits = 0;
    for (; isdigit((unsigned char)*s) && digits < 7; s++, digits++) {
        n = n * 10 + (*s - '0');
    }
    for (size_t i = 0; digits && i < sizeof(units) / sizeof(units[0]); i++) {
        if (s[0] == units[i].letter && s[1] == 0) {
            *out = now_ms - n * units[i].ms;
            return true;
        }
    }
    return false;
}

// Midnight (local) that begins the day so many days from now; days differ in length.
static int64_t day_start(int64_t now_ms, int days)
{
    time_t s = (time_t)(now_ms / 1000);
    struct tm tm;
    localtime_r(&s, &tm);
    tm.tm_mday += days;
    tm.tm_hour = tm.tm_min = tm.tm_sec = 0;
    tm.tm_isdst = -1;
    return (int64_t)mktime(&tm) * 1000;
}

// "Z", "+01:00", "-0530"; NULL when it is neither.  The minutes to subtract go to *minutes.
static const char *parse_zone(const char *s, int *minutes)
{
    int h, m, n = 0;
    if (*s == 'Z' || *s == 'z') {
        *minutes = 0;
        return s + 1;
    }
    if (*s != '+' && *s != '-') {
        return NULL;
    }
    if (sscanf(s + 1, "%2d:%2d%n", &h, &m, &n) != 2 &&
        sscanf(s + 1, "%2d%2d%n", &h, &m, &n) != 2) {
        return NULL;
    }
    if (h > 23 || m > 59 || h < 0 || m < 0) {
        return NULL;
    }
    *minutes = (*s == '-' ? -1 : 1) * (h * 60 + m);
    return s + 1 + n;
}

static bool same_day(const struct tm *a, const struct tm *b)
{
    return a->tm_year == b->tm_year && a->tm_mon == b->tm_mon && a->tm_mday == b->tm_mday;
}

// mktime and timegm accept the 31st of February and move it.
static bool to_ms(struct tm *tm, bool is_utc, int64_t *out)
{
    struct tm asked = *tm;
    tm->tm_isdst = -1;
    time_t t = is_utc ? timegm(tm) : mktime(tm);
    *out = (int64_t)t * 1000;
    return same_day(&asked, tm);
}

// hh:mm[:ss[.fff]] [zone]; false when something else stands there.
static bool parse_clock(const char *s, struct tm *tm, int64_t *out)
{
    int n = 0;
    int fraction = 0;
    int zone = 0;
    if (sscanf(s, "%2d:%2d%n", &tm->tm_hour, &tm->tm_min, &n) != 2 || n != 5) {
        return false;
    }
    s += n;
    if (*s == ':' && sscanf(s, ":%2d%n", &tm->tm_sec, &n) == 1) {
        s += n;
    }
    if (*s == '.' && isdigit((unsigned char)s[1])) {
        int place = 100;
        for (s++; isdigit((unsigned char)*s); s++, place /= 10) {
            fraction += (*s - '0') * place;
        }
    }
    if (tm->tm_hour < 0 || tm->tm_hour > 23 || tm->tm_min < 0 || tm->tm_min > 59 ||
        tm->tm_sec < 0 || tm->tm_sec > 60) {
        return false;
    }
    const char *end = parse_zone(s, &zone);
    if (*(end ? end : s) || !to_ms(tm, end != NULL, out)) {
        return false;
    }
    *out += fraction - (int64_t)zone * 60000;
    return true;
}

static bool parse_date(const char *s, bool is_end, int64_t *out)
{
    struct tm tm = {0};
    int n = 0;
    if (sscanf(s, "%4d-%2d-%2d%n", &tm.tm_year, &tm.tm_mon, &tm.tm_mday, &n) != 3 ||
        n != 10) {
        return false;
    }
    tm.tm_year -= 1900;
    tm.tm_mon -= 1;
    s += n;
    if (*s == 'T' || *s == 't' || *s == ' ') {
        return parse_clock(s + 1, &tm, out);
    }
    if (*s || !to_ms(&tm, false, out)) {
        return false;
    }
    if (is_end) {
        *out = day_start(*out, 1) - 1;
    }
    return true;
}

bool time_parse(const char *s, int64_t now_ms, bool is_end, int64_t *out)
{
    if (strcasecmp(s, "now") == 0) {
        *out = now_ms;
        return true;
    }
    int back = strcasecmp(s, "today") == 0 ? 0 : strcasecmp(s, "yesterday") == 0 ? -1 : 1;
    if (back <= 0) {
        *out = is_end ? day_start(now_ms, back + 1) - 1 : day_start(now_ms, back);
        return true;
    }
    return parse_ago(s, now_ms, out) || parse_date(s, is_end, out);
}

// ---- counts and sizes

void count_text(int64_t n, char *out, size_t size)
{
    char digits[32];
    int len = snprintf(digits, sizeof(digits), "%" PRId64, n < 0 ? -n : n);
    size_t o = 0;
    if (n < 0 && size > 1) {
        out[o++] = '-';
    }
    for (int i = 0; i < len && o + 2 < size; i++) {
        if (i && (len - i) % 3 == 0) {
            out[o++] = ',';
        }
        out[o++] = digits[i];
    }
    out[o] = 0;
}

void bytes_text(int64_t n, char *out, size_t size)
{
    static const char *const units[] = {"B", "kB", "MB", "GB", "TB"};
    double value = (double)n;
    int u = 0;
    while (value >= 999.95 && u < 4) {
        value /= 1000;
        u++;
    }
    snprintf(out, size, u ? "%.1f %s" : "%.0f %s", value, units[u]);
}
