// err.h -- what can go wrong, in one table.
//
// A function that can fail returns 0 or one of these negative codes.  Each code has a name
// (logs, the failure list, JSON), a class (what the caller does about it), a category and a
// severity (where it belongs and how bad it is), the words a person reads and what that
// person can do.
// SPDX-License-Identifier: MIT
#ifndef VLMD_BASE_ERR_H
#define VLMD_BASE_ERR_H

#include <stdbool.h>

#define MUST_USE __attribute__((warn_unused_result))

// ERR_RETRY    the same work may succeed later; an attempt is counted
// ERR_REROUTE  this backend cannot, another or a later time can; no attempt is counted
// ERR_GIVE_UP  permanent for this item
// ERR_BUG      the program is at fault or is being stopped
enum err_class { ERR_RETRY, ERR_REROUTE, ERR_GIVE_UP, ERR_BUG };

// What part of the work it belongs to, whatever is done about it.
enum err_category {
    ERR_IN_VALIDATION,  // what was given is not what it must be
    ERR_IN_IMAGE,       // a picture can not be had or read
    ERR_IN_MODEL,       // the model can not, or what it says is of no use
    ERR_IN_NETWORK,     // no answer came, or not in time
    ERR_IN_PROTOCOL,    // the server answered, but not with an answer
    ERR_IN_STORE,
    ERR_IN_PRIVACY,  // it was not allowed
    ERR_IN_INTERNAL,
    ERR_CATEGORIES
};

// ERR_LOW       happens every day, nobody has to look
// ERR_MEDIUM    one picture, or one request, is the worse for it
// ERR_HIGH      a backend is of no use until someone acts
// ERR_CRITICAL  vlmd can not do, or not keep, any work
enum err_severity { ERR_LOW, ERR_MEDIUM, ERR_HIGH, ERR_CRITICAL };

