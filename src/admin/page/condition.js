// condition.js -- how vlmd, its machine and what it depends on are: alerts, what runs out,
// every connection asked, errors by kind.
// SPDX-License-Identifier: MIT
import { can, get } from "./api.js";
import { failed } from "./ask.js";
import { clear, el, icon } from "./dom.js";
import { ago, count, span } from "./words.js";

const KINDS = 8;
const tones = { healthy: "good", warning: "warn", degraded: "warn", error: "bad",
    unhealthy: "bad", disabled: "plain" };
const lamp = (state) => el("i", { class: `lamp tone-${tones[state] || "plain"}`, role: "img",
    "aria-label": state });

const routes = { alerts: "/admin/alerts", machine: "/admin/diagnostics/health-summary",
    checks: "/admin/integrations/health", errors: "/admin/errors" };

export class Condition {
    constructor() {
        this.alerts = el("section", { class: "card wide", hidden: true });
        this.machine = el("section", { class: "card", hidden: true });
        this.errors = el("section", { class: "card", hidden: true });
        this.checks = el("section", { class: "card wide", hidden: true });
        this.nodes = [this.machine, this.errors, this.checks];
    }

    // Each by itself: what does not answer costs none of the others.
    async show() {
        await Promise.all([this.refresh(), this.load("checks")]);
    }

    async refresh() {
        await Promise.all([this.load("alerts"), this.load("machine"), this.load("errors")]);
    }

    async load(part) {
        if (!can("get", routes[part])) {
            return;
        }
        try {
            const answer = await get(routes[part], part === "errors" ? { limit: 1 } : null);
            this[part].hidden = false;
            this[`${part}Are`](answer);
        } catch (error) {
            failed("Its condition could not be asked for", error);
        }
    }

    alertsAre({ alerts }) {
        const firing = alerts.filter((a) => a.state === "firing");
        this.alerts.hidden = firing.length === 0;
        clear(this.alerts, el("h2", null, "Alerts"), el("ul", { class: "lines" }, firing.map((a) =>
            el("li", null, lamp(a.severity === "critical" ? "error" : "warning"),
                el("span", { class: "sentence grow" }, a.words),
                el("span", { class: "muted" }, a.since ? `since ${ago(a.since)}` : "")))));
    }

    machineAre({ indicators }) {
        clear(this.machine, el("h2", null, "In use"), el("dl", { class: "meters" },
            indicators.map((i) => el("div", { class: `tone-${tones[i.state]}` },
                el("dt", { class: "sentence" }, i.name), el("dd", null, i.words),
                el("dd", { class: "meter-line" }, el("span", { class: "meter", role: "img",
                    "aria-label": `${Math.round(i.pct)} %` },
                el("i", { "--share": Math.min(1, i.pct / 100) })))))));
    }

    errorsAre({ kinds }) {
        const some = [...kinds].sort((a, b) => b.per_min - a.per_min || b.total - a.total);
        clear(this.errors, el("h2", null, "Errors of this process"), some.length
            ? el("ul", { class: "lines" }, some.slice(0, KINDS).map((k) => el("li", null,
                el("b", { class: "n" }, count(k.total)),
                el("span", { class: "grow" }, k.class,
                    k.backend ? el("span", { class: "muted" }, ` ${k.backend}`) : null),
                k.is_spike ? el("span", { class: "label tone-bad" }, "more than usual") : null,
                el("span", { class: "muted" }, k.last_at ? ago(k.last_at) : ""))))
            : el("p", { class: "calm" }, icon("check"), "None."));
    }

    checksAre({ checks, took_ms: tookMs }) {
        clear(this.checks, el("div", { class: "card-head" }, el("h2", null, "What it depends on"),
            el("button", { type: "button", class: "button", onclick: async (event) => {
                event.currentTarget.disabled = true;
                await this.load("checks");
            } }, icon("retry"), "Ask again")),
        el("ul", { class: "lines checks" }, checks.map((c) => el("li", null, lamp(c.state),
            el("b", null, c.name),
            el("span", { class: "muted grow" }, [c.words, c.todo].filter(Boolean).join("; ")),
            el("span", { class: "muted nowrap" }, c.response_ms === null ? "" : span(c.response_ms))))),
        el("p", { class: "muted small" }, `Asked all at once, in ${span(tookMs)}.`));
    }
}
