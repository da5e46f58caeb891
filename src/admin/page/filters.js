// filters.js -- what is asked for: as state, as part of the address, and as things to click.
// SPDX-License-Identifier: MIT
import { can, get } from "./api.js";
import { clear, el, icon } from "./dom.js";
import { count, dayName, dayOf, hueOf, shortDay } from "./words.js";

// "described" is what one comes for; the others are for finding out why something is not.
export const kinds = [
    ["described", "Described"],
    ["all", "Everything"],
    ["waiting", "Waiting"],
    ["failed", "Failed"],
    ["blocked", "Kept private"],
    ["skipped", "Left out"],
    ["duplicate", "Looks like another"],
    ["degraded", "Text only"],
];
const names = ["q", "app", "tag", "since", "until", "kind", "class", "order"];
const APPS = 12;
const BARS = 42;

export const emptyFilter = () => ({ q: "", app: "", tag: "", since: "", until: "",
    kind: "described", class: "", order: "" });

export function filterFrom(params) {
    const filter = emptyFilter();
    for (const name of names) {
        filter[name] = params.get(name) || filter[name];
    }
    return filter;
}

export function filterText(filter) {
    const params = new URLSearchParams();
    const empty = emptyFilter();
    for (const name of names) {
        if (filter[name] !== empty[name]) {
            params.set(name, filter[name]);
        }
    }
    return params.toString();
}

export const isFiltered = (filter) => filterText({ ...filter, order: "" }) !== "";

// As the API has it.  Described pictures have a list of their own.
export function queryOf(filter) {
    const { q, app, tag, since, until } = filter;
    const query = { q, app, tag, since, until, class: filter.class };
    if (filter.kind === "waiting") {
        query.state = "queued";
    } else if (filter.kind === "degraded") {
        query.degraded = true;
    } else if (filter.kind !== "described" && filter.kind !== "all") {
        query.outcome = filter.kind;
    }
    return query;
}

// Does a picture belong to the list?  Words are the server's to find.
export function fits(filter, item, day) {
    const isDescribed = item.description !== null;
    const kind = {
        described: isDescribed, all: true, waiting: item.state === "queued",
        degraded: item.degraded,
    }[filter.kind] ?? item.outcome === filter.kind;
    const same = (a, b) => (a || "").toLowerCase() === b.toLowerCase();
    return kind && !filter.q &&
        (!filter.app || same(item.app, filter.app)) &&
        (!filter.tag || (item.fields?.tags || []).some((tag) => same(tag, filter.tag))) &&
        (!filter.class || item.error?.class === filter.class) &&
        (!filter.since || day >= filter.since) && (!filter.until || day <= filter.until);
}

// Most frequent first; for a server that does not count them itself.
export function tagsOf(items) {
    const counts = new Map();
    for (const tag of items.flatMap((item) => item.fields?.tags || [])) {
        counts.set(tag, (counts.get(tag) || 0) + 1);
    }
    return [...counts.keys()].sort((a, b) => counts.get(b) - counts.get(a));
}

function dayBack(n) {
    return dayOf(Date.now() - n * 86400000);
}

// What is chosen, each to be taken back with a click.
export function chips(filter, onChange) {
    const chip = (words, change) => el("button", {
        type: "button", class: "chip", "aria-label": `Without: ${words}`,
        onclick: () => onChange(change),
    }, words, icon("close"));
    const kind = kinds.find(([name]) => name === filter.kind);
    const days = [filter.since && shortDay(filter.since), filter.until && shortDay(filter.until)];
    const range = filter.since === filter.until ? days[0]
        : days[0] && days[1] ? `${days[0]} to ${days[1]}`
            : days[0] ? `since ${days[0]}` : `until ${days[1]}`;
    return [
        filter.kind !== "described" && chip(kind ? kind[1] : filter.kind, { kind: "described" }),
        filter.app && chip(filter.app, { app: "" }),
        filter.tag && chip(filter.tag, { tag: "" }),
        filter.class && chip(filter.class, { class: "" }),
        (filter.since || filter.until) && chip(range, { since: "", until: "" }),
    ];
}

// The column of filters.  onChange(part of a filter); onDay(day): go there.
export class Rail {
    constructor(onChange, onDay) {
        this.onChange = onChange;
        this.onDay = onDay;
        this.isWhole = false;
        this.kinds = el("div", { class: "choices" });
        this.apps = el("div", { class: "choices" });
        this.tags = el("div", { class: "tag-cloud" });
        this.bars = el("div", { class: "day-bars", hidden: true });
        this.since = this.dateInput("since", "From");
        this.until = this.dateInput("until", "to");
        this.node = el("aside", { class: "rail", id: "filters", "aria-label": "Filters" },
            el("div", { class: "rail-head" }, el("h2", null, "Filters"),
                el("button", { type: "button", class: "icon-button rail-close",
                    "aria-label": "Close filters", onclick: () => this.toggle(false) },
                icon("close"))),
            this.part("Days", this.bars, el("div", { class: "range" },
                this.since.label, this.until.label), this.quickRanges()),
            this.part("What became of it", this.kinds),
            this.appsPart = this.part("Programs", this.apps),
            this.tagsPart = this.part("Tags", this.tags));
        this.tagsPart.hidden = true;
    }

