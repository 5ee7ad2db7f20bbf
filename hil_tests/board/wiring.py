"""What is soldered to the board: which chips, on which pins."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Protocol, runtime_checkable


class I2cChip(Protocol):
    """A chip on a two-wire bus; raises hil_tests.chips.Nack where it does not acknowledge."""

    address: int

    def write(self, data: bytes) -> None: ...
    def read(self, n: int) -> bytes: ...


class PinChip(Protocol):
    """A chip with one clock input and one data output."""

    def clock(self, level: int) -> None: ...
    def data(self) -> int: ...


@runtime_checkable
class ForeseeingChip(PinChip, Protocol):
    """A PinChip that can tell what is to come: its bits then need no question each."""

    def pulse(self, count: int) -> None:
        """So many whole clock pulses, at once."""

    def ahead(self) -> Sequence[int]:
        """The data pin's level after each of the next pulses, if they come at once; 28 at most."""

    def held_us(self) -> int:
        """How long the data pin stays as it is, if no pulse comes."""


class SpiChip(Protocol):
    """A chip with a select line. `mode` is SPI's, 0 to 3; a bus of another mode tells it nothing."""

    mode: int

    def select(self) -> None: ...
    def transfer(self, data: bytes) -> bytes:
        """As many octets as came in."""

    def deselect(self) -> None: ...


class OneWireChip(Protocol):
    """A chip on a 1-wire bus, slot by slot; several on one bus pull it low together."""

    def reset(self) -> bool:
        """Whether it answers with a presence pulse."""

    def write(self, bit: int) -> None: ...
    def read(self) -> int: ...


class Supplied(Protocol):
    """A chip whose supply may fail."""

    def brown_out(self) -> None:
        """It was without supply: everything is as after power-on."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Wiring:
    """Pin numbers; the defaults of `scl` to `data` are those of the firmware's settings."""

    scl: int = 22
    sda: int = 21
    clock: int = 18
    data: int = 19
    sck: int = 14
    mosi: int = 13
    miso: int = 12
    one_wire: int = 4
    uarts: tuple[int, ...] = ()
    """UARTs that have a cable of their own: 1, 2 or both."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Chips:
    """What hangs on the wires."""

    i2c: Sequence[I2cChip] = ()
    pin: PinChip | None = None
    more_pin: Mapping[tuple[int, int], PinChip] = field(default_factory=dict)
    """Further ones by (clock, data): each level is a question of its own, so they are slower."""
    spi: Mapping[int, SpiChip] = field(default_factory=dict)
    """By the pin that selects it."""
    one_wire: Sequence[OneWireChip] = ()
    outputs: Mapping[int, Callable[[], int]] = field(default_factory=dict)
    """Levels that a chip shows on a pin of its own, such as DRDY."""


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
