// http_text.c -- what a URL's host is, and when a server wants to be asked again.
//
// The privacy gate trusts http_is_loopback.  It therefore asks curl's own URL parser, the
// one that later decides where to connect, and accepts nothing that needs a resolver.
// SPDX-License-Identifier: MIT
#include "io/http_call.h"

#include <arpa/inet.h>
#include <curl/curl.h>
#include <string.h>
#include <strings.h>
#include <time.h>

static const char socket_prefix[] = "http+unix:///";

static bool is_loopback_v4(const struct in_addr *a)
{
    return ntohl(a->s_addr) >> 24 == 127;
}

static bool is_loopback_v6(const struct in6_addr *a)
{
    struct in_addr v4;
    memcpy(&v4, a->s6_addr + 12, sizeof(v4));
    return IN6_IS_ADDR_LOOPBACK(a) || (IN6_IS_ADDR_V4MAPPED(a) && is_loopback_v4(&v4));
}

// curl resolves "localhost" by itself to 127.0.0.1 and ::1; "localhost." goes to DNS.
static bool is_loopback_host(const char *host)
{
    struct in_addr v4;
    struct in6_addr v6;
    char bare[INET6_ADDRSTRLEN];
    size_t len = strlen(host);
    if (host[0] == '[' && len > 2 && len - 2 < sizeof(bare)) {
        memcpy(bare, host + 1, len - 2);
        bare[len - 2] = 0;
        return inet_pton(AF_INET6, bare, &v6) == 1 && is_loopback_v6(&v6);
    }
    if (inet_pton(AF_INET, host, &v4) == 1) {
        return is_loopback_v4(&v4);
    }
    return strcasecmp(host, "localhost") == 0;
}

static bool is_web_scheme(CURLU *u)
{
    char *scheme = NULL;
    if (curl_url_get(u, CURLUPART_SCHEME, &scheme, 0)) {
        return false;
    }
    bool is_web = strcasecmp(scheme, "http") == 0 || strcasecmp(scheme, "https") == 0;
    curl_free(scheme);
    return is_web;
}

bool http_is_loopback(const char *url)
{
    if (strncasecmp(url, socket_prefix, sizeof(socket_prefix) - 1) == 0) {
        return true;
    }
    CURLU *u = curl_url();
    char *host = NULL;
    bool is_local =
        u && curl_url_set(u, CURLUPART_URL, url, 0) == CURLUE_OK && is_web_scheme(u) &&
        curl_url_get(u, CURLUPART_HOST, &host, 0) == CURLUE_OK && is_loopback_host(host);
    curl_free(host);
    curl_url_cleanup(u);
    return is_local;
}

static bool is_blank(char c)
{
    return c == ' ' || c == '\t' || c == '\r' || c == '\n';
}

static bool is_digit(char c)
{
    return c >= '0' && c <= '9';
}

// Not strtod: the host's locale may want a comma.
int64_t text_decimal(const char *s, int64_t unit)
{
    const int64_t limit = INT64_MAX / 1000 / 10 / unit;
    int64_t whole = 0;
    while (is_blank(*s)) {
        s++;
    }
    if (!is_digit(*s)) {
        return -1;
    }
    for (; is_digit(*s); s++) {
        whole = whole < limit ? whole * 10 + (*s - '0') : limit;
    }
    int64_t thousandths = 0;
    if (*s == '.') {
        int64_t weight = 100;
        for (s++; is_digit(*s); s++, weight /= 10) {
            thousandths += (*s - '0') * weight;
        }
    }
    while (is_blank(*s)) {
        s++;
    }
    return *s ? -1 : whole * unit + thousandths * unit / 1000;
}

// Points behind one number and its unit; -1 = neither.
static int64_t take_part(const char **at)
{
    static const struct {
        const char *name;
        int64_t ms;
    } units[] = {{"ms", 1}, {"s", 1000}, {"m", 60000}, {"h", 3600000}, {"d", 86400000}};
    char number[24];
    size_t n = strspn(*at, "0123456789.");
    size_t unit = strspn(*at + n, "hmsd");
    if (n == 0 || n >= sizeof(number)) {
        return -1;
    }
    memcpy(number, *at, n);
    number[n] = 0;
    *at += n + unit;
    for (size_t i = 0; i < sizeof(units) / sizeof(units[0]); i++) {
        bool is_unit =
            strlen(units[i].name) == unit && memcmp(units[i].name, *at - unit, unit) == 0;
        if (is_unit) {
            return text_decimal(number, units[i].ms);
        }
    }
    return -1;
}

int64_t http_duration_ms(const char *value)
{
    int64_t sum = text_decimal(value, 1000);
    if (sum >= 0 || !*value) {
        return sum;
    }
    sum = 0;
    while (*value) {
        int64_t part = take_part(&value);
        if (part < 0) {
            return -1;
        }
        sum = sum < INT64_MAX - part ? sum + part : INT64_MAX;
    }
    return sum;
}

// curl_getdate reads the three forms of RFC 9110 5.6.7, and always in UTC.
int64_t http_retry_after_ms(const char *value, int64_t wall_ms)
{
    int64_t ms = text_decimal(value, 1000);
    if (ms >= 0) {
        return ms;
    }
    const char *s = value;
    while (is_blank(*s)) {
        s++;
    }
    bool is_word = (*s >= 'A' && *s <= 'Z') || (*s >= 'a' && *s <= 'z');
    time_t at = is_word ? curl_getdate(value, NULL) : -1;
    if (at == -1) {
        return -1;
    }
    int64_t wait_ms = (int64_t)at * 1000 - wall_ms;
    return wait_ms > 0 ? wait_ms : 0;
}
