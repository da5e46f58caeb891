// manifest_lines.c -- lists: lines of limited length, and what one line names.
//
// Standard input may never end: it is waited for with poll, together with a descriptor that
// says "stop".  Its flags are not changed, they belong to other processes too.
// SPDX-License-Identifier: MIT
#include "base/json.h"
#include "base/mem.h"
#include "base/utf8.h"
#include "ingest/manifest.h"
#include "ingest/meta.h"
#include "ingest/taken.h"

#include <cjson/cJSON.h>
#include <ctype.h>
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/stat.h>
#include <unistd.h>

enum { MAX_URL_BYTES = 8192 };
// Something without line feeds that goes on for so long is no list.
#define MAX_SKIPPED_BYTES (INT64_C(64) << 20)

// ---- lines

int lines_open(struct lines *l, const char *name)
{
    *l = (struct lines){.is_stdin = strcmp(name, "-") == 0};
    // O_NONBLOCK: a named pipe without a writer must not block the open.
    l->fd = l->is_stdin ? STDIN_FILENO
                        : open(name, O_RDONLY | O_NONBLOCK | O_NOCTTY | O_CLOEXEC);
    struct stat st;
    int rc = l->fd < 0 || fstat(l->fd, &st) < 0 ? err_from_errno(errno) : 0;
    if (rc == 0 && S_ISDIR(st.st_mode)) {
        rc = E_NOT_FILE;
    }
    // One byte more for the terminator of a last line without its end.
    l->buf = rc == 0 ? malloc(LINES_MAX_BYTES + 2) : NULL;
    if (!l->buf) {
        lines_close(l);
        return rc < 0 ? rc : E_NOMEM;
    }
    return 0;
}

void lines_close(struct lines *l)
{
    if (l->fd >= 0 && !l->is_stdin) {
        close(l->fd);
    }
    free(l->buf);
    *l = (struct lines){.fd = -1};
}

// LINES_LINE: something was read, or the end.
static enum lines_result read_more(struct lines *l, int stop_fd, bool may_wait)
{
    if (l->at > 0) {
        memmove(l->buf, l->buf + l->at, l->len - l->at);
        l->len -= l->at;
        l->at = 0;
    }
    struct pollfd fds[] = {{.fd = l->fd, .events = POLLIN},
                           {.fd = stop_fd, .events = POLLIN}};
    int n = poll(fds, 2, may_wait ? -1 : 0);
    if (n < 0) {
        l->code = errno == EINTR ? 0 : err_from_errno(errno);
        return l->code ? LINES_ERROR : LINES_WAIT;
    }
    if (fds[1].revents) {
        return LINES_STOP;
    }
    if (!fds[0].revents) {
        return LINES_WAIT;
    }
    ssize_t got = read(l->fd, l->buf + l->len, LINES_MAX_BYTES + 1 - l->len);
    if (got < 0) {
        bool is_again = errno == EAGAIN || errno == EINTR;
        l->code = is_again ? 0 : err_from_errno(errno);
        return is_again ? LINES_WAIT : LINES_ERROR;
    }
    l->is_ended = got == 0;
    l->len += (size_t)got;
    return LINES_LINE;
}

// Drops what there is of a line that is too long; true when its end was found.
static bool skip_line(struct lines *l, const char *feed)
{
    size_t end = feed ? (size_t)(feed - l->buf) + 1 : l->len;
    l->skipped_bytes += (int64_t)(end - l->at);
    l->at = end;
    l->is_skipping = !feed && !l->is_ended;
    return !l->is_skipping;
}

static void cut_line(struct lines *l, char *feed, char **line, size_t *len)
{
    char *end = feed ? feed : l->buf + l->len;
    *line = l->buf + l->at;
    l->at = (size_t)(end - l->buf) + (feed != NULL);
    end -= end > *line && end[-1] == '\r';
    *end = 0;
    *len = (size_t)(end - *line);
}

enum lines_result lines_next(struct lines *l, int stop_fd, bool may_wait, char **line,
                             size_t *len)
{
    while (true) {
        size_t there = l->len - l->at;
        char *feed = there ? memchr(l->buf + l->at, '\n', there) : NULL;
        bool is_long = !feed && there > LINES_MAX_BYTES;
        if (l->is_skipping || is_long) {
            l->number += !l->is_skipping;
            l->is_skipping = true;
            if (skip_line(l, feed)) {
                return LINES_LONG;
            }
            if (l->skipped_bytes > MAX_SKIPPED_BYTES) {
                l->code = E_TOOBIG;
                return LINES_ERROR;
            }
        } else if (feed || (l->is_ended && there)) {
            l->number++;
            cut_line(l, feed, line, len);
            return LINES_LINE;
        } else if (l->is_ended) {
            return LINES_END;
        }
        enum lines_result got = read_more(l, stop_fd, may_wait);
        if (got != LINES_LINE) {
            return got;
        }
    }
}

// ---- URLs

bool named_is_url(const char *text)
{
    const char *p = text;
    while (isalnum((unsigned char)*p) || *p == '+' || *p == '-' || *p == '.') {
        p++;
    }
    return p > text && isalpha((unsigned char)*text) && strncmp(p, "://", 3) == 0;
}

// The '@' that ends user name and password, or NULL.
static const char *secret_end(const char *host)
{
    const char *at = NULL;
    for (const char *p = host; *p && !strchr("/?#", *p); p++) {
        at = *p == '@' ? p : at;
    }
    return at;
}

