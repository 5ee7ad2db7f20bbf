"""Several samples into one scan: their mean. Loaded where a group decimates."""

from wire.faults import Fault


class Mean:
    """Takes `count` samples of `channels` items; then `items` has their means, `ticks` their middle.

    A mean of some of the samples would pass for one of all, and where the others were saturated for
    a true one: a channel that lacks a sample is missing, for the reason of the first that is lacking.
    """

    def __init__(self, count: int, channels: int) -> None:
        self.left = count  # samples until the scan is whole
        self.ticks = 0
        self.items = ()
        self._count = count
        self._first = [0] * channels  # int, or the Fault that the scan gets
        self._above = [0] * channels  # sums of differences to it: small integers, where values are not
        self._begun = 0

    @property
    def empty(self) -> bool:
        """True between two scans."""
        return self.left == self._count

    def clear(self) -> None:
        """Forget the samples of a scan that is not whole."""
        self.left = self._count

    def take(self, ticks: int, items: "tuple[int | Fault, ...]") -> bool:
        """Take one sample; True when a scan is whole."""
        if self.left == self._count:
            self._begun = ticks
            for channel in range(len(items)):
                self._first[channel] = items[channel]
                self._above[channel] = 0
        else:
            for channel in range(len(items)):
                self._add(channel, items[channel])
        self.left -= 1
        if self.left:
            return False
        self.left = self._count
        self.ticks = (self._begun + ticks) // 2
        self.items = tuple([self._mean(channel) for channel in range(len(items))])
        return True

    def _add(self, channel: int, item: "int | Fault") -> None:
        first = self._first[channel]
        if isinstance(first, Fault):
            return
        if isinstance(item, Fault):
            self._first[channel] = item
        else:
            self._above[channel] += item - first

    def _mean(self, channel: int) -> "int | Fault":
        first = self._first[channel]
        if isinstance(first, Fault):
            return first
        return first + (2 * self._above[channel] + self._count) // (2 * self._count)
