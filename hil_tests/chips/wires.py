"""Wires from a driver to a chip in the same process: machine.I2C and machine.Pin without a board."""

from errno import ENODEV
from typing import Protocol

from hil_tests.chips.hx711 import HX711Chip
from hil_tests.chips.nack import Nack


class I2cChip(Protocol):
    """A chip on a two-wire bus; both methods raise Nack."""

    address: int

    def write(self, data: bytes) -> None: ...
    def read(self, n: int) -> bytes: ...


class Bus:
    """What a driver needs of machine.I2C, with the chips that hang on it."""

    def __init__(self, *chips: I2cChip) -> None:
        self.chips = {chip.address: chip for chip in chips}
        self.transactions = 0

    def writeto(self, addr: int, buf: bytes) -> None:
        try:
            self._chip(addr).write(bytes(buf))
        except Nack:
            raise OSError(ENODEV, "no acknowledge") from None

    def readfrom_into(self, addr: int, buf: bytearray) -> None:
        try:
            buf[:] = self._chip(addr).read(len(buf))
        except Nack:
            raise OSError(ENODEV, "no acknowledge") from None

    def writeto_mem(self, addr: int, memaddr: int, buf: bytes) -> None:
        self.writeto(addr, bytes((memaddr,)) + buf)

    def readfrom_mem_into(self, addr: int, memaddr: int, buf: bytearray) -> None:
        self.writeto(addr, bytes((memaddr,)))
        self.readfrom_into(addr, buf)

    def _chip(self, address: int) -> I2cChip:
        self.transactions += 1
        if address not in self.chips:
            raise OSError(ENODEV, "no acknowledge")
        return self.chips[address]


class ClockPin:
    """The output pin on an HX711's clock."""

    def __init__(self, chip: HX711Chip) -> None:
        self._chip = chip

    def value(self, level: int) -> None:
        self._chip.clock(level)


class DataPin:
    """The input pin on an HX711's data."""

    def __init__(self, chip: HX711Chip) -> None:
        self._chip = chip

    def value(self) -> int:
        return self._chip.data()
