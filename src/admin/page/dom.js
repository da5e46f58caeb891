// dom.js -- makes elements.  What comes from the server becomes text nodes, never markup.
// SPDX-License-Identifier: MIT

function append(node, children) {
    for (const child of children.flat(Infinity)) {
        if (child !== null && child !== undefined && child !== false) {
            node.append(child);
        }
    }
}

// el("button", { class: "x", type: "button", onclick: f, hidden: true }, "words", node, ...)
export function el(tag, props, ...children) {
    const node = document.createElement(tag);
    for (const [name, value] of Object.entries(props || {})) {
        if (value === null || value === undefined || value === false) {
            continue;
        }
        if (name.startsWith("on")) {
            node.addEventListener(name.slice(2), value);
        } else if (name.startsWith("--")) {
            node.style.setProperty(name, value);
        } else {
            // What is there is true for HTML; ARIA wants the word.
            node.setAttribute(name, value === true && !name.startsWith("aria-") ? "" : value);
        }
    }
    append(node, children);
    return node;
}

export function svg(tag, attributes, ...children) {
    const node = document.createElementNS("http://www.w3.org/2000/svg", tag);
    for (const [name, value] of Object.entries(attributes || {})) {
        node.setAttribute(name, value);
    }
    append(node, children);
    return node;
}

export function clear(node, ...children) {
    node.replaceChildren();
    append(node, children);
    return node;
}

// Strokes on a grid of 20 px.
const icons = {
    search: "M9 3.5a5.5 5.5 0 1 0 0 11a5.5 5.5 0 0 0 0-11M13 13l4 4",
    filter: "M3 5h14M5.5 10h9M8.5 15h3",
    sun: "M10 6.5a3.5 3.5 0 1 0 0 7a3.5 3.5 0 0 0 0-7M10 1.5v2M10 16.5v2M1.5 10h2" +
        "M16.5 10h2M4 4l1.4 1.4M14.6 14.6L16 16M4 16l1.4-1.4M14.6 5.4L16 4",
    moon: "M16.5 11.8A7 7 0 0 1 8.2 3.5a7 7 0 1 0 8.3 8.3",
    auto: "M10 3a7 7 0 1 0 0 14a7 7 0 0 0 0-14M10 3v14M13 4v12M15.5 6.5v7",
    keys: "M2.5 5.5h15v9h-15zM5.5 8.5h.01M8.5 8.5h.01M11.5 8.5h.01M14.5 8.5h.01M6.5 11.5h7",
    pause: "M7 4.5v11M13 4.5v11",
    play: "M6 4l10 6l-10 6z",
    retry: "M16 10a6 6 0 1 1-1.8-4.3M16.5 3v3.5H13",
    redo: "M4 15l1-3.5L13.5 3l2.5 2.5L7.5 14zM11.5 5l2.5 2.5",
    trash: "M4 6h12M8 6V4h4v2M5.5 6l.8 10.5h7.4L14.5 6M8.5 9v4.5M11.5 9v4.5",
    close: "M5 5l10 10M15 5L5 15",
    left: "M12.5 4l-6 6l6 6",
    right: "M7.5 4l6 6l-6 6",
    up: "M4 12.5l6-6l6 6",
    check: "M4 10.5l4 4l8-9",
    shield: "M10 2.5l6 2.2v4.8c0 3.8-2.5 6.5-6 8c-3.5-1.5-6-4.2-6-8V4.7z",
    gone: "M3 4.5h14v11H3zM3 13l4-4l3 3M3 17L17 3",
    picture: "M3 4.5h14v11H3zM3 13l4-4l3.5 3.5l2-2L17 15M13 8h.01",
    open: "M8 4H4v12h12v-4M11.5 3.5h5v5M16 4l-7 7",
    exit: "M12 4H4v12h8M9 10h8M14 7l3 3l-3 3",
};

export function icon(name) {
    return svg("svg", { viewBox: "0 0 20 20", class: "icon", "aria-hidden": "true" },
        svg("path", { d: icons[name] }));
}

// A text with U+0002 before and U+0003 after each hit.
export function marked(text) {
    return text.split("\u0002").flatMap((part, i) => {
        if (i === 0) {
            return [part];
        }
        const end = part.indexOf("\u0003");
        const hit = end < 0 ? part : part.slice(0, end);
        return [el("mark", null, hit), end < 0 ? "" : part.slice(end + 1)];
    });
}
