"""What happens to a board from outside: buttons, voltages, supplies of chips, the access point."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, TypeVar

from hil_tests.board.emulator import Emulator
from hil_tests.board.wiring import Supplied

if TYPE_CHECKING:
    from hil_tests.board.wifi import AccessPoint

T = TypeVar("T")


class Surroundings:
    """The part of Board that a test's world has its hands on; from any thread."""

    access_point: AccessPoint | None

    def drive(self, pin: int, level: int | None) -> None:
        """Something outside, such as a button, drives a pin; None: it lets go."""
        self._run(lambda board: board.chips.pins.drive_from_outside(pin, level))

    def cut_wire(self, pin: int) -> None:
        """Nothing is on a pin any more, though a chip was: it shows its pull, or noise."""
        self._run(lambda board: board.chips.pins.off_wires.add(pin))

    def mend_wire(self, pin: int) -> None:
        """What was on it is there again."""
        self._run(lambda board: board.chips.pins.off_wires.discard(pin))

    def level(self, pin: int) -> int:
        """What a pin shows, such as a lamp."""
        return self._run(lambda board: board.chips.pins.sense(pin))

    def set_microvolts(self, pin: int, microvolts: int) -> None:
        """What an ADC on this pin measures; 0 at first."""
        self._run(lambda board: board.analog.microvolts.__setitem__(pin, microvolts))

    def set_chip_celsius(self, celsius: int) -> None:
        """How warm the ESP32 itself is."""
        self._run(lambda board: setattr(board.analog, "chip_celsius", celsius))

    def set_slow_clock(self, ppm: float) -> None:
        """How much too fast the RC oscillator is by which the next deep sleeps end and the RTC goes on."""
        self._run(lambda board: setattr(board.rtc, "slow_ppm", ppm))

    def cut_supply(self, chip: Supplied) -> None:
        """One chip is without supply and answers nothing."""
        self._run(lambda board: board.chips.cut(chip))

    def restore_supply(self, chip: Supplied) -> None:
        """It begins anew; nobody is told."""
        self._run(lambda board: board.chips.supplies.restore(chip))

    def stick_bus(self, pulses: int = 9) -> None:
        """A chip holds SDA low until SCL has risen so often, or some supply is cut.

        The driver of `machine.I2C` has it rise nine times after each time-out; firmware may do so by a pin.
        """
        self._run(lambda board: board.chips.stuck.stick(pulses))

    def set_access_point(self, *, up: bool) -> None:
        """Switch the access point off or on; a second board with the same one has to be told as well."""
        if self.access_point is not None:
            self.access_point.up = up
        self._run(lambda board: board.station.on_change())

    def _run(self, call: Callable[[Emulator], T]) -> T:
        raise NotImplementedError
