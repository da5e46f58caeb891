// report.c -- the public interface's questions to the audit, and forgetting.
// SPDX-License-Identifier: MIT
#include "api/call.h"
#include "api/item.h"
#include "base/mem.h"
#include "vlmd_privacy.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { PAGE_ROWS = 256 };

static void to_hex(const uint8_t *bytes, int n, char *out)
{
    for (int i = 0; i < n; i++) {
        snprintf(out + 2 * i, 3, "%02x", bytes[i]);
    }
}

static void hash_text(const uint8_t *hash, char *out)
{
    static const uint8_t none[STORE_HASH_BYTES];
    out[0] = 0;
    if (memcmp(hash, none, sizeof(none)) != 0) {
        to_hex(hash, STORE_HASH_BYTES, out);
    }
}

// ---- rows

struct rows {
    struct vlmd *v;
    struct store_audit_list list;
    int64_t left;  // still wanted; INT64_MAX = all
    vlmd_audit_fn *on_row;
    vlmd_end_fn *on_end;
    void *arg;
};

static bool tell_row(struct rows *r, const struct store_audit_row *row)
{
    char hash[2 * STORE_HASH_BYTES + 1], sent[2 * STORE_HASH_BYTES + 1];
    char chain[2 * STORE_CHAIN_BYTES + 1];
    hash_text(row->content, hash);
    hash_text(row->sent_hash, sent);
    to_hex(row->hash, STORE_CHAIN_BYTES, chain);
    const struct vlmd_audit_row out = {
        .seq = row->seq,
        .at_ms = row->at_ms,
        .job = row->job,
        .correlation_id = row->cid,
        .hash = hash,
        .sent_hash = sent,
        .verdict = row->verdict,
        .stage = row->stage,
        .categories = row->categories,
        .rules = row->rules,
        .app = row->app,
        .destination = row->destination,
        .bytes_sent = row->bytes_sent,
        .n = row->n,
        .until_ms = row->until_ms,
        .chain = chain,
    };
    return r->on_row(r->arg, &out);
}

static void on_page(struct store_audit_list *l, int err);

static void ask_page(struct rows *r)
{
    r->list.limit = r->left < PAGE_ROWS ? (int)r->left : PAGE_ROWS;
    store_audit_list(r->v->app.store, &r->list, on_page);
}

static void on_page(struct store_audit_list *l, int err)
{
    struct rows *r = container_of(l, struct rows, list);
    struct vlmd *v = r->v;
    bool goes_on = err == 0;
    for (int i = 0; i < l->n && goes_on; i++) {
        l->after_ms = l->rows[i].at_ms;
        l->after_seq = l->rows[i].seq;
        goes_on = tell_row(r, &l->rows[i]);
        r->left--;
    }
    goes_on = goes_on && l->has_more && r->left > 0;
    if (goes_on && call_check(v)) {
        goes_on = false;
        err = E_CANCELED;
    }
    store_audit_list_fini(l);
    if (goes_on) {
        ask_page(r);
        return;
    }
    if (r->on_end) {
        r->on_end(r->arg, err, call_words(&l->err, err));
    }
    free(r);
    call_end(v);
}

int vlmd_audit(vlmd *v, const struct vlmd_audit_query *q, vlmd_audit_fn *on_row,
               vlmd_end_fn *on_end, void *arg)
{
    int rc = call_check(v);
    if (rc) {
        return rc;
    }
    struct rows *r = mem_new(struct rows);
    *r = (struct rows){.v = v,
                       .on_row = on_row,
                       .on_end = on_end,
                       .arg = arg,
                       .left = q->limit > 0 ? q->limit : INT64_MAX};
    r->list.since_ms = q->since_ms;
    r->list.until_ms = q->until_ms;
    r->list.is_oldest_first = q->order == VLMD_OLDEST;
    r->list.after_seq = q->after_seq;
    r->list.after_ms = q->after_ms;
    call_begin(v);
    ask_page(r);
    return 0;
}

// ---- totals

struct totals {
    struct vlmd *v;
    struct store_audit_totals req;
    vlmd_audit_totals_fn *fn;
    void *arg;
};

static enum vlmd_audit_by by_of(enum store_audit_by by)
{
    switch (by) {
    case STORE_BY_VERDICT: return VLMD_BY_VERDICT;
    case STORE_BY_CATEGORY: return VLMD_BY_CATEGORY;
    case STORE_BY_APP: return VLMD_BY_APP;
    case STORE_BY_DESTINATION: return VLMD_BY_DESTINATION;
    case STORE_BYS: break;
    }
    return VLMD_BY_VERDICT;
}

static void tell_totals(const struct totals *t)
{
    const struct store_audit_totals *r = &t->req;
    struct vlmd_audit_total *totals = mem_zero(sizeof(*totals) * ((size_t)r->n + 1));
    for (int i = 0; i < r->n; i++) {
        const struct store_audit_total *from = &r->totals[i];
        totals[i] = (struct vlmd_audit_total){
            .by = by_of(from->by),
            .name = from->name,
            .rows = from->rows,
            .findings = from->findings,
            .blocked = from->blocked,
            .masked = from->masked,
            .bytes_sent = from->bytes_sent,
        };
    }
    const struct vlmd_audit_totals out = {
        .totals = totals,
        .n_totals = r->n,
        .rows = r->rows,
        .bytes_sent = r->bytes_sent,
        .first_ms = r->first_ms,
        .last_ms = r->last_ms,
    };
    t->fn(t->arg, 0, &out, "");
    free(totals);
}

