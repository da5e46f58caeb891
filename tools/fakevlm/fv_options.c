// fv_options.c -- reads the command line.
// SPDX-License-Identifier: MIT
#include "fv_options.h"

#include <errno.h>
#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

// What a kind is when no flag says otherwise.  queue 0: never refuses.
static const struct preset {
    const char *name;
    int slots, queue, max_loaded;
} presets[KIND_COUNT] = {
    [KIND_OLLAMA] = {"ollama", 1, 512, 3},
    [KIND_OPENAI] = {"openai", 8, 0, MODELS_MAX},
    [KIND_VLLM] = {"vllm", 16, 0, 1},
    [KIND_SGLANG] = {"sglang", 16, 0, 1},
    [KIND_LMSTUDIO] = {"lmstudio", 4, 0, 1},
    [KIND_LLAMA_SERVER] = {"llama-server", 4, 0, 1},
    [KIND_LLAMA_ROUTER] = {"llama-router", 4, 0, 4},
    [KIND_LLAMA_SWAP] = {"llama-swap", 4, 10, 1},
};

enum flag {
    FLAG_HELP = 'h',
    FLAG_LISTEN = 256,
    FLAG_PORT_FILE,
    FLAG_KIND,
    FLAG_VERSION,
    FLAG_MODEL,
    FLAG_LOADED,
    FLAG_SLOTS,
    FLAG_QUEUE,
    FLAG_MAX_LOADED,
    FLAG_LOAD,
    FLAG_LATENCY,
    FLAG_FIRST_BYTE,
    FLAG_TOKENS,
    FLAG_CTX,
    FLAG_MIN_IMAGE,
    FLAG_API_KEY,
    FLAG_SEED,
    FLAG_FAULT,
    FLAG_QUIET,
    FLAG_THINKING,
    FLAG_IDLE_CLOSE,
    FLAG_LOG,
    FLAG_KEEP,
    FLAG_SAY,
    FLAG_BATCHING,
};

static const struct option flags[] = {
    {"help", no_argument, NULL, FLAG_HELP},
    {"listen", required_argument, NULL, FLAG_LISTEN},
    {"port-file", required_argument, NULL, FLAG_PORT_FILE},
    {"kind", required_argument, NULL, FLAG_KIND},
    {"version-string", required_argument, NULL, FLAG_VERSION},
    {"model", required_argument, NULL, FLAG_MODEL},
    {"loaded", no_argument, NULL, FLAG_LOADED},
    {"slots", required_argument, NULL, FLAG_SLOTS},
    {"queue", required_argument, NULL, FLAG_QUEUE},
    {"max-loaded", required_argument, NULL, FLAG_MAX_LOADED},
    {"load-ms", required_argument, NULL, FLAG_LOAD},
    {"latency-ms", required_argument, NULL, FLAG_LATENCY},
    {"first-byte-ms", required_argument, NULL, FLAG_FIRST_BYTE},
    {"tokens", required_argument, NULL, FLAG_TOKENS},
    {"ctx", required_argument, NULL, FLAG_CTX},
    {"min-image-tokens", required_argument, NULL, FLAG_MIN_IMAGE},
    {"api-key", required_argument, NULL, FLAG_API_KEY},
    {"seed", required_argument, NULL, FLAG_SEED},
    {"fault", required_argument, NULL, FLAG_FAULT},
    {"quiet", no_argument, NULL, FLAG_QUIET},
    {"thinking", no_argument, NULL, FLAG_THINKING},
    {"idle-close-ms", required_argument, NULL, FLAG_IDLE_CLOSE},
    {"log", required_argument, NULL, FLAG_LOG},
    {"keep", required_argument, NULL, FLAG_KEEP},
    {"say", required_argument, NULL, FLAG_SAY},
    {"batching", required_argument, NULL, FLAG_BATCHING},
    {NULL, 0, NULL, 0},
};

