"""What stands in the WAL behind the place from which SQLite reads no further.

SQLite ends at the first frame that fails its checksum, and forgets all behind it. After a power cut that
is what was never acknowledged. After damage it was: then what follows on what is stored is put back.
A record that was not acknowledged does no harm there, for the node sends it again and is told that it is
here.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from gateway.store.ledger import Ledger
from gateway.store.raw_pages import FRAME, FRAME_HEADER, PAGE, WAL_HEADER, WAL_NAME
from gateway.store.raw_rows import records_in, streams_in
from gateway.store.records import Arrival
from gateway.store.small_rows import STREAM

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    import apsw

    from gateway.store.database import Database
    from gateway.store.ledger import Key, Stream

# How many frames SQLite reads. It stands in the -shm file too, which nobody but SQLite may open here: closing
# it would take away this process's locks, and the next program that looks into the store would cut the
# file under our mapping of it, which is SIGBUS.
_FRAMES_READ = "PRAGMA wal_checkpoint(NOOP)"
_LOOK = "SELECT count(*) FROM sqlite_schema"  # then it knows


class WalTail:
    """Read before the first checkpoint, which empties the WAL."""

    def __init__(self, directory: Path, connection: apsw.Connection) -> None:
        """Nothing where there is no WAL. Raises OSError or apsw.Error."""
        self.records: dict[Key, dict[int, Arrival]] = {}
        self.streams: dict[Key, Stream] = {}  # where they begin
        for page in _pages(directory, connection):
            for record in records_in(page):
                self.records.setdefault(record[:3], {})[record.seq] = Arrival._make(record[:-1])
            for stream in streams_in(page):
                self.streams.setdefault(stream[:3], stream)

    def put_back(self, database: Database) -> int:
        """Store what follows on what is stored; gives how many records. Raises StoreError or apsw.Error."""
        if not self.records and not self.streams:
            return 0
        with database.transaction() as connection:
            ledger = Ledger(connection)
            self._begin_streams(connection, ledger)
            followers = [arrival for key in self.records for arrival in self._followers(ledger, key)]
            if followers:
                ledger.add(followers)
            return len(followers)

    def _begin_streams(self, connection: apsw.Connection, ledger: Ledger) -> None:
        """Of a stream that is not known here, what is missing is seen at the node's next HELLO."""
        for key, stream in self.streams.items():
            if ledger.stream(*key) is None:
                STREAM.put(
                    connection, [stream._replace(next_seq=stream.first_seq, settled_seq=stream.first_seq)]
                )

    def _followers(self, ledger: Ledger, key: Key) -> Iterator[Arrival]:
        stream = ledger.stream(*key)
        found = self.records[key]
        arrival = found.get(stream.next_seq) if stream is not None else None
        while arrival is not None:
            yield arrival
            arrival = found.get(arrival.next_seq)


def _pages(directory: Path, connection: apsw.Connection) -> Iterator[bytes]:
    wal = directory / WAL_NAME
    if not wal.exists():
        return
    connection.execute(_LOOK).fetchall()
    _busy, read, _checkpointed = connection.execute(_FRAMES_READ).get
    if read < 0:  # SQLite has no WAL open
        return
    with wal.open("rb") as file:
        salts = b""
        if read:
            file.seek(WAL_HEADER.size + (read - 1) * FRAME)
            salts = file.read(FRAME_HEADER.size)[8:16]
        file.seek(WAL_HEADER.size + read * FRAME)
        while len(frame := file.read(FRAME)) == FRAME:
            # Others are of a former round through the file, and are in the database.
            if not salts or frame[8:16] == salts:
                yield frame[-PAGE:]
