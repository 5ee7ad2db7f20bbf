"""Which readings wait for a better time, and until when."""

from __future__ import annotations

from typing import NamedTuple

from gateway.host_clock import NO_EARLIER_NS, Clock
from gateway.node_clock import RESOLVED, TimeState
from gateway.readings import Loss, Pack, StoredRecord
from gateway.timeline import Timeline

NS_PER_S = 1_000_000_000
MUCH = 10  # so many times less uncertain is worth a message where the state stays the same
_WORSE = (TimeState.RESOLVED, TimeState.PROVISIONAL, TimeState.INTERVAL, TimeState.UNKNOWN)


class Patience:
    """The release policy of one sink.

    A resolved reading goes at once. Another one waits while its time can still get better: until
    the host's clock is vouched for and the node's has been measured, at most `provisional_after_s`.
    Without a vouched-for host clock it waits for as long as that takes, unless `send` is set.
    """

    def __init__(
        self, timeline: Timeline, clock: Clock, *, send_unsynchronised: bool, provisional_after_s: float
    ) -> None:
        self._timeline = timeline
        self._clock = clock
        self._send = send_unsynchronised
        self._after_ns = int(provisional_after_s * NS_PER_S)

    def ready(self, stored: StoredRecord, reading: Pack | Loss) -> bool:
        """True when the reading is to be sent as it is."""
        if reading.state is RESOLVED:
            return True
        if not (self._timeline.synchronised or self._send):
            return False
        if self._timeline.synchronised and self._measured(stored):
            return True
        # A record of an earlier boot of the host is older than this boot.
        since_ns = stored.arrived_ns if stored.host_boot == self._timeline.host_boot else 0
        return self._clock.boottime_ns() - since_ns >= self._after_ns

    def _measured(self, stored: StoredRecord) -> bool:
        """The node's clock is known: what this leaves open (an earlier boot of the host) stays open."""
        return self._timeline.node_clock(stored.uid, stored.boot)[0] is RESOLVED


class Told(NamedTuple):
    """What a message said of its time: the user properties `time` and `tu`."""

    state: TimeState
    uncertainty_ns: int


class Improvement(NamedTuple):
    """How much better the time of a record that was sent is known now."""

    then: Told
    now: Told

    @property
    def factor(self) -> float:
        """How many times less uncertain; below 1 it is worse."""
        return self.then.uncertainty_ns / max(1, self.now.uncertainty_ns)

    @property
    def worth_telling(self) -> bool:
        """True when a correction helps whoever has the first message.

        What was `resolved` never needs one. Anything else does when its state is a better one, or
        when it is MUCH less uncertain; so a record is corrected a few times at most.
        """
        if self.then.state is RESOLVED or self.factor <= 1:
            return False
        return _WORSE.index(self.now.state) < _WORSE.index(self.then.state) or self.factor >= MUCH


def improvement(then: Told, reading: Pack | Loss) -> Improvement:
    """What has become of the time of a record that was sent as `then`; `reading` is made now."""
    return Improvement(then, Told(reading.state, reading.uncertainty_ns))


def possible(reading: Pack | Loss) -> bool:
    """False for a time at which no reading can have been taken, such as 1970."""
    return reading.utc_ns >= NO_EARLIER_NS
