// options.c -- the tables of flags and commands: parser, help and completions come from them.
//
// A new command is one function and one row.
// SPDX-License-Identifier: MIT
#include "cli.h"

#include <stddef.h>

const struct cli_option cli_options[OPT_COUNT] = {
    {OPT_CONFIG, "config", 'c', "FILE", NULL, NULL, "configuration file (none: \"\")"},
    {OPT_DB, "db", 0, "FILE", NULL, "db", "database"},
    {OPT_BACKEND, "backend", 'b', "URL", NULL, "backends",
     "server to ask, or ocr; may be repeated"},
    {OPT_MODEL, "model", 'm', "NAME", NULL, "model", "vision model to ask"},
    {OPT_CONCURRENCY, "concurrency", 0, "N", NULL, "concurrency",
     "requests to each backend at a time"},
    {OPT_TIER, "tier", 0, "TIER", "quick|standard|deep", "tier", "how closely to look"},
    {OPT_SET, "set", 0, "KEY=VALUE", NULL, NULL,
     "any configuration key; may be repeated"},
    {OPT_JSON, "json", 0, NULL, NULL, NULL, "JSON on standard output"},
    {OPT_QUIET, "quiet", 'q', NULL, NULL, NULL, "only errors on standard error"},
    {OPT_LOG_LEVEL, "log-level", 0, "LEVELS", NULL, "log.level",
     "how much is logged: error, warn, info, debug; info,http=debug"},
    {OPT_LOG_FORMAT, "log-format", 0, "FORMAT", "text|json", "log.format",
     "how it is logged"},
    {OPT_HELP, "help", 'h', NULL, NULL, NULL, "this help"},
    {OPT_VERSION, "version", 'V', NULL, NULL, NULL, "the version"},
    {OPT_APP, "app", 0, "NAME", NULL, NULL, "of this program"},
    {OPT_SINCE, "since", 0, "TIME", NULL, NULL,
     "not older: 2026-11-21, \"2026-11-21 10:30\", today, yesterday, 2h, 3d"},
    {OPT_UNTIL, "until", 0, "TIME", NULL, NULL, "not newer; a day counts to its end"},
    {OPT_TAG, "tag", 0, "TAG", NULL, NULL, "with this tag"},
    {OPT_LIMIT, "limit", 'n', "N", NULL, NULL, "at most so many (0: all)"},
    {OPT_ORDER, "order", 0, "ORDER", "best|newest|oldest", NULL, "what comes first"},
    {OPT_STATE, "state", 0, "STATE", "queued|leased|ended", NULL, "in this state"},
    {OPT_OUTCOME, "outcome", 0, "OUTCOME",
     "answered|cached|duplicate|blocked|skipped|failed", NULL, "that ended so"},
    {OPT_CLASS, "class", 0, "CLASS", NULL, NULL,
     "that failed so: corrupt, timeout_stall, ..."},
    {OPT_PATH, "path", 0, "PATH", NULL, NULL, "a file, a folder or a pattern"},
    {OPT_TEXT, "text", 0, "WORDS", NULL, NULL,
     "with these words in the description (privacy test: on the screen)"},
    {OPT_DEGRADED, "degraded", 0, NULL, NULL, NULL, "described by text recognition only"},
    {OPT_ALL, "all", 0, NULL, NULL, NULL, "every job; no filter is needed"},
    {OPT_WATCH, "watch", 'w', NULL, NULL, NULL, "show it again and again"},
    {OPT_INTERVAL, "interval", 'n', "SECONDS", NULL, NULL,
     "how often it is drawn anew; 1"},
    {OPT_OUTPUT, "output", 'o', "FILE", NULL, NULL,
     "write to FILE, which is replaced when all is written"},
    {OPT_DIR, "dir", 0, "DIR", NULL, NULL,
     "sidecar: write below DIR, in folders as the pictures"},
    {OPT_BESIDE, "beside", 0, NULL, NULL, NULL, "sidecar: write beside the pictures"},
    {OPT_FORMAT, "format", 0, "FORMAT", "txt|json|both", NULL,
     "sidecar: which files; both"},
    {OPT_FORCE, "force", 0, NULL, NULL, NULL, "replace an existing file"},
    {OPT_YES, "yes", 'y', NULL, NULL, NULL, "do not ask"},
    {OPT_DRY_RUN, "dry-run", 0, NULL, NULL, NULL, "only say what would be done"},
    {OPT_ROWS, "rows", 0, NULL, NULL, NULL, "report: each decision (50; see --limit)"},
    {OPT_EXPECT, "expect", 0, "HASH", NULL, NULL,
     "verify: a head that was noted before must be among the rows"},
    {OPT_WINDOW, "window", 0, "TITLE", NULL, NULL, "of a window with this title"},
    {OPT_URL, "url", 0, "ADDRESS", NULL, NULL, "of a page with this address"},
    {OPT_SCOPE, "scope", 0, "SCOPES", NULL, NULL,
     "what it allows: read, submit, admin; read"},
    {OPT_NAME, "name", 0, "NAME", NULL, NULL, "make a key of this name that lasts"},
    {OPT_LIFE, "life", 0, "TIME", NULL, NULL,
     "how long it is good: 30m, 12h, 90d; 1h, of a named key for ever"},
    {OPT_PRINT, "print", 0, NULL, NULL, NULL, "only print the address"},
    {OPT_OPENAI_BATCH, "openai-batch", 0, "FILE", NULL, NULL,
     "requests in OpenAI's batch format; answers in the same go to --output"},
    {OPT_FOR, "for", 0, "SPAN", NULL, NULL, "for so long: 30m, 2h, 1d"},
};

