"""What makes one board differ from the next."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from hil_tests.board.wiring import I2cChip, PinChip, Wiring


@dataclass(frozen=True, slots=True, kw_only=True)
class Model:
    """See Board; all of it is fixed for the board's life."""

    uid: bytes
    program: Path
    heap_octets: int
    wiring: Wiring
    i2c_chips: Sequence[I2cChip]
    pin_chip: PinChip | None
    drift_ppm: int
    first_ticks_us: int
    console_baud: int | None
    link: Path | None
