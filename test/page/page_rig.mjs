// page_rig.mjs -- a test's world: fakevlm, vlmd watch, pictures that look like screens, a
// browser; and steps that are told one by one.
// SPDX-License-Identifier: MIT
import { spawn } from "node:child_process";
import fs from "node:fs";
import http from "node:http";
import net from "node:net";
import os from "node:os";
import path from "node:path";
import zlib from "node:zlib";
import { chromium } from "playwright-core";

const PATIENCE_MS = 30000;
const [, , vlmd, fakevlm, benchStore] = process.argv;
export { benchStore };

export const root = fs.mkdtempSync(path.join(os.tmpdir(), "vlmd-page-"));
export const folder = path.join(root, "pictures");
export const screenshots = path.resolve("screenshots");
const children = [];

export function fail(words) {
    throw new Error(words);
}

export function equal(got, wanted, what) {
    const [a, b] = [JSON.stringify(got), JSON.stringify(wanted)];
    a === b || fail(`${what}: ${a} instead of ${b}`);
}

// ---- processes

function start(program, args, name) {
    const child = spawn(program, args, {
        stdio: ["ignore", "pipe", "pipe"],
        env: { PATH: process.env.PATH, HOME: root, TZ: "UTC", XDG_RUNTIME_DIR: root,
            XDG_DATA_HOME: path.join(root, "data"), XDG_CONFIG_HOME: path.join(root, "config") },
    });
    child.said = "";
    child.listeners_ = new Set();
    for (const stream of [child.stdout, child.stderr]) {
        stream.on("data", (bytes) => {
            child.said += bytes;
            child.listeners_.forEach((f) => f());
        });
    }
    child.ended = new Promise((resolve) => child.on("exit", resolve));
    child.on("exit", () => child.listeners_.forEach((f) => f()));
    child.name = name;
    children.push(child);
    return child;
}

// Resolves with the match as soon as a process has said it.
export function said(child, pattern) {
    return new Promise((resolve, reject) => {
        const end = (f, value) => {
            clearTimeout(timer);
            child.listeners_.delete(look);
            f(value);
        };
        const look = () => {
            const match = child.said.match(pattern);
            if (match) {
                end(resolve, match);
            } else if (child.exitCode !== null) {
                end(reject, new Error(`${child.name} ended:\n${child.said}`));
            }
        };
        const timer = setTimeout(() => end(reject,
            new Error(`${child.name} never said ${pattern}:\n${child.said}`)), PATIENCE_MS);
        child.listeners_.add(look);
        look();
    });
}

export async function startFake(...args) {
    const child = start(fakevlm, ["--kind", "ollama", "--listen", "127.0.0.1:0", ...args],
        "fakevlm");
    const [, url] = await said(child, /(http:\/\/127\.0\.0\.1:\d+)/);
    // Each over a connection of its own: those that are kept are cut when it plays dead.
    const control = (name, body) => new Promise((resolve, reject) => {
        const request = http.request(`${url}/__fake/${name}`, { method: "POST", agent: false,
            headers: { "Content-Type": "application/json" } }, (answer) => {
            answer.resume();
            answer.statusCode === 200 ? answer.on("end", resolve)
                : reject(new Error(`fakevlm: ${name}: ${answer.statusCode}`));
        });
        request.on("error", reject);
        request.end(JSON.stringify(body));
    });
    return { url, control };
}

function freePort() {
    return new Promise((resolve) => {
        const server = net.createServer().listen(0, "127.0.0.1", () => {
            const { port } = server.address();
            server.close(() => resolve(port));
        });
    });
}

// vlmd watch on the folder; resolves once its page can be asked for.  port: where, if given.
export async function startVlmd(args, port) {
    fs.mkdirSync(folder, { recursive: true });
    port ||= await freePort();
    const child = start(vlmd, ["watch", "-b", ...args, "--set", `admin.listen=127.0.0.1:${port}`,
        folder], "vlmd");
    await said(child, /page at http/);
    child.url = `http://127.0.0.1:${port}/`;
    return child;
}

// The token that it made beside its database, which it names.
export async function readKey(child) {
    const [, file] = await said(child, /(\S+api-token)/);
    return fs.readFileSync(file, "utf8").trim();
}

export async function stop(child) {
    child.kill("SIGTERM");
    await child.ended;
}

// ---- pictures

const table = Array.from({ length: 256 }, (_, n) => {
    for (let k = 0; k < 8; k++) {
        n = n & 1 ? 0xedb88320 ^ (n >>> 1) : n >>> 1;
    }
    return n >>> 0;
});

function crc(bytes) {
    let c = 0xffffffff;
    for (const byte of bytes) {
        c = table[(c ^ byte) & 255] ^ (c >>> 8);
    }
    return (c ^ 0xffffffff) >>> 0;
}

