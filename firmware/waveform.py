"""Every conversion of one converter, at its own pace, as bulk BLOCKs. Loaded where a group has `sps`.

The edge of the chip's data-ready pin is an interrupt: it notes the time and reads the chip, between
two steps of whatever else the node is doing. The task empties what it left.
"""

import asyncio
import time
from array import array

from firmware.queue import BULK
from firmware.sampler import PARKED_MS, Sampler
from firmware.sensors import READY_MS
from wire.compat import const
from wire.faults import ALL, MISSED, UNSETTLED, Fault

RING = const(64)  # conversions that wait for the task: 200 ms of the fastest chip
LOOK_MS = const(50)  # between two looks at them
SILENT_MS = const(1000)  # between two scans that say why there is nothing
_FAULT = const(0x10000000)  # plus a fault's code, in place of 24 bits of a value


class Waveform(Sampler):
    """Scans one sensor whenever it is ready, for ever.

    `settings["data_ready"]` is its pin, shaped like machine.Pin, and the level that tells of data;
    `settings["sps"]` its nominal rate. The true one is in the span of each block. A conversion that was lost
    is a hole in its place, and counted in `missed`.
    """

    stream = BULK

    def __init__(
        self, group: int, settings: dict, sensors: list, ticks, queue, encoder, on_record, heart
    ) -> None:
        super().__init__(group, settings, sensors, ticks, queue, encoder, on_record, heart)
        self._sensor = sensors[0]
        self._nominal_us = 1000000 // settings["sps"]
        self._period_us = self._nominal_us
        self._due = None  # ticks at which the next conversion is expected; None: nobody knows
        self._pin, level = settings["data_ready"]
        self._trigger = self._pin.IRQ_RISING if level else self._pin.IRQ_FALLING
        self._on_edge = self._edge  # bound once
        self._listening = False
        self._quiet_ms = 0
        self._stamps = array("i", [0] * RING)  # ticks of each edge
        self._items = array("i", [0] * RING)
        self._head = 0  # where the interrupt writes
        self._tail = 0  # where the task reads
        self._whole = True  # no hole in this block

    async def run(self) -> None:
        """Scan until cancelled."""
        while True:
            self._beat()
            pause_ms = self._look()
            self._beat(pause_ms)
            await asyncio.sleep_ms(pause_ms)

    def _look(self) -> int:
        """Do what there is to do; give the pause in ms until there is more."""
        if self.parked:
            self._stop()
            return PARKED_MS
        if not self._listening:
            return self._begin()
        self._take_all()
        if self._quiet_ms >= READY_MS:
            self._on_silence()
        if self._sensor.fault is None:
            return LOOK_MS
        self._stop()
        return 0

    def _begin(self) -> int:
        # Start the chip and listen; or say why not.
        now_ms = self._ticks.now_ms()
        self._sensor.start(now_ms)
        if self._sensor.fault is not None:
            self._period_us = SILENT_MS * 1000
            self._put(self._ticks.now_us(), self._sensor.fault)
            return SILENT_MS
        self._flush_rest()
        self._period_us = self._nominal_us
        self._due = None
        self._quiet_ms = 0
        self._listening = True
        if self._sensor.ready(now_ms):
            self._edge(self._pin)  # its edge is past
        else:
            self._pin.irq(self._on_edge, self._trigger)
        return LOOK_MS

    def _stop(self) -> None:
        if self._listening:
            self._listening = False
            self._pin.irq(None)
            self._take_all()
        self._flush_rest()

    def _flush_rest(self) -> None:
        if self._mean is not None:
            self._mean.clear()
        if self._builder.count:
            self._flush()

    def _edge(self, pin) -> None:
        # The interrupt, of MicroPython's soft kind: heap and buses may be used, but whatever else the node
        # was doing is half done. An HX711's bits travel on this very pin, so nobody listens while it is read.
        stamp = self._ticks.source()
        pin.irq(None)
        sensor = self._sensor
        if sensor.ready(0):
            item = sensor.read(0)[0]
            after = (self._head + 1) % RING
            if after != self._tail:  # full: what is lost shows as time without a conversion
                self._stamps[self._head] = stamp
                self._items[self._head] = _FAULT + item.code if isinstance(item, Fault) else item
                self._head = after
            if sensor.fault is None:
                sensor.start(0)
        if self._listening:
            pin.irq(self._on_edge, self._trigger)

    def _take_all(self) -> None:
        self._quiet_ms = 0 if self._tail != self._head else self._quiet_ms + LOOK_MS
        while self._tail != self._head:
            stamp = self._stamps[self._tail]
            item = self._items[self._tail]
            self._tail = (self._tail + 1) % RING
            self._arrived(stamp, ALL[item - _FAULT - 1] if item >= _FAULT else item)

    def _arrived(self, stamp: int, item: "int | Fault") -> None:
        stamp_us = self._ticks.at_us(stamp)
        period_us = self._period_us
        if self._due is None or item is UNSETTLED:
            self._due = stamp  # while it settles it may well convert at no pace at all
        late_us = time.ticks_diff(stamp, self._due)
        missed = max(0, (late_us + period_us // 4) // period_us)
        if missed:
            self.missed += missed
            self._whole = False
            self._fill(stamp_us - missed * period_us, stamp_us, (MISSED,))
            late_us -= missed * period_us
        # By less than a quarter the chip is early or late; by more it was the interrupt that came late.
        on_time = stamp if late_us < period_us // 4 else time.ticks_add(stamp, -late_us)
        self._due = time.ticks_add(on_time, period_us)
        self._put(stamp_us, item)

    def _put(self, stamp_us: int, item: "int | Fault") -> None:
        self.valid = self.valid or isinstance(item, int)
        self._take(stamp_us, (item,))
        self._flush_due(stamp_us + self._period_us)

    def _on_silence(self) -> None:
        now_ms = self._ticks.now_ms()
        self._quiet_ms = 0
        self._pin.irq(None)  # two must not talk to the chip
        if self._sensor.ready(now_ms):
            self._edge(self._pin)  # its edge got lost
        else:
            self._sensor.give_up(now_ms)
            self._put(self._ticks.now_us(), self._sensor.fault)

    def _flush(self) -> None:
        count = self._builder.count
        if self._whole and self._listening and self._mean is None and count > 1:
            period_us = (self._latest_us - self._begun_us) // (count - 1)
            if abs(period_us - self._nominal_us) < self._nominal_us // 4:
                self._period_us = period_us
        self._whole = True
        super()._flush()
