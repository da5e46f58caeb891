// find_key.c -- API keys of known services by their beginnings.
//
// One row per form.  OCR's confusions are taken back in the beginning (AKlA is AKIA, a blank
// may stand for an underscore), and the key goes on behind a stray blank or a broken line
// while it is too short.
// Source: the services' pages on the format of their keys and on secret scanning.
// SPDX-License-Identifier: MIT
#include "privacy/find_scan.h"

#include <assert.h>

enum set { SET_HEX, SET_CAPS, SET_ALNUM, SET_URL, SET_BASE64, SET_DOTS, SET_PATH };

// How sure the beginning is: SHORT ones need a key that looks random.
enum kind { KIND_PLAIN, KIND_SHORT, KIND_BODY, KIND_URL };

static const struct key_rule {
    const char *start;
    enum set set;
    uint16_t min, max;  // characters behind the beginning
    enum kind kind;
} rules[] = {
    {"AKIA", SET_CAPS, 16, 16, KIND_PLAIN},
    {"ASIA", SET_CAPS, 16, 16, KIND_PLAIN},
    {"ABIA", SET_CAPS, 16, 16, KIND_PLAIN},
    {"ACCA", SET_CAPS, 16, 16, KIND_PLAIN},
    {"ghp_", SET_ALNUM, 36, 40, KIND_PLAIN},
    {"gho_", SET_ALNUM, 36, 40, KIND_PLAIN},
    {"ghu_", SET_ALNUM, 36, 40, KIND_PLAIN},
    {"ghs_", SET_ALNUM, 36, 40, KIND_PLAIN},
    {"ghr_", SET_ALNUM, 36, 80, KIND_PLAIN},
    {"github_pat_", SET_URL, 50, 100, KIND_PLAIN},
    {"glpat-", SET_URL, 20, 60, KIND_PLAIN},
    {"glptt-", SET_URL, 20, 60, KIND_PLAIN},
    {"gldt-", SET_URL, 20, 60, KIND_PLAIN},
    {"glrt-", SET_URL, 20, 60, KIND_PLAIN},
    {"glcbt-", SET_URL, 20, 60, KIND_PLAIN},
    {"glsoat-", SET_URL, 20, 60, KIND_PLAIN},
    {"glimt-", SET_URL, 20, 60, KIND_PLAIN},
    {"glagent-", SET_URL, 20, 80, KIND_PLAIN},
    {"xoxb-", SET_URL, 20, 120, KIND_PLAIN},
    {"xoxp-", SET_URL, 20, 120, KIND_PLAIN},
    {"xoxa-", SET_URL, 20, 120, KIND_PLAIN},
    {"xoxr-", SET_URL, 20, 120, KIND_PLAIN},
    {"xoxs-", SET_URL, 20, 120, KIND_PLAIN},
    {"xoxo-", SET_URL, 20, 120, KIND_PLAIN},
    {"xoxe-", SET_URL, 20, 250, KIND_PLAIN},
    {"xoxe.xoxp-", SET_URL, 20, 250, KIND_PLAIN},
    {"xapp-", SET_URL, 30, 200, KIND_PLAIN},
    {"AIza", SET_URL, 35, 35, KIND_PLAIN},
    {"ya29.", SET_DOTS, 20, 400, KIND_PLAIN},
    {"GOCSPX-", SET_URL, 24, 32, KIND_PLAIN},
    {"1//0", SET_URL, 30, 120, KIND_SHORT},
    {"sk-proj-", SET_URL, 20, 250, KIND_PLAIN},
    {"sk-svcacct-", SET_URL, 20, 250, KIND_PLAIN},
    {"sk-admin-", SET_URL, 20, 250, KIND_PLAIN},
    {"sk-ant-", SET_URL, 20, 250, KIND_PLAIN},
    {"sk-or-v1-", SET_HEX, 32, 80, KIND_PLAIN},
    {"sk-", SET_ALNUM, 32, 64, KIND_SHORT},
    {"sk_live_", SET_ALNUM, 16, 120, KIND_PLAIN},
    {"sk_test_", SET_ALNUM, 16, 120, KIND_PLAIN},
    {"rk_live_", SET_ALNUM, 16, 120, KIND_PLAIN},
    {"rk_test_", SET_ALNUM, 16, 120, KIND_PLAIN},
    {"whsec_", SET_BASE64, 24, 80, KIND_PLAIN},
    {"npm_", SET_ALNUM, 36, 36, KIND_SHORT},
    {"pypi-AgE", SET_URL, 40, 400, KIND_PLAIN},
    {"hf_", SET_ALNUM, 30, 40, KIND_SHORT},
    {"api_org_", SET_ALNUM, 30, 40, KIND_PLAIN},
    {"SG.", SET_DOTS, 50, 80, KIND_SHORT},
    {"SK", SET_HEX, 32, 32, KIND_SHORT},
    {"AC", SET_HEX, 32, 32, KIND_SHORT},
    {"dop_v1_", SET_HEX, 60, 70, KIND_PLAIN},
    {"doo_v1_", SET_HEX, 60, 70, KIND_PLAIN},
    {"dor_v1_", SET_HEX, 60, 70, KIND_PLAIN},
    {"key-", SET_HEX, 32, 32, KIND_SHORT},
    {"shpat_", SET_HEX, 32, 32, KIND_PLAIN},
    {"shpca_", SET_HEX, 32, 32, KIND_PLAIN},
    {"shppa_", SET_HEX, 32, 32, KIND_PLAIN},
    {"shpss_", SET_HEX, 32, 32, KIND_PLAIN},
    {"dapi", SET_HEX, 32, 34, KIND_SHORT},
    {"dkea", SET_HEX, 32, 34, KIND_SHORT},
    {"sq0atp-", SET_URL, 22, 22, KIND_PLAIN},
    {"sq0csp-", SET_URL, 43, 43, KIND_PLAIN},
    {"EAAA", SET_URL, 55, 70, KIND_SHORT},
    {"EAAC", SET_ALNUM, 80, 300, KIND_SHORT},
    {"mfa.", SET_URL, 60, 100, KIND_SHORT},
    {"lin_api_", SET_ALNUM, 32, 60, KIND_PLAIN},
    {"lin_oauth_", SET_ALNUM, 32, 80, KIND_PLAIN},
    {"secret_", SET_ALNUM, 43, 43, KIND_SHORT},
    {"ntn_", SET_ALNUM, 40, 60, KIND_SHORT},
    {"figd_", SET_URL, 36, 60, KIND_SHORT},
    {"ATATT3", SET_BASE64, 100, 250, KIND_PLAIN},
    {"dp.pt.", SET_ALNUM, 40, 50, KIND_PLAIN},
    {"glsa_", SET_URL, 32, 60, KIND_PLAIN},
    {"glc_", SET_BASE64, 40, 400, KIND_SHORT},
    {"hvs.", SET_URL, 24, 250, KIND_SHORT},
    {"hvb.", SET_URL, 24, 300, KIND_SHORT},
    {"pscale_tkn_", SET_URL, 32, 80, KIND_PLAIN},
    {"pscale_pw_", SET_URL, 32, 80, KIND_PLAIN},
    {"PMAK-", SET_URL, 50, 70, KIND_PLAIN},
    {"pul-", SET_HEX, 40, 40, KIND_SHORT},
    {"rubygems_", SET_HEX, 48, 48, KIND_PLAIN},
    {"sntrys_", SET_BASE64, 40, 250, KIND_PLAIN},
    {"sntryu_", SET_HEX, 64, 64, KIND_PLAIN},
    {"sbp_", SET_HEX, 40, 40, KIND_SHORT},
    {"tskey-", SET_URL, 20, 80, KIND_PLAIN},
    {"r8_", SET_ALNUM, 37, 37, KIND_SHORT},
    {"gsk_", SET_ALNUM, 52, 52, KIND_SHORT},
    {"pplx-", SET_ALNUM, 40, 60, KIND_SHORT},
    {"xai-", SET_ALNUM, 60, 90, KIND_SHORT},
    {"dckr_pat_", SET_URL, 27, 32, KIND_PLAIN},
    {"dckr_oat_", SET_URL, 27, 40, KIND_PLAIN},
    {"NRAK-", SET_CAPS, 27, 27, KIND_PLAIN},
    {"NRJS-", SET_HEX, 19, 19, KIND_PLAIN},
    {"dt0c01.", SET_DOTS, 60, 110, KIND_PLAIN},
    {"EZAK", SET_ALNUM, 54, 54, KIND_SHORT},
    {"FLWSECK", SET_URL, 20, 60, KIND_PLAIN},
    {"shippo_live_", SET_HEX, 40, 40, KIND_PLAIN},
    {"xkeysib-", SET_URL, 64, 90, KIND_PLAIN},
    {"aio_", SET_ALNUM, 28, 28, KIND_SHORT},
    {"CFPAT-", SET_URL, 43, 43, KIND_PLAIN},
    {"bkua_", SET_HEX, 40, 40, KIND_SHORT},
    {"sqp_", SET_HEX, 40, 40, KIND_SHORT},
    {"squ_", SET_HEX, 40, 40, KIND_SHORT},
    {"rdme_", SET_ALNUM, 70, 72, KIND_SHORT},
    {"pnu_", SET_ALNUM, 36, 36, KIND_SHORT},
    {"tfp_", SET_DOTS, 44, 70, KIND_SHORT},
    {"LTAI", SET_ALNUM, 16, 22, KIND_SHORT},
    {"AKID", SET_ALNUM, 32, 36, KIND_SHORT},
    {"nfp_", SET_ALNUM, 36, 40, KIND_SHORT},
    {"HRKU-", SET_URL, 36, 70, KIND_PLAIN},
    {"CLOJARS_", SET_HEX, 60, 60, KIND_PLAIN},
    {"ops_eyJ", SET_URL, 100, 900, KIND_PLAIN},
    {"sl.", SET_URL, 130, 152, KIND_SHORT},
    {"cio", SET_ALNUM, 32, 32, KIND_SHORT},
    {"oy2", SET_ALNUM, 43, 43, KIND_SHORT},
    {"sk.eyJ", SET_DOTS, 60, 200, KIND_PLAIN},
    {"AQVN", SET_URL, 35, 40, KIND_SHORT},
    {"hooks.slack.com/services/T", SET_PATH, 30, 80, KIND_URL},
    {"discord.com/api/webhooks/", SET_PATH, 60, 120, KIND_URL},
    {"discordapp.com/api/webhooks/", SET_PATH, 60, 120, KIND_URL},
    {"outlook.office.com/webhook/", SET_PATH, 60, 200, KIND_URL},
    {"eyJ", SET_URL, 8, 8, KIND_BODY},
    {"AGE-SECRET-KEY-1", SET_CAPS, 58, 58, KIND_BODY},
    {"b3BlbnNzaC1rZXktdjE", SET_BASE64, 8, 8, KIND_BODY},
    {"MII", SET_BASE64, 8, 8, KIND_BODY},
    {"MIGHAgEA", SET_BASE64, 8, 8, KIND_BODY},
    {"MHcCAQEE", SET_BASE64, 8, 8, KIND_BODY},
    {"MC4CAQAwBQYDK2Vw", SET_BASE64, 8, 8, KIND_BODY},
    {"lQOYBF", SET_BASE64, 8, 8, KIND_BODY},
    {"lQdGBF", SET_BASE64, 8, 8, KIND_BODY},
};

