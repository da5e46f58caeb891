// service.h -- what well-known OpenAI-compatible services want otherwise: a table.
//
// A new service is one row.  What a row gets wrong is still learned from the service's
// refusals (ask.c).
// SPDX-License-Identifier: MIT
#ifndef VLMD_BACKEND_SERVICE_H
#define VLMD_BACKEND_SERVICE_H

#include <stdbool.h>

struct service {
    const char *name;  // as in configuration; "" = none known
    const char *host;  // of its URL, also as the end after a dot; NULL = known by shape
    unsigned never;    // FIELD_*: not sent, though the kind would
    unsigned also;     // FIELD_*: sent, though the kind would not
    bool is_paid;      // every token costs money, and models are always there
};

// By name, for "auto" by the URL's host.  Never NULL: the nameless one.
const struct service *service_of(const char *name, const char *url);
// Does this model of OpenAI's think first?  Then it takes no temperature.
bool service_model_thinks(const char *model);

#endif
