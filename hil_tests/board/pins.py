"""The board's pins, and the chip that hangs on two of them."""

from __future__ import annotations

import time
from collections.abc import Callable

from hil_tests.board.child import codes
from hil_tests.board.host import BoardHost, Timer
from hil_tests.board.processor import Processor
from hil_tests.board.wiring import PinChip, Wiring

READING_PULSES = 25  # the least that end one reading of a clocked chip
READING_GAP_NS = 1_000_000  # clock pulses further apart may belong to different readings
ABANDONED_NS = 50_000_000  # nobody takes so long over one reading
EDGE_POLL_S = 0.002  # how often a chip's output is looked at while an interrupt waits for it


class Pins:
    """Levels by pin number. A chip's output shows the chip, any other pin what drove it last."""

    def __init__(
        self, host: BoardHost, wiring: Wiring, chip: PinChip | None, log: Callable[[str], None]
    ) -> None:
        self._host = host
        self._clock = wiring.clock if chip else -1
        self._data = wiring.data if chip else -1
        self._chip = chip
        self._log = log
        self._levels: dict[int, int] = {}
        self._edges: dict[int, int] = {}  # pin -> edges wanted
        self._pulsed_ns = 0
        self._pulses = 0
        self._processor: Processor | None = None
        self._polling: Timer | None = None

    def off(self) -> None:
        """The processor drives nothing any more."""
        self._processor = None
        self._edges.clear()
        if self._polling is not None:
            self._polling.cancel()
            self._polling = None

    def sense(self, pin: int) -> int:
        if pin == self._data and self._chip is not None:
            return self._chip.data()
        return self._levels.get(pin, 0)

    def drive(self, pin: int, level: int) -> None:
        """The processor, or somebody outside, drives a pin."""
        before = self._levels.get(pin, 0)
        self._levels[pin] = level
        if pin == self._clock and self._chip is not None:
            if level and not before:
                self._count_pulse(type(self._chip).__name__)
            self._chip.clock(level)
        self._tell_edge(pin, before, level)

    def watch(self, processor: Processor, pin: int, edges: int) -> None:
        """Tell the processor of these edges of a pin."""
        self._processor = processor
        if edges:
            self._edges[pin] = edges
        else:
            self._edges.pop(pin, None)
        self._levels[pin] = self.sense(pin)
        if self._data in self._edges and self._polling is None:
            self._polling = self._host.after(EDGE_POLL_S, self._poll_chip)

    def _count_pulse(self, chip: str) -> None:
        now = time.monotonic_ns()
        gap = now - self._pulsed_ns
        if gap > ABANDONED_NS or (self._pulses >= READING_PULSES and gap > READING_GAP_NS):
            self._pulses = 0
        if not self._pulses:
            self._log(chip)
        self._pulses += 1
        self._pulsed_ns = now

    def _poll_chip(self) -> None:
        self._polling = None
        if self._data in self._edges:
            before, level = self._levels[self._data], self.sense(self._data)
            self._levels[self._data] = level
            self._tell_edge(self._data, before, level)
            self._polling = self._host.after(EDGE_POLL_S, self._poll_chip)

    def _tell_edge(self, pin: int, before: int, level: int) -> None:
        wanted = codes.IRQ_RISING if level > before else codes.IRQ_FALLING
        if level != before and self._processor is not None and self._edges.get(pin, 0) & wanted:
            self._processor.send(codes.PIN_EDGE, pin, level)