#define FILTERS OPT_APP, OPT_SINCE, OPT_UNTIL, OPT_TAG, OPT_LIMIT
#define JOB_FILTERS                                                                      \
    OPT_STATE, OPT_OUTCOME, OPT_CLASS, OPT_SINCE, OPT_UNTIL, OPT_PATH, OPT_APP, OPT_TAG, \
        OPT_TEXT, OPT_DEGRADED, OPT_LIMIT, OPT_ORDER, OPT_ALL

static const enum cli_opt none[] = {OPT_COUNT};
static const enum cli_opt usage_options[] = {OPT_SINCE, OPT_UNTIL, OPT_COUNT};
static const enum cli_opt batch_options[] = {OPT_OPENAI_BATCH, OPT_OUTPUT, OPT_COUNT};
static const enum cli_opt search_options[] = {FILTERS, OPT_PATH, OPT_ORDER, OPT_DEGRADED,
                                              OPT_COUNT};
static const enum cli_opt jobs_options[] = {JOB_FILTERS, OPT_COUNT};
static const enum cli_opt status_options[] = {OPT_WATCH, OPT_INTERVAL, OPT_COUNT};
static const enum cli_opt top_options[] = {OPT_INTERVAL, OPT_COUNT};
static const enum cli_opt export_options[] = {
    FILTERS,   OPT_PATH,   OPT_TEXT, OPT_OUTCOME, OPT_STATE,  OPT_DEGRADED,
    OPT_ORDER, OPT_OUTPUT, OPT_DIR,  OPT_BESIDE,  OPT_FORMAT, OPT_COUNT};
static const enum cli_opt forget_options[] = {OPT_SINCE, OPT_UNTIL,   OPT_APP,
                                              OPT_YES,   OPT_DRY_RUN, OPT_COUNT};
static const enum cli_opt privacy_options[] = {
    OPT_TEXT,  OPT_APP,  OPT_WINDOW, OPT_URL,   OPT_OUTPUT, OPT_SINCE,
    OPT_UNTIL, OPT_ROWS, OPT_LIMIT,  OPT_ORDER, OPT_EXPECT, OPT_COUNT};