enum {
    RULES = sizeof(rules) / sizeof(rules[0]),
    START_SURE = 5,  // bytes of a beginning that says enough
    START_HEX = 4,   // of one before hexadecimal digits
    KEY_LONGEST = 400,
    AWS_KEY = 20,   // bytes, with the beginning
    AWS_SLACK = 2,  // letters read twice or not at all
};

static void open_alike(struct privacy_finder *f)
{
    for (int c = 0; c < 256; c++) {
        f->alike[c] = (uint8_t)c;
    }
    f->alike['l'] = f->alike['I'] = f->alike['|'] = '1';
    f->alike['O'] = f->alike['o'] = '0';
}

// A beginning of two characters, or a sign in it that OCR may lose, goes on with anything.
static void add_start(struct privacy_finder *f, const struct key_rule *r)
{
    uint8_t a = f->alike[(unsigned char)r->start[0]];
    uint8_t b = f->alike[(unsigned char)r->start[1]];
    for (unsigned c = 1; c < 256; c++) {
        unsigned char third = (unsigned char)r->start[2];
        if (third == 0 || third == c || third == '_' || third == '-') {
            f->hints[hint_slot(a, b, f->alike[c], 0)] |= HINT_KEY;
        }
    }
}

void find_key_open(struct privacy_finder *f)
{
    open_alike(f);
    for (int i = RULES - 1; i >= 0; i--) {
        uint8_t first = f->alike[(unsigned char)rules[i].start[0]];
        f->next_key[i] = f->first_key[first];
        f->first_key[first] = (uint8_t)(i + 1);
        add_start(f, &rules[i]);
    }
    assert(RULES < sizeof(f->next_key));
}

