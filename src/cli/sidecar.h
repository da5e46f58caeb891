// sidecar.h -- a text and a JSON file per picture, never in the place of somebody else's.
// SPDX-License-Identifier: MIT
#ifndef VLMD_CLI_SIDECAR_H
#define VLMD_CLI_SIDECAR_H

#include "vlmd.h"

struct sidecars {
    const char *dir;  // below it, in folders as the pictures; NULL = beside the pictures
    bool has_txt, has_json, is_quiet;
    int64_t written, undescribed, refused, failed;
};

// "a/b.png" becomes "a/b.png.txt" and "a/b.png.json".
void sidecar_write(struct sidecars *s, const struct vlmd_item *it);
void sidecar_report(const struct sidecars *s, bool is_json);

#endif
