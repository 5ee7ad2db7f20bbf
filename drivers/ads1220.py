"""Texas Instruments ADS1220: 24-bit converter for a bridge, measured against its own excitation.

DS: TI SBAS501, ADS1220 datasheet. Every reading is one single-shot conversion, which settles within itself,
of the bridge over REFP0/REFN0: the supply of bridge and reference being the same, its drift cancels.
After open(), and then now and again, a scan is a test in place of a reading, and UNSETTLED.
"""

import errno

from drivers.codes import judged
from drivers.errors import SensorError
from wire.compat import const
from wire.faults import (
    ABSENT,
    BUS,
    CHECKSUM,
    NOT_READY,
    OPEN_BRIDGE,
    OUT_OF_RANGE,
    RESET_VALUE,
    SATURATED,
    UNSETTLED,
    WRONG_ID,
    Fault,
)

TYPE_CHECKING = False
if TYPE_CHECKING:
    from drivers.shapes import SPI, InPin, OutPin

MODE = const(1)  # of SPI: clock idle low, data taken at its falling edge

# Commands, DS 8.5.3.
_RESET = b"\x06"
_START = b"\x08"
_WRITE_ALL = const(0x43)  # four registers from 0
_READ_ALL = b"\x23\x00\x00\x00\x00"
_READ_DATA_AND_ALL = b"\x10\x00\x00\x00" + _READ_ALL
_DATA = const(1)  # in the answer to it
_REGISTERS = const(5)

# DS 8.6. The multiplexer's codes for a pair of inputs, the highest four bits of register 0.
INPUTS = {"01": 0, "02": 1, "03": 2, "12": 3, "13": 4, "23": 5}
_EXCITATION_4 = const(0xC0)  # a quarter of REFP0-REFN0, without the amplifier
_SHORTED = const(0xE0)  # both at half the supply
GAINS = (1, 2, 4, 8, 16, 32, 64, 128)
_BURN_OUT = const(0x01)  # in register 1: 10 uA out of the one input, into the other
_EXTERNAL_REFERENCE = const(0x40)  # in register 2: REFP0/REFN0; else 2.048 V of the chip's own
_REJECT_50_60 = const(0x10)  # in register 2; works at 20 per second

# Conversions per second -> code, and ms of one at most: DS table 11, with an oscillator 2 % slow.
RATES = {20: (0, 52), 45: (1, 23), 90: (2, 12), 175: (3, 6), 330: (4, 4), 600: (5, 2), 1000: (6, 2)}

# A reset takes 50 us and 32 clocks of 0.24 us (DS 8.4.1); one poll takes 40 us at 1 MHz.
RESET_POLLS = const(100)
_SIGN = const(0x800000)
_MODULUS = const(0x1000000)
# The amplifier needs 0.2 V to both rails (DS 8.3.2). Where the reference is its supply, of 2.7 V at least,
# it bends at 0.85 of full scale, without ever reaching the end code.
_COUNTS_MOST = const(7130000)
# The tests are made against the chip's own 2.048 V. Shorted inputs read within 1/256 of that (the offset
# is 1/50 of it, typically); the excitation has the 0.75 V that a reference needs (DS 6.3), here by 4. With
# the test's 10 uA in it a bridge of up to 7 kOhm stays below 0.1 V of the 0.5 that are full scale; an open
# lead goes past that, but first the current has to charge the capacitor over the inputs: at 20 per second,
# whatever the rate is else, 1 uF comes to 0.25 V on average. 0.19 V tells the two apart.
_TEST_GAIN = const(0x04)  # 4, in register 0
_OFFSET_MOST = const(0x8000)
_EXCITATION_LEAST = const(768000)
_OPEN_LEAST = const(0x300000)

# What a scan does. A test that is passed leads to the one below it.
_MEASURE = const(0)
_TEST_BURN_OUT = const(1)
_TEST_EXCITATION = const(2)
_TEST_SHORTED = const(3)


