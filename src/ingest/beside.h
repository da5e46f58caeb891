// beside.h -- what a tracker or an exporter left beside a picture, for meta.c.
// SPDX-License-Identifier: MIT
#ifndef VLMD_INGEST_BESIDE_H
#define VLMD_INGEST_BESIDE_H

#include "ingest/ingest.h"

enum {
    BESIDE_MOST_BYTES = 1 << 20,           // of a file; a larger one is not read
    BESIDE_MOST_TEXT = INGEST_MOST_BESIDE  // of all of them together
};

// PICTURE.json, PICTURE.txt, and the same without the picture's ending.  Fills what r->meta
// lacks, and r->beside, or says that more stands there.  root_fd and path as for beneath_open_file: what leads out of the
// root, is no regular file, or can not be read is as if it were not there.
void beside_read(int root_fd, const char *path, struct meta_req *r);

#endif
