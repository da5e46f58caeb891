// corpus_keys.c -- API keys of known services, random tokens, bearer headers.
//
// Source: the services' own pages on their key formats and on secret scanning.
// SPDX-License-Identifier: MIT
#include "corpus_kit.h"

#include <stdio.h>
#include <string.h>

#define B64URL ALNUM "-_"
#define B32    UPPER "234567"

// A key is up to three times fixed text and n random characters.
static const struct key_kind {
    const char *name;
    struct {
        const char *fixed;
        const char *set;
        unsigned n;
    } parts[3];
    const char *context;  // NULL: any
} key_kinds[] = {
    {"aws access key", {{"AKIA", B32, 16}}, NULL},
    {"github", {{"ghp_", ALNUM, 36}}, NULL},
    {"gitlab", {{"glpat-", B64URL, 20}}, NULL},
    {"slack bot", {{"xoxb-", DIGIT, 12}, {"-", DIGIT, 13}, {"-", ALNUM, 24}}, NULL},
    {"google api", {{"AIza", B64URL, 35}}, NULL},
    {"openai project", {{"sk-proj-", B64URL, 74}, {"T3BlbkFJ", B64URL, 74}}, NULL},
    {"anthropic", {{"sk-ant-api03-", B64URL, 93}, {"AA", "", 0}}, NULL},
    {"stripe", {{"sk_live_", ALNUM, 24}}, NULL},
    {"aws session key", {{"ASIA", B32, 16}}, NULL},
    {"github oauth", {{"gho_", ALNUM, 36}}, NULL},
    {"openai", {{"sk-", ALNUM, 20}, {"T3BlbkFJ", ALNUM, 20}}, NULL},
    {"npm", {{"npm_", ALNUM, 36}}, NULL},
    {"pypi", {{"pypi-AgEIcHlwaS5vcmc", B64URL, 150}}, NULL},
    {"hugging face", {{"hf_", LOWER UPPER, 34}}, NULL},
    {"sendgrid", {{"SG.", B64URL, 22}, {".", B64URL, 43}}, NULL},
    {"twilio key", {{"SK", HEX, 32}}, NULL},
    {"twilio account", {{"AC", HEX, 32}}, NULL},
    {"digitalocean", {{"dop_v1_", HEX, 64}}, NULL},
    {"telegram bot", {{"5", DIGIT, 9}, {":AA", B64URL, 33}}, NULL},
    {"azure storage",
     {{"", ALNUM "+/", 86}, {"==", "", 0}},
     "DefaultEndpointsProtocol=https;AccountName=shop;AccountKey=~S;EndpointSuffix=x"},
    {"mailgun", {{"key-", HEX, 32}}, NULL},
    {"shopify", {{"shpat_", HEX, 32}}, NULL},
    {"databricks", {{"dapi", HEX, 32}}, NULL},
    {"square", {{"sq0atp-", B64URL, 22}}, NULL},
    {"square secret", {{"sq0csp-", B64URL, 43}}, NULL},
    {"discord bot", {{"MT", ALNUM, 24}, {".G", ALNUM, 5}, {".", B64URL, 38}}, NULL},
    {"github server", {{"ghs_", ALNUM, 36}}, NULL},
    {"github fine-grained", {{"github_pat_", ALNUM, 22}, {"_", ALNUM, 59}}, NULL},
    {"slack user", {{"xoxp-", DIGIT, 12}, {"-", DIGIT, 12}, {"-", HEX, 32}}, NULL},
    {"slack app",
     {{"xapp-1-A0", UPPER DIGIT, 9}, {"-", DIGIT, 13}, {"-", HEX, 64}},
     NULL},
    {"google oauth", {{"ya29.a0", B64URL, 120}}, NULL},
    {"google client secret", {{"GOCSPX-", B64URL, 28}}, NULL},
    {"stripe restricted", {{"rk_live_", ALNUM, 24}}, NULL},
    {"stripe webhook", {{"whsec_", ALNUM, 32}}, NULL},
    {"aws secret key", {{"", ALNUM "+/", 40}}, "aws_secret_access_key = ~S"},
    {"aws secret key", {{"", ALNUM "+/", 40}}, "AWS_SECRET_ACCESS_KEY=~S"},
    {"aws secret key", {{"", ALNUM "+/", 40}}, "\"SecretAccessKey\": \"~S\","},
    {"slack webhook",
     {{"https://hooks.slack.com/services/T0", UPPER DIGIT, 9},
      {"/B0", UPPER DIGIT, 9},
      {"/", ALNUM, 24}},
     NULL},
    {"linear", {{"lin_api_", ALNUM, 40}}, NULL},
    {"vault", {{"hvs.", B64URL, 90}}, NULL},
    {"grafana", {{"glsa_", ALNUM, 32}, {"_", HEX, 8}}, NULL},
    {"docker", {{"dckr_pat_", B64URL, 27}}, NULL},
    {"notion", {{"ntn_", ALNUM, 46}}, NULL},
    {"postman", {{"PMAK-", HEX, 24}, {"-", HEX, 34}}, NULL},
    {"tailscale", {{"tskey-auth-", ALNUM, 16}, {"-", ALNUM, 32}}, NULL},
    {"groq", {{"gsk_", ALNUM, 52}}, NULL},
    {"new relic", {{"NRAK-", UPPER DIGIT, 27}}, NULL},
    {"openrouter", {{"sk-or-v1-", HEX, 64}}, NULL},
};

