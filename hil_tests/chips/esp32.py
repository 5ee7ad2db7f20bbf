"""What an ESP32 measures of itself: its temperature, and a supply at a pin of its ADC."""

from random import Random

_FULL_V = 3.3  # of the pin, at 11 dB
_CODES = 4096


class ESP32Inside:
    """An ESP32 of `celsius` with a supply of `volts` behind a divider of `ratio`.

    `temperature` and `read_u16`, `read_uv` are what firmware asks. Switches for tests: `no_sensor` (the first
    ESP32 whose temperature is always 128 F), `wire` ("", "off": nothing on the pin, "short": no divider).
    """

    def __init__(
        self, *, celsius: float = 40.0, volts: float = 3.7, ratio: float = 2.0, seed: int = 0
    ) -> None:
        self.celsius = celsius
        self.volts = volts
        self.ratio = ratio
        self.no_sensor = False
        self.wire = ""
        self._random = Random(seed)

    def raw_temperature(self) -> int:
        """Degrees F, of the first ESP32."""
        return 128 if self.no_sensor else round(self.celsius * 9 / 5 + 32)

    def mcu_temperature(self) -> int:
        """Degrees C, of all later chips."""
        return round(self.celsius)

    def read_u16(self) -> int:
        code = self._code()
        return code << 4 | code >> 8

    def read_uv(self) -> int:
        return round(self._code() / (_CODES - 1) * _FULL_V * 1000) * 1000

    def _code(self) -> int:
        at_pin = {"off": 0.03, "short": self.volts}.get(self.wire, self.volts / self.ratio)
        noisy = at_pin + self._random.gauss(0, 0.001)
        return max(0, min(_CODES - 1, round(noisy / _FULL_V * (_CODES - 1))))
