// timeline.js -- a list of any length by day: only what can be seen is in the document.
//
// The server says which days there are and how many pictures each has, so the whole list has
// its true height from the start and every day can be jumped to.  A page of pictures begins
// at the end of a day, or goes on where another ended (cursor), and runs on into older days.
// Where the days' counts prove wrong, because pictures came or went, the pages are right and
// the layout follows; what is seen stays where it is.
//
//   section  one day: { day, from_ms, until_ms, n, top, items (sparse), cursors }
//   row      one picture of a section; all rows are of one height, so are all heads
// SPDX-License-Identifier: MIT
import { timeOf } from "./words.js";

const OVERSCAN_PX = 500;
const PAGE = 100;           // pictures asked for at a time
const AHEAD_ROWS = 40;      // asked for before they are seen
const KEEP_ITEMS = 6000;    // beyond that those farthest away are let go
const FAST_PX = 150;        // per frame: nobody reads, nothing is loaded
const SETTLE_MS = 90;
const MAX_HEIGHT = 15e6;    // px; Firefox lays out no more than 17.8 million
const AGAIN_MS = 3000;

export class Timeline {
    // scroller: scrolls; list: holds the rows, inside scroller.  view has
    //   makeRow() -> element, fillRow(element, item or null, isFast), fillThumb(element, item)
    //   makeHead() -> element, fillHead(element, section)
    //   fetch({ until, cursor, limit }, signal) -> { items, next }
    //   onState(what): "ready", "empty" or an Error;  onPlace(section whose head is above the
    //   window or null, scroll position)
    constructor(scroller, list, view) {
        this.scroller = scroller;
        this.list = list;
        this.view = view;
        this.sections = [];
        this.total = 0;
        this.nodes = new Map();   // key -> element
        this.pools = { row: [], head: [] };
        this.selected = 0;        // id of the picture the keyboard is at
        this.loading = null;
        this.generation = 0;
        this.scrollTop = 0;       // as last read or set: to ask in between costs a layout
        this.viewPx = 0;
        this.isFast = false;
        scroller.addEventListener("scroll", () => this.onScroll(), { passive: true });
        new ResizeObserver(() => this.measure()).observe(scroller);
        this.measure();
    }

    // ---- what there is

    // days: [{ day, from_ms, until_ms, n }], newest first; first: a page that begins at the
    // newest, or null.
    reset(days, first) {
        this.generation++;
        this.loading?.abort();
        this.loading = null;
        this.sections = days.filter((d) => d.n > 0)
            .map((d) => ({ ...d, top: 0, items: [], cursors: [] }));
        this.selected = 0;
        this.scrollTo(0);
        if (first) {
            this.take(0, 0, null, first);
        }
        this.layout();
        this.tell();
        this.render();
    }

    // A list that is no timeline: all of it, in the order it came in.
    resetFlat(items) {
        this.reset([], null);
        if (items.length) {
            this.sections = [{ day: "", from_ms: 0, until_ms: Infinity, n: items.length,
                top: 0, items, cursors: [] }];
        }
        this.layout();
        this.tell();
        this.render();
    }

    // Counts of days as they are now; rows stay.
    recount(days) {
        const known = new Map(this.sections.map((s) => [s.day, s]));
        this.hold(() => {
            this.sections = days.filter((d) => d.n > 0).map((d) => {
                const s = known.get(d.day);
                return s ? Object.assign(s, { n: Math.max(d.n, s.items.length) })
                    : { ...d, top: 0, items: [], cursors: [] };
            });
        });
    }

    find(id) {
        for (const section of this.sections) {
            const row = section.items.findIndex((item) => item && item.id === id);
            if (row >= 0) {
                return { section, row };
            }
        }
        return null;
    }

    // A picture as it is now.  Returns false when it is not one of those loaded.
    update(item) {
        const at = this.find(item.id);
        if (at) {
            at.section.items[at.row] = { ...item, snippet: at.section.items[at.row].snippet };
            this.render();
        }
        return at !== null;
    }

    removeItem(id) {
        const at = this.find(id);
        if (at) {
            this.hold(() => this.shift(at.section, at.row, -1));
        }
    }

    // A new picture at its place in time.  Returns false when that place is not loaded, or
    // its day not there yet.
    insert(item) {
        const t = timeOf(item);
        const section = this.sections.find((s) => t >= s.from_ms && t < s.until_ms);
        if (!section || !section.day) {
            return false;
        }
        const items = section.items;
        let row = 0;
        while (row < section.n && items[row] && (timeOf(items[row]) > t ||
            (timeOf(items[row]) === t && items[row].id > item.id))) {
            row++;
        }
        if (row < section.n && !items[row]) {
            return false;
        }
        this.hold(() => this.shift(section, row, 1, item));
        return true;
    }

