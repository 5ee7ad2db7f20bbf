"""Wires from a driver to a chip in the same process: machine.I2C and machine.Pin without a board."""

from errno import ENODEV

from hil_tests.chips.bme280 import BME280Chip
from hil_tests.chips.hx711 import HX711Chip
from hil_tests.chips.nack import Nack


class Bus:
    """What a driver needs of machine.I2C, with the chips that hang on it."""

    def __init__(self, *chips: BME280Chip) -> None:
        self.chips = {chip.address: chip for chip in chips}
        self.transactions = 0

    def readfrom_mem_into(self, addr: int, memaddr: int, buf: bytearray) -> None:
        chip = self._chip(addr)
        try:
            chip.write(bytes((memaddr,)))
            buf[:] = chip.read(len(buf))
        except Nack:
            raise OSError(ENODEV, "no acknowledge") from None

    def writeto_mem(self, addr: int, memaddr: int, buf: bytes) -> None:
        try:
            self._chip(addr).write(bytes((memaddr,)) + buf)
        except Nack:
            raise OSError(ENODEV, "no acknowledge") from None

    def _chip(self, address: int) -> BME280Chip:
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
