// learned.h -- what was found out about backends, kept in the store between runs.
//
// Wires dispatch to the store, so that neither knows the other; both are called by dispatch
// as its events, arg is the app.  A store that fails costs the memory, nothing else.
// SPDX-License-Identifier: MIT
#ifndef VLMD_LEARNED_H
#define VLMD_LEARNED_H

// A backend is there with this model: dispatch_recall comes when something is known of it.
void learned_recall(void *arg, const char *url, const char *model);
// So many requests at once are what it can do.
void learned_keep(void *arg, const char *url, const char *model, int limit);

struct backend_facts;

// The key of what learned_keep_facts keeps: this, URL, model; blanks between.
#define LEARNED_FACTS "facts"

// Does this model there see?  dispatch_recall_sight comes, with what was found in the last 30
// days on the same version of the server.
void learned_recall_sight(void *arg, const char *url, const struct backend_facts *f);
// What was found out about it, with the date.
void learned_keep_sight(void *arg, const char *url, const struct backend_facts *f);
// All that is known of it, with the date; what it was before is forgotten.
void learned_keep_facts(void *arg, const char *url, const struct backend_facts *f);

#endif
