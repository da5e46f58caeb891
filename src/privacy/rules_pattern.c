// rules_pattern.c -- patterns of all kinds, compiled by PCRE2, matched within limits.
//
// One engine for all kinds, so that letters are compared the same way in each.  A glob is
// written as a regular expression that never tries a second place for a star but the last:
// the first place where what follows it stands is as good as any, and a*b*c*d costs no more
// than a text search.  (pcre2_pattern_convert is experimental, and 10.42 turns [!a] into
// [^sa].)
// SPDX-License-Identifier: MIT
#include "privacy/rules_pattern.h"

#include "base/buf.h"
#include "base/mem.h"
#include "base/utf8.h"
#include "privacy/rules_text.h"

#include <stdlib.h>
#include <string.h>

#define PCRE2_CODE_UNIT_WIDTH 8
#include <pcre2.h>

// The limit counts anew from each place of the text where a match may begin.  Measured: a
// usual expression on a title of 500 bytes needs under 10000 and 0.1 ms; one that runs into
// the limit ends within 2 ms, and the worst on a text of 8 KiB within a second.
enum {
    MATCH_LIMIT = 100000,
    HEAP_LIMIT_KIB = 4096,
    STACK_MIN = 16 << 10,
    STACK_MAX = 512 << 10,
    MAX_PATTERN = 16384,
    SHOWN = 64,
};

enum {
    ANY_KIND = PCRE2_CASELESS | PCRE2_UTF,
    GLOB = ANY_KIND | PCRE2_DOTALL,
    REGEX = ANY_KIND | PCRE2_DOTALL | PCRE2_UCP | PCRE2_DOLLAR_ENDONLY |
            PCRE2_NEVER_BACKSLASH_C,
    PART = ANY_KIND | PCRE2_LITERAL,
};

struct rule_matcher {
    pcre2_compile_context *compile;  // owned, all of them
    pcre2_match_context *match;
    pcre2_jit_stack *stack;
    pcre2_match_data *data;
};

struct rule_pattern {
    pcre2_code *code;   // owned; NULL: not needed yet
    const char *regex;  // borrowed: for life; of rule_pattern_new
    bool was_used;
};

int rule_matcher_open(struct rule_matcher **out)
{
    struct rule_matcher *m = mem_new(struct rule_matcher);
    *out = m;
    m->compile = pcre2_compile_context_create(NULL);
    m->match = pcre2_match_context_create(NULL);
    m->stack = pcre2_jit_stack_create(STACK_MIN, STACK_MAX, NULL);
    m->data = pcre2_match_data_create(1, NULL);
    if (!m->compile || !m->match || !m->data) {
        rule_matcher_close(m);
        *out = NULL;
        return E_NOMEM;
    }
    pcre2_set_max_pattern_length(m->compile, MAX_PATTERN);
    pcre2_set_match_limit(m->match, MATCH_LIMIT);
    pcre2_set_heap_limit(m->match, HEAP_LIMIT_KIB);
    if (m->stack) {
        pcre2_jit_stack_assign(m->match, NULL, m->stack);
    }
    return 0;
}

void rule_matcher_close(struct rule_matcher *m)
{
    if (m) {
        pcre2_compile_context_free(m->compile);
        pcre2_match_context_free(m->match);
        pcre2_jit_stack_free(m->stack);
        pcre2_match_data_free(m->data);
        free(m);
    }
}

// ---- compiling

static int bad(struct err *e, const char *text, const char *kind, int rc, size_t place)
{
    char shown[SHOWN];
    char words[128] = "";
    utf8_clean(text, strlen(text), shown, sizeof(shown));
    pcre2_get_error_message(rc, (PCRE2_UCHAR *)words, sizeof(words));
    return err_set(e, E_CONFIG, "\"%s\" is no %s: %s (at character %zu)", shown, kind,
                   words, place);
}

