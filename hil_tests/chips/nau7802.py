"""A NAU7802 at the level of its registers, with a bridge behind it (DS: Nuvoton NAU7802, revision 2.6).

Not modelled: the second input, external calibration, the temperature sensor, the PGA's options.
"""

from collections.abc import Callable
from copy import copy
from random import Random

from hil_tests.chips.nack import Nack
from hil_tests.chips.world import Clock, Load

PU_CTRL, CTRL1, CTRL2, OCAL1, GCAL1, ADCO, REVISION = 0x00, 0x01, 0x02, 0x03, 0x06, 0x12, 0x1F
RR, PUD, PUA, PUR, CS, CR = 0x01, 0x02, 0x04, 0x08, 0x10, 0x20
CALS, CAL_ERR = 0x04, 0x08
_READ_ONLY = {PU_CTRL: PUR | CR, CTRL2: CAL_ERR}
_DATA = range(ADCO, ADCO + 3)
_DEFAULTS = {GCAL1 + 1: 0x80, 0x0E: 0x80}  # GCAL1 and GCAL2: 0x00800000 is one
_RATES = {0: 10, 1: 20, 2: 40, 3: 80, 7: 320}
_POWER_UP_US, _LDO_US, _CALIBRATION_US = 200, 220_000, 344_000
_UNSETTLED = (0.9, 0.5, 0.2, 0.05)  # what the filter still lacks of a step
_UNITY = 0x800000
_CODE_LEAST, _CODE_MOST = -0x800000, 0x7FFFFF


