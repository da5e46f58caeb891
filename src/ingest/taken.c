// taken.c -- dates and times as people's programs write them.
// SPDX-License-Identifier: MIT
#include "ingest/taken.h"

#include <ctype.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <time.h>

enum { LOCAL_TIME = 1 << 20 };  // as offset: not UTC plus minutes, but the local zone

struct moment {
    int year, month, day, hour, minute, second;
    int ms;
    int offset_min;  // east of UTC, or LOCAL_TIME
};

// Reads n digits; returns what follows, or NULL.
static const char *digits(const char *p, int n, int *out)
{
    int value = 0;
    for (int i = 0; p && i < n; i++) {
        if (!isdigit((unsigned char)p[i])) {
            return NULL;
        }
        value = value * 10 + (p[i] - '0');
    }
    *out = value;
    return p ? p + n : NULL;
}

// One of the characters in set (which may end in "" = also none); returns what follows.
static const char *one_of(const char *p, const char *set)
{
    return p && *p && strchr(set, *p) ? p + 1 : NULL;
}

static const char *maybe(const char *p, const char *set)
{
    const char *next = one_of(p, set);
    return next ? next : p;
}

static int days_in_month(int year, int month)
{
    static const int days[] = {31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31};
    bool is_leap = (year % 4 == 0 && year % 100 != 0) || year % 400 == 0;
    return days[month - 1] + (month == 2 && is_leap);
}

static bool is_moment(const struct moment *m)
{
    return m->year >= 1990 && m->year <= 2200 && m->month >= 1 && m->month <= 12 &&
           m->day >= 1 && m->day <= days_in_month(m->year, m->month) && m->hour >= 0 &&
           m->hour <= 23 && m->minute >= 0 && m->minute <= 59 && m->second >= 0 &&
           m->second <= 60;
}

static int64_t to_unix_ms(const struct moment *m)
{
    if (!is_moment(m)) {
        return 0;
    }
    struct tm tm = {.tm_year = m->year - 1900,
                    .tm_mon = m->month - 1,
                    .tm_mday = m->day,
                    .tm_hour = m->hour,
                    .tm_min = m->minute,
                    .tm_sec = m->second,
                    .tm_isdst = -1};
    bool is_local = m->offset_min == LOCAL_TIME;
    time_t t = is_local ? mktime(&tm) : timegm(&tm) - (time_t)m->offset_min * 60;
    return t > 0 ? (int64_t)t * 1000 + m->ms : 0;
}

// YYYY sep MM sep DD
static const char *date(const char *p, const char *sep, struct moment *m)
{
    p = maybe(digits(p, 4, &m->year), sep);
    p = maybe(digits(p, 2, &m->month), sep);
    return digits(p, 2, &m->day);
}

int64_t taken_from_stamp(const char *text)
{
    struct moment m = {0};
    const char *p = one_of(date(text, "", &m), "-");
    p = digits(digits(digits(p, 2, &m.hour), 2, &m.minute), 2, &m.second);
    return p && *p == 0 ? to_unix_ms(&m) : 0;
}

// "Z", "+HH:MM", "+HHMM", "+HH"; "" is local.  false = none of them.
static bool zone(const char *p, int *offset_min)
{
    if (*p == 0) {
        *offset_min = LOCAL_TIME;
        return true;
    }
    if (strcmp(p, "Z") == 0 || strcmp(p, "z") == 0) {
        *offset_min = 0;
        return true;
    }
    int sign = *p == '-' ? -1 : 1;
    int hour = 0;
    int minute = 0;
    p = digits(one_of(p, "+-"), 2, &hour);
    if (p && *p) {
        p = digits(maybe(p, ":"), 2, &minute);
    }
    *offset_min = sign * (hour * 60 + minute);
    return p && *p == 0 && hour <= 14 && minute <= 59;
}

int64_t taken_from_exif(const char *text, const char *offset)
{
    struct moment m = {0};
    const char *p = one_of(date(text, ":", &m), " ");
    p = one_of(digits(p, 2, &m.hour), ":");
    p = one_of(digits(p, 2, &m.minute), ":");
    p = digits(p, 2, &m.second);
    if (!p || !zone(offset, &m.offset_min)) {
        return 0;
    }
    return to_unix_ms(&m);
}

