"""An HX711 at the level of its two pins, with a bridge behind it (DS: Avia Semiconductor HX711)."""

from collections.abc import Callable
from copy import copy
from math import ceil
from random import Random
from typing import Literal

from hil_tests.chips.world import Clock, Load

_BITS = 24
_CODE_LEAST, _CODE_MOST = -0x800000, 0x7FFFFF
_GAIN_AFTER = {25: 128, 26: 32, 27: 64}  # pulses -> gain of the next conversion
# Of a period, a reading that is not over holds the next conversion: a PC may stop the node in the middle of
# what takes an ESP32 0.1 ms. Less than one, for pulses that are lost leave a reading that never is over.
_HELD = 0.9
# What is still missing of a step in the conversions after power-up or a change of gain: the
# digital filter fills within four.
_UNSETTLED = (0.9, 0.5, 0.2, 0.05)


class HX711Chip:
    """One chip whose bridge carries `load`, on a `clock` in microseconds.

    It converts for ever at `rate_sps` times `oscillator`, for its own oscillator is a little off.
    A code is zero + kilograms * counts_per_kg, at gain 128, plus seeded noise of `noise` counts;
    at a lower gain it is smaller (the bridge is taken to hang on input B, too, for gain 32).
    Without noise equal codes follow each other, which a driver may well call stuck.
    `on_sample` callbacks get a copy of the load that a conversion saw, when it is latched; a
    conversion that nobody watched go by is left out.

    A clock that is high for longer than `sleeps_after_us` (60 by the data sheet) sends it to sleep: the
    data line is high, and with the falling edge it begins anew. Without, as where time is the PC's and
    proves nothing, it never sleeps.

    Switches for tests: `line` ("high" or "low": the data line is broken and floats, or is
    shorted), `deaf_pulses` (so many pulses to come are not seen), `power_cycle()`.
    """

    def __init__(
        self,
        load: Load,
        clock: Clock,
        *,
        rate_sps: float = 10.0,
        oscillator: float = 1.017,
        counts_per_kg: float = 20_000.0,
        zero: float = -48_000.0,
        noise: float = 20.0,
        seed: int = 0,
        sleeps_after_us: int | None = None,
    ) -> None:
        self.load = load
        self.counts_per_kg = counts_per_kg
        self.zero = zero
        self.noise = noise
        self.line: Literal["connected", "high", "low"] = "connected"
        self.deaf_pulses = 0
        self.period_us = 1e6 / (rate_sps * oscillator)
        self._clock = clock
        self._random = Random(seed)
        self._sleeps_after_us = sleeps_after_us
        self._callbacks: list[Callable[[Load], None]] = []
        self.power_cycle()

    def on_sample(self, callback: Callable[[Load], None]) -> None:
        """Have `callback` told the load of every conversion, when it is latched."""
        self._callbacks.append(callback)

    def power_cycle(self) -> None:
        """Lose the supply for a moment: gain 128, and the filter fills anew."""
        self._began_us = self._clock()
        self._done = 0  # conversions since then
        self._gain = 128
        self._unsettled = list(_UNSETTLED)
        self._code: int | None = None  # what waits to be read
        self._pulses = 0  # of this reading
        self._pulsed_us = 0
        self._is_over = True  # the reading: data was seen high after its last pulse
        self._level = 0
        self._rose_us = 0
        self._data = 1

    brown_out = power_cycle  # as the other chips call it

    def clock(self, level: int) -> None:
        """The clock pin is driven to `level`."""
        if self._is_asleep():
            if not level:
                self.power_cycle()
            return
        self._convert()
        rises = bool(level) and not self._level
        self._level = level
        if not rises:
            return
        self._rose_us = self._clock()
        if self.deaf_pulses:
            self.deaf_pulses -= 1
            return
        if self._code is None and not self._pulses:
            return
        self._pulses += 1
        self._pulsed_us = self._clock()
        self._is_over = False
        if self._pulses <= _BITS:
            self._data = (self._code or 0) >> _BITS - self._pulses & 1
            return
        self._data = 1
        self._code = None

    def pulse(self, count: int) -> None:
        """So many whole clock pulses, at once."""
        self._convert()
        if self.deaf_pulses or self._level or (self._code is None and not self._pulses):
            for _ in range(count):
                self.clock(1)
                self.clock(0)
            return
        self._pulses += count
        self._pulsed_us = self._clock()
        if self._pulses <= _BITS:
            self._data = (self._code or 0) >> _BITS - self._pulses & 1
        else:
            self._data = 1
            self._code = None

    def ahead(self) -> list[int]:
        """The data pin's levels after the pulses to come; none where that is not sure."""
        self._convert()
        if self._code is None or self._pulses or self._level or self.deaf_pulses or self.line != "connected":
            return []
        bits = [self._code >> _BITS - 1 - at & 1 for at in range(_BITS)]
        return bits + [1] * (max(_GAIN_AFTER) - _BITS)

    def held_us(self) -> int:
        """How long the data pin stays as it is, if no pulse comes: until the next conversion is done."""
        if self._code is not None:
            return 0
        return max(0, ceil(self._began_us + (self._done + 1) * self.period_us - self._clock()))

    def data(self) -> int:
        """The level of the data pin: low when a conversion waits, then its bits."""
        if self._is_asleep():
            return int(self.line != "low")
        self._convert()
        self._is_over = self._is_over or self._pulses > _BITS
        return self._data if self.line == "connected" else int(self.line == "high")

    def _is_asleep(self) -> bool:
        limit = self._sleeps_after_us
        return limit is not None and bool(self._level) and self._clock() - self._rose_us > limit

    def _convert(self) -> None:
        done = int((self._clock() - self._began_us) / self.period_us)
        new = done - self._done
        if new == 0:
            return
        if not self._is_over and self._clock() - self._pulsed_us < _HELD * self.period_us:
            return  # a conversion does not spoil a reading that is going on
        self._select()
        for _ in range(new - 1):
            self._next_unsettled()
        self._done = done
        self._code = self._code_of(self.load) & 0xFFFFFF
        self._pulses = 0
        self._is_over = True
        self._data = 0
        for callback in self._callbacks:
            callback(copy(self.load))

    def _code_of(self, load: Load) -> int:
        settled = 1 - self._next_unsettled()
        counts = (self.zero + load.kilograms * self.counts_per_kg) * self._gain / 128 * settled
        counts += self._random.gauss(0, self.noise) if self.noise else 0
        return max(_CODE_LEAST, min(_CODE_MOST, round(counts)))

    def _next_unsettled(self) -> float:
        return self._unsettled.pop(0) if self._unsettled else 0.0

    def _select(self) -> None:
        # How many pulses there were is known when the next conversion begins, not before.
        gain = _GAIN_AFTER.get(self._pulses, self._gain)
        if gain != self._gain:
            self._gain = gain
            self._unsettled = list(_UNSETTLED)
