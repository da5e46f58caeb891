// fv_keep.h -- keeps what came in, so that a test can look for what must not have.
//
// With --keep FOLDER: conn-PID-NNNNNN.raw, every byte of a connection; body-PID-NNNNNN.json, the body
// of a request; HASH.jpg, .png or .webp, every picture as it was sent.  A file that can't be
// written ends the program: a test must not go on as if nothing had come.
// SPDX-License-Identifier: MIT
#ifndef FV_KEEP_H
#define FV_KEEP_H

#include <stddef.h>
#include <stdint.h>

#include "fv_image.h"

// All of them do nothing when folder is NULL.
void keep_bytes(const char *folder, uint64_t connection, const void *bytes, size_t len);
// It was a control connection.
void keep_nothing(const char *folder, uint64_t connection);
void keep_body(const char *folder, uint64_t seq, const struct text *body);
// Thread: any.
void keep_picture(const char *folder, const char hash[33], enum image_type type,
                  const struct text *bytes);

#endif
