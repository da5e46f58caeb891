// fuzz_meta.c -- libFuzzer target: metadata, completeness, list lines, times.
//
// The first byte chooses what the rest is fed to.
// SPDX-License-Identifier: MIT
#include "ingest/exif.h"
#include "ingest/manifest.h"
#include "ingest/meta.h"
#include "ingest/taken.h"

#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void fuzz_file(const uint8_t *data, size_t size)
{
    struct meta_req r = {.bytes = size ? data : (const uint8_t *)"", .bytes_len = size};
    if (meta_read_now(&r) == 0 && strlen(r.meta.window) >= sizeof(r.meta.window)) {
        abort();
    }
    int fd = memfd_create("fuzz", 0);
    if (write(fd, data, size) == (ssize_t)size) {
        int rc = ingest_complete(fd, (int64_t)size);
        if (rc > 0) {
            abort();
        }
    }
    close(fd);
}

static void fuzz_line(const char *text, size_t size)
{
    struct named n;
    char words[128];
    static const char *const tiers[] = {"quick", "deep", NULL};
    if (named_parse(&n, text, size, tiers, words, sizeof(words)) < 0) {
        return;
    }
    if (!n.path == !n.url) {
        abort();
    }
    if (n.url && named_check_url(n.url, words, sizeof(words)) < 0) {
        char shown[256];
        named_hide_secret(n.url, shown, sizeof(shown));
    }
    named_fini(&n);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    if (size == 0) {
        return 0;
    }
    int kind = data[0] % 4;
    data++;
    size--;
    char *text = malloc(size + 1);
    memcpy(text, data, size);
    text[size] = 0;
    struct exif e;
    switch (kind) {
    case 0: fuzz_file(data, size); break;
    case 1: exif_parse(data, size, &e); break;
    case 2: fuzz_line(text, size); break;
    default:
        taken_from_name(text);
        taken_from_iso(text);
        taken_from_exif(text, "");
        taken_is_tracker_name(text);
    }
    free(text);
    return 0;
}