class ADS1220:
    """One chip on a bus shaped like machine.SPI in mode 1, selected by `select`; `drdy` listens to DRDY.

    `inputs` is the pair that the bridge is on: "01" is AIN0 against AIN1. After `check_every` readings two
    scans test the bridge again, its excitation and then its leads; 0 tests after open() only.

    open(), then start(), wait MEASURE_MS, ready(), read(), and again from start(). The test of the leads
    takes 52 ms at any rate: ready() is not True before.
    """

    CHANNELS = (("bridge_counts", "count", 0),)
    MEASURE_MS = 52  # at 20 per second

    def __init__(
        self,
        spi: "SPI",
        select: "OutPin",
        drdy: "InPin",
        inputs: str = "01",
        gain: int = 128,
        rate: int = 20,
        check_every: int = 600,
    ) -> None:
        if inputs not in INPUTS or gain not in GAINS or rate not in RATES:
            raise ValueError("no inputs " + inputs + ", gain " + str(gain) + " or rate " + str(rate))
        code, self.MEASURE_MS = RATES[rate]
        mux_gain = INPUTS[inputs] << 4 | GAINS.index(gain) << 1
        filtered = _REJECT_50_60 if rate == 20 else 0
        # By what a scan does: a command that writes all registers, with what they have to be.
        self._set_up = (
            bytes((_WRITE_ALL, mux_gain, code << 5, filtered | _EXTERNAL_REFERENCE, 0)),
            bytes((_WRITE_ALL, mux_gain & 0xF0 | _TEST_GAIN, _BURN_OUT, _REJECT_50_60, 0)),
            # The pair that is monitored is the one selected as the reference; what it is measured
            # against is the chip's own all the same (DS 8.3.11).
            bytes((_WRITE_ALL, _EXCITATION_4, code << 5, filtered | _EXTERNAL_REFERENCE, 0)),
            bytes((_WRITE_ALL, _SHORTED | mux_gain & 0x0E, code << 5, filtered, 0)),
        )
        self._spi = spi
        self._select = select.value
        self._drdy = drdy.value
        self._check_every = check_every
        self._last = 0  # code, and how often it came in a row before
        self._repeats = 0
        self._registers = bytearray(len(_READ_ALL))
        self._frame = bytearray(len(_READ_DATA_AND_ALL))
        self._task = _MEASURE
        self._left = 0  # readings until the next test

    def open(self) -> None:
        """Reset, find the registers empty, configure, find them so. The first three scans are tests.

        Raises SensorError: ABSENT, WRONG_ID (what is written does not read back) or BUS.
        """
        self._select(1)
        try:
            self._write(_RESET)
            self._await_reset()
            self._write(self._set_up[_TEST_SHORTED])
            self._exchange(_READ_ALL, self._registers)
        except OSError as error:
            raise SensorError(BUS, "errno " + str(error.errno) + " while opening") from None
        if not self._holds(self._registers, 1, _TEST_SHORTED):
            if _all_are(self._registers, 0):
                raise SensorError(ABSENT, "registers stay empty: no ADS1220, or its data line is low")
            raise SensorError(WRONG_ID, "registers do not read back what was written")
        self._task = _TEST_SHORTED

    def start(self) -> None:
        """Begin one conversion. Raises OSError."""
        # All is set each time: what a brown-out took between two scans is no harm to the second.
        self._write(self._set_up[self._task])
        self._write(_START)

    def ready(self) -> bool:
        """True when the conversion is over, or was forgotten: read() says which. Raises OSError."""
        if not self._drdy():
            return True
        self._exchange(_READ_ALL, self._registers)
        return not self._holds(self._registers, 1, self._task)

    def read(self) -> "tuple[int | Fault]":
        """(counts,), of 8388608 at full scale, or a Fault in its place.

        Raises OSError, and after open() SensorError (CHECKSUM).
        """
        late = self._drdy()
        frame = self._frame
        self._exchange(_READ_DATA_AND_ALL, frame)
        if not self._holds(frame, _REGISTERS, self._task):
            if _all_are(frame, 0xFF):
                raise OSError(errno.ENODEV, "nobody drives the data line")
            return (RESET_VALUE,)
        if late:
            return (NOT_READY,)
        code = frame[_DATA] << 16 | frame[_DATA + 1] << 8 | frame[_DATA + 2]
        if self._task == _MEASURE:
            return (self._measured(code),)
        item = self._tested(code)
        # At once, so that the currents of a test are gone long before the next conversion.
        self._write(self._set_up[_MEASURE])
        return (item,)

    def _measured(self, code: int) -> "int | Fault":
        self._repeats = self._repeats + 1 if code == self._last else 0
        self._last = code
        item = judged(code, self._repeats)
        if isinstance(item, int) and not -_COUNTS_MOST <= item <= _COUNTS_MOST:
            item = OUT_OF_RANGE
        if self._check_every:
            self._left -= 1
            # An input near its end may be one that floats there: the next scans find out.
            if self._left <= 0 or item is SATURATED or item is OUT_OF_RANGE:
                self._task = _TEST_EXCITATION
        return item

    def _tested(self, code: int) -> Fault:
        task = self._task
        if task == _TEST_SHORTED and _OFFSET_MOST < code < _MODULUS - _OFFSET_MOST:
            raise SensorError(CHECKSUM, "shorted inputs read " + str(code) + ": the chip is broken")
        if task == _TEST_EXCITATION and not _EXCITATION_LEAST <= code < _SIGN:
            return OPEN_BRIDGE
        if task == _TEST_BURN_OUT and _OPEN_LEAST <= code < _MODULUS - _OPEN_LEAST:
            return OPEN_BRIDGE
        self._task = task - 1
        self._left = self._check_every
        return UNSETTLED

    def _await_reset(self) -> None:
        for _ in range(RESET_POLLS):
            self._exchange(_READ_ALL, self._registers)
            if _all_are(self._registers, 0):
                return
        if _all_are(self._registers, 0xFF):
            raise SensorError(ABSENT, "nobody drives the data line")
        raise SensorError(WRONG_ID, "registers are not empty after a reset")

    def _holds(self, answer: bytearray, at: int, task: int) -> bool:
        expected = self._set_up[task]
        differs = 0
        for register in range(1, 5):
            differs |= answer[at + register - 1] ^ expected[register]
        return differs == 0

    def _write(self, octets: bytes) -> None:
        self._select(0)
        self._spi.write(octets)
        self._select(1)

    def _exchange(self, octets: bytes, into: bytearray) -> None:
        self._select(0)
        self._spi.write_readinto(octets, into)
        self._select(1)


def _all_are(answer: bytearray, octet: int) -> bool:
    # The first octet comes while the command goes out: it says nothing.
    differs = 0
    for at in range(1, len(answer)):
        differs |= answer[at] ^ octet
    return differs == 0
