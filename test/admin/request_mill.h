// request_mill.h -- any bytes through the whole interface, of a handle that describes nothing.
// SPDX-License-Identifier: MIT
#ifndef REQUEST_MILL_H
#define REQUEST_MILL_H

#include <stddef.h>
#include <stdint.h>

// The first byte chooses: the rest is a request as it comes from a socket, in pieces; or, with
// a second byte for the route, the body of one; or the query of one.  Returns the status of
// the first answer, 0 = none came.  Aborts on what must never be: another answer than HTTP, an
// internal error.
enum mill_kind { MILL_RAW, MILL_BODY, MILL_QUERY, MILL_KINDS };
int request_grind(const uint8_t *bytes, size_t len);
int request_routes(void);  // how many the second byte can choose
void request_mill_close(void);

#endif
