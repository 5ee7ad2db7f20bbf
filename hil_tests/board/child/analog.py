"""machine.ADC, and the chip's own temperature."""

import link
from pins import number_of

_PINS = (32, 33, 34, 35, 36, 37, 38, 39, 0, 2, 4, 12, 13, 14, 15, 25, 26, 27)
_FULL_UV = (1100000, 1500000, 2200000, 3300000)  # where each attenuation saturates; the last at the supply
_MOST = 4095


class ADC:
    ATTN_0DB = 0
    ATTN_2_5DB = 1
    ATTN_6DB = 2
    ATTN_11DB = 3
    WIDTH_9BIT = 9
    WIDTH_10BIT = 10
    WIDTH_11BIT = 11
    WIDTH_12BIT = 12

    def __init__(self, pin, *, atten=ATTN_0DB):
        self._pin = number_of(pin, -1)
        if self._pin not in _PINS:
            raise ValueError("invalid pin")
        self._width = ADC.WIDTH_12BIT
        self.atten(atten)

    def init(self, *, atten=None):
        if atten is not None:
            self.atten(atten)

    def atten(self, atten):
        if not 0 <= atten < len(_FULL_UV):
            raise ValueError("invalid atten")
        self._full_uv = _FULL_UV[atten]

    def width(self, width):
        self._width = width

    def _code(self):
        return min(_MOST, max(0, link.query("microvolts", self._pin) * _MOST // self._full_uv))

    def read(self):
        return self._code() >> 12 - self._width

    def read_u16(self):
        code = self._code()
        return code << 4 | code >> 8

    def read_uv(self):
        return self._code() * (self._full_uv // 1000) // _MOST * 1000


def raw_temperature():
    """Degrees Fahrenheit, of the ESP32 itself."""
    return link.query("chip_celsius") * 9 // 5 + 32


def mcu_temperature():
    """Degrees Celsius, of all later chips."""
    return link.query("chip_celsius")
