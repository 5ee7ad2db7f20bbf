"""BME280 trim: each chip's own coefficients, and what they make of raw codes.

DS: Bosch BST-BME280-DS002, sections 4.2.2 (trim registers) and 4.2.3 (compensation).
"""

from struct import unpack_from

from wire.compat import const

LOW_OCTETS = const(26)  # registers 0x88 to 0xA1
HIGH_OCTETS = const(7)  # registers 0xE1 to 0xE7


class Trim:
    """Coefficients from the registers 0x88-0xA1 (`low`) and 0xE1-0xE7 (`high`).

    The formulas are the datasheet's integer ones, 32 bits wide for temperature and humidity and
    64 for pressure, without their clamps at the end. Shifts of negative numbers round down, as
    the datasheet's do. On a 32-bit MicroPython the intermediate values are big integers: slow
    (about ten per reading) and right.
    """

    def __init__(self, low: "bytes | bytearray", high: "bytes | bytearray") -> None:
        self._t = unpack_from("<Hhh", low, 0)
        self._p = unpack_from("<Hhhhhhhhh", low, 6)
        h2, h3 = unpack_from("<hB", high, 0)
        # H4 and H5 are 12 bits wide, signed by their upper octet, and share the octet 0xE5.
        h4 = unpack_from("b", high, 3)[0] << 4 | high[4] & 0x0F
        h5 = unpack_from("b", high, 5)[0] << 4 | high[4] >> 4
        self._h = (low[25], h2, h3, h4, h5, unpack_from("b", high, 6)[0])

    @property
    def blank(self) -> bool:
        """True where no trim stands: a memory that was not copied, or a dead chip."""
        return self._t[0] in (0, 0xFFFF) or self._p[0] in (0, 0xFFFF)

    def t_fine(self, adc: int) -> int:
        """Fine temperature, 1/5120 degree C, of a 20-bit code; the other formulas need it."""
        t1, t2, t3 = self._t
        var1 = ((adc >> 3) - (t1 << 1)) * t2 >> 11
        off = (adc >> 4) - t1
        return int(var1 + ((off * off >> 12) * t3 >> 14))

    def pressure(self, adc: int, t_fine: int) -> "int | None":
        """Pa of a 20-bit code; None where the formula would divide by zero."""
        p1, p2, p3, p4, p5, p6, p7, p8, p9 = self._p
        var1 = t_fine - 128000
        var2 = var1 * var1 * p6 + (var1 * p5 << 17) + (p4 << 35)
        var1 = (var1 * var1 * p3 >> 8) + (var1 * p2 << 12)
        var1 = ((1 << 47) + var1) * p1 >> 33
        if var1 == 0:
            return None
        p = (((1048576 - adc) << 31) - var2) * 3125 // var1
        var1 = p9 * (p >> 13) * (p >> 13) >> 25
        var2 = p8 * p >> 19
        p = (p + var1 + var2 >> 8) + (p7 << 4)
        return int(p + 128 >> 8)  # from 1/256 Pa

    def humidity(self, adc: int, t_fine: int) -> int:
        """Centi-%RH of a 16-bit code, below 0 and above 10000 where the sensor says so."""
        h1, h2, h3, h4, h5, h6 = self._h
        v = t_fine - 76800
        slope = ((v * h6 >> 10) * ((v * h3 >> 11) + 32768) >> 10) + 2097152
        v = ((adc << 14) - (h4 << 20) - h5 * v + 16384 >> 15) * (slope * h2 + 8192 >> 14)
        v -= ((v >> 15) * (v >> 15) >> 7) * h1 >> 4
        return int((v >> 12) * 100 + 512 >> 10)  # from 1/1024 %RH


def centi_celsius(t_fine: int) -> int:
    """Centi-degrees C of a fine temperature."""
    return t_fine * 5 + 128 >> 8
