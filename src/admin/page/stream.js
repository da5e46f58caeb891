// stream.js -- what was described, newest first, and the search in it.
// SPDX-License-Identifier: MIT
import { can, get } from "./api.js";
import { clear, el, icon } from "./dom.js";
import { Rail, chips, emptyFilter, filterText, fits, isFiltered, queryOf, tagsOf }
    from "./filters.js";
import { fillHead, fillRow, fillThumb, makeHead, makeRow } from "./row.js";
import { Timeline } from "./timeline.js";
import { count, dayOf, isDescribed, plural, timeOf } from "./words.js";

const TYPING_MS = 140;
const RECOUNT_MS = 1200;
const RAIL_MS = 4000;
const FIRST_PAGE = 60;
const BEST = 500;
const DAYS = 4000;
const AT_TOP_PX = 40;

// States of a backend that keep the first picture waiting.
const inTheWay = new Set(["away", "misconfigured", "limited", "loading"]);

export class Stream {
    // app: open(id), setFilter(filter, isTyped), status
    constructor(app) {
        this.app = app;
        this.filter = emptyFilter();
        this.fresh = 0;
        this.rail = new Rail((part) => this.change(part), (day) => this.goToDay(day));
        this.input = el("input", { type: "search", id: "search", autocomplete: "off",
            spellcheck: "false", placeholder: "Search screenshots",
            "aria-label": "Search", "aria-describedby": "found", enterkeyhint: "search",
            oninput: () => this.typed() });
        this.order = el("select", { "aria-label": "Order", class: "order", hidden: true,
            onchange: () => this.change({ order: this.order.value }) },
        el("option", { value: "" }, "By time"), el("option", { value: "best" }, "Best match"));
        this.chips = el("div", { class: "chips" });
        this.found = el("p", { class: "found", id: "found", role: "status" });
        this.list = el("div", { class: "list" });
        this.day = el("div", { class: "day-now", "aria-hidden": true, hidden: true });
        this.state = el("div", { class: "state-card", hidden: true });
        this.scroller = el("div", { class: "scroller", id: "feed", role: "region", tabindex: "-1",
            "aria-label": "Pictures, newest first" }, this.list, this.state);
        this.pill = el("button", { type: "button", class: "pill", hidden: true,
            onclick: () => this.showFresh() });
        this.node = el("div", { class: "stream-view" },
            el("h1", { class: "unseen" }, "Pictures, newest first"), this.rail.node,
            el("div", { class: "shade", onclick: () => this.rail.toggle(false) }),
            el("div", { class: "stream" },
                el("div", { class: "search-bar" },
                    el("label", { class: "search-box" }, icon("search"), this.input,
                        el("kbd", { "aria-hidden": true }, "/")),
                    this.order,
                    el("button", { type: "button", class: "button filter-button",
                        id: "filter-button", "aria-controls": "filters", "aria-expanded": "false",
                        "aria-label": "Filters",
                        onclick: () => this.rail.toggle(true) }, icon("filter"),
                    el("span", null, "Filters"))),
                el("div", { class: "under-search" }, this.chips, this.found),
                el("div", { class: "scroll-box" }, this.day, this.scroller, this.pill)));
        this.list.addEventListener("click", (event) => {
            const row = event.target.closest(".row");
            if (row?.item) {
                this.timeline.select(row.item.id);
                app.open(row.item.id);
            }
        });
    }

    // Once it is in the document.
    begin() {
        this.dayHead = makeHead();
        this.day.append(this.dayHead);
        this.timeline = new Timeline(this.scroller, this.list, {
            makeRow: () => makeRow((tag) => this.change({ tag })),
            makeHead,
            fillRow,
            fillThumb,
            fillHead,
            fetch: (range, signal) => this.fetch(range, signal),
            onState: (what) => this.showState(what),
            onPlace: (section, top) => this.showPlace(section, top),
        });
    }

    // ---- the filter

    show(filter) {
        const isSame = filterText(filter) === filterText(this.filter) && this.isLoaded;
        this.filter = filter;
        if (this.input.value !== filter.q) {
            this.input.value = filter.q;
        }
        this.order.hidden = !filter.q;
        this.order.value = filter.order;
        clear(this.chips, chips(filter, (part) => this.change(part)));
        this.rail.show(filter);
        document.body.classList.toggle("has-filter", isFiltered({ ...filter, q: "" }));
        if (!isSame) {
            this.load();
        }
    }

    change(part) {
        this.app.setFilter({ ...this.filter, ...part }, false);
    }

