"""What the settings hold against a sensor's values. Loaded where they do."""

from wire.faults import OUT_OF_RANGE, STUCK, Fault


class Limits:
    """Judges items channel by channel, before anybody else sees them.

    `ranges` has (least, most) in the channel's own integers, or None; `stuck` the count of equal values in
    a row that nobody believes any more, or 0.
    """

    def __init__(self, ranges: "list[tuple[int, int] | None]", stuck: "list[int]") -> None:
        self._ranges = ranges
        self._stuck = stuck
        self._last = [None] * len(stuck)
        self._repeats = [0] * len(stuck)

    def judge(self, items: "tuple[int | Fault, ...]") -> "tuple[int | Fault, ...]":
        """The items, a Fault for each that is not to be believed."""
        return tuple([self._judged(channel, items[channel]) for channel in range(len(items))])

    def _judged(self, channel: int, item: "int | Fault") -> "int | Fault":
        if isinstance(item, Fault):
            return item  # and says nothing of whether the value behind it still is the same
        if item == self._last[channel]:
            self._repeats[channel] += 1
        else:
            self._last[channel] = item
            self._repeats[channel] = 1
        if self._ranges[channel] is not None:
            least, most = self._ranges[channel]
            if not least <= item <= most:
                return OUT_OF_RANGE
        if self._stuck[channel] and self._repeats[channel] >= self._stuck[channel]:
            return STUCK
        return item
