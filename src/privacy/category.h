// category.h -- the kinds of text that should not leave a screen, and their names.
//
// One row per kind: enum, name (in configuration, audit and placeholders: "[card]"), weight
// of one finding, what people call it.  A weight of PRIVACY_STRONG is a secret by itself,
// lighter ones add up.
// SPDX-License-Identifier: MIT
#ifndef VLMD_PRIVACY_CATEGORY_H
#define VLMD_PRIVACY_CATEGORY_H

enum { PRIVACY_STRONG = 100 };

#define PRIVACY_CATEGORY_TABLE(X)                                                        \
    X(PRIVACY_CARD, "card", 100, "payment card number")                                  \
    X(PRIVACY_IBAN, "iban", 100, "bank account number")                                  \
    X(PRIVACY_SSN, "ssn", 100, "social security number")                                 \
    X(PRIVACY_NATIONAL_ID, "national_id", 100, "national identity number")               \
    X(PRIVACY_PASSWORD, "password", 100, "password, PIN or one-time code")               \
    X(PRIVACY_API_KEY, "api_key", 100, "API key of a known service")                     \
    X(PRIVACY_TOKEN, "token", 100, "random key, bearer header")                          \
    X(PRIVACY_JWT, "jwt", 100, "JSON web token")                                         \
    X(PRIVACY_PRIVATE_KEY, "private_key", 100, "private key")                            \
    X(PRIVACY_SEED, "seed", 100, "wallet seed words")                                    \
    X(PRIVACY_EMAIL, "email", 15, "e-mail address")                                      \
    X(PRIVACY_PHONE, "phone", 25, "telephone number")                                    \
    X(PRIVACY_BIRTH, "birth", 40, "date of birth")                                       \
    X(PRIVACY_IP, "ip", 10, "IP address")                                                \
    X(PRIVACY_MAC, "mac", 10, "hardware address")

enum privacy_category {
#define X(category, name, weight, words) category,
    PRIVACY_CATEGORY_TABLE(X)
#undef X
        PRIVACY_CATEGORIES
};

const char *privacy_category_name(enum privacy_category c);   // "card"
const char *privacy_category_words(enum privacy_category c);  // "payment card number"
int privacy_category_weight(enum privacy_category c);
int privacy_category_by_name(const char *name);  // or -1

#endif
