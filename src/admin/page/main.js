// main.js -- begins the page: session, views and their addresses, events, keys.
//
// Addresses are fragments: #/?q=words (stream), #/picture/7, #/work, #/trends, #/privacy.  A
// picture is shown over the view it was opened from.
// SPDX-License-Identifier: MIT
import { get, learnPaths, link, listen, remove } from "./api.js";
import { failed, showKeys } from "./ask.js";
import { clear, icon } from "./dom.js";
import { filterFrom, filterText } from "./filters.js";
import { showAway, showLogin } from "./login.js";
import { Picture } from "./picture.js";
import { Privacy } from "./privacy.js";
import { Stream } from "./stream.js";
import { beginTheme, nextTheme } from "./theme.js";
import { Trends } from "./trends.js";
import { Work, headline } from "./work.js";
import { plural, short } from "./words.js";

const AWAY_MS = 3000;
const STATUS_MS = 1500;   // at most so often
const MISSED = "events were missed";  // how the server says so
const QUIET_MS = 30000;   // without events; asked while somebody looks

const byId = (id) => document.getElementById(id);
const titles = { stream: "Stream", work: "Work", trends: "Trends", privacy: "Privacy" };

class App {
    constructor() {
        this.main = byId("main");
        this.stream = new Stream(this);
        this.picture = new Picture(this);
        this.work = new Work(this);
        this.trends = new Trends();
        this.privacy = new Privacy(this);
        this.view = "";
        this.isBegun = false;
    }

    // ---- beginning, and the session

    async begin() {
        try {
            this.take(await get("/v1/session"));
        } catch (error) {
            if (error.status === 401 || error.status === 403) {
                this.signIn(false);
            } else {
                showAway(this.main, error, () => this.begin());
                clearTimeout(this.retrying);
                this.retrying = setTimeout(() => this.begin(), AWAY_MS);
            }
        }
    }

    signIn(isExpired) {
        this.stopEvents?.();
        this.stopEvents = null;
        clearTimeout(this.refreshing);
        this.refreshing = 0;
        this.stream.stop();
        this.picture.close();
        byId("bar").hidden = true;
        showLogin(this.main, isExpired, (session) => this.take(session));
    }

    async take(session) {
        const scopes = new Set(session.scopes);
        this.canChange = scopes.has("submit") || scopes.has("admin");
        this.canAdmin = scopes.has("admin");
        this.canForget = this.canAdmin;
        byId("leave").hidden = session.kind !== "cookie";
        byId("bar").hidden = false;
        this.view = "";
        clear(this.main);
        try {
            await learnPaths();
        } catch {
            // What is not certain to be there is not shown.
        }
        this.stopEvents?.();
        this.stopEvents = listen((type, data) => this.onEvent(type, data));
        await this.refresh();
        this.route();
    }

    async signOut() {
        try {
            await remove("/v1/session");
            this.signIn(false);
        } catch (error) {
            failed("The session could not be ended", error);
        }
    }

    // ---- addresses

    route() {
        if (byId("bar").hidden) {
            return;
        }
        const [path, query] = location.hash.slice(1).split("?");
        const [, name, id] = path.split("/");
        if (name === "picture" && Number(id) > 0) {
            this.view || this.show("stream", "");
            this.stream.choose(Number(id));
            this.picture.open(Number(id));
            return;
        }
        this.shut();
        this.show(name in titles ? name : "stream", query || "");
    }

    // The view below has the keys from now on.
    shut() {
        const wasOpen = this.picture.isOpen;
        this.picture.close();
        if (wasOpen && this.view === "stream") {
            this.stream.timeline.select(this.stream.timeline.selected);
        }
    }

    show(name, query) {
        const view = this[name];
        const isNew = this.view !== name;
        if (isNew) {
            this.view = name;
            document.title = name === "stream" ? "vlmd" : `${titles[name]} \u2013 vlmd`;
            const scrollTop = this.scrollTops?.[name] || 0;
            this.rememberScroll();
            this.main.replaceChildren(view.node);
            if (name === "stream") {
                this.isBegun || this.stream.begin();
                this.isBegun = true;
                this.stream.scroller.scrollTop = scrollTop;
            }
            for (const tab of byId("tabs").children) {
                tab.toggleAttribute("aria-current", tab.dataset.view === name);
                tab.dataset.view === name && tab.setAttribute("aria-current", "page");
            }
        }
        if (name === "stream") {
            this.query = query;
            this.stream.show(filterFrom(new URLSearchParams(query)));
        } else if (isNew) {
            view.show();
        }
    }

