"""The BME280's trim and its floating-point formulas: what the emulated chip believes in.

DS: Bosch BST-BME280-DS002, sections 4.2.2 and 8.1. Shares no code with drivers/, on purpose: the
driver's integer formulas are judged by these.
"""

from dataclasses import astuple, dataclass

LOW = 0x88  # first register of the lower part of the trim
HIGH = 0xE1


@dataclass(frozen=True, slots=True, kw_only=True)
class Trim:
    """One chip's coefficients, under the datasheet's names."""

    t1: int
    t2: int
    t3: int
    p1: int
    p2: int
    p3: int
    p4: int
    p5: int
    p6: int
    p7: int
    p8: int
    p9: int
    h1: int
    h2: int
    h3: int
    h4: int
    h5: int
    h6: int

    def registers(self) -> dict[int, int]:
        """Register -> octet, as the chip's memory holds them."""
        octets: dict[int, int] = {0xA1: self.h1}
        for at, word in enumerate(astuple(self)[:12]):
            octets[LOW + 2 * at] = word & 0xFF
            octets[LOW + 2 * at + 1] = word >> 8 & 0xFF
        octets[0xE1] = self.h2 & 0xFF
        octets[0xE2] = self.h2 >> 8 & 0xFF
        octets[0xE3] = self.h3
        octets[0xE4] = self.h4 >> 4 & 0xFF
        octets[0xE5] = self.h4 & 0x0F | (self.h5 & 0x0F) << 4
        octets[0xE6] = self.h5 >> 4 & 0xFF
        octets[0xE7] = self.h6 & 0xFF
        return octets

    def t_fine(self, adc: float) -> float:
        first = (adc / 16384 - self.t1 / 1024) * self.t2
        return first + (adc / 131072 - self.t1 / 8192) ** 2 * self.t3

    def celsius(self, adc: float) -> float:
        return self.t_fine(adc) / 5120

    def pascal(self, adc: float, t_fine: float) -> float:
        """Raises ZeroDivisionError where the formula does."""
        a = t_fine / 2 - 64000
        b = (a * a * self.p6 / 32768 + a * self.p5 * 2) / 4 + self.p4 * 65536
        a = (self.p3 * a * a / 524288 + self.p2 * a) / 524288
        a = (1 + a / 32768) * self.p1
        p = (1048576 - adc - b / 4096) * 6250 / a
        return p + (self.p9 * p * p / 2147483648 + p * self.p8 / 32768 + self.p7) / 16

    def percent(self, adc: float, t_fine: float) -> float:
        """Not cut off at 0 and 100."""
        v = t_fine - 76800
        slope = 1 + self.h6 / 67108864 * v * (1 + self.h3 / 67108864 * v)
        h = (adc - (self.h4 * 64 + self.h5 / 16384 * v)) * (self.h2 / 65536 * slope)
        return h * (1 - self.h1 * h / 524288)


# Temperature and pressure are the worked example of DS BST-BMP280-DS001, section 3.12; there is
# none for humidity, so those are of a chip as sold.
EXAMPLE = Trim(
    t1=27504,
    t2=26435,
    t3=-1000,
    p1=36477,
    p2=-10685,
    p3=3024,
    p4=2855,
    p5=140,
    p6=-7,
    p7=15500,
    p8=-14600,
    p9=6000,
    h1=75,
    h2=362,
    h3=0,
    h4=311,
    h5=50,
    h6=30,
)
