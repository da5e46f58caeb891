// handle_store.h -- the database of a handle: its header and that of the rig can not be in one
// file, both have a struct answer.
// SPDX-License-Identifier: MIT
#ifndef HANDLE_STORE_H
#define HANDLE_STORE_H

#include "vlmd.h"

struct store;

struct store *handle_store(vlmd *v);

#endif
