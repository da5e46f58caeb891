// peers.h -- the processes that work on this database, and what was learned of backends.
// SPDX-License-Identifier: MIT
#ifndef VLMD_STORE_PEERS_H
#define VLMD_STORE_PEERS_H

#include "store/common.h"

// ---- the processes that work on this database

// What this process wants others to know of it, kept in its row until it closes.
struct store_publish {
    const char *status;  // in: JSON, at most 64 KiB
    struct err err;
    struct pool_work work;
    struct store *owner;
    void (*done)(struct store_publish *r, int err);
};
void store_publish(struct store *s, struct store_publish *r,
                   void (*done)(struct store_publish *r, int err));

struct store_worker {
    const char *owner;  // as store_owner() of that process
    int64_t pid;        // 0 = of another machine
    int64_t started_at_ms, seen_at_ms;
    const char *status;  // "" = published nothing
};

// Those that are alive, as far as this machine can tell.
struct store_workers {
    struct store_worker *workers;  // out
    int n;
    char *block;  // owned
    struct err err;
    struct pool_work work;
    struct store *owner;
    void (*done)(struct store_workers *r, int err);
};
void store_workers(struct store *s, struct store_workers *r,
                   void (*done)(struct store_workers *r, int err));
void store_workers_fini(struct store_workers *r);

// ---- what was learned

// A small text that outlives the process, by a key of the caller's.
struct store_profile {
    char key[768];    // in
    char value[320];  // in of keep, out of find: "" = nothing is known
    struct err err;
    struct pool_work work;
    struct store *owner;
    void (*done)(struct store_profile *r, int err);
};
void store_profile_keep(struct store *s, struct store_profile *r,
                        void (*done)(struct store_profile *r, int err));
void store_profile_find(struct store *s, struct store_profile *r,
                        void (*done)(struct store_profile *r, int err));

// All of them whose key begins so, the newest first, STORE_MOST_PROFILES at most.
enum { STORE_MOST_PROFILES = 64 };
struct store_profiles {
    char prefix[640];  // in
    struct store_profile_row {
        char key[768], value[320];
    } *rows;  // out; owned by the caller: free()
    int n;
    struct err err;
    struct pool_work work;
    struct store *owner;
    void (*done)(struct store_profiles *r, int err);
};
void store_profiles(struct store *s, struct store_profiles *r,
                    void (*done)(struct store_profiles *r, int err));

// Maintenance, when its time has come: expired leases return, PRAGMA optimize, WAL
// checkpoint.  Returns the next deadline (monotonic ms).
int64_t store_tick(struct store *s, int64_t now_ms);

// Checks for doctor: integrity (quick_check), schema version, write permission, free space.
struct store_check {
    bool is_ok;
    char words[256];
    struct err err;
    struct pool_work work;
    struct store *owner;
    void (*done)(struct store_check *r, int err);
};
void store_check(struct store *s, struct store_check *r,
                 void (*done)(struct store_check *r, int err));

// Not begun yet: done with E_CANCELED.  A running read is interrupted.  work: the request's.
void store_cancel(struct store *s, struct pool_work *work);

#endif
