// jwt.h -- JSON Web Tokens, HS256 and nothing else, pure.
//
// Source: RFC 7519, RFC 7515; RFC 8725 3.1 (the algorithm is ours to say, not the token's).
// SPDX-License-Identifier: MIT
#ifndef VLMD_ADMIN_JWT_H
#define VLMD_ADMIN_JWT_H

#include "base/err.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum { JWT_KEY_BYTES = 32, JWT_MAX = 2048, JWT_NAME = 64, JWT_LEEWAY_S = 5 };

// Times are unix seconds.
struct jwt_claims {
    char subject[JWT_NAME];  // whose it is
    char scope[JWT_NAME];    // words with blanks between
    char use[16];            // what for: "api", "login", "session"
    char id[40];             // jti; "" = none
    int64_t expires_s;
    int64_t not_before_s;  // 0 = none
};

// Writes the token.  Errors: E_TOOBIG.
MUST_USE int jwt_make(const uint8_t key[JWT_KEY_BYTES], const struct jwt_claims *c,
                      char *out, size_t size);
// Errors: E_FORMAT (no token, or another algorithm), E_AUTH (not ours), E_DEADLINE (too old,
// or not valid yet).  *out is filled only when it returns 0.
MUST_USE int jwt_check(const uint8_t key[JWT_KEY_BYTES], const char *token, int64_t now_s,
                       struct jwt_claims *out);

#endif
