// conformance_words.c -- every row of PROTOCOLS.md 8.2, in the words of the servers.
// SPDX-License-Identifier: MIT
#include "conformance_words.h"

#include "base/err.h"

const struct said said[] = {
    // NO_VISION
    {E_NO_VISION, 400, "Model does not support images. Please use a model that does.",
     true},
    {E_NO_VISION, 400, "this model does not support image input", true},
    {E_NO_VISION, 500,
     "image input is not supported - hint: if this is unexpected, you may need to "
     "provide "
     "the mmproj",
     true},
    {E_NO_VISION, 400, "llama-3-8b is not a multimodal model", true},
    {E_NO_VISION, 400,
     "Multimodal data provided, but model does not support multimodal requests.", true},
    {E_NO_VISION, 500, "missing data required for image input", true},
    {E_NO_VISION, 404, "No endpoints found that support image input", true},
    {E_NO_VISION, 400,
     "Invalid content type. image_url is only supported by certain models.", true},
    // CONTEXT
    {E_CONTEXT, 400, "exceed_context_size_error", true},
    {E_CONTEXT, 400,
     "request (4165 tokens) exceeds the available context size (4096 tokens), try "
     "increasing it",
     true},
    {E_CONTEXT, 400,
     "This model's maximum context length is 4096 tokens. However, you requested 1 "
     "output "
     "tokens and your prompt contains at least 5000 input tokens",
     true},
    {E_CONTEXT, 400, "context_length_exceeded", true},
    {E_CONTEXT, 400,
     "the prompt is longer than the context length currently available, try increasing "
     "it",
     true},
    {E_CONTEXT, 400, "prompt too long; exceeded max context length by 69 tokens", true},
    {E_CONTEXT, 400,
     "The number of tokens to keep from the initial prompt is greater than the context "
     "length",
     true},
    {E_CONTEXT, 500, "Context size has been exceeded.", true},
    {E_CONTEXT, 400, "litellm.ContextWindowExceededError: OpenAIException - too long",
     true},
    // BAD_IMAGE
    {E_BAD_IMAGE, 400, "Failed to load image or audio file", true},
    {E_BAD_IMAGE, 400, "illegal base64 data at input byte 12", true},
    {E_BAD_IMAGE, 400, "cannot identify image file <_io.BytesIO object>", true},
    {E_BAD_IMAGE, 400, "invalid image input", true},
    {E_BAD_IMAGE, 400, "Invalid image: failed to decode", true},
    {E_BAD_IMAGE, 400, "unsupported_image_format", true},
    {E_BAD_IMAGE, 400, "image_too_large", true},
    {E_BAD_IMAGE, 500, "Invalid url value", true},
    {E_BAD_IMAGE, 500, "url must be base64 encoded", true},
    // MODEL_MISSING
    {E_MODEL_MISSING, 404, "model 'x' not found", false},
    {E_MODEL_MISSING, 404, "model \"x\" not found, try pulling it first", true},
    {E_MODEL_MISSING, 404, "model_not_found", true},
    {E_MODEL_MISSING, 400, "model 'no-such' not found", false},
    {E_MODEL_MISSING, 404, "The model `x` does not exist.", true},
    {E_MODEL_MISSING, 404, "no router for requested model", true},
    // AUTH
    {E_AUTH, 401, "Invalid API Key", false},
    {E_AUTH, 403, "Access denied", false},
    {E_BAD_REQUEST, 403, "Your input was flagged by the moderation", false},
    // QUOTA
    {E_QUOTA, 402, "Insufficient credits", false},
    {E_QUOTA, 429, "insufficient_quota", true},
    {E_QUOTA, 429, "credit_balance_exhausted", true},
    {E_QUOTA, 429, "organization_spend_limit_exceeded", true},
    {E_QUOTA, 429, "organization_usage_limit_exceeded", true},
    {E_QUOTA, 429, "budget_exceeded", true},
    // RATE
    {E_RATE, 429, "Rate limit reached for requests", false},
    {E_RATE, 429, "slow_down", false},
    // OVERLOAD
    {E_OVERLOAD, 503, "server busy, please try again.  maximum pending requests exceeded",
     true},
    {E_OVERLOAD, 503, "The request queue is full.", true},
    {E_OVERLOAD, 503, "no slot available", true},
    {E_OVERLOAD, 503, "server_is_overloaded", true},
    {E_OVERLOAD, 503, "The request is aborted by a higher priority request.", true},
    {E_OVERLOAD, 503, "Server is busy; please try again later.", true},
    {E_OVERLOAD, 503, "x", false},
    {E_OVERLOAD, 529, "x", false},
    // LOADING
    {E_LOADING, 503, "Loading model", true},
    {E_LOADING, 503, "[m] process is not ready", true},
    {E_LOADING, 400, "model is not loaded", true},
    // MODEL_CRASH
    {E_MODEL_CRASH, 500, "llama-server process has terminated: exit status 1", true},
    {E_MODEL_CRASH, 500,
     "model runner has unexpectedly stopped, this may be due to limits", true},
    {E_MODEL_CRASH, 500, "an error was encountered while running the model: EOF", true},
    {E_MODEL_CRASH, 500, "timed out waiting for llama-server to start", true},
    {E_MODEL_CRASH, 400,
     "The model has crashed without additional information. (Exit code: 6)", true},
    {E_MODEL_CRASH, 500, "CUDA out of memory.", true},
    {E_MODEL_CRASH, 500, "cudaMalloc failed", true},
    {E_MODEL_CRASH, 500, "GGML_ASSERT(a->ne[2] * 4 == b->ne[0])", true},
    {E_MODEL_CRASH, 400, "Failed to load model \"m\".", true},
    {E_MODEL_CRASH, 400, "insufficient system resources", true},
    {E_MODEL_CRASH, 400, "Not enough resources to load", true},
    {E_MODEL_CRASH, 500, "model name=m failed to load", true},
    // BAD_REQUEST
    {E_BAD_REQUEST, 400, "x", false},
    {E_BAD_REQUEST, 404, "x", false},
    {E_BAD_REQUEST, 405, "x", false},
    {E_BAD_REQUEST, 413, "x", false},
    {E_BAD_REQUEST, 415, "x", false},
    {E_BAD_REQUEST, 422, "x", false},
    {E_BAD_REQUEST, 501, "x", false},
    // SERVER
    {E_SERVER, 408, "x", false},
    {E_SERVER, 409, "x", false},
    {E_SERVER, 425, "x", false},
    {E_SERVER, 499, "request canceled", false},
    {E_SERVER, 500, "x", true},
    {E_SERVER, 502, "x", true},
    {E_SERVER, 504, "x", true},
    {E_SERVER, 500, "Compute error.", true},
    {E_SERVER, 500, "failed to process image", true},
    {E_SERVER, 400, "Model is unloaded.", true},
    {E_SERVER, 500, "proxy error: connection refused", true},
};

const int n_said = sizeof(said) / sizeof(said[0]);
