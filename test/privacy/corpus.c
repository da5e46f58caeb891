// corpus.c -- chance and contexts; which generator makes what.
// SPDX-License-Identifier: MIT
#include "corpus.h"

#include "corpus_kit.h"

#include <assert.h>
#include <stdio.h>
#include <string.h>

static void (*const generators[PRIVACY_CATEGORIES])(struct corpus_item *, struct chance *,
                                                    unsigned) = {
    [PRIVACY_CARD] = corpus_card,
    [PRIVACY_IBAN] = corpus_iban,
    [PRIVACY_SSN] = corpus_ssn,
    [PRIVACY_NATIONAL_ID] = corpus_national_id,
    [PRIVACY_PASSWORD] = corpus_password,
    [PRIVACY_API_KEY] = corpus_api_key,
    [PRIVACY_TOKEN] = corpus_token,
    [PRIVACY_JWT] = corpus_jwt,
    [PRIVACY_PRIVATE_KEY] = corpus_private_key,
    [PRIVACY_SEED] = corpus_seed,
    [PRIVACY_EMAIL] = corpus_email,
    [PRIVACY_PHONE] = corpus_phone,
    [PRIVACY_BIRTH] = corpus_birth,
    [PRIVACY_IP] = corpus_ip,
    [PRIVACY_MAC] = corpus_mac,
};

int corpus_fill(struct corpus_item *items, int max, uint64_t seed)
{
    struct chance r = {.state = seed};
    for (int i = 0; i < max; i++) {
        unsigned turn = (unsigned)i / 2;
        if (i % 2 == 0) {
            enum privacy_category c = (enum privacy_category)(turn % PRIVACY_CATEGORIES);
            corpus_secret(&items[i], c, turn / PRIVACY_CATEGORIES, chance_next(&r));
        } else {
            corpus_decoy(&items[i], turn, chance_next(&r));
        }
    }
    return max;
}

void corpus_secret(struct corpus_item *item, enum privacy_category c, unsigned n,
                   uint64_t seed)
{
    struct chance r = {.state = seed};
    memset(item, 0, sizeof(*item));
    item->category = c;
    item->is_secret = true;
    generators[c](item, &r, n);
    item_surround(item, &r);
    assert(item->kind && strstr(item->text, item->secret));
}

void corpus_decoy(struct corpus_item *item, unsigned n, uint64_t seed)
{
    struct chance r = {.state = seed};
    memset(item, 0, sizeof(*item));
    corpus_lookalike(item, &r, n);
    item_surround(item, &r);
    assert(item->kind && item->text[0]);
}

// Source: Steele, Lea, Flood, "Fast splittable pseudorandom number generators" (SplitMix64).
uint64_t chance_next(struct chance *r)
{
    uint64_t z = r->state += 0x9e3779b97f4a7c15u;
    z = (z ^ z >> 30) * 0xbf58476d1ce4e5b9u;
    z = (z ^ z >> 27) * 0x94d049bb133111ebu;
    return z ^ z >> 31;
}

unsigned chance_below(struct chance *r, unsigned n)
{
    return (unsigned)((chance_next(r) >> 32) * n >> 32);
}

unsigned chance_in(struct chance *r, unsigned lo, unsigned hi)
{
    return lo + chance_below(r, hi - lo + 1);
}

bool chance_is(struct chance *r, unsigned one_in)
{
    return chance_below(r, one_in) == 0;
}

void chance_chars(struct chance *r, char *out, unsigned n, const char *set)
{
    unsigned choices = (unsigned)strlen(set);
    for (unsigned i = 0; i < n; i++) {
        out[i] = set[chance_below(r, choices)];
    }
    out[n] = 0;
}

void chance_form(struct chance *r, char *out, size_t size, const char *form)
{
    static const struct {
        char mark;
        const char *set;
    } sets[] = {{'#', DIGIT}, {'A', UPPER}, {'a', LOWER}, {'x', HEX}, {'*', ALNUM}};
    assert(strlen(form) < size);
    for (; *form; form++, out++) {
        *out = *form;
        for (unsigned i = 0; i < COUNT(sets); i++) {
            if (*form == sets[i].mark) {
                *out = sets[i].set[chance_below(r, (unsigned)strlen(sets[i].set))];
            }
        }
    }
    *out = 0;
    (void)size;
}

