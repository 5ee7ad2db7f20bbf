"""What node_block.py runs on MicroPython: a block, from scans to octets for the line, and JSON beside it."""

# ruff: noqa: ANN001, ANN201 - a program for MicroPython

import gc
import json
import time
from binascii import crc32

from firmware.queue import RamQueue
from wire.block import BlockBuilder
from wire.cbor import Encoder
from wire.framing import stuff

ESCAPES_UP = b"\x7d\x7e"  # constants: the compiled modules have the values alone
READINGS = 1
BOOT = 37 << 16
SCANS = 10
SCAN = (2541, 4512, 101325)  # a BME280's three channels
BLOCKS = 20  # in a batch, for which the heap has room without a collection
BATCHES = 50

queue = RamQueue(BOOT, 24576)
encoder = Encoder(1024)
builder = BlockBuilder(len(SCAN), SCANS)
scans = [tuple([value + at for value in SCAN]) for at in range(SCANS)]


def ours(seq):
    """Encode, queue, take out, frame; acknowledged at once, as with a gateway there."""
    for at in range(SCANS):
        builder.add(3600000000 + at * 1000000, scans[at])
    queue.append(READINGS, seq, builder.encode(encoder, BOOT, READINGS, seq, 0))
    builder.clear()
    frame = stuff(queue.get(BOOT, READINGS, seq)[0], ESCAPES_UP)
    queue.free(BOOT, READINGS, seq + 1)
    return frame


def plain(seq):
    """The same values as a line of JSON with a check sum, which a list keeps until it is acknowledged."""
    waiting = [json.dumps({"boot": BOOT, "seq": seq, "t": 3600000000, "dt": 1000000, "scans": scans})]
    line = waiting.pop(0).encode()
    return line + b" %08x\n" % crc32(line)


def figures(make):
    """The least microseconds and the octets of heap that a block takes, and its length on the line."""
    seq = 0
    least_us = None
    allocated = 0
    for _ in range(BATCHES):
        gc.collect()
        gc.disable()
        before = gc.mem_alloc()
        begun_us = time.ticks_us()
        for _ in range(BLOCKS):
            frame = make(seq)
            seq += 1
        took_us = time.ticks_diff(time.ticks_us(), begun_us)
        allocated = max(allocated, gc.mem_alloc() - before)
        gc.enable()
        least_us = took_us if least_us is None else min(least_us, took_us)
    return least_us / BLOCKS, allocated // BLOCKS, len(frame)


print(json.dumps([figures(ours), figures(plain)]))
