"""Wires from a driver to a chip in the same process: machine.I2C, SPI and Pin without a board."""

from collections.abc import Callable
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


class SpiChip(Protocol):
    """A chip with a select line; `transfer` gives as many octets as it takes."""

    def select(self) -> None: ...
    def transfer(self, data: bytes) -> bytes: ...
    def deselect(self) -> None: ...


class SpiWires:
    """What a driver needs of machine.SPI, with one chip, and the pin that selects it."""

    def __init__(self, chip: SpiChip) -> None:
        self._chip = chip
        self._selected = False
        self.transfers = 0

    def value(self, level: int) -> None:
        """The select pin."""
        if self._selected == (not level):
            return
        self._selected = not level
        if self._selected:
            self._chip.select()
        else:
            self._chip.deselect()

    def write(self, buf: bytes) -> None:
        self.write_readinto(buf, bytearray(len(buf)))

    def write_readinto(self, write_buf: bytes, read_buf: bytearray) -> None:
        self.transfers += 1
        read_buf[:] = self._chip.transfer(bytes(write_buf)) if self._selected else b"\xff" * len(write_buf)


class OneWireChip(Protocol):
    """A chip on a 1-wire bus, slot by slot."""

    def reset(self) -> bool: ...
    def write(self, bit: int) -> None: ...
    def read(self) -> int: ...


class OneWireBus:
    """What a driver needs of onewire.OneWire, with the chips that hang on it."""

    def __init__(self, *chips: OneWireChip, on_slot: Callable[[], None] = lambda: None) -> None:
        self.chips = list(chips)
        self.slots = 0
        self._on_slot = on_slot

    def reset(self) -> bool:
        self._pass_slot()
        return sum(chip.reset() for chip in self.chips) > 0  # each of them has to hear it

    def readbit(self) -> int:
        self._pass_slot()
        return min([chip.read() for chip in self.chips], default=1)

    def readinto(self, buf: bytearray) -> None:
        for at in range(len(buf)):
            buf[at] = sum(self.readbit() << bit for bit in range(8))

    def writebit(self, value: int) -> None:
        self._pass_slot()
        for chip in self.chips:
            chip.write(int(bool(value)))

    def writebyte(self, value: int) -> None:
        for bit in range(8):
            self.writebit(value >> bit & 1)

    def write(self, buf: bytes) -> None:
        for octet in buf:
            self.writebyte(octet)

    def _pass_slot(self) -> None:
        self.slots += 1
        self._on_slot()


class OutputPin:
    """The input pin on a level that a chip shows, such as DRDY."""

    def __init__(self, output: Callable[[], int]) -> None:
        self.value = output


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


class ClockedBySpi:
    """machine.SPI whose data output is an HX711's clock, and whose data input is its data."""

    def __init__(self, chip: HX711Chip) -> None:
        self._chip = chip
        self.transfers = 0

    def write(self, buf: bytes) -> None:
        self.write_readinto(buf, bytearray(len(buf)))

    def write_readinto(self, write_buf: bytes, read_buf: bytearray) -> None:
        self.transfers += 1
        for at, octet in enumerate(bytes(write_buf)):
            read_buf[at] = sum(self._clock(octet >> bit & 1) << bit for bit in range(7, -1, -1))

    def _clock(self, level: int) -> int:
        # At its fastest the bus looks before the chip has answered a rising edge (DS: 0.1 us).
        taken = self._chip.data()
        self._chip.clock(level)
        return taken
