// privacy.js -- what the privacy gate decided, what was sent, and whether the record is whole.
// SPDX-License-Identifier: MIT
import { get } from "./api.js";
import { failed } from "./ask.js";
import { clear, el, icon } from "./dom.js";
import { bytes, count, dayOf, plural, short, when } from "./words.js";

const ROWS = 50;
const verdicts = [
    ["allow", "Allowed", "good"], ["safe", "Careful prompt", "one"],
    ["mask", "Painted over", "warn"], ["block", "Kept private", "bad"],
    ["redact", "Redacted afterwards", "two"], ["forget", "Forgotten", "plain"],
    ["prune", "Aged out", "plain"], ["rules", "Rules changed", "plain"],
];
const toneOf = (name) => (verdicts.find(([v]) => v === name) || ["", "", "plain"])[2];
const wordsOf = (name) => (verdicts.find(([v]) => v === name) || ["", name])[1];
const ranges = [["day", "Day", 1], ["month", "Month", 30], ["all", "All", 0]];

export class Privacy {
    // app: canAdmin
    constructor(app) {
        this.app = app;
        this.range = "month";
        this.switch = el("div", { class: "segments", role: "group", "aria-label": "Range" });
        this.sum = el("section", { class: "card wide" });
        this.categories = el("section", { class: "card" });
        this.sent = el("section", { class: "card" });
        this.chain = el("section", { class: "card wide chain" });
        this.audit = el("section", { class: "card wide" });
        this.node = el("div", { class: "panel", tabindex: "-1" }, el("div", { class: "panel-in" },
            el("div", { class: "panel-head" }, el("h1", null, "Privacy"), this.switch),
            el("div", { class: "cards" }, this.sum, this.categories, this.sent, this.chain,
                this.audit)));
        this.renderChain(null);
    }

    get since() {
        const days = ranges.find(([name]) => name === this.range)[2];
        return days ? dayOf(Date.now() - (days - 1) * 86400000) : "";
    }

    async show() {
        clear(this.switch, ranges.map(([name, words]) => el("button", { type: "button",
            "aria-pressed": String(name === this.range), onclick: () => {
                this.range = name;
                this.show();
            } }, words)));
        this.loading?.abort();
        const { signal } = this.loading = new AbortController();
        try {
            const [report, audit] = await Promise.all([
                get("/v1/privacy/report", { since: this.since }, signal),
                get("/v1/privacy/audit", { since: this.since, limit: ROWS }, signal)]);
            this.renderReport(report);
            this.renderAudit(audit);
        } catch (error) {
            failed("The record could not be loaded", error);
        }
    }

    renderReport(r) {
        const byName = new Map(r.verdicts.map((v) => [v.name, v]));
        const shown = verdicts.filter(([name]) => byName.has(name));
        const judged = shown.slice(0).filter(([name]) => !["forget", "prune", "rules"].includes(name));
        const total = judged.reduce((sum, [name]) => sum + byName.get(name).rows, 0);
        clear(this.sum, el("h2", null, "Decisions"), total ? [
            el("div", { class: "stack", "aria-hidden": true }, judged.map(([name, , tone]) =>
                el("i", { class: `part-${tone}`, "--share": byName.get(name).rows / total }))),
            el("dl", { class: "figures" }, shown.map(([name, words, tone]) => el("div", null,
                el("dt", null, el("i", { class: `key part-${tone}`, "aria-hidden": true }), words),
                el("dd", null, count(byName.get(name).rows)))),
            el("div", null, el("dt", null, "Sent in all"), el("dd", null, bytes(r.bytes_sent))))]
            : el("p", { class: "calm" }, icon("shield"), "Nothing was decided in this time."));
        this.renderTable(this.categories, "What was found", r.categories.filter((c) => c.name),
            [["Kind", (c) => c.name], ["pictures", (c) => count(c.rows)],
                ["times", (c) => count(c.findings)], ["painted over", (c) => count(c.masked)],
                ["kept private", (c) => count(c.blocked)]], "Nothing private was found.");
        this.renderTable(this.sent, "Where it went", r.destinations.filter((d) => d.name),
            [["Backend", (d) => d.name], ["requests", (d) => count(d.rows)],
                ["sent", (d) => bytes(d.bytes_sent)]], "Nothing was sent.");
    }

