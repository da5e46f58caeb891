// auth.c -- see auth.h.
//
// What is secret is never compared itself: only hashes are, in constant time.
// SPDX-License-Identifier: MIT
#include "auth.h"

#include "auth_file.h"

#include <assert.h>
#include <openssl/crypto.h>
#include <openssl/evp.h>
#include <openssl/hmac.h>
#include <openssl/rand.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const struct {
    enum auth_scope scope;
    const char *name;
    unsigned has;
} scopes[] = {
    {AUTH_READ, "read", AUTH_READ},
    {AUTH_SUBMIT, "submit", AUTH_READ | AUTH_SUBMIT},
    {AUTH_ADMIN, "admin", AUTH_READ | AUTH_SUBMIT | AUTH_ADMIN},
};
enum { SCOPES = sizeof(scopes) / sizeof(scopes[0]) };

// ---- words

bool auth_parse_scopes(const char *text, unsigned *out)
{
    *out = 0;
    while (*text) {
        size_t n = strcspn(text, " ,");
        int found = 0;
        for (int i = 0; i < SCOPES; i++) {
            if (strlen(scopes[i].name) == n && strncmp(text, scopes[i].name, n) == 0) {
                *out |= scopes[i].has;
                found = 1;
            }
        }
        if (n && !found) {
            return false;
        }
        text += n;
        text += strspn(text, " ,");
    }
    return *out != 0;
}

const char *auth_scopes_text(unsigned bits, char *out, size_t size)
{
    size_t n = 0;
    out[0] = 0;
    for (int i = 0; i < SCOPES && n < size; i++) {
        if (bits & scopes[i].scope) {
            n +=
                (size_t)snprintf(out + n, size - n, "%s%s", n ? " " : "", scopes[i].name);
        }
    }
    return out;
}

bool auth_may(const struct auth_who *who, enum auth_scope scope)
{
    return (who->scopes & (unsigned)scope) != 0;
}

const char *auth_kind_name(enum auth_kind kind)
{
    switch (kind) {
    case AUTH_OPEN: return "open";
    case AUTH_TOKEN: return "token";
    case AUTH_KEY: return "key";
    case AUTH_JWT: return "jwt";
    case AUTH_COOKIE: return "cookie";
    case AUTH_SOCKET: return "socket";
    }
    return "";
}

void auth_random(void *out, int n)
{
    if (RAND_bytes(out, n) != 1) {
        abort();  // the kernel has no random numbers: nothing would be secret
    }
}

void auth_random_hex(int n, char *out)
{
    unsigned char bytes[64];
    assert(n <= (int)sizeof(bytes));
    auth_random(bytes, n);
    for (int i = 0; i < n; i++) {
        snprintf(out + 2 * i, 3, "%02x", bytes[i]);
    }
}

static void hash_of(const struct auth *a, const char *text, uint8_t out[32])
{
    bool is_made = EVP_DigestInit_ex(a->digest, NULL, NULL) == 1 &&
                   EVP_DigestUpdate(a->digest, text, strlen(text)) == 1 &&
                   EVP_DigestFinal_ex(a->digest, out, NULL) == 1;
    if (!is_made) {
        abort();  // what is in out would be compared
    }
}

// ---- opening

int auth_open(struct auth *a, const char *dir, const char *keys_file, struct err *e)
{
    static const char purpose[] = "vlmd jwt 1";
    char token[AUTH_TOKEN_CHARS + 1];
    unsigned n = JWT_KEY_BYTES;
    memset(a, 0, sizeof(*a));
    snprintf(a->token_path, sizeof(a->token_path), "%.4000s/api-token", dir);
    if (keys_file && *keys_file) {
        snprintf(a->keys_path, sizeof(a->keys_path), "%s", keys_file);
    } else {
        snprintf(a->keys_path, sizeof(a->keys_path), "%.4000s/api-keys", dir);
    }
    int rc = auth_file_token(a->token_path, token, e);
    if (rc) {
        return rc;
    }
    a->digest = EVP_MD_CTX_new();
    if (!a->digest || EVP_DigestInit_ex(a->digest, EVP_sha256(), NULL) != 1) {
        abort();  // no memory, or no SHA-256: nobody could be let in
    }
    hash_of(a, token, a->token_hash);
    HMAC(EVP_sha256(), token, AUTH_TOKEN_CHARS, (const unsigned char *)purpose,
         sizeof(purpose) - 1, a->jwt_key, &n);
    OPENSSL_cleanse(token, sizeof(token));
    return auth_file_keys(a, e);
}

void auth_close(struct auth *a)
{
    EVP_MD_CTX_free(a->digest);
    a->digest = NULL;
}

// ---- checking

