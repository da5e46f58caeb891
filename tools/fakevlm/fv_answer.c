// fv_answer.c -- what the model says: made of the picture, always the same.
//
// The summary names the size, the colours and the hash of the first picture, so a picture
// that was swapped, resized or dropped shows.  With a schema all properties are filled,
// required or not; names that a description usually has get fitting values.
// SPDX-License-Identifier: MIT
#include "fv_answer.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "fv_fake.h"

#define DEPTH_MAX 16

static const char *const corner_names[CORNER_COUNT] = {"top left", "top right",
                                                       "bottom left", "bottom right"};

size_t answer_piece(const struct text *t, size_t at)
{
    size_t end = at;
    while (end < t->len && (t->data[end] == ' ' || t->data[end] == '\n'))
        end++;
    while (end < t->len && t->data[end] != ' ' && t->data[end] != '\n')
        end++;
    return end - at;
}

static int count_pieces(const struct text *t)
{
    int n = 0;
    for (size_t at = 0; at < t->len; at += answer_piece(t, at))
        n++;
    return n;
}

// Keeps the first max pieces; true when something had to go.
static bool limit_pieces(struct text *t, int max)
{
    size_t at = 0;
    for (int n = 0; n < max && at < t->len; n++)
        at += answer_piece(t, at);
    if (at == t->len)
        return false;
    t->len = at;
    t->data[at] = 0;
    return true;
}

// --- what is seen ----------------------------------------------------------------------

static const struct picture *picture_of(const struct call *c)
{
    return c->ask.pictures_n && c->fault.fault != FAULT_DROP_IMAGE ? &c->ask.pictures[0]
                                                                   : NULL;
}

static void add_quote(const struct call *c, struct text *out)
{
    const char *say = c->fake->opt.say;
    if (*say)
        text_printf(out, " It reads: %s", say);
}

static void add_summary(const struct call *c, struct text *out)
{
    const struct picture *p = picture_of(c);
    if (!p) {
        text_printf(out, "There is no picture, only %d words.", c->ask.prompt_words);
        return;
    }
    const struct image_info *i = &p->info;
    text_printf(
        out, "A %dx%d picture, mean #%06x, corners #%06x #%06x #%06x #%06x, hash %.8s.",
        i->width_px, i->height_px, i->mean_rgb, i->corner_rgb[0], i->corner_rgb[1],
        i->corner_rgb[2], i->corner_rgb[3], p->hash);
    if (c->ask.pictures_n > 1)
        text_printf(out, " And %d more.", c->ask.pictures_n - 1);
    add_quote(c, out);
}

static void add_details(const struct call *c, struct text *out)
{
    const struct picture *p = picture_of(c);
    if (!p) {
        text_puts(out, "Nothing to see.");
        return;
    }
    for (int i = 0; i < CORNER_COUNT; i++)
        text_printf(out, "%s%s #%06x", i ? ", " : "", corner_names[i],
                    p->info.corner_rgb[i]);
    add_quote(c, out);
}

// --- by schema -------------------------------------------------------------------------

struct filler {
    const struct call *call;
    struct text *out;
    const cJSON *root;
};

static void fill(const struct filler *f, const cJSON *schema, const char *name,
                 int depth);

static const cJSON *resolve(const cJSON *root, const cJSON *schema)
{
    for (int hops = 0; hops < DEPTH_MAX; hops++) {
        const cJSON *ref = cJSON_GetObjectItemCaseSensitive(schema, "$ref");
        const char *s = cJSON_GetStringValue(ref);
        if (!s || strncmp(s, "#/", 2) != 0)
            break;
        schema = root;
        for (s += 2; *s;) {
            char key[128] = {0};
            size_t len = strcspn(s, "/");
            memcpy(key, s, len < sizeof key ? len : sizeof key - 1);
            schema = cJSON_GetObjectItemCaseSensitive(schema, key);
            s += len + (s[len] == '/');
        }
    }
    return schema;
}

static const cJSON *first_choice(const cJSON *schema)
{
    static const char *const names[] = {"anyOf", "oneOf", "allOf"};
    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++) {
        const cJSON *list = cJSON_GetObjectItemCaseSensitive(schema, names[i]);
        for (const cJSON *item = list ? list->child : NULL; item; item = item->next) {
            const char *type =
                cJSON_GetStringValue(cJSON_GetObjectItemCaseSensitive(item, "type"));
            if (!type || strcmp(type, "null") != 0)
                return item;
        }
    }
    return NULL;
}

