// routes.c -- the table of everything that can be asked for.
//
// A new route is one row here, one handler, and its description in openapi.json; a test
// holds the three together.
// SPDX-License-Identifier: MIT
#include "admin_inside.h"
#include "events.h"
#include "share.h"

#include <stdio.h>
#include <string.h>

// Asked every few seconds at most, by each of those who look after it.
enum { HEALTH_MS = 200 };

#define FILTER "q app tag path since until state outcome class degraded"
#define PAGED  " order limit cursor"

const struct route admin_routes[] = {
    {"GET", "/healthz", ADMIN_NOTHING, "", 0, route_healthz, 0},
    {"GET", "/health", AUTH_READ, "", 0, route_health, HEALTH_MS},
    {"GET", "/openapi.json", ADMIN_NOTHING, "", 0, route_openapi, 0},
    {"GET", "/login", ADMIN_NOTHING, "code", 0, route_login, 0},
    {"GET", "/v1/session", AUTH_READ, "", 0, route_session, 0},
    {"POST", "/v1/session", ADMIN_NOTHING, "", 4096, route_session_begin, 0},
    {"DELETE", "/v1/session", ADMIN_NOTHING, "", 0, route_session_end, 0},
    {"GET", "/v1/search", AUTH_READ, FILTER PAGED, 0, route_search, SHARE_RUNNING},
    {"GET", "/v1/jobs", AUTH_READ, FILTER PAGED " correlation_id", 0, route_search,
     SHARE_RUNNING},
    {"POST", "/v1/jobs", AUTH_SUBMIT, "wait priority tier", 0, route_submit, 0},
    {"GET", "/v1/jobs/{id}", AUTH_READ, "wait", 0, route_job, 0},
    {"DELETE", "/v1/jobs/{id}", AUTH_SUBMIT, "", 0, route_job_cancel, 0},
    {"POST", "/v1/jobs/{id}/retry", AUTH_SUBMIT, "", ADMIN_BODY_MAX, route_job_retry, 0},
    {"POST", "/v1/jobs/{id}/redo", AUTH_SUBMIT, "", ADMIN_BODY_MAX, route_job_redo, 0},
    {"POST", "/v1/jobs/{id}/forget", AUTH_ADMIN, "", ADMIN_BODY_MAX, route_job_forget, 0},
    {"POST", "/v1/jobs/retry", AUTH_SUBMIT, "", ADMIN_BODY_MAX, route_jobs_retry, 0},
    {"POST", "/v1/jobs/redo", AUTH_SUBMIT, "", ADMIN_BODY_MAX, route_jobs_redo, 0},
    {"POST", "/v1/forget", AUTH_ADMIN, "", ADMIN_BODY_MAX, route_forget, 0},
    {"POST", "/v1/batches", AUTH_SUBMIT, "", ADMIN_BODY_MAX, route_batch, 0},
    {"GET", "/v1/images/{id}", AUTH_READ, "", 0, route_image, 0},
    {"GET", "/v1/images/{id}/thumb", AUTH_READ, "size", 0, route_thumb, 0},
    {"GET", "/v1/events", AUTH_READ, "types", 0, route_events, 0},
    {"GET", "/v1/status", AUTH_READ, "", 0, route_status, SHARE_RUNNING},
    {"GET", "/v1/stats", AUTH_READ, "", 0, route_stats, 0},
    {"GET", "/v1/privacy/report", AUTH_READ, "since until", 0, route_privacy_report, 0},
    {"GET", "/v1/privacy/audit", AUTH_READ, "since until limit cursor", 0,
     route_privacy_audit, 0},
    {"GET", "/v1/privacy/verify", AUTH_ADMIN, "", 0, route_privacy_verify, 0},
    {"GET", "/admin/config", AUTH_ADMIN, "", 0, route_config, 0},
    {"POST", "/admin/config/validate", AUTH_ADMIN, "", ADMIN_BODY_MAX,
     route_config_validate, 0},
    {"POST", "/admin/config/reload", AUTH_ADMIN, "", ADMIN_BODY_MAX, route_config_reload,
     0},
    {"POST", "/admin/pause", AUTH_ADMIN, "", ADMIN_BODY_MAX, route_pause, 0},
    {"POST", "/admin/resume", AUTH_ADMIN, "", ADMIN_BODY_MAX, route_resume, 0},
    {"POST", "/admin/models/load", AUTH_ADMIN, "", ADMIN_BODY_MAX, route_load, 0},
    {"POST", "/admin/models/unload", AUTH_ADMIN, "", ADMIN_BODY_MAX, route_unload, 0},
    {"GET", "/admin/models", AUTH_READ, "", 0, route_models, 0},
    {"GET", "/admin/database/stats", AUTH_READ, "sizes", 0, route_database, 0},
    {"POST", "/admin/database/reset-stats", AUTH_ADMIN, "", ADMIN_BODY_MAX,
     route_database_reset, 0},
    {"GET", "/v1/series", AUTH_READ, "span since until", 0, route_series, 0},
    {"GET", "/v1/usage", AUTH_READ, "since until", 0, route_usage, 0},
    {"GET", "/metrics", AUTH_READ, "", 0, route_metrics, 0},
    {"GET", "/v1/results", AUTH_READ, "q app tag path since until degraded" PAGED, 0,
     route_results, SHARE_RUNNING},
    {"GET", "/v1/days", AUTH_READ, FILTER " limit", 0, route_days, SHARE_RUNNING},
    {"GET", "/v1/apps", AUTH_READ,
     "q tag path since until state outcome class degraded limit", 0, route_apps,
     SHARE_RUNNING},
    {"GET", "/admin/integrations/health", AUTH_ADMIN, "", 0, route_integrations, 0},
    {"GET", "/admin/diagnostics/system", AUTH_ADMIN, "", 0, route_diagnostics, 0},
    {"GET", "/admin/diagnostics/health-summary", AUTH_ADMIN, "", 0, route_health_summary,
     0},
    {"GET", "/admin/errors", AUTH_ADMIN,
     "class category severity backend job correlation_id after limit", 0, route_errors,
     0},
    {"GET", "/admin/alerts", AUTH_ADMIN, "", 0, route_alerts, 0},
};
const int n_admin_routes = sizeof(admin_routes) / sizeof(admin_routes[0]);

