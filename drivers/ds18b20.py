"""Maxim DS18B20: temperature of a probe on a 1-wire bus, with a supply of its own.

DS: Maxim DS18B20 datasheet 19-7487. Parasite power is not supported: such a chip needs a strong
pull-up all through its conversion, and gives plausible wrong numbers where that is weak.
"""

import errno
from binascii import hexlify

from drivers.errors import SensorError
from drivers.one_wire import ROM_OCTETS, Chips, crc8
from wire.compat import const
from wire.faults import ABSENT, BUS, CHECKSUM, OUT_OF_RANGE, RESET_VALUE, WRONG_ID, Fault

FAMILY = const(0x28)

# Commands, DS table 3.
_CONVERT = const(0x44)
_WRITE_SCRATCHPAD = const(0x4E)
_READ_SCRATCHPAD = const(0xBE)
_RECALL = const(0xB8)
_READ_POWER = const(0xB4)

_SCRATCHPAD_OCTETS = const(9)
_TH = const(2)
_TL = const(3)
_CONFIG = const(4)
_RESERVED = const(6)
_CONFIG_ONES = const(0x1F)  # of 0x9F, which are fixed
_POWER_ON = const(0x0550)  # 85 degrees C
_POWER_ON_RESERVED = const(0x0C)

# Bits -> milliseconds of a conversion at most (DS table 2).
BITS = {9: 94, 10: 188, 11: 375, 12: 750}
# A recall from EEPROM takes 10 ms at most; one read slot takes 60 us at least.
RECALL_POLLS = const(200)

_SIXTEENTHS_LEAST = const(-55 * 16)
_SIXTEENTHS_MOST = const(125 * 16)


