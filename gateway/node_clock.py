"""The clock of one boot of one node, seen from one boot of the host."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING, NamedTuple

from gateway.clock_fit import NS_PER_US, PPM, SKEW_LIMIT, TICK_NS
from gateway.clock_track import Track
from gateway.contacts import Contacts
from gateway.host_clock import UNSYNCHRONISED_NS

if TYPE_CHECKING:
    from gateway.clock_fit import Placed

TIME_PERIOD_S = 10.0
QUICK_EXCHANGES = 8  # a node that has just come is measured at once
QUICK_PERIOD_NS = 500_000_000
RTT_LIMIT_NS = 2_000_000_000  # an answer that slow was stuck somewhere and tells nothing
RESOLVED_REACH_US = 300e6  # further outside the exchanges than this, the clock runs on trust
AWAKE_REACH_US = 30e6  # the same of a node that sleeps: it may have slept since
HELLO_DELAY_NS = 1_000_000_000  # a HELLO in the kernel's buffer, a busy node, a slow line
TRACKS = 4  # of a clock that jumps; older ones are forgotten


class TimeState(StrEnum):
    """How much is known of an instant."""

    RESOLVED = "resolved"
    PROVISIONAL = "provisional"  # a one-sided guess, or a clock that has run on trust for long
    INTERVAL = "interval"  # somewhere within the uncertainty, no place in it more likely
    UNKNOWN = "unknown"


# For what is done for each record: CPython 3.11 finds a name in an enum four times slower than in a module.
RESOLVED, PROVISIONAL, INTERVAL, UNKNOWN = TimeState


class Instant(NamedTuple):
    """A moment of the host's CLOCK_BOOTTIME. A tuple: two are made for each block published."""

    boottime_ns: int
    uncertainty_ns: int
    state: TimeState


@dataclass(frozen=True, slots=True, kw_only=True)
class Exchange:
    """TIME and its TIME_REPLY. t1, t4: host CLOCK_BOOTTIME; t2, t3: node ticks (RFC 5905, fig. 16)."""

    t1_ns: int
    t2_us: int
    t3_us: int
    t4_ns: int

    @property
    def middle_us(self) -> int:
        """The node's ticks half way through its share."""
        return self.t2_us + self.t3_us >> 1

    @property
    def middle_ns(self) -> int:
        """The host's clock half way: what it showed at `middle_us`, to half the round trip."""
        return self.t1_ns + self.t4_ns >> 1

    @property
    def rtt_ns(self) -> int:
        """The round trip without the node's own share."""
        return (self.t4_ns - self.t1_ns) - (self.t3_us - self.t2_us) * NS_PER_US

    def plausible(self) -> bool:
        """True unless its stamps contradict each other or it took too long to mean anything."""
        return self.t3_us >= self.t2_us and 0 <= self.rtt_ns <= RTT_LIMIT_NS

    def agrees_with(self, other: Exchange) -> bool:
        """True if one clock within the skew limit can have answered both."""
        node_ns = ((self.t2_us + self.t3_us) - (other.t2_us + other.t3_us)) * NS_PER_US // 2
        host_ns = ((self.t1_ns + self.t4_ns) - (other.t1_ns + other.t4_ns)) // 2
        allowed_ns = (self.rtt_ns + other.rtt_ns) / 2 + 2 * TICK_NS
        # SKEW_LIMIT is in ns per us.
        return abs(node_ns - host_ns) <= allowed_ns + abs(host_ns) * SKEW_LIMIT / NS_PER_US


NOTHING = Instant(0, UNSYNCHRONISED_NS, TimeState.UNKNOWN)