static bool is_in_set(const struct scan *s, size_t i, enum set set)
{
    uint8_t k = class_at(s, i);
    unsigned char c = byte_at(s, i);
    switch (set) {
    case SET_HEX: return k & IS_HEX;
    case SET_CAPS: return k & (IS_UPPER | IS_DIGIT);
    case SET_ALNUM: return k & IS_ALNUM;
    case SET_URL: return k & IS_ALNUM || c == '-' || c == '_';
    case SET_BASE64: return k & IS_KEY && c != '-';
    case SET_DOTS: return k & IS_ALNUM || c == '-' || c == '_' || c == '.';
    case SET_PATH: return k & IS_ALNUM || c == '-' || c == '_' || c == '/';
    }
    return false;
}

// The end of the beginning if it stands at i, else 0.
static size_t match_start(const struct scan *s, size_t i, const char *start)
{
    const uint8_t *alike = s->f->alike;
    for (; *start; start++) {
        unsigned char c = byte_at(s, i);
        if (*start == '-') {
            size_t n = find_dash(s, i);
            if (n == 0) {
                return 0;
            }
            i += n;
        } else if (alike[c] == alike[(unsigned char)*start] ||
                   (*start == '_' && c == ' ')) {
            i++;
        } else {
            return 0;
        }
        if ((*start == '_' || *start == '-') && byte_at(s, i) == ' ') {
            i++;  // a stray blank
        }
    }
    return i;
}

