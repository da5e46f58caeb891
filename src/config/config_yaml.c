// config_yaml.c -- a YAML (or JSON) text as flat entries: "image.quality" = "80" at line 7.
//
// Works on libyaml's events, so no document is built; aliases, anchors and tags are
// refused, which leaves nothing that grows.  Values stay texts: the key decides the type.
// SPDX-License-Identifier: MIT
#include "config/config_private.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <yaml.h>

enum { MAX_DEPTH = 6, MAX_NAME = 200 };

struct frame {
    bool is_list;
    bool wants_key;
    int index;
    int members;
    size_t path_len;  // of the path up to and with this collection
};

struct reader {
    struct config_loader *l;
    const char *name;
    const char *base;  // file name without folders
    yaml_parser_t yaml;
    char path[MAX_NAME * MAX_DEPTH];
    struct frame frames[MAX_DEPTH];
    int depth;
    int documents;
    bool is_over;
};

static const char *where(struct reader *r, const yaml_mark_t *mark)
{
    return config_keepf(r->l->c, "%s:%zu", r->name, mark->line + 1);
}

static bool stop(struct reader *r, const yaml_mark_t *mark, const char *words)
{
    config_error(r->l, where(r, mark), "%s", words);
    r->is_over = true;
    return false;
}

static struct frame *top(struct reader *r)
{
    return r->depth ? &r->frames[r->depth - 1] : NULL;
}

// The same path twice in a file is an error: one of the two would be ignored.
static void refuse_repeated(struct reader *r, const struct config_entry *e)
{
    for (int i = 0; i < r->l->n_entries - 1; i++) {
        const struct config_entry *old = &r->l->entries[i];
        if (old->layer == LAYER_FILE && old->index == e->index &&
            strcmp(old->key, e->key) == 0 && strcmp(old->sub, e->sub) == 0) {
            config_error(r->l, e->where, "%s: is set already at %s", r->path,
                         old->origin);
            return;
        }
    }
}

static bool add(struct reader *r, const yaml_mark_t *mark, const char *value,
                bool is_null)
{
    struct config_entry *e = config_add_entry(r->l, LAYER_FILE);
    if (!e) {
        r->is_over = true;
        return false;
    }
    config_split_path(r->l, e, r->path);
    e->value = config_keep(r->l->c, value);
    e->is_null = is_null;
    e->where = config_keepf(r->l->c, "%s:%zu", r->name, mark->line + 1);
    e->origin = config_keepf(r->l->c, "%s:%zu", r->base, mark->line + 1);
    refuse_repeated(r, e);
    return true;
}

// Steps to the next member: in a list its number becomes part of the path.
static void begin_member(struct reader *r)
{
    struct frame *f = top(r);
    if (f && f->is_list) {
        f->members++;
        snprintf(r->path + f->path_len, sizeof(r->path) - f->path_len, "[%d]",
                 f->index++);
    }
}

static void end_member(struct reader *r)
{
    struct frame *f = top(r);
    if (f) {
        r->path[f->path_len] = 0;
        f->wants_key = !f->is_list;
    }
}

static bool is_null_word(const yaml_event_t *ev)
{
    const char *s = (const char *)ev->data.scalar.value;
    return ev->data.scalar.style == YAML_PLAIN_SCALAR_STYLE &&
           (*s == 0 || strcmp(s, "~") == 0 || strcmp(s, "null") == 0);
}

static bool on_key(struct reader *r, const yaml_event_t *ev)
{
    struct frame *f = top(r);
    const char *s = (const char *)ev->data.scalar.value;
    size_t len = ev->data.scalar.length;
    if (len == 0 || len > MAX_NAME / 2 || strpbrk(s, "[]\n")) {
        return stop(r, &ev->start_mark, "this is not the name of a key");
    }
    snprintf(r->path + f->path_len, sizeof(r->path) - f->path_len, "%s%s",
             f->path_len ? "." : "", s);
    f->wants_key = false;
    f->members++;
    return true;
}

static bool on_scalar(struct reader *r, const yaml_event_t *ev)
{
    const char *s = (const char *)ev->data.scalar.value;
    struct frame *f = top(r);
    if (strlen(s) != ev->data.scalar.length) {
        return stop(r, &ev->start_mark, "there is a zero byte in this text");
    }
    if (ev->data.scalar.length > CONFIG_MAX_SCALAR) {
        return stop(r, &ev->start_mark, "this text is over 64 KiB long");
    }
    if (!f) {
        if (is_null_word(ev)) {
            return true;
        }
        return stop(r, &ev->start_mark, "a configuration is lines of \"key: value\"");
    }
    if (!f->is_list && f->wants_key) {
        return on_key(r, ev);
    }
    begin_member(r);
    bool ok = add(r, &ev->start_mark, s, is_null_word(ev));
    end_member(r);
    return ok;
}