class NodeClock:
    """Exchanges in, instants out. Exchanges come in the order of their t1."""

    def __init__(self, period_s: float = TIME_PERIOD_S) -> None:
        self.jumps = 0  # the node's ticks leapt
        self.refused = 0  # exchanges that contradict themselves or all others
        self._period_ns = int(period_s * 1e9)
        self._tracks: list[Track] = []  # one, unless the ticks leapt
        self._suspect: Exchange | None = None  # disagrees with the track; a second one decides
        self._earliest_hello: tuple[int, int] | None = None  # (ticks, arrived) of the fastest
        self._greeted_us = 0  # ticks of the latest
        self._contacts: Contacts | None = None  # of a node that sleeps, in place of tracks

    def sleeps(self, ppm: int) -> None:
        """The node sleeps, and its ticks may be off by so many ppm. What was heard before counts."""
        if self._contacts is None or self._contacts.ppm != ppm:
            before = self._contacts.kept() if self._contacts else self._of_tracks()
            self._contacts = Contacts(ppm)
            for exchange in before:
                self._contacts.add(exchange)

    def hello(self, ticks_us: int, arrived_ns: int) -> None:
        """HELLO with these ticks arrived: they are not later than that."""
        self._greeted_us = ticks_us
        fastest = self._earliest_hello
        if fastest is None or arrived_ns - ticks_us * NS_PER_US < fastest[1] - fastest[0] * NS_PER_US:
            self._earliest_hello = (ticks_us, arrived_ns)

    def add(self, exchange: Exchange) -> None:
        """Take an exchange; a single one that contradicts the others is refused and counted."""
        if not exchange.plausible():
            self.refused += 1
        elif self._contacts is not None:
            self.jumps += not self._contacts.agrees_with(exchange)
            self.refused += not self._contacts.add(exchange)
        elif not self._tracks:
            self._tracks.append(Track(exchange))
        elif exchange.agrees_with(self._tracks[-1].latest):
            self.refused += self._suspect is not None
            self._suspect = None
            self._tracks[-1].add(exchange)
        elif self._suspect is not None and exchange.agrees_with(self._suspect):
            self._leap(self._suspect, exchange)
        else:
            self.refused += self._suspect is not None
            self._suspect = exchange

    def at(self, ticks_us: int) -> Instant:
        """When the node's clock showed these ticks."""
        if self._contacts:
            return self._among_contacts(self._contacts, ticks_us)
        tracks = self._tracks
        if len(tracks) == 1:
            return _instant(tracks[0].place(ticks_us))
        if tracks:
            return self._among_tracks(ticks_us)
        if self._earliest_hello is not None:
            off = SKEW_LIMIT if self._contacts is None else self._contacts.ppm * PPM
            return self._from_hello(*self._earliest_hello, ticks_us, off)
        return NOTHING

    def latest(self) -> Instant:
        """The newest moment of the node that is known of."""
        if self._contacts:  # with its HELLO a new contact has begun, that an exchange has yet to measure
            return self.at(max(self._contacts.last_us, self._greeted_us))
        if self._tracks:
            return self.at(self._tracks[-1].last_us)
        return self.at(self._earliest_hello[0]) if self._earliest_hello is not None else NOTHING

    def measured_ticks(self) -> list[int]:
        """Ticks of the first and the last exchange of its latest run: where it is known best."""
        if self._contacts is not None:
            return self._contacts.ends()
        return [self._tracks[-1].first_us, self._tracks[-1].last_us] if self._tracks else []

    def next_exchange_due(self, now_ns: int) -> bool:
        """True when the node should be asked: QUICK_EXCHANGES at first, then every period."""
        if self._contacts is not None:
            return self._contacts.due(now_ns, self._period_ns)
        if not self._tracks:
            return True
        track = self._tracks[-1]
        quick = self._suspect is not None or track.count < QUICK_EXCHANGES
        latest = self._suspect or track.latest
        pause_ns = min(QUICK_PERIOD_NS, self._period_ns) if quick else self._period_ns
        return now_ns - latest.t1_ns >= pause_ns

    def _leap(self, first: Exchange, second: Exchange) -> None:
        self.jumps += 1
        self._suspect = None
        track = Track(first)
        track.add(second)
        self._tracks = [*self._tracks[1 - TRACKS :], track]

    def _among_tracks(self, ticks_us: int) -> Instant:
        """The track that holds the ticks; between two of them nobody knows which one applied."""
        tracks = self._tracks
        for track in reversed(tracks):
            if track.first_us <= ticks_us <= track.last_us:
                return _instant(track.place(ticks_us))
        newest = tracks[-1]
        if ticks_us > newest.last_us:
            return _instant(newest.place(ticks_us))
        places = [track.place(ticks_us) for track in tracks]
        low = min(boottime_ns - uncertainty_ns for boottime_ns, uncertainty_ns, _reach in places)
        high = max(boottime_ns + uncertainty_ns for boottime_ns, uncertainty_ns, _reach in places)
        return Instant((low + high) // 2, (high - low) // 2 + 1, INTERVAL)

    @staticmethod
    def _among_contacts(contacts: Contacts, ticks_us: int) -> Instant:
        boottime_ns, uncertainty_ns, reach_us, contradicted = contacts.place(ticks_us)
        state = INTERVAL if contradicted else RESOLVED if reach_us <= AWAKE_REACH_US else PROVISIONAL
        return Instant(boottime_ns, uncertainty_ns, state)

    def _of_tracks(self) -> list[Exchange]:
        return [exchange for track in self._tracks for exchange in track.kept()]

    @staticmethod
    def _from_hello(hello_us: int, arrived_ns: int, ticks_us: int, off: float) -> Instant:
        # One-sided: the arrival is the upper end, and mostly close to the truth.
        distance_us = ticks_us - hello_us
        return Instant(
            arrived_ns + distance_us * NS_PER_US,
            HELLO_DELAY_NS + int(abs(distance_us) * off),
            TimeState.PROVISIONAL,
        )


def _instant(placed: Placed) -> Instant:
    boottime_ns, uncertainty_ns, reach_us = placed
    return Instant(boottime_ns, uncertainty_ns, RESOLVED if reach_us <= RESOLVED_REACH_US else PROVISIONAL)
