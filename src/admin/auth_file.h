// auth_file.h -- the token's file and that of the named keys.
// SPDX-License-Identifier: MIT
#ifndef VLMD_ADMIN_AUTH_FILE_H
#define VLMD_ADMIN_AUTH_FILE_H

#include "auth.h"

// Reads the token, or makes one.  Errors: as auth_open.
MUST_USE int auth_file_token(const char *path, char out[AUTH_TOKEN_CHARS + 1],
                             struct err *e);
// Reads the keys; no file is no key.  Errors: E_ACCESS, E_FORMAT, E_IO.
MUST_USE int auth_file_keys(struct auth *a, struct err *e);
bool auth_file_is_changed(const struct auth *a);
MUST_USE int auth_file_add(struct auth *a, const struct auth_key *key, struct err *e);

#endif
