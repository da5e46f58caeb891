// find_email.c -- e-mail addresses, and passwords inside of addresses of services.
// Source: RFC 5321 (lengths), RFC 3986 (userinfo).
// SPDX-License-Identifier: MIT
#include "privacy/find_scan.h"

enum { LOCAL_MAX = 64, DOMAIN_MAX = 253, USERINFO_MAX = 160 };

static bool is_local(const struct scan *s, size_t i)
{
    unsigned char c = byte_at(s, i);
    return class_at(s, i) & (IS_ALNUM | IS_HIGH) ||
           (c && strchr(".!#$%&'*+-/=?^_{|}~", c));
}

// Ends of names that are no domains: files, units of systemd, names of code.
static bool is_no_domain(const struct scan *s, size_t begin, size_t end)
{
    static const char *const ends[] = {
        "png",         "jpg",      "jpeg",  "gif",   "svg",    "webp",  "ico",
        "pdf",         "zip",      "gz",    "js",    "ts",     "css",   "json",
        "html",        "xml",      "yaml",  "yml",   "txt",    "md",    "java",
        "service",     "socket",   "timer", "mount", "target", "slice", "local",
        "localdomain", "internal", "so",    "dll",   "exe",    "conf",  "log",
        "mjs",         "cjs",      "tsx",   "jsx",   "scss",   NULL};
    return find_in_list(s, begin, end, ends);
}

// The end of a domain of two labels or more with a plausible last one; i if there is none.
static size_t read_domain(const struct scan *s, size_t i)
{
    size_t end = i, last = i;
    int labels = 0;
    while (end - i < DOMAIN_MAX) {
        size_t begin = end;
        while ((class_at(s, end) & (IS_ALNUM | IS_HIGH) || byte_at(s, end) == '-') &&
               end - begin < 63) {
            end++;
        }
        if (end == begin) {
            break;
        }
        labels++;
        last = begin;
        if (byte_at(s, end) != '.' || !(class_at(s, end + 1) & (IS_ALNUM | IS_HIGH))) {
            break;
        }
        end++;
    }
    s->out->work += end - i;
    while (end > last && byte_at(s, end - 1) == '-') {
        end--;
    }
    size_t letters = 0, bigs = 0, digits = 0;
    for (size_t k = last; k < end; k++) {
        letters += (class_at(s, k) & (IS_LETTER | IS_HIGH)) != 0;
        bigs += (class_at(s, k) & IS_UPPER) != 0;
        digits += (class_at(s, k) & IS_DIGIT) != 0;
    }
    bool is_top =
        letters >= 2 && digits == 0 && (bigs == 0 || bigs == letters || bigs == 1);
    return labels >= 2 && is_top && !is_no_domain(s, last, end) ? end : i;
}

static bool is_service_user(const struct scan *s, size_t begin, size_t at_sign,
                            size_t end)
{
    static const char *const users[] = {"git",    "hg",    "svn",      "this", "super",
                                        "return", "break", "continue", NULL};
    bool is_ssh = byte_at(s, end) == ':' && find_is_word(s, begin, at_sign, "git");
    bool is_jump = find_in_list(s, begin, at_sign, users + 3);
    return is_ssh || is_jump || find_in_list(s, begin, at_sign, users);
}

void find_email(struct scan *s, size_t at_sign)
{
    size_t begin = at_sign, end = read_domain(s, at_sign + 1);
    if (end == at_sign + 1 || byte_at(s, end) == '@') {
        return;
    }
    while (begin > s->from && at_sign - begin < LOCAL_MAX && is_local(s, begin - 1)) {
        begin--;
    }
    s->out->work += at_sign - begin;
    while (begin < at_sign && !(class_at(s, begin) & (IS_ALNUM | IS_HIGH)) &&
           byte_at(s, begin) != '_') {
        begin++;
    }
    // what stands before a sign of assignment is no part of the name: user=x@example.com
    for (size_t i = at_sign; i > begin; i--) {
        bool is_quote = s->text[i - 1] == '\'' && !(class_before(s, i - 1) & IS_ALNUM);
        if (is_quote || strchr("=/|", s->text[i - 1])) {
            begin = i;
            break;
        }
    }
    if (begin == at_sign || is_service_user(s, begin, at_sign, end)) {
        return;
    }
    find_add(s, PRIVACY_EMAIL, begin, end, privacy_category_weight(PRIVACY_EMAIL));
}

// scheme://user:password@host; false: the sign is none of these.
bool find_url_password(struct scan *s, size_t at_sign)
{
    size_t begin = at_sign, colon = 0;
    for (; begin > s->from && at_sign - begin < USERINFO_MAX; begin--) {
        unsigned char c = s->text[begin - 1];
        if (c <= ' ' || c == '"' || c == '<' || c == '@' || c == '\'') {
            break;
        }
        if (c == '/') {
            break;
        }
        colon = c == ':' ? begin - 1 : colon;
    }
    s->out->work += at_sign - begin;
    bool is_url = begin >= 3 && has_at(s, begin - 3, "://");
    size_t first = colon + 1;
    if (!is_url || !colon || first >= at_sign) {
        return false;
    }
    unsigned char c = s->text[first];
    bool is_variable =
        c == '$' || c == '<' || c == '{' || c == '[' || c == '%' || c == '*';
    if (!is_variable) {
        find_add(s, PRIVACY_PASSWORD, first, at_sign,
                 privacy_category_weight(PRIVACY_PASSWORD));
    }
    return true;
}
