// rows.c -- one job with its result, as a struct store_row.
// SPDX-License-Identifier: MIT
#include "store/rows.h"

#include "store/address.h"
#include "store/pack.h"

#include <assert.h>
#include <stdio.h>
#include <string.h>

enum { STRINGS = 30 };

static void list_strings(struct store_row *r, const char **out[STRINGS])
{
    const char **all[] = {
        &r->cid,           &r->path,       &r->root,     &r->reason,   &r->lease_owner,
        &r->app,           &r->window,     &r->screen,   &r->page_url, &r->backend,
        &r->model,         &r->prompt,     &r->tier,     &r->summary,  &r->activity,
        &r->seen_app,      &r->details,    &r->tags,     &r->text,     &r->raw,
        &r->finish_reason, &r->ocr_text,   &r->snippet,  &r->params,   &r->verdict,
        &r->masks,         &r->tier_asked, &r->fallback,
    };
    memset(out, 0, sizeof(*out) * STRINGS);
    memcpy(out, all, sizeof(all));
}

static const char select_job[] =
    "SELECT cid, " ADDRESS_TOLD
    ", is_url, state, outcome, code, reason, lease_until, run_at, "
    "content,"
    " sent_hash, app, window, url, taken_at, queued_at, ended_at, size, mtime, width, "
    "height,"
    " sent_width, sent_height, sent_bytes, attempts, duplicate_of, queued_ms, prepare_ms,"
    " request_ms, first_byte_ms, result, is_degraded,"
    " " ADDRESS_ROOT ", (SELECT text FROM word WHERE id = screen),"
    " (SELECT name FROM owner WHERE id = j.owner),"
    " CASE WHEN ocr_text = '' THEN (SELECT ocr_text FROM job WHERE id = j.duplicate_of)"
    " ELSE ocr_text END,"
    " (SELECT count(*) FROM job INDEXED BY job_copy WHERE duplicate_of = j.id),"
    " (SELECT min(at_ms) FROM job INDEXED BY job_copy WHERE duplicate_of = j.id),"
    " (SELECT max(at_ms) FROM job INDEXED BY job_copy WHERE duplicate_of = j.id),"
    " near_blocks, near_diff, at_ms, verdict, masks,"
    " CASE WHEN state < 2 AND own_tier <> '' THEN own_tier"
    " ELSE (SELECT text FROM word WHERE id = tier_asked) END, fallback, fallback_code,"
    " label <> '', wanted"
    " FROM job j WHERE id = ?";

static const char select_result[] =
    "SELECT is_degraded, created_at, prompt_tokens, completion_tokens, summary, "
    "activity, app,"
    " details, tags, text, (SELECT text FROM word WHERE id = backend),"
    " (SELECT text FROM word WHERE id = model), (SELECT text FROM word WHERE id = "
    "prompt),"
    " (SELECT text FROM word WHERE id = params), (SELECT text FROM word WHERE id = tier),"
    " (SELECT text FROM word WHERE id = finish_reason), raw_len, raw FROM result WHERE "
    "id = ?";

// The value of the field becomes where its copy stands in the block.
static int keep(struct buf *block, const char **field, const char *text)
{
    uintptr_t at = block->len;
    int rc = buf_add(block, text ? text : "", text ? strlen(text) + 1 : 1);
    *field = (const char *)at;
    return rc;
}

static void read_numbers(struct sql *q, struct store_row *r)
{
    r->taken_at_ms = sql_get_int(q);
    r->queued_at_ms = sql_get_int(q);
    r->ended_at_ms = sql_get_int(q);
    r->size_bytes = sql_get_int(q);
    r->mtime_ns = sql_get_int(q);
    r->width = (int)sql_get_int(q);
    r->height = (int)sql_get_int(q);
    r->sent_width = (int)sql_get_int(q);
    r->sent_height = (int)sql_get_int(q);
    r->sent_bytes = sql_get_int(q);
    r->attempts = (int)sql_get_int(q);
    r->duplicate_of = sql_get_int(q);
    r->queued_ms = sql_get_int(q);
    r->prepare_ms = sql_get_int(q);
    r->request_ms = sql_get_int(q);
    r->first_byte_ms = sql_get_int(q);
}