// X(code, number, name, class, category, severity, words, what to do)
#define ERR_TABLE(X)                                                                     \
    X(E_CANCELED, -1, "canceled", ERR_BUG, ERR_IN_INTERNAL, ERR_LOW,                     \
      "stopped before it was done", "run it again to continue")                          \
    X(E_NOMEM, -2, "no_memory", ERR_RETRY, ERR_IN_INTERNAL, ERR_HIGH,                    \
      "not enough memory", "lower image.max_pixels or --concurrency")                    \
    X(E_IO, -3, "io", ERR_RETRY, ERR_IN_IMAGE, ERR_MEDIUM, "could not be read",          \
      "check the disk and try again")                                                    \
    X(E_NOT_FOUND, -4, "not_found", ERR_GIVE_UP, ERR_IN_IMAGE, ERR_LOW,                  \
      "does not exist", "it was deleted or moved; drop it with `vlmd jobs drop`")        \
    X(E_ACCESS, -5, "no_access", ERR_GIVE_UP, ERR_IN_IMAGE, ERR_MEDIUM,                  \
      "may not be read", "give this user read permission, then `vlmd jobs retry`")       \
    X(E_TOOBIG, -6, "too_big", ERR_GIVE_UP, ERR_IN_VALIDATION, ERR_MEDIUM,               \
      "is over a size limit", "raise the image.* key that the message names")            \
    X(E_FORMAT, -7, "bad_format", ERR_GIVE_UP, ERR_IN_VALIDATION, ERR_LOW,               \
      "is not a PNG, JPEG or WebP picture", "convert it first")                          \
    X(E_CORRUPT, -8, "corrupt", ERR_GIVE_UP, ERR_IN_IMAGE, ERR_MEDIUM,                   \
      "is a damaged picture", "save it again, then `vlmd jobs retry`")                   \
    X(E_CUT, -9, "incomplete", ERR_RETRY, ERR_IN_IMAGE, ERR_LOW,                         \
      "ends before the picture is complete",                                             \
      "wait until the program that writes it is done")                                   \
    X(E_NOT_FILE, -10, "not_a_file", ERR_GIVE_UP, ERR_IN_VALIDATION, ERR_LOW,            \
      "is not a regular file", "name a picture or a folder of pictures")                 \
    X(E_OUTSIDE, -11, "outside_root", ERR_GIVE_UP, ERR_IN_VALIDATION, ERR_MEDIUM,        \
      "leads out of the watched folder", "watch the folder it points to instead")        \
    X(E_USAGE, -12, "usage", ERR_BUG, ERR_IN_VALIDATION, ERR_LOW, "is not understood",   \
      "see `vlmd --help`")                                                               \
    X(E_CONFIG, -13, "config", ERR_BUG, ERR_IN_VALIDATION, ERR_CRITICAL,                 \
      "is not valid configuration", "see `vlmd config check`")                           \
    X(E_STORE, -14, "store", ERR_RETRY, ERR_IN_STORE, ERR_CRITICAL,                      \
      "the database refused", "see `vlmd doctor`")                                       \
    X(E_FULL, -15, "disk_full", ERR_REROUTE, ERR_IN_STORE, ERR_CRITICAL,                 \
      "the disk is full", "free some space; work goes on by itself")                     \
    X(E_BUSY, -16, "busy", ERR_REROUTE, ERR_IN_INTERNAL, ERR_LOW, "is busy",             \
      "try again in a moment")                                                           \
    X(E_DEADLINE, -17, "deadline", ERR_RETRY, ERR_IN_INTERNAL, ERR_MEDIUM,               \
      "took longer than allowed", "narrow the question or raise the limit")              \
    X(E_LOST, -18, "lease_lost", ERR_BUG, ERR_IN_STORE, ERR_LOW,                         \
      "was taken over by another process", "nothing; the other process finishes it")     \
    X(E_BUG, -19, "internal", ERR_BUG, ERR_IN_INTERNAL, ERR_CRITICAL, "internal error",  \
      "please report it")                                                                \
    X(E_REUSED, -20, "key_reused", ERR_GIVE_UP, ERR_IN_VALIDATION, ERR_LOW,              \
      "its key came with other contents before", "take another key")                     \
    X(E_NET, -30, "net", ERR_REROUTE, ERR_IN_NETWORK, ERR_HIGH,                          \
      "the backend can not be reached",                                                  \
      "start it, or name another one with --backend URL")                                \
    X(E_NET_CUT, -31, "net_cut", ERR_RETRY, ERR_IN_NETWORK, ERR_MEDIUM,                  \
      "the connection was cut", "see the backend's own log")                             \
    X(E_FIRST_BYTE, -32, "timeout_first_byte", ERR_RETRY, ERR_IN_NETWORK, ERR_MEDIUM,    \
      "the backend did not begin to answer", "raise backend.first_byte_timeout")         \
    X(E_STALL, -33, "timeout_stall", ERR_RETRY, ERR_IN_NETWORK, ERR_MEDIUM,              \
      "the answer stopped half way", "see the backend's own log")                        \
    X(E_TOTAL, -34, "timeout_total", ERR_RETRY, ERR_IN_NETWORK, ERR_MEDIUM,              \
      "the answer took too long", "raise backend.total_timeout or take a smaller model") \
    X(E_NO_VISION, -40, "no_vision", ERR_REROUTE, ERR_IN_MODEL, ERR_HIGH,                \
      "the model can not see pictures", "choose a vision model with --model NAME")       \
    X(E_CONTEXT, -41, "context", ERR_RETRY, ERR_IN_MODEL, ERR_LOW,                       \
      "the picture does not fit the model's context",                                    \
      "raise the server's context size or lower the tier")                               \
    X(E_BAD_IMAGE, -42, "bad_image", ERR_GIVE_UP, ERR_IN_IMAGE, ERR_MEDIUM,              \
      "the backend can not decode the picture",                                          \
      "look at the picture; report it if it is a good one")                              \
    X(E_MODEL_MISSING, -43, "model_missing", ERR_REROUTE, ERR_IN_MODEL, ERR_HIGH,        \
      "the backend does not have the model",                                             \
      "pull the model, or choose another with --model NAME")                             \
    X(E_AUTH, -44, "auth", ERR_REROUTE, ERR_IN_PROTOCOL, ERR_HIGH,                       \
      "the backend wants a valid key", "set backend.api_key_file")                       \
    X(E_QUOTA, -45, "quota", ERR_REROUTE, ERR_IN_PROTOCOL, ERR_HIGH,                     \
      "the account's quota is used up", "top up the account or name another backend")    \
    X(E_RATE, -46, "rate", ERR_REROUTE, ERR_IN_PROTOCOL, ERR_LOW,                        \
      "the backend asks to slow down", "nothing; vlmd waits")                            \
    X(E_OVERLOAD, -47, "overload", ERR_REROUTE, ERR_IN_PROTOCOL, ERR_LOW,                \
      "the backend is overloaded", "nothing; vlmd waits")                                \
    X(E_LOADING, -48, "loading", ERR_REROUTE, ERR_IN_MODEL, ERR_LOW,                     \
      "the model is still loading", "nothing; vlmd waits")                               \
    X(E_MODEL_CRASH, -49, "model_crash", ERR_RETRY, ERR_IN_MODEL, ERR_HIGH,              \
      "the model crashed or ran out of memory", "take a smaller model or fewer slots")   \
    X(E_BAD_REQUEST, -50, "bad_request", ERR_GIVE_UP, ERR_IN_PROTOCOL, ERR_MEDIUM,       \
      "the backend refused the request",                                                 \
      "see the message; `vlmd doctor` tests the backend")                                \
    X(E_SERVER, -51, "server", ERR_RETRY, ERR_IN_PROTOCOL, ERR_MEDIUM,                   \
      "the backend failed", "see the backend's own log")                                 \
    X(E_UNFINISHED, -52, "truncated", ERR_RETRY, ERR_IN_MODEL, ERR_MEDIUM,               \
      "the answer ended too early", "raise backend.max_tokens")                          \
    X(E_EMPTY, -53, "empty", ERR_RETRY, ERR_IN_MODEL, ERR_MEDIUM, "the answer is empty", \
      "raise backend.max_tokens or take another model")                                  \
    X(E_REPETITION, -54, "repetition", ERR_RETRY, ERR_IN_MODEL, ERR_MEDIUM,              \
      "the model repeats itself", "take another model")                                  \
    X(E_SCHEMA, -55, "schema", ERR_RETRY, ERR_IN_MODEL, ERR_MEDIUM,                      \
      "the answer has the wrong form", "take another model")                             \
    X(E_REFUSAL, -56, "refusal", ERR_RETRY, ERR_IN_MODEL, ERR_MEDIUM,                    \
      "the model refused to answer", "take another model")                               \
    X(E_IMAGE_DROPPED, -57, "image_dropped", ERR_RETRY, ERR_IN_MODEL, ERR_MEDIUM,        \
      "the backend ignored the picture",                                                 \
      "check that the model sees pictures: `vlmd doctor`")                               \
    X(E_GARBAGE, -58, "garbage", ERR_RETRY, ERR_IN_PROTOCOL, ERR_HIGH,                   \
      "the answer is not what the protocol says",                                        \
      "check that --backend names a VLM server")                                         \
    X(E_UNSUPPORTED, -59, "unsupported", ERR_GIVE_UP, ERR_IN_PROTOCOL, ERR_LOW,          \
      "this server can not do that", "see the server's own documentation")               \
    X(E_OCR, -60, "ocr", ERR_RETRY, ERR_IN_MODEL, ERR_MEDIUM, "the OCR helper failed",   \
      "see `vlmd doctor`")                                                               \
    X(E_BLOCKED, -61, "blocked", ERR_GIVE_UP, ERR_IN_PRIVACY, ERR_LOW,                   \
      "is excluded by a privacy rule", "see `vlmd show`")                                \
    X(E_REMOTE, -62, "remote", ERR_REROUTE, ERR_IN_PRIVACY, ERR_MEDIUM,                  \
      "the backend is another machine and sending is not allowed",                       \
      "set privacy.allow_remote: true if you trust it")

enum err_code {
#define X(code, number, name, class, category, severity, words, todo) code = number,
    ERR_TABLE(X)
#undef X
};

// For a person: "what: where: why (what to do)".
struct err {
    int code;  // 0 or E_*
    char msg[512];
};

const char *err_name(int code);
const char *err_words(int code);
const char *err_todo(int code);
enum err_class err_class(int code);
enum err_category err_category(int code);
enum err_severity err_severity(int code);
// Can the same work succeed later, here or with another backend?
bool err_is_recoverable(int code);
int err_by_name(const char *name);                   // E_* or 0
const char *err_category_name(enum err_category c);  // "validation"
const char *err_severity_name(enum err_severity s);  // "low"
int err_category_by_name(const char *name);          // enum err_category, or -1
int err_severity_by_name(const char *name);          // enum err_severity, or -1

// Sets code and message when e is not NULL; returns code.
int err_set(struct err *e, int code, const char *fmt, ...)
    __attribute__((format(printf, 3, 4)));
// E_* for an errno value.
int err_from_errno(int errnum);

#endif