static int check_keys(const struct auth *a, const uint8_t hash[32], int64_t now_s,
                      struct auth_who *out)
{
    for (int i = 0; i < a->n_keys; i++) {
        const struct auth_key *k = &a->keys[i];
        if (CRYPTO_memcmp(hash, k->hash, sizeof(k->hash)) != 0) {
            continue;
        }
        if (k->expires_s && now_s >= k->expires_s) {
            return E_DEADLINE;
        }
        *out = (struct auth_who){
            .scopes = k->scopes, .kind = AUTH_KEY, .expires_s = k->expires_s};
        memcpy(out->name, k->name, sizeof(out->name));
        return 0;
    }
    return E_AUTH;
}

static int check_jwt(const struct auth *a, const char *given, const char *use,
                     int64_t now_s, struct jwt_claims *c, struct auth_who *out)
{
    int rc = jwt_check(a->jwt_key, given, now_s, c);
    unsigned bits;
    if (rc) {
        return rc == E_DEADLINE ? rc : E_AUTH;
    }
    if (strcmp(c->use, use) != 0 || !auth_parse_scopes(c->scope, &bits)) {
        return E_AUTH;
    }
    *out = (struct auth_who){.scopes = bits, .expires_s = c->expires_s, .kind = AUTH_JWT};
    memcpy(out->name, c->subject, sizeof(out->name));
    return 0;
}

int auth_check(struct auth *a, const char *given, bool is_cookie, int64_t now_s,
               struct auth_who *out)
{
    uint8_t hash[32];
    struct jwt_claims claims;
    struct err ignored;
    if (is_cookie) {
        int rc = check_jwt(a, given, "session", now_s, &claims, out);
        out->kind = AUTH_COOKIE;
        return rc;
    }
    if (strchr(given, '.')) {
        return check_jwt(a, given, "api", now_s, &claims, out);
    }
    hash_of(a, given, hash);
    if (CRYPTO_memcmp(hash, a->token_hash, sizeof(hash)) == 0) {
        *out = (struct auth_who){
            .name = "token", .scopes = scopes[SCOPES - 1].has, .kind = AUTH_TOKEN};
        return 0;
    }
    // Keys are added and removed while we run.
    if (auth_file_is_changed(a) && auth_file_keys(a, &ignored)) {
        return E_AUTH;
    }
    return check_keys(a, hash, now_s, out);
}

static bool was_used(struct auth *a, const char *id)
{
    for (int i = 0; i < AUTH_USED_CODES; i++) {
        if (strcmp(a->used_codes[i], id) == 0) {
            return true;
        }
    }
    snprintf(a->used_codes[a->next_used], sizeof(a->used_codes[0]), "%s", id);
    a->next_used = (a->next_used + 1) % AUTH_USED_CODES;
    return false;
}

int auth_check_login(struct auth *a, const char *code, int64_t now_s,
                     struct auth_who *out)
{
    struct jwt_claims claims;
    int rc = check_jwt(a, code, "login", now_s, &claims, out);
    if (rc) {
        return rc;
    }
    return !claims.id[0] || was_used(a, claims.id) ? E_AUTH : 0;
}

// ---- making

int auth_make_jwt(const struct auth *a, const struct auth_who *who, const char *use,
                  int64_t expires_s, char *out, size_t size)
{
    struct jwt_claims c = {.expires_s = expires_s};
    auth_scopes_text(who->scopes, c.scope, sizeof(c.scope));
    memcpy(c.subject, who->name, sizeof(c.subject));
    snprintf(c.use, sizeof(c.use), "%s", use);
    auth_random_hex(16, c.id);
    return jwt_make(a->jwt_key, &c, out, size);
}

static bool is_name(const char *name)
{
    size_t n = strlen(name);
    return n > 0 && n < JWT_NAME &&
           strspn(name,
                  "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789._-") ==
               n;
}

int auth_add_key(struct auth *a, const char *name, unsigned bits, int64_t expires_s,
                 char *out, size_t size, struct err *e)
{
    struct auth_key key = {.scopes = bits, .expires_s = expires_s};
    if (!is_name(name)) {
        return err_set(e, E_USAGE, "a key's name is of letters, digits, dot, _ and -");
    }
    for (int i = 0; i < a->n_keys; i++) {
        if (strcmp(a->keys[i].name, name) == 0) {
            return err_set(e, E_USAGE,
                           "%s: there is a key of this name (its line is in %s)", name,
                           a->keys_path);
        }
    }
    if (a->n_keys == AUTH_MAX_KEYS) {
        return err_set(e, E_BUSY, "%s: has %d keys already", a->keys_path, AUTH_MAX_KEYS);
    }
    snprintf(out, size, "vlmd_");
    auth_random_hex(32, out + 5);
    snprintf(key.name, sizeof(key.name), "%s", name);
    hash_of(a, out, key.hash);
    int rc = auth_file_add(a, &key, e);
    return rc;
}