    typed() {
        clearTimeout(this.typing);
        this.typing = setTimeout(() => {
            const q = this.input.value.trim();
            if (q !== this.filter.q) {
                this.app.setFilter({ ...this.filter, q, order: q ? this.filter.order : "" }, true);
            }
        }, TYPING_MS);
    }

    // ---- loading

    get path() {
        return this.filter.kind === "described" ? "/v1/results" : "/v1/search";
    }

    get isBest() {
        return this.filter.q !== "" && this.filter.order === "best";
    }

    fetch({ until, cursor, limit }, signal) {
        const query = queryOf(this.filter);
        return get(this.path, { ...query, order: "taken", limit, cursor,
            until: until === null ? query.until : until }, signal);
    }

    async days(signal) {
        const { days } = await get("/v1/days", { ...queryOf(this.filter), limit: DAYS }, signal);
        return this.filter.kind !== "described" ? days
            : days.map((d) => ({ ...d, n: d.described }));
    }

    async load() {
        this.loading?.abort();
        const controller = this.loading = this.asking = new AbortController();
        const { signal } = controller;
        this.isLoaded = true;
        this.isStale = false;
        this.meanwhile = [];
        this.scroller.setAttribute("aria-busy", "true");
        this.setFresh(0);
        this.slow = setTimeout(() => this.node.classList.add("is-loading"), 150);
        try {
            if (this.isBest) {
                const page = await get(this.path, { ...queryOf(this.filter), order: "best",
                    limit: BEST }, signal);
                this.timeline.resetFlat(page.items);
                this.showFound(page.items.length, page.items.length >= BEST);
            } else {
                const [days, first] = await Promise.all([this.days(signal),
                    this.fetch({ until: null, cursor: null, limit: FIRST_PAGE }, signal)]);
                this.timeline.reset(days, first);
                this.rail.showDays(days);
                this.showFound(this.timeline.total, false);
                can("get", "/v1/tags") || this.rail.showTags(tagsOf(first.items));
            }
            this.rail.load(queryOf(this.filter), signal).catch(() => {});
        } catch (error) {
            if (error.name === "AbortError") {
                return;
            }
            this.isLoaded = false;
            this.timeline.reset([], null);
            this.showState(error);
        } finally {
            if (this.loading === controller) {
                clearTimeout(this.slow);
                this.node.classList.remove("is-loading");
                this.scroller.setAttribute("aria-busy", "false");
                this.loading = null;
                this.meanwhile.forEach((item) => this.onJob(item));
            }
        }
    }

    // Nothing is asked for any more.
    stop() {
        this.asking?.abort();
        this.timeline?.reset([], null);
        clearTimeout(this.railing);
        clearTimeout(this.recounting);
        this.railing = 0;
        this.isLoaded = false;
    }

    showFound(n, isMore) {
        this.found.textContent = isFiltered(this.filter)
            ? `${count(n)}${isMore ? " or more" : ""} ${n === 1 ? "picture" : "pictures"}` : "";
    }

    // ---- states that are no list

    showState(what) {
        if (what === "ready") {
            this.state.hidden = true;
            return;
        }
        this.state.hidden = false;
        if (what instanceof Error) {
            const isWrong = what.status === 400;
            clear(this.state, icon("gone"), el("h2", null,
                isWrong ? "That can not be searched for" : "The pictures could not be loaded"),
            el("p", null, what.message),
            el("button", { type: "button", class: "button",
                onclick: () => (isWrong ? this.clearFilter() : this.load()) },
            isWrong ? "Clear the search" : "Try again"));
        } else if (isFiltered(this.filter)) {
            clear(this.state, icon("search"), el("h2", null, "Nothing found"),
                el("p", null, this.filter.q
                    ? "No picture has all these words. The last word also counts as the " +
                        "beginning of one; \u201Cquotes\u201D keep words together, -word leaves out."
                    : "No picture fits these filters."),
                el("button", { type: "button", class: "button",
                    onclick: () => this.clearFilter() }, "Show everything described"));
        } else {
            this.showFirstRun();
        }
    }

    clearFilter() {
        this.app.setFilter(emptyFilter(), false);
        this.input.focus();
    }

