"""What is soldered to the board: which chips, on which pins."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol


class I2cChip(Protocol):
    """A chip on a two-wire bus; raises hil_tests.chips.Nack where it does not acknowledge."""

    address: int

    def write(self, data: bytes) -> None: ...
    def read(self, n: int) -> bytes: ...


class PinChip(Protocol):
    """A chip with one clock input and one data output."""

    def clock(self, level: int) -> None: ...
    def data(self) -> int: ...


@dataclass(frozen=True, slots=True, kw_only=True)
class Wiring:
    """Pin numbers; the defaults are those of the firmware's settings."""

    scl: int = 22
    sda: int = 21
    clock: int = 18
    data: int = 19
    uarts: tuple[int, ...] = ()
    """UARTs that have a cable of their own: 1, 2 or both."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ChipAccess:
    """One transfer with a chip, with the host's clocks right after it.

    For a PinChip: the first clock pulse of a burst; `written` and `read` are empty.
    """

    chip: str
    boottime_ns: int
    realtime_ns: int
    written: bytes
    read: bytes
