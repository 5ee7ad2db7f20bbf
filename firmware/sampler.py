"""One task per group of sensors: scans at an even pace, as BLOCKs into the queue."""

import asyncio

from firmware.heart import GROUPS
from firmware.queue import READINGS
from firmware.sensors import READY_MS
from wire.block import BlockBuilder
from wire.compat import const
from wire.faults import MISSED, UNSETTLED

POLL_MS = const(2)  # between two questions for data that are not there yet
SETTLE_US = const(2000000)  # of a slot, and half a period at most, for a chip that was opened in it to settle
FRESH_US = const(1000000)  # from this period on
SETTLE_POLL_MS = const(10)  # as often as the fastest group asks
PARKED_MS = const(100)  # between two looks of a parked sampler


class Sampler:
    """Scans one group for ever.

    `sensors` are the group's (firmware.sensors.Sensor), `queue` takes the encoded BLOCKs of
    `group` and `on_record()` is called after each. Slots lie at even distances from the first;
    one that passed is counted in `missed` and never made up for. `valid`: there was a value, not just faults.
    """

    stream = READINGS

    def __init__(
        self, group: int, settings: dict, sensors: list, ticks, queue, encoder, on_record, heart
    ) -> None:
        self.missed = 0
        self.parked = False  # True: no scan begins, and no chip is touched after the one under way
        self.valid = False
        self._heart = heart
        self._group = group
        self._period_us = settings["period_ms"] * 1000
        self._report_us = settings["report_ms"] * 1000  # a scan waits no longer for its block to fill
        self.sensors = sensors
        self._ticks = ticks
        self._queue = queue
        self._encoder = encoder
        self._on_record = on_record
        channels = sum(len(sensor.channels) for sensor in sensors)
        self._builder = BlockBuilder(channels, settings["scans"])
        self._mean = None
        if settings["decimate"] > 1:
            from firmware.mean import Mean  # noqa: PLC0415 - most nodes tell every sample

            self._mean = Mean(settings["decimate"], channels)
        self._measure_ms = max(sensor.measure_ms for sensor in sensors)
        self._begun_us = 0  # when the first scan of this block was taken
        self._latest_us = 0
        self._waited = False

    async def run(self) -> None:
        """Scan until cancelled."""
        slot_us = self._ticks.now_us()
        while True:
            if self.parked:
                if self._mean:
                    self._mean.clear()
                if self._builder.count:
                    self._flush()
                self._beat(PARKED_MS)
                await asyncio.sleep_ms(PARKED_MS)
                slot_us = self._ticks.now_us()
                continue
            left_ms = max(0, (slot_us - self._ticks.now_us() + 999) // 1000)
            self._beat(left_ms)
            await asyncio.sleep_ms(left_ms)
            self._beat()
            slot_us = self._after_missed(slot_us)
            if self._ticks.now_us() < slot_us:
                continue
            await self._scan(slot_us + min(SETTLE_US, self._period_us // 2))
            slot_us += self._period_us
            if self._waited:
                # The chip sets the pace: nothing of it was missed, and span tells the true rate.
                slot_us = max(slot_us, self._ticks.now_us())
            self._flush_due(slot_us)

    async def _scan(self, until_us: int) -> None:
        # What waits in a chip that converts by itself may be as old as the scan before, and about to be
        # replaced while it is read: where there is time, the next conversion is waited for.
        fresh = self._measure_ms or self._period_us < FRESH_US
        while True:
            now_ms = self._ticks.now_ms()
            for sensor in self.sensors:
                sensor.start(now_ms)
            # The time stamp is the edge that begins the conversion. A chip that converts at its own
            # pace has no such edge: there it is the moment its data turned ready, where that was seen.
            stamp_us = self._ticks.now_us()
            if self._measure_ms:
                await asyncio.sleep_ms(self._measure_ms)
                self._beat()
            self._waited = False
            for sensor in self.sensors:
                if await self._until_ready(sensor):
                    stamp_us = self._ticks.now_us()
                    self._waited = True
                    self._beat()
            items = ()
            for sensor in self.sensors:
                items += sensor.read(self._ticks.now_ms())
            if (fresh and UNSETTLED not in items) or self._ticks.now_us() >= until_us:
                break
            # In a slow group a chip that needs some conversions to settle would else have nothing to say
            # for as many periods, and in a node that sleeps in between never.
            fresh = True
            await asyncio.sleep_ms(SETTLE_POLL_MS)
        if not self.valid:
            self.valid = any(isinstance(item, int) for item in items)
        self._take(stamp_us, items)

    async def _until_ready(self, sensor) -> bool:
        """True when the data turned ready while waiting; False when they were there, or never came."""
        now_ms = self._ticks.now_ms()
        if sensor.ready(now_ms):
            return False
        # Counted, not timed: reading the clock costs heap, and this is asked hundreds of times a second.
        for _ in range(READY_MS // POLL_MS):
            await asyncio.sleep_ms(POLL_MS)
            if sensor.ready(now_ms):
                return True
        sensor.give_up(now_ms)
        return False

    def _after_missed(self, slot_us: int) -> int:
        # Half a period late is a slot missed, or two scans would stand close together.
        late_us = self._ticks.now_us() - slot_us
        missed = (late_us + self._period_us // 2) // self._period_us
        if missed <= 0:
            return slot_us
        holes = self._holes()
        if MISSED in holes:
            self.missed += missed
        next_us = slot_us + missed * self._period_us
        self._fill(slot_us, next_us, holes)
        return next_us

    def _fill(self, slot_us: int, next_us: int, holes: tuple) -> None:
        # The block goes on at an even pace; a new one does not begin with holes.
        while (self._builder.count or (self._mean and not self._mean.empty)) and slot_us < next_us:
            self._take(slot_us, holes)
            slot_us += self._period_us
            if self._builder.full:
                self._flush()

    def _holes(self) -> tuple:
        # Where a chip is known to be silent, that is the reason, and waiting for it took the time.
        items = ()
        for sensor in self.sensors:
            items += (sensor.fault or MISSED,) * len(sensor.channels)
        return items

    def _take(self, ticks_us: int, items: tuple) -> None:
        if self._mean is None:
            self._add(ticks_us, items)
        elif self._mean.take(ticks_us, items):
            self._add(self._mean.ticks, self._mean.items)

    def _add(self, ticks_us: int, items: tuple) -> None:
        self._latest_us = max(self._latest_us, ticks_us)  # time never goes back within a block
        if not self._builder.keeps_pace(self._latest_us):
            self._flush()
        if not self._builder.count:
            self._begun_us = self._latest_us
        self._builder.add(self._latest_us, items)

    def _beat(self, within_ms: int = 0) -> None:
        self._heart.beat(GROUPS + self._group, within_ms)

    def _flush_due(self, slot_us: int) -> None:
        if not self._builder.count:
            return
        if self._mean is not None:
            slot_us += (self._mean.left - 1) * self._period_us  # when the next scan is whole
        if self._builder.full or slot_us - self._begun_us > self._report_us:
            self._flush()

    def _flush(self) -> None:
        stream = self.stream
        seq = self._queue.next_seq(stream)
        block = self._builder.encode(self._encoder, self._queue.boot, stream, seq, self._group)
        self._queue.append(stream, seq, block)
        self._builder.clear()
        self._on_record()
