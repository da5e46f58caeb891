// category.c -- the table of category.h.
// SPDX-License-Identifier: MIT
#include "privacy/category.h"

#include <assert.h>
#include <string.h>

static const struct {
    const char *name;
    int weight;
    const char *words;
} table[] = {
#define X(category, name, weight, words) {name, weight, words},
    PRIVACY_CATEGORY_TABLE(X)
#undef X
};

const char *privacy_category_name(enum privacy_category c)
{
    assert(c < PRIVACY_CATEGORIES);
    return table[c].name;
}

const char *privacy_category_words(enum privacy_category c)
{
    assert(c < PRIVACY_CATEGORIES);
    return table[c].words;
}

int privacy_category_weight(enum privacy_category c)
{
    assert(c < PRIVACY_CATEGORIES);
    return table[c].weight;
}

int privacy_category_by_name(const char *name)
{
    for (int i = 0; i < PRIVACY_CATEGORIES; i++) {
        if (strcmp(table[i].name, name) == 0) {
            return i;
        }
    }
    return -1;
}