static const char *type_of(const cJSON *schema)
{
    const cJSON *type = cJSON_GetObjectItemCaseSensitive(schema, "type");
    if (cJSON_IsArray(type)) {
        for (type = type->child; type && type->next; type = type->next) {
            if (strcmp(cJSON_GetStringValue(type) ? type->valuestring : "", "null") != 0)
                break;
        }
    }
    if (cJSON_GetStringValue(type))
        return type->valuestring;
    if (cJSON_GetObjectItemCaseSensitive(schema, "properties"))
        return "object";
    return cJSON_GetObjectItemCaseSensitive(schema, "items") ? "array" : "string";
}

static int limit_of(const cJSON *schema, const char *key, int otherwise)
{
    const cJSON *n = cJSON_GetObjectItemCaseSensitive(schema, key);
    return cJSON_IsNumber(n) ? n->valueint : otherwise;
}

static void string_for(const struct call *c, const char *name, struct text *out)
{
    const struct picture *p = picture_of(c);
    if (!strcmp(name, "summary") || !strcmp(name, "description"))
        add_summary(c, out);
    else if (!strcmp(name, "activity"))
        text_puts(out, "looking at a test picture");
    else if (!strcmp(name, "app") || !strcmp(name, "application"))
        text_puts(out, "fakevlm");
    else if (!strcmp(name, "details"))
        add_details(c, out);
    else if (!strcmp(name, "text"))
        text_printf(out, "seen %.8s", p ? p->hash : "nothing");
    else
        text_printf(out, "%s of %.8s", name, p ? p->hash : "nothing");
    if (out->len && strcmp(name, "summary") != 0 && strcmp(name, "description") != 0 &&
        strcmp(name, "details") != 0)
        add_quote(c, out);
}

static void fill_string(const struct filler *f, const cJSON *schema, const char *name)
{
    struct text value = {0};
    string_for(f->call, name, &value);
    int max = limit_of(schema, "maxLength", -1), min = limit_of(schema, "minLength", 0);
    while (value.len < (size_t)min && min < 100000)
        text_puts(&value, ".");
    if (max >= 0 && value.len > (size_t)max)
        value.len = (size_t)max;
    text_json(f->out, value.data, value.len);
    text_free(&value);
}

static void fill_object(const struct filler *f, const cJSON *schema, int depth)
{
    const cJSON *properties = cJSON_GetObjectItemCaseSensitive(schema, "properties");
    const char *comma = "";
    text_puts(f->out, "{");
    for (const cJSON *p = properties ? properties->child : NULL; p; p = p->next) {
        text_puts(f->out, comma);
        text_json(f->out, p->string, strlen(p->string));
        text_puts(f->out, ": ");
        fill(f, p, p->string, depth);
        comma = ", ";
    }
    text_puts(f->out, "}");
}

static void fill_array(const struct filler *f, const cJSON *schema, const char *name,
                       int depth)
{
    const cJSON *items = cJSON_GetObjectItemCaseSensitive(schema, "items");
    int n = limit_of(schema, "minItems", 2), max = limit_of(schema, "maxItems", 1000);
    n = n < 2 ? 2 : n > 1000 ? 1000 : n;
    n = n > max ? max : n;
    text_puts(f->out, "[");
    for (int i = 0; i < n; i++) {
        char item_name[160];
        snprintf(item_name, sizeof item_name, "%.128s %d", name, i + 1);
        text_puts(f->out, i ? ", " : "");
        fill(f, items, item_name, depth);
    }
    text_puts(f->out, "]");
}

static void fill_number(const struct filler *f, const cJSON *schema, bool is_integer)
{
    const cJSON *min = cJSON_GetObjectItemCaseSensitive(schema, "minimum");
    const cJSON *max = cJSON_GetObjectItemCaseSensitive(schema, "maximum");
    double value = is_integer ? 1 : 0.5;
    if (cJSON_IsNumber(min) && value < min->valuedouble)
        value = min->valuedouble;
    if (cJSON_IsNumber(max) && value > max->valuedouble)
        value = max->valuedouble;
    text_printf(f->out, is_integer ? "%.0f" : "%g", value);
}

// An enum or const value as it stands; false: there is none.
static bool fill_fixed(const struct filler *f, const cJSON *schema)
{
    const cJSON *value = cJSON_GetObjectItemCaseSensitive(schema, "const");
    const cJSON *list = cJSON_GetObjectItemCaseSensitive(schema, "enum");
    const struct picture *p = picture_of(f->call);
    int n = cJSON_GetArraySize(list);
    if (!value && n > 0)
        value = cJSON_GetArrayItem(list, (p ? p->hash[0] : 0) % n);
    if (!value)
        return false;
    char *printed = cJSON_PrintUnformatted(value);
    text_puts(f->out, printed ? printed : "null");
    free(printed);
    return true;
}