// What a mark of a context becomes; the secret is put in by the caller.
static void fill_mark(struct chance *r, char mark, char *out, size_t size)
{
    static const char *const names[] = {"Anna",  "Marek", "Chloe",  "Jonas",
                                        "Priya", "Luca",  "Ingrid", "Omar",
                                        "Sofia", "Kenji", "Zoë",    "Björn"};
    static const char *const surnames[] = {"Keller", "Novak",  "Dubois", "Larsen",
                                           "Rossi",  "Okafor", "Silva",  "Tanaka",
                                           "Müller", "Walsh"};
    static const char *const words[] = {"report",  "garden",  "budget",  "harbour",
                                        "picnic",  "meeting", "invoice", "holiday",
                                        "backlog", "lamp"};
    static const char *const hosts[] = {"build01", "staging", "atlas", "web-3",
                                        "db-main"};
    switch (mark) {
    case 'N': snprintf(out, size, "%s", PICK(r, names)); break;
    case 'L': snprintf(out, size, "%s", PICK(r, surnames)); break;
    case 'W': snprintf(out, size, "%s", PICK(r, words)); break;
    case 'H': snprintf(out, size, "%s", PICK(r, hosts)); break;
    case 'T':
        snprintf(out, size, "%02u:%02u", chance_below(r, 24), chance_below(r, 60));
        break;
    case 'D':
        snprintf(out, size, "%u-%02u-%02u", chance_in(r, 2019, 2026), chance_in(r, 1, 12),
                 chance_in(r, 1, 28));
        break;
    case 'n': snprintf(out, size, "%u", chance_below(r, 100)); break;
    case 'h': chance_chars(r, out, 8, HEX); break;
    default: snprintf(out, size, "~%c", mark); break;
    }
}

void item_say(struct corpus_item *item, struct chance *r, const char *context)
{
    size_t used = 0;
    for (const char *p = context; *p; p++) {
        char piece[768] = {*p, 0};
        if (*p == '~' && p[1]) {
            p++;
            if (*p == 'S') {
                snprintf(piece, sizeof(piece), "%s", item->secret);
            } else {
                fill_mark(r, *p, piece, sizeof(piece));
            }
        }
        size_t n = strlen(piece);
        assert(used + n < sizeof(item->text));
        memcpy(item->text + used, piece, n + 1);
        used += n;
    }
}

void item_surround(struct corpus_item *item, struct chance *r)
{
    static const char *const lines[] = {
        "File  Edit  View  History  Bookmarks  Tools  Help",
        "Activities   Files   ~T",
        "~n items selected",
        "Hi ~N, here is what we talked about this morning.",
        "user@~H:~/projects$ clear",
        "Inbox (~n)   Drafts   Sent   Archive",
        "Saved at ~T",
        "Bitte bis Freitag erledigen, danke!",
        "Merci de répondre avant la fin de la semaine.",
        "No se pudo cargar la página. Reintentar",
        "# ~W",
        "Back    Next    Cancel",
        "Zoom 100 %   Page ~n",
        "// see the notes about the ~W",
        "Untitled document - Writer",
        "Общий доступ   Настройки",
        "Spara   Avbryt",
        "----------------------------------------",
    };
    for (int side = 0; side < 2; side++) {
        struct corpus_item line = {.text = ""};
        size_t used = strlen(item->text);
        if (!chance_is(r, 3)) {
            continue;
        }
        item_say(&line, r, PICK(r, lines));
        size_t n = strlen(line.text);
        if (used + n + 2 > sizeof(item->text)) {
            continue;
        }
        if (side == 0) {
            memmove(item->text + n + 1, item->text, used + 1);
            memcpy(item->text, line.text, n);
            item->text[n] = '\n';
        } else {
            item->text[used] = '\n';
            memcpy(item->text + used + 1, line.text, n + 1);
        }
    }
}

void item_group(char *out, size_t size, const char *digits, const char *sizes,
                const char *separator)
{
    size_t used = 0;
    bool is_line = *separator == '\n';
    for (int group = 0; *sizes && *digits; sizes++, group++) {
        int n = *sizes - '0';
        const char *between = group == 0 ? "" : is_line && group != 2 ? " " : separator;
        int wrote = snprintf(out + used, size - used, "%s%.*s", between, n, digits);
        assert(wrote > 0 && used + (size_t)wrote < size);
        used += (size_t)wrote;
        size_t left = strlen(digits);
        digits += (size_t)n < left ? (size_t)n : left;
    }
    assert(!*digits);
}

void item_misread(struct corpus_item *item, struct chance *r, unsigned from)
{
    static const struct {
        char digit;
        const char *as;
    } confusions[] = {{'0', "Oo"}, {'1', "lI|"}, {'5', "S"},
                      {'8', "B"},  {'2', "Z"},   {'6', "G"}};
    unsigned n = (unsigned)strlen(item->secret);
    for (int tries = 0; tries < 8; tries++) {
        char *c = item->secret + chance_in(r, from, n - 1);
        for (unsigned i = 0; i < COUNT(confusions); i++) {
            if (*c == confusions[i].digit) {
                const char *as = confusions[i].as;
                *c = as[chance_below(r, (unsigned)strlen(as))];
                item->is_misread = true;
                return;
            }
        }
    }
}
