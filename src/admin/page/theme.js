// theme.js -- light, dark, or as the system has it.
// SPDX-License-Identifier: MIT
import { clear, icon } from "./dom.js";

const order = ["auto", "light", "dark"];
const icons = { auto: "auto", light: "sun", dark: "moon" };
const words = { auto: "As the system", light: "Light", dark: "Dark" };

function stored() {
    try {
        const theme = localStorage.getItem("theme");
        return order.includes(theme) ? theme : "auto";
    } catch {
        return "auto"; // storage is switched off
    }
}

function apply(theme) {
    document.documentElement.dataset.theme = theme;
    const button = document.getElementById("theme");
    clear(button, icon(icons[theme]));
    button.setAttribute("aria-label", `Colours: ${words[theme]}`);
    button.title = `Colours: ${words[theme]} (t)`;
}

export function nextTheme() {
    const theme = order[(order.indexOf(document.documentElement.dataset.theme) + 1) % order.length];
    try {
        localStorage.setItem("theme", theme);
    } catch {
        // It holds until the page is closed.
    }
    apply(theme);
}

export function beginTheme() {
    apply(stored());
}