    // Nothing was described yet: say what will happen, or what is in the way.
    showFirstRun() {
        const stats = this.app.stats;
        const status = this.app.status;
        const away = (stats?.backends || []).filter((b) => inTheWay.has(b.state));
        const lines = [];
        if (stats?.is_paused) {
            lines.push(`Paused: ${stats.paused_because}.`);
        }
        if (status?.queued) {
            lines.push(`${plural(status.queued, "picture")} waiting.`);
        }
        for (const b of away.slice(0, 3)) {
            lines.push(`${b.name} is ${b.state}${b.reason ? `: ${b.reason}` : ""}`);
        }
        clear(this.state, icon("picture"), el("h2", null, "Nothing described yet"),
            el("p", null, stats?.folders
                ? `Watching ${plural(stats.folders, "folder")}. Take a screenshot: it appears ` +
                    "here as soon as it is described."
                : "No folder is watched. Start vlmd watch with the folder of your screenshots."),
            lines.length ? el("ul", { class: "reasons" }, lines.map((l) => el("li", null, l))) : null,
            el("a", { class: "button", href: "#/work" }, "See what vlmd is doing"));
    }

    showPlace(section, top) {
        if (top < AT_TOP_PX && this.fresh && !this.filter.q && !this.isStale) {
            this.setFresh(0);
        }
        this.day.hidden = section === null;
        if (section) {
            fillHead(this.dayHead, section);
        }
    }

    goToDay(day) {
        this.rail.toggle(false);
        this.timeline.goToDay(day);
    }

    // ---- live

    setFresh(n) {
        this.fresh = n;
        this.pill.hidden = n === 0;
        clear(this.pill, icon("up"), isFiltered(this.filter) && this.filter.q
            ? "New pictures: search again" : this.isStale ? "New pictures"
                : plural(n, "new picture"));
    }

    showFresh() {
        const isOld = this.isStale || Boolean(this.filter.q);
        this.setFresh(0);
        if (isOld) {
            this.load();
        } else {
            this.timeline.goToTop();
        }
    }

    onJob(item) {
        if (!this.isLoaded) {
            return;
        }
        if (this.loading) {
            this.meanwhile.push(item); // the answer on its way may be from before
            return;
        }
        if (this.timeline.update(item)) {
            return;
        }
        const isNew = this.filter.q ? isDescribed(item)
            : fits(this.filter, item, dayOf(timeOf(item)));
        if (!isNew) {
            return;
        }
        const isAway = this.timeline.scrollTop > AT_TOP_PX;
        if (this.filter.q) {
            this.setFresh(this.fresh + 1);
        } else if (this.timeline.insert(item)) {
            this.setFresh(isAway ? this.fresh + 1 : 0);
            this.showState("ready");
            this.showFound(this.timeline.total, false);
            this.refreshRail();
        } else {
            this.setFresh(isAway ? this.fresh + 1 : 0);
            this.recountSoon();
        }
    }

    // Programs and tags have new counts; there is no hurry.
    refreshRail() {
        this.railing ||= setTimeout(() => {
            this.railing = 0;
            document.hidden || this.rail.load(queryOf(this.filter), this.asking?.signal)
                .catch(() => {});
        }, RAIL_MS);
    }

    // Nobody knows what came in the meantime.
    onGap() {
        if (this.timeline.scrollTop <= AT_TOP_PX || !this.timeline.total) {
            this.load();
        } else {
            this.isStale = true;
            this.setFresh(this.fresh || 1);
        }
    }

    // Its day is new, or has not been looked at.
    recountSoon() {
        clearTimeout(this.recounting);
        this.recounting = setTimeout(async () => {
            try {
                if (!this.timeline.total) {
                    await this.load();
                    return;
                }
                const days = await this.days();
                this.timeline.recount(days);
                this.rail.showDays(days);
                this.refreshRail();
            } catch {
                // The next event, or the next connection, asks again.
            }
        }, this.timeline.total ? RECOUNT_MS : 50);
    }

    onForgotten(id) {
        this.timeline.removeItem(id);
    }

    // ---- the keyboard

    onKey(event) {
        const moves = { j: 1, ArrowDown: 1, k: -1, ArrowUp: -1 };
        if (event.key in moves) {
            this.timeline.move(moves[event.key]);
            return true;
        }
        if (event.key === "Enter" && this.timeline.selected &&
            !event.target.closest("button, a, input, select")) {
            this.app.open(this.timeline.selected);
            return true;
        }
        if (event.key === "g") {
            this.timeline.goToTop();
            this.timeline.selected = 0;
            this.timeline.render();
            return true;
        }
        return false;
    }

    // The keyboard goes on from this picture, if it is here.
    choose(id) {
        if (this.timeline?.find(id)) {
            this.timeline.selected = id;
        }
    }

    focusSearch() {
        this.input.focus();
        this.input.select();
    }
}
