"""The board's console: a cable, a receive ring, Ctrl-C, and the REPL when nothing runs."""

from __future__ import annotations

import threading
from collections.abc import Callable
from enum import Enum, auto
from pathlib import Path
from typing import Protocol

from hil_tests.board.child import codes
from hil_tests.board.counters import Counters
from hil_tests.board.host import Host, Timer
from hil_tests.board.line import PtyLine
from hil_tests.board.pipe import InputPipe
from hil_tests.board.processor import Processor
from hil_tests.board.repl import Repl

RING_OCTETS = 260  # the ESP32 port's stdin ring
INTERRUPT_S = 0.5  # a program that takes no notice of Ctrl-C for so long is ended by force
CTRL_C = 3
Capture = Callable[[str, bytes, int], None]
_STOPPED = b"Traceback (most recent call last):\r\nKeyboardInterrupt: \r\n"


class Life(Protocol):
    """What the console can do to the board."""

    def soft_reset(self) -> None: ...
    def restart_into_repl(self) -> None: ...


class State(Enum):
    """What an octet that arrives meets."""

    OFF = auto()  # nobody
    STARTING = auto()  # the ring; nobody looks at it yet
    BOOT = auto()  # boot.py or main.py
    PROGRAM = auto()  # something the REPL was given
    IDLE = auto()  # the REPL


class Console:
    """Lives in the host's thread. `capture(direction, octets, boottime_ns)`: "up" or "down"."""

    def __init__(self, host: Host, life: Life, counters: Counters, banner: bytes, link: Path | None) -> None:
        self.line = PtyLine(host, self.hear, link)
        self.ring = InputPipe(RING_OCTETS)
        self.capture: Capture | None = None
        self.listening = threading.Event()  # set while somebody is there to hear what is typed
        self._host = host
        self._life = life
        self._counters = counters
        self._repl = Repl(self, banner)
        self._state = State.OFF
        self._processor: Processor | None = None
        self._interrupt_octet = CTRL_C
        self._interrupting: Timer | None = None
        self._held = bytearray()  # arrived after a Ctrl-C that is not yet taken
        self._forced_in: State | None = None  # where a program was ended by force

    @property
    def raw(self) -> bool:
        """Whether the REPL is raw: main.py is then not run after a soft reset."""
        return self._repl.raw

    # The board's life

    def off(self, *, cold: bool) -> None:
        """The processor is gone; `cold`: and with it whatever was typed."""
        self._state = State.OFF if cold else State.STARTING
        self._processor = None
        self.listening.clear()
        self._end_interrupt()
        if cold:
            self._forced_in = None
            self._held.clear()
            self.ring.take_back()
            self._repl.power_on()

    def on(self, processor: Processor) -> None:
        """The processor listens; boot.py is next."""
        self._processor = processor
        self._interrupt_octet = CTRL_C
        self._state = State.BOOT
        self.listening.set()

    # What the processor says

    def say(self, octets: bytes) -> None:
        """Put raw octets on the cable."""
        self._counters.octets_up += len(octets)
        if self.capture is not None:
            self.capture("up", octets, self._host.boottime_ns())
        if self._host.virtual:
            return  # nobody has the cable; who listens has `capture`
        self.line.write(octets)
        self._counters.dropped_up = self.line.dropped

    def say_text(self, text: bytes) -> None:
        """Put text on the cable; a newline there is two octets."""
        self.say(text.replace(b"\n", b"\r\n"))

    def done(self, outcome: int, traceback: bytes) -> None:
        """A program is over, its output said."""
        was, self._state = self._forced_in or self._state, State.IDLE
        forced, self._forced_in = self._forced_in, None
        self._end_interrupt()
        if outcome == codes.SYSTEM_EXIT:
            if was is State.PROGRAM and self.raw:
                self.say(b"\x04\x04")
            self._life.soft_reset()
            self._route(self._take_held())
            return
        text = _STOPPED if forced else traceback.replace(b"\n", b"\r\n")
        if was is State.PROGRAM:
            self._repl.finished(text)
        else:
            self.say(text)
            self._repl.greet()
        self._route(self.ring.take_back() + self._take_held())

    def interrupted(self) -> None:
        """The program has taken note of Ctrl-C."""
        if self._interrupting is not None:
            self._counters.interrupts += 1
            self._end_interrupt()
            self._route(self._take_held())

    def set_interrupt_octet(self, octet: int) -> None:
        self._interrupt_octet = octet

    # What the REPL does

    def execute(self, source: bytes, *, interactive: bool) -> None:
        if self._processor is not None:
            self._state = State.PROGRAM
            self._interrupt_octet = CTRL_C
            self._processor.send(codes.EXECUTE, int(interactive), octets=source)

    def soft_reset(self) -> None:
        self._life.soft_reset()

    # What arrives

    def hear(self, octets: bytes) -> None:
        """Octets come down the cable."""
        self._counters.octets_down += len(octets)
        if self.capture is not None:
            self.capture("down", octets, self._host.boottime_ns())
        self._route(octets)

    def _route(self, octets: bytes) -> None:
        while octets:
            if self._interrupting is not None:
                room = RING_OCTETS - len(self._held)
                self._held += octets[:room]
                self._counters.dropped_down += max(0, len(octets) - room)
                return
            match self._state:
                case State.OFF:
                    self._counters.dropped_down += len(octets)
                    return
                case State.STARTING:
                    self._counters.dropped_down += self.ring.put(octets)
                    return
                case State.IDLE:
                    octets = self._repl.feed(octets)
                case State.BOOT | State.PROGRAM:
                    octets = self._to_program(octets)

    def _to_program(self, octets: bytes) -> bytes:
        at = octets.find(self._interrupt_octet) if self._interrupt_octet >= 0 else -1
        if at < 0:
            self._counters.dropped_down += self.ring.put(octets)
            return b""
        self._counters.dropped_down += self.ring.put(octets[:at])
        self._interrupting = self._host.after(INTERRUPT_S, self._force)
        if self._processor is not None:
            self._processor.send(codes.INTERRUPT)
        return octets[at + 1 :]

    def _force(self) -> None:
        self._counters.killed_by_interrupt += 1
        if self._processor is not None:
            self._processor.drain_text()
        self._forced_in = self._state
        self._life.restart_into_repl()
        self._route(self._take_held())

    def _end_interrupt(self) -> None:
        if self._interrupting is not None:
            self._interrupting.cancel()
            self._interrupting = None

    def _take_held(self) -> bytes:
        held = bytes(self._held)
        self._held.clear()
        return held