struct body {
    size_t end;
    int n, breaks;
    bool goes_on;
    int lower, upper, digits;
    uint32_t seen[8];  // which bytes occur
};

static size_t read_chunk(const struct scan *s, size_t i, const struct key_rule *r,
                         struct body *b)
{
    while (b->n <= r->max && is_in_set(s, i, r->set)) {
        uint8_t k = class_at(s, i);
        b->lower += (k & IS_LOWER) != 0;
        b->upper += (k & IS_UPPER) != 0;
        b->digits += (k & IS_DIGIT) != 0;
        b->seen[s->text[i] >> 5] |= 1u << (s->text[i] & 31);
        b->n++;
        i++;
    }
    return i;
}

// The key behind its beginning, over at most two breaks while it is too short.
static void read_body(const struct scan *s, size_t i, const struct key_rule *r,
                      struct body *b)
{
    *b = (struct body){0};
    i = read_chunk(s, i, r, b);
    b->end = i;
    while (b->n < r->min && b->n >= 4 && b->breaks < 2) {
        size_t next = find_skip_break(s, i);
        if (next == i || next - i > 12 || !is_in_set(s, next, r->set)) {
            break;
        }
        i = read_chunk(s, next, r, b);
        b->breaks++;
        b->end = i;
    }
    s->out->work += (uint64_t)b->n;
    b->goes_on = class_at(s, b->end) & IS_ALNUM || byte_at(s, b->end) == '_';
    while (b->n > r->min && strchr("-.", byte_at(s, b->end - 1))) {
        b->end--;
        b->n--;
    }
}

static int distinct(const struct body *b)
{
    int n = 0;
    for (int i = 0; i < 8; i++) {
        for (uint32_t bits = b->seen[i]; bits; bits &= bits - 1) {
            n++;
        }
    }
    return n;
}

