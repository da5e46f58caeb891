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

// What is drawn of the server's history: title, kind, words, [series, name, tone].
const charts = [
    ["Pictures", "bars", whole, [["described", "described", "good"], ["failed", "failed", "bad"]]],
    ["Time to answer", "line", span, [["request_p50_ms", "half within", "one"],
        ["request_p90_ms", "nine of ten within", "two"],
        ["request_p99_ms", "99 of 100 within", "three"]]],
    ["Errors", "bars", whole, [["errors", "errors", "bad"]]],
    ["Waiting", "line", whole, [["queue", "pictures", "one"]]],
    ["Memory", "line", bytes, [["rss_bytes", "vlmd", "two"]]],
    ["Tokens", "bars", whole, [["prompt_tokens", "in", "one"], ["completion_tokens", "out", "two"]]],
    ["Money", "bars", money, [["cost", "spent", "three"]]],
];

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
        const hasHistory = can("get", "/v1/history");
        const ranges = hasHistory ? [["hour", "Hour"], ["day", "Day"], ["month", "Month"]]
            : [["now", "Since opened"], ["month", "Month"]];
        if (!ranges.some(([name]) => name === this.range)) {
            this.range = "month";
        }
        clear(this.switch, ranges.map(([name, words]) => el("button", { type: "button",
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
            const history = await get("/v1/history", { span: this.range }, signal);
            cards.push(...this.fromHistory(history));
        }
        return cards;
    }

    fromHistory(history) {
        const out = [];
        for (const [title, kind, words, parts] of charts) {
            const series = parts.filter(([name]) => history.series[name])
                .map(([name, label, tone]) => ({ name: label, values: history.series[name], tone }));
            if (series.length && series.some((s) => s.values.some((v) => v !== null)) &&
                !(this.range === "month" && title === "Pictures")) {
                out.push(chart({ title, kind, words, series, fromMs: history.from_ms,
                    stepMs: history.step_ms }));
            }
        }
        return out;
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