static const char *const key_contexts[] = {
    "~S",
    "API_KEY=~S",
    "export TOKEN=\"~S\"",
    "const client = new Client('~S');",
    "api_key: ~S",
    "{\"token\": \"~S\", \"ttl\": 3600}",
    "curl -H \"X-Api-Key: ~S\" https://api.example.com/v1",
    "Your new key\n~S\nYou will not see it again.",
    "hey ~N the key is ~S, don't lose it",
    "  key = ~S  # ~W",
    "Authorization: Bearer ~S",
    "Schlüssel: ~S",
    "Clé d'API : ~S",
    "$ echo ~S | login --stdin",
    "<key>~S</key>",
    "| ~W | ~S | ~D |",
    "git clone https://oauth2:~S@git.example.com/a.git",
};

static bool has_digit(const char *s)
{
    return strpbrk(s, DIGIT) != NULL;
}

// What OCR does to a key: an I of the prefix becomes an l, or a blank slips in.
static void misread_key(struct corpus_item *item, struct chance *r)
{
    size_t n = strlen(item->secret);
    if (strncmp(item->secret, "AKIA", 4) == 0 || strncmp(item->secret, "AIza", 4) == 0) {
        char *c = strchr(item->secret, 'I');
        *c = chance_is(r, 2) ? 'l' : '1';
        item->is_misread = true;
    } else if (strncmp(item->secret, "ghp_", 4) == 0 ||
               strncmp(item->secret, "npm_", 4) == 0 ||
               strncmp(item->secret, "glpat-", 6) == 0) {
        size_t at = (size_t)chance_in(r, 10, (unsigned)n - 6);
        memmove(item->secret + at + 1, item->secret + at, n - at + 1);
        item->secret[at] = ' ';
        item->is_misread = true;
    }
}

void corpus_api_key(struct corpus_item *item, struct chance *r, unsigned n)
{
    const struct key_kind *k = &key_kinds[n % COUNT(key_kinds)];
    item->kind = k->name;
    do {
        size_t used = 0;
        for (unsigned i = 0; i < COUNT(k->parts) && k->parts[i].fixed; i++) {
            size_t fixed = strlen(k->parts[i].fixed);
            memcpy(item->secret + used, k->parts[i].fixed, fixed);
            chance_chars(r, item->secret + used + fixed, k->parts[i].n, k->parts[i].set);
            used += fixed + k->parts[i].n;
        }
    } while (!has_digit(item->secret) && strpbrk(k->parts[0].set, DIGIT));
    if (chance_is(r, 10)) {
        misread_key(item, r);
    }
    if (k->context) {
        item_say(item, r, k->context);
    } else {
        const char *context = PICK(r, key_contexts);
        bool is_url = strstr(item->secret, "://") != NULL;
        item_say(item, r, is_url && strstr(context, "://") ? "~S" : context);
    }
}

