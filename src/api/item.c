// item.c -- store rows and filters on one side, vlmd_item and vlmd_query on the other.
// SPDX-License-Identifier: MIT
#include "api/item.h"

#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <xxhash.h>

static void hex(const uint8_t *bytes, char *out)
{
    for (int i = 0; i < STORE_HASH_BYTES; i++) {
        snprintf(out + 2 * i, 3, "%02x", bytes[i]);
    }
}

static bool is_zero(const uint8_t *bytes)
{
    static const uint8_t zero[STORE_HASH_BYTES];
    return memcmp(bytes, zero, sizeof(zero)) == 0;
}

static void fill_facts(const struct store_row *r, struct vlmd_item *out)
{
    out->id = r->id;
    out->correlation_id = r->cid;
    out->path = r->path;
    out->is_url = r->is_url;
    out->is_address_removed = r->is_address_removed;
    out->is_wanted = r->is_wanted;
    out->state = store_state_name(r->state);
    out->outcome = r->state == STORE_ENDED ? store_outcome_name(r->outcome) : "";
    out->reason = r->reason;
    out->error_class = r->code ? err_name(r->code) : "";
    out->error_todo = r->code ? err_todo(r->code) : "";
    out->app = r->app;
    out->window = r->window;
    out->screen = r->screen;
    out->page_url = r->page_url;
    out->taken_at_ms = r->taken_at_ms;
    out->queued_at_ms = r->queued_at_ms;
    out->ended_at_ms = r->ended_at_ms;
    out->next_try_at_ms = r->run_at_ms;
    out->file_bytes = r->size_bytes;
    out->width = r->width;
    out->height = r->height;
    out->sent_width = r->sent_width;
    out->sent_height = r->sent_height;
    out->sent_bytes = r->sent_bytes;
    out->verdict = r->verdict;
    out->masks = r->masks;
    out->attempts = r->attempts;
    out->duplicate_of = r->duplicate_of;
    out->duplicate_blocks = r->near_blocks;
    out->duplicate_max_diff = r->near_diff;
    out->duplicates = r->n_duplicates;
    out->duplicates_from_ms = r->first_duplicate_ms;
    out->duplicates_until_ms = r->last_duplicate_ms;
    out->queued_ms = r->queued_ms;
    out->prepare_ms = r->prepare_ms;
    out->at_ms = r->at_ms;
    out->request_ms = r->request_ms;
    out->first_byte_ms = r->first_byte_ms;
}

static void fill_description(const struct store_row *r, struct vlmd_item *out)
{
    out->has_description = r->has_result;
    out->is_degraded = r->is_degraded;
    out->summary = r->summary;
    out->activity = r->activity;
    out->seen_app = r->seen_app;
    out->details = r->details;
    out->text = r->text;
    out->raw = r->raw;
    out->tags = r->tags[0] ? r->tags : "[]";
    out->ocr_text = r->ocr_text;
    out->backend = r->backend;
    out->model = r->model;
    out->prompt = r->prompt;
    out->tier = r->tier;
    out->tier_asked = r->tier_asked;
    out->fallback = r->fallback;
    out->fallback_class = r->fallback_code ? err_name(r->fallback_code) : "";
    out->finish_reason = r->finish_reason;
    out->prompt_tokens = r->prompt_tokens;
    out->completion_tokens = r->completion_tokens;
    out->described_at_ms = r->created_at_ms;
    out->snippet = r->snippet;
}

// ---- the name

enum { MOST_ADDRESS = 64 * 1024 };

const char *item_address(const struct gate_config *c, const char *address,
                         struct buf *out)
{
    buf_init(out, MOST_ADDRESS);
    return gate_redact_address((void *)c, address, out) ? buf_str(out) : address;
}

void item_text_fini(struct item_text *text)
{
    buf_fini(&text->name);
}

// ---- rows

void item_from_row(const struct gate_config *c, const struct store_row *row,
                   struct item_text *text, struct vlmd_item *out)
{
    memset(text, 0, sizeof(*text));
    memset(out, 0, sizeof(*out));
    if (row->has_content) {
        hex(row->content, text->hash);
    }
    if (!is_zero(row->sent_hash)) {
        hex(row->sent_hash, text->sent_hash);
    }
    out->hash = text->hash;
    out->sent_hash = text->sent_hash;
    fill_facts(row, out);
    out->path = item_address(c, row->path, &text->name);
    fill_description(row, out);
}

static int fill_words(const struct vlmd_query *q, struct store_filter *out, struct err *e)
{
    if (q->state) {
        for (int s = STORE_QUEUED; s <= STORE_ENDED; s++) {
            if (strcmp(q->state, store_state_name((enum store_state)s)) == 0) {
                out->states = 1u << s;
            }
        }
        if (!out->states) {
            return err_set(e, E_USAGE, "state: %.40s: unknown (queued, leased or ended)",
                           q->state);
        }
    }
    if (q->outcome) {
        int o = store_outcome_by_name(q->outcome);
        if (o <= STORE_NONE) {
            return err_set(
                e, E_USAGE,
                "outcome: %.40s: unknown (answered, cached, duplicate, blocked, "
                "skipped or failed)",
                q->outcome);
        }
        out->outcomes = 1u << o;
    }
    if (q->error_class) {
        out->code = err_by_name(q->error_class);
        if (!out->code) {
            return err_set(e, E_USAGE, "class: %.40s: unknown (see `vlmd status`)",
                           q->error_class);
        }
    }
    return 0;
}

// 16 hex digits.
static int fill_cid(const char *text, struct store_filter *out, struct err *e)
{
    if (!text || !*text) {
        return 0;
    }
    size_t n = strspn(text, "0123456789abcdefABCDEF");
    if (text[n] || n > 16) {
        return err_set(e, E_USAGE, "\"%.40s\" is no correlation id (16 hex digits)",
                       text);
    }
    out->cid = strtoull(text, NULL, 16);
    return 0;
}

int item_filter(const struct vlmd_query *q, struct store_filter *out, struct err *e)
{
    *out = (struct store_filter){
        .text = q->text,
        .app = q->app,
        .tag = q->tag,
        .path = q->path,
        .is_path_exact = q->is_path_exact,
        .id = q->id,
        .since_ms = q->since_ms,
        .until_ms = q->until_ms,
        .only_degraded = q->only_degraded,
    };
    int rc = fill_cid(q->correlation_id, out, e);
    return rc ? rc : fill_words(q, out, e);
}

void item_batch_key(const char *const *inputs, int n, char *out, size_t size)
{
    XXH3_state_t *state = XXH3_createState();
    char cwd[PATH_MAX] = "";
    if (!getcwd(cwd, sizeof(cwd))) {
        cwd[0] = 0;
    }
    XXH3_128bits_reset(state);
    XXH3_128bits_update(state, cwd, strlen(cwd) + 1);
    for (int i = 0; i < n; i++) {
        XXH3_128bits_update(state, inputs[i], strlen(inputs[i]) + 1);
    }
    XXH128_hash_t h = XXH3_128bits_digest(state);
    XXH3_freeState(state);
    snprintf(out, size, "%016llx%016llx", (unsigned long long)h.high64,
             (unsigned long long)h.low64);
}
