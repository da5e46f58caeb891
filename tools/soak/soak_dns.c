// soak_dns.c -- a resolver that can be switched off, loaded before the C library.
//
// "soak.test" is this machine, unless the file that SOAK_DNS_DOWN names is there: then names
// are not to be had for the time being.  All other names go to the real resolver.
// SPDX-License-Identifier: MIT
#include <dlfcn.h>
#include <netdb.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

typedef int resolver(const char *, const char *, const struct addrinfo *,
                     struct addrinfo **);

int getaddrinfo(const char *name, const char *service, const struct addrinfo *hints,
                struct addrinfo **out)
{
    const char *down = getenv("SOAK_DNS_DOWN");
    resolver *real;
    *(void **)&real = dlsym(RTLD_NEXT, "getaddrinfo");
    if (!name || strcmp(name, "soak.test") != 0) {
        return real(name, service, hints, out);
    }
    if (down && access(down, F_OK) == 0) {
        return EAI_AGAIN;
    }
    return real("127.0.0.1", service, hints, out);
}
