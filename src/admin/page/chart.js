// chart.js -- series over time as SVG: lines, or bars that stand on each other.
//
// Drawn here and not by a library: the smallest one that Debian has (dygraphs) is 131 kB, 37
// compressed, Chart.js 200 and 67, more than the rest of the page together, and draws on a
// canvas that knows neither the page's colours nor a screen reader.  This is 2 kB compressed.
// SPDX-License-Identifier: MIT
import { clear, el, svg } from "./dom.js";
import { time } from "./words.js";

const HEIGHT = 170;
const LEFT = 52;
const RIGHT = 8;
const TOP = 10;
const BOTTOM = 22;

// The next round number whose half is round too: there is no half of a picture.
export function niceMax(value) {
    if (!(value > 0)) {
        return 1;
    }
    const power = 10 ** Math.floor(Math.log10(value));
    const steps = power === 1 ? [2, 4, 6, 8, 10] : [1, 1.2, 1.6, 2, 3, 4, 5, 6, 8, 10];
    return steps.map((n) => n * power).find((n) => n >= value * 0.999);
}

function timeLabel(ms, stepMs) {
    return stepMs >= 43200000
        ? new Date(ms).toLocaleString("en", { day: "numeric", month: "short" }) : time(ms);
}

// Runs of numbers without a gap: nothing was measured is not zero.
function runs(values) {
    const out = [];
    let run = null;
    values.forEach((value, i) => {
        if (value === null || value === undefined) {
            run = null;
        } else {
            run || out.push(run = []);
            run.push([i, value]);
        }
    });
    return out;
}

// spec: { title, unit words(value), kind: "line" | "bars", fromMs, stepMs,
//         series: [{ name, values, tone }] }
export function chart(spec) {
    const n = Math.max(1, ...spec.series.map((s) => s.values.length));
    const sums = Array.from({ length: n }, (_, i) => spec.series.reduce((sum, s) =>
        spec.kind === "bars" ? sum + (s.values[i] || 0) : Math.max(sum, s.values[i] || 0), 0));
    const isEmpty = spec.series.every((s) => s.values.every((v) => !v));
    const box = el("div", { class: "chart-box" });
    const reading = el("p", { class: "reading" });
    const max = niceMax(Math.max(...sums));
    read(reading, spec, null);
    // Drawn at its own width, so that letters are as large as elsewhere.
    new ResizeObserver(([entry]) => {
        const width = Math.round(entry.contentRect.width);
        if (width > 0) {
            clear(box, drawing(spec, { n, max, width }, reading));
        }
    }).observe(box);
    return el("section", { class: `card chart-card${isEmpty ? " empty" : ""}` },
        el("h2", null, spec.title), legend(spec), box, reading);
}

function drawing(spec, { n, max, width }, reading) {
    const plotW = width - LEFT - RIGHT;
    const plotH = HEIGHT - TOP - BOTTOM;
    const x = (i) => LEFT + (n === 1 ? plotW / 2 : (i / (n - 1)) * plotW);
    const y = (value) => TOP + plotH * (1 - value / max);
    const cursor = svg("line", { class: "cursor", y1: TOP, y2: TOP + plotH });
    const node = svg("svg", { viewBox: `0 0 ${width} ${HEIGHT}`, class: "chart", role: "img",
        "aria-label": `${spec.title}: ${summary(spec)}` },
    grid(max, y, spec, width), times(n, x, spec),
    spec.kind === "bars" ? bars(spec, n, plotW, y) : lines(spec, x, y), cursor);
    const point = (i) => {
        cursor.classList.toggle("seen", i !== null);
        if (i !== null) {
            const at = spec.kind === "bars" ? LEFT + ((i + 0.5) / n) * plotW : x(i);
            cursor.setAttribute("x1", at);
            cursor.setAttribute("x2", at);
        }
        read(reading, spec, i);
    };
    node.addEventListener("pointermove", (event) => {
        const share = (event.clientX - node.getBoundingClientRect().left - LEFT) / plotW;
        const i = spec.kind === "bars" ? Math.floor(share * n) : Math.round(share * (n - 1));
        point(Math.max(0, Math.min(n - 1, i)));
    });
    node.addEventListener("pointerleave", () => point(null));
    return node;
}

function grid(max, y, spec, width) {
    return [0, 0.5, 1].map((share) => svg("g", { class: "grid" },
        svg("line", { x1: LEFT, x2: width - RIGHT, y1: y(max * share), y2: y(max * share) }),
        svg("text", { x: LEFT - 6, y: y(max * share) + 4, "text-anchor": "end" },
            spec.words(max * share))));
}

function times(n, x, spec) {
    const marks = n < 2 ? [0] : [0, 1, 2, 3].map((k) => Math.round((k * (n - 1)) / 3));
    return marks.map((i, k) => svg("text", { class: "tick", x: x(i), y: HEIGHT - 6,
        "text-anchor": k === 0 ? "start" : k === marks.length - 1 ? "end" : "middle" },
    timeLabel(spec.fromMs + i * spec.stepMs, spec.stepMs * Math.max(1, n / 60))));
}

function lines(spec, x, y) {
    return spec.series.map((s) => runs(s.values).map((run) => {
        const points = run.map(([i, value]) => `${x(i).toFixed(1)} ${y(value).toFixed(1)}`);
        return run.length === 1
            ? svg("circle", { class: `dot ${s.tone}`, cx: x(run[0][0]), cy: y(run[0][1]), r: 2.5 })
            : svg("path", { class: `line ${s.tone}`, d: `M${points.join("L")}` });
    }));
}

function bars(spec, n, plotW, y) {
    const width = plotW / n;
    const gap = Math.min(3, width * 0.25);
    return Array.from({ length: n }, (_, i) => {
        let below = 0;
        return spec.series.map((s) => {
            const value = s.values[i] || 0;
            const bar = value ? svg("rect", { class: `column ${s.tone}`, rx: Math.min(2, width / 4),
                x: (LEFT + i * width + gap / 2).toFixed(2), width: (width - gap).toFixed(2),
                y: y(below + value).toFixed(2), height: (y(below) - y(below + value)).toFixed(2),
            }) : null;
            below += value;
            return bar;
        });
    });
}

function legend(spec) {
    return el("p", { class: "legend" }, spec.series.length < 2 ? null : spec.series.map((s) =>
        el("span", null, el("i", { class: s.tone, "aria-hidden": true }), s.name)));
}

// What a series comes to: the sum of bars, the last of a line.
function summary(spec) {
    return spec.series.map((s) => {
        const known = s.values.filter((v) => v !== null && v !== undefined);
        const value = spec.kind === "bars" ? known.reduce((sum, v) => sum + v, 0) : known.at(-1);
        return `${s.name} ${value === undefined ? "not measured" : spec.words(value)}`;
    }).join(", ");
}

function read(node, spec, i) {
    if (i === null) {
        clear(node, spec.kind === "bars" ? `In all: ${summary(spec)}` : `Now: ${summary(spec)}`);
        return;
    }
    const values = spec.series.map((s) => `${s.name} ${s.values[i] === null ||
        s.values[i] === undefined ? "not measured" : spec.words(s.values[i])}`);
    clear(node, `${timeLabel(spec.fromMs + i * spec.stepMs, spec.stepMs)}: ${values.join(", ")}`);
}
