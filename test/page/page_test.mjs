// page_test.mjs -- the page against a real vlmd with real jobs: what a person does with it.
// SPDX-License-Identifier: MIT
import { equal, fail, finish, openBrowser, openPage, putPicture, readKey, shoot, startFake, startVlmd, step,
    stop, writePicture } from "./page_rig.mjs";

const DAY_MS = 86400000;
const fake = await startFake("--load-ms", "0");
// What fails shall fail here, and what waits shall wait, so that failures, retries and pauses can
// be seen: nothing lesser stands in.  With the configuration as it comes it does, further below.
const args = [fake.url, "--concurrency", "2", "--set", "fallback=off", "--set", "ocr.after=1h"];
let daemon = await startVlmd(args);
const key = await readKey(daemon);
const browser = await openBrowser();
let page = await openPage(browser, daemon.url);

let made = 0;

// A picture of a program, and what the model will say of it.
async function describe(app, title, words, daysAgo = 0) {
    await fake.control("config", { say: words });
    made++;
    const at = new Date(Date.now() - daysAgo * DAY_MS).toISOString();
    writePicture(`shot-${made}.png`, made, { active_app: app, active_window: title,
        timestamp: at.slice(0, 19).replace(/[-:]/g, "").replace("T", "-") });
}

const rows = () => page.locator(".row:not(.loading)");
const row = (words) => page.locator(".row", { hasText: words });
const awaitRow = (words) => row(words).first().waitFor();
const isOpen = async () => await page.locator("dialog.picture[open]").count() === 1;

async function awaitText(selector, words) {
    await page.locator(selector, { hasText: words }).first().waitFor();
}

async function goTo(hash) {
    await page.goto(daemon.url + hash);
    await page.locator("#bar:not([hidden])").waitFor();
}

async function noSideScroll() {
    const [wide, seen] = await page.evaluate(() =>
        [document.documentElement.scrollWidth, document.documentElement.clientWidth]);
    equal(wide, seen, "width of the page");
}

// ---- who may see it

await step("what the server says is said, and it goes on by itself", page, async () => {
    page.expected.push(/500/);
    await page.route("**/v1/session", (route) => route.fulfill({ status: 500,
        contentType: "application/json", body: JSON.stringify({ error: { code: "internal",
            message: "the disk is full", correlation_id: "00c0ffee" } }) }));
    await page.goto(daemon.url);
    await awaitText(".login", "the disk is full");
    await awaitText(".login", "00c0ffee");
    equal(await page.locator(".login", { hasText: "does not answer" }).count(), 0,
        "lines that blame the connection");
    await page.unroute("**/v1/session");
    page.expected.push(/401/);
    await page.locator(".login input").waitFor();
});

await step("without a session it asks for the key", page, async () => {
    page.expected.push(/401/);
    await page.goto(daemon.url);
    await page.locator(".login input").waitFor();
    await shoot(page, "login");
    await page.fill(".login input", "not the key");
    await page.click(".login button");
    await awaitText(".problem", "not valid");
    await page.fill(".login input", key);
    await page.keyboard.press("Enter");
    await page.locator("#bar:not([hidden])").waitFor();
});

await step("before the first picture it says what will happen", page, async () => {
    await awaitText(".state-card", "Nothing described yet");
    await awaitText(".state-card", "Watching 1 folder");
    await shoot(page, "first-run");
});

await step("its files come from vlmd alone, under a strict policy", page, async () => {
    const answer = await page.request.get(daemon.url);
    const policy = answer.headers()["content-security-policy"] || "";
    /default-src 'none'/.test(policy) && /script-src 'self'(;|$)/.test(policy) &&
        !/unsafe/.test(policy) || fail(`policy: ${policy}`);
    equal(await page.locator("style, script:not([src]), [onclick]").count(), 0, "inline");
    const known = await page.request.get(`${daemon.url}main.js`,
        { headers: { "If-None-Match": (await page.request.get(`${daemon.url}main.js`)).headers().etag } });
    equal(known.status(), 304, "status of a known file");
});

// ---- the stream

await step("a picture appears by itself as soon as it is described", page, async () => {
    await describe("Firefox", "libuv", "The libuv manual is open at the chapter on poll handles");
    await awaitRow("libuv manual");
    equal(await page.locator(".row .app-name").first().innerText(), "Firefox", "program");
    await awaitText(".day", "Today");
    await page.waitForFunction(() => document.querySelector(".row img")?.naturalWidth > 0);
});

