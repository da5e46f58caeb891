// config_backends.c -- the list of backends: URLs, maps with their own values, or "ocr".
//
// A backend starts as a copy of the defaults ("backend." keys and model); a map's values are
// set by the same key table, shifted to the backend's struct.
// SPDX-License-Identifier: MIT
#include "config/config_private.h"

#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

struct slot {
    struct backend_config *backend;  // NULL = not a server ("ocr")
    struct guard_terms *terms;
    const char *where;
    const struct config_entry *secret;  // the one that was set
    bool has_bad_url;
};

static bool say(char *words, size_t size, const char *text)
{
    snprintf(words, size, "%s", text);
    return false;
}

static bool port_ok(const char *s, size_t len)
{
    char text[8];
    int64_t port;
    if (len == 0 || len >= sizeof(text)) {
        return false;
    }
    snprintf(text, sizeof(text), "%.*s", (int)len, s);
    return config_parse_int(text, &port) && port >= 1 && port <= 65535;
}

// host[:port] of an URL; host is a name, an IPv4 address or [IPv6].
static bool authority_ok(const char *s, size_t len, char *words, size_t size)
{
    size_t host = 0;
    if (memchr(s, '@', len)) {
        return say(words, size, "has a user or password in it; use api_key_file");
    }
    if (len && s[0] == '[') {
        const char *end = memchr(s, ']', len);
        host = end ? (size_t)(end - s) + 1 : 0;
        if (!end || host < 4 || strspn(s + 1, "0123456789abcdefABCDEF:.%") != host - 2) {
            return say(words, size, "has a bad address in [ ]");
        }
    } else {
        while (host < len &&
               (isalnum((unsigned char)s[host]) || strchr("-._", s[host]))) {
            host++;
        }
    }
    if (host == 0) {
        return say(words, size, "names no host");
    }
    if (host < len && (s[host] != ':' || !port_ok(s + host + 1, len - host - 1))) {
        return say(words, size,
                   s[host] == ':' ? "has no port from 1 to 65535 after the colon"
                                  : "has a host with unusual characters");
    }
    return true;
}

static bool path_ok(const char *s, char *words, size_t size)
{
    for (; *s; s++) {
        if (*s == '?' || *s == '#') {
            return say(words, size, "has a query or fragment in it");
        }
        if ((unsigned char)*s <= 0x20 || (unsigned char)*s >= 0x7f) {
            return say(words, size, "has blanks or unusual characters in it");
        }
    }
    return true;
}

// People paste what their other programs want: http://host:8000/v1/
static void trim_url(char *url, size_t least)
{
    size_t len = strlen(url);
    while (len > least && url[len - 1] == '/') {
        url[--len] = 0;
    }
    if (len >= least + 3 && strcmp(url + len - 3, "/v1") == 0) {
        url[len - 3] = 0;
        trim_url(url, least);
    }
}

static bool unix_url(const char *text, char *out, size_t size, char *words,
                     size_t words_size)
{
    static const char prefix[] = "http+unix://";
    const char *path = text + sizeof(prefix) - 1;
    if (path[0] != '/' || path[1] == 0) {
        return say(words, words_size, "names no socket: http+unix:///run/vlm.sock");
    }
    if (strlen(path) > 107) {
        return say(words, words_size, "has a socket path of over 107 bytes");
    }
    snprintf(out, size, "%s%s", prefix, path);
    return path_ok(path, words, words_size);
}

bool config_url(const char *text, char *out, size_t size, char *words, size_t words_size)
{
    const char *rest = strstr(text, "://");
    size_t scheme = rest ? (size_t)(rest - text) : 0;
    if (strlen(text) + 8 > size) {
        return say(words, words_size, "is too long");
    }
    if (rest && scheme == 9 && strncasecmp(text, "http+unix", 9) == 0) {
        return unix_url(text, out, size, words, words_size);
    }
    bool is_http = scheme == 4 && strncasecmp(text, "http", 4) == 0;
    bool is_https = scheme == 5 && strncasecmp(text, "https", 5) == 0;
    if (rest && !is_http && !is_https) {
        return say(words, words_size,
                   "must begin with http://, https:// or http+unix://");
    }
    rest = rest ? rest + 3 : text;
    size_t authority = strcspn(rest, "/?#");
    if (!is_http && !is_https && !memchr(rest, ':', authority)) {
        return say(words, words_size,
                   "is no URL: write http://HOST:PORT, HOST:PORT or ocr");
    }
    if (!authority_ok(rest, authority, words, words_size) ||
        !path_ok(rest + authority, words, words_size)) {
        return false;
    }
    const char *prefix = is_https ? "https://" : "http://";
    snprintf(out, size, "%s%s", prefix, rest);
    trim_url(out, strlen(prefix) + authority);
    return true;
}

