"""The one exception of a driver's own; what fails on the bus stays an OSError."""

from wire.faults import Fault


class SensorError(Exception):
    """The sensor cannot be used until it was opened afresh. `fault` tells machines why, `detail` people."""

    def __init__(self, fault: Fault, detail: str) -> None:
        super().__init__(fault.name + ": " + detail)
        self.fault = fault
        self.detail = detail
