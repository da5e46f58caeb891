// admin.h -- the HTTP interface and the web page: a face, beside the command line.
//
// It runs on the loop of a vlmd handle and calls only what vlmd.h has.  docs: openapi.json.
// Thread: loop.
// SPDX-License-Identifier: MIT
#ifndef VLMD_ADMIN_ADMIN_H
#define VLMD_ADMIN_ADMIN_H

#include "base/err.h"
#include "vlmd.h"

struct admin;

// Listens as the handle's configuration says, and on sockets that the service manager hands
// over.  That one address can not be had is no error: note (may be NULL) is told in words,
// like everything else that a person should know once (where it is, where the token lies).
// Errors: E_USAGE (listening there is not allowed as configured), E_ACCESS, E_IO (no
// private place for the token); *out is NULL then, and when nothing is to be served.
MUST_USE int admin_open(struct admin **out, vlmd *v,
                        void (*note)(void *arg, const char *words), void *arg,
                        struct err *e);
// Ends every request.  What still waits for the handle's answers is freed with them, in
// vlmd_close at the latest.  NULL is allowed.
void admin_close(struct admin *a);
// "http://127.0.0.1:8011/" of the first TCP address, "" = none.
const char *admin_url(const struct admin *a);

#endif