// Characters before the byte at.
static size_t count_chars(const char *s, size_t at)
{
    size_t n = 0;
    for (size_t i = 0; i < at && s[i]; i++) {
        n += (s[i] & 0xc0) != 0x80;
    }
    return n;
}

// source is what is compiled, a part of or made from text, which people know.
static int compile(struct rule_pattern **out, const struct rule_matcher *m,
                   const char *source, size_t len, uint32_t options, int *rc,
                   size_t *place)
{
    PCRE2_SIZE at = 0;
    pcre2_code *code =
        pcre2_compile((PCRE2_SPTR)source, len, options, rc, &at, m->compile);
    if (!code) {
        *place = count_chars(source, at) + 1;
        return *rc == PCRE2_ERROR_HEAP_FAILED ? E_NOMEM : E_CONFIG;
    }
    *out = mem_new(struct rule_pattern);
    (*out)->code = code;
    return 0;
}

// The expression between the prefix and the end of text.
static int open_regex(struct rule_pattern **out, const struct rule_matcher *m,
                      const char *text, size_t prefix, size_t suffix, struct err *e)
{
    size_t len = strlen(text) - prefix - suffix;
    size_t place = 0;
    int why = 0;
    if (len == 0) {
        return err_set(e, E_CONFIG, "\"%s\" is an empty regular expression", text);
    }
    int rc = compile(out, m, text + prefix, len, REGEX, &why, &place);
    return rc == E_CONFIG ? bad(e, text, "regular expression", why, prefix + place) : rc;
}

static int add_literal(struct buf *out, const char *s, size_t n)
{
    bool is_special =
        n == 1 && (unsigned char)*s < 0x80 && strchr("\\^$.[]|()?*+{}-#", *s);
    int rc = is_special ? buf_add_str(out, "\\") : 0;
    return rc ? rc : buf_add(out, s, n);
}

// The length of "[...]" at s, or 0: then the bracket is a character like any other.
static size_t class_length(const char *s)
{
    size_t n = 1 + (s[1] == '!' || s[1] == '^');
    n += s[n] == ']';
    while (s[n] && s[n] != ']') {
        n += s[n] == '\\' && s[n + 1] ? 2 : 1;
    }
    return s[n] ? n + 1 : 0;
}

static int add_class(struct buf *out, const char *s, size_t len)
{
    size_t i = 1 + (s[1] == '!' || s[1] == '^');
    int rc = buf_add_str(out, i == 2 ? "[^" : "[");
    for (; i < len - 1 && rc == 0; i++) {
        if (s[i] == '-') {
            rc = buf_add_str(out, "-");
            continue;
        }
        i += s[i] == '\\' && i + 1 < len - 1;
        rc = add_literal(out, s + i, 1);
    }
    return rc ? rc : buf_add_str(out, "]");
}

// One element of a glob but the star; returns its length.
static size_t add_element(struct buf *out, const char *s, int *rc)
{
    size_t len = *s == '[' ? class_length(s) : 0;
    if (*s == '?') {
        *rc = buf_add_str(out, ".");
        return 1;
    }
    if (len) {
        *rc = add_class(out, s, len);
        return len;
    }
    size_t skip = *s == '\\' && s[1];
    len = utf8_char(s + skip, strlen(s + skip));
    *rc = add_literal(out, s + skip, len);
    return skip + len;
}

// a*b*c -> \Aa(?>.*?b).*c\z
static int glob_to_regex(const char *glob, struct buf *out)
{
    const char *last = NULL;
    bool is_open = false;
    int rc = buf_add_str(out, "\\A");
    for (const char *s = glob; *s; s += *s == '\\' && s[1] ? 2 : 1) {
        last = *s == '*' ? s : last;
    }
    for (const char *s = glob; *s && rc == 0;) {
        if (*s != '*') {
            s += add_element(out, s, &rc);
            continue;
        }
        rc = is_open ? buf_add_str(out, ")") : 0;
        is_open = s < last;
        if (rc == 0) {
            rc = buf_add_str(out, is_open ? "(?>.*?" : ".*");
        }
        s++;
    }
    return rc ? rc : buf_add_str(out, "\\z");
}

