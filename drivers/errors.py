"""The one exception of a driver's own; what fails on the bus stays an OSError."""

import errno

from wire.faults import Fault

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Protocol

    class Opens(Protocol):
        """What of a driver is wanted here."""

        def open(self) -> None: ...


class SensorError(Exception):
    """`open()` found that the sensor cannot be used. `fault` says so to machines, `detail` to people."""

    def __init__(self, fault: Fault, detail: str) -> None:
        super().__init__(fault.name + ": " + detail)
        self.fault = fault
        self.detail = detail


def open_afresh(driver: "Opens") -> None:
    """Open a driver between two conversions, where a SensorError is one more failure of the bus: OSError."""
    try:
        driver.open()
    except SensorError as error:
        raise OSError(errno.EIO, str(error)) from None