    // Puts an item in at row, or takes it out.
    shift(section, row, by, item) {
        if (by > 0) {
            section.items.splice(row, 0, item);
        } else {
            section.items.splice(row, 1);
        }
        section.n += by;
        for (const c of section.cursors) {
            c.row += c.row > row || (c.row === row && by > 0) ? by : 0;
        }
        this.sections = this.sections.filter((s) => s.n > 0);
    }

    // ---- layout

    measure() {
        this.scrollTop = this.scroller.scrollTop;
        this.viewPx = this.scroller.clientHeight;
        const style = getComputedStyle(this.list);
        this.rowPx = parseFloat(style.getPropertyValue("--row-height")) || 120;
        this.headPx = parseFloat(style.getPropertyValue("--head-height")) || 48;
        this.hold(() => {});
    }

    layout() {
        let top = 0;
        this.total = 0;
        for (const s of this.sections) {
            s.top = top;
            s.before = this.total;
            this.total += s.n;
            top += (s.day ? this.headPx : 0) + s.n * this.rowPx;
        }
        this.height = top;
        this.shown = Math.min(top, MAX_HEIGHT);
        this.list.style.height = `${this.shown}px`;
    }

    // Of a list taller than what browsers lay out the scroll bar shows a share.
    toList(scrollTop) {
        if (this.height === this.shown) {
            return scrollTop;
        }
        const view = this.viewPx;
        return (scrollTop / Math.max(1, this.shown - view)) * (this.height - view);
    }

    toScroll(top) {
        if (this.height === this.shown) {
            return top;
        }
        const view = this.viewPx;
        return (top / Math.max(1, this.height - view)) * (this.shown - view);
    }

    // What of the list is at the top of the window.
    get y() {
        return this.toList(this.scrollTop);
    }

    scrollTo(top) {
        const most = Math.max(0, this.scroller.scrollHeight - this.viewPx);
        this.scrollTop = Math.max(0, Math.min(most, top));
        this.scroller.scrollTop = this.scrollTop;
    }

    sectionAt(y) {
        let low = 0;
        let high = this.sections.length - 1;
        while (low < high) {
            const middle = (low + high + 1) >> 1;
            if (this.sections[middle].top <= y) {
                low = middle;
            } else {
                high = middle - 1;
            }
        }
        return low;
    }

    topOf(section, row) {
        return section.top + (section.day ? this.headPx : 0) + row * this.rowPx;
    }

    rowAt(section, y) {
        const row = Math.floor((y - this.topOf(section, 0)) / this.rowPx);
        return Math.max(0, Math.min(section.n - 1, row));
    }

    // Changes the layout; the picture at the top of the window stays where it is.  Who is at
    // the very top sees what is new.
    hold(change) {
        const { y } = this;
        const section = this.sections[this.sectionAt(y)];
        const isHeld = Boolean(section) && y > this.headPx;
        const item = isHeld ? section.items[this.rowAt(section, y)] : null;
        const row = isHeld ? this.rowAt(section, y) : 0;
        const offset = isHeld ? y - this.topOf(section, row) : 0;
        change();
        this.layout();
        if (isHeld) {
            const at = (item && this.find(item.id)) || { section, row };
            const top = this.toScroll(this.topOf(at.section, at.row) + offset);
            if (Math.abs(top - this.scrollTop) > 0.5) {
                this.scrollTo(top);
            }
        }
        this.render();
    }

    // ---- what is seen

    onScroll() {
        if (this.frame) {
            return;
        }
        this.frame = requestAnimationFrame(() => {
            this.frame = 0;
            const top = this.scroller.scrollTop;
            this.isFast = Math.abs(top - this.scrollTop) > FAST_PX;
            this.scrollTop = top;
            this.render();
            clearTimeout(this.settling);
            this.settling = setTimeout(() => this.settle(), SETTLE_MS);
        });
    }

    settle() {
        this.isFast = false;
        for (const node of this.nodes.values()) {
            if (node.item) {
                this.view.fillThumb(node, node.item);
            }
        }
        this.pump();
    }

    // [key, kind, y, section, row, item] of all that should be in the document, in order.
    wanted() {
        const y = this.y;
        const from = y - OVERSCAN_PX;
        const to = y + this.viewPx + OVERSCAN_PX;
        const out = [];
        for (let i = this.sectionAt(from); i < this.sections.length; i++) {
            const s = this.sections[i];
            if (s.top >= to) {
                break;
            }
            if (s.day && s.top + this.headPx > from) {
                out.push([`d${s.day}`, "head", s.top, s, 0, null]);
            }
            const last = this.rowAt(s, to);
            for (let row = this.rowAt(s, from); row <= last; row++) {
                const top = this.topOf(s, row);
                const item = s.items[row] || null;
                if (top + this.rowPx > from && top < to) {
                    out.push([item ? `i${item.id}` : `s${s.day}/${row}`, "row", top, s, row,
                        item]);
                }
            }
        }
        return out;
    }

