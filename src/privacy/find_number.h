// find_number.h -- groups of digits as they stand in a text, and the checks on them.
// SPDX-License-Identifier: MIT
#ifndef VLMD_PRIVACY_FIND_NUMBER_H
#define VLMD_PRIVACY_FIND_NUMBER_H

#include "privacy/find_scan.h"

enum { NUMBER_DIGITS = 40, NUMBER_GROUPS = 12, PART_DIGITS = 19 };

// "4111 1111-1111.1111": digits and how they are grouped.
struct number {
    size_t begin;
    bool follows_number;  // digits stand before it, with only blanks between
    int groups;
    uint8_t digits[NUMBER_DIGITS];
    int n;
    uint8_t size[NUMBER_GROUPS];     // digits of each group
    uint8_t misread[NUMBER_GROUPS];  // how many of them are letters
    size_t end[NUMBER_GROUPS];
    char joint[NUMBER_GROUPS];  // what follows: one of " \n-./", 0 after the last
};

// The first groups of a number, looked at as one number of at most PART_DIGITS.
struct part {
    const struct number *num;
    int groups;
    int n;        // digits
    int misread;  // letters among them
    size_t end;
    bool is_isolated;               // no other number stands in the row
    char sizes[NUMBER_GROUPS + 1];  // "4444"
};

// false: no number begins at i.
bool find_read_number(const struct scan *s, size_t i, struct number *num);
// The first groups; false if another group is joined on so closely that they are no unit.
bool find_part(const struct number *num, int groups, struct part *part);
// Every joint between the groups is one of joints.
bool find_joined_by(const struct part *part, const char *joints);
// The joints are those of one of the forms between bars: one for all, or one each.
bool find_joined_as(const struct part *part, const char *joints);

bool find_luhn(const uint8_t *d, int n);
bool find_card(struct scan *s, const struct part *p);
bool find_ssn(struct scan *s, const struct part *p);
bool find_id(struct scan *s, const struct part *p);

#endif
