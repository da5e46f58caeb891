// fv_keep.c -- one file per connection, request and picture.
// SPDX-License-Identifier: MIT
#include "fv_keep.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { PATH_BYTES = 4200 };

static void write_file(const char *path, const char *mode, const void *bytes, size_t len)
{
    FILE *f = fopen(path, mode);
    if (!f || (len && fwrite(bytes, 1, len, f) != len) || fclose(f)) {
        fprintf(stderr, "fakevlm: %s: %s\n", path, strerror(errno));
        abort();
    }
}

static void name_connection(char path[PATH_BYTES], const char *folder,
                            uint64_t connection)
{
    snprintf(path, PATH_BYTES, "%.4096s/conn-%d-%06" PRIu64 ".raw", folder, (int)getpid(),
             connection);
}

void keep_bytes(const char *folder, uint64_t connection, const void *bytes, size_t len)
{
    char path[PATH_BYTES];
    if (!folder)
        return;
    name_connection(path, folder, connection);
    write_file(path, "ae", bytes, len);
}

void keep_nothing(const char *folder, uint64_t connection)
{
    char path[PATH_BYTES];
    if (!folder)
        return;
    name_connection(path, folder, connection);
    remove(path);
}

void keep_body(const char *folder, uint64_t seq, const struct text *body)
{
    char path[PATH_BYTES];
    if (!folder)
        return;
    snprintf(path, sizeof path, "%.4096s/body-%d-%06" PRIu64 ".json", folder,
             (int)getpid(), seq);
    write_file(path, "we", body->data, body->len);
}

void keep_picture(const char *folder, const char hash[33], enum image_type type,
                  const struct text *bytes)
{
    static const char *const endings[] = {[IMAGE_UNKNOWN] = "bin",
                                          [IMAGE_JPEG] = "jpg",
                                          [IMAGE_PNG] = "png",
                                          [IMAGE_WEBP] = "webp"};
    char path[PATH_BYTES];
    if (!folder)
        return;
    snprintf(path, sizeof path, "%.4096s/%.32s.%s", folder, hash, endings[type]);
    write_file(path, "we", bytes->data, bytes->len);
}
