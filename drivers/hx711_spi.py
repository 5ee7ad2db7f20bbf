"""The HX711's clock from an SPI bus: hardware that no interrupt stretches, and 60 us a reading.

The bus's data output is the clock of the chip, its data input the chip's data; the bus's own clock is
connected to nothing. Every pulse of the chip is two bits of the bus, a 1 and a 0, and the chip's bit
is there while the 0 goes out. One pulse high is one bit of the bus: 0.2 to 50 us (DS, timing), or
20 kHz to 5 MHz.
"""

from wire.compat import const

TYPE_CHECKING = False
if TYPE_CHECKING:
    from drivers.shapes import SPI

MODE = const(0)  # of SPI: the data output rests low

_DATA_OCTETS = const(6)  # 24 pulses
# Pulses -> what is sent for them; the data output stays at its last bit, a 0.
_SENT = {
    25: b"\xaa\xaa\xaa\xaa\xaa\xaa\x80",
    26: b"\xaa\xaa\xaa\xaa\xaa\xaa\xa0",
    27: b"\xaa\xaa\xaa\xaa\xaa\xaa\xa8",
}
_LOW = b"\x00"


class SpiClock:
    """`value` and `shift` are what drivers.hx711.HX711 takes, on a bus shaped like machine.SPI in mode 0."""

    def __init__(self, spi: "SPI") -> None:
        self._spi = spi
        self._taken = bytearray(_DATA_OCTETS + 1)

    def value(self, level: int) -> None:  # noqa: ARG002 - as a pin has it
        """Rest, low: that is the only level a clock may rest at."""
        self._spi.write(_LOW)

    def shift(self, pulses: int) -> int:
        """Send so many pulses; give the first 24 bits."""
        taken = self._taken
        self._spi.write_readinto(_SENT[pulses], taken)
        code = 0
        for at in range(_DATA_OCTETS):
            octet = taken[at]
            code = code << 4 | octet >> 3 & 8 | octet >> 2 & 4 | octet >> 1 & 2 | octet & 1
        return code
