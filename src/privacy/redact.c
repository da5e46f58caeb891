// redact.c -- placeholders instead of findings, until there is nothing left to find.
//
// A replacement changes what stands around it, so that something may be found then that was
// not before ("4111 1111" beside a longer number).  That is why the result is read again; it
// takes a second look only where the first one found something.  A text that goes on yielding
// findings is given up as a whole.
// SPDX-License-Identifier: MIT
#include "privacy/redact.h"

#include <string.h>

enum { PASSES = 8 };

// One chapter of a text: what lies between from and the last finding that fitted.
static int add_findings(const struct privacy_findings *found, const char *text,
                        size_t *at, uint32_t categories, struct buf *out, int *counts)
{
    for (int i = 0; i < found->n; i++) {
        const struct privacy_finding *p = &found->items[i];
        if (!(categories & privacy_bit(p->category))) {
            continue;
        }
        int rc = buf_add(out, text + *at, p->offset - *at);
        if (rc == 0) {
            rc = buf_printf(out, "[%s]", privacy_category_name(p->category));
        }
        if (rc != 0) {
            return rc;
        }
        *at = p->offset + p->len;
        counts[p->category]++;
    }
    return 0;
}

// Where the next look begins when there were too many findings for one.
static size_t next_from(const struct privacy_findings *found)
{
    const struct privacy_finding *last = &found->items[found->n - 1];
    size_t end = last->offset + last->len;
    return end > found->seen_bytes ? end : found->seen_bytes;
}

static int redact_once(const struct privacy_finder *f, const char *text, size_t len,
                       uint32_t categories, struct buf *out, int *counts)
{
    struct privacy_findings found = {0};
    size_t at = 0, from = 0;
    int rc;
    do {
        rc = privacy_find_from(f, text, len, from, &found);
        if (rc == 0) {
            rc = add_findings(&found, text, &at, categories, out, counts);
        }
        from = rc == 0 && found.is_cut ? next_from(&found) : len;
    } while (rc == 0 && from < len);
    if (rc == 0) {
        rc = buf_add(out, text + at, len - at);
    }
    privacy_findings_fini(&found);
    return rc;
}

static int total(const int *counts)
{
    int n = 0;
    for (int c = 0; c < PRIVACY_CATEGORIES; c++) {
        n += counts[c];
    }
    return n;
}

int privacy_redact(const struct privacy_finder *f, const char *text, uint32_t categories,
                   struct buf *out, int counts[PRIVACY_CATEGORIES])
{
    struct buf before;
    buf_init(&before, out->max_bytes);
    buf_clear(out);
    int before_n = total(counts);
    int rc = redact_once(f, text, strlen(text), categories, out, counts);
    for (int pass = 1; pass < PASSES && rc == 0 && total(counts) > before_n; pass++) {
        before_n = total(counts);
        buf_take(&before, out);
        buf_init(out, before.max_bytes);
        rc = redact_once(f, buf_str(&before), before.len, categories, out, counts);
    }
    if (rc == 0 && total(counts) > before_n) {
        rc = E_BLOCKED;
    }
    if (rc != 0) {
        buf_clear(out);
    }
    buf_fini(&before);
    return rc;
}
