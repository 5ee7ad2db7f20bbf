"""Records of an archive into a store that no agent holds: what is missing, and all of it or nothing."""

from __future__ import annotations

from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING

import apsw

from gateway.archive.entries import DescriptorBody, End
from gateway.archive.errors import ArchiveError
from gateway.archive.reader import entries
from gateway.host_boot import HostBootRecord
from gateway.store import losses, time_rows, work
from gateway.store.database import Database
from gateway.store.disk import from_os
from gateway.store.errors import StoreError, from_sqlite
from gateway.store.import_boots import BootMap
from gateway.store.import_stream import ImportStream
from gateway.store.ledger import Ledger
from gateway.store.lock import DirectoryLock
from gateway.store.ownership import give_to_owner
from gateway.store.records import ADD_RECORD, Arrival, Stored, checksum
from gateway.store.room import Limits, Room
from gateway.store.seq_ranges import SeqRanges
from gateway.store.small_rows import EXCHANGE
from gateway.store.store import STORE_NAME
from gateway.timeline import KeptExchange
from wire import up
from wire.up import descriptor_hash

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from gateway.archive.index import Index
    from gateway.store.intervals import Interval
    from gateway.store.ledger import Key
    from gateway.store.small_rows import Row

BATCH_RECORDS = 512  # inserted at once
NS_PER_DAY = 86_400_000_000_000
ROW_OCTETS = 160  # what a record takes beside its message, in the file
COPIES = 2  # one in the WAL, one in the file

DEFAULT_LIMITS = Limits()

_HAS_DESCRIPTOR = "SELECT EXISTS (SELECT 1 FROM descriptor WHERE hash = ?)"
_OF_CLOCK = "WHERE uid = ? AND boot = ? AND host_boot = ? ORDER BY t1_ns"


@dataclass(slots=True, kw_only=True)
class Imported:
    """What an import took. `readings` and `gaps` are records; `found` and `lost` are seqs.

    `repeats`: records that were there. `found`: seqs that were named as lost, and came. `lost`: seqs
    that are missing between what was there and what came, and are named as lost now.
    """

    readings: int = 0
    gaps: int = 0
    repeats: int = 0
    found: int = 0
    lost: int = 0
    descriptors: int = 0
    exchanges: int = 0
    host_boots: int = 0

    @property
    def changed(self) -> bool:
        """False when all of it was there already."""
        return bool(self.readings or self.gaps or self.descriptors or self.exchanges or self.host_boots)


@contextmanager
def opened(directory: Path, index: Index, limits: Limits = DEFAULT_LIMITS) -> Iterator[Database]:
    """The store in this state directory, for an import; a new one, if there is none.

    Raises StoreError: `in_use` while an agent holds it, `missing` where there is no such directory, `full`
    where the archive does not fit: more would be dropped as soon as the agent runs.
    """
    if not directory.is_dir():
        raise StoreError("missing", f"{directory}: there is no such directory")
    try:
        lock = DirectoryLock(directory)
    except OSError as error:
        raise from_os(directory, error) from error
    try:
        database = Database(directory / STORE_NAME)
        try:
            _require_room(database, index, limits)
            yield database
        finally:
            database.close()
    finally:
        give_to_owner(directory)
        lock.release()