// ---- the list

static const char *default_name(struct config *c, const char *url)
{
    const char *rest = strstr(url, "://") + 3;
    bool is_socket = *rest == '/';
    const char *slash = is_socket ? strrchr(rest, '/') + 1 : rest;
    char *name = config_keepf(c, "%.*s", (int)strcspn(slash, "/"), slash);
    for (int i = 0; i < c->n_backends; i++) {
        if (c->backends[i].name && strcmp(c->backends[i].name, name) == 0) {
            return config_keepf(c, "%s#%d", name, c->n_backends + 1);
        }
    }
    return name;
}

static void set_url(struct config_loader *l, struct slot *s, const struct config_entry *e)
{
    char url[1024];
    char words[160];
    if (!config_url(e->value, url, sizeof(url), words, sizeof(words))) {
        char shown[80];
        snprintf(shown, sizeof(shown), "%s", e->value);
        config_error(l, e->where, "backends: \"%s\" %s", shown, words);
        s->has_bad_url = true;
        return;
    }
    s->backend->url = config_keep(l->c, url);
}

static struct slot new_slot(struct config_loader *l, const struct config_entry *e)
{
    struct slot s = {.where = e->where};
    struct config *c = l->c;
    if (c->n_backends == CONFIG_MAX_BACKENDS) {
        config_error(l, e->where, "backends: at most %d are possible",
                     CONFIG_MAX_BACKENDS);
        return s;
    }
    s.backend = &c->backends[c->n_backends];
    s.terms = &c->terms_of[c->n_backends];
    *s.backend = c->backend;
    *s.terms = c->terms;
    s.backend->url = NULL;
    s.backend->name = NULL;
    return s;
}

static void set_name(struct config_loader *l, struct slot *s,
                     const struct config_entry *e)
{
    size_t len = strlen(e->value);
    if (len == 0 || len > 64 ||
        strspn(e->value, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOP"
                         "QRSTUVWXYZ0123456789-_.:#") != len) {
        config_error(l, e->where, "name: must be 1 to 64 letters, digits or -_.:#");
        return;
    }
    if (strcmp(e->value, "ocr") == 0) {
        config_error(l, e->where, "name: ocr is the name of text recognition");
        return;
    }
    for (int i = 0; i < l->c->n_backends; i++) {
        if (strcmp(l->c->backends[i].name, e->value) == 0) {
            config_error(l, e->where, "name: \"%s\" is another backend's name", e->value);
            return;
        }
    }
    s->backend->name = config_keep(l->c, e->value);
}

bool config_is_secret(const struct config_key *k)
{
    return k->type == CONFIG_SECRET || k->type == CONFIG_SECRET_FILE ||
           k->type == CONFIG_SECRET_ENV || k->type == CONFIG_SECRET_COMMAND;
}

// The row of the key table for a backend's own value; its offset leads to c->backend or
// c->terms.
static const struct config_key *own_key(struct config *c, const char *sub)
{
    bool is_whole = strcmp(sub, "model") == 0 || strncmp(sub, "rate.", 5) == 0 ||
                    strncmp(sub, "budget.", 7) == 0;
    int k = config_find(is_whole ? sub : config_keepf(c, "backend.%s", sub));
    return k < 0 ? NULL : &config_keys[k];
}

// Where the value of that row stands for this one.
static char *own_place(const struct slot *s, const struct config_key *k)
{
    const size_t terms = offsetof(struct config, terms);
    if (k->offset >= terms && k->offset < terms + sizeof(struct guard_terms)) {
        return (char *)s->terms + (k->offset - terms);
    }
    return (char *)s->backend + (k->offset - offsetof(struct config, backend));
}