static const enum cli_opt token_options[] = {OPT_SCOPE, OPT_NAME, OPT_LIFE, OPT_COUNT};
static const enum cli_opt open_options[] = {OPT_PRINT, OPT_COUNT};
static const enum cli_opt pause_options[] = {OPT_FOR, OPT_COUNT};
static const enum cli_opt config_options[] = {OPT_OUTPUT, OPT_FORCE, OPT_COUNT};

const struct cli_command cli_commands[] = {
    {"watch", "[DIR...]", "describe new screenshots as they come",
     "Without DIR the folders of the configuration are watched, else the usual "
     "screenshot\n"
     "folder.  The first Ctrl-C finishes what is being asked, the second stops at once.\n"
     "Pictures are never changed.",
     NULL, none, cli_run_watch},
    {"batch", "PATH|GLOB|URL|@LIST|-...", "describe a set of pictures and end",
     "PATH is a picture or a folder; @LIST and - read one path, URL or JSON object per "
     "line\n"
     "(path or url; app, window, screen, page_url, taken_at, tier).\n"
     "The same command run again from the same folder continues where it was.\n"
     "With --openai-batch pictures come from a file of requests and are asked about in\n"
     "vlmd's own words; those that stand in the file itself are kept in FILE.pictures.\n"
     "Exit codes: 0 all done, 1 some failed, 2 usage or configuration, 3 no backend,\n"
     "4 database, 130 interrupted (run it again to continue).",
     NULL, batch_options, cli_run_batch},
    {"serve", "", "work off the queue and serve the page, without watching a folder",
     "Pictures come from requests: see admin.listen, `vlmd token` and /openapi.json.",
     NULL, none, cli_run_serve},
    {"open", "", "open the web page in a browser",
     "With an address that begins a session; it is good for a minute, once.", NULL,
     open_options, cli_run_open},
    {"token", "", "make a key for programs that use the HTTP interface",
     "Without --name a JWT that ends by itself; with --name a key that is good until "
     "its\n"
     "line is removed from the keys file, which holds only hashes.  A new token (remove\n"
     "api-token beside the database, and start anew) ends all JWTs and sessions.",
     NULL, token_options, cli_run_token},
    {"usage", "", "what the backends were asked for, and what it cost",
     "By day and backend: requests, tokens, bytes, and money where a price is known\n"
     "(budget.price_input, budget.price_output, or what the service says).",
     NULL, usage_options, cli_run_usage},
    {"search", "WORDS...", "find pictures by what is on them",
     "All words must match; \"a phrase\", -without, the last word also as a beginning.\n"
     "Put -- before a first word that begins with a dash.  Shows 20 unless --limit is "
     "given.",
     NULL, search_options, cli_run_search},
    {"show", "ID|PATH", "all about one picture, and why it is (not) described", NULL,
     NULL, none, cli_run_show},
    {"jobs", "list|retry|redo|drop [ID|PATH...]",
     "list pictures, or have them done again",
     "list   shows jobs (50 unless --limit is given)\n"
     "retry  failed ones once more\n"
     "redo   described ones anew; the old description stays until the new one is there\n"
     "       (--tier deep: more closely)\n"
     "drop   forgets them; files are never touched\n"
     "retry, redo and drop need an ID, a PATH, a filter or --all.",
     "list|retry|redo|drop", jobs_options, cli_run_jobs},
    {"forget", "[ID|PATH...]", "remove everything known about pictures",
     "Their descriptions, words in the search index and history, and every trace of "
     "these\n"
     "in the database's files.  Which ones: an ID, a path, a folder, a pattern, --app,\n"
     "--since, --until; all that is said must be true.  Others with a description made\n"
     "from one of them are described anew.  The pictures themselves are not touched: "
     "one\n"
     "in a watched folder is new to vlmd again.  The audit keeps how many there were.",
     NULL, forget_options, cli_run_forget},
    {"privacy", "test|preview|rules|report|verify",
     "what may be sent, what was, and the proof of it",
     "test     [PICTURE] what would be done with a picture, a --text, --app, --window "
     "or\n"
     "         --url, and why; nothing is sent\n"
     "preview  PICTURE -o FILE.png (or .jpg: byte for byte) what would be sent to\n"
     "         the --model; to other machines, where pictures may go there\n"
     "rules    which apply, and where each comes from\n"
     "report   how many pictures were allowed, masked and blocked, what was found on "
     "them,\n"
     "         of which programs they were, where they went; with --rows each decision\n"
     "verify   computes the chain of hashes of these rows anew; exit code 1 when one "
     "was\n"
     "         altered, removed or put in.  Note the head it shows in another place: "
     "with\n"
     "         --expect HASH an audit that was made anew as a whole is found as well",
     "test|preview|rules|report|verify", privacy_options, cli_run_privacy},
    {"status", "", "progress, backlog, failures, workers and backends", NULL, NULL,
     status_options, cli_run_status},
    {"top", "", "what the workers do now: stages, backends, memory, rates",
     "Drawn anew every second, until Ctrl-C; once where nobody looks (a pipe, a file).",
     NULL, top_options, cli_run_top},
    {"logs", "ID|CORRELATION-ID|PATH",
     "everything that happened to one picture, in order",
     "From the database: when it came, each request and why it failed, what the privacy\n"
     "rules decided, how it ended; and its lines of the log, where log.file names one.",
     NULL, none, cli_run_logs},
    {"db", "stats", "sizes of the database's tables, and times of its statements",
     "Times are those that the workers tell of themselves.", "stats", none, cli_run_db},
    {"doctor", "", "check everything; exit code 1 when something is wrong", NULL, NULL,
     none, cli_run_doctor},
    {"pause", "", "begin nothing new until `vlmd resume`, or --for a while",
     "Holds for everything that works on this database, also after a restart.  What is\n"
     "being asked is finished; what comes in is kept and described later.",
     NULL, pause_options, cli_run_pause},
    {"resume", "", "end a pause", NULL, NULL, none, cli_run_resume},
    {"models", "list|probe|load|unload [MODEL]", "models of the backends",
     "list    what the servers have\n"
     "probe   what the chosen models can do; where a server does not say whether its "
     "model\n"
     "        sees, the model is shown a tiny coloured square\n"
     "load    loads MODEL, or the one that would be asked; it stays for 5 minutes after\n"
     "        the last request, or as --for says\n"
     "unload  gives the memory back; a worker loads it again when a picture comes",
     "list|probe|load|unload", pause_options, cli_run_models},
    {"config", "check|show|init", "check, show or create the configuration",
     "check  says everything that is wrong, with file and line\n"
     "show   every key with its value and where that came from\n"
     "init   writes a commented sample (to -o FILE, else where vlmd looks for it)",
     "check|show|init", config_options, cli_run_config},
    {"export", "jsonl|csv|sidecar", "write out what is known",
     "jsonl    one JSON object per picture\n"
     "csv      RFC 4180 with a header; text is quoted, never changed: in a spreadsheet\n"
     "         import the columns as text\n"
     "sidecar  NAME.txt and NAME.json per picture, below --dir DIR or --beside the\n"
     "         pictures; files that vlmd did not write are never replaced",
     "jsonl|csv|sidecar", export_options, cli_run_export},
    {"bench", "image [FILE...]", "what preparing these pictures, or made-up ones, costs",
     "CPU time per picture and stage, its distance from what decoding alone costs, "
     "bytes,\n"
     "likeness to an exact shrink, and pictures per second on one and two threads.",
     "image", none, cli_run_bench},
    {"completion", "bash|zsh|fish", "completions for a shell",
     "bash: source <(vlmd completion bash)\n"
     "zsh:  vlmd completion zsh > ~/.zfunc/_vlmd\n"
     "fish: vlmd completion fish > ~/.config/fish/completions/vlmd.fish",
     "bash|zsh|fish", none, cli_run_completion},
    {"version", "", "the version", NULL, NULL, none, cli_run_version},
    {"help", "[COMMAND]", "help on a command; help man writes the manual page", NULL,
     NULL, none, cli_run_help},
};
const int n_cli_commands = sizeof(cli_commands) / sizeof(cli_commands[0]);
