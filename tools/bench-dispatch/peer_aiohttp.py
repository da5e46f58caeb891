# peer_aiohttp.py -- the same posts by aiohttp: URL, how many, how many at once, bytes each.
# SPDX-License-Identifier: MIT
import asyncio
import base64
import json
import os
import sys
import time

import aiohttp


async def ask(session, url, picture):
    body = json.dumps({
        "model": "bench", "max_tokens": 500, "messages": [{"role": "user", "content": [
            {"type": "text", "text": "Describe the picture."},
            {"type": "image_url", "image_url": {
                "url": "data:image/jpeg;base64," + base64.b64encode(picture).decode()}}]}]})
    async with session.post(url, data=body,
                            headers={"Content-Type": "application/json"}) as reply:
        answer = await reply.json()
        return json.loads(answer["choices"][0]["message"]["content"])["summary"] != ""


async def work(session, url, picture, left):
    n = 0
    while left[0] > 0:
        left[0] -= 1
        n += await ask(session, url, picture)
    return n


async def main(url, count, at_once, size):
    left, picture = [count], os.urandom(size)
    connector = aiohttp.TCPConnector(limit=0)
    begin = time.monotonic()
    async with aiohttp.ClientSession(connector=connector) as session:
        done = await asyncio.gather(*[work(session, url, picture, left)
                                      for _ in range(at_once)])
    print(sum(done), time.monotonic() - begin)


asyncio.run(main(sys.argv[1], int(sys.argv[2]), int(sys.argv[3]), int(sys.argv[4])))
