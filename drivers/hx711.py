"""Avia HX711: 24-bit converter for a bridge, clocked out bit by bit or by SPI (drivers/hx711_spi.py).

DS: Avia Semiconductor HX711. The chip converts at its own pace (10 or 80 per second by its RATE
pin, nominally), has no id, no register and no check sum: what can be checked is how the data
line behaves.
"""

from drivers.codes import judged
from wire.compat import const
from wire.faults import CHECKSUM, NOT_READY, UNSETTLED, Fault

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable

    from drivers.shapes import Guard, InPin, OutPin

_BITS = const(24)
# Gain -> pulses that select it for the next conversion: inputs A, A, B (DS table 3).
_PULSES = {128: 25, 64: 27, 32: 26}
_GAIN_AT_POWER_UP = const(128)
SETTLE_CONVERSIONS = const(4)  # after power-up or a change of gain (DS: 400 ms at 10 per second)


class HX711:
    """One chip on two pins shaped like machine.Pin: `clock` drives, `data` listens.

    `gain` is 128 or 64 (input A) or 32 (input B). A clock that stays high for over 60 us puts the
    chip to sleep and back to gain 128, without a trace in the data: `guard`, with disable() ->
    state and enable(state), keeps interrupts away for each of the short high pulses. `shift` is another way
    of clocking: shift(pulses) gives the 24 bits of that many pulses, and `clock` only rests then.

    open() once; then whenever ready(): read(). start() has nothing to do. The owner keeps the
    deadline: a chip whose data never turn ready is absent, unpowered or asleep; open() it again
    when it is back, for its gain is 128 then.
    """

    CHANNELS = (("bridge_counts", "count", 0),)
    MEASURE_MS = 0  # converts by itself

    def __init__(
        self,
        clock: "OutPin",
        data: "InPin",
        gain: int = 128,
        guard: "Guard | None" = None,
        shift: "Callable[[int], int] | None" = None,
    ) -> None:
        if gain not in _PULSES:
            raise ValueError("gain " + str(gain) + " is not 128, 64 or 32")
        # Bound once: binding a method costs heap.
        self._clock = clock.value
        self._data = data.value
        self._guard = guard
        self._shift = shift or self._pulse
        self._pulses = _PULSES[gain]
        # The reading that is taken first is what selects another gain than that of power-up.
        self._settle = SETTLE_CONVERSIONS if gain == _GAIN_AT_POWER_UP else SETTLE_CONVERSIONS + 1
        self._unsettled = self._settle
        self._last = 0  # code, and how often it came in a row before
        self._repeats = 0

    def open(self) -> None:
        """Wake the chip and begin to count conversions; whether one is there, ready() will tell."""
        self._clock(0)
        self._unsettled = self._settle

    def start(self) -> None:
        """Nothing: the chip converts by itself."""

    def ready(self) -> bool:
        """True when a conversion waits to be read."""
        return not self._data()

    def read(self) -> "tuple[int | Fault]":
        """(counts,), -8388607 to 8388606, or a Fault in its place. Takes 25 to 27 pulses."""
        if self._data():
            return (NOT_READY,)
        code = self._shift(self._pulses)
        if not self._data():
            # The pulse after the last bit raises data. If not, pulses were lost or the line is
            # held low; which gain the chip took is unknown, so it has to settle again.
            self._unsettled = self._settle
            return (CHECKSUM,)
        return (self._judge(code),)

    def _pulse(self, pulses: int) -> int:
        clock = self._clock
        data = self._data
        guard = self._guard
        code = 0
        state = 0
        for pulse in range(pulses):
            if guard is not None:
                state = guard.disable()
            clock(1)
            clock(0)
            if guard is not None:
                guard.enable(state)
            if pulse < _BITS:
                code = code << 1 | data()
        return code

    def _judge(self, code: int) -> "int | Fault":
        self._repeats = self._repeats + 1 if code == self._last else 0
        self._last = code
        if self._unsettled:
            self._unsettled -= 1
            return UNSETTLED
        return judged(code, self._repeats)
