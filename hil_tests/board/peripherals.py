"""What the processor has around it besides pins: RTC, NVS, watchdog, timers, what an ADC measures."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from random import Random
from typing import Any

from hil_tests.board.child import codes
from hil_tests.board.host import Host, Timer
from hil_tests.board.processor import Processor

DIP_SHARE = 0.1  # of the octets in the RTC's RAM that a brown-out changes


class Rtc:
    """Clock and memory that live as long as there is power."""

    def __init__(self, host: Host) -> None:
        self.memory = b""
        self._coming = b""
        self.offset_ns = 0
        self.slow_ppm = 0.0  # how much too fast it is in deep sleep
        self._host = host
        self.power_on()

    def power_on(self) -> None:
        self.memory = b""
        self.offset_ns = self._host.realtime_ns()  # it is 2000-01-01 again

    def dip(self) -> None:
        """What a brown-out leaves: some bits are others, and the clock begins anew."""
        random = Random(len(self.memory))
        self.memory = bytes(
            octet ^ (random.random() < DIP_SHARE) << random.randrange(8) for octet in self.memory
        )
        self.offset_ns = self._host.realtime_ns()

    def asleep_for(self, ms: int) -> float:
        """The seconds until so many milliseconds are over by the slow clock; it then shows that they are."""
        sleep_s = ms / 1000 / (1 + self.slow_ppm / 1e6)
        self.offset_ns -= round((ms / 1000 - sleep_s) * 1e9)
        return sleep_s

    def memory_hex(self, at: int, count: int) -> str:
        """A piece of the memory."""
        return self.memory[at : at + count].hex()

    def store_hex(self, at: int, octets: str, whole: bool) -> None:
        """Take a piece of what the memory is to be; it is, at once, with the last one."""
        self._coming = self._coming[:at] + bytes.fromhex(octets)
        if whole:
            self.memory = self._coming


class Watchdog:
    """Not counted while nobody armed it; a soft reset does not disarm it."""

    def __init__(self, host: Host, on_expiry: Callable[[], None]) -> None:
        self._host = host
        self._on_expiry = on_expiry
        self._timeout_s = 0.0
        self._timer: Timer | None = None

    def arm(self, timeout_s: float) -> None:
        self._timeout_s = timeout_s
        self.feed()

    def feed(self) -> None:
        if self._timer is not None:
            self._timer.cancel()
        if self._timeout_s:
            self._timer = self._host.after(self._timeout_s, self._expire)

    def disarm(self) -> None:
        self._timeout_s = 0.0
        self.feed()

    def _expire(self) -> None:
        self._timer = None
        self._timeout_s = 0.0
        self._on_expiry()


class Timers:
    """machine.Timer 0 to 3 and the virtual one; a reset stops them all."""

    def __init__(self, host: Host) -> None:
        self._host = host
        self._running: dict[int, Timer] = {}

    def set(self, processor: Processor | None, number: int, period_us: int, periodic: int) -> None:
        """Tell the processor after, or every, so many microseconds; 0: no more."""
        if number in self._running:
            self._running.pop(number).cancel()
        if not period_us or processor is None:
            return

        def run_out() -> None:
            del self._running[number]
            processor.send(codes.TIMER, number)
            if periodic:
                self.set(processor, number, period_us, periodic)

        self._running[number] = self._host.after(period_us / 1e6, run_out)

    def stop(self) -> None:
        for timer in self._running.values():
            timer.cancel()
        self._running.clear()


@dataclass(slots=True, kw_only=True)
class Analog:
    """What ADC pins are at, and how warm the chip itself is."""

    microvolts: dict[int, int] = field(default_factory=dict)
    chip_celsius: int = 53


class Nvs:
    """Non-volatile storage: JSON in a file, written by commit."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._values: dict[str, dict[str, Any]] = {}
        self.power_on()

    def power_on(self) -> None:
        """What was not committed is gone."""
        self._values = json.loads(self._path.read_text("utf-8")) if self._path.exists() else {}

    def store(self, namespace: str, key: str, value: int | str) -> None:
        self._values.setdefault(namespace, {})[key] = value

    def fetch(self, namespace: str, key: str, like: int | str) -> int | str:
        """Raises KeyError when there is none of this kind."""
        value: int | str = self._values.get(namespace, {})[key]
        if not isinstance(value, type(like)):
            raise KeyError(key)
        return value

    def erase(self, namespace: str, key: str) -> None:
        """Raises KeyError."""
        del self._values.get(namespace, {})[key]

    def commit(self) -> None:
        beside = self._path.with_suffix(".new")
        beside.write_text(json.dumps(self._values), "utf-8")
        beside.replace(self._path)
