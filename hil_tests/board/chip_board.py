"""The chips, and who talked to them when."""

from __future__ import annotations

import errno
from collections import deque

from hil_tests.board.host import Host
from hil_tests.board.one_wire_bus import OneWireBus
from hil_tests.board.pins import Pins
from hil_tests.board.processor import Message
from hil_tests.board.spi_bus import SpiBus
from hil_tests.board.stuck_bus import StuckBus
from hil_tests.board.supplies import Supplies
from hil_tests.board.wiring import ChipAccess, Chips, Supplied, Wiring
from hil_tests.chips import Nack

ACCESSES_LIMIT = 20_000  # the oldest are forgotten
_ESP_ETIMEDOUT = 116  # the ESP32's C library counts differently from Linux
_EMPTY_BUS = 0
_CHIP_BUS = 1  # clocked by software
_DRIVEN_BUS = 2  # by the ESP32's I2C unit and its driver
_READ_SHIFT = 4
_BUS_MASK = (1 << _READ_SHIFT) - 1
_CLEARING_PULSES = 9  # of ESP-IDF's driver after a time-out


class ChipBoard:
    """I2C transfers go here, all else to `pins`, `spi` and `one_wire`; `accesses` holds the last 20 000."""

    def __init__(self, host: Host, wiring: Wiring, chips: Chips) -> None:
        self.accesses: deque[ChipAccess] = deque(maxlen=ACCESSES_LIMIT)
        self.supplies = Supplies()
        self.pins = Pins(host, wiring, chips, self.supplies, lambda name: self._log(name, b"", b""))
        self.spi = SpiBus(wiring, chips.spi, self.pins, self.supplies, self._log)
        self.pins.on_change.update(dict.fromkeys(chips.spi, self.spi.on_select))
        self.stuck = StuckBus(self.pins, wiring)
        self.one_wire = OneWireBus(wiring.one_wire, chips.one_wire, self.supplies, self._log)
        self._host = host
        self._wiring = wiring
        self._chips = {chip.address: chip for chip in chips.i2c}

    def bus(self, scl: int, sda: int, is_driven: bool) -> int:
        """The bus on these pins: the one with the chips, or one with nothing on it."""
        if (scl, sda) != (self._wiring.scl, self._wiring.sda):
            return _EMPTY_BUS
        return _DRIVEN_BUS if is_driven else _CHIP_BUS

    def cut(self, chip: Supplied) -> None:
        """The chip is without supply; if it held the bus, it does no longer."""
        self.supplies.cut(chip)
        self.stuck.release()

    def transfer(self, message: Message) -> tuple[int, bytes]:
        """One I2C transfer: (errno or 0, what was read)."""
        count = message.middle >> _READ_SHIFT
        bus = message.middle & _BUS_MASK
        if self.stuck.stuck and bus != _EMPTY_BUS:
            if bus == _DRIVEN_BUS:
                self.stuck.clock(_CLEARING_PULSES)
            return _ESP_ETIMEDOUT, bytes(count)
        chip = self._chips.get(message.small)
        if chip is None or bus == _EMPTY_BUS or not self.supplies.reach(chip):
            return errno.ENODEV, bytes(count)
        octets = b""
        try:
            if message.octets or not count:
                chip.write(message.octets)
            if count:
                octets = chip.read(count)
        except Nack:
            return errno.ENODEV, bytes(count)
        except TimeoutError:
            return _ESP_ETIMEDOUT, bytes(count)
        self._log(type(chip).__name__, message.octets, octets)
        return 0, octets

    def _log(self, chip: str, written: bytes, read: bytes) -> None:
        self.accesses.append(
            ChipAccess(
                chip=chip,
                boottime_ns=self._host.boottime_ns(),
                realtime_ns=self._host.realtime_ns(),
                written=written,
                read=read,
            )
        )