// What the page is made of; it stands in no description.
static const struct route page = {"GET", "/*", ADMIN_NOTHING, "", 0, route_page, 0};

// 1 to 18 digits.
static const char *parse_id(const char *s, int64_t *id)
{
    int digits = 0;
    *id = 0;
    for (; *s >= '0' && *s <= '9' && digits < 18; s++, digits++) {
        *id = *id * 10 + (*s - '0');
    }
    return digits && *id > 0 ? s : NULL;
}

static bool matches(const char *pattern, const char *path, int64_t *id)
{
    const char *hole = strstr(pattern, "{id}");
    if (!hole) {
        return strcmp(pattern, path) == 0;
    }
    size_t n = (size_t)(hole - pattern);
    const char *rest = strncmp(pattern, path, n) == 0 ? parse_id(path + n, id) : NULL;
    return rest && strcmp(rest, hole + 4) == 0;
}

static bool is_api(const char *path)
{
    return strncmp(path, "/v1/", 4) == 0 || strncmp(path, "/admin/", 7) == 0;
}

void route_find(struct exchange *x, const char *method, const char *path, char *allowed,
                size_t size)
{
    const char *wanted = strcmp(method, "HEAD") == 0 ? "GET" : method;
    size_t n = 0;
    allowed[0] = 0;
    x->route = NULL;
    for (int i = 0; i < n_admin_routes; i++) {
        const struct route *r = &admin_routes[i];
        int64_t id = 0;
        if (!matches(r->path, path, &id)) {
            continue;
        }
        if (strcmp(r->method, wanted) == 0) {
            x->route = r;
            x->id = id;
            return;
        }
        n += n < size ? (size_t)snprintf(allowed + n, size - n, "%s%s", n ? ", " : "",
                                         r->method)
                      : 0;
    }
    if (!n && !is_api(path) && strcmp(wanted, "GET") == 0) {
        x->route = &page;
    }
}

// That of a picture is configured; a form is a little longer.
size_t route_max_body(const struct exchange *x)
{
    bool is_upload = x->route->run == route_submit;
    return is_upload ? (size_t)x->admin->config->max_upload_bytes + (64 << 10)
                     : x->route->max_body;
}