static void fill(const struct filler *f, const cJSON *schema, const char *name, int depth)
{
    schema = resolve(f->root, schema);
    const cJSON *choice = first_choice(schema);
    if (choice)
        schema = resolve(f->root, choice);
    if (depth > DEPTH_MAX) {
        text_puts(f->out, "null");
        return;
    }
    if (fill_fixed(f, schema))
        return;
    const char *type = type_of(schema);
    if (!strcmp(type, "object"))
        fill_object(f, schema, depth + 1);
    else if (!strcmp(type, "array"))
        fill_array(f, schema, name, depth + 1);
    else if (!strcmp(type, "integer") || !strcmp(type, "number"))
        fill_number(f, schema, type[0] == 'i');
    else if (!strcmp(type, "boolean"))
        text_puts(f->out, "true");
    else if (!strcmp(type, "null"))
        text_puts(f->out, "null");
    else
        fill_string(f, schema, name);
}

// --- the content -----------------------------------------------------------------------

static void add_json(const struct call *c, struct text *out)
{
    struct filler f = {.call = c, .out = out, .root = c->ask.schema};
    if (c->ask.schema) {
        fill(&f, c->ask.schema, "answer", 0);
        return;
    }
    text_puts(out, "{\"summary\": ");
    struct text summary = {0};
    add_summary(c, &summary);
    text_json(out, summary.data, summary.len);
    text_puts(out, "}");
    text_free(&summary);
}

static void add_words(const struct call *c, struct text *out)
{
    static const char *const words[] = {"It",   "shows", "colours", "and",   "nothing",
                                        "that", "a",     "program", "could", "know."};
    add_summary(c, out);
    int n = count_pieces(out);
    for (int i = 0; n + i < c->fake->opt.tokens; i++)
        text_printf(out, " %s", words[i % 10]);
}

static void add_repetition(const struct call *c, struct text *out)
{
    int max = c->ask.max_tokens ? c->ask.max_tokens : 600;
    for (int i = 0; i < max; i += 3)
        text_puts(out, "the same again ");
}

static void make_content(const struct call *c, struct text *out)
{
    bool is_json = c->ask.schema || c->ask.wants_json;
    if (c->fault.fault == FAULT_EMPTY_LENGTH)
        return;
    if (c->fault.fault == FAULT_REPEAT) {
        add_repetition(c, out);
    } else if (c->fault.fault == FAULT_WRONG_SCHEMA) {
        text_puts(out, "{\"weather\": [1, 2, {\"sunny\": null}]}");
    } else if (c->fault.fault == FAULT_WRONG_JSON) {
        add_json(c, out);
        out->len--;  // the closing brace
        text_puts(out, ", \"oops\": [1, 2,, }");
    } else if (is_json) {
        add_json(c, out);
    } else {
        add_words(c, out);
    }
}

static void make_thinking(const struct call *c, struct answer *a)
{
    static const char thoughts[] =
        "Let me look at the picture. First the size, then the colours of each corner. I "
        "should say what I see and nothing else.";
    bool is_fault = c->fault.fault == FAULT_THINKING;
    if (!is_fault && !c->ask.wants_thinking)
        return;
    if (is_fault && !strcmp(c->fault.param, "inline")) {
        struct text content = text_take(&a->content);
        text_printf(&a->content, "<think>\n%s\n</think>\n\n", thoughts);
        text_add(&a->content, content.data, content.len);
        text_free(&content);
    } else {
        text_puts(&a->thinking, thoughts);
        add_quote(c, &a->thinking);
    }
}

void answer_make(struct call *c)
{
    struct answer *a = &c->answer;
    int max = c->ask.max_tokens;
    bool is_cut = c->fault.fault == FAULT_EMPTY_LENGTH || c->fault.fault == FAULT_REPEAT;
    assert(!a->content.len && !a->thinking.len);
    text_puts(&a->content, "");
    text_puts(&a->thinking, "");
    make_content(c, &a->content);
    make_thinking(c, a);
    if (max > 0) {
        is_cut = limit_pieces(&a->thinking, max) || is_cut;
        is_cut = limit_pieces(&a->content, max - count_pieces(&a->thinking)) || is_cut;
    }
    a->thinking_tokens = count_pieces(&a->thinking);
    a->completion_tokens = count_pieces(&a->content);
    a->pieces = a->thinking_tokens + a->completion_tokens;
    if (c->fault.fault == FAULT_EMPTY_LENGTH)
        a->completion_tokens = max > 0 ? max : 256;
    a->finish = is_cut ? "length" : "stop";
}
