"""A bridge, its NAU7802 and the driver on one bus, with time that goes when it is told to."""

from drivers.nau7802 import NAU7802
from hil_tests.chips import Load, NAU7802Chip
from hil_tests.chips.wires import Bus
from tests.chips.clock import TickingClock
from tests.drivers.bench import SensorBench
from wire.faults import UNSETTLED

I2C_US = 100


class DrdyPin:
    def __init__(self, chip):
        self.value = chip.drdy


class Bench(SensorBench):
    """A bridge, its converter and a driver on one bus."""

    def __init__(self, with_drdy=False, gain=128, rate=80, afe=None, **chip):
        self.load = Load()
        self.clock = TickingClock(I2C_US)
        self.chip = NAU7802Chip(self.load, self.clock, **chip)
        self.bus = Bus(self.chip)
        drdy = DrdyPin(self.chip) if with_drdy else None
        self.driver = NAU7802(self.bus, gain, rate, drdy=drdy, afe=afe)

    @property
    def wait_ms(self):
        return self.chip.period_us / 1000 + 1

    def scan(self):
        (item,) = super().scan()
        return item

    def next(self):
        """The first reading that has settled."""
        for _ in range(500):
            item = self.scan()
            if item is not UNSETTLED:
                return item
        raise AssertionError("never settled")
