"""A new store in place of a damaged one: what is small is carried over at once, records follow.

What is carried over is what its checks prove. Of every stream, what the damaged store still had to
deliver is wanted (stretches.py), until salvage.py has found it or named it as lost.
"""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING

import apsw

from gateway.store import intervals, losses, quarantine, soundness, stretches
from gateway.store.database import Database
from gateway.store.disk import from_os
from gateway.store.errors import StoreError, from_sqlite
from gateway.store.ledger import Ledger, Stream
from gateway.store.losses import NamedLoss
from gateway.store.raw_pages import RawPages
from gateway.store.raw_rows import Descriptor, small_rows_in
from gateway.store.small_rows import (
    CONSUMER,
    DAY,
    DEAD_LETTER,
    EXCHANGE,
    HOST_BOOT,
    LOSS,
    SALVAGE,
    SINK,
    STREAM,
    STRETCH,
    WRITTEN,
)
from gateway.store.stretches import Kind
from gateway.store.wal_tail import WalTail

if TYPE_CHECKING:
    from pathlib import Path

    from gateway.store.ledger import Key
    from gateway.store.small_rows import Row

log = logging.getLogger(__name__)

FOLDERS_LIMIT = 16  # damaged stores that wait for salvage; with so many the disk is the matter
DAMAGED = {"corrupt", "database"}  # reasons, where a store is opened: nothing else is asked of it then

_KEPT_AS_THEY_ARE = (DAY, DEAD_LETTER, EXCHANGE, SALVAGE, WRITTEN)
_DESCRIBE = "INSERT OR IGNORE INTO descriptor (hash, body) VALUES (?, ?)"


class Found:
    """The small rows of a damaged store. Of several with one key the one that says more, or keeps more."""

    def __init__(self, folder: Path) -> None:
        """Raises OSError."""
        self.descriptors: dict[bytes, bytes] = {}
        self.streams: dict[Key, Stream] = {}
        self.cursors: dict[str, int] = {}
        self.consumers: dict[Row, Row] = {}
        self.host_boots: dict[int, Row] = {}
        self.losses: list[NamedLoss] = []
        self.settled: dict[Key, list[intervals.Interval]] = {}
        self.others: dict[str, list[Row]] = {table.name: [] for table in _KEPT_AS_THEY_ARE}
        with RawPages(folder) as pages:
            for found in small_rows_in(pages):
                if isinstance(found, Descriptor):
                    self.descriptors[found.hash] = found.body
                else:
                    self._take(found[0].name, found[1])

    def _take(self, table: str, row: Row) -> None:
        if table == STREAM.name:
            stream = Stream._make(row)
            known = self.streams.get(row[:3], stream)
            self.streams[row[:3]] = max(known, stream, key=lambda each: (each.next_seq, each.settled_seq))
        elif table == SINK.name:
            self.cursors[row[0]] = max(row[1], self.cursors.get(row[0], 0))
        elif table == CONSUMER.name:
            known_row = self.consumers.get(row[:5], row)
            self.consumers[row[:5]] = min(known_row, row, key=lambda each: each[5])
        elif table == HOST_BOOT.name:
            known_row = self.host_boots.get(row[0], row)
            self.host_boots[row[0]] = max(known_row, row, key=lambda each: each[2])
        elif table == LOSS.name:
            self.losses.append(NamedLoss._make(row))
        elif table == STRETCH.name and row[5] == Kind.SETTLED:
            self.settled.setdefault(row[:3], []).append((row[3], row[4]))
        elif table in self.others:
            self.others[table].append(row)