    // Elements that stay are never moved, else they would lose the focus; the others are filled
    // anew where they stand if that is right, so that a jump changes texts and nothing else.
    render() {
        if (!this.sections.length && !this.nodes.size) {
            return;
        }
        const wanted = this.wanted();
        const keys = new Set(wanted.map((w) => w[0]));
        const spare = new Set();
        for (const [key, node] of this.nodes) {
            if (!keys.has(key)) {
                this.nodes.delete(key);
                spare.add(node);
            }
        }
        const shift = this.scrollTop - this.y;
        let next = this.list.firstChild;
        for (const [key, kind, top, section, row, item] of wanted) {
            let node = this.nodes.get(key);
            if (node) {
                while (next !== node && spare.has(next)) {
                    next = next.nextSibling;
                }
                if (node.item !== item || kind === "head") {
                    this.fill(node, section, item);
                }
            } else {
                node = this.reuse(kind, next, spare);
                this.nodes.set(key, node);
                this.fill(node, section, item);
            }
            if (node === next) {
                next = next.nextSibling;
            } else {
                this.list.insertBefore(node, next);
            }
            node.style.transform = `translateY(${top + shift}px)`;
            if (kind === "row") {
                this.place(node, section, row, item);
            }
        }
        for (const node of spare) {
            node.remove();
            this.pools[node.kind].push(node);
        }
        this.tellPlace();
        if (!this.isFast) {
            this.pump();
        }
    }

    // An element to be filled: the one that stands there, another that is left over, a new one.
    reuse(kind, next, spare) {
        const node = spare.has(next) && next.kind === kind ? next
            : [...spare].find((n) => n.kind === kind) || this.pools[kind].pop() || this.make(kind);
        spare.delete(node);
        return node;
    }

    make(kind) {
        const node = kind === "row" ? this.view.makeRow() : this.view.makeHead();
        node.kind = kind;
        return node;
    }

    fill(node, section, item) {
        node.item = item;
        if (node.kind === "head") {
            this.view.fillHead(node, section);
        } else {
            this.view.fillRow(node, item);
            if (item && !this.isFast) {
                this.view.fillThumb(node, item);
            }
        }
    }

    place(node, section, row, item) {
        const isSelected = item !== null && item.id === this.selected;
        node.classList.toggle("selected", isSelected);
        node.tabIndex = isSelected || (!this.selected && section.top === 0 && row === 0) ? 0 : -1;
        node.setAttribute("aria-posinset", section.before + row + 1);
        node.setAttribute("aria-setsize", this.total);
    }

    tell() {
        this.view.onState(this.sections.length ? "ready" : "empty");
    }

    tellPlace() {
        const section = this.sections.length ? this.sections[this.sectionAt(this.y)] : null;
        const isAbove = section && section.day && this.y > section.top + 1;
        this.view.onPlace(isAbove ? section : null, this.scrollTop);
    }

    // ---- loading

    // The first row that is seen, or soon will be, and is not here.
    missing() {
        const y = this.y;
        const ahead = AHEAD_ROWS * this.rowPx;
        const ranges = [[y, y + this.viewPx], [y - ahead / 2, y],
            [y + this.viewPx, y + this.viewPx + ahead]];
        for (const [from, to] of ranges) {
            for (let i = this.sectionAt(from); i < this.sections.length; i++) {
                const s = this.sections[i];
                if (s.top >= to) {
                    break;
                }
                const last = this.rowAt(s, to);
                for (let row = this.rowAt(s, from); row <= last; row++) {
                    if (!s.items[row]) {
                        return { index: i, row };
                    }
                }
            }
        }
        return null;
    }

