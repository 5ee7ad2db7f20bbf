"""Bosch BME280: temperature, humidity and pressure of air, one forced conversion at a time.

DS: Bosch BST-BME280-DS002. The filter is off and the chip sleeps between conversions, so a
reading owes nothing to earlier ones and the chip does not warm itself.
"""

from drivers.bme280_trim import HIGH_OCTETS, LOW_OCTETS, Trim, centi_celsius
from drivers.errors import SensorError
from wire.compat import const
from wire.faults import (
    ABSENT,
    BUS,
    CHECKSUM,
    NOT_READY,
    OUT_OF_RANGE,
    RESET_VALUE,
    UNSETTLED,
    WRONG_ID,
    Fault,
)

TYPE_CHECKING = False
if TYPE_CHECKING:
    from drivers.shapes import I2C

    Scan = tuple[int | Fault, int | Fault, int | Fault]

# Registers, DS 5.3.
_TRIM_LOW = const(0x88)
_ID = const(0xD0)
_RESET = const(0xE0)
_TRIM_HIGH = const(0xE1)
_CTRL_HUM = const(0xF2)
_STATUS = const(0xF3)
_CTRL_MEAS = const(0xF4)
_CONFIG = const(0xF5)

_BME280 = const(0x60)
_BMP280 = (0x56, 0x57, 0x58)  # two of samples, one of production; no humidity sensor
_SOFT_RESET = b"\xb6"
_NO_FILTER = b"\x00"
_IM_UPDATE = const(0x01)  # in status: trim is being copied from the chip's memory
_MEASURING = const(0x08)  # in status
_MODE = const(0x03)  # in ctrl_meas: 0 is sleep, to which a forced conversion returns
_FORCED = const(0x01)

# The copy takes 2 ms (DS 1.1); one poll takes 0.1 ms on a bus of 400 kHz, and never less here.
RESET_POLLS = const(500)
OVERSAMPLINGS = (1, 2, 4, 8, 16)

# Of registers 0xF2 to 0xFE, which one burst reads: settings first, then data (DS 4).
_FRAME_OCTETS = const(13)
_DATA = const(5)  # 0xF7 in it
_RESET_20 = const(0x80000)  # pressure and temperature when skipped or not yet measured
_RESET_16 = const(0x8000)  # humidity likewise

# Operating ranges, DS 1.1 to 1.3. Humidity is true to 3 %RH, and fog reads as a little over 100.
_CENTI_C_LEAST = const(-4000)
_CENTI_C_MOST = const(8500)
_CENTI_RH_LEAST = const(-300)
_CENTI_RH_MOST = const(10300)
_PA_LEAST = const(30000)
_PA_MOST = const(110000)


