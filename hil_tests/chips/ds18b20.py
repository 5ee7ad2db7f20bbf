"""A DS18B20 at the level of its time slots (DS: Maxim DS18B20 datasheet 19-7487).

Not modelled: alarms, the voltage on the line.
"""

from collections.abc import Callable
from copy import copy
from itertools import count

from hil_tests.chips.world import Air, Clock

_SEARCH, _MATCH, _SKIP, _READ_ROM = 0xF0, 0x55, 0xCC, 0x33
_CONVERT, _WRITE, _READ, _COPY, _RECALL, _POWER = 0x44, 0x4E, 0xBE, 0x48, 0xB8, 0xB4
_CONVERSION_US = 610_000  # with 12 bits; the datasheet's limit is 750 ms
_RECALL_US = 1_000
_DEAF = -1
_serials = count(1)


def check(octets: bytes) -> int:
    """CRC-8 by the shift register of the datasheet's figure 11: stages of one bit each."""
    stages = [0] * 8
    for octet in octets:
        for at in range(8):
            feedback = (octet >> at & 1) ^ stages[0]
            stages = [*stages[1:], feedback]
            stages[3] ^= feedback
            stages[2] ^= feedback
    return sum(stage << at for at, stage in enumerate(stages))


def rom_of(serial: int, family: int = 0x28) -> bytes:
    """Family, serial number, check octet."""
    octets = bytes((family,)) + serial.to_bytes(6, "little")
    return octets + bytes((check(octets),))


class DS18B20Chip:
    """One chip in `air` on a 1-wire bus, on a `clock` in microseconds.

    A conversion takes the temperature as it is when it begins; `on_sample` callbacks get a copy of the air.

    Switches for tests: `gone` (the probe is cut off), `shorted` (its line is at ground), `parasite` (its VDD
    is not connected), `deaf` (it begins no conversion), `conversion_us`, `flipped` (this bit of a scratchpad
    arrives wrong), `fails` (a conversion ends with 0x07FF), `copy` (not a genuine chip: its resolution is
    fixed and a reserved octet stays 0x0C), `barren` (a conversion ends and leaves no result), `brown_out()`.
    """

    def __init__(
        self, air: Air, clock: Clock, *, rom: bytes | None = None, th: int = 0x4B, tl: int = 0x46
    ) -> None:
        self.air = air
        self.rom = rom or rom_of(0x1500_0000 + next(_serials))
        self.gone = False
        self.shorted = False
        self.parasite = False
        self.deaf = False
        self.fails = False
        self.copy = False
        self.barren = False
        self.flipped: int | None = None
        self.conversion_us = _CONVERSION_US
        self._half = False  # of a bit in a search: the complement comes next
        self._clock = clock
        self._callbacks: list[Callable[[Air], None]] = []
        self._eeprom = bytes((th, tl, 0x7F))
        self._scratchpad = bytearray(8)
        self.brown_out()

    def on_sample(self, callback: Callable[[Air], None]) -> None:
        """Have `callback` told the air of every conversion, when it begins."""
        self._callbacks.append(callback)

    def brown_out(self, *, keeps_settings: bool = False) -> None:
        """Lose the supply for a moment: 85 degrees, settings from EEPROM, nobody is told."""
        kept = bytes(self._scratchpad[2:5]) if keeps_settings else self._eeprom
        self._scratchpad = bytearray(b"\x50\x05" + kept + b"\xff\x0c\x10")
        self._due_us: int | None = None  # when a conversion, or a recall, will be over
        self._code: int | None = None
        self._listen(_DEAF)

    def reset(self) -> bool:
        if self.gone:
            return False
        self._listen(0)
        return True

    def write(self, bit: int) -> None:
        """One write slot."""
        self._live()
        if self._step == _DEAF or self.gone:
            return
        if self._searching:
            self._searched(bit)
            return
        self._taken.append(bit)
        if len(self._taken) % 8 == 0:
            octets = _octets(self._taken)
            if self._step == 0:
                self._obey_rom(octets)
            else:
                self._obey(octets)

    def read(self) -> int:
        """One read slot: 1 where nobody pulls the line low."""
        self._live()
        if self.shorted:
            return 0
        if self.gone or self._step == _DEAF:
            return 1
        if self._searching:
            mine = self.rom[self._bit // 8] >> self._bit % 8 & 1
            self._half = not self._half
            return mine if self._half else 1 - mine
        if self._answer:
            return self._answer.pop(0)
        return int(self._due_us is None or self.parasite)

    def _listen(self, step: int) -> None:
        self._step = step  # 0: a ROM command is awaited, 1: a function command
        self._taken: list[int] = []
        self._answer: list[int] = []
        self._searching = False
        self._bit = 0
        self._half = False

    def _searched(self, bit: int) -> None:
        if bit != self.rom[self._bit // 8] >> self._bit % 8 & 1:
            self._listen(_DEAF)
            return
        self._bit += 1
        if self._bit == 64:
            self._listen(_DEAF)

    def _obey_rom(self, octets: bytes) -> None:
        if octets[0] == _SEARCH:
            self._searching = True
        elif octets[0] == _SKIP:
            self._listen(1)
        elif octets[0] == _READ_ROM:
            self._answer = _bits(self.rom)
        elif octets[0] == _MATCH and len(octets) == 9:
            self._listen(1 if octets[1:] == self.rom else _DEAF)

    def _obey(self, octets: bytes) -> None:
        command = octets[0]
        if command == _CONVERT and not self.deaf:
            self._begin()
        elif command == _READ:
            self._answer = self._said()
        elif command == _POWER:
            self._answer = [int(not self.parasite)]
        elif command == _RECALL:
            self._scratchpad[2:5] = self._eeprom
            self._due_us = self._clock() + _RECALL_US
        elif command == _COPY:
            self._eeprom = bytes(self._scratchpad[2:5])
        elif command == _WRITE and len(octets) == 4:
            config = 0x7F if self.copy else octets[3] & 0x60 | 0x1F
            self._scratchpad[2:5] = bytes((octets[1], octets[2], config))

    def _said(self) -> list[int]:
        octets = bytes(self._scratchpad)
        bits = _bits(octets + bytes((check(octets),)))
        if self.flipped is not None:
            bits[self.flipped] ^= 1
        return bits

    def _begin(self) -> None:
        dropped = 3 - (self._scratchpad[4] >> 5 & 3)
        self._due_us = self._clock() + (self.conversion_us >> dropped)
        sixteenths = max(-0x8000, min(0x7FFF, round(self.air.temperature * 16)))
        self._code = 0x07FF if self.fails else sixteenths >> dropped << dropped & 0xFFFF
        for callback in self._callbacks:
            callback(copy(self.air))

    def _live(self) -> None:
        if self._due_us is None or self._clock() < self._due_us:
            return
        self._due_us = None
        if self._code is not None and not self.barren:
            self._scratchpad[0:2] = self._code.to_bytes(2, "little")
            if not self.copy:
                self._scratchpad[6] = 0x10 - (self._code & 0x0F)
            self._code = None


def _bits(octets: bytes) -> list[int]:
    return [octet >> at & 1 for octet in octets for at in range(8)]


def _octets(bits: list[int]) -> bytes:
    return bytes(
        sum(bit << at for at, bit in enumerate(bits[first : first + 8])) for first in range(0, len(bits), 8)
    )
