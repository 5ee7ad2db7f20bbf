"""What makes one board differ from the next."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from hil_tests.board.wifi import AccessPoint
from hil_tests.board.wiring import Chips, Wiring


@dataclass(frozen=True, slots=True, kw_only=True)
class Model:
    """See Board; all of it is fixed for the board's life."""

    uid: bytes
    program: Path
    heap_octets: int
    wiring: Wiring
    chips: Chips
    drift_ppm: int
    first_ticks_us: int
    console_baud: int | None
    link: Path | None
    access_point: AccessPoint | None
