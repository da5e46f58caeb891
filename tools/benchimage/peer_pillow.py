# peer_pillow.py -- Pillow for tools/bench-image --peers.
#
# Reads "COUNT SIDE OUTPUT FILE" per line, answers "CPU_US BYTES"; see bench_image.c.
# SPDX-License-Identifier: MIT
import io
import sys
import time

from PIL import Image


def prepare(data, side):
    im = Image.open(io.BytesIO(data))
    im.thumbnail((side, side), Image.LANCZOS)
    if im.mode not in ("RGB", "L"):
        im = im.convert("RGB")
    out = io.BytesIO()
    im.save(out, "JPEG", quality=75)
    return out.getvalue()


for line in sys.stdin:
    count, side, output, path = line.rstrip("\n").split(" ", 3)
    with open(path, "rb") as f:
        data = f.read()
    start = time.process_time()
    for _ in range(int(count)):
        jpeg = prepare(data, int(side))
    used = time.process_time() - start
    if output != "-":
        with open(output, "wb") as f:
            f.write(jpeg)
    print(round(used * 1e6), len(jpeg), flush=True)
