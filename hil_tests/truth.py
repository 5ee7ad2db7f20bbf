"""What the emulated chips say for themselves: when they were asked for a sample, and what there was."""

from __future__ import annotations

import time
from copy import copy
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable

    from hil_tests.board import Board
    from hil_tests.chips import Load

CTRL_MEAS = 0xF4  # DS: Bosch BST-BME280-DS002, section 5.4.5
_MODE = 0x03
_FORCED = (0x01, 0x02)


@dataclass(frozen=True, slots=True, kw_only=True)
class Sample:
    """One conversion: when it began, or for the HX711 when its end was seen; host's UTC."""

    utc_ns: int
    value: float


class Truth:
    """Follows one board's chips from when it is made. Make it before the board starts."""

    def __init__(self, board: Board) -> None:
        self._board = board
        self._air: list[Sample] = [Sample(utc_ns=0, value=board.air.temperature)]
        self._loads: list[Sample] = []
        board.hx711.on_sample(self._on_load)

    def set_temperature(self, celsius: float) -> None:
        """The air changes now."""
        self._board.air.temperature = celsius
        self._air.append(Sample(utc_ns=time.time_ns(), value=celsius))

    def temperatures(self) -> list[Sample]:
        """The air's temperature at each beginning of a conversion, as the bus saw it begin."""
        return [
            Sample(utc_ns=access.realtime_ns, value=self._air_at(access.realtime_ns))
            for access in self._board.accesses
            if access.written[:1] == bytes([CTRL_MEAS]) and access.written[1] & _MODE in _FORCED
        ]

    def loads(self) -> list[Sample]:
        """Kilograms, at the moments when somebody first saw that a conversion was over."""
        return copy(self._loads)

    def _air_at(self, utc_ns: int) -> float:
        return [change.value for change in self._air if change.utc_ns <= utc_ns][-1]

    def _on_load(self, load: Load) -> None:
        self._loads.append(Sample(utc_ns=time.time_ns(), value=load.kilograms))


def nearest(samples: Iterable[Sample], utc_ns: int) -> Sample:
    """The sample nearest in time; there must be one."""
    return min(samples, key=lambda sample: abs(sample.utc_ns - utc_ns))
