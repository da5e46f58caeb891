// openai_read.c -- an OpenAI batch file becomes a list of pictures.
//
// The file may come from anywhere: lines, pictures and their number are limited, names are
// made of hashes, and a line that is wrong fails alone.
// SPDX-License-Identifier: MIT
#include "openai_batch.h"

#include "base/json.h"
#include "base/mem.h"
#include "file.h"
#include "out.h"

#include <cjson/cJSON.h>
#include <ctype.h>
#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/stat.h>
#include <xxhash.h>

enum {
    MAX_LINE = 32 << 20,
    MAX_PICTURE = 20 << 20,
    MAX_REQUESTS = 50000,  // OpenAI's own limit
    MAX_ID = 512,
    MAX_URL = 8192,
};

struct reading {
    struct openai_batch *b;
    FILE *in;
    struct buf line, picture, list;
};

static struct openai_request *new_request(struct openai_batch *b)
{
    if (!b->requests) {
        b->requests = mem_zero(sizeof(*b->requests) * MAX_REQUESTS);  // 2 MB at most
    }
    return &b->requests[b->n++];
}

static void refuse(struct reading *x, struct openai_request *r, const char *code,
                   const char *words)
{
    r->code = code;
    r->words = words;
    x->b->n_refused++;
}

// ---- lines

enum got { GOT_LINE, GOT_LONG, GOT_END, GOT_ERROR };

static enum got read_line(struct reading *x)
{
    char chunk[16384];
    bool is_long = false;
    buf_clear(&x->line);
    while (fgets(chunk, sizeof(chunk), x->in)) {
        size_t n = strlen(chunk);
        bool is_end = n > 0 && chunk[n - 1] == '\n';
        is_long = is_long || buf_add(&x->line, chunk, n) != 0;
        if (is_end) {
            return is_long ? GOT_LONG : GOT_LINE;
        }
    }
    if (ferror(x->in)) {
        return GOT_ERROR;
    }
    return is_long ? GOT_LONG : x->line.len > 0 ? GOT_LINE : GOT_END;
}

static bool is_blank(const struct buf *line)
{
    for (size_t i = 0; i < line->len; i++) {
        if (!isspace((unsigned char)line->data[i])) {
            return false;
        }
    }
    return true;
}

// ---- pictures

static int digit_of(char c)
{
    if (c >= 'A' && c <= 'Z') {
        return c - 'A';
    }
    if (c >= 'a' && c <= 'z') {
        return c - 'a' + 26;
    }
    if (c >= '0' && c <= '9') {
        return c - '0' + 52;
    }
    return c == '+' || c == '-' ? 62 : c == '/' || c == '_' ? 63 : -1;
}

static bool decode(const char *text, struct buf *out)
{
    unsigned bits = 0;
    int n_bits = 0;
    buf_clear(out);
    for (; *text && *text != '='; text++) {
        int digit = digit_of(*text);
        if (digit < 0 && !isspace((unsigned char)*text)) {
            return false;
        }
        if (digit < 0) {
            continue;
        }
        bits = (bits << 6 | (unsigned)digit) & 0xffffff;
        n_bits += 6;
        if (n_bits >= 8) {
            n_bits -= 8;
            const uint8_t byte = (uint8_t)(bits >> n_bits);
            if (buf_add(out, &byte, 1)) {
                return false;
            }
        }
    }
    return out->len > 0;
}

// The same picture in two requests is one file, and so it is when the batch is run again.
static char *keep_picture(struct reading *x, const char *extension)
{
    XXH128_hash_t hash = XXH3_128bits(x->picture.data, x->picture.len);
    size_t size = strlen(x->b->folder) + 48;
    char *path = mem_zero(size);
    struct stat st;
    struct file f;
    snprintf(path, size, "%s/%016llx%016llx.%s", x->b->folder,
             (unsigned long long)hash.high64, (unsigned long long)hash.low64, extension);
    if (stat(path, &st) == 0 && (size_t)st.st_size == x->picture.len) {
        return path;
    }
    int rc = file_begin(&f, path);
    if (rc == 0) {
        rc = file_add(&f, x->picture.data, x->picture.len);
        rc = file_end(&f, rc, FILE_REPLACE);
    }
    if (rc) {
        free(path);
        return NULL;
    }
    return path;
}