    part(title, ...nodes) {
        return el("section", { class: "rail-part" }, el("h2", null, title), nodes);
    }

    dateInput(name, words) {
        const input = el("input", { type: "date", "aria-label": words === "to" ? "To" : words,
            onchange: () => this.onChange({ [name]: input.value }) });
        return { input, label: el("label", null, el("span", null, words), input) };
    }

    quickRanges() {
        const range = (words, since) => el("button", { type: "button", class: "quick",
            onclick: () => this.onChange({ since: since === null ? "" : dayBack(since), until: "" }),
        }, words);
        return el("div", { class: "quicks" }, range("Today", 0), range("7 days", 6),
            range("30 days", 29), range("All", null));
    }

    toggle(isOpen) {
        document.body.classList.toggle("rail-open", isOpen);
        const button = document.getElementById("filter-button");
        button?.setAttribute("aria-expanded", isOpen);
        (isOpen ? this.node.querySelector("button") : button)?.focus();
    }

    choice(words, n, isChosen, change, dot) {
        return el("button", { type: "button", class: "choice", "aria-pressed": String(isChosen),
            onclick: () => this.onChange(change) },
        dot, el("span", { class: "choice-words" }, words),
        n === null ? null : el("span", { class: "n" }, count(n)));
    }

    show(filter) {
        this.filter = filter;
        this.since.input.value = filter.since;
        this.until.input.value = filter.until;
        // What there is none of is not worth a line.
        const some = kinds.filter(([name]) => name === "described" || name === "all" ||
            name === filter.kind || this.counts?.[name] !== 0);
        clear(this.kinds, some.map(([name, words]) =>
            this.choice(words, this.counts?.[name] ?? null, filter.kind === name, { kind: name })));
        this.showApps();
    }

    // Of /v1/status.
    showCounts(s) {
        this.counts = { described: s.described, all: s.total, waiting: s.queued,
            failed: s.failed, blocked: s.blocked, skipped: s.skipped, duplicate: s.duplicate,
            degraded: s.degraded };
        if (this.filter) {
            this.show(this.filter);
        }
    }

    showApps() {
        const list = (this.known || []).filter((a) => a.app);
        const some = list.slice(0, this.isWhole ? 200 : APPS);
        const chosen = this.filter?.app || "";
        if (chosen && !some.some((a) => a.app === chosen)) {
            some.unshift(list.find((a) => a.app === chosen) || { app: chosen, n: null });
        }
        this.appsPart.hidden = some.length === 0;
        clear(this.apps, some.map((a) => this.choice(a.app, a.n, a.app === chosen,
            { app: a.app === chosen ? "" : a.app },
            el("i", { class: "app-dot", "aria-hidden": true, "--hue": hueOf(a.app) }))),
        list.length > APPS && !this.isWhole && el("button", { type: "button", class: "more",
            onclick: () => {
                this.isWhole = true;
                this.showApps();
            } }, `${count(list.length - APPS)} more`));
    }

    showTags(tags) {
        this.tagsPart.hidden = tags.length === 0;
        clear(this.tags, tags.slice(0, 24).map((tag) => el("button", { type: "button",
            class: "tag", "aria-pressed": String(tag === this.filter?.tag),
            onclick: () => this.onChange({ tag: tag === this.filter.tag ? "" : tag }) }, tag)));
    }

    // Newest first; the bars run from old to new.
    showDays(days) {
        const some = days.filter((d) => d.n > 0).slice(0, BARS).reverse();
        const most = Math.max(1, ...some.map((d) => d.n));
        clear(this.bars, some.map((d) => el("button", { type: "button", class: "day-bar",
            title: `${dayName(d.day)[1]}: ${count(d.n)}`, tabindex: "-1",
            "--share": (0.06 + 0.94 * Math.sqrt(d.n / most)).toFixed(3),
            onclick: () => this.onDay(d.day) },
        el("span", { class: "sr" }, `${dayName(d.day)[1]}: ${count(d.n)}`))));
        this.bars.hidden = some.length < 2;
    }

    async load(query, signal) {
        const { app, tag, ...rest } = query;
        this.known = (await get("/v1/apps", { ...rest, tag, limit: 200 }, signal)).apps;
        this.showApps();
        if (can("get", "/v1/tags")) {
            const { tags } = await get("/v1/tags", { ...rest, app, limit: 24 }, signal);
            this.showTags(tags.map((t) => t.tag));
        }
    }
}
