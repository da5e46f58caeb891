// ask.js -- short messages, questions that need an answer, and the list of keys.
// SPDX-License-Identifier: MIT
import { clear, el, icon } from "./dom.js";

const SHOWN_MS = 5000;

export function toast(words, tone = "plain") {
    // Once is enough.
    [...document.querySelectorAll(".toast")].find((t) => t.textContent === words)?.remove();
    const node = el("div", { class: `toast tone-${tone}` }, el("span", null, words),
        el("button", { type: "button", class: "icon-button", "aria-label": "Close",
            onclick: () => node.remove() }, icon("close")));
    document.getElementById("toasts").append(node);
    setTimeout(() => node.remove(), tone === "bad" ? 3 * SHOWN_MS : SHOWN_MS);
}

export function failed(what, error) {
    if (error.name !== "AbortError" && error.status !== 401) {
        const id = error.correlationId ? ` (${error.correlationId})` : "";
        toast(`${what}: ${error.message}${id}`, "bad");
    }
}

function show(...nodes) {
    const dialog = document.getElementById("ask");
    clear(dialog, nodes);
    dialog.returnValue = "";
    dialog.showModal();
    return new Promise((resolve) => {
        dialog.addEventListener("close", () => resolve(dialog.returnValue), { once: true });
    });
}

// What is asked has the focus on the button that changes nothing.
export async function confirm(title, words, yes, isDangerous) {
    const answer = await show(
        el("form", { method: "dialog", class: "question" },
            el("h2", null, title), el("p", null, words),
            el("div", { class: "buttons" },
                el("button", { class: "button", value: "", autofocus: true }, "Cancel"),
                el("button", { class: `button ${isDangerous ? "danger" : "primary"}`,
                    value: "yes" }, yes))));
    return answer === "yes";
}

const keys = [
    ["/", "search"], ["j k", "next, previous picture"], ["Enter", "open it"],
    ["Esc", "close; clear the search"], ["g", "to the newest"],
    ["1 2 3 4", "stream, work, trends, privacy"], ["f", "filters"],
    ["s", "picture as it was sent"], ["r", "describe anew, or try again"],
    ["t", "light, dark, as the system"], ["?", "this list"],
];

export function showKeys() {
    return show(el("form", { method: "dialog", class: "keys" },
        el("div", { class: "keys-head" }, el("h2", null, "Keyboard"),
            el("button", { class: "icon-button", "aria-label": "Close" }, icon("close"))),
        el("dl", null, keys.map(([names, words]) => [
            el("dt", null, names.split(" ").map((name) => el("kbd", null, name))),
            el("dd", null, words)]))));
}
