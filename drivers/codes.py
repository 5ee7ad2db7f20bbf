"""What a 24-bit converter's codes mean, and which of them nobody may believe.

A function and no class: each driver keeps two integers, and a node 200 octets.
"""

from wire.faults import SATURATED, STUCK

TYPE_CHECKING = False
if TYPE_CHECKING:
    from wire.faults import Fault

# Noise is tens of counts, so equal codes in a row are a shorted input or a dead converter.
STUCK_CONVERSIONS = 16


def judged(code: int, repeats: int) -> "int | Fault":
    """The count of 24 bits in two's complement, -8388607 to 8388606, or why there is none.

    `repeats` is how often this code came in a row before.
    """
    if code in (0x7FFFFF, 0x800000):
        return SATURATED
    if repeats >= STUCK_CONVERSIONS - 1:
        return STUCK
    return code - 0x1000000 if code & 0x800000 else code