static int open_glob(struct rule_pattern **out, const struct rule_matcher *m,
                     const char *glob, struct err *e)
{
    struct buf regex = {.max_bytes = MAX_PATTERN};
    size_t place = 0;
    int why = 0;
    int rc = glob_to_regex(glob, &regex);
    if (rc == 0) {
        rc = compile(out, m, buf_str(&regex), regex.len, GLOB, &why, &place);
        rc = rc == E_CONFIG ? bad(e, glob, "pattern", why, place) : rc;
    } else if (rc == E_TOOBIG) {
        rc = err_set(e, E_CONFIG, "this pattern is too long");
    }
    buf_fini(&regex);
    return rc;
}

// /.../ with letters behind it, as other programs have it: taken as a text it would never
// match anything.
static bool has_flags(const char *text)
{
    const char *end = strrchr(text, '/');
    size_t n = strlen(end + 1);
    return end > text + 1 && n > 0 && n <= 3 && strspn(end + 1, "imsxug") == n;
}

int rule_pattern_open(struct rule_pattern **out, const struct rule_matcher *m,
                      const char *text, bool has_slashes, struct err *e)
{
    char plain[MAX_PATTERN / 2];
    size_t len = strlen(text);
    bool may_be_regex = !has_slashes && text[0] == '/' && len > 1;
    *out = NULL;
    if (strncmp(text, "re:", 3) == 0) {
        return open_regex(out, m, text, 3, 0, e);
    }
    if (may_be_regex && text[len - 1] == '/') {
        return open_regex(out, m, text, 1, 1, e);
    }
    if (may_be_regex && has_flags(text)) {
        return err_set(e, E_CONFIG,
                       "\"%s\": letters behind the last / are not understood; case is "
                       "ignored anyway, and re:... takes (?flags)",
                       text);
    }
    if (!rule_text(text, plain, sizeof(plain)) || plain[strspn(plain, " ")] == 0) {
        return err_set(e, E_CONFIG, "this pattern is %s",
                       *plain ? "too long or nothing but blanks" : "empty");
    }
    if (strpbrk(plain, "*?")) {
        return open_glob(out, m, plain, e);
    }
    size_t place;
    int why;
    int rc = compile(out, m, plain, strlen(plain), PART, &why, &place);
    return rc == E_CONFIG ? bad(e, text, "pattern", why, place) : rc;
}

struct rule_pattern *rule_pattern_new(const char *regex)
{
    struct rule_pattern *p = mem_new(struct rule_pattern);
    p->regex = regex;
    return p;
}

void rule_pattern_close(struct rule_pattern *p)
{
    if (p) {
        pcre2_code_free(p->code);
        free(p);
    }
}

// Most commands load the configuration and never look at a picture: what no message depends
// on is done at the first match.  Machine code takes four times as long as compiling; where
// there is none the interpreter does the same.
static bool prepare(struct rule_pattern *p, const struct rule_matcher *m)
{
    PCRE2_SIZE place;
    int why;
    if (!p->code) {
        p->code = pcre2_compile((PCRE2_SPTR)p->regex, PCRE2_ZERO_TERMINATED, REGEX, &why,
                                &place, m->compile);
    }
    if (p->code) {
        pcre2_jit_compile(p->code, PCRE2_JIT_COMPLETE);
        p->was_used = true;
    }
    return p->was_used;
}

enum rule_answer rule_pattern_match(struct rule_pattern *p, const struct rule_matcher *m,
                                    const char *text, size_t len)
{
    if (!p->was_used && !prepare(p, m)) {
        return RULE_DOUBT;
    }
    int rc = pcre2_match(p->code, (PCRE2_SPTR)text, len, 0, 0, m->data, m->match);
    if (rc >= 0) {
        return RULE_YES;
    }
    return rc == PCRE2_ERROR_NOMATCH ? RULE_NO : RULE_DOUBT;
}
