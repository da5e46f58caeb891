// peer_sharp.js -- sharp for tools/bench-image --peers.
//
// Reads "COUNT SIDE OUTPUT FILE" per line, answers "CPU_US BYTES"; see bench_image.c.
// SPDX-License-Identifier: MIT
'use strict';
const fs = require('fs');
const readline = require('readline');
const sharp = require('sharp');

sharp.concurrency(1);
sharp.cache(false);

async function serve(line) {
    const [, count, side, output, path] = line.match(/^(\d+) (\d+) (\S+) (.*)$/);
    const bytes = fs.readFileSync(path);
    let out;
    const from = process.cpuUsage();
    for (let i = 0; i < Number(count); i++) {
        out = await sharp(bytes)
            .resize({ width: +side, height: +side, fit: 'inside', withoutEnlargement: true })
            .flatten({ background: '#fff' })
            .jpeg({ quality: 75 })
            .toBuffer();
    }
    const used = process.cpuUsage(from);
    if (output !== '-') fs.writeFileSync(output, out);
    console.log(`${used.user + used.system} ${out.length}`);
}

(async () => {
    for await (const line of readline.createInterface({ input: process.stdin })) {
        await serve(line);
    }
})();
