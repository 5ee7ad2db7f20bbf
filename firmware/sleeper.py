"""A node that sleeps: a scan at each wake, the link at every k-th. Loaded where the settings say `sleep`.

A boot goes on over deep sleep, with its number, its ticks and its seqs (firmware.kept, firmware.resume).
"""

import asyncio
import gc

from firmware import board_sleep
from firmware.kept import BEFORE_OCTETS, OVERHEAD_OCTETS, Kept, awake
from firmware.queue import EVENTS
from wire.compat import const
from wire.node_session import UP

WINDOW_MS = const(10000)  # awake after power-on at the least, for a technician's Ctrl-C
LINGER_MS = const(1000)  # all is acknowledged, and the gateway has said nothing more for so long
LOOK_MS = const(100)
EARLY = const(4)  # of a wake's time: who wakes up so little before a scan is due takes it now
SLEEP_LEAST_US = const(100000)  # 0 would be for ever
WAKES_MOST = const(0xFFFF)


class Sleeper:
    """Has the samplers of `parts` (firmware.start) sample, and the board sleep, by `plan` and `boot`."""

    def __init__(self, parts, plan, boot) -> None:
        sleep = plan.sleep
        kept = boot.kept
        self._ticks = parts.ticks
        self._queue = parts.queue
        self._hello = parts.hello
        self._session = parts.session
        self._samplers = parts.samplers
        self._desc = plan.hash
        self._left_records = boot.left_records
        self._wake_us = sleep["wake_ms"] * 1000
        self._send_every = sleep["send_every"]
        self._link_ms = sleep["link_s"] * 1000
        self._fresh = kept is None
        self._wakes = WAKES_MOST if kept is None else min(kept.wakes + 1, WAKES_MOST)
        self._unheard = kept is not None and kept.unheard
        self._awake_until_ms = 0
        self._slot = 0  # number of the latest scan, by the ticks at which it was due
        self._kept = kept
        # What RTC memory has room for; beyond, the queue has flash, or it drops and says so.
        queue = parts.queue
        queue.limit_octets = min(queue.limit_octets, board_sleep.MEMORY_MOST - OVERHEAD_OCTETS)

    async def begin(self, app) -> list:
        """One scan. Does not return unless the link is due; then what is to run beside it.

        `app` is firmware.app.App: what it has to settle is due before each sleep.
        """
        gc.collect()  # of what it began with
        if self._kept is None:
            # What an older boot left there, which a press of EN may spare, is nothing to go on with.
            board_sleep.keep(bytearray(BEFORE_OCTETS))
        else:
            octets = board_sleep.recall()
            self._kept.give(self._queue, octets)
            board_sleep.replace(awake(octets))
            self._kept = octets = None
        await self._sample()
        if not self._is_due():
            self._end(app)
        if self._left_records:
            self._queue.spill().open_flash()
        app.tell_health()
        return [self._contact(app)]

    def awake(self, seconds: int) -> None:
        """Do not sleep for so long, with the link up; 0: sleep as soon as all is acknowledged."""
        self._awake_until_ms = self._ticks.now_ms() + seconds * 1000

    async def _sample(self) -> None:
        self._slot = (self._ticks.now_us() + self._wake_us // EARLY) // self._wake_us
        await asyncio.gather(*[sampler.once() for sampler in self._samplers])

    def _is_due(self) -> bool:
        if self._wakes >= self._send_every or self._hello.trial:
            return True
        queue = self._queue
        fills = queue.dropped or (not queue.place and 4 * queue.octets > 3 * queue.limit_octets)
        # Where nobody was there the last time, nothing is so urgent that it is tried with each wake.
        events = queue.streams.get(EVENTS)
        return bool(fills or (events and len(events.records))) and not self._unheard

    async def _contact(self, app) -> None:
        now_ms = self._ticks.now_ms()
        window_ms = now_ms + (WINDOW_MS if self._fresh else 0)
        end_ms = now_ms + self._link_ms
        while now_ms < end_ms:
            await asyncio.sleep_ms(LOOK_MS)
            now_ms = self._ticks.now_ms()
            if self._next_us() <= now_ms * 1000:
                await self._sample()
            # What is on trial is tried without a sleep in between: the next wake may be a day away.
            if now_ms < self._awake_until_ms or app.orders or self._hello.trial:
                end_ms = now_ms + self._link_ms
            elif now_ms >= window_ms and self._is_done(now_ms):
                break
        self._wakes = 0
        self._unheard = not self._is_done(now_ms)
        self._end(app)

    def _is_done(self, now_ms: int) -> bool:
        session = self._session
        if session.state != UP or now_ms - session.heard_ms < LINGER_MS:
            return False
        return all(first_seq == next_seq for _boot, _stream, first_seq, next_seq in self._queue.held())

    def _next_us(self) -> int:
        return (self._slot + 1) * self._wake_us

    def _end(self, app) -> None:
        gc.collect()  # RTC memory is taken and given as a whole
        app.settle(0)
        kept = Kept(self._queue.boot, self._desc, self._wakes, self._unheard)
        kept.ticks_us = self._ticks.now_us()
        kept.rtc_us = board_sleep.rtc_us()
        kept.sleep_ms = max(self._next_us() - kept.ticks_us, SLEEP_LEAST_US) // 1000
        board_sleep.keep(kept.octets(self._queue))
        board_sleep.deep_sleep(kept.sleep_ms)
