// site.h -- the files of the web page, as the build put them into the program.
// SPDX-License-Identifier: MIT
#ifndef VLMD_ADMIN_SITE_H
#define VLMD_ADMIN_SITE_H

#include <stddef.h>

struct page_asset {
    const char *path;  // "/", "/main.js"
    const char *type;
    const char *etag;  // with its quotes
    const unsigned char *bytes;
    size_t len;
    const unsigned char *gzip;  // NULL: not smaller
    size_t gzip_len;
};

// embed.cmake makes these.
extern const struct page_asset page_assets[];
extern const int n_page_assets;

// NULL = there is none.
const struct page_asset *page_find(const char *path);

#endif
