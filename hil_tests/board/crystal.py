"""The clock of one board: what its crystal shows, and in virtual time whom it wakes."""

from __future__ import annotations

from hil_tests.board.child import codes
from hil_tests.board.host import Host, Timer
from hil_tests.board.processor import Processor

_MILLION = 1_000_000
FREE_MOST_US = 1 << 28


class Crystal:
    """Microseconds since a hard reset, from `first_us`, too fast by `drift_ppm`.

    In virtual time the processor asks here for time to pass: `wait`, which something that comes
    meanwhile ends by `wake`.
    """

    def __init__(self, host: Host, first_us: int, drift_ppm: int) -> None:
        self._host = host
        self._first_us = first_us
        self._drift_ppm = drift_ppm
        self._started_us = host.monotonic_us()
        self._told_us = 0  # what the processor believes
        self._waiting: Processor | None = None
        self._waking = False  # it will be answered as soon as nobody else runs
        self._news = False  # something came while nobody waited
        self._alarm: Timer | None = None

    def reset(self) -> None:
        """It begins anew."""
        self._started_us = self._host.monotonic_us()

    def shown_us(self) -> int:
        """What it shows now; the processor is told."""
        elapsed = self._host.monotonic_us() - self._started_us
        self._told_us = self._first_us + elapsed + elapsed * self._drift_ppm // _MILLION
        return self._told_us

    def pass_us(self, us: int) -> None:
        """The processor's own work took so long."""
        self._told_us += us
        self._host.pass_to(self._when(self._told_us))

    def wait(self, processor: Processor, us: int) -> None:
        """Answer when so much time is over (-1: never), or something comes."""
        self._waiting = processor
        if self._news:
            us = 0  # it may have come too late for what the processor looked at
        if us >= 0:
            left_us = self._when(self._told_us + us) - self._host.monotonic_us()
            self._alarm = self._host.after(max(0, left_us) / 1e6, self.wake)

    def wake(self) -> None:
        """Have who waits go on."""
        if self._waiting is None:
            self._news = True
        elif not self._waking:
            self._waking = True
            self._host.when_idle(self._answer)

    def _answer(self) -> None:
        processor = self._waiting
        if processor is None:
            return  # it was reset meanwhile
        self.stop()
        told_us = self._told_us
        free_us = min(self._host.horizon_us() - self._host.monotonic_us(), FREE_MOST_US)
        processor.post(codes.HORIZON, 0, max(0, free_us - 1 + free_us * self._drift_ppm // _MILLION))
        processor.send(codes.VALUE, value=self.shown_us() - told_us)

    def stop(self) -> None:
        """Nobody waits any more."""
        self._waiting = None
        self._waking = False
        self._news = False
        if self._alarm is not None:
            self._alarm.cancel()
            self._alarm = None

    def _when(self, shown_us: int) -> int:
        # Of the moments when it shows this, the first.
        shown = shown_us - self._first_us
        return self._started_us - -shown * _MILLION // (_MILLION + self._drift_ppm)
