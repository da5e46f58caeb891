// words.js -- numbers, times and states as people read them.
// SPDX-License-Identifier: MIT

const counts = new Intl.NumberFormat("en");
const compact = new Intl.NumberFormat("en", { notation: "compact", maximumFractionDigits: 1 });
const clock = new Intl.DateTimeFormat(undefined, { hour: "2-digit", minute: "2-digit" });
const stamp = new Intl.DateTimeFormat(undefined, {
    year: "numeric", month: "short", day: "numeric",
    hour: "2-digit", minute: "2-digit", second: "2-digit",
});
const longDay = new Intl.DateTimeFormat("en", {
    weekday: "long", day: "numeric", month: "long", year: "numeric",
});

export const count = (n) => counts.format(n);
export const short = (n) => (Math.abs(n) < 10000 ? counts.format(n) : compact.format(n));
export const time = (ms) => clock.format(ms);
export const when = (iso) => (iso ? stamp.format(Date.parse(iso)) : "");
export const plural = (n, one, many) => `${count(n)} ${n === 1 ? one : many || `${one}s`}`;

export function bytes(n) {
    const units = ["B", "kB", "MB", "GB", "TB"];
    let i = 0;
    for (; n >= 1000 && i < units.length - 1; i++) {
        n /= 1000;
    }
    return `${i && n < 100 ? n.toFixed(1) : Math.round(n)} ${units[i]}`;
}

export function span(ms) {
    if (ms < 1000) {
        return `${Math.round(ms)} ms`;
    }
    const s = ms / 1000;
    if (s < 60) {
        return `${s < 10 ? s.toFixed(1) : Math.round(s)} s`;
    }
    const m = Math.round(s / 60);
    if (m < 60) {
        return `${m} min`;
    }
    const h = Math.floor(m / 60);
    return h < 48 ? `${h} h${m % 60 ? ` ${m % 60} min` : ""}` : plural(Math.round(h / 24), "day");
}

export function ago(iso) {
    const ms = Date.now() - Date.parse(iso);
    return ms < 5000 ? "just now" : `${span(ms)} ago`;
}

// "2026-11-29" is a day of the server; as text it needs no time zone.
export function dayOf(ms) {
    const d = new Date(ms);
    const two = (n) => String(n).padStart(2, "0");
    return `${d.getFullYear()}-${two(d.getMonth() + 1)}-${two(d.getDate())}`;
}

function atNoon(day) {
    const [y, m, d] = day.split("-").map(Number);
    return new Date(y, m - 1, d, 12);
}

export function dayName(day) {
    const date = atNoon(day);
    const words = longDay.format(date);
    const days = Math.round((new Date().setHours(12, 0, 0, 0) - date) / 86400000);
    if (days === 0) {
        return ["Today", words];
    }
    return days === 1 ? ["Yesterday", words] : [words.split(",")[0].split(" ")[0], words];
}

export const shortDay = (day) =>
    atNoon(day).toLocaleDateString("en", { day: "numeric", month: "short" });

// ---- pictures

export const timeOf = (item) => Date.parse(item.taken_at || item.queued_at) || 0;
export const appOf = (item) => item.app || item.fields?.app || "Unknown program";
export const isDescribed = (item) => item.description !== null;
export const nameOf = (path) => path.split("/").filter(Boolean).pop() || path;

const outcomes = {
    answered: ["Described", "good"],
    cached: ["Described before", "good"],
    duplicate: ["Looks like another", "plain"],
    blocked: ["Kept private", "warn"],
    skipped: ["Left out", "plain"],
    failed: ["Failed", "bad"],
};

// [words, tone] of what became of it.
export function stateOf(item) {
    if (item.state === "queued") {
        return item.description === null ? ["Waiting", "plain"] : ["To be described anew", "plain"];
    }
    if (item.state === "leased") {
        return ["Being described", "busy"];
    }
    if (item.degraded && isDescribed(item)) {
        return ["Text only", "warn"];
    }
    return outcomes[item.outcome] || [item.outcome || item.state, "plain"];
}

export const outcomeWords = (name) => (outcomes[name] ? outcomes[name][0] : name);

// The same program always has the same colour.
export function hueOf(text) {
    let hash = 0;
    for (const c of text) {
        hash = (hash * 31 + c.codePointAt(0)) >>> 0;
    }
    return (hash * 47) % 360;
}

export const tones = {
    ready: "good", idle: "good", loading: "busy", unloading: "busy", limited: "warn",
    standby: "plain", unknown: "plain", away: "bad", misconfigured: "bad",
};