static const char help[] =
    "fakevlm: a stand-in for a vision-language model server.  It sees nothing: the "
    "answer\n"
    "is made of the picture's size and colours.  For people who have no VLM at hand, "
    "and\n"
    "for tests.\n"
    "\n"
    "usage: fakevlm [flags]\n"
    "  --kind KIND            ollama, openai, vllm, sglang, lmstudio, llama-server,\n"
    "                         llama-router or llama-swap (ollama)\n"
    "  --listen HOST:PORT     numeric address; port 0 takes a free one "
    "(127.0.0.1:11434)\n"
    "  --port-file FILE       write the port there, whole at once\n"
    "  --version-string V     the Ollama version to be (0.33.0)\n"
    "  --model NAME[,NAME..]  models; NAME/novision has no eyes (qwen2.5vl:7b)\n"
    "  --loaded               the first model is loaded from the start\n"
    "  --max-loaded N         models in memory at once (by kind)\n"
    "  --slots N              requests answered at once, per model (by kind)\n"
    "  --queue N              waiting (llama-swap: in flight) before refusing, 0: no "
    "limit\n"
    "                         (by kind; LM Studio and llama-server never refuse)\n"
    "  --load-ms N            time to load a model (50; vllm, sglang and llama-server "
    "are\n"
    "                         ready at once unless this is given)\n"
    "  --latency-ms MS[:S]    median time of an answer, lognormal with sigma S (20:0)\n"
    "  --batching SPEC        decode all running requests together, instead: step=MS,\n"
    "                         per=MS,prefill=MS,kv=N,thrash=MS,tokens=N,sigma=S; see\n"
    "                         README.md\n"
    "  --first-byte-ms N      added before the first byte (0)\n"
    "  --tokens N             words in a free text answer (40)\n"
    "  --ctx N                context length in tokens (8192)\n"
    "  --min-image-tokens N   enlarge small pictures, as Ollama does for Qwen (0)\n"
    "  --thinking             the models think unless told not to\n"
    "  --api-key KEY          ask for this key\n"
    "  --seed N               for latency and faults (1)\n"
    "  --fault SPEC           NAME[=PARAM][:PERCENT%|:COUNT], repeatable; see README.md\n"
    "  --idle-close-ms N      close idle connections after (5000)\n"
    "  --log FILE             append one JSON line per request\n"
    "  --keep FOLDER          keep every byte and every picture that came\n"
    "  --say TEXT             quote this in every answer, as if it had been read\n"
    "  --quiet                no banner\n"
    "Control: GET /__fake/stats, GET /__fake/images, POST /__fake/reset,\n"
    "POST /__fake/faults, POST /__fake/config.  SIGUSR1 stops listening, SIGUSR2 "
    "resumes.\n";

const char *kind_name(enum kind kind)
{
    return presets[kind].name;
}

bool kind_loads_at_start(enum kind kind)
{
    return kind == KIND_OPENAI || kind == KIND_VLLM || kind == KIND_SGLANG ||
           kind == KIND_LLAMA_SERVER;
}

bool kind_is_llama(enum kind kind)
{
    return kind == KIND_LLAMA_SERVER || kind == KIND_LLAMA_ROUTER ||
           kind == KIND_LLAMA_SWAP;
}

bool options_say(struct options *o, const char *text)
{
    int n = snprintf(o->say, sizeof o->say, "%s", text);
    return n >= 0 && (size_t)n < sizeof o->say;
}

static int mistake(const char *what, const char *value)
{
    fprintf(stderr, "fakevlm: %s: '%s' (try --help)\n", what, value);
    return -1;
}

static int parse_int(const char *arg, int64_t min, int64_t max, int64_t *out)
{
    char *end;
    errno = 0;
    long long n = strtoll(arg, &end, 10);
    if (errno || end == arg || *end || n < min || n > max)
        return mistake("not a number in range", arg);
    *out = n;
    return 0;
}

static int parse_small(const char *arg, int min, int *out)
{
    int64_t n;
    if (parse_int(arg, min, 100000000, &n))
        return -1;
    *out = (int)n;
    return 0;
}

static int parse_ms(const char *arg, int64_t *out)
{
    return parse_int(arg, 0, 86400000, out);
}

static int parse_listen(struct options *o, const char *arg)
{
    const char *colon = strrchr(arg, ':'), *host = arg;
    size_t len = colon ? (size_t)(colon - arg) : 0;
    if (len > 2 && host[0] == '[' && host[len - 1] == ']') {
        host++;
        len -= 2;
    }
    if (len == 0 || len >= sizeof o->host)
        return mistake("not HOST:PORT", arg);
    memcpy(o->host, host, len);
    o->host[len] = 0;
    if (!strcmp(o->host, "localhost"))
        memcpy(o->host, "127.0.0.1", sizeof "127.0.0.1");
    if (parse_small(colon + 1, 0, &o->port))
        return -1;
    return o->port <= 65535 ? 0 : mistake("no such port", arg);
}

static int parse_kind(struct options *o, const char *arg)
{
    for (int k = 0; k < KIND_COUNT; k++) {
        if (!strcmp(arg, presets[k].name)) {
            o->kind = (enum kind)k;
            return 0;
        }
    }
    return mistake("no such kind", arg);
}

static int parse_latency(struct options *o, const char *arg)
{
    char *end;
    double ms = strtod(arg, &end), sigma = 0;
    if (end != arg && *end == ':') {
        const char *from = end + 1;
        sigma = strtod(from, &end);
        if (end == from)
            return mistake("not MS[:SIGMA]", arg);
    }
    if (end == arg || *end || !(ms >= 0 && ms < 1e8) || !(sigma >= 0 && sigma < 10))
        return mistake("not MS[:SIGMA]", arg);
    o->latency_ms = (int64_t)ms;
    o->latency_sigma = sigma;
    return 0;
}

static int add_fault(struct options *o, const char *arg)
{
    if (o->faults_n == FAULT_ARGS_MAX)
        return mistake("too many faults", arg);
    o->faults[o->faults_n++] = arg;
    return 0;
}