void named_hide_secret(const char *url, char *out, size_t size)
{
    const char *host = strstr(url, "://");
    const char *at = host ? secret_end(host + 3) : NULL;
    if (at) {
        snprintf(out, size, "%.*s://***%s", (int)(host - url), url, at);
    } else {
        snprintf(out, size, "%s", url);
    }
}

int named_check_url(const char *url, char *words, size_t words_size)
{
    const char *host = strstr(url, "://");
    size_t scheme = host ? (size_t)(host - url) : 0;
    bool is_http = (scheme == 4 && strncasecmp(url, "http", 4) == 0) ||
                   (scheme == 5 && strncasecmp(url, "https", 5) == 0);
    if (!is_http) {
        snprintf(words, words_size, "only http and https URLs are taken");
        return E_USAGE;
    }
    host += 3;
    if (secret_end(host)) {
        snprintf(words, words_size,
                 "the URL has a user name or password in it; remove it");
        return E_USAGE;
    }
    if (!*host || strchr("/?#:", *host)) {
        snprintf(words, words_size, "the URL names no host");
        return E_USAGE;
    }
    size_t len = 0;
    for (; host[len]; len++) {
        if ((unsigned char)host[len] <= ' ' || host[len] == 0x7f) {
            snprintf(words, words_size, "the URL has a blank or control character in it");
            return E_USAGE;
        }
    }
    if (len > MAX_URL_BYTES) {
        snprintf(words, words_size, "the URL is longer than %d bytes",
                 (int)MAX_URL_BYTES);
        return E_TOOBIG;
    }
    return 0;
}

// ---- what a line names

void named_fini(struct named *n)
{
    free(n->path);
    free(n->url);
    *n = (struct named){0};
}

static void take_str(struct named *n, const struct cJSON *json, const char *key,
                     char *out, size_t size)
{
    const char *value = json_get_str(json, key);
    if (value) {
        utf8_clean(value, strlen(value), out, size);
        n->has_meta = true;
    }
}

// Unix seconds, milliseconds, or ISO 8601; absent and null are fine.  false = neither.
static bool take_time(struct named *n, const struct cJSON *json)
{
    const cJSON *item = json_get(json, "taken_at");
    if (!item || cJSON_IsNull(item)) {
        return true;
    }
    const char *text = cJSON_GetStringValue(item);
    n->meta.taken_at_ms = text                   ? taken_from_iso(text)
                          : cJSON_IsNumber(item) ? taken_from_unix(item->valuedouble)
                                                 : 0;
    n->has_meta = true;
    return n->meta.taken_at_ms != 0;
}

// Absent, null and "" are fine.  false = none of those there are.
static bool take_tier(struct named *n, const struct cJSON *json, const char *const *tiers)
{
    const cJSON *item = json_get(json, "tier");
    const char *text = cJSON_GetStringValue(item);
    if (!item || cJSON_IsNull(item) || (text && !*text)) {
        return true;
    }
    for (int i = 0; text && tiers[i]; i++) {
        n->tier = strcmp(text, tiers[i]) == 0 ? tiers[i] : n->tier;
    }
    return n->tier != NULL;
}

static void word_tiers(const char *const *tiers, char *words, size_t size)
{
    int n = snprintf(words, size, "\"tier\" is none of");
    for (int i = 0; tiers[i] && n < (int)size; i++) {
        n += snprintf(words + n, size - (size_t)n, "%s %s", i ? "," : "", tiers[i]);
    }
}

static const char *take_object(struct named *n, const struct cJSON *json)
{
    const char *path = json_get_str(json, "path");
    const char *url = json_get_str(json, "url");
    if (!cJSON_IsObject(json)) {
        return "is not a JSON object";
    }
    if (!path == !url) {
        return "needs either \"path\" or \"url\", as text";
    }
    if (!(path ? path : url)[0]) {
        return "names nothing";
    }
    take_str(n, json, "app", n->meta.app, sizeof(n->meta.app));
    take_str(n, json, "window", n->meta.window, sizeof(n->meta.window));
    take_str(n, json, "screen", n->meta.screen, sizeof(n->meta.screen));
    take_str(n, json, "page_url", n->meta.url, sizeof(n->meta.url));
    meta_derive_app(&n->meta);
    if (!take_time(n, json)) {
        return "\"taken_at\" is neither unix time nor ISO 8601";
    }
    n->path = mem_dup(path);
    n->url = mem_dup(url);
    return NULL;
}

// A NUL would silently name another file.
static bool has_nul(const char *line, size_t len)
{
    return memchr(line, 0, len) || strstr(line, "\\u0000");
}

int named_parse(struct named *n, const char *line, size_t len, const char *const *tiers,
                char *words, size_t words_size)
{
    *n = (struct named){0};
    const char *wrong = NULL;
    if (line[0] == '{') {
        struct cJSON *json = has_nul(line, len) ? NULL : json_parse(line, len);
        wrong = json ? take_object(n, json) : "is not valid JSON";
        if (!wrong && tiers && !take_tier(n, json, tiers)) {
            word_tiers(tiers, words, words_size);
            wrong = words;
        }
        json_free(json);
    } else if (has_nul(line, len)) {
        wrong = "has a NUL byte in it";
    } else if (named_is_url(line)) {
        n->url = mem_dup(line);
    } else {
        n->path = mem_dup(line);
    }
    if (wrong) {
        if (wrong != words) {
            snprintf(words, words_size, "%s", wrong);
        }
        named_fini(n);
        return E_USAGE;
    }
    return 0;
}
