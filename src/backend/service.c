// service.c -- OpenAI, OpenRouter and LiteLLM, which speak the same and want it otherwise.
//
// Source: PROTOCOLS.md 6.  OpenAI's newer models take max_completion_tokens only, and those
// that think take no temperature; OpenRouter tells what an answer cost when it is asked to;
// LiteLLM refuses parameters that it does not know.
// SPDX-License-Identifier: MIT
#include "backend/service.h"

#include "backend/driver.h"

#include <string.h>
#include <strings.h>

static const struct service services[] = {
    {.name = "none"},  // first: what is taken when no other fits
    {.name = "openai",
     .host = "api.openai.com",
     .never = FIELD_THINKING | FIELD_MAX_TOKENS,
     .also = FIELD_EFFORT | FIELD_DETAIL,
     .is_paid = true},
    {.name = "openrouter",
     .host = "openrouter.ai",
     .never = FIELD_THINKING,
     .also = FIELD_COST | FIELD_REASONING,
     .is_paid = true},
    {.name = "litellm", .never = FIELD_THINKING, .is_paid = true},
};

enum { N_SERVICES = sizeof(services) / sizeof(services[0]) };

// The host's letters behind "://", up to the port or the path.
static const char *host_of(const char *url, size_t *len)
{
    const char *at = strstr(url, "://");
    at = at ? at + 3 : url;
    *len = strcspn(at, ":/");
    return at;
}

static bool is_at(const char *url, const char *host)
{
    size_t len, n = strlen(host);
    const char *at = host_of(url, &len);
    if (len < n || strncasecmp(at + len - n, host, n) != 0) {
        return false;
    }
    return len == n || at[len - n - 1] == '.';
}

const struct service *service_of(const char *name, const char *url)
{
    bool is_auto = !name || !*name || strcmp(name, "auto") == 0;
    for (int i = 0; i < N_SERVICES; i++) {
        const struct service *s = &services[i];
        if (is_auto ? s->host && is_at(url, s->host) : strcasecmp(s->name, name) == 0) {
            return s;
        }
    }
    return &services[0];
}

bool service_model_thinks(const char *model)
{
    const char *slash = strrchr(model, '/');
    const char *s = slash ? slash + 1 : model;
    bool is_o = s[0] == 'o' && s[1] >= '1' && s[1] <= '9';
    return is_o || (strncmp(s, "gpt-5", 5) == 0 && !strstr(s, "chat"));
}
