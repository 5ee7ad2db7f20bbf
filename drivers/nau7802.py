"""Nuvoton NAU7802: 24-bit converter for a bridge, with amplifier, excitation and offset calibration.

DS: Nuvoton NAU7802 datasheet, revision 2.6. The chip finds its own offset once after power-up, and finds
it a little differently each time. So what it found is read (`afe`), and written back whenever the
chip lost its supply: a step in the readings is then a step of the bridge.
"""

from drivers.codes import judged
from drivers.errors import SensorError
from wire.compat import const
from wire.faults import (
    ABSENT,
    BUS,
    CHECKSUM,
    NOT_READY,
    RESET_VALUE,
    SATURATED,
    UNSETTLED,
    WRONG_ID,
    Fault,
)

TYPE_CHECKING = False
if TYPE_CHECKING:
    from drivers.shapes import I2C, InPin

ADDRESS = const(0x2A)

# Registers, DS 9.
_PU_CTRL = const(0x00)
_CTRL1 = const(0x01)
_CTRL2 = const(0x02)
_OCAL1 = const(0x03)  # with GCAL1 behind it: AFE_OCTETS
_ADC = const(0x15)
_PWR = const(0x1C)
_REVISION = const(0x1F)

_RESET = const(0x01)  # in PU_CTRL, as all up to _AVDDS
_PUD = const(0x02)
_PUA = const(0x04)
_PUR = const(0x08)
_CS = const(0x10)
_CR = const(0x20)
_AVDDS = const(0x80)
_CALS = const(0x04)  # in CTRL2
_CAL_ERR = const(0x08)
_SETTINGS_OF_CTRL2 = const(0xF0)  # rate and channel
_CHOPPER_OFF = b"\x30"  # in ADC: clock of the chopper, as the application note wants it
_PGA_CAPACITOR = b"\x80"  # in PWR: the capacitor over VIN2, which boards for one bridge carry
_REVISION_CODE = const(0x0F)

# One burst from PU_CTRL to ADCO: settings and calibration, then the data.
_FRAME_OCTETS = const(21)
_DATA = const(18)
AFE_OCTETS = const(7)  # OCAL1 and GCAL1
_OCAL_OCTETS = const(3)
_SIGN = const(0x800000)

# What is read is (conversion - OCAL1) * GCAL1, and GCAL1 0x800000 is one (DS 8.6). So a converter at
# its end reads as an ordinary number, short of the end code by its offset: what is this near to that
# is no reading.
_NEAR_END = const(256)

GAINS = (1, 2, 4, 8, 16, 32, 64, 128)
RATES = {10: 0, 20: 1, 40: 2, 80: 3, 320: 7}
LDO_MV = (4500, 4200, 3900, 3600, 3300, 3000, 2700, 2400)
EXTERNAL = const(0)  # in place of a voltage: AVDD is fed from outside

# Ready 0.2 ms after power-up (DS 8.1); one poll takes 0.1 ms on a bus of 400 kHz, and never less.
POWER_UP_POLLS = const(100)
_LDO_MS = const(250)  # until the regulator stands
SETTLE_CONVERSIONS = const(4)  # after power-up, calibration or a change of gain
# A calibration takes 0.35 s. There is no clock here, so scans are counted: 1 s at the fastest pace.
CALIBRATION_SCANS = const(100)

# A driver's life after open().
_WARMING = const(1)  # the regulator rises
_CALIBRATING = const(2)
_MEASURING = const(3)


