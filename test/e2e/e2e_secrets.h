// e2e_secrets.h -- planted secrets, and the places where none of them may be found.
//
// What is shown on the picture, what its window's title and page's address hold, what the model
// says without having been shown, and what stands in the picture's own name.
// SPDX-License-Identifier: MIT
#ifndef E2E_SECRETS_H
#define E2E_SECRETS_H

#include "e2e_more.h"
#include "privacy/page_reader.h"

enum secret_kind {
    SECRET_SHOWN = 1,
    SECRET_TITLED = 2,
    SECRET_SAID = 4,
    // What the name of a picture holds is there as long as the picture has not ended: it is
    // what is fetched or opened.
    SECRET_IN_URL = 8,
    SECRET_IN_PATH = 16,
    SECRET_NAMES = 24,
    SECRET_ANY = 31
};

// Masks what is shown for models on this machine; logs all there is.
extern const char secrets_config[];
// For fake_start: keeps what it gets below the place, and quotes SECRET_SAID.
const char *secrets_flags(struct place *p, const char *more);
// A line of a list: this picture with the titled secrets.
void secrets_line(char *out, size_t size, const char *path);
const char *secrets_window(void);
const char *secrets_url_query(void);  // "access_token=..."
const char *secrets_file_name(void);
const char *secrets_told_name(void);  // what it is told as
const char *secrets_page_url(void);
const char *secrets_said(void);  // "... CARD ... KEY", as the model says it
// A screen with the shown secrets, and one without any; number makes them differ.
void secrets_picture(const char *path, unsigned number);
uint8_t *secrets_picture_bytes(unsigned number, size_t *len);
void harmless_picture(const char *path, unsigned number);

// All bytes of a file.  Owns: the caller, free().
char *read_whole(const char *path, size_t *len);

// The first of these secrets in the bytes, whole or a half, however it is grouped; NULL.
const char *secrets_in(const void *bytes, size_t len, unsigned kinds);

// In everything the backends of secrets_flags got, the pictures read with OCR.  Returns how
// many pictures that were.
int secrets_assert_not_sent(struct place *p, unsigned kinds);
// In the database, its companions, the logs and every other file that vlmd wrote.
void secrets_assert_not_stored(struct place *p, unsigned kinds);
// In what each way to look at the items says.
void secrets_assert_not_told(struct place *p);
// In what a process printed.
void secrets_assert_not_printed(struct proc *run);

#endif
