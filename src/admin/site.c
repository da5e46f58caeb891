// site.c -- serves the web page and the description of the interface.
//
// The files are part of the program: no path of a request ever reaches the disk.
// SPDX-License-Identifier: MIT
#include "site.h"

#include "admin_inside.h"

#include <string.h>

// Nothing but our own files, no inline scripts, no other machine; pictures also as blobs.
static const char page_policy[] =
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' blob: "
    "data:; "
    "connect-src 'self'; font-src 'self'; manifest-src 'self'; base-uri 'none'; "
    "form-action 'self'; frame-ancestors 'none'";

const struct page_asset *page_find(const char *path)
{
    for (int i = 0; i < n_page_assets; i++) {
        if (strcmp(page_assets[i].path, path) == 0) {
            return &page_assets[i];
        }
    }
    return NULL;
}

static bool takes_gzip(const struct exchange *x)
{
    const char *accepts = httpd_header(x->http, "Accept-Encoding");
    const char *at = accepts ? strstr(accepts, "gzip") : NULL;
    return at && strncmp(at, "gzip;q=0", 8) != 0;
}

static void serve(struct exchange *x, const struct page_asset *asset)
{
    const char *known = httpd_header(x->http, "If-None-Match");
    bool is_known = known && (strstr(known, asset->etag) || strcmp(known, "*") == 0);
    bool is_packed = asset->gzip && takes_gzip(x);
    reply_headers(x);
    reply_header(x, "Content-Security-Policy", page_policy);
    reply_header(x, "Cache-Control", "no-cache");
    reply_header(x, "ETag", asset->etag);
    reply_header(x, "Vary", "Accept-Encoding");
    x->admin->requests++;
    x->is_answered = true;
    if (is_known) {
        httpd_answer(x->http, 304, NULL);
        return;
    }
    httpd_set_header(x->http, "Content-Type", asset->type);
    if (is_packed) {
        httpd_set_header(x->http, "Content-Encoding", "gzip");
        httpd_answer_static(x->http, 200, asset->gzip, asset->gzip_len);
    } else {
        httpd_answer_static(x->http, 200, asset->bytes, asset->len);
    }
}

static void find_and_serve(struct exchange *x, const char *path)
{
    const struct page_asset *asset = page_find(path);
    if (asset) {
        serve(x, asset);
    } else {
        reply_error(x, 404, NULL, "there is nothing here (see /openapi.json)");
    }
}

void route_page(struct exchange *x)
{
    find_and_serve(x, httpd_path(x->http));
}

void route_openapi(struct exchange *x)
{
    find_and_serve(x, "/openapi.json");
}