static void on_totals(struct store_audit_totals *r, int err)
{
    struct totals *t = container_of(r, struct totals, req);
    struct vlmd *v = t->v;
    if (err) {
        t->fn(t->arg, err, NULL, call_words(&r->err, err));
    } else {
        tell_totals(t);
    }
    store_audit_totals_fini(r);
    free(t);
    call_end(v);
}

int vlmd_audit_totals(vlmd *v, const struct vlmd_audit_query *q, vlmd_audit_totals_fn *fn,
                      void *arg)
{
    int rc = call_check(v);
    if (rc) {
        return rc;
    }
    struct totals *t = mem_new(struct totals);
    *t = (struct totals){.v = v, .fn = fn, .arg = arg};
    t->req.since_ms = q->since_ms;
    t->req.until_ms = q->until_ms;
    call_begin(v);
    store_audit_totals(v->app.store, &t->req, on_totals);
    return 0;
}

// ---- verification

struct verify {
    struct vlmd *v;
    struct store_audit_verify req;
    char *expected;  // owned
    vlmd_audit_check_fn *fn;
    void *arg;
};

static void fault_words(const struct store_audit_verify *r, char *out, size_t size)
{
    switch (r->fault) {
    case STORE_AUDIT_SOUND:
        snprintf(out, size, "every row is as it was written, and none is missing");
        return;
    case STORE_AUDIT_ALTERED:
        snprintf(out, size, "row %" PRId64 " is not what it was when it was written",
                 r->bad_seq);
        return;
    case STORE_AUDIT_REMOVED:
        snprintf(out, size, "rows are missing before row %" PRId64, r->bad_seq);
        return;
    case STORE_AUDIT_CUT:
        snprintf(out, size, "rows are missing at the end, from row %" PRId64 " on",
                 r->bad_seq);
        return;
    case STORE_AUDIT_ADDED:
        snprintf(out, size, "row %" PRId64 " was put in by something else than vlmd",
                 r->bad_seq);
        return;
    case STORE_AUDIT_UNKNOWN:
        snprintf(out, size,
                 "the rows agree with each other, but none has the expected hash: the "
                 "audit was made anew, or that row's time was up");
        return;
    }
}

static void tell_check(const struct verify *y)
{
    const struct store_audit_verify *r = &y->req;
    char words[200];
    fault_words(r, words, sizeof(words));
    const struct vlmd_audit_check out = {
        .fault = store_audit_fault_name(r->fault),
        .words = words,
        .bad_seq = r->bad_seq,
        .rows = r->rows,
        .first_seq = r->first_seq,
        .last_seq = r->last_seq,
        .pruned = r->pruned,
        .pruned_until_ms = r->pruned_until_ms,
        .head = r->head,
        .has_expected = r->has_expected,
        .expected_seq = r->expected_seq,
    };
    y->fn(y->arg, 0, &out, "");
}

static void on_verified(struct store_audit_verify *r, int err)
{
    struct verify *y = container_of(r, struct verify, req);
    struct vlmd *v = y->v;
    if (err) {
        y->fn(y->arg, err, NULL, call_words(&r->err, err));
    } else {
        tell_check(y);
    }
    free(y->expected);
    free(y);
    call_end(v);
}

int vlmd_audit_verify(vlmd *v, const char *expected, vlmd_audit_check_fn *fn, void *arg)
{
    int rc = call_check(v);
    if (rc) {
        return rc;
    }
    struct verify *y = mem_new(struct verify);
    *y = (struct verify){.v = v, .expected = mem_dup(expected), .fn = fn, .arg = arg};
    y->req.expected = y->expected;
    call_begin(v);
    store_audit_verify(v->app.store, &y->req, on_verified);
    return 0;
}

// ---- forgetting

struct forget {
    struct vlmd *v;
    struct store_forget req;
    char *text, *app, *tag, *path;  // owned
    vlmd_forget_fn *fn;
    void *arg;
};

static void end_forget(struct forget *f, int err)
{
    struct vlmd *v = f->v;
    const struct vlmd_forgotten out = {
        .items = f->req.n, .requeued = f->req.n_requeued, .is_clean = f->req.is_clean};
    f->fn(f->arg, err, &out, call_words(&f->req.err, err));
    free(f->text);
    free(f->app);
    free(f->tag);
    free(f->path);
    free(f);
    app_wake(&v->app);
    call_end(v);
}

static void on_forgotten(struct store_forget *r, int err)
{
    end_forget(container_of(r, struct forget, req), err);
}

static void refuse_forget(void *arg)
{
    struct forget *f = arg;
    end_forget(f, f->req.err.code);
}

int vlmd_forget(vlmd *v, const struct vlmd_query *q, bool is_trial, vlmd_forget_fn *fn,
                void *arg)
{
    int rc = call_check(v);
    if (rc) {
        return rc;
    }
    struct forget *f = mem_new(struct forget);
    *f = (struct forget){.v = v, .fn = fn, .arg = arg};
    f->req.is_trial = is_trial;
    call_begin(v);
    if (item_filter(q, &f->req.filter, &f->req.err)) {
        return app_post(&v->app, refuse_forget, f);  // taken: see call_check
    }
    f->req.filter.text = f->text = mem_dup(q->text);
    f->req.filter.app = f->app = mem_dup(q->app);
    f->req.filter.tag = f->tag = mem_dup(q->tag);
    f->req.filter.path = f->path = mem_dup(q->path);
    store_forget(v->app.store, &f->req, on_forgotten);
    return 0;
}
