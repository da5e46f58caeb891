// origin.h -- is it the page itself that asks, or another one through the user's browser?
// Pure.
// SPDX-License-Identifier: MIT
#ifndef VLMD_ADMIN_ORIGIN_H
#define VLMD_ADMIN_ORIGIN_H

#include <stdbool.h>

// A name that a page elsewhere can not have pointed at this machine: an address, localhost,
// or one of hosts (blanks between).  Against DNS rebinding.
bool origin_is_host(const char *host, const char *hosts);
// Origin and Sec-Fetch-Site as sent, NULL = not.  changes: the request is no mere look, and
// the browser adds its credentials by itself.
bool origin_is_own(const char *origin, const char *fetch_site, const char *host,
                   bool changes);

#endif