    // A node taken out of the document loses its place.
    rememberScroll() {
        this.scrollTops ||= {};
        if (this.stream.scroller.isConnected) {
            this.scrollTops.stream = this.stream.scroller.scrollTop;
        }
    }

    go(hash, isReplaced) {
        this.whenThere(() => {
            history[isReplaced ? "replaceState" : "pushState"](history.state, "", hash);
            this.route();
        });
    }

    // Not between asking the browser to go back and its being there.
    whenThere(then) {
        if (this.isLeaving) {
            this.afterLeaving = then;
        } else {
            then();
        }
    }

    left() {
        this.isLeaving = false;
        this.route();
        const then = this.afterLeaving;
        this.afterLeaving = null;
        then?.();
    }

    // What is typed replaces the address, else every letter would be a step back.
    setFilter(filter, isTyped) {
        const text = filterText(filter);
        this.go(text ? `#/?${text}` : "#/", isTyped);
    }

    showTag(tag) {
        this.go(`#/?${new URLSearchParams({ tag })}`, false);
    }

    showFailures(name) {
        this.go(`#/?${new URLSearchParams({ kind: "failed", class: name })}`, false);
    }

    open(id) {
        this.whenThere(() => {
            history[this.picture.isOpen ? "replaceState" : "pushState"]({ isOver: true }, "",
                `#/picture/${id}`);
            this.route();
        });
    }

    // Back to where it was opened from; there is no such place when the address was pasted.
    // The browser goes back a moment later, but what is typed in that moment is for the view.
    close() {
        if (this.isLeaving) {
            return;
        }
        this.shut();
        if (history.state?.isOver) {
            this.isLeaving = true;
            history.back();
        } else {
            this.go(this.view === "stream" ? `#/${this.query ? `?${this.query}` : ""}`
                : `#/${this.view}`, true);
        }
    }

    step(by) {
        const item = this.isBegun && this.stream.timeline.move(by);
        if (item && item.id !== this.picture.id) {
            this.open(item.id);
        }
    }

    forgotten(id) {
        this.stream.onForgotten(id);
        this.close();
        this.refresh();
    }

    // ---- what is going on

    async refresh() {
        try {
            [this.status, this.stats] = await Promise.all([get("/v1/status"), get("/v1/stats")]);
            this.showStatus();
        } catch {
            // The events, or the next time, tell.
        }
    }

    async refreshAll() {
        await this.refresh();
        this.view === "work" && await this.work.refresh();
    }

    refreshSoon() {
        this.refreshing ||= setTimeout(async () => {
            this.refreshing = 0;
            document.hidden || await this.refreshAll();
        }, STATUS_MS);
    }

    showStatus() {
        const { stats, status } = this;
        if (!stats || !status) {
            return;
        }
        const [words, , tone] = headline(stats, status);
        const pulse = byId("pulse");
        pulse.className = `pulse tone-${this.isAway ? "bad" : tone}`;
        pulse.lastElementChild.textContent = this.isAway ? "Not connected" : words;
        const badge = byId("work-badge");
        const n = status.queued + status.running;
        badge.hidden = n === 0;
        badge.textContent = short(n);
        badge.title = `${plural(n, "picture")} to describe`;
        this.stream.rail.showCounts(status);
        if (this.view === "work") {
            this.work.render();
        }
        if (this.isBegun && !this.stream.state.hidden && !this.stream.timeline.total) {
            this.stream.showState("empty");
        }
    }

    showNotice(words, tone) {
        const node = byId("notice");
        node.hidden = !words;
        node.className = `notice tone-${tone}`;
        node.textContent = words || "";
    }

