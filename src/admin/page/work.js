// work.js -- what is being done: progress, why not, backends, failures, what comes next.
// SPDX-License-Identifier: MIT
import { can, get, post, remove } from "./api.js";
import { confirm, failed, toast } from "./ask.js";
import { Condition } from "./condition.js";
import { clear, el, icon } from "./dom.js";
import { ago, appOf, bytes, count, nameOf, plural, short, span, stateOf, tones } from "./words.js";

const NEXT = 12;
const steps = [["claimed", "taken"], ["preparing", "preparing"], ["waiting", "waiting for room"],
    ["asking", "asking"], ["saving", "saving"], ["backing_off", "waiting to try again"]];

// One sentence and its tone: what is going on.
export function headline(stats, status) {
    if (stats.is_paused) {
        return ["Paused", stats.paused_because, "warn"];
    }
    if (stats.pace && stats.pace !== "normal") {
        return ["Going slowly", stats.pace_because, "warn"];
    }
    const running = steps.reduce((sum, [name]) => sum + (stats[name] || 0), 0);
    const backends = stats.backends || [];
    if (backends.length && backends.every((b) => tones[b.state] === "bad")) {
        return ["No backend", backends[0].reason || `${backends[0].name} is ${backends[0].state}`,
            "bad"];
    }
    if (running) {
        return [`Describing ${plural(running, "picture")}`,
            stats.images_per_s > 0 ? rate(stats.images_per_s) : "", "busy"];
    }
    if (status?.due) {
        return ["About to go on", `${plural(status.due, "picture")} waiting`, "busy"];
    }
    return ["Up to date", stats.settling ? `${plural(stats.settling, "file")} being written` : "",
        "good"];
}

export const rate = (perS) => (perS >= 1 ? `${perS.toFixed(1)} pictures/s`
    : `${(perS * 60).toFixed(1)} pictures/min`);

// From what this process and the others on the database say of themselves.
function speed(stats, status) {
    const others = (status.workers || []).filter((w) => w.stats).map((w) => w.stats.images_per_s);
    return Math.max(stats.images_per_s || 0, others.reduce((sum, n) => sum + (n || 0), 0));
}

export class Work {
    // app: stats, status, canChange, canAdmin, refresh(), showFailures(class)
    constructor(app) {
        this.app = app;
        this.node = el("div", { class: "panel", tabindex: "-1" });
        this.top = el("section", { class: "card now" });
        this.flow = el("section", { class: "card flow-card" });
        this.backends = el("section", { class: "card wide" });
        this.failures = el("section", { class: "card wide" });
        this.next = el("section", { class: "card wide" });
        this.workers = el("section", { class: "card wide", hidden: true });
        this.condition = new Condition();
        this.node.append(el("div", { class: "panel-in" }, el("h1", null, "Work"),
            el("div", { class: "cards" }, this.condition.alerts, this.top, this.flow,
                this.failures, this.backends, this.next, this.condition.nodes, this.workers)));
    }

    async show() {
        this.render();
        await Promise.all([this.loadNext(), this.condition.show()]);
    }

    // While it is looked at, and something happens.
    async refresh() {
        await Promise.all([this.loadNext(), this.condition.refresh()]);
    }

    async loadNext() {
        try {
            const [leased, queued] = await Promise.all([
                get("/v1/jobs", { state: "leased", order: "newest", limit: NEXT }),
                get("/v1/jobs", { state: "queued", order: "newest", limit: NEXT })]);
            this.items = [...leased.items, ...queued.items].slice(0, NEXT);
            this.renderNext();
        } catch (error) {
            failed("The queue could not be loaded", error);
        }
    }

    render() {
        const { stats, status } = this.app;
        if (!stats || !status) {
            clear(this.top, el("p", { class: "muted" }, "Loading\u2026"));
            return;
        }
        this.renderTop(stats, status);
        this.renderFlow(stats, status);
        this.renderBackends(stats.backends || []);
        this.renderFailures(status);
        this.renderWorkers(status.workers || []);
    }