class NAU7802:
    """One chip on any bus shaped like machine.I2C; its address is 0x2A.

    `gain`, `rate` (conversions per second, nominally) and `ldo_mv` (the excitation; EXTERNAL for a supply of
    its own) are fixed. `drdy` is a pin that listens to DRDY; without it the chip is asked. `afe` is what
    the chip once found for its offset at this gain and rate; without it the chip calibrates itself
    after the first open(), and `afe` has it then.

    open() once; then whenever ready(): read(). start() has nothing to do.
    """

    CHANNELS = (("bridge_counts", "count", 0),)
    MEASURE_MS = 0  # converts by itself

    def __init__(
        self,
        i2c: "I2C",
        gain: int = 128,
        rate: int = 80,
        ldo_mv: int = 3000,
        drdy: "InPin | None" = None,
        afe: "bytes | None" = None,
    ) -> None:
        if gain not in GAINS or rate not in RATES or ldo_mv not in LDO_MV + (EXTERNAL,):
            raise ValueError("no gain " + str(gain) + ", rate " + str(rate) + " or " + str(ldo_mv) + " mV")
        if afe is not None and len(afe) != AFE_OCTETS:
            raise ValueError("afe has " + str(len(afe)) + " octets, not " + str(AFE_OCTETS))
        self.afe: bytes | None = None
        self._most = 0  # counts of a reading, of either sign
        if afe is not None:
            self._calibrate(afe)
        self._i2c = i2c
        self._ready = drdy.value if drdy else None
        ldo = LDO_MV.index(ldo_mv) if ldo_mv else 0
        self._ctrl1 = bytes((ldo << 3 | GAINS.index(gain),))
        self._ctrl2 = bytes((RATES[rate] << 4,))
        self._running = _PUD | _PUA | _CS | (_AVDDS if ldo_mv else 0)
        self._warming = rate * _LDO_MS // 1000 + SETTLE_CONVERSIONS
        self._last = 0  # code, and how often it came in a row before
        self._repeats = 0
        self._octet = bytearray(1)
        self._frame = bytearray(_FRAME_OCTETS)
        self._state = _WARMING
        self._left = 0  # conversions, or scans while calibrating, until the state changes

    def open(self) -> None:
        """Probe, reset, power up, configure; restore the calibration where one is known.

        Raises SensorError: ABSENT, WRONG_ID, NOT_READY (the power-up does not end) or BUS.
        """
        self._probe()
        try:
            self._set(_PU_CTRL, _RESET)
            self._set(_PU_CTRL, _PUD)
            self._await_power_up()
            self._write(_CTRL1, self._ctrl1)
            self._write(_CTRL2, self._ctrl2)
            self._write(_ADC, _CHOPPER_OFF)
            self._write(_PWR, _PGA_CAPACITOR)
            if self.afe is not None:
                for at in range(AFE_OCTETS):
                    self._set(_OCAL1 + at, self.afe[at])
            self._set(_PU_CTRL, self._running)
        except OSError as error:
            raise SensorError(BUS, "errno " + str(error.errno) + " while opening") from None
        self._enter(_WARMING, self._warming)

    def start(self) -> None:
        """Nothing: the chip converts by itself."""

    def ready(self) -> bool:
        """True when a conversion waits, or none will: read() says why. Raises OSError."""
        if self._state == _CALIBRATING:
            return True
        if self._ready is not None:
            return self._ready() != 0
        pu_ctrl = self._register(_PU_CTRL)
        return pu_ctrl & _CR != 0 or pu_ctrl & self._running != self._running

    def read(self) -> "tuple[int | Fault]":
        """(counts,), -8388607 to 8388606, or a Fault in its place.

        Raises OSError, and after open() SensorError (CHECKSUM).
        """
        frame = self._frame
        self._i2c.readfrom_mem_into(ADDRESS, _PU_CTRL, frame)
        if self._is_reset():
            return (RESET_VALUE,)
        if self._state == _CALIBRATING:
            return self._calibrated(frame[_CTRL2])
        if not frame[_PU_CTRL] & _CR:
            return (NOT_READY,)
        code = frame[_DATA] << 16 | frame[_DATA + 1] << 8 | frame[_DATA + 2]
        self._repeats = self._repeats + 1 if code == self._last else 0
        self._last = code
        if self._left:
            self._left -= 1
            if self._left == 0 and self._state == _WARMING:
                self._warmed()
            return (UNSETTLED,)
        item = judged(code, self._repeats)
        if isinstance(item, int) and not -self._most <= item <= self._most:
            return (SATURATED,)
        return (item,)

    def _calibrate(self, afe: bytes) -> None:
        offset = int.from_bytes(afe[:_OCAL_OCTETS], "big") & ~_SIGN
        offset = min(offset, _SIGN - offset)  # small, whichever way the sign is written
        self._most = (_SIGN - offset - _NEAR_END) * int.from_bytes(afe[_OCAL_OCTETS:], "big") >> 23
        self.afe = afe

    def _warmed(self) -> None:
        if self.afe is not None:
            self._enter(_MEASURING, 0)
            return
        self._set(_CTRL2, self._ctrl2[0] | _CALS)
        self._enter(_CALIBRATING, CALIBRATION_SCANS)

    def _calibrated(self, ctrl2: int) -> "tuple[Fault]":
        if ctrl2 & _CALS:
            self._left -= 1
            return (UNSETTLED if self._left > 0 else NOT_READY,)
        if ctrl2 & _CAL_ERR:
            raise SensorError(CHECKSUM, "the chip could not calibrate its offset")
        self._calibrate(bytes(self._frame[_OCAL1 : _OCAL1 + AFE_OCTETS]))
        self._enter(_MEASURING, SETTLE_CONVERSIONS)
        return (UNSETTLED,)

    def _is_reset(self) -> bool:
        frame = self._frame
        running = self._running | _PUR
        if frame[_PU_CTRL] & running != running or frame[_CTRL1] != self._ctrl1[0]:
            return True
        if frame[_CTRL2] & _SETTINGS_OF_CTRL2 != self._ctrl2[0]:
            return True
        if self.afe is None:
            return False
        differs = 0
        for at in range(AFE_OCTETS):
            differs |= frame[_OCAL1 + at] ^ self.afe[at]
        return differs != 0

    def _enter(self, state: int, count: int) -> None:
        self._state = state
        self._left = count

    def _probe(self) -> None:
        try:
            revision = self._register(_REVISION)
        except OSError:
            raise SensorError(ABSENT, "no answer at " + hex(ADDRESS)) from None
        if revision & 0x0F != _REVISION_CODE:
            raise SensorError(WRONG_ID, "revision " + hex(revision) + ", a NAU7802 has 0xf")

    def _await_power_up(self) -> None:
        for _ in range(POWER_UP_POLLS):
            if self._register(_PU_CTRL) & _PUR:
                return
        raise SensorError(NOT_READY, "the power-up did not end in " + str(POWER_UP_POLLS) + " polls")

    def _register(self, register: int) -> int:
        self._i2c.readfrom_mem_into(ADDRESS, register, self._octet)
        return self._octet[0]

    def _set(self, register: int, value: int) -> None:
        self._write(register, bytes((value,)))

    def _write(self, register: int, octets: bytes) -> None:
        self._i2c.writeto_mem(ADDRESS, register, octets)
