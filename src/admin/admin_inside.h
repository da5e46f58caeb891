// admin_inside.h -- one request on its way through the interface, and what answers it.
//
// A handler of the route table gets an exchange and answers it, at once or in a callback of
// vlmd.h.  The client may be gone by then: the exchange lives on until each call that was
// begun for it has come back (exchange_hold, exchange_drop), its answer then goes nowhere.
// Private to admin/.
// SPDX-License-Identifier: MIT
#ifndef VLMD_ADMIN_INSIDE_H
#define VLMD_ADMIN_INSIDE_H

#include "admin.h"
#include "admission.h"
#include "auth.h"
#include "base/buf.h"
#include "base/json.h"
#include "base/list.h"
#include "face/face.h"
#include "io/httpd.h"
#include "io/timer.h"
#include "limit.h"
#include "vlmd_loop.h"

enum {
    ADMIN_ANSWER_MAX = 64 << 20,
    ADMIN_BODY_MAX = 1 << 20,  // of JSON
    ADMIN_CORRELATION = 65,
    ADMIN_NOTHING = 0  // scope of what needs no key
};

struct exchange;
struct events_hub;
struct share;

struct route {
    const char *method;
    const char *path;    // "{id}" stands for a number
    unsigned scope;      // enum auth_scope, or ADMIN_NOTHING
    const char *params;  // names of the query's, with blanks between
    size_t max_body;
    void (*run)(struct exchange *x);
    int fresh_ms;  // share.h: may others have the answer, and for how long?
};

// What many asked at the same time, to be asked ahead of the next turn (share.h).
struct share_hot {
    const struct route *route;  // NULL = nothing
    struct buf key;             // of its share
    int n;                      // who got one answer
};

struct admin {
    vlmd *v;
    const struct vlmd_admin_config *config;
    struct httpd *http;
    struct auth auth;
    struct limit rate;      // per key
    struct limit failures;  // per peer
    struct events_hub *events;
    vlmd_subscription *subscription;
    struct list exchanges;
    struct admission admission;
    struct list shares;
    struct share_hot hot;
    int64_t changes;      // requests that change something, begun and answered
    int64_t events_told;  // to clients
    int64_t told;         // answers, but for those that another had got already
    uint64_t next_correlation;
    char url[256];
    char socket_path[128];  // to be removed; "" = none
    int64_t started_ms;
    int64_t requests, client_errors, server_errors, denied;
    bool is_closing;
    int parts_open;  // of those that close by themselves
};

struct exchange {
    struct list node;  // admin.exchanges
    struct admin *admin;
    struct httpd_request *http;  // NULL = the client is gone, or there is none (is_ahead)
    bool is_ahead;               // for those of the next turn
    bool is_copy;                // its answer is another's
    int holds;
    const struct route *route;  // NULL = there is none
    struct auth_who who;
    int64_t id;              // {id} of the path
    struct list turn_node;   // admission.waiting
    struct list share_node;  // waits for another's answer
    struct share *makes;     // what others may get too; NULL = nothing
    bool is_change;          // it may change something
    char correlation[ADMIN_CORRELATION];
    struct buf out;
    struct json_writer w;
    bool is_answered;
    void *state;  // of the handler, owned
    void (*free_state)(void *state);
    void (*on_gone)(struct exchange *x);  // the client left a stream; may be NULL
};

// ---- exchange.c

struct exchange *exchange_new(struct admin *a, struct httpd_request *r);
// Nobody asks yet: its answer is kept for those who will (share_ahead).
struct exchange *exchange_new_ahead(struct admin *a, const struct route *route);
void exchange_hold(struct exchange *x);
void exchange_drop(struct exchange *x);
// Calls fn; what that begins is begun under x's correlation id.
void exchange_run(struct exchange *x, void (*fn)(struct exchange *x));
void admin_free_if_done(struct admin *a);

// A call of vlmd.h for x: hold, call, and what it returned to exchange_asked; when it was not
// begun its callback never comes, and x is answered here.  Its callback writes the answer
// between answer_begin (false: it was an error, and x is answered) and answer_end; or the items
// of a list that was begun before, as the one array of an object, and then list_end.
void exchange_asked(struct exchange *x, int rc);
bool answer_begin(struct exchange *x, int err, const char *message);
void answer_end(struct exchange *x);
void list_end(struct exchange *x, int err, const char *message);

// The answer is written with x->w between these.
void reply_begin(struct exchange *x);
void reply_json(struct exchange *x, int status);
void reply_empty(struct exchange *x, int status);
// What another exchange was answered with.
void reply_shared(struct exchange *x, int status, const char *type,
                  struct httpd_body *body);
