// rules_hours.c -- times of the week: "mon-fri 09:00-17:00".
// SPDX-License-Identifier: MIT
#include "privacy/rules_hours.h"

#include <string.h>
#include <strings.h>

static const char *skip_blanks(const char *s)
{
    return s + strspn(s, " ");
}

// One day's name at *s, which moves behind it; -1 = none.
static int parse_day(const char **s)
{
    static const char *const names[] = {"monday", "tuesday",  "wednesday", "thursday",
                                        "friday", "saturday", "sunday"};
    const char *at = skip_blanks(*s);
    size_t len = strspn(at, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ");
    for (int i = 0; i < 7; i++) {
        bool is_name = len == 3 || len == strlen(names[i]);
        if (is_name && strncasecmp(at, names[i], len) == 0) {
            *s = skip_blanks(at + len);
            return i;
        }
    }
    return -1;
}

// "mon-wed,sat" at *s; 0 = something else.  A range may go over the week's end.
static unsigned parse_days(const char **s)
{
    unsigned days = 0;
    for (;;) {
        int first = parse_day(s);
        int last = first;
        if (**s == '-') {
            (*s)++;
            last = parse_day(s);
        }
        if (first < 0 || last < 0) {
            return 0;
        }
        for (int i = first; i != last; i = (i + 1) % 7) {
            days |= 1u << i;
        }
        days |= 1u << last;
        if (**s != ',') {
            return days;
        }
        (*s)++;
    }
}

// At most two digits; -1 = none.
static int parse_two(const char **s)
{
    size_t len = strspn(*s, "0123456789");
    if (len < 1 || len > 2) {
        return -1;
    }
    int n = (*s)[0] - '0';
    if (len == 2) {
        n = n * 10 + (*s)[1] - '0';
    }
    *s += len;
    return n;
}

// "9:00" to "24:00"; -1 = none.
static int parse_time(const char **s)
{
    *s = skip_blanks(*s);
    int hours = parse_two(s);
    if (hours < 0 || **s != ':') {
        return -1;
    }
    (*s)++;
    int minutes = parse_two(s);
    if (minutes < 0 || minutes > 59 || hours * 60 + minutes > RULE_DAY_MINUTES) {
        return -1;
    }
    return hours * 60 + minutes;
}

bool rule_hours_parse(const char *text, struct rule_hours *out)
{
    const char *s = skip_blanks(text);
    *out = (struct rule_hours){.days = 0x7f, .end = RULE_DAY_MINUTES};
    bool has_days = *s && !strchr("0123456789", *s);
    if (has_days) {
        out->days = parse_days(&s);
    }
    if (out->days == 0 || (has_days && *s == 0)) {
        return out->days != 0;
    }
    out->start = parse_time(&s);
    s = skip_blanks(s);
    if (out->start < 0 || *s != '-') {
        return false;
    }
    s++;
    out->end = parse_time(&s);
    return out->end >= 0 && out->end != out->start && out->start < RULE_DAY_MINUTES &&
           *skip_blanks(s) == 0;
}

bool rule_hours_match(const struct rule_hours *h, int minute_of_week)
{
    int day = minute_of_week / RULE_DAY_MINUTES % 7;
    int minute = minute_of_week % RULE_DAY_MINUTES;
    bool is_today = h->days & 1u << day;
    bool was_yesterday = h->days & 1u << (day + 6) % 7;
    if (h->start < h->end) {
        return is_today && minute >= h->start && minute < h->end;
    }
    return (is_today && minute >= h->start) || (was_yesterday && minute < h->end);
}