static void set_own(struct config_loader *l, struct slot *s, const struct config_entry *e)
{
    const struct config_key *k = own_key(l->c, e->sub);
    if (!k) {
        config_error(
            l, e->where,
            "backends: %s is no key of a backend: url, name, model, or what stands "
            "under \"backend\", \"rate\" and \"budget\"",
            e->sub);
        return;
    }
    if (config_is_secret(k)) {
        if (s->secret) {
            config_error(l, e->where, "%s: %s is set already at %s", e->sub,
                         s->secret->sub, s->secret->origin);
            return;
        }
        s->secret = e;
    }
    if (e->is_null) {
        config_warn(l, e->where, "%s: has no value; the default is kept", e->sub);
        return;
    }
    config_set(l, k, own_place(s, k), e);
}

static void set_field(struct config_loader *l, struct slot *s,
                      const struct config_entry *e)
{
    if (strcmp(e->sub, "url") == 0) {
        set_url(l, s, e);
    } else if (strcmp(e->sub, "name") == 0) {
        set_name(l, s, e);
    } else {
        set_own(l, s, e);
    }
}

static void warn_open_key(struct config_loader *l, const struct slot *s)
{
    const struct backend_config *b = s->backend;
    if (b->api_key && *b->api_key && strncmp(b->url, "http://", 7) == 0 &&
        !http_is_loopback(b->url)) {
        config_warn(l, s->where, "backends: the key goes to %s without encryption",
                    b->url);
    }
}

static void end_slot(struct config_loader *l, struct slot *s)
{
    if (!s->backend) {
        return;
    }
    if (!s->backend->url) {
        if (!s->has_bad_url) {
            config_error(l, s->where, "backends: a backend needs an url");
        }
        return;
    }
    if (!s->backend->name) {
        s->backend->name = default_name(l->c, s->backend->url);
    }
    warn_open_key(l, s);
    l->c->n_backends++;
}

static bool is_ocr(const struct config_entry *e)
{
    bool is_whole = !*e->sub || strcmp(e->sub, "url") == 0;
    return is_whole && strcasecmp(e->value, "ocr") == 0;
}

static bool is_same_backend(const struct config_entry *a, const struct config_entry *b)
{
    return a == b || (a->index >= 0 && a->index == b->index && a->layer == b->layer &&
                      strcmp(b->key, "backends") == 0);
}

// One backend: all entries with the index of the first.  Returns the next backend's.
static int set_backend(struct config_loader *l, int first, int end)
{
    const struct config_entry *all = l->entries;
    const struct config_entry *e = &all[first];
    int i = first;
    if (is_ocr(e)) {
        l->c->has_ocr_backend = true;
        while (i < end && is_same_backend(e, &all[i])) {
            i++;
        }
        return i;
    }
    if (e->is_null && !*e->sub) {
        config_error(l, e->where, "backends: a backend needs an url");
        return first + 1;
    }
    struct slot s = new_slot(l, e);
    for (; i < end && is_same_backend(e, &all[i]); i++) {
        if (s.backend && *all[i].sub) {
            set_field(l, &s, &all[i]);
        } else if (s.backend) {
            set_url(l, &s, &all[i]);
        }
    }
    end_slot(l, &s);
    return i;
}

void config_set_backends(struct config_loader *l)
{
    enum config_layer last = LAYER_DEFAULT;
    for (int i = 0; i < l->n_entries; i++) {
        const struct config_entry *e = &l->entries[i];
        if (strcmp(e->key, "backends") == 0 && (!e->is_null || e->index >= 0)) {
            last = e->layer;
        }
    }
    for (int i = 0; i < l->n_entries && last != LAYER_DEFAULT;) {
        const struct config_entry *e = &l->entries[i];
        bool is_ours = e->layer == last && strcmp(e->key, "backends") == 0;
        bool is_nothing = e->is_null && e->index < 0;
        i = is_ours && !is_nothing ? set_backend(l, i, l->n_entries) : i + 1;
    }
    l->c->is_auto = l->c->n_backends == 0 && !l->c->has_ocr_backend;
}
