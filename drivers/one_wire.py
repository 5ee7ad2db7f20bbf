"""The 1-wire bus above its slots: who is there, one chip spoken to at a time, the check octet.

DS: Maxim DS18B20 datasheet 19-7487; AN187 (search), AN27 (check octet).
"""

import errno

from wire.compat import const

TYPE_CHECKING = False
if TYPE_CHECKING:
    from drivers.shapes import OneWire

_SEARCH_ROM = const(0xF0)
_MATCH_ROM = const(0x55)
_CRC_POLYNOMIAL = const(0x8C)  # x^8 + x^5 + x^4 + 1, lowest bit first
ROM_OCTETS = const(8)  # family, serial number, check octet
FOUND_MOST = const(8)  # a round of the search keeps the processor busy for 14 ms


class Chips:
    """All chips on one pin. Several drivers share it; `spoken_to` is the ROM of the one who was last."""

    def __init__(self, bus: "OneWire") -> None:
        self._bus = bus
        self.spoken_to = b""

    def tell(self, rom: bytes, command: int) -> None:
        """Give one chip a command; its octets or slots may follow. Raises OSError without presence."""
        self._reset()
        self._bus.writebyte(_MATCH_ROM)
        self._bus.write(rom)
        self._bus.writebyte(command)
        self.spoken_to = rom

    def read(self, into: bytearray) -> None:
        """Octets of the chip that is spoken to; ones where it is not there."""
        self._bus.readinto(into)

    def write(self, octets: bytes) -> None:
        """Octets to the chip that is spoken to."""
        self._bus.write(octets)

    def is_busy(self) -> bool:
        """Whether the chip that is spoken to answers a read slot with 0."""
        return not self._bus.readbit()

    def search(self) -> "list[bytes]":
        """The ROMs of at most FOUND_MOST chips. Raises OSError without presence."""
        found: list[bytes] = []
        rom = bytearray(ROM_OCTETS)
        branch = -1
        while len(found) < FOUND_MOST:
            branch = self._walk(rom, branch)
            found.append(bytes(rom))
            if branch < 0:
                break
        return found

    def _walk(self, rom: bytearray, branch: int) -> int:
        # One way through the tree of ROMs: as the last one up to `branch`, which turns from 0 to 1, and
        # 0 wherever there is a choice behind it. Gives the last such choice, or -1: nobody is left.
        bus = self._bus
        self._reset()
        bus.writebyte(_SEARCH_ROM)
        self.spoken_to = b""
        choice = -1
        for at in range(8 * ROM_OCTETS):
            octet, mask = at >> 3, 1 << (at & 7)
            zeros, ones = not bus.readbit(), not bus.readbit()
            if not zeros and not ones:
                raise OSError(errno.EIO, "nobody answers at bit " + str(at))
            if zeros and ones:
                bit = rom[octet] & mask != 0 if at < branch else at == branch
                if not bit:
                    choice = at
            else:
                bit = ones
            rom[octet] = rom[octet] | mask if bit else rom[octet] & ~mask
            bus.writebit(bit)
        if not any(rom):
            raise OSError(errno.EIO, "the line is held low")
        return choice

    def _reset(self) -> None:
        if not self._bus.reset():
            raise OSError(errno.ENODEV, "no presence on the bus")


def crc8(octets: "bytes | bytearray") -> int:
    """The check octet of these; over octets with their true check octet behind them it is 0."""
    crc = 0
    for octet in octets:
        crc ^= octet
        for _ in range(8):
            crc = crc >> 1 ^ _CRC_POLYNOMIAL if crc & 1 else crc >> 1
    return crc