await step("others join it by day, newest first", page, async () => {
    const more = [["Code", "A C source file with a state machine is being edited"],
        ["Terminal", "A build of 245 files has just finished without warnings"],
        ["Maps", "A route by train from Leipzig to Ljubljana with two changes"],
        ["Thunderbird", "A reply to the landlord about the heating, half written"]];
    for (const [i, [app, words]] of more.entries()) {
        await describe(app, `${app} window`, words, i < 2 ? 0 : i * 2);
        await awaitRow(words.slice(0, 24));
    }
    equal(await rows().count(), 5, "rows");
    const times = await page.locator(".row time").evaluateAll((all) => all.map((t) => t.dateTime));
    equal(times, [...times].sort().reverse(), "order");
    equal(await page.locator(".list > .day").count(), 3, "days");
});

await step("what a model says is text, whatever it looks like", page, async () => {
    const evil = '<img src=x onerror="document.title=1"><script>document.title=2</script>';
    await describe("Evil <b>app</b>", "<i>title</i>", evil);
    await awaitRow("<img src=x");
    equal(await page.title(), "vlmd", "title");
    equal(await page.locator(".row img[src=x], .row b, .row i:not(.app-dot)").count(), 0, "markup");
    await row("<img src=x").first().click();
    await awaitText("dialog.picture .summary", "<script>");
    await page.keyboard.press("Escape");
    await page.waitForFunction(() => !document.querySelector("dialog[open]"));
});

// ---- search

await step("search finds while one types, and marks what it found", page, async () => {
    await page.keyboard.press("/");
    await page.keyboard.type("train Ljub");
    await page.waitForFunction(() => document.querySelectorAll(".row").length === 1 &&
        document.querySelectorAll(".row mark").length > 0);
    await awaitText(".found", "1 picture");
    equal(await page.locator(".row mark").allInnerTexts().then((all) =>
        all.map((s) => s.toLowerCase()).some((s) => s.startsWith("ljub"))), true, "hit");
    equal(new URL(page.url()).hash, "#/?q=train+Ljub", "address");
    await shoot(page, "search");
    await page.selectOption(".order", "best");
    await page.waitForFunction(() => document.querySelectorAll(".row mark").length > 0);
    await page.keyboard.press("/");
    await page.keyboard.press("Escape");
    await page.waitForFunction(() => document.querySelectorAll(".row").length === 6);
});

await step("nothing found is said in words, with a way out", page, async () => {
    await page.fill("#search", "zzzyqx");
    await awaitText(".state-card", "Nothing found");
    await shoot(page, "nothing-found");
    await page.click(".state-card button");
    await page.waitForFunction(() => document.querySelectorAll(".row").length === 6);
    equal(await page.inputValue("#search"), "", "search field");
});

await step("a filter narrows it, and the browser's Back takes it away", page, async () => {
    await page.locator(".choice", { hasText: "Code" }).click();
    await page.locator(".chip", { hasText: "Code" }).waitFor();
    await page.waitForFunction(() => document.querySelectorAll(".row").length === 1);
    await page.goBack();
    await page.waitForFunction(() => document.querySelectorAll(".row").length === 6);
    await page.locator(".tag").first().click();
    await page.locator(".chip").waitFor();
    await page.waitForFunction(() => document.querySelectorAll(".row").length === 1);
    await page.locator(".chip").click();
    await page.waitForFunction(() => document.querySelectorAll(".row").length === 6);
});

// ---- one picture

await step("the keyboard goes through pictures and opens one", page, async () => {
    await page.keyboard.press("Escape");
    await page.keyboard.press("g");
    await page.keyboard.press("j");
    await page.keyboard.press("j");
    await page.keyboard.press("k");
    await page.keyboard.press("j");
    equal(await page.evaluate(() => document.activeElement.getAttribute("aria-posinset")), "2",
        "place of the focus");
    await page.keyboard.press("Enter");
    await page.locator("dialog.picture .summary").waitFor();
    const first = new URL(page.url()).hash;
    /^#\/picture\/\d+$/.test(first) || fail(`address: ${first}`);
    await page.keyboard.press("j");
    await page.waitForFunction((hash) => location.hash !== hash, first);
    await page.keyboard.press("Escape");
    await page.waitForFunction(() => !document.querySelector("dialog.picture[open]") &&
        location.hash === "#/");
    equal(await page.evaluate(() => document.activeElement.getAttribute("aria-posinset")), "3",
        "place of the focus afterwards");
});

