// fuzz_find.c -- libFuzzer target: any bytes through the finder and the redaction.
//
// Findings are in order, apart and inside; work is bounded; UTF-8 stays UTF-8; what is
// redacted twice is what was redacted once.
// SPDX-License-Identifier: MIT
#include "base/utf8.h"
#include "privacy/redact.h"

#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t len);

static void require(bool is_so)
{
    if (!is_so) {
        abort();
    }
}

static void check_findings(const struct privacy_findings *found, size_t len)
{
    size_t end = 0;
    require(found->seen_bytes <= len && found->n <= PRIVACY_FINDINGS_MAX);
    require(found->work <= 128 * (uint64_t)len + 100000);
    for (int i = 0; i < found->n; i++) {
        const struct privacy_finding *p = &found->items[i];
        require(p->category < PRIVACY_CATEGORIES && p->len > 0 && p->offset >= end);
        require(p->weight > 0 && p->weight <= PRIVACY_STRONG);
        end = (size_t)p->offset + p->len;
        require(end <= len);
    }
}

static void check_redaction(const struct privacy_finder *finder, const char *text)
{
    int counts[PRIVACY_CATEGORIES] = {0}, again[PRIVACY_CATEGORIES] = {0};
    struct buf once, twice;
    buf_init(&once, 1 << 24);
    buf_init(&twice, 1 << 24);
    int rc = privacy_redact(finder, text, PRIVACY_ALL, &once, counts);
    require(rc == 0 || (rc == E_BLOCKED && once.len == 0));
    require(privacy_redact(finder, buf_str(&once), PRIVACY_ALL, &twice, again) == 0);
    require(strcmp(buf_str(&once), buf_str(&twice)) == 0);
    require(!utf8_is_valid(text, strlen(text)) ||
            utf8_is_valid(buf_str(&once), once.len));
    buf_fini(&once);
    buf_fini(&twice);
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t len)
{
    static struct privacy_finder *finder;
    struct privacy_findings found = {0};
    if (!finder && privacy_finder_open(&finder, NULL) != 0) {
        abort();
    }
    require(privacy_find(finder, (const char *)bytes, len, &found) == 0);
    check_findings(&found, len);
    if (len > 1) {
        require(privacy_find_from(finder, (const char *)bytes, len, len / 2, &found) ==
                0);
        require(found.n == 0 || found.items[0].offset >= len / 2);
        check_findings(&found, len);
    }
    privacy_findings_fini(&found);
    char *text = malloc(len + 1);
    require(text != NULL);
    memcpy(text, bytes, len);
    text[len] = 0;
    check_redaction(finder, text);
    free(text);
    return 0;
}