class NAU7802Chip:
    """One chip whose bridge carries `load`, on a `clock` in microseconds.

    A conversion is (zero + kilograms * counts_per_kg) * gain / 128 + offset of the amplifier + noise, and
    stops at 24 bits; a code is (conversion - OCAL1) * GCAL1. The offset is `offset` counts at gain 128. A
    calibration finds it but for an error of `calibration_sigma` counts that is another one each time: the
    step that users see after a reset.
    `on_sample` callbacks get a copy of the load that a conversion saw, when it is latched.

    Switches for tests: `nacks`, `revision`, `frozen` (converts no more), `cal_fails` (CAL_ERR), `cal_hangs`
    (CALS stays), `powerless` (PUR never comes), `brown_out()`.
    """

    address = 0x2A

    def __init__(
        self,
        load: Load,
        clock: Clock,
        *,
        oscillator: float = 1.008,
        counts_per_kg: float = 20_000.0,
        zero: float = -48_000.0,
        offset: float = 3_700.0,
        calibration_sigma: float = 250.0,
        noise: float = 20.0,
        seed: int = 0,
    ) -> None:
        self.load = load
        self.counts_per_kg = counts_per_kg
        self.zero = zero
        self.offset = offset
        self.calibration_sigma = calibration_sigma
        self.noise = noise
        self.revision = 0x0F
        self.nacks = False
        self.frozen = False
        self.cal_fails = False
        self.cal_hangs = False
        self.powerless = False
        self._oscillator = oscillator
        self._clock = clock
        self._random = Random(seed)
        self._callbacks: list[Callable[[Load], None]] = []
        self._registers = bytearray(32)
        self._pointer = 0
        self.brown_out()

    def on_sample(self, callback: Callable[[Load], None]) -> None:
        """Have `callback` told the load of every conversion, when it is latched."""
        self._callbacks.append(callback)

    def brown_out(self) -> None:
        """Lose the supply for a moment: all registers as after power-on, nobody is told."""
        self._registers[:] = bytes(32)
        for register, octet in _DEFAULTS.items():
            self._registers[register] = octet
        self._powered_us: int | None = None  # when the digital part was switched on
        self._analog_us = 0
        self._calibrated_us: int | None = None  # when the calibration that runs will be over
        self._restart()

    @property
    def period_us(self) -> float:
        """The time of one conversion at the present rate."""
        return 1e6 / (_RATES[self._registers[CTRL2] >> 4 & 0x07] * self._oscillator)

    def drdy(self) -> int:
        """The level of the DRDY pin: high when a conversion waits."""
        self._live()
        return int(bool(self._registers[PU_CTRL] & CR))

    def write(self, data: bytes) -> None:
        """A register, then values for it and those behind it."""
        self._answer()
        if data:
            self._pointer = data[0] & 0x1F
        for octet in data[1:]:
            self._store(self._pointer, octet)
            self._pointer = (self._pointer + 1) & 0x1F

    def read(self, n: int) -> bytes:
        """`n` octets from the register that was written last, upwards."""
        self._answer()
        span = [(self._pointer + at) & 0x1F for at in range(n)]
        octets = bytes(self._registers[register] for register in span)
        if any(register in _DATA for register in span):
            self._registers[PU_CTRL] &= ~CR & 0xFF
        self._pointer = (self._pointer + n) & 0x1F
        return octets

    def _answer(self) -> None:
        if self.nacks:
            raise Nack
        self._live()
        self._registers[REVISION] = self.revision

    def _store(self, register: int, octet: int) -> None:
        if register in _DATA or register == REVISION:
            return
        kept = _READ_ONLY.get(register, 0)
        if register == PU_CTRL:
            self._power(octet)
        elif register in (CTRL1, CTRL2):
            self._restart()
        self._registers[register] = self._registers[register] & kept | octet & ~kept & 0xFF
        if register == CTRL2 and octet & CALS and self._runs():
            self._registers[CTRL2] &= ~CAL_ERR & 0xFF
            self._calibrated_us = self._clock() + _CALIBRATION_US

    def _power(self, octet: int) -> None:
        before = self._registers[PU_CTRL]
        if octet & RR:
            self.brown_out()
            return
        if not octet & PUD:
            self._powered_us = None
            self._registers[PU_CTRL] &= ~PUR & 0xFF
        elif self._powered_us is None:
            self._powered_us = self._clock()
        if octet & PUA and not before & PUA:
            self._analog_us = self._clock()
        if octet & CS and not before & CS:
            self._restart()

    def _restart(self) -> None:
        self._began_us = self._clock()
        self._done = 0
        self._unsettled = list(_UNSETTLED)

    def _runs(self) -> bool:
        needed = PUD | PUA | PUR | CS
        return self._registers[PU_CTRL] & needed == needed

    def _live(self) -> None:
        """Let happen what happened since somebody looked."""
        now = self._clock()
        if self._powered_us is not None and now >= self._powered_us + _POWER_UP_US and not self.powerless:
            self._registers[PU_CTRL] |= PUR
        if self._calibrated_us is not None:
            if now < self._calibrated_us or self.cal_hangs:
                return
            self._end_calibration()
        if not self._runs() or self.frozen:
            return
        done = int((now - self._began_us) / self.period_us)
        if done > self._done:
            for _ in range(done - self._done - 1):
                self._next_unsettled()
            self._done = done
            self._latch(copy(self.load))

    def _end_calibration(self) -> None:
        self._calibrated_us = None
        self._registers[CTRL2] &= ~CALS & 0xFF
        if self.cal_fails:
            self._registers[CTRL2] |= CAL_ERR
        else:
            found = round(self._offset() + self._random.gauss(0, self.calibration_sigma))
            magnitude = abs(found) | (0x800000 if found < 0 else 0)
            self._registers[OCAL1 : OCAL1 + 3] = magnitude.to_bytes(3, "big")
        self._restart()

    def _gain(self) -> int:
        return 1 << (self._registers[CTRL1] & 0x07)

    def _offset(self) -> float:
        return self.offset * self._gain() / 128

    def _latch(self, load: Load) -> None:
        counts = (self.zero + load.kilograms * self.counts_per_kg) * self._gain() / 128
        counts = counts * (1 - self._next_unsettled()) + self._offset()
        if self._clock() - self._analog_us < _LDO_US:
            counts *= 0.6  # the excitation still rises
        if self.noise:
            counts += self._random.gauss(0, self.noise)
        counts = max(_CODE_LEAST, min(_CODE_MOST, round(counts)))
        ocal = int.from_bytes(self._registers[OCAL1 : OCAL1 + 3], "big")
        counts -= -(ocal & 0x7FFFFF) if ocal & 0x800000 else ocal
        counts *= int.from_bytes(self._registers[GCAL1 : GCAL1 + 4], "big") / _UNITY
        code = max(_CODE_LEAST, min(_CODE_MOST, round(counts))) & 0xFFFFFF
        self._registers[ADCO : ADCO + 3] = code.to_bytes(3, "big")
        self._registers[PU_CTRL] |= CR
        for callback in self._callbacks:
            callback(load)

    def _next_unsettled(self) -> float:
        return self._unsettled.pop(0) if self._unsettled else 0.0
