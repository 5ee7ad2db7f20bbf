"""One boot of the host: CLOCK_BOOTTIME to UTC, in pieces where the wall clock was stepped."""

from __future__ import annotations

from bisect import bisect_right
from dataclasses import dataclass
from typing import TYPE_CHECKING

from gateway.host_piece import Piece, bounded, drift_ns, joined, pieces_of, text_of
from gateway.node_clock import TimeState

if TYPE_CHECKING:
    from gateway.host_clock import HostReading

STEP_NS = 1_000_000  # the kernel slews both clocks alike: a change of their difference is a step
CHANGE = 4  # so many times more or less certain begins a piece: a bad hour does not spoil a good day
STORE_EVERY_NS = 600_000_000_000  # what a power cut may lose of the belief in the clock
_RESOLVED, _HELD = TimeState.RESOLVED, TimeState.PROVISIONAL


@dataclass(frozen=True, slots=True, kw_only=True)
class HostBootRecord:
    """What is stored of a boot of the host. `offset_ns`: UTC minus CLOCK_BOOTTIME, or None.

    Between `first_sync_ns` and `last_sync_ns` of CLOCK_BOOTTIME the kernel vouched for the clock
    and UTC was within `uncertainty_ns`. `seen_ns` is the latest moment of the boot that is known
    of, `realtime_ns` what the wall clock, believed or not, said then. `pieces` says the same more
    sharply (gateway/host_piece.py); where it is empty, the rest counts.
    """

    number: int  # boots in order; blocks and exchanges refer to it
    boot_id: str
    seen_ns: int
    realtime_ns: int
    offset_ns: int | None = None
    uncertainty_ns: int = 0
    first_sync_ns: int = 0
    last_sync_ns: int = 0
    machine: str = ""  # whose boots these are; empty for this host's own, else records were imported
    pieces: str = ""


class HostBoot:
    """Places moments of one boot of the host in UTC."""

    def __init__(self, record: HostBootRecord) -> None:
        self.number = record.number
        self.boot_id = record.boot_id
        self.machine = record.machine
        self.seen_ns = record.seen_ns
        self.realtime_ns = record.realtime_ns
        self._pieces = _stored_pieces(record)
        self._vouched_ns = record.last_sync_ns
        self._stored_ns: int | None = None

    @property
    def resolved(self) -> bool:
        """True once the kernel vouched for the wall clock in this boot."""
        return bool(self._pieces)

    def observe(self, reading: HostReading) -> bool:
        """Learn from a reading; True when what is known now should be stored."""
        self.seen_ns = reading.boottime_ns
        self.realtime_ns = reading.realtime_ns
        news = reading.synchronised and self._learn(reading)
        overdue = self._stored_ns is None or self.seen_ns - self._stored_ns >= STORE_EVERY_NS
        if news or overdue:
            self._stored_ns = self.seen_ns
        return news or overdue

    def record(self) -> HostBootRecord:
        """What to store."""
        whole = self._whole()
        return HostBootRecord(
            number=self.number,
            boot_id=self.boot_id,
            seen_ns=self.seen_ns,
            realtime_ns=self.realtime_ns,
            offset_ns=None if whole is None else whole.offset_ns,
            uncertainty_ns=0 if whole is None else whole.worst_ns,
            first_sync_ns=0 if whole is None else whole.since_ns,
            last_sync_ns=0 if whole is None else self._vouched_ns,
            machine=self.machine,
            pieces=text_of(self._pieces),
        )

    def utc(self, boottime_ns: int) -> tuple[int, int, TimeState]:
        """UTC, uncertainty, and how that is known. Only for a boot that is `resolved`.

        RESOLVED: the kernel vouched for the clock then, or before and after, or later. PROVISIONAL:
        it had stopped to. INTERVAL: the clock was stepped about then, and either may be the truth.
        """
        pieces = self._pieces
        last = pieces[-1]
        if boottime_ns >= last.until_ns:
            utc_ns, uncertainty_ns = last.at(boottime_ns)
            return utc_ns, uncertainty_ns, _HELD if self.seen_ns > self._vouched_ns else _RESOLVED
        if boottime_ns >= last.since_ns:  # most records: no search
            return *last.at(boottime_ns), _RESOLVED
        at = bisect_right(pieces, boottime_ns, key=lambda piece: piece.since_ns) - 1
        if at < 0:
            return *pieces[0].at(boottime_ns), _RESOLVED
        if boottime_ns <= pieces[at].until_ns:
            return *pieces[at].at(boottime_ns), _RESOLVED
        return _between(pieces[at], pieces[at + 1], boottime_ns)

    def began_utc_ns(self) -> int:
        """UTC was at most this when the boot began. Only for a boot that is `resolved`."""
        utc_ns, uncertainty_ns, _state = self.utc(0)
        return utc_ns + uncertainty_ns

    def seen_utc_ns(self) -> int:
        """UTC was at least this when the boot was last seen. Only for a boot that is `resolved`."""
        utc_ns, uncertainty_ns = self._pieces[-1].at(self.seen_ns)
        return utc_ns - uncertainty_ns

    def _whole(self) -> Piece | None:
        whole: Piece | None = None
        for piece in self._pieces:
            whole = piece if whole is None else joined(whole, piece)
        return whole

    def _learn(self, reading: HostReading) -> bool:
        now_ns, stated_ns = reading.boottime_ns, reading.uncertainty_ns
        self._vouched_ns = now_ns
        stepped = True
        if self._pieces:
            last = self._pieces[-1]
            stepped = abs(reading.offset_ns - last.offset_ns) >= STEP_NS
            if not stepped:
                # The kernel's own bound grows faster than a crystal drifts: less than what is
                # known already is no news.
                if stated_ns >= last.latest_ns + drift_ns(now_ns - last.until_ns):
                    return False
                extended = last.extended(now_ns, stated_ns)
                if extended.worst_ns <= CHANGE * min(last.worst_ns, stated_ns):
                    self._pieces[-1] = extended
                    return False
        began = Piece(now_ns, now_ns, reading.offset_ns, stated_ns, stated_ns, stated_ns)
        self._pieces = bounded([*self._pieces, began])
        return stepped


def _between(earlier: Piece, later: Piece, boottime_ns: int) -> tuple[int, int, TimeState]:
    """Where both pieces may be right, what both allow; where one is wrong, what either says."""
    places = (earlier.at(boottime_ns), later.at(boottime_ns))
    spans = [(utc_ns - off_ns, utc_ns + off_ns) for utc_ns, off_ns in places]
    low_ns, high_ns = max(low for low, _high in spans), min(high for _low, high in spans)
    state = TimeState.RESOLVED
    if low_ns > high_ns:
        low_ns, high_ns = min(low for low, _high in spans), max(high for _low, high in spans)
        state = TimeState.INTERVAL
    half_ns = (high_ns - low_ns) // 2
    return low_ns + half_ns, half_ns + 1, state


def _stored_pieces(record: HostBootRecord) -> list[Piece]:
    if record.offset_ns is None:
        return []
    if record.pieces:
        try:
            return pieces_of(record.pieces)
        except ValueError:  # of a later version; what the others say is true, too
            pass
    off_ns = record.uncertainty_ns
    return [Piece(record.first_sync_ns, record.last_sync_ns, record.offset_ns, off_ns, off_ns, off_ns)]
