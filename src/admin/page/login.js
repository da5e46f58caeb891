// login.js -- what stands there instead of the page: no session, no vlmd, or one in trouble.
// SPDX-License-Identifier: MIT
import { post } from "./api.js";
import { clear, el, icon } from "./dom.js";

const mark = () => el("img", { src: "/icon.svg", alt: "", width: "48", height: "48" });

// onDone(session) once the server took a key.
export function showLogin(main, isExpired, onDone) {
    const input = el("input", { type: "password", id: "token", autocomplete: "current-password",
        spellcheck: "false", required: true, "aria-describedby": "token-problem" });
    const problem = el("p", { class: "problem", id: "token-problem", role: "alert" });
    const button = el("button", { class: "button primary" }, "Sign in");

    async function submit(event) {
        event.preventDefault();
        button.disabled = true;
        problem.textContent = "";
        try {
            onDone(await post("/v1/session", { token: input.value.trim() }));
        } catch (error) {
            problem.textContent = error.status === 401 ? "That key is not valid, or its time is up."
                : error.message;
            input.select();
        }
        button.disabled = false;
    }

    clear(main, el("form", { class: "login", onsubmit: submit }, mark(),
        el("h1", null, isExpired ? "Your session has ended" : "Sign in to vlmd"),
        el("p", { class: "muted" }, "In a terminal on this machine, ", el("code", null, "vlmd open"),
            " brings you here signed in, and ", el("code", null, "vlmd token"), " shows the key."),
        el("label", { for: "token" }, "Key"), input, problem, button));
    input.focus();
}

// error: what was said instead of an answer; status 0: nothing was.
export function showAway(main, error, onAgain) {
    const [title, words] = error.status
        ? ["vlmd can not answer", `It says: ${error.message}`]
        : ["vlmd does not answer", "It was stopped, or is just starting."];
    clear(main, el("div", { class: "login", role: "alert" }, mark(),
        el("h1", null, title),
        el("p", { class: "muted" }, words),
        error.correlationId ? el("p", { class: "muted" }, "In its log under ",
            el("code", null, error.correlationId), ".") : null,
        el("p", { class: "muted" }, "This page goes on by itself as soon as it can."),
        el("button", { type: "button", class: "button", onclick: onAgain }, icon("retry"),
            "Try now")));
}