    renderTop(stats, status) {
        const [words, more, tone] = headline(stats, status);
        const described = status.described;
        const other = status.blocked + status.skipped;
        const share = (n) => (status.total ? n / status.total : 0);
        const perS = speed(stats, status);
        const eta = status.due && perS > 0 && !stats.is_paused ? span((status.due / perS) * 1000) : "";
        clear(this.top,
            el("div", { class: "now-head" },
                el("div", null, el("p", { class: `headline tone-${tone}` },
                    el("i", { class: "lamp", "aria-hidden": true }), words),
                el("p", { class: "muted sentence" }, more || "\u00a0")),
                this.pauseButton(stats)),
            el("div", { class: "stack", role: "img", "aria-label":
                `${count(described)} of ${count(status.total)} described` },
            [["good", described], ["plain", other], ["bad", status.failed],
                ["busy", status.running]].filter(([, n]) => n > 0).map(([tone_, n]) =>
                el("i", { class: `part-${tone_}`, "--share": share(n) }))),
            el("dl", { class: "figures" },
                this.figure("Pictures", count(status.total)),
                this.figure("Described", count(described), status.total
                    ? `${Math.floor(share(described) * 100)} %` : ""),
                this.figure("Waiting", count(status.queued), status.queued > status.due
                    ? `${count(status.due)} due now` : ""),
                this.figure("Time left", eta || (status.queued ? "not known" : "none"),
                    perS > 0 ? rate(perS) : ""),
                this.figure("Oldest waiting", status.oldest_queued_at && status.queued
                    ? ago(status.oldest_queued_at) : "none"),
                this.figure("Last 24 hours", status.day_total
                    ? `${Math.floor((status.day_described / status.day_total) * 100)} %` : "\u2013",
                status.day_total ? `${count(status.day_described)} of ${count(status.day_total)}`
                    : "no pictures")));
    }

    figure(name, value, more) {
        return el("div", null, el("dt", null, name), el("dd", null, value,
            more ? el("small", null, more) : null));
    }

    pauseButton(stats) {
        if (!this.app.canAdmin || !can("post", "/admin/pause")) {
            return null;
        }
        // 0: nobody did; it may stand still for another reason, which this does not end.
        const isPaused = stats.paused_until_ms !== 0;
        return el("button", { type: "button", class: `button ${isPaused ? "primary" : ""}`,
            id: "pause", onclick: (event) => this.pause(event.currentTarget, isPaused) },
        icon(isPaused ? "play" : "pause"), isPaused ? "Go on" : "Pause");
    }

    async pause(button, isPaused) {
        button.disabled = true;
        try {
            await post(isPaused ? "/admin/resume" : "/admin/pause");
            await this.app.refresh();
        } catch (error) {
            failed(isPaused ? "It could not go on" : "It could not be paused", error);
        }
        button.disabled = false;
    }

    renderFlow(stats, status) {
        const max = Math.max(1, ...steps.map(([name]) => stats[name]));
        clear(this.flow, el("h2", null, "On their way"),
            el("ol", { class: "flow" }, steps.map(([name, words]) => el("li", null,
                el("span", null, words), el("span", { class: "meter", "aria-hidden": true },
                    el("i", { "--share": stats[name] / max })),
                el("b", null, count(stats[name]))))),
            el("p", { class: "muted small" }, [
                `${short(status.prompt_tokens)} tokens in, ${short(status.completion_tokens)} out`,
                `database ${bytes(status.database_bytes)}`,
                stats.rss_bytes ? `memory ${bytes(stats.rss_bytes)}` : "",
                stats.folders ? `watching ${plural(stats.folders, "folder")}` : "",
            ].filter(Boolean).join(" \u00b7 ")));
    }

    renderBackends(backends) {
        clear(this.backends, el("h2", null, "Backends"), backends.length ? el("div",
            { class: "backends" }, backends.map((b) => this.backend(b)))
            : el("p", { class: "muted" }, "None is known. vlmd asks the usual local ports; " +
                "another is named with --backend."));
    }

