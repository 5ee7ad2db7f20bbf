"""The 1-wire bus: presence, and slots that any chip can pull low."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from hil_tests.board.supplies import Supplies
from hil_tests.board.wiring import OneWireChip

_OPERATION = 0x03
_BITS_SHIFT = 2
Log = Callable[[str, bytes, bytes], None]


class OneWireBus:
    """Lives in the host's thread. Nothing hangs on any other pin."""

    def __init__(self, pin: int, chips: Sequence[OneWireChip], supplies: Supplies, log: Log) -> None:
        self._pin = pin
        self._chips = chips
        self._supplies = supplies
        self._log = log

    def carry_out(self, pin: int, operation: int, bits: int) -> int:
        """A reset (1: somebody is there), so many read slots (lowest bit first), or write slots."""
        chips = [chip for chip in self._chips if self._supplies.reach(chip)] if pin == self._pin else []
        count = operation >> _BITS_SHIFT
        match operation & _OPERATION:
            case 0:
                answers = [chip.reset() for chip in chips]  # each of them has to hear it
                for chip in chips:
                    self._log(type(chip).__name__, b"", b"")
                return int(any(answers))
            case 1:
                return sum(min([chip.read() for chip in chips], default=1) << at for at in range(count))
            case _:
                for at in range(count):
                    for chip in chips:
                        chip.write(bits >> at & 1)
                return 0
