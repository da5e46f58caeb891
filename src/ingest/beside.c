// beside.c -- reads NAME.json and NAME.txt that stand beside a picture.
//
// Trackers leave there what they know: the program, the window's title, the address, the text
// that they recognised.  It is used where the picture itself says nothing; the text is only
// for who looks for secrets.  What vlmd exported is not taken back in: a description is no
// fact about the picture.  Anybody may have written these files: sizes are limited, links out
// are not followed, and every text is cleaned.
// SPDX-License-Identifier: MIT
#include "ingest/beside.h"

#include "base/beneath.h"
#include "base/json.h"
#include "base/utf8.h"
#include "ingest/source.h"
#include "ingest/taken.h"

#include <cjson/cJSON.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

// Of `vlmd export sidecar`.
static const char json_mark[] = "vlmd_sidecar";
static const char txt_mark[] = "\n-- described by vlmd\n";

// ---- text

// A long text is cut.
static void add_text(struct meta_req *r, const char *text, size_t len)
{
    const size_t had = r->beside ? strlen(r->beside) : 0;
    const size_t room = BESIDE_MOST_TEXT - had;
    if (len + 2 > room) {
        len = room > 2 ? room - 2 : 0;
        r->is_beside_cut = true;
    }
    char *all = len ? realloc(r->beside, had + len + 2) : NULL;
    if (!all) {
        return;
    }
    r->beside = all;
    char *at = all + had;
    for (size_t i = 0; i < len; i++) {
        const bool is_line = text[i] == '\n';
        *at++ =
            text[i] == 0 || (!is_line && (unsigned char)text[i] < 0x20) ? ' ' : text[i];
    }
    memcpy(at, "\n", 2);
}

// A string, or a list of strings or of { "rec_txt": "..." }.
static void add_value(struct meta_req *r, const struct cJSON *value)
{
    const struct cJSON *one;
    if (cJSON_IsString(value)) {
        add_text(r, value->valuestring, strlen(value->valuestring));
        return;
    }
    if (!cJSON_IsArray(value)) {
        return;
    }
    cJSON_ArrayForEach(one, value)
    {
        const char *text = json_get_str(one, "rec_txt");
        text = text ? text : json_get_str(one, "text");
        text = text ? text : cJSON_GetStringValue(one);
        if (text) {
            add_text(r, text, strlen(text));
        }
    }
}

// ---- members

enum member { APP, WINDOW, SCREEN, ADDRESS, TIME, TEXT };

static const struct {
    const char *name;
    enum member member;
} names[] = {
    {"active_app", APP},     {"app", APP},        {"active_window", WINDOW},
    {"window", WINDOW},      {"title", WINDOW},   {"window_title", WINDOW},
    {"screen_name", SCREEN}, {"screen", SCREEN},  {"url", ADDRESS},
    {"page_url", ADDRESS},   {"timestamp", TIME}, {"ocr_result", TEXT},
    {"ocr_text", TEXT},      {"text", TEXT},
};

static void fill(char *out, size_t size, const struct cJSON *value)
{
    if (!out[0] && cJSON_IsString(value)) {
        utf8_clean(value->valuestring, strlen(value->valuestring), out, size);
    }
}

static void take_member(struct meta_req *r, enum member member, const struct cJSON *value)
{
    struct ingest_meta *m = &r->meta;
    switch (member) {
    case APP: fill(m->app, sizeof(m->app), value); break;
    case WINDOW: fill(m->window, sizeof(m->window), value); break;
    case SCREEN: fill(m->screen, sizeof(m->screen), value); break;
    case ADDRESS: fill(m->url, sizeof(m->url), value); break;
    case TIME:
        if (!m->taken_at_ms && cJSON_IsString(value)) {
            m->taken_at_ms = taken_from_stamp(value->valuestring);
        }
        break;
    case TEXT: add_value(r, value); break;
    }
}

static void take_named(struct meta_req *r, const char *name, const struct cJSON *value)
{
    for (size_t i = 0; name && i < sizeof(names) / sizeof(names[0]); i++) {
        if (strcmp(names[i].name, name) == 0) {
            take_member(r, names[i].member, value);
        }
    }
}

// Members, or a list of { "key": ..., "value": ... } below "metadata_entries".
static void take_json(struct meta_req *r, const char *text, size_t len)
{
    struct cJSON *json = json_parse(text, len);
    const struct cJSON *one;
    if (cJSON_IsObject(json) && !json_get(json, json_mark)) {
        cJSON_ArrayForEach(one, json)
        {
            take_named(r, one->string, one);
        }
        cJSON_ArrayForEach(one, json_get(json, "metadata_entries"))
        {
            take_named(r, json_get_str(one, "key"), json_get(one, "value"));
        }
    }
    json_free(json);
}

static void take_txt(struct meta_req *r, const char *text, size_t len)
{
    const size_t n = strlen(txt_mark);
    if (len < n || memcmp(text + len - n, txt_mark, n) != 0) {
        add_text(r, text, len);
    }
}

// ---- files

static void read_one(int root_fd, const char *path, struct meta_req *r,
                     void (*take)(struct meta_req *r, const char *text, size_t len))
{
    struct file_version v;
    const int fd = beneath_open_file(root_fd, path, &v);
    if (fd < 0) {
        return;
    }
    const struct source s = {.fd = fd, .size_bytes = v.size_bytes};
    if (v.size_bytes > 0 && v.size_bytes <= BESIDE_MOST_BYTES) {
        char *text = malloc((size_t)v.size_bytes);
        if (text && source_read(&s, 0, text, (size_t)v.size_bytes) == 0) {
            take(r, text, (size_t)v.size_bytes);
        }
        free(text);
    }
    r->is_beside_cut |= v.size_bytes > BESIDE_MOST_BYTES;
    close(fd);
}

static void read_both(int root_fd, const char *path, size_t len, struct meta_req *r)
{
    char name[PATH_MAX];
    if ((size_t)snprintf(name, sizeof(name), "%.*s.json", (int)len, path) <
        sizeof(name)) {
        read_one(root_fd, name, r, take_json);
        memcpy(name + len, ".txt", 5);
        read_one(root_fd, name, r, take_txt);
    }
}

void beside_read(int root_fd, const char *path, struct meta_req *r)
{
    const size_t len = strlen(path);
    const char *slash = strrchr(path, '/'), *name = slash ? slash + 1 : path;
    const char *dot = strrchr(name, '.');
    if (len == 0 || len >= PATH_MAX - 5) {
        return;
    }
    read_both(root_fd, path, len, r);
    if (dot && dot > name) {
        read_both(root_fd, path, (size_t)(dot - path), r);
    }
}
