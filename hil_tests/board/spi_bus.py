"""The SPI buses that the firmware opens: octets out and in, to whom the select pins say."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from hil_tests.board.pins import Pins
from hil_tests.board.supplies import Supplies
from hil_tests.board.wiring import SpiChip, Wiring

_FLOATING = 0xFF  # what a data line shows that nobody drives
Log = Callable[[str, bytes, bytes], None]


class SpiBus:
    """Lives in the host's thread. Selecting goes by the pins' levels, as told by `on_select`."""

    def __init__(
        self, wiring: Wiring, chips: Mapping[int, SpiChip], pins: Pins, supplies: Supplies, log: Log
    ) -> None:
        self._wiring = wiring
        self._chips = chips
        self._pins = pins
        self._supplies = supplies
        self._log = log
        self._selected: list[SpiChip] = []
        self._opened: list[tuple[int, int, int, int]] = []

    def open(self, *bus: int) -> int:
        """The number of a bus of (sck, mosi, miso, mode), for `transfer`."""
        sck, mosi, miso, mode = bus
        if (sck, mosi, miso, mode) not in self._opened:
            self._opened.append((sck, mosi, miso, mode))
        return self._opened.index((sck, mosi, miso, mode))

    def on_select(self, pin: int, level: int) -> None:
        """A select pin has changed."""
        chip = self._chips[pin]
        if level and chip in self._selected:
            self._selected.remove(chip)
            chip.deselect()
        elif not level and chip not in self._selected and self._supplies.reach(chip):
            self._selected.append(chip)
            chip.select()

    def transfer(self, number: int, octets: bytes) -> bytes:
        """What comes in while these go out."""
        sck, mosi, miso, mode = self._opened[number]
        wiring = self._wiring
        if self._pins.clocked_by(mosi, miso):
            return self._clock_out(mosi, miso, octets)
        answer = bytes((_FLOATING,)) * len(octets)
        if (sck, mosi) != (wiring.sck, wiring.mosi):
            return answer
        for chip in self._selected:
            if chip.mode != mode or not self._supplies.reach(chip):
                continue
            said = chip.transfer(octets)
            self._log(type(chip).__name__, octets, said)
            if miso == wiring.miso:  # two that talk at a time spoil both
                answer = bytes(a & b for a, b in zip(answer, said, strict=True))
        return answer

    def _clock_out(self, mosi: int, miso: int, octets: bytes) -> bytes:
        # MOSI is some chip's clock and MISO its data: the way to read an HX711 by SPI.
        answer = bytearray()
        for octet in octets:
            taken = 0
            for at in range(7, -1, -1):
                self._pins.drive(mosi, octet >> at & 1)
                taken = taken << 1 | self._pins.sense(miso)
            answer.append(taken)
        return bytes(answer)
