// rules_hours.h -- times of the week: "mon-fri 09:00-17:00".
// SPDX-License-Identifier: MIT
#ifndef VLMD_PRIVACY_RULES_HOURS_H
#define VLMD_PRIVACY_RULES_HOURS_H

#include <stdbool.h>

enum { RULE_DAY_MINUTES = 24 * 60, RULE_WEEK_MINUTES = 7 * RULE_DAY_MINUTES };

// On each of days from start to end (minutes of the day, end not included); an end before the
// start is on the day after.
struct rule_hours {
    unsigned days;  // bit 0 = Monday
    int start, end;
};

// "sat,sun", "mon-fri 09:00-17:00", "22:00-06:00" (every day).  false: it is none of these.
bool rule_hours_parse(const char *text, struct rule_hours *out);
bool rule_hours_match(const struct rule_hours *h, int minute_of_week);

#endif