    // Servers of other versions tell less, or more.
    backend(b) {
        const next = b.next_probe_at_ms - Date.now();
        const leaves = b.unloads_at_ms - Date.now();
        const minute = (name, words) => (b[`minute_${name}_limit`]
            ? `${short(b[`minute_${name}`])} of ${short(b[`minute_${name}_limit`])} ${words} a minute`
            : "");
        return el("article", { class: "backend" },
            el("h3", null, el("i", { class: `lamp tone-${tones[b.state] || "plain"}`,
                "aria-hidden": true }), b.name, b.kind === b.name ? null : el("span", { class: "muted" }, b.kind),
            b.is_remote ? el("span", { class: "label tone-warn" }, "remote") : null),
            b.url === b.name ? null : el("p", { class: "muted mono" }, b.url),
            el("p", { class: "sentence" }, el("b", null, b.state), b.reason ? `: ${b.reason}` : "",
                b.model ? el("span", { class: "muted" }, ` ${b.model}`) : null,
                b.model_state ? el("span", { class: "muted" }, ` (${b.model_state}` +
                    `${leaves > 0 ? `, leaves memory in ${span(leaves)}` : ""})`) : null),
            b.limit ? el("div", { class: "load" }, el("span", { class: "meter", "aria-hidden": true },
                el("i", { "--share": Math.min(1, b.in_flight / b.limit) })),
            el("span", null, `${b.in_flight} of ${b.limit} at a time`)) : null,
            el("p", { class: "muted small" }, [`${count(b.answered)} answered`,
                `${count(b.failed)} failed`, b.latency_ms ? `about ${span(b.latency_ms)} each` : "",
                b.breaker && b.breaker !== "closed" ? "left alone after failures" : "",
                minute("requests", "requests"), minute("tokens", "tokens"),
                next > 0 ? `asked again in ${span(next)}` : ""].filter(Boolean).join(" \u00b7 ")));
    }

    renderFailures(status) {
        const list = status.failures || [];
        clear(this.failures, el("div", { class: "card-head" }, el("h2", null, "Failures"),
            list.length > 1 && this.app.canChange ? el("button", { type: "button", class: "button",
                onclick: (event) => this.retry(event.currentTarget, null, status.failed) },
            icon("retry"), "Try all again") : null),
        list.length ? el("ul", { class: "failures" }, list.map((f) => el("li", null,
            el("b", { class: "n" }, count(f.n)),
            el("div", null, el("p", { class: "sentence" }, el("b", null, f.words)),
                el("p", { class: "muted sentence" }, f.todo), el("p", { class: "muted mono small" }, f.class)),
            el("div", { class: "buttons" },
                el("button", { type: "button", class: "button quiet",
                    onclick: () => this.app.showFailures(f.class) }, "Show"),
                this.app.canChange ? el("button", { type: "button", class: "button",
                    "data-class": f.class, onclick: (event) =>
                        this.retry(event.currentTarget, f.class, f.n) },
                icon("retry"), "Try again") : null))))
            : el("p", { class: "calm" }, icon("check"), "Nothing failed."));
    }

    async retry(button, name, n) {
        if (n > 20 && !await confirm(`Try ${count(n)} pictures again?`,
            "Each of them is asked for once more.", "Try again", false)) {
            return;
        }
        button.disabled = true;
        try {
            const changed = await post("/v1/jobs/retry", name ? { class: name } : { all: true });
            toast(`${plural(changed.n, "picture")} will be tried again`, "good");
            await this.app.refresh();
            await this.loadNext();
        } catch (error) {
            failed("They could not be tried again", error);
        }
        button.disabled = false;
    }

    renderNext() {
        clear(this.next, el("h2", null, "Next"), this.items.length ? el("ul", { class: "next" },
            this.items.map((item) => {
                const [state, tone] = stateOf(item);
                return el("li", null,
                    el("a", { href: `#/picture/${item.id}` }, nameOf(item.path)),
                    el("span", { class: "muted" }, appOf(item)),
                    el("span", { class: `label tone-${tone}` }, state),
                    el("span", { class: "muted" }, item.reason || ""),
                    this.app.canChange && item.state === "queued" ? el("button", { type: "button",
                        class: "icon-button", "aria-label": `Take ${nameOf(item.path)} out`,
                        title: "Take out of the queue", onclick: () => this.drop(item) },
                    icon("close")) : el("span"));
            })) : el("p", { class: "calm" }, icon("check"), "Nothing waits."));
    }

    async drop(item) {
        try {
            await remove(`/v1/jobs/${item.id}`);
            toast(`${nameOf(item.path)} was taken out of the queue`);
        } catch (error) {
            failed("It could not be taken out", error);
        }
        await this.app.refresh();
        await this.loadNext();
    }

    renderWorkers(workers) {
        this.workers.hidden = workers.length < 2;
        clear(this.workers, el("h2", null, "Processes on this database"), el("ul", { class: "next" },
            workers.map((w) => el("li", null, el("b", null, `Process ${w.pid}`),
                el("span", { class: "muted" }, w.started_at ? `started ${ago(w.started_at)}` : ""),
                el("span", null, w.stats ? rate(w.stats.images_per_s || 0) : "")))));
    }
}
