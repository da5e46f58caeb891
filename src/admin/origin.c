// origin.c -- see origin.h.
// SPDX-License-Identifier: MIT
#include "origin.h"

#include <arpa/inet.h>
#include <string.h>
#include <strings.h>

enum { HOST_MAX = 254 };

// The host without its port; false when it is none.
static bool split(const char *host, char *out)
{
    size_t len = strlen(host);
    const char *end = host + len;
    if (host[0] == '[') {
        end = strchr(host, ']');
        host++;
    } else if (memchr(host, ':', len)) {
        end = memchr(host, ':', len);
    }
    if (!end || end == host || end - host >= HOST_MAX) {
        return false;
    }
    memcpy(out, host, (size_t)(end - host));
    out[end - host] = 0;
    return true;
}

static bool is_address(const char *name)
{
    unsigned char bytes[16];
    return inet_pton(AF_INET, name, bytes) == 1 || inet_pton(AF_INET6, name, bytes) == 1;
}

static bool is_localhost(const char *name)
{
    static const char local[] = "localhost";
    size_t len = strlen(name), n = sizeof(local) - 1;
    return len >= n && strcasecmp(name + len - n, local) == 0 &&
           (len == n || name[len - n - 1] == '.');
}

static bool is_listed(const char *name, const char *hosts)
{
    size_t len = strlen(name);
    while (hosts && *hosts) {
        hosts += strspn(hosts, " ,");
        size_t n = strcspn(hosts, " ,");
        if (n && n == len && strncasecmp(hosts, name, n) == 0) {
            return true;
        }
        hosts += n;
    }
    return false;
}

bool origin_is_host(const char *host, const char *hosts)
{
    char name[HOST_MAX];
    return host && split(host, name) &&
           (is_address(name) || is_localhost(name) || is_listed(name, hosts));
}

static bool is_same(const char *origin, const char *host)
{
    static const char *const schemes[] = {"http://", "https://"};
    for (int i = 0; i < 2; i++) {
        size_t n = strlen(schemes[i]);
        if (strncasecmp(origin, schemes[i], n) == 0) {
            return strcasecmp(origin + n, host) == 0;
        }
    }
    return false;  // "null", a file, an extension
}

bool origin_is_own(const char *origin, const char *fetch_site, const char *host,
                   bool changes)
{
    if (origin) {
        return host && is_same(origin, host);
    }
    if (fetch_site) {
        return strcmp(fetch_site, "same-origin") == 0 || strcmp(fetch_site, "none") == 0;
    }
    return !changes;
}