def _require_room(database: Database, index: Index, limits: Limits) -> None:
    room = Room.of(database.connection, database.path.parent, limits)
    needed = index.octets + index.records * ROW_OCTETS
    left = min(room.left_octets - 2 * room.margin_octets, (room.disk_octets - limits.floor_octets) // COPIES)
    if needed > left:
        why = f"{needed >> 20} MiB come, and {room.limited_by} leaves {max(0, left) >> 20}"
        raise StoreError("full", f"{database.path}: {why}")


def take(
    database: Database,
    archive: Path,
    index: Index,
    *,
    here: str,
    day: int,
    advance: Callable[[int], None] | None = None,
) -> Imported:
    """Put what the store lacks of a verified archive into it, in one transaction.

    `index` is what `verify` gave for it, `here` the name of this machine, `day` the day of UTC or -1.
    Raises StoreError, ArchiveError and OSError; then nothing was changed. Memory does not grow with
    the archive, but the WAL has all of it until the end.
    """
    database.recover()
    try:
        with database.transaction() as connection:
            importer = _Importer(connection, index, here)
            for entry in entries(archive, advance):
                importer.put(entry)
            imported = importer.finish(day)
    except apsw.Error as error:
        raise from_sqlite("import", error) from error
    database.recover()
    return imported


class _Importer:
    def __init__(self, connection: apsw.Connection, index: Index, here: str) -> None:
        self.imported = Imported()
        self._connection = connection
        self._index = index
        self._ledger = Ledger(connection)
        self._boots = BootMap(time_rows.host_boots(connection), here)
        self._streams: dict[Key, ImportStream] = {}
        self._rows: list[Row] = []

    def put(self, entry: object) -> None:
        """The archive's next entry."""
        match entry:
            case Stored():
                self._record(entry)
            case HostBootRecord():
                placed = self._boots.put(entry)
                if placed is not None:
                    time_rows.put_host_boot(placed)(self._connection, self._ledger)
                    self.imported.host_boots += 1
            case KeptExchange():
                self._exchange(entry)
            case DescriptorBody():
                self._descriptor(entry.body)
            case End() if entry.sha256 != self._index.sha256:
                raise ArchiveError("damaged", "the file has changed while it was read", entry=0)

    def finish(self, day: int) -> Imported:
        """After the last entry. Gives what was taken."""
        self._write()
        for key, stream in self._streams.items():
            found, lost = stream.finish(self._index.losses.get(key, ()), day)
            self.imported.found += found
            self.imported.lost += lost
        return self.imported

    def _record(self, stored: Stored) -> None:
        arrival = Arrival._make(stored[:10])._replace(host_boot=self._boots.numbers[stored.host_boot])
        key = arrival[:3]
        stream = self._streams.get(key)
        if stream is None:
            stream = self._streams[key] = ImportStream(self._connection, self._ledger, key)
        if arrival.kind == up.Gap.TYPE:
            self._gap(stream, arrival)
        elif stream.takes(arrival):
            self.imported.readings += 1
            self._store(arrival)
        else:
            self.imported.repeats += 1

    def _gap(self, stream: ImportStream, gap: Arrival) -> None:
        lacked = stream.lacks(gap, self._index.readings.get(gap[:3], SeqRanges()))
        self.imported.gaps += bool(lacked)
        self.imported.repeats += not lacked
        if lacked == [(gap.seq, gap.next_seq)]:
            self._store(gap)
            losses.enter(self._connection, losses.of_gap(gap))
            return
        for part in lacked:
            self._part_of_gap(gap, part)

    def _part_of_gap(self, gap: Arrival, part: Interval) -> None:
        """Some of what it names is there: the rest goes by its reason, and its time."""
        message = up.decode(gap.message)
        assert isinstance(message, up.Gap)  # the archive was checked
        losses.name_loss(
            self._connection,
            self._ledger,
            uid=gap.uid,
            boot=gap.boot,
            stream=gap.stream,
            seq=part[0],
            next_seq=part[1],
            reason=message.reason,
            t_first=message.t_first,
            span=message.span,
            descriptor=gap.descriptor,
            host_boot=gap.host_boot,
            arrived_ns=gap.arrived_ns,
        )

    def _store(self, arrival: Arrival) -> None:
        id_ = self._ledger.take_id()
        self._rows.append((*arrival, checksum(arrival, id_), id_))
        if len(self._rows) >= BATCH_RECORDS:
            self._write()

    def _write(self) -> None:
        self._connection.executemany(ADD_RECORD, self._rows)
        self._rows.clear()

    def _descriptor(self, body: bytes) -> None:
        hash8 = descriptor_hash(body)
        if not self._connection.execute(_HAS_DESCRIPTOR, (hash8,)).get:
            work.put_descriptor(hash8, body)(self._connection, self._ledger)
            self.imported.descriptors += 1

    def _exchange(self, kept: KeptExchange) -> None:
        """One that is not there, if it is news: of a full clock the store has thrown some away."""
        number = self._boots.numbers[kept.host_boot]
        rows = EXCHANGE.rows(self._connection, _OF_CLOCK, kept.uid, kept.boot, number)
        t1_ns = kept.exchange.t1_ns
        full = len(rows) >= time_rows.EXCHANGES_KEPT
        if any(row[3] == t1_ns for row in rows) or (full and t1_ns < rows[-1][3]):
            return
        mapped = KeptExchange(uid=kept.uid, boot=kept.boot, host_boot=number, exchange=kept.exchange)
        time_rows.put_exchange(mapped)(self._connection, self._ledger)
        self.imported.exchanges += 1
