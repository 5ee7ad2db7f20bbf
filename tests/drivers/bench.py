"""What the benches of the drivers share: a driver, its emulated chip, and a clock that a test moves."""

import pytest

from drivers.errors import SensorError


class SensorBench:
    """A subclass makes `driver` and `clock`; `wait_ms` is how long a conversion takes."""

    @property
    def wait_ms(self):
        return self.driver.MEASURE_MS

    def scan(self):
        """All items of one conversion."""
        self.driver.start()
        self.clock.advance_ms(self.wait_ms)
        assert self.driver.ready()
        return self.driver.read()

    def open(self):
        self.driver.open()
        return self


def error_of_opening(bench):
    """The SensorError that opening the driver ends with."""
    with pytest.raises(SensorError) as caught:
        bench.driver.open()
    return caught.value