// Takes the contents of body.
void reply_bytes(struct exchange *x, int status, const char *type, struct buf *body);
// field: the parameter or member that is wrong, or NULL.
void reply_error(struct exchange *x, int status, const char *field, const char *fmt, ...)
    __attribute__((format(printf, 4, 5)));
// For what a call of vlmd.h said.
void reply_failed(struct exchange *x, int code, const char *message);
// Headers that every answer has; before httpd_answer or httpd_stream.
void reply_headers(struct exchange *x);
void reply_header(struct exchange *x, const char *name, const char *value);

// ---- params.c

// NULL = not there; borrowed while x is begun.
const char *param_text(const struct exchange *x, const char *name);
// A parameter that is wrong is answered, and false is returned.
bool param_int(struct exchange *x, const char *name, int64_t min, int64_t max,
               int64_t fallback, int64_t *out);
bool param_choice(struct exchange *x, const char *name, const char *choices, int fallback,
                  int *out);
// NULL, "", or an error's class (base/err.h).
bool param_is_class(struct exchange *x, const char *name, const char *s);
bool param_time(struct exchange *x, const char *name, bool is_end, int64_t *out);
// The filter parameters; texts of q are borrowed from the request.
bool param_query(struct exchange *x, struct vlmd_query *q);
// The same from a JSON object; member names that are not in known are refused.
bool body_object(struct exchange *x, const char *known, struct cJSON **out);
bool body_text(struct exchange *x, const struct cJSON *o, const char *name, size_t max,
               const char **out);
bool body_time(struct exchange *x, const struct cJSON *o, const char *name, bool is_end,
               int64_t *out);
bool body_bool(struct exchange *x, const struct cJSON *o, const char *name, bool *out);
bool body_query(struct exchange *x, const struct cJSON *o, struct vlmd_query *q);
bool known_name(const char *names, const char *name);

// ---- routes.c

extern const struct route admin_routes[];
extern const int n_admin_routes;
// Fills x->route and x->id; *allowed: methods of this path, for 405 (empty: no such path).
void route_find(struct exchange *x, const char *method, const char *path, char *allowed,
                size_t size);

// How much body may come.
size_t route_max_body(const struct exchange *x);

// Not GET, not HEAD.
bool request_is_change(const struct exchange *x);

// ---- guards.c

// Before the body: host, origin, key, scope, rate, size.  false: it was answered.
bool guards_pass(struct exchange *x);
void guards_note_refused(struct admin *a, int status);
// Somebody tries what he may not: counted, and told in the log, not without end.
void guards_note(struct exchange *x, const char *event, const char *why);

// ---- handlers

void route_healthz(struct exchange *x);
void route_health(struct exchange *x);
void route_openapi(struct exchange *x);
void route_page(struct exchange *x);
void route_login(struct exchange *x);
void route_session(struct exchange *x);
void route_session_begin(struct exchange *x);
void route_session_end(struct exchange *x);
void route_search(struct exchange *x);
void route_results(struct exchange *x);
void route_health_summary(struct exchange *x);
void route_days(struct exchange *x);
void route_job(struct exchange *x);
void route_job_cancel(struct exchange *x);
void route_job_retry(struct exchange *x);
void route_job_redo(struct exchange *x);
void route_job_forget(struct exchange *x);
void route_jobs_retry(struct exchange *x);
void route_jobs_redo(struct exchange *x);
void route_forget(struct exchange *x);
void route_submit(struct exchange *x);
void route_batch(struct exchange *x);
void route_image(struct exchange *x);
void route_thumb(struct exchange *x);
void route_status(struct exchange *x);
void route_stats(struct exchange *x);
void route_privacy_report(struct exchange *x);
void route_privacy_audit(struct exchange *x);
void route_privacy_verify(struct exchange *x);
void route_config(struct exchange *x);
void route_config_validate(struct exchange *x);
void route_config_reload(struct exchange *x);
void route_models(struct exchange *x);
void route_series(struct exchange *x);
void route_usage(struct exchange *x);
void route_database(struct exchange *x);
void route_database_reset(struct exchange *x);
void route_pause(struct exchange *x);
void route_resume(struct exchange *x);
void route_load(struct exchange *x);
void route_unload(struct exchange *x);
void route_metrics(struct exchange *x);
void route_diagnostics(struct exchange *x);
void route_integrations(struct exchange *x);
void route_errors(struct exchange *x);
void route_alerts(struct exchange *x);
void route_apps(struct exchange *x);

#endif
