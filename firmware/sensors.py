"""Each driver's life: opened, failed, opened again."""

from drivers.errors import SensorError
from wire import faults
from wire.compat import const

REOPEN_FIRST_MS = const(1000)
REOPEN_MOST_MS = const(30000)
REOPEN_TRIES = const(10)  # within two and a half minutes; then
GIVEN_UP_MS = const(300000)  # a sensor that is not there costs one probe in this time
READY_MS = const(200)  # HX711 at its slower rate: 100 ms nominal, by a loose oscillator


class Sensor:
    """One driver that may be absent. No method raises: what fails becomes a Fault.

    After an error on the bus, data that did not come or never change, or where the driver says so, it is
    opened afresh before its numbers count again: the chip may have lost its power, hang, or be another
    one by now. A value, and no less, proves that opening it was of use.
    """

    def __init__(self, driver, limits=None, at: int = 0) -> None:
        self.channels = driver.CHANNELS
        self.measure_ms = driver.MEASURE_MS
        self._driver = driver
        self._limits = limits  # firmware.limits.Limits, where the settings have some
        self.fault = faults.ABSENT  # why there is nothing to read; None while all is well
        self._open = False
        self._retry_at_ms = 0
        self._tries = 0  # to open it since there was a value
        self.at = at  # its place in the settings
        self.detail = ""  # what is wrong, for people; empty once there was a value
        self.told = ""  # what of it they know

    @property
    def given_up(self) -> bool:
        """Whether so many tries were in vain that it is looked for every few minutes only."""
        return self._tries >= REOPEN_TRIES

    def start(self, now_ms: int) -> None:
        """Begin one conversion; a sensor that is not open is opened first, at a bounded pace."""
        if not self._open and now_ms >= self._retry_at_ms:
            self._try_open(now_ms)
        if self._open:
            self.fault = None
            try:
                self._driver.start()
            except OSError:
                self._lost(faults.BUS, now_ms)

    def ready(self, now_ms: int) -> bool:
        """True when `read` need not wait, or there is nothing to wait for."""
        if self.fault is not None:
            return True
        try:
            return self._driver.ready()
        except OSError:
            self._lost(faults.BUS, now_ms)
            return True

    def give_up(self, now_ms: int) -> None:
        """No conversion came in time: the chip is opened afresh before it is asked again."""
        self._lost(faults.NOT_READY, now_ms)

    def read(self, now_ms: int) -> tuple:
        """One int or Fault per channel."""
        if self.fault is None:
            try:
                items = self._driver.read()
            except SensorError as error:
                self._lost(error.fault, now_ms)
                self.detail = str(error)
            except OSError:
                self._lost(faults.BUS, now_ms)
            else:
                return self._judged(items, now_ms)
        return (self.fault,) * len(self.channels)

    def _judged(self, items: tuple, now_ms: int) -> tuple:
        for item in items:
            if isinstance(item, int):
                self._tries = 0
                self.detail = ""
                return items if self._limits is None else self._limits.judge(items)
        # No value, and neither for what is measured nor for noise on a wire: the chip itself.
        if items[0] in (faults.NOT_READY, faults.RESET_VALUE, faults.STUCK):
            self._lost(items[0], now_ms)
        return items

    def _try_open(self, now_ms: int) -> None:
        try:
            self._driver.open()
        except SensorError as error:
            self.fault = error.fault
            self.detail = str(error)
        except OSError as error:
            self.fault = faults.ABSENT
            self.detail = str(error)
        else:
            self._open = True
        # A driver that opens and then fails is kept to the same pace.
        retry_ms = GIVEN_UP_MS
        if self._tries < REOPEN_TRIES - 1:
            retry_ms = min(REOPEN_FIRST_MS << self._tries, REOPEN_MOST_MS)
        self._tries = min(self._tries + 1, REOPEN_TRIES)
        self._retry_at_ms = now_ms + retry_ms

    def _lost(self, fault, now_ms: int) -> None:
        self._open = False
        self.fault = fault
        self.detail = self.detail or fault.name
        if self._tries == 0:
            self._retry_at_ms = now_ms  # the first error after good readings: at the next scan