class BME280:
    """One chip on any bus shaped like machine.I2C, at 0x76 or 0x77.

    `oversampling` (1, 2, 4, 8, 16) holds for all three channels. open(), then start(), wait
    MEASURE_MS, ready(), read(), and again from start(). The first reading after open() is
    UNSETTLED. A chip that lost its power in between is noticed: its scans are RESET_VALUE until it is
    opened afresh.
    """

    CHANNELS = (
        ("air_temperature", "Cel", -2),
        ("relative_humidity", "%RH", -2),
        ("air_pressure", "Pa", 0),
    )
    MEASURE_MS = 10  # with oversampling 1

    def __init__(self, i2c: "I2C", address: int = 0x76, oversampling: int = 1) -> None:
        if oversampling not in OVERSAMPLINGS:
            raise ValueError("oversampling " + str(oversampling) + " is not 1, 2, 4, 8 or 16")
        # DS 9.1, the longest: 1.25 ms, 2.3 ms a sample, 0.575 ms each for pressure and humidity.
        self.MEASURE_MS = (1250 + 3 * 2300 * oversampling + 2 * 575 + 999) // 1000
        code = OVERSAMPLINGS.index(oversampling) + 1
        self._ctrl_hum = bytes((code,))
        self._ctrl_meas = bytes((code << 5 | code << 2 | _FORCED,))
        self._i2c = i2c
        self._address = address
        self._octet = bytearray(1)
        self._frame = bytearray(_FRAME_OCTETS)
        self._again = bytearray(_FRAME_OCTETS)
        self._trim = Trim(bytes(LOW_OCTETS), bytes(HIGH_OCTETS))
        self._octets_of_trim: tuple[bytearray, bytearray] | None = None  # until they were read again

    def open(self) -> None:
        """Probe, reset, read trim, configure. Busy for the 2 to 3 ms that the chip's reset takes.

        Raises SensorError: ABSENT, WRONG_ID, NOT_READY (the reset does not end), RESET_VALUE (no
        trim in the chip) or BUS.
        """
        low = bytearray(LOW_OCTETS)
        high = bytearray(HIGH_OCTETS)
        self._probe()
        try:
            self._write(_RESET, _SOFT_RESET)
            self._await_trim()
            self._read(_TRIM_LOW, low)
            self._read(_TRIM_HIGH, high)
            # config is heeded in sleep only; ctrl_hum counts from the next ctrl_meas (DS 5.4.3).
            self._write(_CONFIG, _NO_FILTER)
            self._write(_CTRL_HUM, self._ctrl_hum)
        except OSError as error:
            raise SensorError(BUS, "errno " + str(error.errno) + " while opening") from None
        self._trim = Trim(low, high)
        self._octets_of_trim = (low, high)
        if self._trim.blank:
            raise SensorError(RESET_VALUE, "the chip holds no trim")

    def start(self) -> None:
        """Begin one conversion. Raises OSError."""
        self._write(_CTRL_MEAS, self._ctrl_meas)

    def ready(self) -> bool:
        """True when the conversion is over. Raises OSError."""
        return not self._register(_STATUS) & _MEASURING

    def read(self) -> "Scan":
        """(centi-degrees C, centi-%RH, Pa), a Fault for each that is missing.

        Raises OSError, and after open() SensorError (CHECKSUM).
        """
        # Nothing checks what travels on the bus, and a flipped bit is a plausible number: what is read
        # must be there twice.
        self._read(_CTRL_HUM, self._frame)
        self._read(_CTRL_HUM, self._again)
        if self._frame != self._again:
            return (CHECKSUM, CHECKSUM, CHECKSUM)
        if self._is_reset():
            return (RESET_VALUE, RESET_VALUE, RESET_VALUE)
        if self._frame[1] & _MEASURING or self._frame[2] & _MODE:
            return (NOT_READY, NOT_READY, NOT_READY)
        if self._octets_of_trim:
            return self._first()
        return decode(self._trim, self._frame, _DATA)

    def _first(self) -> "Scan":
        # Trim that was read too soon after the reset, or torn, would falsify every reading to
        # come. There is no check sum on it: now that it had time, it must still be the same.
        low = bytearray(LOW_OCTETS)
        high = bytearray(HIGH_OCTETS)
        self._read(_TRIM_LOW, low)
        self._read(_TRIM_HIGH, high)
        if (low, high) != self._octets_of_trim:
            raise SensorError(CHECKSUM, "the trim at " + hex(self._address) + " was read in two ways")
        self._octets_of_trim = None
        return (UNSETTLED, UNSETTLED, UNSETTLED)

    def _is_reset(self) -> bool:
        frame = self._frame
        return (
            frame[0] & 0x07 != self._ctrl_hum[0]
            or frame[2] & 0xFC != self._ctrl_meas[0] & 0xFC
            or frame[3] & 0xFC != 0
        )

    def _probe(self) -> None:
        where = hex(self._address)
        try:
            chip = self._register(_ID)
        except OSError:
            raise SensorError(ABSENT, "no answer at " + where) from None
        if chip in _BMP280:
            raise SensorError(WRONG_ID, "a BMP280 at " + where + ", it has no humidity; use a BME280")
        if chip != _BME280:
            raise SensorError(WRONG_ID, "chip id " + hex(chip) + " at " + where + ", a BME280 has 0x60")

    def _await_trim(self) -> None:
        for _ in range(RESET_POLLS):
            try:
                if not self._register(_STATUS) & _IM_UPDATE:
                    return
            except OSError:
                continue  # a chip that is starting may not answer yet
        raise SensorError(NOT_READY, "the reset did not end in " + str(RESET_POLLS) + " polls")

    def _register(self, register: int) -> int:
        self._read(register, self._octet)
        return self._octet[0]

    def _read(self, register: int, into: bytearray) -> None:
        self._i2c.readfrom_mem_into(self._address, register, into)

    def _write(self, register: int, octets: bytes) -> None:
        self._i2c.writeto_mem(self._address, register, octets)


def decode(trim: Trim, octets: "bytes | bytearray", at: int = 0) -> "Scan":
    """The registers 0xF7-0xFE, which begin at octets[at], to what BME280.read gives.

    Without a temperature neither of the others can be known. A channel that is truly at the
    reset code (0.005 degrees C, 2.6 Pa or 0.006 %RH wide) is lost, too: no one could tell.
    """
    adc_p = octets[at] << 12 | octets[at + 1] << 4 | octets[at + 2] >> 4
    adc_t = octets[at + 3] << 12 | octets[at + 4] << 4 | octets[at + 5] >> 4
    adc_h = octets[at + 6] << 8 | octets[at + 7]
    if adc_t == _RESET_20:
        return (RESET_VALUE, RESET_VALUE, RESET_VALUE)
    t_fine = trim.t_fine(adc_t)
    centi_c = centi_celsius(t_fine)
    if not _CENTI_C_LEAST <= centi_c <= _CENTI_C_MOST:
        return (OUT_OF_RANGE, OUT_OF_RANGE, OUT_OF_RANGE)
    return (centi_c, _humidity(trim, adc_h, t_fine), _pressure(trim, adc_p, t_fine))


def _humidity(trim: Trim, adc: int, t_fine: int) -> "int | Fault":
    if adc == _RESET_16:
        return RESET_VALUE
    centi_rh = trim.humidity(adc, t_fine)
    return centi_rh if _CENTI_RH_LEAST <= centi_rh <= _CENTI_RH_MOST else OUT_OF_RANGE


def _pressure(trim: Trim, adc: int, t_fine: int) -> "int | Fault":
    if adc == _RESET_20:
        return RESET_VALUE
    pa = trim.pressure(adc, t_fine)
    return pa if pa is not None and _PA_LEAST <= pa <= _PA_MOST else OUT_OF_RANGE
