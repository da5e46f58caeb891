// audit_chain.h -- the hash of one audit row, which holds that of the row before.
// Private to store/.
//
// SHA-256 over the text "vlmd audit 1" and then each field, as a length of 8 bytes and that
// many bytes: hash of the row before (zeros for the very first), seq, at_ms, job, cid,
// content, sent_hash, verdict, stage, categories, rules, app, destination, bytes_sent, n,
// until_seq, until_ms.  Numbers are 8 bytes; all are big-endian; a hash that is not known
// has the length 0.  Whoever has the table can check it with any SHA-256.
// Thread: any, one at a time.
// SPDX-License-Identifier: MIT
#ifndef VLMD_STORE_AUDIT_CHAIN_H
#define VLMD_STORE_AUDIT_CHAIN_H

#include "store/store.h"

struct evp_md_ctx_st;

struct audit_chain {
    struct evp_md_ctx_st *digest;  // owned
};

MUST_USE int audit_chain_init(struct audit_chain *c);  // Errors: E_NOMEM
void audit_chain_fini(struct audit_chain *c);          // accepts a zeroed one
// Of row as it stands, with row->seq.
MUST_USE int audit_chain_hash(struct audit_chain *c, const struct store_audit_row *row,
                              const uint8_t before[STORE_CHAIN_BYTES],
                              uint8_t out[STORE_CHAIN_BYTES]);

#endif
