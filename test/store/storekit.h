// storekit.h -- what the tests of the store share: a folder, a loop, calls that wait.
// SPDX-License-Identifier: MIT
#ifndef VLMD_TEST_STOREKIT_H
#define VLMD_TEST_STOREKIT_H

#include "store/series.h"
#include "store/stats.h"
#include "store/pause.h"
#include "store/store.h"
#include "store/usage.h"

#include <stdio.h>

struct kit {
    char folder[64];
    char path[96];
    struct loop *loop;  // own_loop, or that of another kit
    struct loop own_loop;
    struct store *store;
    struct store_config config;
    struct err err;
};

void kit_init(struct kit *k);  // a new folder, nothing opened
void kit_fini(struct kit *k);  // closes if need be, checks the loop, removes the folder
int kit_open(struct kit *k);
void kit_must_open(struct kit *k);
void kit_close(struct kit *k);
void kit_spin(struct kit *k, const int *is_done);  // until *is_done

// One path with a version; returns the id.
int64_t kit_offer(struct kit *k, const char *path, int64_t size, int64_t mtime);
int kit_offer_all(struct kit *k, struct store_offer *o);
int kit_offer_item(struct kit *k, struct store_item *i, int64_t batch);
// How many were claimed (all into jobs, owned by the caller); with_degraded as the field.
int kit_claim(struct kit *k, struct store_claim *c);
int64_t kit_claim_one(struct kit *k);  // its id, or 0
int kit_save(struct kit *k, struct store_save *s);
int kit_release(struct kit *k, struct store_release *r);
int kit_renew(struct kit *k, struct store_renew *r);
int kit_similar(struct kit *k, struct store_similar *r);
int kit_query(struct kit *k, struct store_query *q);
int kit_history(struct kit *k, struct store_history *h);
int kit_count(struct kit *k, struct store_counts *c);
int kit_change(struct kit *k, struct store_change *c);
int kit_check(struct kit *k, struct store_check *c);
int kit_publish(struct kit *k, struct store_publish *p);
int kit_workers(struct kit *k, struct store_workers *w);
int kit_profile_keep(struct kit *k, struct store_profile *p);
int kit_profile_find(struct kit *k, struct store_profile *p);
int kit_profiles(struct kit *k, struct store_profiles *p);
int kit_pause(struct kit *k, struct store_pause *p);
int kit_usage_add(struct kit *k, struct store_usage_add *a);
int kit_usage_read(struct kit *k, struct store_usage_read *r);
int kit_stats(struct kit *k, struct store_stats *r);
int kit_series_add(struct kit *k, struct store_series_add *a);
int kit_series_read(struct kit *k, struct store_series_read *r);
int kit_batch(struct kit *k, struct store_batch *b);
int kit_forget(struct kit *k, struct store_forget *f);
int kit_audit_append(struct kit *k, struct store_audit_append *a);
int kit_audit_list(struct kit *k, struct store_audit_list *l);
int kit_audit_totals(struct kit *k, struct store_audit_totals *t);
int kit_audit_verify(struct kit *k, struct store_audit_verify *v);
// The one row with this id; free with store_query_fini.
struct store_row *kit_row(struct kit *k, struct store_query *q, int64_t id);

// A result with a summary; everything else is filled in.
struct store_result kit_result(const char *model, const char *summary);
// An answer for id whose picture has a content made of byte.
struct store_save kit_answer(int64_t id, uint8_t byte, const struct store_result *r);
// Offered, claimed, answered; returns the id.
int64_t kit_described(struct kit *k, const char *path, uint8_t byte, const char *summary);
// Ids that match text, newest first, as "3 1"; "error" on an error.
const char *kit_search(struct kit *k, const char *text);

// Straight into the file, from beside the store.
int64_t kit_sql_int(struct kit *k, const char *sql);
void kit_sql(struct kit *k, const char *sql);
// The search index agrees with the texts, the tallies with the jobs, the pages with each
// other, every duplicate with its holder.
void kit_assert_consistent(struct kit *k);

#endif