// NAME=NUMBER[,NAME=NUMBER...]
static int parse_batching(struct options *o, const char *arg)
{
    struct batching b = {.tokens = 150, .sigma = 0.5};
    double kv = 0, tokens = b.tokens;
    const struct {
        const char *name;
        double *to;
    } names[] = {
        {"step", &b.step_ms},     {"per", &b.per_ms}, {"prefill", &b.prefill_ms},
        {"thrash", &b.thrash_ms}, {"kv", &kv},        {"tokens", &tokens},
        {"sigma", &b.sigma},
    };
    for (const char *s = arg; *s;) {
        size_t len = strcspn(s, "="), i = 0, n = sizeof names / sizeof names[0];
        while (i < n && (strlen(names[i].name) != len || memcmp(names[i].name, s, len)))
            i++;
        char *end = NULL;
        if (i < n && s[len])
            *names[i].to = strtod(s + len + 1, &end);
        if (!end || end == s + len + 1 || (*end && *end != ',') ||
            !(*names[i].to >= 0 && *names[i].to < 1e6))
            return mistake("not NAME=NUMBER[,NAME=NUMBER...]", arg);
        s = end + (*end == ',');
    }
    b.kv = (int)kv;
    b.tokens = (int)tokens;
    if (b.step_ms <= 0 || b.tokens < 1)
        return mistake("step must be more than 0, and tokens at least 1", arg);
    o->batching = b;
    return 0;
}

static int parse_seed(struct options *o, const char *arg)
{
    int64_t n;
    if (parse_int(arg, 0, INT64_MAX, &n))
        return -1;
    o->seed = (uint64_t)n;
    return 0;
}

static int set(const char **to, const char *value)
{
    *to = value;
    return 0;
}

static int set_say(struct options *o, const char *text)
{
    return options_say(o, text) ? 0 : mistake("too long", text);
}

static int raise_flag(bool *to)
{
    *to = true;
    return 0;
}

static int parse_flag(struct options *o, int flag, const char *arg)
{
    switch (flag) {
    case FLAG_LISTEN: return parse_listen(o, arg);
    case FLAG_PORT_FILE: return set(&o->port_file, arg);
    case FLAG_KIND: return parse_kind(o, arg);
    case FLAG_VERSION: return set(&o->version, arg);
    case FLAG_MODEL: return set(&o->models, arg);
    case FLAG_LOADED: return raise_flag(&o->is_loaded);
    case FLAG_SLOTS: return parse_small(arg, 1, &o->slots);
    case FLAG_QUEUE: return parse_small(arg, 0, &o->queue);
    case FLAG_MAX_LOADED: return parse_small(arg, 1, &o->max_loaded);
    case FLAG_LOAD: return parse_ms(arg, &o->load_ms);
    case FLAG_LATENCY: return parse_latency(o, arg);
    case FLAG_FIRST_BYTE: return parse_ms(arg, &o->first_byte_ms);
    case FLAG_TOKENS: return parse_small(arg, 1, &o->tokens);
    case FLAG_CTX: return parse_small(arg, 1, &o->ctx_tokens);
    case FLAG_MIN_IMAGE: return parse_small(arg, 0, &o->min_image_tokens);
    case FLAG_API_KEY: return set(&o->api_key, arg);
    case FLAG_SEED: return parse_seed(o, arg);
    case FLAG_FAULT: return add_fault(o, arg);
    case FLAG_QUIET: return raise_flag(&o->is_quiet);
    case FLAG_THINKING: return raise_flag(&o->is_thinking);
    case FLAG_IDLE_CLOSE: return parse_ms(arg, &o->idle_close_ms);
    case FLAG_BATCHING: return parse_batching(o, arg);
    case FLAG_LOG: return set(&o->log_file, arg);
    case FLAG_KEEP: return set(&o->keep_folder, arg);
    case FLAG_SAY: return set_say(o, arg);
    default: return mistake("unknown flag", "?");
    }
}

int options_parse(struct options *o, int argc, char **argv)
{
    *o = (struct options){.host = "127.0.0.1",
                          .port = 11434,
                          .version = "0.33.0",
                          .models = "qwen2.5vl:7b",
                          .slots = -1,
                          .queue = -1,
                          .max_loaded = -1,
                          .tokens = 40,
                          .ctx_tokens = 8192,
                          .load_ms = -1,
                          .latency_ms = 20,
                          .idle_close_ms = 5000,
                          .seed = 1};
    int flag;
    while ((flag = getopt_long(argc, argv, "h", flags, NULL)) != -1) {
        if (flag == FLAG_HELP) {
            fputs(help, stdout);
            return 1;
        }
        if (parse_flag(o, flag, optarg))
            return -1;
    }
    if (optind < argc)
        return mistake("unexpected argument", argv[optind]);
    const struct preset *p = &presets[o->kind];
    if (o->load_ms < 0) {
        o->load_ms = 50;
        o->is_loaded = o->is_loaded || kind_loads_at_start(o->kind);
    }
    o->slots = o->slots < 0 ? p->slots : o->slots;
    o->queue = o->queue < 0 ? p->queue : o->queue;
    o->max_loaded = o->max_loaded < 0 ? p->max_loaded : o->max_loaded;
    return 0;
}