static bool push(struct reader *r, const yaml_event_t *ev, bool is_list)
{
    struct frame *f = top(r);
    if (r->depth == MAX_DEPTH) {
        return stop(r, &ev->start_mark, "this is nested too deeply");
    }
    if (f && !f->is_list && f->wants_key) {
        return stop(r, &ev->start_mark, "a list or section can not be a key");
    }
    if (!f && is_list) {
        return stop(r, &ev->start_mark, "a configuration is \"key: value\", not a list");
    }
    begin_member(r);
    r->frames[r->depth++] = (struct frame){
        .is_list = is_list, .wants_key = !is_list, .path_len = strlen(r->path)};
    return true;
}

static bool pop(struct reader *r, const yaml_event_t *ev)
{
    struct frame *f = top(r);
    r->path[f->path_len] = 0;
    bool ok = true;
    if (f->members == 0 && f->path_len > 0) {
        bool is_list = f->is_list;
        ok = add(r, &ev->start_mark, "", true);
        if (ok) {
            r->l->entries[r->l->n_entries - 1].is_empty_list = is_list;
            r->l->entries[r->l->n_entries - 1].is_map = !is_list;
        }
    }
    r->depth--;
    end_member(r);
    return ok;
}

static bool has_extras(const yaml_event_t *ev, const yaml_char_t *anchor,
                       const yaml_char_t *tag, struct reader *r)
{
    if (anchor) {
        stop(r, &ev->start_mark, "anchors (&name) are not allowed here");
    } else if (tag) {
        stop(r, &ev->start_mark,
             "tags (!name) are not allowed here; put the text in quotes");
    }
    return anchor || tag;
}

static bool on_document(struct reader *r, const yaml_event_t *ev)
{
    if (r->documents++) {
        return stop(r, &ev->start_mark, "only one document (---) is allowed");
    }
    if (ev->data.document_start.tag_directives.start !=
        ev->data.document_start.tag_directives.end) {
        return stop(r, &ev->start_mark, "%TAG is not allowed here");
    }
    return true;
}

static bool on_event(struct reader *r, const yaml_event_t *ev)
{
    switch (ev->type) {
    case YAML_NO_EVENT:
    case YAML_STREAM_START_EVENT:
    case YAML_DOCUMENT_END_EVENT: return true;
    case YAML_STREAM_END_EVENT: return false;
    case YAML_DOCUMENT_START_EVENT: return on_document(r, ev);
    case YAML_ALIAS_EVENT:
        return stop(r, &ev->start_mark,
                    "aliases (*name) are not allowed here; put the text in quotes");
    case YAML_SCALAR_EVENT:
        return !has_extras(ev, ev->data.scalar.anchor, ev->data.scalar.tag, r) &&
               on_scalar(r, ev);
    case YAML_SEQUENCE_START_EVENT:
        return !has_extras(ev, ev->data.sequence_start.anchor,
                           ev->data.sequence_start.tag, r) &&
               push(r, ev, true);
    case YAML_MAPPING_START_EVENT:
        return !has_extras(ev, ev->data.mapping_start.anchor, ev->data.mapping_start.tag,
                           r) &&
               push(r, ev, false);
    case YAML_SEQUENCE_END_EVENT:
    case YAML_MAPPING_END_EVENT: return pop(r, ev);
    }
    return false;
}

static void on_syntax(struct reader *r)
{
    const yaml_parser_t *y = &r->yaml;
    if (y->error == YAML_READER_ERROR) {
        size_t line = 1;
        for (size_t i = 0; i < y->problem_offset && r->l->c; i++) {
            line += y->input.string.start[i] == '\n';
        }
        config_error(r->l, config_keepf(r->l->c, "%s:%zu", r->name, line), "%s",
                     y->problem ? y->problem : "can not be read");
        return;
    }
    config_error(r->l, where(r, &y->problem_mark), "%s%s%s", y->context ? y->context : "",
                 y->context ? ": " : "", y->problem ? y->problem : "is not YAML");
}

void config_read_yaml(struct config_loader *l, const char *name, const char *text,
                      size_t len)
{
    struct reader r = {.l = l, .name = name};
    const char *slash = strrchr(name, '/');
    r.base = slash ? slash + 1 : name;
    if (!yaml_parser_initialize(&r.yaml)) {
        config_error(l, name, "not enough memory");
        return;
    }
    yaml_parser_set_input_string(&r.yaml, (const unsigned char *)text, len);
    bool goes_on = true;
    while (goes_on) {
        yaml_event_t ev;
        if (!yaml_parser_parse(&r.yaml, &ev)) {
            on_syntax(&r);
            break;
        }
        goes_on = on_event(&r, &ev) && !r.is_over;
        yaml_event_delete(&ev);
    }
    yaml_parser_delete(&r.yaml);
}
