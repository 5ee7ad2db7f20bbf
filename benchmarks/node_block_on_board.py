"""What node_block.py runs on MicroPython: blocks, from scans to octets for the line, and JSON beside them."""

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
BLOCKS = 10  # in a batch, for which the heap has room without a collection
BATCHES = 50
# Microseconds between two scans, and the scans: ten of a BME280's three channels, 64 of a load cell.
KINDS = (
    (1000000, [(2541 + at, 4512 + at, 101325 + at) for at in range(10)]),
    (12291, [(84012 + 37 * at % 51,) for at in range(64)]),
)


class Ours:
    """Encodes, queues, takes out, frames; acknowledged at once, as with a gateway there."""

    def __init__(self, period_us, scans) -> None:
        self.period_us = period_us
        self.scans = scans
        self.queue = RamQueue(BOOT, 24576)
        self.encoder = Encoder(1024)
        self.builder = BlockBuilder(len(scans[0]), len(scans))

    def make(self, seq):
        """The frame of a block."""
        builder = self.builder
        for at in range(len(self.scans)):
            builder.add(3600000000 + at * self.period_us, self.scans[at])
        self.queue.append(READINGS, seq, builder.encode(self.encoder, BOOT, READINGS, seq, 0))
        builder.clear()
        frame = stuff(self.queue.get(BOOT, READINGS, seq)[0], ESCAPES_UP)
        self.queue.free(BOOT, READINGS, seq + 1)
        return frame


class Plain:
    """The same values as a line of JSON with a check sum, which a list keeps until it is acknowledged."""

    def __init__(self, period_us, scans) -> None:
        self.period_us = period_us
        self.scans = scans

    def make(self, seq):
        """The line."""
        block = {"boot": BOOT, "seq": seq, "t": 3600000000, "dt": self.period_us, "scans": self.scans}
        waiting = [json.dumps(block)]
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


print(json.dumps([[figures(way(*kind).make) for way in (Ours, Plain)] for kind in KINDS]))
