"""The ESP32 itself as a sensor: how warm the chip is, and the supply behind a divider.

DS: ESP32 datasheet 5.x, ADC characteristics; the temperature sensor of the first ESP32 is undocumented.
"""

from wire.compat import const
from wire.faults import ABSENT, OUT_OF_RANGE, RESET_VALUE, SATURATED

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable

    from drivers.shapes import Adc
    from wire.faults import Fault

_TEMPERATURE = ("chip_temperature", "Cel", -2)
_SUPPLY = ("supply", "V", -3)

# What many a first ESP32 says all the time, 53.3 degrees C: its register as it is after a reset. A true
# reading of that is lost, too: it is one degree F wide.
_NO_SENSOR_F = const(128)
_CENTI_C_LEAST = const(-4000)
_CENTI_C_MOST = const(12500)

_END_U16 = const(65535)
# With the attenuation of 11 dB the converter is calibrated in this range of every ESP32 (the S3 goes
# further); at its end it is far from linear.
_PIN_MV_LEAST = const(150)
_PIN_MV_MOST = const(2450)


class ESP32:
    """`temperature()` gives whole degrees, Fahrenheit where `fahrenheit`; None where the image has none.

    `adc`, shaped like machine.ADC at 11 dB, measures the supply through a divider of `ratio_milli` to 1000,
    such as 2000 for two equal resistors; without it there is no channel `supply`. Both are read at once:
    start() has nothing to do.
    """

    CHANNELS: "tuple[tuple[str, str, int], ...]" = (_TEMPERATURE,)
    MEASURE_MS = 0

    def __init__(
        self,
        temperature: "Callable[[], int] | None",
        fahrenheit: bool = False,
        adc: "Adc | None" = None,
        ratio_milli: int = 2000,
    ) -> None:
        if adc is not None:
            self.CHANNELS = (_TEMPERATURE, _SUPPLY)
        self._temperature = temperature
        self._fahrenheit = fahrenheit
        self._adc = adc
        self._ratio_milli = ratio_milli

    def open(self) -> None:
        """Nothing: the chip that asks is there."""

    def start(self) -> None:
        """Nothing."""

    def ready(self) -> bool:
        """True: a reading takes 0.1 ms."""
        return True

    def read(self) -> "tuple[int | Fault, ...]":
        """(centi-degrees C,) and mV, a Fault for each that is missing. Raises OSError.

        An ADC of the second unit (pins 0, 2, 4, 12 to 15, 25 to 27) fails so while Wi-Fi is on.
        """
        centi_c = self._celsius()
        return (centi_c,) if self._adc is None else (centi_c, self._millivolts(self._adc))

    def _celsius(self) -> "int | Fault":
        if self._temperature is None:
            return ABSENT
        degrees = self._temperature()
        if not self._fahrenheit:
            centi_c = 100 * degrees
        elif degrees == _NO_SENSOR_F:
            return RESET_VALUE
        else:
            centi_c = (1000 * (degrees - 32) + 9) // 18
        return centi_c if _CENTI_C_LEAST <= centi_c <= _CENTI_C_MOST else OUT_OF_RANGE

    def _millivolts(self, adc: "Adc") -> "int | Fault":
        if adc.read_u16() >= _END_U16:
            return SATURATED
        pin_mv = adc.read_uv() // 1000
        if not _PIN_MV_LEAST <= pin_mv <= _PIN_MV_MOST:
            return OUT_OF_RANGE
        return (pin_mv * self._ratio_milli + 500) // 1000
