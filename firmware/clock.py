"""The node's clock: microseconds since it was made, extended past the wrap of ticks_us."""


class Ticks:
    """An ever-growing count of microseconds from 0.

    `total_us` is what it showed last; a boot that goes on after deep sleep raises it (firmware.resume).
    `source` gives wrapping microseconds; `most` is the largest it gives (time.ticks_add(0, -1)).
    `now_us` must be called at least once per wrap: 17.9 minutes on the ESP32.
    """

    def __init__(self, source, most) -> None:
        self.source = source
        self._most = most  # a power of two less one, so it masks a difference
        self._last = source()
        self.total_us = 0

    def now_us(self) -> int:
        """Microseconds since this clock was made."""
        ticks = self.source()
        self.total_us += (ticks - self._last) & self._most
        self._last = ticks
        return self.total_us

    def at_us(self, ticks: int) -> int:
        """What this clock showed when `source` gave `ticks`, less than a wrap ago."""
        now_us = self.now_us()
        return now_us - ((self._last - ticks) & self._most)

    def now_ms(self) -> int:
        """Milliseconds since this clock was made."""
        return self.now_us() // 1000
