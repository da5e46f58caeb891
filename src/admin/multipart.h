// multipart.h -- the parts of a multipart/form-data body, pure.
//
// Source: RFC 7578, RFC 2046 5.1.1.
// SPDX-License-Identifier: MIT
#ifndef VLMD_ADMIN_MULTIPART_H
#define VLMD_ADMIN_MULTIPART_H

#include "base/err.h"

#include <stdbool.h>
#include <stddef.h>

enum { MULTIPART_NAME = 64, MULTIPART_BOUNDARY = 72, MULTIPART_MAX_PARTS = 32 };

struct multipart {
    const char *at, *end;                   // borrowed: of the body
    char boundary[MULTIPART_BOUNDARY + 4];  // with the two dashes
    size_t boundary_len;
    int n_parts;
};

struct multipart_part {
    char name[MULTIPART_NAME];
    bool is_file;
    const char *data;  // borrowed: of the body
    size_t len;
};

// type: the request's Content-Type.  Errors: E_FORMAT.
MUST_USE int multipart_begin(struct multipart *m, const char *type, const char *body,
                             size_t len);
// 1 = *out is the next part, 0 = there are no more.  Errors: E_FORMAT, E_TOOBIG.
MUST_USE int multipart_next(struct multipart *m, struct multipart_part *out);

#endif
