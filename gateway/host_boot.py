"""One boot of the host: CLOCK_BOOTTIME to UTC, in pieces where the wall clock was stepped."""

from __future__ import annotations

from bisect import bisect_right
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from gateway.host_clock import DRIFT_PPM

if TYPE_CHECKING:
    from gateway.host_clock import HostReading

STEP_NS = 1_000_000  # the kernel slews both clocks alike: a change of their difference is a step
PIECES = 16  # of one boot; a wall clock stepped more often than that has no past worth telling apart
STORE_EVERY_NS = 600_000_000_000  # what a power cut may lose of the belief in the clock
PPM_DIVISOR = 1_000_000


@dataclass(frozen=True, slots=True, kw_only=True)
class HostBootRecord:
    """What is stored of a boot of the host. `offset_ns`: UTC minus CLOCK_BOOTTIME, or None.

    Between `first_sync_ns` and `last_sync_ns` of CLOCK_BOOTTIME the kernel vouched for the clock
    and UTC was within `uncertainty_ns`. `seen_ns` is the latest moment of the boot that is known
    of, `realtime_ns` what the wall clock, believed or not, said then.
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


@dataclass(slots=True, kw_only=True)
class _Piece:
    """A stretch without a step. Its bounds are of the time the kernel vouched for it."""

    since_ns: int
    until_ns: int
    offset_ns: int
    first_ns: int  # uncertainty when it began: what reaches back before it
    latest_ns: int  # uncertainty now
    worst_ns: int = field(default=0)


class HostBoot:
    """Places moments of one boot of the host in UTC."""

    def __init__(self, record: HostBootRecord) -> None:
        self.number = record.number
        self.boot_id = record.boot_id
        self.seen_ns = record.seen_ns
        self.realtime_ns = record.realtime_ns
        self._pieces: list[_Piece] = []
        self._stored_ns: int | None = None
        if record.offset_ns is not None:
            self._pieces.append(
                _Piece(
                    since_ns=record.first_sync_ns,
                    until_ns=record.last_sync_ns,
                    offset_ns=record.offset_ns,
                    first_ns=record.uncertainty_ns,
                    latest_ns=record.uncertainty_ns,
                    worst_ns=record.uncertainty_ns,
                )
            )

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
        """What to store. Of several pieces the last, as uncertain as the others are far from it."""
        if not self._pieces:
            return HostBootRecord(
                number=self.number,
                boot_id=self.boot_id,
                seen_ns=self.seen_ns,
                realtime_ns=self.realtime_ns,
            )
        last = self._pieces[-1]
        return HostBootRecord(
            number=self.number,
            boot_id=self.boot_id,
            seen_ns=self.seen_ns,
            realtime_ns=self.realtime_ns,
            offset_ns=last.offset_ns,
            uncertainty_ns=max(p.worst_ns + abs(p.offset_ns - last.offset_ns) for p in self._pieces),
            first_sync_ns=self._pieces[0].since_ns,
            last_sync_ns=last.until_ns,
        )

    def utc(self, boottime_ns: int) -> tuple[int, int, bool]:
        """(UTC, uncertainty, held): `held` is True after the kernel stopped vouching for the clock.

        Only for a boot that is `resolved`. Before the first synchronisation the crystal's own rate
        adds DRIFT_PPM of the distance, and so it does after the last one.
        """
        pieces = self._pieces
        piece = pieces[-1]
        if boottime_ns >= piece.until_ns:
            drift_ns = (boottime_ns - piece.until_ns) * DRIFT_PPM // PPM_DIVISOR
            return boottime_ns + piece.offset_ns, piece.latest_ns + drift_ns, self.seen_ns > piece.until_ns
        if boottime_ns < piece.since_ns and len(pieces) > 1:
            at = bisect_right(pieces, boottime_ns, key=lambda p: p.since_ns)
            piece = pieces[max(0, at - 1)]
        if boottime_ns < piece.since_ns:
            drift_ns = (piece.since_ns - boottime_ns) * DRIFT_PPM // PPM_DIVISOR
            return boottime_ns + piece.offset_ns, piece.first_ns + drift_ns, False
        return boottime_ns + piece.offset_ns, piece.worst_ns, False

    def latest_utc_ns(self) -> int | None:
        """The latest UTC that this boot vouched for, at least; None if it never did."""
        if not self._pieces:
            return None
        last = self._pieces[-1]
        return last.until_ns + last.offset_ns - last.latest_ns

    def _learn(self, reading: HostReading) -> bool:
        pieces = self._pieces
        if pieces and abs(reading.offset_ns - pieces[-1].offset_ns) < STEP_NS:
            piece = pieces[-1]
            piece.until_ns = reading.boottime_ns
            piece.latest_ns = reading.uncertainty_ns
            piece.worst_ns = max(piece.worst_ns, reading.uncertainty_ns)
            return False
        pieces.append(
            _Piece(
                since_ns=reading.boottime_ns,
                until_ns=reading.boottime_ns,
                offset_ns=reading.offset_ns,
                first_ns=reading.uncertainty_ns,
                latest_ns=reading.uncertainty_ns,
                worst_ns=reading.uncertainty_ns,
            )
        )
        del pieces[:-PIECES]
        return True
