// peer_undici.mjs -- the same posts by undici: URL, how many, how many at once, bytes each.
// SPDX-License-Identifier: MIT
import { createRequire } from "node:module";
import { randomBytes } from "node:crypto";

// Where undici is installed: the folder of node_modules, or the one we are in.
const require = createRequire((process.env.UNDICI_DIR ?? process.cwd()) + "/");
const { Pool } = require("undici");

const [url, count, atOnce, size] = process.argv.slice(2);
const { origin, pathname } = new URL(url);
const pool = new Pool(origin, { connections: Number(atOnce), pipelining: 1 });
const picture = randomBytes(Number(size));
let left = Number(count);
let done = 0;

async function ask() {
  const body = JSON.stringify({
    model: "bench", max_tokens: 500, messages: [{ role: "user", content: [
      { type: "text", text: "Describe the picture." },
      { type: "image_url", image_url: {
        url: "data:image/jpeg;base64," + picture.toString("base64") } }] }] });
  const reply = await pool.request({
    path: pathname, method: "POST", body, headers: { "content-type": "application/json" } });
  const answer = await reply.body.json();
  done += JSON.parse(answer.choices[0].message.content).summary !== "";
}

async function work() {
  while (left > 0) {
    left--;
    await ask();
  }
}

const begin = performance.now();
await Promise.all(Array.from({ length: Number(atOnce) }, work));
console.log(done, (performance.now() - begin) / 1000);
await pool.close();
