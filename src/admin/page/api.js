// api.js -- the one way to the server: requests, their errors, and the events it sends.
//
// Whoever may see pictures has a session cookie that scripts can not read; the server takes
// changes only from its own origin.
// SPDX-License-Identifier: MIT

const RETRY_MS = 3000;

export class ApiError extends Error {
    constructor(status, body, retryAfterMs) {
        const error = (body && body.error) || {};
        super(error.message || (status ? `HTTP ${status}` : "vlmd does not answer"));
        this.status = status; // 0: no answer at all
        this.code = error.code || "";
        this.field = error.field || null;
        this.correlationId = error.correlation_id || "";
        this.retryAfterMs = retryAfterMs;
    }
}

// "lost": no valid session; "away": no answer; "back": an answer again.
export const link = new EventTarget();
let isAway = false;

function setAway(away) {
    if (away !== isAway) {
        isAway = away;
        link.dispatchEvent(new Event(away ? "away" : "back"));
    }
}

function address(path, params) {
    const query = new URLSearchParams();
    for (const [key, value] of Object.entries(params || {})) {
        if (value !== null && value !== undefined && value !== "" && value !== false) {
            query.set(key, String(value));
        }
    }
    const text = query.toString();
    return text ? `${path}?${text}` : path;
}

async function fail(response) {
    let body = null;
    try {
        body = await response.json();
    } catch {
        // Not from vlmd, or cut short: the status says enough.
    }
    const after = Number(response.headers.get("Retry-After"));
    return new ApiError(response.status, body, after > 0 ? after * 1000 : RETRY_MS);
}

async function request(method, path, { params, body, signal } = {}) {
    let response;
    try {
        response = await fetch(address(path, params), {
            method,
            signal,
            credentials: "same-origin",
            headers: body === undefined ? {} : { "Content-Type": "application/json" },
            body: body === undefined ? undefined : JSON.stringify(body),
        });
    } catch (error) {
        if (error.name === "AbortError") {
            throw error;
        }
        setAway(true);
        throw new ApiError(0, null, RETRY_MS);
    }
    setAway(false);
    if (!response.ok) {
        const error = await fail(response);
        if (error.status === 401 && path !== "/v1/session") {
            link.dispatchEvent(new Event("lost"));
        }
        throw error;
    }
    return response.status === 204 ? null : response.json();
}

function sleep(ms, signal) {
    return new Promise((resolve, reject) => {
        const timer = setTimeout(resolve, ms);
        signal?.addEventListener("abort", () => {
            clearTimeout(timer);
            reject(new DOMException("aborted", "AbortError"));
        });
    });
}

// Asked once more when there were too many requests: the server says when it may be.
export async function get(path, params, signal) {
    try {
        return await request("GET", path, { params, signal });
    } catch (error) {
        if (error.status !== 429) {
            throw error;
        }
        await sleep(Math.min(error.retryAfterMs, 10000), signal);
        return request("GET", path, { params, signal });
    }
}

export function post(path, body = {}) {
    return request("POST", path, { body });
}

export function remove(path) {
    return request("DELETE", path);
}

// ---- what this server can do: other versions, and what is built later, have more

let paths = {};

export async function learnPaths() {
    paths = (await get("/openapi.json")).paths || {};
}

export function can(method, path) {
    return Boolean(paths[path] && paths[path][method]);
}

// ---- events

// Calls on(type, data) for each; on("open") after each connection, when what was missed has
// to be asked for.  The browser sends Last-Event-ID by itself when it connects anew, but
// gives up for good after an answer that is no stream: then begun anew here.
export function listen(on) {
    const types = ["job", "problem", "notice", "paused", "resumed", "scanned", "batch",
        "progress", "alert"];
    let source = null;
    let timer = 0;

    function again() {
        source?.close();
        clearTimeout(timer);
        timer = setTimeout(begin, RETRY_MS);
    }

    function begin() {
        source = new EventSource("/v1/events");
        source.addEventListener("open", () => {
            setAway(false);
            on("open", null);
        });
        source.addEventListener("error", async () => {
            // Closed by us, or in the course of an ordinary new connection?
            if (source.readyState === EventSource.CLOSED) {
                again();
            }
            try {
                await request("GET", "/v1/session");
            } catch (error) {
                if (error.status === 401) {
                    stop();
                    link.dispatchEvent(new Event("lost"));
                }
            }
        });
        for (const type of types) {
            source.addEventListener(type, (event) => {
                let data = null;
                try {
                    data = JSON.parse(event.data);
                } catch {
                    return;
                }
                on(type, data);
            });
        }
    }

    function stop() {
        source?.close();
        clearTimeout(timer);
    }

    begin();
    return stop;
}