function chunk(type, body) {
    const out = Buffer.alloc(12 + body.length);
    out.writeUInt32BE(body.length, 0);
    out.write(type, 4, "latin1");
    body.copy(out, 8);
    out.writeUInt32BE(crc(out.subarray(4, 8 + body.length)), 8 + body.length);
    return out;
}

// A window with a title bar, a list and lines of text; each n looks different.
function pixels(width, height, n) {
    const rows = Buffer.alloc((width * 3 + 1) * height);
    const box = (x0, y0, x1, y1, rgb) => {
        for (let y = y0; y < Math.min(y1, height); y++) {
            for (let x = x0; x < Math.min(x1, width); x++) {
                rows.set(rgb, y * (width * 3 + 1) + 1 + x * 3);
            }
        }
    };
    const tint = [60 + (n * 67) % 150, 60 + (n * 101) % 150, 60 + (n * 151) % 150];
    box(0, 0, width, height, tint.map((c) => (c + 510) / 3 | 0));
    box(60, 40, width - 60, height - 40, [252, 252, 252]);
    box(60, 40, width - 60, 90, tint);
    box(60, 90, 320, height - 40, [238, 240, 242]);
    for (let i = 0; i < 14; i++) {
        box(90, 120 + i * 40, 160 + (i * n * 37) % 130, 134 + i * 40, [196, 201, 206]);
        box(360, 120 + i * 40, 600 + (i * n * 97) % 500, 134 + i * 40,
            i % 5 ? [206, 210, 214] : tint);
    }
    return rows;
}

// Whole at once, as a screenshot tool does it.
export function putPicture(name, bytes) {
    const file = path.join(folder, name);
    fs.writeFileSync(`${file}.part`, bytes);
    fs.renameSync(`${file}.part`, file);
}

// A PNG as a tracker writes it: with the program and the window it was taken of.
export function writePicture(name, n, meta) {
    const [width, height] = [1280, 720];
    const head = Buffer.alloc(13);
    head.writeUInt32BE(width, 0);
    head.writeUInt32BE(height, 4);
    head.set([8, 2, 0, 0, 0], 8);
    const data = zlib.deflateSync(pixels(width, height, n), { level: 3 });
    const bytes = Buffer.concat([Buffer.from("\x89PNG\r\n\x1a\n", "latin1"), chunk("IHDR", head),
        chunk("tEXt", Buffer.from(`Description\0${JSON.stringify(meta)}`, "latin1")),
        chunk("IDAT", data), chunk("IEND", Buffer.alloc(0))]);
    putPicture(name, bytes);
}

// ---- the browser

export async function openBrowser() {
    return chromium.launch({ executablePath: process.env.PAGE_BROWSER,
        args: process.getuid() === 0 ? ["--no-sandbox"] : [] });
}

// A page that remembers everything that must not happen: errors, and requests to others.
export async function openPage(browser, url, options) {
    const context = await browser.newContext({ viewport: { width: 1440, height: 900 },
        colorScheme: "light", reducedMotion: "reduce", timezoneId: "UTC", locale: "en-GB", ...options });
    const page = await context.newPage();
    page.setDefaultTimeout(PATIENCE_MS);
    page.wrong = [];
    page.expected = [];  // patterns of console lines that a step brings about on purpose
    page.on("pageerror", (error) => page.wrong.push(`script: ${error.stack}`));
    page.on("console", (message) => {
        const text = `${message.text()} ${message.location().url}`;
        if (["error", "warning"].includes(message.type()) &&
            !page.expected.some((pattern) => pattern.test(text))) {
            page.wrong.push(`console: ${text}`);
        }
    });
    page.on("request", (request) => {
        if (!request.url().startsWith(url)) {
            page.wrong.push(`another machine was asked: ${request.url()}`);
        }
    });
    return page;
}

export async function shoot(page, name) {
    fs.mkdirSync(screenshots, { recursive: true });
    await page.screenshot({ path: path.join(screenshots, `${name}.png`) });
}

// ---- steps

let failures = 0;

// Goes on after a step that failed: the others tell more.
export async function step(words, page, run_) {
    const since = Date.now();
    try {
        await run_();
        page && equal(page.wrong, [], "nothing may go wrong");
        console.log(`ok   ${words} (${Date.now() - since} ms)`);
    } catch (error) {
        failures++;
        console.log(`FAIL ${words}\n     ${error.stack}`);
        page && await shoot(page, `failed-${failures}`).catch(() => {});
        page && (page.wrong = []);
    }
}

export async function finish(browser) {
    await browser?.close();
    for (const child of children) {
        if (child.exitCode === null) {
            child.kill("SIGTERM");
            await child.ended;
        }
        if (failures && child.said) {
            console.log(`---- ${child.name} said\n${child.said.slice(-4000)}`);
        }
    }
    fs.rmSync(root, { recursive: true, force: true });
    console.log(failures ? `${failures} steps failed` : "all steps passed");
    process.exit(failures ? 1 : 0);
}
