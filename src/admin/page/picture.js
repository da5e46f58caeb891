// picture.js -- one picture: what it shows, why (not) described, what was sent, what was tried.
// SPDX-License-Identifier: MIT
import { get, post, remove } from "./api.js";
import { confirm, failed, toast } from "./ask.js";
import { clear, el, icon, svg } from "./dom.js";
import { appOf, bytes, count, dayName, dayOf, hueOf, isDescribed, nameOf, plural, span, stateOf,
    time, timeOf, when } from "./words.js";

// What stands in for a model is no place a picture is sent to; who was asked before it is in
// the history.
function sentTo(item) {
    if (item.fallback !== "ocr" && item.fallback !== "metadata") {
        return item.backend;
    }
    const asked = [...new Set((item.history || []).map((h) => h.backend).filter((name) =>
        name && name !== item.fallback))];
    return asked.length ? asked.join(", ") : "nobody";
}

export class Picture {
    // app: close(), step(by), canChange, canForget, forgotten(id)
    constructor(app) {
        this.app = app;
        this.dialog = document.getElementById("picture");
        this.isSent = false;
        this.dialog.addEventListener("cancel", (event) => {
            event.preventDefault();
            app.close();
        });
        this.dialog.addEventListener("click", (event) => {
            if (event.target === this.dialog) {
                app.close();
            }
        });
    }

    get isOpen() {
        return this.dialog.open;
    }

    async open(id) {
        this.id = id;
        this.loading?.abort();
        this.loading = new AbortController();
        if (!this.dialog.open) {
            clear(this.dialog, el("p", { class: "opening" }, "Opening\u2026"));
            this.dialog.showModal();
        }
        try {
            this.item = await get(`/v1/jobs/${id}`, null, this.loading.signal);
            this.render();
        } catch (error) {
            if (error.name !== "AbortError") {
                this.showProblem(error);
            }
        }
    }

    close() {
        this.loading?.abort();
        this.id = 0;
        if (this.dialog.open) {
            this.dialog.close();
        }
        clear(this.dialog);
    }

    // It changed on the server.
    onJob(item) {
        if (this.dialog.open && item.id === this.id) {
            this.open(this.id);
        }
    }

    showProblem(error) {
        clear(this.dialog, this.head(null), el("div", { class: "state-card" }, icon("gone"),
            el("h2", null, error.status === 404 ? "There is no such picture"
                : "It could not be loaded"),
            el("p", null, error.status === 404 ? "It was forgotten, or never there."
                : error.message)));
    }

    // ---- its parts

    head(item) {
        const step = (by, name, words) => el("button", { type: "button", class: "icon-button",
            "aria-label": words, title: words, onclick: () => this.app.step(by) }, icon(name));
        const title = item
            ? [el("span", { class: "app" }, el("i", { class: "app-dot", "--hue": hueOf(appOf(item)),
                "aria-hidden": true }), appOf(item)),
            el("span", { class: "muted" }, `${dayName(dayOf(timeOf(item)))[1]}, ${time(timeOf(item))}`)]
            : [];
        return el("header", { class: "picture-head" }, el("h2", null, title),
            step(-1, "left", "Newer (k)"), step(1, "right", "Older (j)"),
            el("button", { type: "button", class: "icon-button", "aria-label": "Close",
                title: "Close (Esc)", onclick: () => this.app.close() },
            icon("close")));
    }

    render() {
        const item = this.item;
        const side = el("div", { class: "picture-side", tabindex: "0", role: "region",
            "aria-label": "All that is known" }, this.words(item), this.actions(item),
        this.why(item), this.sent(item), this.making(item), this.file(item), this.history(item));
        clear(this.dialog, this.head(item), el("div", { class: "picture-body" },
            this.figure(item), side));
        this.dialog.focus();
    }

    figure(item) {
        const image = el("img", { src: `/v1/images/${item.id}`, draggable: "false",
            alt: item.fields?.summary || `Screenshot of ${appOf(item)}` });
        const frame = el("div", { class: "frame" }, image);
        const figure = el("figure", { class: "figure" }, frame);
        if (item.width && item.height) {
            frame.style.setProperty("--ratio", `${item.width} / ${item.height}`);
            frame.append(this.masks(item));
        }
        image.addEventListener("error", () => clear(frame, el("p", { class: "no-picture" },
            icon("gone"), "The file is gone, was changed, or may only be seen on its own machine.")));
        image.addEventListener("click", () => figure.classList.toggle("zoomed"));
        figure.classList.toggle("as-sent", this.isSent);
        if (item.masks.length || item.sent_width) {
            figure.append(this.viewSwitch(item, figure));
        }
        return figure;
    }

