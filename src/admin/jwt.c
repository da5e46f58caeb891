// jwt.c -- see jwt.h.
//
// The signature is checked before anything inside is looked at.
// SPDX-License-Identifier: MIT
#include "jwt.h"

#include "base/base64.h"
#include "base/json.h"

#include <assert.h>
#include <cjson/cJSON.h>
#include <openssl/crypto.h>
#include <openssl/evp.h>
#include <openssl/hmac.h>
#include <stdio.h>
#include <string.h>

enum { MAC_BYTES = 32, MAC_CHARS = 43, HEAD_MAX = 256 };

static const char our_head[] = "{\"alg\":\"HS256\",\"typ\":\"JWT\"}";
static const char our_audience[] = "vlmd";

// ---- base64url without padding

static int put_text(struct buf *out, const void *bytes, size_t len)
{
    char text[JWT_MAX];
    if (base64_length(len) > sizeof(text)) {
        return E_TOOBIG;
    }
    size_t n = base64_encode(bytes, len, text);
    while (n > 0 && text[n - 1] == '=') {
        n--;
    }
    for (size_t i = 0; i < n; i++) {
        text[i] = text[i] == '+' ? '-' : text[i] == '/' ? '_' : text[i];
    }
    return buf_add(out, text, n);
}

static int value_of(char c)
{
    return c >= 'A' && c <= 'Z'   ? c - 'A'
           : c >= 'a' && c <= 'z' ? c - 'a' + 26
           : c >= '0' && c <= '9' ? c - '0' + 52
           : c == '-'             ? 62
           : c == '_'             ? 63
                                  : -1;
}

// Returns the length, or -1.  One spelling only: bits that are left over must be 0.
static int get_bytes(const char *text, size_t len, uint8_t *out, size_t max)
{
    uint32_t bits = 0;
    int n_bits = 0;
    size_t n = 0;
    if (len % 4 == 1) {
        return -1;
    }
    for (size_t i = 0; i < len; i++) {
        int v = value_of(text[i]);
        if (v < 0) {
            return -1;
        }
        bits = bits << 6 | (uint32_t)v;
        n_bits += 6;
        if (n_bits >= 8) {
            if (n == max) {
                return -1;
            }
            n_bits -= 8;
            out[n++] = (uint8_t)(bits >> n_bits);
        }
    }
    return bits & ((1u << n_bits) - 1) ? -1 : (int)n;
}

static void sign(const uint8_t *key, const char *text, size_t len, uint8_t *mac)
{
    unsigned n = MAC_BYTES;
    HMAC(EVP_sha256(), key, JWT_KEY_BYTES, (const uint8_t *)text, len, mac, &n);
    assert(n == MAC_BYTES);
}

// ---- making

static int write_claims(const struct jwt_claims *c, struct buf *out)
{
    struct json_writer w;
    json_init(&w, out);
    json_object(&w, NULL);
    json_str(&w, "aud", our_audience);
    json_str(&w, "sub", c->subject);
    json_str(&w, "scope", c->scope);
    json_str(&w, "use", c->use);
    if (c->id[0]) {
        json_str(&w, "jti", c->id);
    }
    json_int(&w, "exp", c->expires_s);
    if (c->not_before_s) {
        json_int(&w, "nbf", c->not_before_s);
    }
    json_object_end(&w);
    return w.rc;
}

int jwt_make(const uint8_t key[JWT_KEY_BYTES], const struct jwt_claims *c, char *out,
             size_t size)
{
    uint8_t mac[MAC_BYTES];
    struct buf claims, token;
    buf_init(&claims, JWT_MAX);
    buf_init(&token, JWT_MAX);
    int rc = write_claims(c, &claims);
    rc = rc ? rc : put_text(&token, our_head, strlen(our_head));
    rc = rc ? rc : buf_add(&token, ".", 1);
    rc = rc ? rc : put_text(&token, claims.data, claims.len);
    if (rc == 0) {
        sign(key, buf_str(&token), token.len, mac);
        rc = buf_add(&token, ".", 1);
        rc = rc ? rc : put_text(&token, mac, sizeof(mac));
    }
    if (rc == 0) {
        rc = (size_t)snprintf(out, size, "%s", buf_str(&token)) < size ? 0 : E_TOOBIG;
    }
    buf_fini(&claims);
    buf_fini(&token);
    return rc;
}

// ---- checking

static bool is_our_algorithm(const char *head, size_t len)
{
    char text[HEAD_MAX];
    int n = get_bytes(head, len, (uint8_t *)text, sizeof(text));
    struct cJSON *json = n > 0 ? json_parse(text, (size_t)n) : NULL;
    const char *alg = json_get_str(json, "alg");
    bool is_ours = alg && strcmp(alg, "HS256") == 0 && !json_get(json, "crit");
    json_free(json);
    return is_ours;
}

static bool take_text(const struct cJSON *json, const char *name, char *out, size_t size)
{
    const char *s = json_get_str(json, name);
    return (size_t)snprintf(out, size, "%s", s ? s : "") < size;
}

static int read_claims(const struct cJSON *json, int64_t now_s, struct jwt_claims *out)
{
    struct jwt_claims c = {0};
    const char *audience = json_get_str(json, "aud");
    bool is_whole = take_text(json, "sub", c.subject, sizeof(c.subject)) &&
                    take_text(json, "scope", c.scope, sizeof(c.scope)) &&
                    take_text(json, "use", c.use, sizeof(c.use)) &&
                    take_text(json, "jti", c.id, sizeof(c.id));
    c.expires_s = json_get_int(json, "exp", 0);
    c.not_before_s = json_get_int(json, "nbf", 0);
    if (!is_whole || !audience || strcmp(audience, our_audience) != 0) {
        return E_FORMAT;
    }
    if (now_s >= c.expires_s || now_s < c.not_before_s - JWT_LEEWAY_S) {
        return E_DEADLINE;
    }
    *out = c;
    return 0;
}

static int check_claims(const char *text, size_t len, int64_t now_s,
                        struct jwt_claims *out)
{
    char bytes[JWT_MAX];
    int n = get_bytes(text, len, (uint8_t *)bytes, sizeof(bytes));
    struct cJSON *json = n > 0 ? json_parse(bytes, (size_t)n) : NULL;
    int rc = json ? read_claims(json, now_s, out) : E_FORMAT;
    json_free(json);
    return rc;
}

int jwt_check(const uint8_t key[JWT_KEY_BYTES], const char *token, int64_t now_s,
              struct jwt_claims *out)
{
    uint8_t given[MAC_BYTES], own[MAC_BYTES];
    size_t len = strnlen(token, JWT_MAX);
    const char *dot = memchr(token, '.', len);
    const char *last = dot ? memchr(dot + 1, '.', (size_t)(token + len - dot - 1)) : NULL;
    if (len == JWT_MAX || !last || strchr(last + 1, '.')) {
        return E_FORMAT;
    }
    size_t mac_len = (size_t)(token + len - last - 1);
    if (mac_len != MAC_CHARS || !is_our_algorithm(token, (size_t)(dot - token)) ||
        get_bytes(last + 1, mac_len, given, sizeof(given)) != MAC_BYTES) {
        return E_FORMAT;
    }
    sign(key, token, (size_t)(last - token), own);
    if (CRYPTO_memcmp(given, own, sizeof(own)) != 0) {
        return E_AUTH;
    }
    return check_claims(dot + 1, (size_t)(last - dot - 1), now_s, out);
}
