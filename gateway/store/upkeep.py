"""What is done beside storing: room looked after, the file shrunk, the reserve kept, octets counted."""

from __future__ import annotations

from dataclasses import dataclass
from time import monotonic
from typing import TYPE_CHECKING

from gateway.store import vacuum, wear, work
from gateway.store.ledger import UNKNOWN_DAY
from gateway.store.rate import Rate
from gateway.store.reserve import RESERVE_OCTETS

if TYPE_CHECKING:
    from collections.abc import Callable

    import apsw

    from gateway.store.commit_queue import CommitQueue
    from gateway.store.database import Database
    from gateway.store.ledger import Ledger
    from gateway.store.quota import Quota
    from gateway.store.reader import Reader
    from gateway.store.reserve import Reserve
    from gateway.store.room import Room
    from gateway.store.writer import Writer

WRITTEN_EVERY_S = 600.0  # what a crash may cost of the count
RESERVE_EVERY_S = 60.0
_DAY_S = 86_400.0
_NEVER = float("-inf")


@dataclass(frozen=True, slots=True, kw_only=True)
class Usage:
    """Of the disk. Octets; None is not known."""

    room: Room | None
    lasts_s: float | None  # at the rate of the last hour, if nothing is delivered
    written_today: int | None
    written_yesterday: int | None
    written_per_day: float | None  # at the rate of the last hour


class Upkeep:
    """Works in the event loop: looks, and queues what is to be done."""

    def __init__(
        self,
        *,
        database: Database,
        reader: Reader,
        queue: CommitQueue,
        writer: Writer,
        quota: Quota,
        reserve: Reserve,
        today: Callable[[], int],
    ) -> None:
        self._database = database
        self._reader = reader
        self._queue = queue
        self._writer = writer
        self._quota = quota
        self._reserve = reserve
        self._today = today
        self._stored = Rate()
        self._written = Rate()
        self._counted = 0  # octets written that are in the table, or on the way there
        self._counted_s = monotonic()
        self._reserved_s = _NEVER

    def look(self) -> None:
        """Call it every second or so. Raises StoreError or OSError when there is nothing to be seen."""
        now_s = monotonic()
        written = self._writer.octets_written()
        self._stored.note(now_s, self._writer.counts.octets)
        self._written.note(now_s, written)
        if now_s - self._counted_s >= WRITTEN_EVERY_S:
            self._counted_s = now_s
            self.count()
        room = self._quota.room = self._reader.room(self._quota.limits)
        if self._quota.short or room.left_octets < room.margin_octets:
            self._queue.add("room", work.nothing, patient=False)
        elif vacuum.worthwhile(room):
            self._queue.add("vacuum", self._shrink, patient=False)
        spare = room.disk_octets - self._quota.limits.floor_octets
        if now_s - self._reserved_s >= RESERVE_EVERY_S and spare >= RESERVE_OCTETS:
            self._reserved_s = now_s
            self._queue.add("reserve", self._make_reserve)

    def count(self) -> None:
        """Put what was written since the last time into the table."""
        written = self._writer.octets_written()
        self._queue.add("written", wear.add(written - self._counted, self._today))
        self._counted = written

    def usage(self) -> Usage:
        """How it is. Raises StoreError when it cannot be read."""
        room = self._quota.room
        per_s = self._stored.per_s()
        by_day = self._reader.written()
        today = self._today()
        uncounted = self._writer.octets_written() - self._counted
        known = today != UNKNOWN_DAY
        written_per_s = self._written.per_s()
        return Usage(
            room=room,
            lasts_s=max(0, room.left_octets) / per_s if room is not None and per_s else None,
            written_today=by_day.get(today, 0) + uncounted if known else None,
            written_yesterday=by_day.get(today - 1, 0) if known else None,
            written_per_day=written_per_s * _DAY_S if written_per_s is not None else None,
        )

    def _shrink(self, connection: apsw.Connection, ledger: Ledger) -> bool:
        more = vacuum.step(connection, ledger)
        if not more:
            self._database.checkpoint_soon()  # until then the file keeps its size
        return more

    def _make_reserve(self, _connection: apsw.Connection, _ledger: Ledger) -> bool:
        self._reserve.make()
        return False