    onEvent(type, event) {
        if (type === "open") {
            // What came while there was no connection.
            if (this.wasAway && this.isBegun) {
                this.stream.onGap();
            }
            this.wasAway = false;
            this.refreshSoon();
            return;
        }
        if (event.stats) {
            this.stats = event.stats;
            this.trends.sample(event.stats);
            this.trends.onProgress();
            this.showStatus();
        }
        if (type === "job" && event.item) {
            this.isBegun && this.stream.onJob(event.item);
            this.picture.onJob(event.item);
        }
        if (type === "notice" && event.words?.startsWith(MISSED)) {
            this.isBegun && this.stream.onGap();
            this.refreshSoon();
            return;
        }
        const isAlert = type === "alert" && event.n > 0;
        if (type === "notice" || type === "problem" || isAlert) {
            this.showNotice([event.path, event.words].filter(Boolean).join(": "),
                isAlert ? "bad" : "warn");
            clearTimeout(this.noticing);
            this.noticing = setTimeout(() => this.showNotice("", ""), 10000);
        }
        this.refreshSoon();
    }

    setAway(isAway) {
        this.isAway = isAway;
        this.wasAway ||= isAway;
        document.body.classList.toggle("is-away", isAway);
        this.showNotice(isAway && !byId("bar").hidden
            ? "vlmd does not answer. What you see is what was there; it goes on when it is back."
            : "", "bad");
        this.showStatus();
        isAway || this.refreshSoon();
    }

    // ---- the keyboard

    onKey(event) {
        const isTyping = event.target.closest("input, select, textarea");
        if (event.ctrlKey || event.metaKey || event.altKey || byId("ask").open ||
            byId("bar").hidden) {
            return;
        }
        if (isTyping) {
            event.key === "Escape" && this.escapeSearch(event.target);
            event.key === "ArrowDown" && event.target.id === "search" &&
                this.stream.timeline.move(1) && event.preventDefault();
            return;
        }
        if (this.runKey(event)) {
            event.preventDefault();
        }
    }

    escapeSearch(input) {
        if (input.id === "search" && input.value) {
            this.setFilter({ ...this.stream.filter, q: "", order: "" }, true);
        } else {
            input.blur();
        }
    }

    findWords() {
        if (this.view === "stream") {
            this.stream.focusSearch();
        } else {
            this.whenThere(() => {
                this.go("#/", false);
                this.stream.focusSearch();
            });
        }
    }

    runKey(event) {
        if (event.key === "t") {
            nextTheme();
            return true;
        }
        if (event.key === "?") {
            showKeys();
            return true;
        }
        if (this.picture.isOpen) {
            return this.picture.onKey(event);
        }
        const views = ["#/", "#/work", "#/trends", "#/privacy"];
        if (views["1234".indexOf(event.key)] && event.key.length === 1) {
            this.go(views["1234".indexOf(event.key)], false);
            return true;
        }
        if (event.key === "/") {
            this.findWords();
            return true;
        }
        if (event.key === "f" && this.view === "stream") {
            this.stream.rail.toggle(!document.body.classList.contains("rail-open"));
            return true;
        }
        if (event.key === "Escape" && document.body.classList.contains("rail-open")) {
            this.stream.rail.toggle(false);
            return true;
        }
        return this.view === "stream" && this.stream.onKey(event);
    }
}

beginTheme();
clear(byId("help"), icon("keys"));
clear(byId("leave"), icon("exit"));
const app = new App();
byId("theme").addEventListener("click", nextTheme);
byId("help").addEventListener("click", showKeys);
byId("leave").addEventListener("click", () => app.signOut());
byId("skip").addEventListener("click", (event) => {
    event.preventDefault();
    (byId("feed") || byId("main")).focus();
});
document.addEventListener("keydown", (event) => app.onKey(event));
addEventListener("popstate", () => app.left());
addEventListener("hashchange", () => app.isLeaving || app.route());
link.addEventListener("lost", () => app.signIn(true));
link.addEventListener("away", () => app.setAway(true));
link.addEventListener("back", () => app.setAway(false));
document.addEventListener("visibilitychange", () => document.hidden || app.refreshSoon());
setInterval(() => document.hidden || byId("bar").hidden || app.refreshAll(), QUIET_MS);
app.begin();
