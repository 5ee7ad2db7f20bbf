"""What node_memory.py runs on MicroPython: the whole firmware, then one block by itself.

FIELDGATE_ROOT is the directory of settings.json, where figures.json is left; FIELDGATE_SECONDS is
how long the firmware runs.
"""

# ruff: noqa: ANN001, ANN202, PTH123 - a program for MicroPython, which has no pathlib

import asyncio
import gc
import json
import os

gc.threshold(4096)  # as main.py has it
gc.collect()
before = gc.mem_alloc()
import machine  # noqa: E402, F401 - stands in for a module that costs a board nothing

gc.collect()
standin = gc.mem_alloc() - before

from firmware import app  # noqa: E402
from wire.block import BlockBuilder  # noqa: E402
from wire.cbor import Encoder  # noqa: E402
from wire.framing import ESCAPES_UP, stuff  # noqa: E402

SCANS = 10
SCAN = (2541, 4512, 101325)  # a BME280's three channels


async def _run(node, seconds):
    task = asyncio.create_task(node.run())
    await asyncio.sleep(seconds)
    gc.collect()
    free = gc.mem_free()
    task.cancel()
    return free


def _block_octets():
    """Octets of heap that encoding and framing one block takes, with nothing collected meanwhile."""
    builder = BlockBuilder(len(SCAN), SCANS)
    encoder = Encoder(1024)
    for at in range(SCANS):
        builder.add(3600000000 + at * 1000000, tuple([value + at for value in SCAN]))
    gc.collect()
    gc.disable()
    before = gc.mem_alloc()
    frame = stuff(builder.encode(encoder, 37 << 16, 1, 1234, 0), ESCAPES_UP)
    after = gc.mem_alloc()
    gc.enable()
    return after - before, len(frame)


node = app.App(os.getenv("FIELDGATE_ROOT") + "/")
gc.collect()
at_start = gc.mem_free()
free = asyncio.run(_run(node, int(os.getenv("FIELDGATE_SECONDS"))))
queue = node.queue
allocated, frame_octets = _block_octets()
with open(os.getenv("FIELDGATE_ROOT") + "/figures.json", "w") as file:
    json.dump(
        {
            "heap": gc.mem_free() + gc.mem_alloc(),
            "free_at_start": at_start + standin,
            "free": free + standin,
            "queue": queue.octets,
            "records": queue.next_seq(1),
            "dropped": queue.dropped,
            "block_allocated": allocated,
            "frame_octets": frame_octets,
        },
        file,
    )
