// owner.h -- who holds a lease: a name from which others can see whether that process
// lives. Private to store/.
// SPDX-License-Identifier: MIT
#ifndef VLMD_STORE_OWNER_H
#define VLMD_STORE_OWNER_H

#include <stdbool.h>
#include <stddef.h>

enum { OWNER_BYTES = 224 };

// host/boot id/pid namespace/pid/start time/random
void owner_name(char out[OWNER_BYTES]);
// True only when it is certain: a process of this machine and pid namespace that is gone,
// or one of an earlier boot of this machine.
bool owner_is_dead(const char *name);
// Of a process of this machine, else 0.
long owner_pid(const char *name);

#endif
