// config_alerts.c -- addresses that vlmd calls by itself: of alerts, and to see that they
// answer; and the levels of the log.
// SPDX-License-Identifier: MIT
#include "base/log.h"
#include "config/config_private.h"
#include "io/udp.h"

#include <string.h>
#include <strings.h>

static bool is_address(const char *url)
{
    const char *host = strstr(url, "://");
    bool is_web =
        strncasecmp(url, "http://", 7) == 0 || strncasecmp(url, "https://", 8) == 0;
    return is_web && host[3] && host[3] != '/';
}

static const char *origin_of(const struct config_loader *l, const char *key)
{
    return l->c->values[config_find(key)].origin;
}

// What a webhook's address is may be a secret: it is not said again.
static void check_alerts(struct config_loader *l)
{
    const struct config *c = l->c;
    const char *webhook = c->alert_webhook ? c->alert_webhook : "";
    if (*webhook && !is_address(webhook)) {
        config_error(
            l, origin_of(l, "alerts.webhook"),
            "alerts.webhook: is no address that begins with http:// or https://");
    }
    bool has_key = c->alert_key && *c->alert_key;
    if (*webhook && c->alert_format == ALERT_PAGERDUTY && !has_key) {
        config_error(l, origin_of(l, "alerts.format"),
                     "alerts.format: pagerduty needs its integration key (set "
                     "alerts.key_file)");
    }
}

static void check_levels(struct config_loader *l)
{
    struct log_levels levels;
    if (!log_parse_levels(l->c->log_level, &levels)) {
        config_error(l, origin_of(l, "log.level"),
                     "log.level: \"%s\" is none of error, warn, info, debug, nor a list "
                     "like info,http=debug",
                     l->c->log_level);
    }
}

static void check_statsd(struct config_loader *l)
{
    const char *address = l->c->statsd_address ? l->c->statsd_address : "";
    if (*address && !udp_is_address(address)) {
        config_error(l, origin_of(l, "statsd.address"),
                     "statsd.address: \"%s\" is no HOST:PORT such as 127.0.0.1:8125",
                     address);
    }
}

void config_check_addresses(struct config_loader *l)
{
    check_levels(l);
    check_statsd(l);
    for (int i = 0; l->c->health_urls[i]; i++) {
        if (!is_address(l->c->health_urls[i])) {
            config_error(l, origin_of(l, "health.urls"),
                         "health.urls: \"%s\" is no address that begins with http:// or "
                         "https://",
                         l->c->health_urls[i]);
        }
    }
    check_alerts(l);
}
