// audit_chain.c -- the hash of one audit row, which holds that of the row before.
//
// Each field has its length in front, so that no two rows are written the same way.
// SPDX-License-Identifier: MIT
#include "store/audit_chain.h"

#include <openssl/evp.h>
#include <string.h>

static const char what[] = "vlmd audit 1";

int audit_chain_init(struct audit_chain *c)
{
    c->digest = EVP_MD_CTX_new();
    return c->digest ? 0 : E_NOMEM;
}

void audit_chain_fini(struct audit_chain *c)
{
    EVP_MD_CTX_free(c->digest);
    c->digest = NULL;
}

static void put_number(uint8_t out[8], uint64_t n)
{
    for (int i = 7; i >= 0; i--, n >>= 8) {
        out[i] = (uint8_t)n;
    }
}

static bool add_bytes(struct audit_chain *c, const void *data, size_t len)
{
    uint8_t length[8];
    put_number(length, len);
    return EVP_DigestUpdate(c->digest, length, sizeof(length)) == 1 &&
           EVP_DigestUpdate(c->digest, data, len) == 1;
}

static bool add_number(struct audit_chain *c, int64_t n)
{
    uint8_t bytes[8];
    put_number(bytes, (uint64_t)n);
    return add_bytes(c, bytes, sizeof(bytes));
}

static bool add_text(struct audit_chain *c, const char *text)
{
    return add_bytes(c, text ? text : "", text ? strlen(text) : 0);
}

static bool add_hash(struct audit_chain *c, const uint8_t hash[STORE_HASH_BYTES])
{
    static const uint8_t none[STORE_HASH_BYTES];
    bool is_known = memcmp(hash, none, STORE_HASH_BYTES) != 0;
    return add_bytes(c, hash, is_known ? STORE_HASH_BYTES : 0);
}

static bool add_row(struct audit_chain *c, const struct store_audit_row *r)
{
    return add_number(c, r->seq) && add_number(c, r->at_ms) && add_number(c, r->job) &&
           add_text(c, r->cid) && add_hash(c, r->content) && add_hash(c, r->sent_hash) &&
           add_text(c, r->verdict) && add_text(c, r->stage) &&
           add_text(c, r->categories) && add_text(c, r->rules) && add_text(c, r->app) &&
           add_text(c, r->destination) && add_number(c, r->bytes_sent) &&
           add_number(c, r->n) && add_number(c, r->until_seq) &&
           add_number(c, r->until_ms);
}

int audit_chain_hash(struct audit_chain *c, const struct store_audit_row *row,
                     const uint8_t before[STORE_CHAIN_BYTES],
                     uint8_t out[STORE_CHAIN_BYTES])
{
    bool is_made = EVP_DigestInit_ex(c->digest, EVP_sha256(), NULL) == 1 &&
                   EVP_DigestUpdate(c->digest, what, strlen(what)) == 1 &&
                   add_bytes(c, before, STORE_CHAIN_BYTES) && add_row(c, row) &&
                   EVP_DigestFinal_ex(c->digest, out, NULL) == 1;
    return is_made ? 0 : E_NOMEM;
}