await step("a key in the instant of Escape is for the view below", page, async () => {
    for (const from of ["#/", "#/work"]) {
        await goTo(from);
        from === "#/" && await awaitRow("libuv manual");
        await page.evaluate(() => {
            history.pushState({ isOver: true }, "", "#/picture/1");
            dispatchEvent(new PopStateEvent("popstate"));
        });
        await page.locator("dialog.picture[open] .summary").waitFor();
        await page.evaluate(() => {
            const press = (key) => document.activeElement.dispatchEvent(
                new KeyboardEvent("keydown", { key, bubbles: true, cancelable: true }));
            document.querySelector("dialog.picture").dispatchEvent(
                new Event("cancel", { cancelable: true }));
            press("/");
        });
        await page.waitForFunction(() => location.hash === "#/" &&
            document.activeElement.id === "search");
        equal(await isOpen(), false, "the picture is still open");
        await page.keyboard.press("Escape");
    }
    await goTo("#/");
});

await step("it says all that is known, and why", page, async () => {
    await row("libuv manual").first().click();
    await awaitText("dialog.picture .summary", "libuv manual");
    await page.waitForFunction(() => document.querySelector(".frame img")?.naturalWidth === 1280);
    for (const words of ["Firefox", "Privacy", "allowed", "Model", "1280 \u00d7 720", "answered"]) {
        await awaitText("dialog.picture", words);
    }
    await page.locator(".why p").first().waitFor();
    await page.keyboard.press("s");
    equal(await page.locator(".figure.as-sent").count(), 1, "as sent");
    await shoot(page, "picture");
    const address = page.url();
    await page.reload();
    await awaitText("dialog.picture .summary", "libuv manual");
    equal(page.url(), address, "address");
    await page.keyboard.press("Escape");
    await awaitRow("libuv manual");
});

await step("described anew after a question, the old words stay until then", page, async () => {
    await fake.control("config", { say: "Described once more, with other words" });
    await row("libuv manual").first().click();
    await page.click("[data-act=redo]");
    await page.locator("dialog.ask[open]").waitFor();
    await page.keyboard.press("Escape");
    equal(await isOpen(), true, "picture open after Cancel");
    await page.click("[data-act=redo]");
    await page.click("dialog.ask .primary");
    await awaitText("dialog.picture .summary", "Described once more");
    await page.keyboard.press("Escape");
    await awaitRow("Described once more");
});

await step("forgotten after a question, and gone from the list", page, async () => {
    await row("landlord").first().click();
    await page.click("[data-act=forget]");
    await page.locator("dialog.ask[open] .danger").click();
    await page.waitForFunction(() => !document.querySelector("dialog.picture[open]"));
    await page.waitForFunction(() => ![...document.querySelectorAll(".row")]
        .some((r) => r.textContent.includes("landlord")));
});

// ---- work in progress

await step("failures stand by class, and are tried again with a button", page, async () => {
    await fake.control("faults", { faults: ["repeat"] });
    await describe("Zoom", "call", "Five people in a call about the roadmap");
    await goTo("#/work");
    await page.locator("[data-class=repetition]").waitFor();
    await shoot(page, "failure");
    await page.locator(".failures .quiet").first().click();
    await awaitText(".row", "repeats itself");
    await fake.control("faults", { faults: [] });
    await page.keyboard.press("2");
    await page.locator("[data-class=repetition]").click();
    await awaitText(".toast", "1 picture will be tried again");
    await awaitText(".calm", "Nothing failed");
    await page.keyboard.press("1");
    await goTo("#/");
    await awaitRow("call about the roadmap");
});

const hasPause = await page.request.get(`${daemon.url}openapi.json`)
    .then((r) => r.json()).then((o) => "/admin/pause" in o.paths);
