"""Scans into a BLOCK: the first scan absolute, the later ones as differences.

A difference is to the last present value of its channel; null is a missing value, whose fault
stands in the exceptions under its index.
"""

from wire.cbor import Encoder
from wire.compat import const
from wire.faults import Fault
from wire.message import BLOCK

PACE_US = const(10000)  # between the first and the last, a scan is so near to the even pace or nearer


class BlockBuilder:
    """Collects up to `scans` scans of `channels` values, in lists that are made once."""

    def __init__(self, channels: int, scans: int) -> None:
        self._channels = channels
        self._values: list[int | None] = [None] * (channels * scans)
        self._last: list[int | None] = [None] * channels
        self._faults: dict[int, int] = {}
        self._scans = scans
        self.count = 0  # scans taken since the last `clear`
        self._t_first = 0
        self._t_last = 0
        # The paces that date every scan so far rightly: microseconds over scans, from least to most.
        self._least = 0
        self._least_over = 1
        self._most = 0
        self._most_over = 1

    @property
    def full(self) -> bool:
        """True when another scan would not fit."""
        return self.count >= self._scans

    def keeps_pace(self, ticks: int) -> bool:
        """False when a scan at `ticks` would make an earlier one seem over PACE_US off: end the block."""
        if self.count < 2:
            return True
        offset = ticks - self._t_first
        return (
            offset * self._least_over >= self._least * self.count
            and offset * self._most_over <= self._most * self.count
        )

    def add(self, ticks: int, items: tuple[int | Fault, ...]) -> None:
        """Take one scan: `items` has an int or a Fault for each channel."""
        if self.count == 0:
            self._t_first = ticks
        else:
            self._narrow(ticks - self._t_first)
        self._t_last = ticks
        at = self.count * self._channels
        for channel in range(self._channels):
            value = items[channel]
            if isinstance(value, Fault):
                self._values[at] = None
                self._faults[at] = value.code
            else:
                last = self._last[channel]
                self._values[at] = value if last is None else value - last
                self._last[channel] = value
            at += 1
        self.count += 1

    def encode(self, encoder: Encoder, boot: int, stream: int, seq: int, group: int) -> bytes:
        """The octets of the BLOCK with the scans taken so far."""
        count = self.count * self._channels
        encoder.start()
        encoder.array(9 if self._faults else 8)
        encoder.uint(BLOCK)
        encoder.uint(boot)
        encoder.uint(stream)
        encoder.uint(seq)
        encoder.uint(group)
        encoder.uint(self._t_first)
        encoder.uint(self._t_last - self._t_first)
        encoder.array(count)
        for at in range(count):
            value = self._values[at]
            if value is None:
                encoder.null()
            else:
                encoder.integer(value)
        if self._faults:
            encoder.value(self._faults)
        return encoder.take()

    def _narrow(self, offset: int) -> None:
        count = self.count
        least = offset - PACE_US
        if count == 1 or least * self._least_over > self._least * count:
            self._least = least
            self._least_over = count
        most = offset + PACE_US
        if count == 1 or most * self._most_over < self._most * count:
            self._most = most
            self._most_over = count

    def clear(self) -> None:
        """Begin the next block."""
        self.count = 0
        for channel in range(self._channels):
            self._last[channel] = None
        if self._faults:
            self._faults = {}
