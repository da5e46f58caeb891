// blank.h -- a layer under SQLite that leaves no old bytes in the unused parts of pages.
// Private to store/.
// Thread: any.
// SPDX-License-Identifier: MIT
#ifndef VLMD_STORE_BLANK_H
#define VLMD_STORE_BLANK_H

#include <stddef.h>
#include <stdint.h>

// For sqlite3_open_v2; NULL when it can not be had (no memory).
const char *blank_vfs(void);

// Page number page (from 1) of a database, before it is written: zeros in what lies between
// the cell pointers and the cells, if it is a page of a tree.  Returns the bytes blanked.
size_t blank_page(uint8_t *data, size_t size, uint64_t page);

#endif
