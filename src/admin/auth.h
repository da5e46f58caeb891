// auth.h -- who asks, and what they may: the token, named keys, JWTs.
//
// The token is made at the first start, in a file of the database's folder that only this
// user can read; who has it may do everything.  Named keys are given out with a scope; the
// file beside it holds their hashes.  JWTs end by themselves: they are signed with a key
// made from the token, so a new token ends them all.
// SPDX-License-Identifier: MIT
#ifndef VLMD_ADMIN_AUTH_H
#define VLMD_ADMIN_AUTH_H

#include "base/err.h"
#include "jwt.h"

enum auth_scope { AUTH_READ = 1, AUTH_SUBMIT = 2, AUTH_ADMIN = 4 };
enum auth_kind { AUTH_OPEN, AUTH_TOKEN, AUTH_KEY, AUTH_JWT, AUTH_COOKIE, AUTH_SOCKET };

enum {
    AUTH_TOKEN_CHARS = 64,
    AUTH_MAX_KEYS = 64,
    AUTH_USED_CODES = 32,
    AUTH_LOGIN_S = 60,
    AUTH_SESSION_S = 7 * 86400
};

struct auth_who {
    char name[JWT_NAME];
    unsigned scopes;  // bits of enum auth_scope; admin has the others, submit has read
    enum auth_kind kind;
    int64_t expires_s;  // unix; 0 = never
};

struct auth_key {
    char name[JWT_NAME];
    unsigned scopes;
    uint8_t hash[32];   // SHA-256
    int64_t expires_s;  // 0 = never
};

struct evp_md_ctx_st;

struct auth {
    struct evp_md_ctx_st *digest;  // owned; SHA-256: finding it takes longer than a token
    char token_path[4096], keys_path[4096];
    uint8_t token_hash[32];
    uint8_t jwt_key[JWT_KEY_BYTES];
    struct auth_key keys[AUTH_MAX_KEYS];
    int n_keys;
    int64_t keys_mtime_ns;
    char used_codes[AUTH_USED_CODES][40];  // of login, so that each works once
    int next_used;
};

// dir: of the database.  keys_file "" = beside the token.  Makes the token if there is none.
// Errors: E_ACCESS (others can read it), E_FORMAT, E_IO.
MUST_USE int auth_open(struct auth *a, const char *dir, const char *keys_file,
                       struct err *e);
// Also after auth_open failed.
void auth_close(struct auth *a);
// A token, key or JWT as given in a header or (is_cookie) by a browser.  Errors: E_AUTH,
// E_DEADLINE.
MUST_USE int auth_check(struct auth *a, const char *given, bool is_cookie, int64_t now_s,
                        struct auth_who *out);
// The code of a login link, once.  Errors: E_AUTH, E_DEADLINE.
MUST_USE int auth_check_login(struct auth *a, const char *code, int64_t now_s,
                              struct auth_who *out);
// A JWT for who; use: "api", "login", "session".
MUST_USE int auth_make_jwt(const struct auth *a, const struct auth_who *who,
                           const char *use, int64_t expires_s, char *out, size_t size);
// Makes a named key, adds its hash to the file, writes the key itself to out.  Errors:
// E_USAGE (the name is not possible, or taken), E_BUSY (too many), E_IO.
MUST_USE int auth_add_key(struct auth *a, const char *name, unsigned scopes,
                          int64_t expires_s, char *out, size_t size, struct err *e);

// "read submit"; false: there is no such scope.
bool auth_parse_scopes(const char *text, unsigned *out);
const char *auth_scopes_text(unsigned scopes, char *out, size_t size);
bool auth_may(const struct auth_who *who, enum auth_scope scope);
const char *auth_kind_name(enum auth_kind kind);
// n random bytes as hex; out holds 2 n + 1.
void auth_random(void *out, int n);
void auth_random_hex(int n, char *out);

#endif