    masks(item) {
        return svg("svg", { class: "masks", viewBox: `0 0 ${item.width} ${item.height}`,
            role: "img", "aria-label": plural(item.masks.length, "place") + " painted over" },
        item.masks.map(([x, y, width, height]) => svg("rect", { x, y, width, height })));
    }

    viewSwitch(item, figure) {
        const button = (words, isSent) => el("button", { type: "button",
            "aria-pressed": String(this.isSent === isSent), onclick: () => this.showSent(isSent),
        }, words);
        const painted = item.masks.length
            ? `${plural(item.masks.length, "place")} painted over` : "nothing painted over";
        this.figureNode = figure;
        this.switchNode = el("div", { class: "segments", role: "group", "aria-label": "View" },
            button("Original", false), button("As sent", true));
        return el("figcaption", null, this.switchNode, el("span", { class: "muted" },
            `${item.sent_width} \u00d7 ${item.sent_height}, ${bytes(item.sent_bytes)}, ${painted}`));
    }

    showSent(isSent) {
        if (!this.switchNode) {
            return;
        }
        this.isSent = isSent;
        this.figureNode.classList.toggle("as-sent", isSent);
        [...this.switchNode.children].forEach((node, i) =>
            node.setAttribute("aria-pressed", String(isSent === (i === 1))));
    }

    words(item) {
        if (!isDescribed(item)) {
            return el("section", { class: "what" }, el("p", { class: "summary faint" },
                "No description."));
        }
        const { summary, details, activity, tags, text } = item.fields;
        return el("section", { class: "what" },
            activity ? el("p", { class: "activity", dir: "auto" }, activity) : null,
            el("p", { class: "summary", dir: "auto" }, summary || item.description),
            details && details !== summary ? el("p", { class: "details", dir: "auto" }, details) : null,
            tags.length ? el("p", { class: "tags" }, tags.map((tag) => el("button", {
                type: "button", class: "tag", onclick: () => this.app.showTag(tag) }, tag))) : null,
            text ? el("details", { class: "on-screen" }, el("summary", null, "Text on the screen"),
                el("pre", { dir: "auto" }, text)) : null);
    }

    actions(item) {
        const act = (name, words, iconName, run, cls = "") => el("button", {
            type: "button", class: `button ${cls}`, "data-act": name,
            onclick: (event) => this.run(event.currentTarget, run) }, icon(iconName), words);
        const isEnded = item.state === "ended";
        return el("div", { class: "actions" },
            this.app.canChange && isEnded && item.outcome === "failed" &&
                act("retry", "Try again", "retry", () => this.retry(), "primary"),
            this.app.canChange && isEnded && item.outcome !== "failed" &&
                act("redo", "Describe anew", "redo", () => this.redo()),
            this.app.canChange && item.state === "queued" && !isDescribed(item) &&
                act("drop", "Take out of the queue", "close", () => this.drop()),
            this.app.canForget && act("forget", "Forget", "trash", () => this.forget(), "quiet"));
    }

    why(item) {
        const [state, tone] = stateOf(item);
        return el("section", { class: `why tone-${tone}` },
            el("h3", null, icon(tone === "good" ? "check" : tone === "warn" ? "shield" : "picture"),
                state),
            el("p", { class: "sentence" }, item.why),
            item.error?.todo ? el("p", { class: "muted sentence" }, item.error.todo) : null,
            item.duplicate_of ? el("p", null, el("a", { href: `#/picture/${item.duplicate_of}` },
                `The one it looks like: ${nameOf(item.duplicate_path || "")}`)) : null,
            item.next_try_at && !isNaN(Date.parse(item.next_try_at))
                ? el("p", { class: "muted" }, `Next try ${when(item.next_try_at)}`) : null);
    }

    sent(item) {
        const verdicts = { allow: "allowed as it is", safe: "allowed, with the careful prompt",
            mask: "allowed, with places painted over", block: "not allowed" };
        const rows = [["Privacy", verdicts[item.verdict] || item.verdict]];
        if (item.sent_width) {
            rows.push(["Sent", `${item.sent_width} \u00d7 ${item.sent_height} px, ` +
                bytes(item.sent_bytes)], ["To", sentTo(item)], ["Painted over",
                item.masks.length ? plural(item.masks.length, "place") : "nothing"]);
        } else {
            rows.push(["Sent", "nothing left this process for it"]);
        }
        return this.facts("What was sent", rows);
    }

