// fake_pictures.h -- pictures of four plain quarters, and chat bodies that carry them.
// SPDX-License-Identifier: MIT
#ifndef FAKE_PICTURES_H
#define FAKE_PICTURES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum picture_type { PICTURE_PNG, PICTURE_JPEG, PICTURE_WEBP };

struct sent_picture {
    uint8_t *bytes;
    size_t len;
    const char *mime;
    char hash[33];
};

// Corners are 0xrrggbb: top left, top right, bottom left, bottom right.
void picture_make(struct sent_picture *p, enum picture_type type, int width_px,
                  int height_px, const uint32_t corners[4]);
void picture_free(struct sent_picture *p);

// Base64 of the bytes; line > 0: with "\\n" (as JSON text) after so many characters.
char *picture_base64(const struct sent_picture *p, size_t line);

// The kinds speak two languages.  The strings are the caller's.  more is added to the
// object: "" or ",\"key\":value".
char *chat_ollama(const char *model, const char *base64, bool is_stream,
                  const char *more);
char *chat_openai(const char *model, const char *url, bool is_stream, const char *more);
char *data_url(const struct sent_picture *p);

#endif