    async pump() {
        const want = this.missing();
        if (!want) {
            return;
        }
        if (this.loading) {
            // Where one was is of no interest any more?
            const far = 4 * (this.viewPx + PAGE * this.rowPx);
            const y = this.y;
            if (Math.abs(this.loading.top - y) > far) {
                this.loading.abort();
            }
            return;
        }
        const section = this.sections[want.index];
        const start = section.cursors.filter((c) => c.row <= want.row)
            .reduce((best, c) => (c.row >= best.row ? c : best), {
                row: 0, cursor: null, until: this.endOf(section) });
        const generation = this.generation;
        const controller = new AbortController();
        controller.top = this.topOf(section, start.row);
        this.loading = controller;
        let again = 0;
        try {
            const page = await this.view.fetch({ until: start.until, cursor: start.cursor,
                limit: PAGE }, controller.signal);
            if (generation === this.generation) {
                const index = this.sections.indexOf(section);
                if (index >= 0) {
                    this.hold(() => this.take(index, start.row, start.until, page));
                }
                this.forgetFar();
                this.tell();
            }
        } catch (error) {
            if (error.name !== "AbortError" && generation === this.generation) {
                this.view.onState(error);
                again = AGAIN_MS;
            }
        } finally {
            if (this.loading === controller) {
                this.loading = null;
            }
        }
        if (generation === this.generation) {
            setTimeout(() => this.pump(), again);
        }
    }

    // The newest day has no end: what comes now belongs to it.
    endOf(section) {
        return section === this.sections[0] || section.until_ms === Infinity
            ? null : section.until_ms;
    }

    // Puts a page's pictures where they belong, beginning at row of a section.
    take(index, row, until, page) {
        let i = index;
        for (const item of page.items) {
            const t = timeOf(item);
            while (i < this.sections.length && t < this.sections[i].from_ms) {
                this.close(this.sections[i], row);
                i++;
                row = 0;
            }
            if (i === this.sections.length) {
                break;
            }
            const s = this.sections[i];
            s.items[row++] = item;
            s.n = Math.max(s.n, row);
        }
        if (page.next === null) {
            for (; i < this.sections.length; i++, row = 0) {
                this.close(this.sections[i], row);
            }
        } else if (i < this.sections.length) {
            const s = this.sections[i];
            if (!s.cursors.some((c) => c.row === row)) {
                s.cursors.push({ row, cursor: page.next, until });
            }
        }
        this.sections = this.sections.filter((s) => s.n > 0);
    }

    // All pictures of a day are known.
    close(section, n) {
        section.n = n;
        section.items.length = n;
        section.cursors = section.cursors.filter((c) => c.row < n);
    }

    forgetFar() {
        const y = this.y;
        const reach = (KEEP_ITEMS / 3) * this.rowPx;
        let kept = 0;
        for (const s of this.sections) {
            kept += s.items.length;
        }
        if (kept < KEEP_ITEMS) {
            return;
        }
        for (const s of this.sections) {
            const end = s.top + this.headPx + s.n * this.rowPx;
            if (end < y - reach || s.top > y + reach) {
                s.items = [];
            } else {
                for (let row = 0; row < s.items.length; row++) {
                    if (s.items[row] && Math.abs(this.topOf(s, row) - y) > reach) {
                        delete s.items[row];
                    }
                }
            }
        }
    }

    // ---- the keyboard's place

    // Moves by so many pictures; from what is seen when none is chosen, or that one is far.
    move(by) {
        if (!this.sections.length) {
            return null;
        }
        const y = this.y;
        let at = this.selected ? this.find(this.selected) : null;
        if (!at) {
            const section = this.sections[this.sectionAt(y + this.headPx)];
            at = { section, row: this.rowAt(section, y + this.headPx) - Math.sign(by) };
        }
        let index = this.sections.indexOf(at.section);
        let row = at.row + by;
        while (row < 0 && index > 0) {
            index--;
            row += this.sections[index].n;
        }
        while (row >= this.sections[index].n && index < this.sections.length - 1) {
            row -= this.sections[index].n;
            index++;
        }
        const section = this.sections[index];
        row = Math.max(0, Math.min(section.n - 1, row));
        const item = section.items[row];
        if (item) {
            this.select(item.id);
        } else {
            this.reveal(section, row);
        }
        return item || null;
    }

    select(id, isFocused = true) {
        this.selected = id;
        const at = this.find(id);
        if (!at) {
            return;
        }
        this.reveal(at.section, at.row);
        this.render();
        if (isFocused) {
            this.nodes.get(`i${id}`)?.focus({ preventScroll: true });
        }
    }

    reveal(section, row) {
        const top = this.topOf(section, row);
        const y = this.y;
        const view = this.viewPx;
        if (top < y + this.headPx) {
            this.scrollTo(this.toScroll(Math.max(0, top - this.headPx - 8)));
        } else if (top + this.rowPx > y + view) {
            this.scrollTo(this.toScroll(top + this.rowPx - view + 8));
        }
    }

    goToDay(day) {
        const section = this.sections.find((s) => s.day === day) ||
            this.sections.find((s) => s.day < day);
        if (section) {
            this.scrollTo(this.toScroll(section.top));
        }
    }

    goToTop() {
        this.scrollTo(0);
    }
}
