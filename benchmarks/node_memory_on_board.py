"""What node_memory.py runs on MicroPython: the whole firmware, then one block by itself.

FIELDGATE_ROOT is the directory of settings.json, where figures.json is left; FIELDGATE_SECONDS is
how long the firmware runs.
"""

# ruff: noqa: ANN001, ANN202, PTH123 - a program for MicroPython, which has no pathlib

import asyncio
import gc
import json
import os
import sys

gc.threshold(4096)  # as main.py has it
gc.collect()
before = gc.mem_alloc()
for module in os.getenv("FIELDGATE_FREE").split():  # stand in for what costs a board nothing
    __import__(module)

gc.collect()
standin = gc.mem_alloc() - before

with open("main.py") as file:  # the launcher stays, and so do the names of what it loads and lets go
    launcher = compile(file.read(), "main.py", "exec")
import launch  # noqa: E402

del sys.modules["launch"], launch

from firmware import app  # noqa: E402
from wire.block import BlockBuilder  # noqa: E402
from wire.cbor import Encoder  # noqa: E402
from wire.framing import stuff  # noqa: E402

ESCAPES_UP = b"\x7d\x7e"  # a constant: the compiled module has the value alone
SCANS = 10
SCAN = (2541, 4512, 101325)  # a BME280's three channels
GC_BLOCK_OCTETS = 16  # of a 32-bit heap
NEWEST_OCTETS = 200
ACKNOWLEDGED_WITHIN_MS = 2000
LOOKS = 10
LOOK_MS = 130  # no multiple of a group's period
SAMPLE_MS = 20  # between two looks at how much of the heap is in use


class _HighWater:
    """The most that was in use at a look: what lives, and what was not yet collected."""

    def __init__(self) -> None:
        self.octets = gc.mem_alloc()  # at the start: settings and descriptor were just let go

    async def watch(self):
        while True:
            self.octets = max(self.octets, gc.mem_alloc())
            await asyncio.sleep_ms(SAMPLE_MS)


async def _run(node, seconds, answered, high_water):
    tasks = [asyncio.create_task(node.run()), asyncio.create_task(high_water.watch())]
    await asyncio.sleep(seconds)
    free = gc.mem_free() + gc.mem_alloc()
    largest = free
    for _ in range(LOOKS):
        await asyncio.sleep_ms(LOOK_MS)
        if answered:
            await _until_acknowledged(node.queue)
        gc.collect()
        free = min(free, gc.mem_free())
        largest = min(largest, _largest_block())
    for task in tasks:
        task.cancel()
    return free, largest


async def _until_acknowledged(queue):
    """Wait until nothing but the newest records is in the queue: how many wait is the machine's affair."""
    for _ in range(ACKNOWLEDGED_WITHIN_MS // SAMPLE_MS):
        if queue.octets <= NEWEST_OCTETS:
            return
        await asyncio.sleep_ms(SAMPLE_MS)


def _largest_block():
    """Octets that the heap has in one piece."""
    least = 0
    most = gc.mem_free()
    while most - least > GC_BLOCK_OCTETS:
        middle = (least + most) // 2
        try:
            bytearray(middle)
            least = middle
        except MemoryError:
            most = middle
    return least


def _fill(queue, octets):
    """Put blocks into the queue as if nobody had listened for a while."""
    builder = BlockBuilder(1, SCANS)
    encoder = Encoder(1024)
    for at in range(SCANS):
        builder.add(at * 100000, (84012 + 37 * at % 5,))
    while queue.octets < octets and not queue.flash_octets:
        seq = queue.next_seq(1)
        queue.append(1, seq, builder.encode(encoder, queue.boot, 1, seq, 1))


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
queued = int(os.getenv("FIELDGATE_QUEUED"))
_fill(node.queue, queued)
high_water = _HighWater()
free, largest = asyncio.run(_run(node, int(os.getenv("FIELDGATE_SECONDS")), not queued, high_water))
queue = node.queue
allocated, frame_octets = _block_octets()
with open(os.getenv("FIELDGATE_ROOT") + "/figures.json", "w") as file:
    json.dump(
        {
            "free": free + standin,
            "high_water": high_water.octets - standin,
            "largest": largest,
            "queue": queue.octets,
            "records": queue.next_seq(1),
            "dropped": queue.dropped,
            "block_allocated": allocated,
            "frame_octets": frame_octets,
            "modules": list(sys.modules),
        },
        file,
    )
