"""Faults: what stands in a reading's place when there is no true value.

The codes travel in a BLOCK's exceptions (docs/link-protocol.md) and never change their meaning.
"""


class Fault:
    """One reason why a value is missing. Compare by identity: there is one object per code."""

    def __init__(self, code: int, name: str) -> None:
        self.code = code
        self.name = name

    def __repr__(self) -> str:
        return "Fault(" + str(self.code) + ", " + self.name + ")"


BUS = Fault(1, "bus")  # no acknowledge, bus stuck, timeout on the bus
ABSENT = Fault(2, "absent")  # the sensor was not there when it was opened
WRONG_ID = Fault(3, "wrong_id")  # another chip answers at the address
NOT_READY = Fault(4, "not_ready")  # no conversion within the chip's own time limit
CHECKSUM = Fault(5, "checksum")  # the chip's check or the clocking of its data failed
RESET_VALUE = Fault(6, "reset_value")  # the register holds what it holds after a reset
SATURATED = Fault(7, "saturated")  # the converter is at its end code
OUT_OF_RANGE = Fault(8, "out_of_range")  # outside what the datasheet allows
OPEN_BRIDGE = Fault(9, "open_bridge")
STUCK = Fault(10, "stuck")  # the same code for longer than noise allows
UNSETTLED = Fault(11, "unsettled")  # too soon after power-up or a change of gain
MISSED = Fault(12, "missed")  # the sampler did not get to it in time

ALL = (
    BUS,
    ABSENT,
    WRONG_ID,
    NOT_READY,
    CHECKSUM,
    RESET_VALUE,
    SATURATED,
    OUT_OF_RANGE,
    OPEN_BRIDGE,
    STUCK,
    UNSETTLED,
    MISSED,
)


def name_of(code: int) -> str:
    """The name of a fault's code; an unknown code is named by its number."""
    for fault in ALL:
        if fault.code == code:
            return fault.name
    return "fault_" + str(code)
