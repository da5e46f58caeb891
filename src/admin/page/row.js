// row.js -- one picture in the stream: its elements are made once and filled again and again.
// SPDX-License-Identifier: MIT
import { clear, el, icon, marked } from "./dom.js";
import { appOf, dayName, hueOf, isDescribed, nameOf, plural, stateOf, time, timeOf }
    from "./words.js";

const TAGS = 5;

export function makeRow(onTag) {
    const parts = {
        time: el("time"),
        image: el("img", { alt: "", decoding: "async", draggable: "false" }),
        app: el("span", { class: "app-name", dir: "auto" }),
        dot: el("i", { class: "app-dot", "aria-hidden": true }),
        activity: el("span", { class: "activity", dir: "auto" }),
        state: el("span", { class: "state" }),
        words: el("p", { class: "words", dir: "auto" }),
        tags: el("p", { class: "tags" }),
    };
    const node = el("article", { class: "row" },
        el("span", { class: "row-time" }, parts.time),
        el("span", { class: "thumb" }, icon("picture"), parts.image),
        el("div", { class: "row-body" },
            el("p", { class: "row-head" }, el("span", { class: "app" }, parts.dot, parts.app),
                parts.activity, parts.state),
            parts.words, parts.tags));
    node.parts = parts;
    parts.image.addEventListener("load", () => node.classList.add("has-thumb"));
    parts.image.addEventListener("error", () => thumbFailed(node));
    parts.tags.addEventListener("click", (event) => {
        const tag = event.target.closest("[data-tag]");
        if (tag) {
            event.stopPropagation();
            onTag(tag.dataset.tag);
        }
    });
    return node;
}

// The server makes a few at a time and asks the others to come again.
function thumbFailed(node) {
    const { image } = node.parts;
    const item = node.item;
    if (!item || !image.hasAttribute("src")) {
        return;
    }
    image.removeAttribute("src");
    if (node.tries++ < 2) {
        setTimeout(() => node.item === item && fillThumb(node, item), 700 * node.tries);
    } else {
        node.classList.add("no-thumb");
    }
}

// What stands where the description will: why there is none.
function wordsOf(item) {
    if (item.snippet) {
        return marked(item.snippet);
    }
    if (isDescribed(item)) {
        return [item.fields?.summary || item.description];
    }
    return [item.reason || item.error?.message || nameOf(item.path)];
}

function fillTags(node, tags) {
    node.hidden = tags.length === 0;
    clear(node, tags.slice(0, TAGS).map((tag) =>
        el("button", { type: "button", class: "tag", tabindex: "-1", "data-tag": tag }, tag)));
}

export function fillRow(node, item) {
    const parts = node.parts;
    if (item === null && node.classList.contains("loading")) {
        return;
    }
    node.tries = 0;
    node.classList.remove("has-thumb", "no-thumb");
    parts.image.removeAttribute("src");
    node.classList.toggle("loading", item === null);
    node.setAttribute("aria-busy", item === null);
    if (item === null) {
        for (const part of ["time", "app", "activity", "state", "words"]) {
            parts[part].textContent = "";
        }
        node.removeAttribute("aria-label");
        clear(parts.tags);
        return;
    }
    const [state, tone] = stateOf(item);
    const isPlain = isDescribed(item) && item.state === "ended" && !item.degraded;
    parts.time.textContent = time(timeOf(item));
    parts.time.dateTime = item.taken_at || item.queued_at || "";
    parts.app.textContent = appOf(item);
    parts.dot.style.setProperty("--hue", hueOf(appOf(item)));
    parts.activity.textContent = item.fields?.activity || item.window || "";
    parts.state.textContent = isPlain && item.outcome !== "duplicate" ? "" : state;
    parts.state.className = `state tone-${tone}`;
    clear(parts.words, wordsOf(item));
    parts.words.classList.toggle("faint", !isDescribed(item));
    fillTags(parts.tags, item.fields?.tags || []);
    node.setAttribute("aria-label", `${appOf(item)}, ${parts.time.textContent}`);
}

export function fillThumb(node, item) {
    const { image } = node.parts;
    if (!image.hasAttribute("src") && !node.classList.contains("no-thumb")) {
        image.src = `/v1/images/${item.id}/thumb?size=320`;
    }
}

export function makeHead() {
    const parts = { name: el("h2"), date: el("span"), n: el("span", { class: "n" }) };
    const node = el("header", { class: "day" }, parts.name, parts.date, parts.n);
    node.parts = parts;
    return node;
}

export function fillHead(node, section) {
    const key = `${section.day} ${section.n}`;
    if (node.shown === key) {
        return;
    }
    node.shown = key;
    const [name, date] = dayName(section.day);
    node.parts.name.textContent = name;
    node.parts.date.textContent = date.startsWith(name) ? date.slice(name.length + 2) : date;
    node.parts.n.textContent = plural(section.n, "picture");
}