static bool is_key(const struct key_rule *r, const struct body *b)
{
    if (b->n < r->min || b->n > r->max || b->goes_on || distinct(b) < 6) {
        return false;
    }
    bool is_mixed = b->digits >= 2 || (b->upper >= 2 && b->lower >= 2);
    if (r->kind == KIND_SHORT || b->breaks) {
        return is_mixed && distinct(b) >= 8 && (!b->breaks || b->digits >= 2);
    }
    return is_mixed || r->set == SET_CAPS;
}

// Beginnings that lead to more than one run of characters.
static void find_body(struct scan *s, size_t i, size_t body)
{
    if (has_at(s, i, "ey")) {
        find_jwt(s, i);
    } else if (has_at(s, i, "AGE")) {
        struct body b;
        const struct key_rule age = {"", SET_CAPS, 58, 58, KIND_PLAIN};
        read_body(s, body, &age, &b);
        if (is_key(&age, &b)) {
            find_add(s, PRIVACY_PRIVATE_KEY, i, b.end,
                     privacy_category_weight(PRIVACY_PRIVATE_KEY));
        }
    } else {
        find_pem_body(s, i);
    }
}

// AKIA, ASIA: capitals only, as few words of that length are.
static bool begins_aws(const struct scan *s, size_t i)
{
    static const char *const starts[] = {"AKI", "AKl", "AK1", "ASI", "ASl", "AS1"};
    for (size_t k = 0; k < sizeof(starts) / sizeof(starts[0]); k++) {
        if (has_at(s, i, starts[k])) {
            return true;
        }
    }
    return false;
}

static void find_aws(struct scan *s, size_t i)
{
    size_t end = i;
    while (class_at(s, end) & (IS_UPPER | IS_DIGIT) || byte_at(s, end) == 'l') {
        end++;
    }
    const size_t n = end - i;
    if (n + AWS_SLACK >= AWS_KEY && n <= AWS_KEY + AWS_SLACK &&
        !(class_at(s, end) & IS_WORD)) {
        find_add(s, PRIVACY_API_KEY, i, end, privacy_category_weight(PRIVACY_API_KEY));
    }
}

void find_key_loose(struct scan *s, size_t i)
{
    struct key_rule any = {.set = SET_URL, .max = KEY_LONGEST};
    struct body b;
    if (begins_aws(s, i)) {
        find_aws(s, i);
    }
    for (unsigned k = s->f->first_key[s->f->alike[s->text[i]]]; k;
         k = s->f->next_key[k - 1]) {
        const struct key_rule *r = &rules[k - 1];
        const size_t least = r->set == SET_HEX ? START_HEX : START_SURE;
        const bool is_sure = r->kind == KIND_PLAIN || r->set == SET_HEX;
        const size_t body =
            is_sure && strlen(r->start) >= least ? match_start(s, i, r->start) : 0;
        if (!body) {
            continue;
        }
        any.min = (uint16_t)(r->min * 3 / 4);
        read_body(s, body, &any, &b);
        if (b.n >= any.min && distinct(&b) >= 6 &&
            (b.digits >= 2 || (b.upper >= 2 && b.lower >= 2))) {
            find_add(s, PRIVACY_API_KEY, i, b.end,
                     privacy_category_weight(PRIVACY_API_KEY));
            return;
        }
    }
}

void find_key(struct scan *s, size_t i)
{
    const uint8_t *alike = s->f->alike;
    const uint8_t second = alike[byte_at(s, i + 1)];
    for (unsigned k = s->f->first_key[alike[s->text[i]]]; k; k = s->f->next_key[k - 1]) {
        const struct key_rule *r = &rules[k - 1];
        struct body b;
        size_t body =
            alike[(unsigned char)r->start[1]] == second ? match_start(s, i, r->start) : 0;
        if (!body) {
            continue;
        }
        if (r->kind == KIND_BODY) {
            find_body(s, i, body);
            continue;
        }
        read_body(s, body, r, &b);
        if (is_key(r, &b)) {
            bool has_scheme =
                r->kind == KIND_URL && i >= 8 && has_at(s, i - 8, "https://");
            find_add(s, PRIVACY_API_KEY, has_scheme ? i - 8 : i, b.end,
                     privacy_category_weight(PRIVACY_API_KEY));
            // what joins it may be the rest of something longer
            s->known_end = class_at(s, b.end) & IS_KEY ? s->known_end : b.end;
            return;
        }
    }
}