static void take_data(struct reading *x, struct openai_request *r, const char *url)
{
    static const struct {
        const char *type, *extension;
    } types[] = {{"image/png;base64,", "png"},
                 {"image/jpeg;base64,", "jpg"},
                 {"image/jpg;base64,", "jpg"},
                 {"image/webp;base64,", "webp"}};
    for (size_t i = 0; i < sizeof(types) / sizeof(types[0]); i++) {
        size_t n = strlen(types[i].type);
        if (strncasecmp(url, types[i].type, n) != 0) {
            continue;
        }
        if (!decode(url + n, &x->picture)) {
            refuse(x, r, "invalid_base64", "the picture is no base64, or too large");
            return;
        }
        r->picture = keep_picture(x, types[i].extension);
        if (!r->picture) {
            refuse(x, r, "internal_error", "the picture could not be written to disk");
        }
        return;
    }
    refuse(x, r, "unsupported_image_format",
           "a data URL must hold a PNG, JPEG or WebP picture in base64");
}

static int hex_of(char c)
{
    return isdigit((unsigned char)c) ? c - '0' : tolower((unsigned char)c) - 'a' + 10;
}

// file:///a%20b.png
static void take_file(struct reading *x, struct openai_request *r, const char *path)
{
    size_t n = 0;
    char *out = mem_zero(strlen(path) + 1);
    for (; *path; path++) {
        bool is_escape = *path == '%' && isxdigit((unsigned char)path[1]) &&
                         isxdigit((unsigned char)path[2]);
        out[n] = *path;
        if (is_escape) {
            out[n] = (char)(hex_of(path[1]) << 4 | hex_of(path[2]));
            path += 2;
        }
        if (out[n++] == 0) {
            break;
        }
    }
    if (out[0] != '/' || strlen(out) != n || strpbrk(out, "\n\r")) {
        free(out);
        refuse(x, r, "invalid_image_url", "a file URL needs an absolute path");
        return;
    }
    r->picture = out;
}

static void take_url(struct reading *x, struct openai_request *r, const char *url)
{
    if (strncasecmp(url, "data:", 5) == 0) {
        take_data(x, r, url + 5);
    } else if (strlen(url) > MAX_URL) {
        refuse(x, r, "invalid_image_url", "the address is too long");
    } else if (strncasecmp(url, "file://", 7) == 0) {
        take_file(x, r, url + 7);
    } else if (strncasecmp(url, "http://", 7) == 0 ||
               strncasecmp(url, "https://", 8) == 0) {
        r->picture = mem_dup(url);
    } else {
        refuse(x, r, "invalid_image_url",
               "a picture is a data:, http:, https: or file: URL");
    }
}

// ---- one request

// {"type": "image_url", "image_url": {"url": ...}}, or the URL itself.
static const char *url_of(const cJSON *part)
{
    const cJSON *image = json_get(part, "image_url");
    const char *url = cJSON_GetStringValue(image);
    return url ? url : json_get_str(image, "url");
}

static const char *find_picture(struct reading *x, const cJSON *body, int *n)
{
    const cJSON *message, *part;
    const char *found = NULL;
    *n = 0;
    cJSON_ArrayForEach(message, json_get(body, "messages"))
    {
        const cJSON *content = json_get(message, "content");
        x->b->has_words |= cJSON_IsString(content);
        const cJSON *parts = cJSON_IsArray(content) ? content : NULL;
        cJSON_ArrayForEach(part, parts)
        {
            const char *url = url_of(part);
            x->b->has_words |= json_get_str(part, "text") != NULL;
            *n += url != NULL;
            found = url ? url : found;
        }
    }
    return found;
}