static const char *fraction(const char *p, int *ms)
{
    int scale = 100;
    while (isdigit((unsigned char)*p)) {
        *ms += (*p++ - '0') * scale;
        scale /= 10;
    }
    return p;
}

int64_t taken_from_iso(const char *text)
{
    struct moment m = {0};
    const char *p = one_of(date(text, "-", &m), "Tt ");
    p = digits(maybe(digits(p, 2, &m.hour), ":"), 2, &m.minute);
    if (p && (*p == ':' || isdigit((unsigned char)*p))) {
        p = digits(maybe(p, ":"), 2, &m.second);
        if (p && (*p == '.' || *p == ',')) {
            p = fraction(p + 1, &m.ms);
        }
    }
    return p && zone(p, &m.offset_min) ? to_unix_ms(&m) : 0;
}

int64_t taken_from_unix(double value)
{
    // 1e11 seconds is the year 5138; 1e11 milliseconds is 1973.
    double ms = value < 1e11 ? value * 1000 : value;
    return ms >= 1 && ms < 7.3e12 ? (int64_t)llround(ms) : 0;
}

// Blanks, "_", "T", "-", " at ", a few letters of any language; not digits.
static const char *between(const char *p)
{
    for (int i = 0; p && i < 16; i++, p++) {
        if (isdigit((unsigned char)*p) || *p == 0) {
            return p;
        }
    }
    return NULL;
}

// " PM", "PM", also behind the narrow blank U+202F that macOS writes.
static void twelve_hours(const char *p, struct moment *m)
{
    p += *p == ' ';
    p += strncmp(p, "\xe2\x80\xaf", 3) == 0 ? 3 : 0;
    bool is_pm = strncasecmp(p, "pm", 2) == 0;
    bool is_am = strncasecmp(p, "am", 2) == 0;
    if ((is_pm || is_am) && m->hour >= 1 && m->hour <= 12) {
        m->hour = m->hour % 12 + (is_pm ? 12 : 0);
    }
}

// HH sep MM [sep SS] [am|pm]; one digit of hours only with a separator.
static const char *clock_time(const char *p, struct moment *m)
{
    static const char *const seps = "-.:_h";
    const char *next = digits(p, 2, &m->hour);
    if (!next) {
        next = digits(p, 1, &m->hour);
        if (!next || !one_of(next, seps)) {
            return NULL;
        }
    }
    p = digits(maybe(next, seps), 2, &m->minute);
    if (!p) {
        return NULL;
    }
    next = digits(maybe(p, seps), 2, &m->second);
    if (!next) {
        m->second = 0;
    }
    p = next ? next : p;
    twelve_hours(p, m);
    return p;
}

int64_t taken_from_name(const char *name)
{
    bool was_digit = false;
    for (const char *p = name; *p; p++) {
        bool starts_number = isdigit((unsigned char)*p) && !was_digit;
        was_digit = isdigit((unsigned char)*p);
        if (!starts_number) {
            continue;
        }
        struct moment m = {.offset_min = LOCAL_TIME};
        const char *rest = clock_time(between(date(p, "-_.", &m)), &m);
        int64_t ms = rest && !isdigit((unsigned char)*rest) ? to_unix_ms(&m) : 0;
        if (ms) {
            return ms;
        }
    }
    return 0;
}

int64_t taken_correct_dst(int64_t stamp_ms, int64_t name_ms)
{
    time_t t = (time_t)(name_ms / 1000);
    struct tm tm;
    if (!stamp_ms || !name_ms || !localtime_r(&t, &tm) || tm.tm_isdst <= 0) {
        return stamp_ms;
    }
    return llabs(llabs(stamp_ms - name_ms) - 3600000) <= 5000 ? name_ms : stamp_ms;
}

bool taken_is_tracker_name(const char *name)
{
    static const char *const shape = "screenshot-dddddddd-dddddd-of-";
    size_t i = 0;
    for (; shape[i]; i++) {
        bool fits =
            shape[i] == 'd' ? isdigit((unsigned char)name[i]) != 0 : name[i] == shape[i];
        if (!fits) {
            return false;
        }
    }
    const char *dot = strrchr(name + i, '.');
    return dot && dot > name + i && strcasecmp(dot, ".webp") == 0;
}