    making(item) {
        const tokens = item.prompt_tokens === null ? null
            : `${count(item.prompt_tokens)} in, ${count(item.completion_tokens || 0)} out`;
        const steps = [["waited", item.queued_ms], ["prepared", item.prepare_ms],
            ["asked", item.request_ms]].filter(([, ms]) => ms > 0);
        const total = steps.reduce((sum, [, ms]) => sum + ms, 0);
        return el("div", null, this.facts("How it was described", [
            ["Model", item.model], ["Backend", item.backend], ["Tier", item.tier],
            ["Prompt", item.prompt], ["Tokens", tokens],
            ["Requests", item.attempts ? count(item.attempts) : null],
            ["Described", when(item.created_at)],
            ["Time", steps.map(([name, ms]) => `${name} ${span(ms)}`).join(", ")]]),
        total ? el("div", { class: "stack thin", "aria-hidden": true }, steps.map(([name, ms]) =>
            el("i", { class: `part-${name}`, "--share": ms / total }))) : null);
    }

    file(item) {
        return this.facts("The picture", [
            ["File", item.path], ["Window", item.window], ["Screen", item.screen],
            ["Page", item.page_url], ["Taken", when(item.taken_at)],
            ["Size", item.width ? `${item.width} \u00d7 ${item.height} px` +
                (item.file_bytes ? `, ${bytes(item.file_bytes)}` : "") : null],
            ["Found", when(item.queued_at)],
            ["Same as this", item.duplicates ? plural(item.duplicates, "later picture") : null],
            ["Number", String(item.id)], ["Job", item.correlation_id], ["Hash", item.hash]]);
    }

    history(item) {
        if (!item.history?.length) {
            return null;
        }
        return el("section", { class: "facts" }, el("h3", null, "What was tried"),
            el("ol", { class: "attempts" }, item.history.map((a) => el("li", {
                class: a.class ? "tone-bad" : "tone-good" },
            el("span", { class: "muted" }, when(a.at)),
            el("span", null, a.class ? `${a.class}: ${a.message}` : "answered"),
            el("span", { class: "muted" }, [a.backend, a.model, span(a.request_ms)]
                .filter(Boolean).join(" \u00b7 "))))));
    }

    facts(title, rows) {
        const known = rows.filter(([, value]) => value);
        return known.length ? el("section", { class: "facts" }, el("h3", null, title),
            el("dl", null, known.map(([name, value]) => [el("dt", null, name),
                el("dd", null, value)]))) : null;
    }

    // ---- what can be done

    async run(button, change) {
        button.disabled = true;
        try {
            await change();
        } catch (error) {
            failed("It could not be done", error);
        } finally {
            button.disabled = false;
        }
    }

    async changed(n, words) {
        toast(n ? words : "Nothing had to be done", n ? "good" : "plain");
        if (this.id) {
            await this.open(this.id);
        }
    }

    async retry() {
        const { n } = await post(`/v1/jobs/${this.id}/retry`);
        await this.changed(n, "It will be tried again");
    }

    async redo() {
        if (await confirm("Describe it anew?", "The present description stays until the new one " +
            "is there.", "Describe anew", false)) {
            const { n } = await post(`/v1/jobs/${this.id}/redo`);
            await this.changed(n, "It will be described anew");
        }
    }

    async drop() {
        const { n } = await remove(`/v1/jobs/${this.id}`);
        await this.changed(n, "Taken out of the queue");
    }

    async forget() {
        const { id } = this;
        if (!await confirm("Forget this picture?", "Its description, its text and all traces of " +
            "them leave the database for good. The file itself is not touched; in a watched " +
            "folder it may be found again.", "Forget", true)) {
            return;
        }
        const { requeued } = await post(`/v1/jobs/${id}/forget`);
        toast(requeued ? `Forgotten; ${plural(requeued, "picture")} described anew because of it`
            : "Forgotten", "good");
        this.app.forgotten(id);
    }

    onKey(event) {
        const by = { j: 1, ArrowRight: 1, k: -1, ArrowLeft: -1 }[event.key];
        if (by) {
            this.app.step(by);
        } else if (event.key === "s") {
            this.showSent(!this.isSent);
        } else if (event.key === "r") {
            this.dialog.querySelector("[data-act=retry], [data-act=redo]")?.click();
        } else {
            return false;
        }
        return true;
    }
}