await step("paused and going on again", page, async () => {
    if (!hasPause) {
        console.log("     this vlmd has no pause");
        return;
    }
    await goTo("#/work");
    await page.click("#pause");
    await awaitText(".headline", "Paused");
    await awaitText("#pulse", "Paused");
    await describe("Files", "invoices", "A folder of invoices sorted by date");
    await awaitText("#work-badge", "1");
    await awaitText(".next", `shot-${made}.png`);
    await shoot(page, "paused");
    await page.click("#pause");
    await awaitText(".headline", "Up to date");
    await goTo("#/");
    await awaitRow("folder of invoices");
});

await step("a backend that is away is named, with the reason", page, async () => {
    await goTo("#/work");
    await fake.control("config", { down: "deaf" });
    await describe("Calc", "budget", "The household budget for November");
    await awaitText("#pulse", /No backend|Paused/);
    await shoot(page, "backend-away");
    await fake.control("config", { down: false });
    await goTo("#/");
    await awaitRow("household budget");
});

// ---- the other views

await step("charts and the privacy record", page, async () => {
    await goTo("#/trends");
    await page.locator(".chart").first().waitFor();
    await page.getByRole("button", { name: "Month" }).click();
    await awaitText(".reading", "described");
    await goTo("#/privacy");
    await awaitText(".figures", "Allowed");
    await page.locator("table.audit tbody tr").first().waitFor();
    await page.click("#verify");
    await page.locator(".verdict.tone-good").waitFor();
});

await step("every control has a name, every view one title, and the keys are listed", page, async () => {
    for (const hash of ["#/", "#/work", "#/trends", "#/privacy"]) {
        await goTo(hash);
        await page.locator("#main > *").first().waitFor();
        await page.locator("h1").first().waitFor({ state: "attached" });
        equal(await page.locator("#main h1").count(), 1, `titles on ${hash}`);
        const levels = await page.locator("#main :is(h1, h2, h3)").evaluateAll((all) =>
            all.map((node) => Number(node.tagName[1])));
        equal(levels.some((n, i) => i > 0 && n > levels[i - 1] + 1), false,
            `a level left out on ${hash} (${levels})`);
        const unnamed = await page.evaluate(() => [...document.querySelectorAll(
            "button, a[href], input, select")].filter((node) => node.offsetParent &&
            !node.textContent.trim() && !node.getAttribute("aria-label") &&
            !node.labels?.length).map((node) => node.outerHTML.slice(0, 80)));
        equal(unnamed, [], `without a name on ${hash}`);
        const empty = await page.locator("#main [aria-hidden='']").count();
        equal(empty, 0, `said to be hidden without saying so on ${hash}`);
    }
    await goTo("#/");
    await page.keyboard.press("?");
    await awaitText("dialog.ask", "Keyboard");
    await page.keyboard.press("Escape");
    await page.keyboard.press("Tab");
    const ring = await page.evaluate(() => {
        const style = getComputedStyle(document.activeElement);
        return style.outlineStyle !== "none" && parseFloat(style.outlineWidth) > 0;
    });
    equal(ring, true, "focus is visible");
});

// ---- vlmd goes, and comes back

// The session may have ended with the process.
async function signInAgain() {
    await page.reload();
    await page.locator(".row, .login input").first().waitFor();
    if (await page.locator(".login input").count()) {
        await page.fill(".login input", key);
        await page.keyboard.press("Enter");
    }
}

await step("when vlmd stops it says so, and goes on when it is back", page, async () => {
    await goTo("#/");
    await awaitRow("household budget");
    page.expected.push(/ERR_CONNECTION_REFUSED|ERR_INCOMPLETE|ERR_EMPTY|ERR_CONNECTION_RESET/);
    const port = new URL(daemon.url).port;
    await stop(daemon);
    await awaitText("#notice", "does not answer");
    await shoot(page, "vlmd-away");
    daemon = await startVlmd([...args, "--set", "privacy.read_text=always"], port);
    await page.waitForFunction(() => document.getElementById("notice").hidden &&
        !document.body.classList.contains("is-away"));
    await signInAgain();
    await describe("Figma", "settings", "A settings screen of a phone application");
    await awaitRow("settings screen");
});