static const char *const token_contexts[] = {
    "api_key = \"~S\"",
    "API key: ~S",
    "X-Api-Key: ~S",
    "client_secret=~S",
    "\"access_token\": \"~S\"",
    "SECRET_KEY='~S'",
    "Secret key\n~S",
    "auth_token: ~S",
    "https://api.example.com/v1/items?api_key=~S",
    "export SESSION_SECRET=~S",
    "apiKey: '~S',",
    "Access token\n~S",
    "refresh_token=~S",
    "Set-Cookie: sessionid=~S; Path=/; HttpOnly",
    "ENCRYPTION_KEY=~S",
    "API-Schlüssel: ~S",
    "webhook secret: ~S",
    "signing_key = ~S",
    "<apiKey>~S</apiKey>",
    "--token ~S",
    "\"consumerSecret\" : \"~S\"",
    "token = ~S",
};

static const char *const bare_contexts[] = {
    "~S", "> ~S", "~N: here you go ~S", "'~S',", "(~S)", "~W\n~S\n~W", "key is ~S",
};

static const char *const header_contexts[] = {
    "Authorization: Bearer ~S",         "-H 'Authorization: Bearer ~S'",
    "\"Authorization\": \"Bearer ~S\"", "headers = {'authorization': f'Bearer ~S'}",
    "authorization: bearer ~S",         "Authorization: Token ~S",
    "Proxy-Authorization: Bearer ~S",
};

static void make_basic(struct corpus_item *item, struct chance *r)
{
    static const char *const contexts[] = {
        "Authorization: Basic ~S",
        "-H 'Authorization: Basic ~S' https://x.example.com",
        "proxy-authorization: Basic ~S",
    };
    static const char set[] = ALNUM "+/";
    char plain[40], word[16];
    chance_form(r, word, sizeof(word), "a*A*#aaa");
    snprintf(plain, sizeof(plain), "admin:%s", word);
    char *out = item->secret;
    size_t n = strlen(plain);
    for (size_t i = 0; i < n; i += 3) {
        unsigned v = (unsigned)plain[i] << 16;
        v |= i + 1 < n ? (unsigned)plain[i + 1] << 8 : 0;
        v |= i + 2 < n ? (unsigned)plain[i + 2] : 0;
        *out++ = set[v >> 18];
        *out++ = set[v >> 12 & 63];
        *out++ = i + 1 < n ? set[v >> 6 & 63] : '=';
        *out++ = i + 2 < n ? set[v & 63] : '=';
    }
    *out = 0;
    item->kind = "basic header";
    item_say(item, r, PICK(r, contexts));
}

// Random, and visibly so: all three kinds of characters several times.
static void make_mixed(struct chance *r, char *s, unsigned n, const char *set)
{
    unsigned lower, upper, digits;
    do {
        chance_chars(r, s, n, set);
        lower = upper = digits = 0;
        for (const char *c = s; *c; c++) {
            lower += *c >= 'a' && *c <= 'z';
            upper += *c >= 'A' && *c <= 'Z';
            digits += *c >= '0' && *c <= '9';
        }
    } while (lower < 4 || upper < 4 || digits < 3);
}

void corpus_token(struct corpus_item *item, struct chance *r, unsigned n)
{
    char *s = item->secret;
    switch (n % 6) {
    case 0:
        item->kind = "labelled hex";
        chance_chars(r, s, PICK(r, ((const unsigned[]){32, 40, 64})), HEX);
        item_say(item, r, PICK(r, token_contexts));
        break;
    case 1:
    case 2:
        item->kind = "labelled base64";
        make_mixed(r, s, chance_in(r, 24, 64), n % 2 ? ALNUM : ALNUM "-_");
        s[0] = s[0] == '-' || s[0] == '_' ? 'k' : s[0];
        s[strlen(s) - 1] = 'x';
        item_say(item, r, PICK(r, token_contexts));
        break;
    case 3:
        item->kind = "bare base64";
        make_mixed(r, s, chance_in(r, 32, 88), ALNUM);
        item_say(item, r, PICK(r, bare_contexts));
        break;
    case 4:
        item->kind = "bearer header";
        make_mixed(r, s, chance_in(r, 20, 60), ALNUM "-_.");
        s[0] = 'q';
        s[strlen(s) - 1] = 'x';
        item_say(item, r, PICK(r, header_contexts));
        break;
    default: make_basic(item, r); break;
    }
}
