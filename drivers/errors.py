"""The one exception of a driver's own; what fails on the bus stays an OSError."""

from wire.faults import Fault


class SensorError(Exception):
    """`open()` found that the sensor cannot be used. `fault` says so to machines, `detail` to people."""

    def __init__(self, fault: Fault, detail: str) -> None:
        super().__init__(fault.name + ": " + detail)
        self.fault = fault
        self.detail = detail
