// alert_body.c -- one notice as JSON of our own, as Slack's and as PagerDuty's.
// SPDX-License-Identifier: MIT
#include "guard/alert_body.h"

#include "base/json.h"

#include <stdio.h>
#include <time.h>

static void stamp(int64_t at_ms, char *out, size_t size)
{
    time_t s = (time_t)(at_ms / 1000);
    struct tm tm;
    gmtime_r(&s, &tm);
    size_t n = strftime(out, size, "%Y-%m-%dT%H:%M:%S", &tm);
    snprintf(out + n, size - n, ".%03dZ", (int)(at_ms % 1000));
}

void alert_summary(const struct alert_notice *n, char *out, size_t size)
{
    const char *unit = alert_unit(n->rule);
    snprintf(out, size, "%s%s: %.4g %s (limit %.4g %s)%s%s",
             n->has_recovered ? "over: " : "", alert_words(n->rule), n->value, unit,
             n->threshold, unit, *n->more ? ": " : "", n->more);
}

static void write_facts(struct json_writer *w, const struct alert_notice *n)
{
    char since[40], at[40];
    stamp(n->since_ms, since, sizeof(since));
    stamp(n->at_ms, at, sizeof(at));
    json_str(w, "alert", alert_name(n->rule));
    json_str(w, "state", n->has_recovered ? "recovered" : "firing");
    json_double(w, "value", n->value);
    json_double(w, "threshold", n->threshold);
    json_str(w, "unit", alert_unit(n->rule));
    json_str(w, "since", since);
    json_str(w, "at", at);
}

static void write_own(struct json_writer *w, const struct alert_notice *n,
                      const char *summary)
{
    json_str(w, "source", "vlmd");
    json_str(w, "host", n->host);
    json_str(w, "severity", alert_severity_name(alert_severity(n->rule)));
    json_str(w, "summary", summary);
    write_facts(w, n);
}

static void write_slack(struct json_writer *w, const struct alert_notice *n,
                        const char *summary)
{
    char text[800];
    bool is_critical = alert_severity(n->rule) == ALERT_CRITICAL;
    snprintf(text, sizeof(text), "%s *vlmd on %s*: %s",
             n->has_recovered ? ":white_check_mark:"
             : is_critical    ? ":rotating_light:"
                              : ":warning:",
             n->host, summary);
    json_str(w, "text", text);
}

// The same key for both ends of one alert, so that the second resolves the first.
static void write_pagerduty(struct json_writer *w, const struct alert_notice *n,
                            const char *summary, const char *key)
{
    char same[200], at[40];
    snprintf(same, sizeof(same), "vlmd/%s/%s", n->host, alert_name(n->rule));
    stamp(n->at_ms, at, sizeof(at));
    json_str(w, "routing_key", key);
    json_str(w, "event_action", n->has_recovered ? "resolve" : "trigger");
    json_str(w, "dedup_key", same);
    json_object(w, "payload");
    json_str(w, "summary", summary);
    json_str(w, "source", n->host);
    json_str(w, "severity", alert_severity_name(alert_severity(n->rule)));
    json_str(w, "timestamp", at);
    json_str(w, "component", "vlmd");
    json_object(w, "custom_details");
    write_facts(w, n);
    json_object_end(w);
    json_object_end(w);
}

int alert_body(enum alert_format f, const struct alert_notice *n, const char *key,
               struct buf *out)
{
    struct json_writer w;
    char summary[600];
    alert_summary(n, summary, sizeof(summary));
    json_init(&w, out);
    json_object(&w, NULL);
    switch (f) {
    case ALERT_JSON: write_own(&w, n, summary); break;
    case ALERT_SLACK: write_slack(&w, n, summary); break;
    case ALERT_PAGERDUTY: write_pagerduty(&w, n, summary, key); break;
    }
    json_object_end(&w);
    return w.rc;
}
