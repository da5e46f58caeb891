// trends.js -- the last hour, day and month as charts.
//
// The server keeps the series that it has measured; pictures by day are counted from the
// pictures themselves, so they go back as far as these do.
// SPDX-License-Identifier: MIT
import { can, get } from "./api.js";
import { failed } from "./ask.js";
import { chart } from "./chart.js";
import { clear, el } from "./dom.js";
import { bytes, dayOf, short, span } from "./words.js";

const DAY_MS = 86400000;
const DAYS = 30;
const SAMPLES = 300;

const whole = (n) => short(Math.round(n * 10) / 10);
const perMinute = (n) => `${whole(n)}`;
const money = (n) => n.toFixed(n && n < 1 ? 3 : 2);

// Of the server's history: [title, kind, words, [member of a point, its name, tone]].  What was
// not done is 0; how long an answer took, and how full something was, is not known then.
const charts = [
    ["Pictures", "bars", whole, [["described", "described", "good"], ["failed", "failed", "bad"],
        ["blocked", "kept private", "plain"]]],
    ["Time to answer", "line", span, [["p50_ms", "half within", "one"],
        ["p95_ms", "95 of 100 within", "three"]]],
    ["Requests", "bars", whole, [[(p) => p.requests - p.request_errors, "answered", "one"],
        ["request_errors", "failed", "bad"]]],
    ["Tokens", "bars", short, [["prompt_tokens", "in", "one"], ["completion_tokens", "out", "two"]]],
    ["Money", "bars", money, [["cost", "spent", "three"]]],
    ["Queue", "line", whole, [["queued", "at most waiting", "one"]]],
    ["Memory", "line", bytes, [["rss_bytes", "at most", "two"]]],
];
// [name, words, the server's span, how long one is, how many]
const ranges = [["hour", "Hour", "minute", 60000, 60], ["day", "Day", "hour", 3600000, 24],
    ["month", "Month", "day", DAY_MS, DAYS]];

// The spans in which something was done, with the others between them.
function fill(points, range) {
    const [, , , stepMs, n] = range;
    const startOf = (ms) => (stepMs === DAY_MS ? new Date(ms).setHours(0, 0, 0, 0)
        : Math.floor(ms / stepMs) * stepMs);
    const known = new Map(points.map((p) => [startOf(Date.parse(p.at)), p]));
    const last = startOf(Date.now());
    return Array.from({ length: n }, (_, i) =>
        known.get(startOf(last - (n - 1 - i) * stepMs + (stepMs === DAY_MS ? stepMs / 2 : 0))) || null);
}

export class Trends {
    constructor() {
        this.range = "day";
        this.samples = [];
        this.cards = el("div", { class: "cards charts" });
        this.switch = el("div", { class: "segments", role: "group", "aria-label": "Range" });
        this.node = el("div", { class: "panel", tabindex: "-1" }, el("div", { class: "panel-in" },
            el("div", { class: "panel-head" }, el("h1", null, "Trends"), this.switch), this.cards));
    }

    // Of progress events: what the page saw itself since it was opened.
    sample(stats) {
        const latency = stats.backends.map((b) => b.latency_ms).filter((ms) => ms > 0);
        this.samples.push({ at: Date.now(), rate: stats.images_per_s * 60,
            running: stats.asking + stats.preparing + stats.waiting + stats.saving,
            latency: latency.length ? Math.max(...latency) : null });
        this.samples.splice(0, this.samples.length - SAMPLES);
    }

    async show() {
        const hasHistory = can("get", "/v1/series");
        const shown = hasHistory ? ranges : [["now", "Since opened"], ["month", "Month"]];
        if (!shown.some(([name]) => name === this.range)) {
            this.range = "month";
        }
        clear(this.switch, shown.map(([name, words]) => el("button", { type: "button",
            "aria-pressed": String(name === this.range), onclick: () => {
                this.range = name;
                this.show();
            } }, words)));
        this.loading?.abort();
        this.loading = new AbortController();
        this.cards.classList.add("is-loading");
        try {
            const cards = await this.draw(hasHistory, this.loading.signal);
            clear(this.cards, cards.length ? cards : el("p", { class: "muted" },
                "Nothing was measured in this time."));
        } catch (error) {
            failed("The charts could not be loaded", error);
        }
        this.cards.classList.remove("is-loading");
    }

    async draw(hasHistory, signal) {
        if (this.range === "now") {
            return this.fromSamples();
        }
        const cards = this.range === "month" ? [await this.byDay(signal)] : [];
        if (hasHistory) {
            const range = ranges.find(([name]) => name === this.range);
            const [, , of, stepMs, n] = range;
            const { points } = await get("/v1/series", { span: of,
                since: Date.now() - n * stepMs }, signal);
            cards.push(...this.fromHistory(fill(points, range), range));
        }
        return cards;
    }

    fromHistory(points, [name, , , stepMs, n]) {
        const fromMs = Date.now() - (n - 1) * stepMs;
        return charts.filter(([title]) => name !== "month" || title !== "Pictures")
            .map(([title, kind, words, parts]) => ({ title, kind, words, fromMs, stepMs,
                series: parts.map(([member, label, tone]) => ({ name: label, tone,
                    values: points.map((p) => this.value(p, member, kind)) })) }))
            .filter((spec) => spec.title !== "Money" ||
                spec.series[0].values.some((value) => value > 0))
            .map(chart);
    }

    value(point, member, kind) {
        if (point && typeof member === "function") {
            return member(point);
        }
        if (point === null || (member.startsWith("p") && member.endsWith("_ms") && !point.answers)) {
            return kind === "bars" ? 0 : null;
        }
        return point[member];
    }

    async byDay(signal) {
        const { days } = await get("/v1/days", { limit: DAYS }, signal);
        const known = new Map(days.map((d) => [d.day, d]));
        const from = Date.now() - (DAYS - 1) * DAY_MS;
        const list = Array.from({ length: DAYS }, (_, i) => known.get(dayOf(from + i * DAY_MS)));
        return chart({ title: "Pictures by day", kind: "bars", words: whole, fromMs: from,
            stepMs: DAY_MS, series: [
                { name: "described", tone: "good", values: list.map((d) => d?.described || 0) },
                { name: "failed", tone: "bad", values: list.map((d) => d?.failed || 0) },
                { name: "other", tone: "plain",
                    values: list.map((d) => (d ? Math.max(0, d.n - d.described - d.failed) : 0)) },
            ] });
    }

    fromSamples() {
        if (this.samples.length < 2) {
            return [el("p", { class: "muted" }, "Nothing happened since this page was opened.")];
        }
        const fromMs = this.samples[0].at;
        const stepMs = (this.samples.at(-1).at - fromMs) / (this.samples.length - 1);
        const line = (title, name, words, key, tone) => chart({ title, kind: "line", words, fromMs,
            stepMs, series: [{ name, tone, values: this.samples.map((s) => s[key]) }] });
        return [line("Pictures a minute", "described", perMinute, "rate", "one"),
            line("At work", "pictures", whole, "running", "two"),
            line("Time to answer", "average", span, "latency", "three")];
    }

    onProgress() {
        if (this.range === "now" && this.node.isConnected) {
            clear(this.cards, this.fromSamples());
        }
    }
}
