"""A bridge, its ADS1220 and the driver on one SPI bus, with time that goes when it is told to."""

from drivers.ads1220 import ADS1220
from hil_tests.chips import ADS1220Chip, Load
from hil_tests.chips.wires import OutputPin, SpiWires
from tests.chips.clock import TickingClock
from tests.drivers.bench import SensorBench
from wire.faults import UNSETTLED

SPI_US = 20


class Bench(SensorBench):
    def __init__(self, inputs="01", gain=128, rate=20, check_every=600, **chip):
        self.load = Load()
        self.clock = TickingClock(SPI_US)
        self.chip = ADS1220Chip(self.load, self.clock, **chip)
        self.wires = SpiWires(self.chip)
        drdy = OutputPin(self.chip.drdy)
        self.driver = ADS1220(self.wires, self.wires, drdy, inputs, gain, rate, check_every)

    def scan(self):
        self.driver.start()
        self.clock.advance_ms(self.wait_ms)
        if not self.driver.ready():
            self.clock.advance_ms(52 - self.wait_ms)  # a test of the leads takes its time
            assert self.driver.ready()
        (item,) = self.driver.read()
        return item

    def next(self):
        """The first item that is no test's."""
        for _ in range(5):
            item = self.scan()
            if item is not UNSETTLED:
                return item
        raise AssertionError("never settled")
