"""A BME280 at the level of its registers (DS: Bosch BST-BME280-DS002, chapters 3 to 6).

Not modelled: the IIR filter, SPI, the exact NACKs of a chip that is starting.
"""

from collections.abc import Callable
from copy import copy

from hil_tests.chips.bme280_formula import EXAMPLE, Trim
from hil_tests.chips.nack import Nack
from hil_tests.chips.world import Air, Clock

ID, RESET, CTRL_HUM, STATUS, CTRL_MEAS, CONFIG, DATA = 0xD0, 0xE0, 0xF2, 0xF3, 0xF4, 0xF5, 0xF7
_WRITABLE = {CTRL_HUM: 0x07, CTRL_MEAS: 0xFF, CONFIG: 0xFD}
_SOFT_RESET = 0xB6
_MEASURING, _IM_UPDATE = 0x08, 0x01
_COPY_US = 2000  # reset to trim in its registers (DS 1.1, start-up time)
_STANDBY_US = (500, 62_500, 125_000, 250_000, 500_000, 1_000_000, 10_000, 20_000)  # DS table 27
_UNMEASURED = bytes((0x80, 0, 0, 0x80, 0, 0, 0x80, 0))


class BME280Chip:
    """One chip that measures `air` on a `clock` in microseconds.

    `write` and `read` are what the bus does with it and raise Nack. A conversion takes the air as
    it is when it begins; `on_sample` callbacks get a copy of that air when the result is latched.

    Switches for tests: `nacks` (answers nothing), `frozen` (acknowledges, but converts no more:
    the measuring bit stays set), `chip_id`, `trim`, `brown_out()`.
    """

    def __init__(
        self, air: Air, clock: Clock, *, address: int = 0x76, trim: Trim = EXAMPLE, chip_id: int = 0x60
    ) -> None:
        self.address = address
        self.air = air
        self.trim = trim
        self.chip_id = chip_id
        self.nacks = False
        self.frozen = False
        self._clock = clock
        self._callbacks: list[Callable[[Air], None]] = []
        self._registers = bytearray(256)
        self._pointer = 0
        self.brown_out()

    def on_sample(self, callback: Callable[[Air], None]) -> None:
        """Have `callback` told the air of every conversion, when it is latched."""
        self._callbacks.append(callback)

    def brown_out(self) -> None:
        """Lose the supply for a moment: all registers as after power-on, nobody is told."""
        self._registers[:] = bytes(256)
        self._registers[DATA : DATA + 8] = _UNMEASURED
        self._registers[STATUS] = _IM_UPDATE
        self._copied_us: int | None = self._clock() + _COPY_US
        self._osrs_h = 0  # of ctrl_hum, what counts: taken over by a write to ctrl_meas
        self._taken: Air | None = None
        self._latch_us = 0

    def write(self, data: bytes) -> None:
        """One write transaction: a register, then (value, register, value, ...) (DS 6.2.1)."""
        self._answer()
        if not data:
            return
        self._pointer = data[0]
        for at in range(1, len(data), 2):
            self._store(data[at - 1], data[at])

    def read(self, n: int) -> bytes:
        """One read transaction of `n` octets from the register that was written last, upwards."""
        self._answer()
        octets = bytes(self._registers[(self._pointer + at) & 0xFF] for at in range(n))
        self._pointer = (self._pointer + n) & 0xFF
        return octets

    def _answer(self) -> None:
        if self.nacks:
            raise Nack
        now = self._clock()
        if self._copied_us is not None and now >= self._copied_us:
            self._copied_us = None
            self._registers[STATUS] &= ~_IM_UPDATE & 0xFF
            for register, octet in self.trim.registers().items():
                self._registers[register] = octet
        self._registers[ID] = self.chip_id
        if self._taken is not None and now >= self._latch_us and not self.frozen:
            self._latch(self._taken, now)

    def _store(self, register: int, octet: int) -> None:
        if register == RESET:
            if octet == _SOFT_RESET:
                self.brown_out()
            return
        mode = self._registers[CTRL_MEAS] & 0x03
        if register not in _WRITABLE or (register == CONFIG and mode == 0x03):
            return
        self._registers[register] = octet & _WRITABLE[register]
        if register == CTRL_MEAS:
            self._osrs_h = self._registers[CTRL_HUM]
            self._begin(self._clock())

    def _begin(self, at_us: int) -> None:
        if self._registers[CTRL_MEAS] & 0x03 == 0:
            return
        self._taken = copy(self.air)
        self._latch_us = at_us + self._conversion_us()
        self._registers[STATUS] |= _MEASURING

    def _conversion_us(self) -> int:
        """Typical measurement time, DS 9.1."""
        osrs_t, osrs_p = self._oversampling()
        total = 1000 + 2000 * _samples(osrs_t)
        for osrs in (osrs_p, self._osrs_h):
            total += 2000 * _samples(osrs) + 500 if osrs else 0
        return total

    def _oversampling(self) -> tuple[int, int]:
        ctrl_meas = self._registers[CTRL_MEAS]
        return ctrl_meas >> 5, ctrl_meas >> 2 & 0x07

    def _latch(self, air: Air, now_us: int) -> None:
        self._taken = None
        self._registers[STATUS] &= ~_MEASURING & 0xFF
        self._registers[DATA : DATA + 8] = self._convert(air)
        for callback in self._callbacks:
            callback(air)
        if self._registers[CTRL_MEAS] & 0x03 == 0x03:
            # Normal mode goes on by itself; what nobody looked at meanwhile is left out.
            self._begin(now_us)
            self._latch_us += _STANDBY_US[self._registers[CONFIG] >> 5]
        else:
            self._registers[CTRL_MEAS] &= 0xFC

    def _convert(self, air: Air) -> bytes:
        osrs_t, osrs_p = self._oversampling()
        trim = self.trim
        # The pressure and humidity elements have the die's temperature, measured or not.
        t = nearest(trim.celsius, air.temperature, _step(osrs_t))
        t_fine = trim.t_fine(t)
        p = nearest(lambda adc: -trim.pascal(adc, t_fine), -air.pressure, _step(osrs_p))
        h = nearest(lambda adc: trim.percent(adc, t_fine), air.humidity, 1, 0x10000)
        octets = (p << 4).to_bytes(3, "big") if osrs_p else _UNMEASURED[0:3]
        octets += (t << 4).to_bytes(3, "big") if osrs_t else _UNMEASURED[3:6]
        return octets + (h.to_bytes(2, "big") if self._osrs_h else _UNMEASURED[6:8])


def nearest(formula: Callable[[int], float], value: float, step: int, end: int = 0x100000) -> int:
    """The code, a multiple of `step` below `end`, whose value by a rising formula is nearest.

    A value beyond the ends gives the end, as the converter does.
    """
    low, high = 0, end // step - 1
    while low < high:
        middle = (low + high) // 2
        if (formula(middle * step) + formula((middle + 1) * step)) / 2 < value:
            low = middle + 1
        else:
            high = middle
    return low * step


def _samples(osrs: int) -> int:
    return 1 << min(osrs, 5) - 1 if osrs else 0


def _step(osrs: int) -> int:
    """A code has 16 bits with one sample, and one more each time their number doubles (DS 3.4)."""
    return 16 >> max(min(osrs, 5) - 1, 0)
