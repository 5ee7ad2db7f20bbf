"""What a 24-bit converter's codes mean, and which of them nobody may believe."""

from wire.compat import const
from wire.faults import SATURATED, STUCK, Fault

_SIGN = const(0x800000)
_MODULUS = const(0x1000000)
_MOST = const(0x7FFFFF)
# Noise is tens of counts, so equal codes in a row are a shorted input or a dead converter.
STUCK_CONVERSIONS = const(16)


class Codes:
    """Judges the codes of one input, one by one: 24 bits, two's complement, an end code on each side."""

    def __init__(self) -> None:
        self._last = 0
        self._repeats = 0

    def judged(self, code: int) -> "int | Fault":
        """The count, -8388607 to 8388606, or why there is none. Give it every code in turn."""
        self._repeats = self._repeats + 1 if code == self._last else 0
        self._last = code
        if code in (_MOST, _SIGN):
            return SATURATED
        if self._repeats >= STUCK_CONVERSIONS - 1:
            return STUCK
        return code - _MODULUS if code & _SIGN else code
