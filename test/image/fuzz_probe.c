// fuzz_probe.c -- libFuzzer target: what the head of a file says, from any part of it.
// SPDX-License-Identifier: MIT
#include "image/fuzz_kit.h"
#include "image/picture.h"

#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t len);

static bool is_honest(int rc)
{
    return rc == 0 || rc == E_CUT || rc == E_CORRUPT || rc == E_FORMAT;
}

static int check(struct head *h, const uint8_t *bytes, size_t len)
{
    struct err e = {0};
    uint8_t *copy = fuzz_copy(bytes, len);
    int rc = head_sizes(h, copy, len, &e);
    fuzz_must(is_honest(rc), err_name(rc));
    if (!rc) {
        fuzz_must(h->width > 0 && h->height > 0, "no size");
        struct head whole = *h;
        rc = head_check(&whole, copy, len, &e);
        fuzz_must(is_honest(rc), err_name(rc));
        if (!rc) {
            fuzz_must(whole.width == h->width && whole.height == h->height, "two sizes");
            fuzz_must(whole.file_len <= len, "longer than it is");
            fuzz_must(whole.orientation >= 1 && whole.orientation <= 8, "orientation");
            fuzz_must(head_memory(&whole, true) >= 0, "memory");
        }
        rc = 0;
    }
    fuzz_must(rc == 0 || e.msg[0], "an error without words");
    free(copy);
    return rc;
}

// What a part says the whole must not contradict.
int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t len)
{
    struct head whole, part;
    const int rc = check(&whole, bytes, len);
    for (size_t n = 0; n < len; n += n < 64 ? 1 : n / 3) {
        const int part_rc = check(&part, bytes, n);
        if (part_rc == 0 && rc == 0) {
            fuzz_must(part.width == whole.width && part.height == whole.height,
                      "a part has another size");
            fuzz_must(part.format == whole.format, "a part has another format");
        }
    }
    return 0;
}
