// fv_dialect.c -- what the kinds of servers have in common.
// SPDX-License-Identifier: MIT
#include "fv_dialect.h"

#include <string.h>

const struct fail_row *fail_row_of(const struct fail_row table[FAIL_COUNT],
                                   const struct failure *f)
{
    static struct fail_row words = {.type = "server_error"};
    if (f->what == FAIL_WORDS) {
        words.status = f->at == 200 ? 500 : (int)f->at;
        return &words;
    }
    return table[f->what].status ? &table[f->what] : &table[FAIL_CRASH];
}

// Adds what the {name} at s stands for and returns the length of the mark; 0: no mark.
static size_t add_mark(const char *s, const struct call *c, const struct failure *f,
                       struct text *out)
{
    const char *model = f->what == FAIL_NO_MODEL && f->text ? f->text
                        : c->ticket.model                   ? c->ticket.model->name
                                                            : "";
    if (!strncmp(s, "{model}", 7)) {
        text_puts(out, model);
        return 7;
    }
    if (!strncmp(s, "{need}", 6))
        text_printf(out, "%d", f->need);
    else if (!strncmp(s, "{have}", 6))
        text_printf(out, "%d", f->have);
    else if (!strncmp(s, "{path}", 6))
        text_puts(out, c->path);
    else if (!strncmp(s, "{verb}", 6))
        text_puts(out, http_method_str(c->method));
    else if (!strncmp(s, "{at}", 4))
        text_printf(out, "%ld", f->at);
    else
        return 0;
    return s[3] == '}' ? 4 : 6;
}

void fail_message(const struct fail_row *row, const struct call *c,
                  const struct failure *f, struct text *out)
{
    struct text plain = {0};
    const char *s = row->message ? row->message : f->text ? f->text : "error";
    while (*s) {
        size_t len = *s == '{' ? add_mark(s, c, f, &plain) : 0;
        if (len == 0)
            text_add(&plain, s, len = 1);
        s += len;
    }
    text_json(out, plain.data, plain.len);
    text_free(&plain);
}

void fail_field(struct call *c, const char *text)
{
    call_fail(c, &(struct failure){.what = FAIL_FIELD, .text = text});
}

bool call_find_model(struct call *c, const char *name)
{
    c->ticket.model = name ? queue_find_model(&c->fake->queue, name) : NULL;
    if (c->ticket.model)
        return true;
    call_fail(c, &(struct failure){.what = FAIL_NO_MODEL, .text = name ? name : ""});
    return false;
}

const char *json_string(const cJSON *object, const char *key)
{
    return cJSON_GetStringValue(cJSON_GetObjectItemCaseSensitive(object, key));
}

int token_limit(const cJSON *n)
{
    if (!cJSON_IsNumber(n) || n->valuedouble < 0)
        return 0;
    return n->valueint == 0 ? 1 : n->valueint;
}
