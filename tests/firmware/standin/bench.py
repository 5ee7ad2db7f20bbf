"""A sampler's bench on MicroPython: a clock that moves only by sleeping, and chips that follow it."""

# ruff: noqa: SIM105 - MicroPython has no contextlib

import asyncio
from binascii import hexlify

from firmware.heart import Heart
from firmware.queue import RamQueue
from firmware.sampler import Sampler
from firmware.sensors import Sensor
from wire.cbor import Encoder


class Clock:
    us = 0

    def now_us(self):
        return self.us

    def now_ms(self):
        return self.us // 1000


clock = Clock()
_switch_task = asyncio.sleep_ms


async def _sleep_ms(duration_ms):
    clock.us += duration_ms * 1000
    await _switch_task(0)


asyncio.sleep_ms = _sleep_ms


class Chip:
    """Converts on command; reading conversion n takes stalls[n] microseconds."""

    CHANNELS = (("t", "Cel", -2),)
    MEASURE_MS = 10

    def __init__(self, stalls=None):
        self.starts = 0
        self.stalls = stalls or {}

    def open(self):
        pass

    def start(self):
        self.starts += 1

    def ready(self):
        return True

    def read(self):
        clock.us += self.stalls.get(self.starts, 0)
        return (self.starts,)


class FreeChip(Chip):
    """Converts at its own pace, as an HX711 does."""

    MEASURE_MS = 0

    def __init__(self, period_us):
        self.period_us = period_us
        self.read_number = 0

    def start(self):
        pass

    def ready(self):
        return clock.us // self.period_us > self.read_number

    def read(self):
        self.read_number = clock.us // self.period_us
        return (self.read_number,)


told_ms = []  # when each record was made


class Enough(Exception):
    pass


def sample(drivers, blocks, **settings):
    """Run one group until it made so many blocks; print them in hex, then the missed slots."""
    queue = RamQueue(65536, 100000)

    def on_record():
        told_ms.append(clock.now_ms())
        if queue.next_seq(1) == blocks:
            raise Enough

    made = [Sensor(driver) for driver in drivers]
    group = {"period_ms": 100, "scans": 5, "decimate": 1, "report_ms": 10000}
    group.update(settings)
    sampler = Sampler(0, group, made, clock, queue, Encoder(1024), on_record, Heart(1, None))
    try:
        asyncio.run(sampler.run())
    except Enough:
        pass
    for seq in range(blocks):
        print(hexlify(queue.get(65536, 1, seq)[0]).decode())
    print(sampler.missed)