static void take_request(struct reading *x, struct openai_request *r, const cJSON *line)
{
    const char *id = json_get_str(line, "custom_id");
    const char *url = json_get_str(line, "url");
    const char *method = json_get_str(line, "method");
    int n = 0;
    if (!id || !*id || strlen(id) > MAX_ID) {
        refuse(x, r, "missing_required_parameter",
               "custom_id must be a text of 1 to 512 "
               "bytes");
        return;
    }
    r->custom_id = mem_dup(id);
    if (!url || strcmp(url, "/v1/chat/completions") != 0 ||
        (method && strcmp(method, "POST") != 0)) {
        refuse(x, r, "invalid_url", "only POST /v1/chat/completions is possible");
        return;
    }
    const char *picture = find_picture(x, json_get(line, "body"), &n);
    if (n != 1) {
        refuse(x, r, "invalid_request",
               n ? "more than one picture in a request is not possible"
                 : "there is no picture (image_url) in the request");
        return;
    }
    take_url(x, r, picture);
}

static int list_picture(struct reading *x, const struct openai_request *r)
{
    struct json_writer w;
    json_init(&w, &x->list);
    json_object(&w, NULL);
    json_str(&w, *r->picture == '/' ? "path" : "url", r->picture);
    json_object_end(&w);
    return w.rc ? w.rc : buf_add(&x->list, "\n", 1);
}

static int take_line(struct reading *x, enum got got)
{
    struct openai_request *r = new_request(x->b);
    cJSON *line = NULL;
    if (got == GOT_LINE) {
        line = json_parse(buf_str(&x->line), x->line.len);
    }
    if (cJSON_IsObject(line)) {
        take_request(x, r, line);
    } else {
        refuse(x, r, "invalid_json_line",
               got == GOT_LONG ? "the line is longer than 32 MiB"
                               : "the line is no JSON object");
    }
    json_free(line);
    return r->picture ? list_picture(x, r) : 0;
}

static int read_all(struct reading *x)
{
    enum got got;
    while ((got = read_line(x)) != GOT_END) {
        if (got == GOT_ERROR) {
            return errno ? errno : EIO;
        }
        if (got == GOT_LINE && is_blank(&x->line)) {
            continue;
        }
        if (x->b->n == MAX_REQUESTS) {
            return E2BIG;
        }
        if (take_line(x, got)) {
            return ENOMEM;
        }
    }
    return 0;
}

static int write_list(struct reading *x)
{
    struct file f;
    const char *path = x->b->input + 1;
    int rc = file_begin(&f, path);
    if (rc == 0) {
        rc = file_add(&f, x->list.data, x->list.len);
        rc = file_end(&f, rc, FILE_REPLACE);
    }
    return rc;
}

static int say_error(const char *what, int errnum)
{
    char safe[600];
    text_safe(what, safe, sizeof(safe));
    say("vlmd: batch: %s: %s", safe,
        errnum == E2BIG ? "has over 50000 requests (split it)" : strerror(errnum));
    return CLI_USAGE;
}

static int name_places(struct openai_batch *b, const char *file)
{
    char whole[PATH_MAX];
    if (!realpath(file, whole) || strlen(whole) > sizeof(b->folder) - 32) {
        return say_error(file, errno ? errno : ENAMETOOLONG);
    }
    snprintf(b->folder, sizeof(b->folder), "%.4000s.pictures", whole);
    snprintf(b->input, sizeof(b->input), "@%s/list.jsonl", b->folder);
    if (mkdir(b->folder, 0700) && errno != EEXIST) {
        return say_error(b->folder, errno);
    }
    return 0;
}

int openai_read(struct openai_batch *b, const char *file)
{
    struct reading x = {.b = b, .in = fopen(file, "re")};
    *b = (struct openai_batch){0};
    if (!x.in) {
        return say_error(file, errno);
    }
    int rc = name_places(b, file);
    if (rc) {
        fclose(x.in);
        return rc;
    }
    buf_init(&x.line, MAX_LINE);
    buf_init(&x.picture, MAX_PICTURE);
    buf_init(&x.list, (size_t)MAX_REQUESTS * (MAX_URL + 64));
    int err = read_all(&x);
    err = err ? err : write_list(&x);
    buf_fini(&x.line);
    buf_fini(&x.picture);
    buf_fini(&x.list);
    fclose(x.in);
    return err ? say_error(file, err) : 0;
}

void openai_fini(struct openai_batch *b)
{
    for (int i = 0; i < b->n; i++) {
        free(b->requests[i].custom_id);
        free(b->requests[i].picture);
    }
    free(b->requests);
    *b = (struct openai_batch){0};
}