class DS18B20:
    """One chip of those on a pin: `rom` says which, 8 octets, the family first; without it the only one.

    open(), then start(), wait MEASURE_MS, ready(), read(), and again from start(). Each of them keeps the
    processor busy for 6 to 14 ms, for 1-wire is clocked by software.

    A chip that lost its power shows 85 degrees C until it converts again. open() leaves a mark in the
    alarm register TH, in RAM only, which the EEPROM's value takes the place of at power-on: a scan
    without the mark is RESET_VALUE. So is 85.0 with a reserved octet of 0x0C, with the mark: genuine
    chips leave 0x10 there after a conversion to 85.0, so that number was there before. (Copies with a
    constant 0x0C lose a true 85.0, 1/16 degree wide.) There is no STUCK: the noise is less than a code.
    """

    CHANNELS = (("temperature", "Cel", -2),)
    MEASURE_MS = 750  # with 12 bits

    def __init__(self, chips: Chips, rom: "bytes | None" = None, bits: int = 12) -> None:
        if bits not in BITS:
            raise ValueError("bits " + str(bits) + " are not 9, 10, 11 or 12")
        if rom is not None and (len(rom) != ROM_OCTETS or crc8(rom)):
            raise ValueError("rom " + _hex(rom) + " has a wrong check octet: mistyped")
        self.MEASURE_MS = BITS[bits]
        self._chips = chips
        self._wanted = rom
        self._rom = rom or b""
        self._config = bits - 9 << 5 | _CONFIG_ONES
        self._undefined = (1 << 12 - bits) - 1
        self._alarms = bytearray(2)  # TH, which is the mark, and TL
        self._scratchpad = bytearray(_SCRATCHPAD_OCTETS)

    def open(self) -> None:
        """Find the chip, set its resolution, leave the mark. Busy for 50 ms, and 14 more without `rom`.

        Raises SensorError: ABSENT, WRONG_ID (another family, several chips, a copy without resolution),
        CHECKSUM, or BUS (the line is held low; parasite power).
        """
        try:
            self._rom = self._wanted or self._only_one()
            if self._rom[0] != FAMILY:
                raise SensorError(WRONG_ID, _hex(self._rom) + " is of another family, a DS18B20 is of 28")
            self._recall()
            self._alarms[0] = self._scratchpad[_TH] ^ 0xFF
            self._alarms[1] = self._scratchpad[_TL]
            self._chips.tell(self._rom, _READ_POWER)
            if self._chips.is_busy():
                raise SensorError(BUS, _hex(self._rom) + " has parasite power: connect its VDD")
            self._chips.tell(self._rom, _WRITE_SCRATCHPAD)
            self._chips.write(bytes((self._alarms[0], self._alarms[1], self._config)))
            self._load()
        except OSError as error:
            raise SensorError(ABSENT if error.errno == errno.ENODEV else BUS, str(error)) from None
        self._verify()
        if self._is_reset():
            raise SensorError(WRONG_ID, _hex(self._rom) + " does not keep its settings: a copy of a DS18B20")

    def start(self) -> None:
        """Begin one conversion, and see that it began. Raises OSError."""
        self._chips.tell(self._rom, _CONVERT)
        if not self._chips.is_busy():
            raise OSError(errno.EIO, "no conversion began")

    def ready(self) -> bool:
        """True when the conversion is over; by the time alone where others on the pin were spoken to."""
        return self._chips.spoken_to != self._rom or not self._chips.is_busy()

    def read(self) -> "tuple[int | Fault]":
        """(centi-degrees C,), or a Fault in its place. Raises OSError."""
        self._load()
        octets = self._scratchpad
        if crc8(octets):
            return (CHECKSUM,)
        if self._is_reset():
            return (RESET_VALUE,)
        return (decode(octets, self._undefined),)

    def _only_one(self) -> bytes:
        found = self._chips.search()
        for rom in found:
            if crc8(rom):
                raise SensorError(CHECKSUM, "a rom was read wrong: " + _hex(rom))
        if len(found) > 1:
            names = ", ".join([_hex(rom) for rom in found])
            raise SensorError(WRONG_ID, "several chips, name one by its rom: " + names)
        return found[0]

    def _recall(self) -> None:
        self._chips.tell(self._rom, _RECALL)
        for _ in range(RECALL_POLLS):
            if not self._chips.is_busy():
                break
        self._load()
        self._verify()

    def _load(self) -> None:
        octets = self._scratchpad
        self._chips.tell(self._rom, _READ_SCRATCHPAD)
        self._chips.read(octets)
        # A check octet of ones is never right; nine zeros have a right one.
        ones = 0xFF
        any_bit = 0
        for at in range(_SCRATCHPAD_OCTETS):
            ones &= octets[at]
            any_bit |= octets[at]
        if ones == 0xFF:
            raise OSError(errno.ENODEV, _hex(self._rom) + " does not answer")
        if not any_bit:
            raise OSError(errno.EIO, "the line is held low")

    def _verify(self) -> None:
        if crc8(self._scratchpad):
            raise SensorError(CHECKSUM, _hex(self._rom) + ": scratchpad read wrong")

    def _is_reset(self) -> bool:
        octets = self._scratchpad
        return (
            octets[_TH] != self._alarms[0]
            or octets[_TL] != self._alarms[1]
            or octets[_CONFIG] != self._config
        )


def decode(octets: "bytes | bytearray", undefined: int = 0) -> "int | Fault":
    """Centi-degrees C of a scratchpad; the bits `undefined` of it are noise at this resolution."""
    code = octets[0] | octets[1] << 8
    if code == _POWER_ON and octets[_RESERVED] == _POWER_ON_RESERVED:
        return RESET_VALUE
    code &= ~undefined
    sixteenths = code - 0x10000 if code & 0x8000 else code
    if not _SIXTEENTHS_LEAST <= sixteenths <= _SIXTEENTHS_MOST:
        return OUT_OF_RANGE  # 0x07FF is a genuine chip's word for a conversion that failed
    return sixteenths * 25 + 2 >> 2


def _hex(octets: bytes) -> str:
    return hexlify(octets).decode()
