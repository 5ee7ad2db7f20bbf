"""Sensirion SHT4x (SHT40, 41, 43, 45): temperature and humidity of air, one conversion at a time.

DS: Sensirion SHT4x datasheet, version 6. The chip keeps no settings, so a loss of its supply changes no
reading: it costs the one conversion that it hit, whose answer is then not acknowledged.
"""

from drivers.errors import SensorError
from wire.compat import const
from wire.faults import ABSENT, CHECKSUM, OUT_OF_RANGE, RESET_VALUE, STUCK, WRONG_ID, Fault

TYPE_CHECKING = False
if TYPE_CHECKING:
    from drivers.shapes import I2C

# Repeatability -> command, and milliseconds that a conversion takes at most (DS tables 5 and 8).
PRECISIONS = {"high": (b"\xfd", 9), "medium": (b"\xf6", 5), "low": (b"\xe0", 2)}
_SERIAL = b"\x89"
_SOFT_RESET = b"\x94"  # ends a conversion or a pulse of the heater
_CRC_POLYNOMIAL = const(0x31)  # DS 4.4: initial value 0xFF, no final XOR

# A chip in a conversion acknowledges nothing for up to 8.3 ms, after a reset for 1 ms; a try takes
# 0.02 ms at 400 kHz, and 0.1 ms at the 100 kHz that is the default.
OPEN_TRIES = const(500)
_FRAME_OCTETS = const(6)  # two words, each with its check octet
_DAMAGED = const(0x8000)  # both words: the chip's own sign that electrostatic discharge hit it

_CENTI_C_LEAST = const(-4000)
_CENTI_C_MOST = const(12500)
# The formula spans -6 to 119 %RH and the datasheet advises to crop to 0 to 100 (DS 4.6). Cropped
# readings have a false mean in fog, and faults would hide every foggy night, though the chip is
# right within its tolerance: so that tolerance is granted, and what lies beyond it is no humidity.
_CENTI_RH_LEAST = const(-300)
_CENTI_RH_MOST = const(10300)
# Noise of a conversion is several codes in each word, so equal frames in a row are a hung chip.
STUCK_FRAMES = const(16)


class SHT4x:
    """One chip on any bus shaped like machine.I2C, at 0x44, 0x45 or 0x46.

    open(), then start(), wait MEASURE_MS, read(), and again from start(). The chip has no status:
    it does not acknowledge a read that comes too soon. A wrong check octet costs its own channel only.
    """

    CHANNELS = (("air_temperature", "Cel", -2), ("relative_humidity", "%RH", -2))
    MEASURE_MS = 9  # with precision "high"

    def __init__(self, i2c: "I2C", address: int = 0x44, precision: str = "high") -> None:
        if precision not in PRECISIONS:
            raise ValueError("precision " + precision + " is not high, medium or low")
        self._command, self.MEASURE_MS = PRECISIONS[precision]
        self._i2c = i2c
        self._address = address
        self._frame = bytearray(_FRAME_OCTETS)
        self._last = bytearray(_FRAME_OCTETS)
        self._repeats = 0

    def open(self) -> None:
        """Reset, and read the serial number: all that tells this chip from others.

        Busy for a millisecond; on a bus without the chip for as long as a conversion might take.
        Raises SensorError: ABSENT or WRONG_ID.
        """
        where = hex(self._address)
        if not self._told(_SOFT_RESET):
            raise SensorError(ABSENT, "no answer at " + where)
        if not self._told(_SERIAL) or not self._answered():
            raise SensorError(WRONG_ID, "the chip at " + where + " has no serial number, an SHT4x has")
        if not is_whole(self._frame, 0) or not is_whole(self._frame, 3):
            raise SensorError(WRONG_ID, "the answer at " + where + " is not checked as an SHT4x does")

    def start(self) -> None:
        """Begin one conversion. Raises OSError."""
        self._i2c.writeto(self._address, self._command)

    def ready(self) -> bool:
        """True: MEASURE_MS is the longest that a conversion takes."""
        return True

    def read(self) -> "tuple[int | Fault, int | Fault]":
        """(centi-degrees C, centi-%RH), a Fault for each that is missing. Raises OSError."""
        self._i2c.readfrom_into(self._address, self._frame)
        if self._frame == self._last:
            self._repeats += 1
            if self._repeats >= STUCK_FRAMES - 1:
                return (STUCK, STUCK)
        else:
            self._repeats = 0
            self._last[:] = self._frame
        return decode(self._frame)

    def _told(self, command: bytes) -> bool:
        for _ in range(OPEN_TRIES):
            try:
                self._i2c.writeto(self._address, command)
            except OSError:
                continue
            return True
        return False

    def _answered(self) -> bool:
        for _ in range(OPEN_TRIES):
            try:
                self._i2c.readfrom_into(self._address, self._frame)
            except OSError:
                continue
            return True
        return False


def decode(frame: "bytes | bytearray") -> "tuple[int | Fault, int | Fault]":
    """Temperature and humidity words, each with its check octet, to what SHT4x.read gives.

    DS 4.6: -45 + 175 t / 65535 degrees C and -6 + 125 h / 65535 %RH, exact to the last place.
    """
    t = frame[0] << 8 | frame[1]
    h = frame[3] << 8 | frame[4]
    if t == _DAMAGED and h == _DAMAGED:
        return (RESET_VALUE, RESET_VALUE)
    centi_c = (3500 * t + 6553) // 13107 - 4500  # 65535 is 5 times 13107: stays a small integer
    centi_rh = (2500 * h + 6553) // 13107 - 600
    return (
        _judged(frame, 0, centi_c, _CENTI_C_LEAST, _CENTI_C_MOST),
        _judged(frame, 3, centi_rh, _CENTI_RH_LEAST, _CENTI_RH_MOST),
    )


def is_whole(frame: "bytes | bytearray", at: int) -> bool:
    """Whether the octet behind the word at `at` is its CRC-8."""
    crc = 0xFF
    for index in range(at, at + 2):
        crc ^= frame[index]
        for _ in range(8):
            crc = (crc << 1 ^ _CRC_POLYNOMIAL if crc & 0x80 else crc << 1) & 0xFF
    return crc == frame[at + 2]


def _judged(frame: "bytes | bytearray", at: int, value: int, least: int, most: int) -> "int | Fault":
    if not is_whole(frame, at):
        return CHECKSUM
    return value if least <= value <= most else OUT_OF_RANGE
