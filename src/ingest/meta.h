// meta.h -- embedded metadata out of an open file or memory, for the organ's own files.
// SPDX-License-Identifier: MIT
#ifndef VLMD_INGEST_META_H
#define VLMD_INGEST_META_H

#include "ingest/ingest.h"
#include "ingest/source.h"

// What the containers say; has_tracker: a tracker's JSON was among it.  name: the file's,
// for its time, or NULL.  Errors: E_CUT, E_FORMAT, E_IO; out holds what was found before.
MUST_USE int meta_scan(const struct source *s, const char *name, struct ingest_meta *out,
                       bool *has_tracker);
// App from "App - Title" when the app is not known.
void meta_derive_app(struct ingest_meta *m);

#endif