static int read_job(struct sql *q, struct buf *block, struct store_row *r,
                    int64_t *result)
{
    char cid[20];
    snprintf(cid, sizeof(cid), "%016llx", (unsigned long long)sql_get_int(q));
    int rc = keep(block, &r->cid, cid);
    rc = rc ? rc : keep(block, &r->path, sql_get_text(q));
    r->is_url = sql_get_int(q) != 0;
    r->state = (enum store_state)sql_get_int(q);
    r->outcome = (enum store_outcome)sql_get_int(q);
    r->code = (int)sql_get_int(q);
    rc = rc ? rc : keep(block, &r->reason, sql_get_text(q));
    r->lease_until_ms = sql_get_int(q);
    r->run_at_ms = sql_get_int(q);
    r->has_content = sql_get_blob(q, r->content, sizeof(r->content));
    sql_get_blob(q, r->sent_hash, sizeof(r->sent_hash));
    rc = rc ? rc : keep(block, &r->app, sql_get_text(q));
    rc = rc ? rc : keep(block, &r->window, sql_get_text(q));
    rc = rc ? rc : keep(block, &r->page_url, sql_get_text(q));
    read_numbers(q, r);
    *result = sql_get_int(q);
    r->is_degraded = sql_get_int(q) != 0;
    rc = rc ? rc : keep(block, &r->root, sql_get_text(q));
    rc = rc ? rc : keep(block, &r->screen, sql_get_text(q));
    rc = rc ? rc : keep(block, &r->lease_owner, sql_get_text(q));
    rc = rc ? rc : keep(block, &r->ocr_text, sql_get_text(q));
    r->n_duplicates = (int)sql_get_int(q);
    r->first_duplicate_ms = sql_get_int(q);
    r->last_duplicate_ms = sql_get_int(q);
    r->near_blocks = (int)sql_get_int(q);
    r->near_diff = (int)sql_get_int(q);
    r->at_ms = sql_get_int(q);
    if (!r->duplicate_of) {
        r->near_blocks = r->near_diff = -1;
    }
    rc = rc ? rc : keep(block, &r->verdict, sql_get_text(q));
    rc = rc ? rc : keep(block, &r->masks, sql_get_text(q));
    rc = rc ? rc : keep(block, &r->tier_asked, sql_get_text(q));
    rc = rc ? rc : keep(block, &r->fallback, sql_get_text(q));
    r->fallback_code = (int)sql_get_int(q);
    r->is_address_removed = sql_get_int(q) != 0;
    r->is_wanted = sql_get_int(q) != 0;
    return rc;
}

// The raw answer is unpacked with the other fields as they stand in the database.
static int read_raw(struct sql *q, const struct store_result *fields, struct buf *block,
                    struct store_row *r)
{
    size_t len;
    int64_t raw_len = sql_get_int(q);
    const void *raw = sql_get_bytes(q, &len);
    uintptr_t at = block->len;
    int rc = unpack_raw(fields, raw, len, raw_len, block);
    r->raw = (const char *)at;
    return rc ? rc : buf_add(block, "", 1);
}

static int read_described(struct sql *q, struct buf *block, struct store_row *r)
{
    struct store_result f = {0};
    r->has_result = true;
    r->is_degraded = sql_get_int(q) != 0;
    r->created_at_ms = sql_get_int(q);
    r->prompt_tokens = sql_get_int(q);
    r->completion_tokens = sql_get_int(q);
    f.summary = sql_get_text(q);
    f.activity = sql_get_text(q);
    f.app = sql_get_text(q);
    f.details = sql_get_text(q);
    f.tags = sql_get_text(q);
    f.text = sql_get_text(q);
    int rc = keep(block, &r->summary, f.summary);
    rc = rc ? rc : keep(block, &r->activity, f.activity);
    rc = rc ? rc : keep(block, &r->seen_app, f.app);
    rc = rc ? rc : keep(block, &r->details, f.details);
    rc = rc ? rc : keep(block, &r->tags, f.tags);
    rc = rc ? rc : keep(block, &r->text, f.text);
    rc = rc ? rc : keep(block, &r->backend, sql_get_text(q));
    rc = rc ? rc : keep(block, &r->model, sql_get_text(q));
    rc = rc ? rc : keep(block, &r->prompt, sql_get_text(q));
    rc = rc ? rc : keep(block, &r->params, sql_get_text(q));
    rc = rc ? rc : keep(block, &r->tier, sql_get_text(q));
    rc = rc ? rc : keep(block, &r->finish_reason, sql_get_text(q));
    return rc ? rc : read_raw(q, &f, block, r);
}

// Offset 0 of the block is an empty string: what is not read points there.
int row_read(struct db *d, int64_t id, const char *snippet, struct buf *block,
             struct store_row *r, bool *is_there)
{
    size_t before = block->len;
    int64_t result = 0;
    memset(r, 0, sizeof(*r));
    r->id = id;
    r->prompt_tokens = r->completion_tokens = -1;
    int rc = before ? 0 : buf_add(block, "", 1);
    struct sql q = sql_begin(d, select_job);
    sql_int(&q, id);
    *is_there = !rc && sql_row(&q);
    if (*is_there) {
        rc = read_job(&q, block, r, &result);
    }
    int rc2 = sql_end(&q);
    rc = rc2 ? rc2 : rc;
    if (!rc && result) {
        q = sql_begin(d, select_result);
        sql_int(&q, result);
        rc = sql_row(&q) ? read_described(&q, block, r) : 0;
        rc2 = sql_end(&q);
        rc = rc2 ? rc2 : rc;
    }
    rc = rc ? rc : keep(block, &r->snippet, snippet);
    block->len = rc ? before : block->len;
    return rc;
}

void rows_fix(struct store_row *rows, int n, const struct buf *block)
{
    const char **fields[STRINGS];
    for (int i = 0; i < n; i++) {
        list_strings(&rows[i], fields);
        for (int k = 0; k < STRINGS && fields[k]; k++) {
            *fields[k] = (const char *)block->data + (uintptr_t)*fields[k];
        }
    }
}