    renderTable(node, title, rows, columns, nothing) {
        clear(node, el("h2", null, title), rows.length ? el("div", { class: "table-box" },
            el("table", null, el("thead", null, el("tr", null, columns.map(([name], i) =>
                el("th", { scope: "col", class: i ? "num" : "" }, name)))),
            el("tbody", null, rows.slice(0, 12).map((row) => el("tr", null, columns.map(
                ([, value], i) => el(i ? "td" : "th", { scope: i ? null : "row",
                    class: i ? "num" : "" }, value(row))))))))
            : el("p", { class: "calm" }, icon("check"), nothing));
    }

    renderAudit(audit) {
        this.next = audit.next;
        this.body = el("tbody", null, audit.rows.map((row) => this.auditRow(row)));
        this.moreButton = el("button", { type: "button", class: "button", hidden: !audit.next,
            onclick: () => this.more() }, "Older rows");
        clear(this.audit, el("h2", null, "Record"), audit.rows.length ? [
            el("div", { class: "table-box" }, el("table", { class: "audit" }, el("thead", null,
                el("tr", null, ["When", "Decision", "Picture", "Program", "Found", "By rules", "To",
                    "Sent"].map((name) => el("th", { scope: "col",
                        class: name === "Sent" ? "num" : "" }, name)))), this.body)),
            this.moreButton] : el("p", { class: "calm" }, icon("shield"), "The record is empty."));
    }

    auditRow(row) {
        return el("tr", null,
            el("td", { class: "nowrap" }, when(row.at)),
            el("td", null, el("span", { class: `label tone-${toneOf(row.verdict)}` },
                wordsOf(row.verdict))),
            el("td", null, row.job ? el("a", { href: `#/picture/${row.job}` }, `#${row.job}`)
                : row.n ? plural(row.n, "row") : ""),
            el("td", null, row.app), el("td", null, row.categories), el("td", null, row.rules),
            el("td", null, row.destination),
            el("td", { class: "num nowrap" }, row.bytes_sent ? bytes(row.bytes_sent) : ""));
    }

    async more() {
        this.moreButton.disabled = true;
        try {
            const audit = await get("/v1/privacy/audit", { since: this.since, limit: ROWS,
                cursor: this.next });
            this.next = audit.next;
            this.body.append(...audit.rows.map((row) => this.auditRow(row)));
            this.moreButton.hidden = !audit.next;
        } catch (error) {
            failed("Older rows could not be loaded", error);
        }
        this.moreButton.disabled = false;
    }

    // check: null = not made yet.
    renderChain(check) {
        const button = el("button", { type: "button", class: "button", id: "verify",
            onclick: (event) => this.verify(event.currentTarget) }, icon("shield"),
        check ? "Check again" : "Check the record");
        clear(this.chain, el("div", { class: "card-head" }, el("h2", null, "Is the record whole?"),
            button),
        check ? el("p", { class: `verdict tone-${check.sound ? "good" : "bad"}`, role: "status" },
            icon(check.sound ? "check" : "gone"), check.words)
            : el("p", { class: "muted" }, "Every row is bound to the one before it. A check " +
                "computes all of it anew and finds rows that were altered or taken out."),
        check ? el("p", { class: "muted small" }, `${short(check.rows)} rows are sound` +
            (check.pruned ? `; ${count(check.pruned)} older ones aged out` : ""),
        check.head ? el("span", { class: "mono head" }, ` Last value, to be noted: ${check.head}`)
            : null) : null);
    }

    async verify(button) {
        button.disabled = true;
        try {
            this.renderChain(await get("/v1/privacy/verify"));
        } catch (error) {
            failed("The record could not be checked", error);
            button.disabled = false;
        }
    }
}
