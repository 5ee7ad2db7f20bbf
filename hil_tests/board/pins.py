"""The board's pins: who drives each, what it shows, and the chip that is clocked by one."""

from __future__ import annotations

from collections.abc import Callable
from random import Random

from hil_tests.board.child import codes
from hil_tests.board.host import Host, Timer
from hil_tests.board.processor import Processor
from hil_tests.board.supplies import Supplies
from hil_tests.board.wiring import Chips, ForeseeingChip, PinChip, Wiring

READING_PULSES = 25  # the least that end one reading of a clocked chip
READING_GAP_US = 1_000  # clock pulses further apart may belong to different readings
ABANDONED_US = 50_000  # nobody takes so long over one reading
EDGE_POLL_S = 0.002  # how often a chip's output is looked at while an interrupt waits for it
HELD_MOST_US = 100_000_000
_OPEN_DRAIN = 7
_PULL_DOWN, _PULL_UP = 1, 2
_PULL_SHIFT = 4


class Pins:
    """Levels by pin number. `outputs` are what chips show; else a pin shows who drives it from outside,
    then the processor, then its pull-up. One of `off_wires` shows its pull, or noise.
    """

    def __init__(
        self,
        host: Host,
        wiring: Wiring,
        chips: Chips,
        supplies: Supplies,
        log: Callable[[str], None],
    ) -> None:
        self.off_wires: set[int] = set()
        self._noise = Random(0)
        self.on_change: dict[int, Callable[[int, int], None]] = {}  # pin -> call(pin, level)
        self._host = host
        chip = self._chip = chips.pin
        self._foreseeing = chip if isinstance(chip, ForeseeingChip) else None
        self._clock = wiring.clock if chip else -1
        self._supplies = supplies
        self._log = log
        self._outputs = dict(chips.outputs)
        if chip is not None:
            self._outputs[wiring.data] = lambda: chip.data() if supplies.reach(chip) else 1
        self._data = wiring.data if chip else -1
        for (clock, data), another in chips.more_pin.items():
            self._connect(clock, data, another)
        self._driven: dict[int, int] = {}  # by the processor
        self._outside: dict[int, int] = {}
        self._modes: dict[int, int] = {}
        self._seen: dict[int, int] = {}  # the level when an interrupt last looked
        self._edges: dict[int, int] = {}  # pin -> edges wanted
        self._pulsed_us = 0
        self._pulses = 0
        self._processor: Processor | None = None
        self._polling: Timer | None = None

    def _connect(self, clock: int, data: int, chip: PinChip) -> None:
        reach = self._supplies.reach
        self._outputs[data] = lambda: chip.data() if reach(chip) else 1
        self.on_change[clock] = lambda _, level: chip.clock(level) if reach(chip) else None

    def off(self) -> None:
        """The processor drives nothing any more."""
        self._processor = None
        self._edges.clear()
        self._modes.clear()
        for pin in list(self._driven):
            del self._driven[pin]
            if pin in self.on_change:
                self.on_change[pin](pin, 1)
        if self._polling is not None:
            self._polling.cancel()
            self._polling = None

    def clocked_by(self, clock: int, data: int) -> bool:
        """Whether these are the pins of the clocked chip."""
        return self._chip is not None and (clock, data) == (self._clock, self._data)

    def set_mode(self, pin: int, mode: int) -> None:
        """The processor has set up a pin: see child/pins.py."""
        self._modes[pin] = mode

    def sense(self, pin: int) -> int:
        if pin in self.off_wires:
            pull = self._modes.get(pin, 0) >> _PULL_SHIFT
            return int(pull == _PULL_UP) if pull in {_PULL_DOWN, _PULL_UP} else self._noise.getrandbits(1)
        if pin in self._outputs:
            return self._outputs[pin]()
        if pin in self._outside:
            return self._outside[pin]
        mode = self._modes.get(pin, 0)
        pulled = int(mode >> _PULL_SHIFT == _PULL_UP or mode & 0x0F == _OPEN_DRAIN)
        return self._driven.get(pin, pulled)

    def foretell(self, processor: Processor, pin: int) -> None:
        """Say with the level of a chip's data pin what it will be after the next pulses."""
        chip = self._foreseeing
        if pin != self._data or pin in self.off_wires or chip is None or not self._supplies.reach(chip):
            return
        if self._driven.get(self._clock, 0) or self._edges.keys() & {self._data, self._clock}:
            return
        levels = chip.ahead()
        if levels:
            bits = 1
            for level in levels:
                bits = bits << 1 | level
            processor.post(codes.PIN_AHEAD, self._clock, bits)
        elif self._host.virtual:
            processor.post(codes.PIN_HELD, 0, min(chip.held_us(), HELD_MOST_US))

    def pulse(self, pulses: int, level: int) -> None:
        """The processor has clocked the chip so often; the clock is at `level` at last."""
        chip = self._foreseeing
        assert chip is not None
        self._count_pulses(pulses)
        whole = pulses if not level else pulses - 1
        if whole:
            chip.pulse(whole)
        if level:
            chip.clock(1)
        self._driven[self._clock] = level

    def drive(self, pin: int, level: int) -> None:
        """The processor drives a pin."""
        before = self._driven.get(pin)
        self._driven[pin] = level
        if level == before:
            return
        if pin == self._clock and self._chip is not None:
            if level:
                self._count_pulses(1)
            if self._supplies.reach(self._chip):
                self._chip.clock(level)
        if pin in self.on_change:
            self.on_change[pin](pin, level)
        self._look(pin)

    def held_low(self, pin: int) -> bool:
        """Whether somebody outside does."""
        return self._outside.get(pin) == 0

    def drive_from_outside(self, pin: int, level: int | None) -> None:
        """Somebody else does, such as a button; None: no longer."""
        if level is None:
            self._outside.pop(pin, None)
        else:
            self._outside[pin] = level
        self._look(pin)

    def watch(self, processor: Processor, pin: int, edges: int) -> None:
        """Tell the processor of these edges of a pin."""
        self._processor = processor
        if edges:
            self._edges[pin] = edges
        else:
            self._edges.pop(pin, None)
        self._seen[pin] = self.sense(pin)
        if self._polling is None:
            self._poll_chips()

    def _count_pulses(self, count: int) -> None:
        now = self._host.monotonic_us()
        gap = now - self._pulsed_us
        if gap > ABANDONED_US or (self._pulses >= READING_PULSES and gap > READING_GAP_US):
            self._pulses = 0
        if not self._pulses:
            self._log(type(self._chip).__name__)
        self._pulses += count
        self._pulsed_us = now

    def _poll_chips(self) -> None:
        self._polling = None
        watched = [pin for pin in self._edges if pin in self._outputs]
        for pin in watched:
            self._look(pin)
        if watched:
            self._polling = self._host.after(self._until_next(watched), self._poll_chips)

    def _until_next(self, watched: list[int]) -> float:
        chip = self._foreseeing
        if watched == [self._data] and chip is not None:
            return max(EDGE_POLL_S, chip.held_us() / 1e6)
        return EDGE_POLL_S

    def _look(self, pin: int) -> None:
        if pin not in self._edges:
            return
        before, level = self._seen[pin], self.sense(pin)
        self._seen[pin] = level
        wanted = codes.IRQ_RISING if level > before else codes.IRQ_FALLING
        if level != before and self._processor is not None and self._edges[pin] & wanted:
            self._processor.send(codes.PIN_EDGE, pin, level)