class Renewal:
    """Opens the store of a directory; a new one in place of one that is damaged."""

    def __init__(self, directory: Path, name: str, vfs: str) -> None:
        self._directory = directory
        self._path = directory / name
        self._vfs = vfs

    def set_aside(self, why: StoreError) -> None:
        """The store is damaged: the next `open` makes a new one. Raises StoreError."""
        try:
            if not self._path.exists():
                return  # set aside already, by an attempt that failed behind it
            if len(quarantine.waiting(self._directory)) >= FOLDERS_LIMIT:
                raise StoreError("corrupt", f"{why}; and {FOLDERS_LIMIT} damaged stores wait for salvage")
            place = quarantine.set_aside(self._directory)
        except OSError as error:
            refused = from_os(self._directory, error)
            raise (why if refused.reason == "io" else refused) from error
        log.error("store: damaged, kept in %s and begun anew, its records follow: %s", place, why)

    def open(self) -> Database:
        """The store, sound, with what is small of those that were set aside. Raises StoreError."""
        try:
            quarantine.finish_moving(self._directory)
            pending = quarantine.waiting(self._directory)
        except OSError as error:
            raise from_os(self._directory, error) from error
        database = Database(self._path, self._vfs)
        try:
            tail = _tail_of(self._directory, database)
            soundness.prove(database.connection, Ledger(database.connection))
            known = {folder for folder, _cursor in SALVAGE.rows(database.connection)}
            for place in pending:
                if int(place.name) not in known:
                    _carry_over(place, database)
            _put_back(tail, database)
        except BaseException:
            database.close(damaged=True)
            raise
        return database

    def open_or_begin_anew(self) -> Database:
        """The store, or a new one if it is damaged. Raises StoreError."""
        try:
            return self.open()
        except StoreError as error:
            if error.reason not in DAMAGED:
                raise
            self.set_aside(error)
        return self.open()


def _tail_of(directory: Path, database: Database) -> WalTail:
    try:
        return WalTail(directory, database.connection)
    except OSError as error:
        raise from_os(directory, error) from error
    except apsw.Error as error:
        raise from_sqlite("reading what is behind a damaged place of the WAL", error) from error


def _put_back(tail: WalTail, database: Database) -> None:
    if not tail.records and not tail.streams:
        return
    database.recover()
    try:
        count = tail.put_back(database)
    except apsw.Error as error:
        raise from_sqlite("putting back what was behind a damaged place of the WAL", error) from error
    if count:
        log.warning("store: %d records put back that stood in the WAL behind a damaged place", count)


def _carry_over(place: Path, database: Database) -> None:
    try:
        found = Found(place)
    except OSError as error:
        raise from_os(place, error) from error
    database.recover()
    with database.transaction() as connection:
        _put(connection, found, int(place.name))


def _put(connection: apsw.Connection, found: Found, folder: int) -> None:
    connection.executemany(_DESCRIBE, found.descriptors.items())
    known = {row[:3] for row in STREAM.rows(connection)}
    for loss in found.losses:
        losses.enter(connection, loss)
    STREAM.add(connection, found.streams.values())
    for key, stream in found.streams.items():
        if key not in known:
            _want(connection, stream, found.settled.get(key, []))
    SINK.add(connection, found.cursors.items())
    CONSUMER.add(connection, found.consumers.values())
    HOST_BOOT.add(connection, found.host_boots.values())
    for table in _KEPT_AS_THEY_ARE:
        table.add(connection, found.others[table.name])
    # For a consumer that says itself what it has, delivered records may still be kept.
    delivered = 0 if found.consumers else min(found.cursors.values(), default=0)
    SALVAGE.put(connection, [(folder, delivered)])


def _want(connection: apsw.Connection, stream: Stream, settled: list[intervals.Interval]) -> None:
    """Everything of the stream that was not delivered and is not named."""
    key = stream[:3]
    span = (stream.settled_seq, stream.next_seq)
    named = losses.spans(losses.of_stream(connection, key, span))
    parts = {
        Kind.WANTED: intervals.minus([span], intervals.merged(named, settled)),
        Kind.SETTLED: intervals.minus(intervals.within(settled, *span), named),
    }
    stretches.keep(connection, key, parts)