await step("what was painted over before it was sent is shown", page, async () => {
    const card = await openPage(browser, "data:", { viewport: { width: 1000, height: 600 } });
    await card.setContent("<body style='font: 28px sans-serif; padding: 60px'><h2>Payment</h2>" +
        "<p>Card number: 4111 1111 1111 1111</p><p>Thank you for your order.</p>");
    const picture = await card.screenshot();
    await card.context().close();
    await fake.control("config", { say: "A form with a payment" });
    putPicture("card.png", picture);
    await awaitRow("form with a payment");
    await row("form with a payment").first().click();
    await page.locator(".masks rect").first().waitFor();
    await awaitText("dialog.picture", "painted over");
    await page.keyboard.press("s");
    const fill = await page.locator(".masks rect").first().evaluate((r) => getComputedStyle(r).fill);
    equal(fill, "rgb(0, 0, 0)", "colour of a place painted over");
    await shoot(page, "painted-over");
    await page.keyboard.press("s");
    await page.keyboard.press("Escape");
});

// As it comes, text recognition describes what every model fails with, and the page says so.
await step("with the default configuration what fails is described with less", page, async () => {
    const port = new URL(daemon.url).port;
    await stop(daemon);
    daemon = await startVlmd([fake.url], port);
    await goTo("#/");
    await signInAgain();
    await fake.control("faults", { faults: ["repeat"] });
    await describe("Mixer", "levels", "Sixteen faders and a clock");
    await awaitRow("Mixer");
    await awaitText(".row .state", "Text only");
    await row("Mixer").first().click();
    await awaitText("dialog.picture .why", "text recognition");
    await awaitText("dialog.picture", "the model repeats itself");
    const sentTo = page.locator("dialog.picture dt", { hasText: /^To$/ }).locator("+ dd");
    equal(await sentTo.textContent(), new URL(fake.url).host, "where it was sent");
    await shoot(page, "with-less");
    await page.keyboard.press("Escape");
    await goTo("#/work");
    await awaitText(".calm", "Nothing failed");
    await fake.control("faults", { faults: [] });
    await goTo("#/");
    await describe("Abacus", "sum", "Ten rows of beads");
    await awaitRow("rows of beads");
});

// ---- sizes and colours

const session = await page.context().storageState();
const sizes = [["desk", { viewport: { width: 1440, height: 900 } }],
    ["tablet", { viewport: { width: 768, height: 1024 } }],
    ["phone", { viewport: { width: 390, height: 844 }, isMobile: true, hasTouch: true }]];
for (const [name, size] of sizes) {
    for (const colorScheme of ["light", "dark"]) {
        page = await openPage(browser, daemon.url, { ...size, colorScheme, storageState: session });
        await step(`${name}, ${colorScheme}`, page, async () => {
            for (const [view, wanted] of [["", ".row.has-thumb"], ["work", ".backend"],
                ["trends", ".chart"], ["privacy", "table.audit tr"]]) {
                await goTo(`#/${view}`);
                await page.locator(wanted).first().waitFor();
                await noSideScroll();
                await shoot(page, `${view || "stream"}-${name}-${colorScheme}`);
            }
            // Work once more in its whole length.
            await goTo("#/work");
            await page.locator(".meters").waitFor();
            await page.setViewportSize({ width: size.viewport.width, height: 2400 });
            await shoot(page, `work-whole-${name}-${colorScheme}`);
            await page.setViewportSize(size.viewport);
            const ground = await page.evaluate(() => getComputedStyle(document.body).backgroundColor);
            const [red] = ground.match(/\d+/g).map(Number);
            equal(red < 128, colorScheme === "dark", `dark ground (${ground})`);
            await goTo("#/");
            await rows().first().click();
            await page.waitForFunction(() => document.querySelector(".frame img")?.naturalWidth > 0);
            await noSideScroll();
            await shoot(page, `picture-${name}-${colorScheme}`);
            await page.click("dialog.picture [aria-label=Close]");
            if (name !== "desk") {
                await page.click("#filter-button");
                await page.locator(".rail-open .rail .choice").first().click();
                await shoot(page, `filters-${name}-${colorScheme}`);
                await page.click(".rail-close");
            }
        });
        await page.context().close();
    }
}

page = await openPage(browser, daemon.url, { storageState: session });
await step("signed out, nothing is left to be seen", page, async () => {
    await goTo("#/");
    await rows().first().waitFor();
    await page.click("#leave");
    await page.locator(".login input").waitFor();
    page.expected.push(/401/);
    await page.goto(`${daemon.url}#/work`);
    await page.reload();
    await page.locator(".login input").waitFor();
    equal(await page.locator(".row").count(), 0, "rows");
});

await finish(browser);
