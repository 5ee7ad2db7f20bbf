"""An I2C bus whose data line a confused chip holds low, until enough clocks have let it finish."""

from __future__ import annotations

from hil_tests.board.pins import Pins
from hil_tests.board.wiring import Wiring


class StuckBus:
    """Free at first. Who drives SCL lets the chip finish: the I2C unit's driver, or the firmware as a pin."""

    def __init__(self, pins: Pins, wiring: Wiring) -> None:
        self._pins = pins
        self._wiring = wiring
        self._pulses = 0
        self._low = False  # the clock, which a pull-up keeps high
        pins.on_change[wiring.scl] = self._on_clock

    @property
    def stuck(self) -> bool:
        return self._pulses > 0

    def stick(self, pulses: int) -> None:
        """Hold SDA low for so many clock pulses to come."""
        self._pulses = pulses
        self._pins.drive_from_outside(self._wiring.sda, 0)

    def clock(self, pulses: int) -> None:
        """SCL has risen so often."""
        if pulses < self._pulses:
            self._pulses -= pulses
        else:
            self.release()

    def release(self) -> None:
        """The chip lets go."""
        if self._pulses:
            self._pulses = 0
            self._pins.drive_from_outside(self._wiring.sda, None)

    def _on_clock(self, _pin: int, level: int) -> None:
        if level and self._low:
            self.clock(1)
        self._low = not level
