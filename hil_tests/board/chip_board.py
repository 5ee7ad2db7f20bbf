"""The chips, and who talked to them when."""

from __future__ import annotations

import errno
import time
from collections import deque
from collections.abc import Sequence

from hil_tests.board.host import BoardHost
from hil_tests.board.pins import Pins
from hil_tests.board.processor import Message
from hil_tests.board.wiring import ChipAccess, I2cChip, PinChip, Wiring
from hil_tests.chips import Nack

ACCESSES_LIMIT = 20_000  # the oldest are forgotten
_ESP_ETIMEDOUT = 116  # the ESP32's C library counts differently from Linux
_EMPTY_BUS = 0
_CHIP_BUS = 1
_READ_SHIFT = 4


class ChipBoard:
    """I2C transfers go here, pins to `pins`; `accesses` holds the last 20 000 of both."""

    def __init__(
        self, host: BoardHost, wiring: Wiring, i2c_chips: Sequence[I2cChip], pin_chip: PinChip | None
    ) -> None:
        self.accesses: deque[ChipAccess] = deque(maxlen=ACCESSES_LIMIT)
        self.pins = Pins(host, wiring, pin_chip, lambda name: self._log(name, b"", b""))
        self._wiring = wiring
        self._chips = {chip.address: chip for chip in i2c_chips}

    def bus(self, scl: int, sda: int) -> int:
        """The bus on these pins: the one with the chips, or one with nothing on it."""
        return _CHIP_BUS if (scl, sda) == (self._wiring.scl, self._wiring.sda) else _EMPTY_BUS

    def transfer(self, message: Message) -> tuple[int, bytes]:
        """One I2C transfer: (errno or 0, what was read)."""
        count = message.middle >> _READ_SHIFT
        chip = self._chips.get(message.small)
        if chip is None or message.middle & 0x0F == _EMPTY_BUS:
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
                boottime_ns=time.clock_gettime_ns(time.CLOCK_BOOTTIME),
                realtime_ns=time.time_ns(),
                written=written,
                read=read,
            )
        )
