"""The one connection that writes, and what it must prove before it may."""

from __future__ import annotations

import ctypes
from contextlib import contextmanager, suppress
from typing import TYPE_CHECKING

import apsw

from gateway.store import migrations, soundness
from gateway.store.errors import StoreError, from_sqlite
from gateway.store.former_wal import settle
from gateway.store.lock import LOCK_NAME
from gateway.store.place import Place

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

BUSY_TIMEOUT_MS = 2000  # somebody looks into the file with another tool
WAL_PAGES = 1000  # checkpointed at this size, 4 MB
WAL_OCTETS_KEPT = 8 * 1024 * 1024  # what a long transaction may leave of the WAL on the disk
FULL = 2  # PRAGMA synchronous

_BEGIN = "BEGIN IMMEDIATE"
_COMMIT = "COMMIT"
_ROLLBACK = "ROLLBACK"


class Database:
    """Owns the writing connection. It also checkpoints, and no other connection does either."""

    def __init__(self, path: Path, vfs: str = "") -> None:
        """Open and prepare for durable commits, or raise StoreError.

        Nothing is written before `recover` unless the file is new or of an older version.
        """
        self.path = path
        self._vfs = vfs
        self._wal_pages = 0
        self._settled = False
        self._soon = False
        self._place = Place(())
        try:
            self.connection = apsw.Connection(str(path), vfs=vfs or None)
        except apsw.Error as error:
            raise from_sqlite(f"opening {path}", error) from error
        try:
            # Not before `recover`; and what is damaged is left as it is.
            self.connection.config(apsw.SQLITE_DBCONFIG_NO_CKPT_ON_CLOSE, 1)
            self._prepare()
        except BaseException:
            self.connection.close()
            raise
        # The lock's, too: with another one there, another agent may be at work in these.
        self._place = Place((path, path.with_name(f"{path.name}-wal"), path.with_name(LOCK_NAME)))

    def recover(self) -> None:
        """Bring everything that was ever committed to stable storage, or raise StoreError.

        After an fsync that failed, the WAL may hold frames that are in the page cache only, in this
        process or in a former one. What is appended behind them would be lost with them at a power
        cut. A TRUNCATE checkpoint copies them into the database file, syncs that and starts the WAL
        anew.
        """
        try:
            self._roll_back()
            self._place.require()
            if not self._settled:
                settle(self.path, self._vfs)
                self._settled = True
            left = self.connection.wal_checkpoint(mode=apsw.SQLITE_CHECKPOINT_TRUNCATE)
        except apsw.Error as error:
            raise from_sqlite(f"checkpoint of {self.path}", error) from error
        if left != (0, 0):
            raise StoreError("pragma", f"{self.path}: wal_checkpoint(TRUNCATE) left {left} frames")

    def checkpoint_if_due(self) -> None:
        """Copy a WAL of WAL_PAGES or more into the database file. Raises apsw.Error."""
        if self._wal_pages >= WAL_PAGES or self._soon:
            self._wal_pages = 0
            frames, copied = self.connection.wal_checkpoint(mode=apsw.SQLITE_CHECKPOINT_PASSIVE)
            self._soon = self._soon and frames != copied  # a reader was in the way: again next time

    def checkpoint_soon(self) -> None:
        """After the next commit, however small the WAL is."""
        self._soon = True

    @contextmanager
    def transaction(self) -> Iterator[apsw.Connection]:
        """All or nothing. It is on stable storage when the block is left without an exception.

        Raises StoreError `moved` where it would be, and nobody would find it there.
        """
        self.connection.execute(_BEGIN)
        try:
            yield self.connection
            self._place.require()
            self.connection.execute(_COMMIT)
        except BaseException:
            with suppress(apsw.Error):  # `recover` tries again
                self._roll_back()
            raise

    def take_over(self, other: Database) -> None:
        """Be the other database from now on. This one is closed already."""
        self.connection = other.connection
        self.connection.set_wal_hook(self._on_wal)
        self._wal_pages = 0
        self._settled = other._settled
        self._place = other._place

    def close(self, *, damaged: bool = False) -> None:
        """Close. SQLite checkpoints and empties the WAL if it can; if not, the next `recover` does.

        Of a damaged file nothing is changed.
        """
        with suppress(apsw.Error):
            self.connection.config(apsw.SQLITE_DBCONFIG_NO_CKPT_ON_CLOSE, damaged or not self._settled)
            self.connection.close()

    def _prepare(self) -> None:
        connection = self.connection
        connection.set_busy_timeout(BUSY_TIMEOUT_MS)
        try:
            version = connection.pragma("user_version")
            steps = migrations.steps()
            if version != len(steps) and soundness.is_complete(connection):
                raise StoreError("corrupt", f"{self.path} calls itself of version {version}, and is not")
            if version > len(steps):
                raise StoreError(
                    "newer",
                    f"{self.path} is of version {version}, this program knows up to {len(steps)}: "
                    "install the newer program again, or move the file away",
                )
            if not version and not connection.pragma("schema_version"):
                connection.pragma("auto_vacuum", soundness.INCREMENTAL)
                connection.pragma("application_id", soundness.APPLICATION_ID)
            connection.pragma("journal_mode", "wal")
            _keep_wal(connection)
            connection.pragma("synchronous", FULL)
            connection.pragma("journal_size_limit", WAL_OCTETS_KEPT)
            require_durable(connection)
            connection.wal_autocheckpoint(0)  # its errors would be lost; see checkpoint_if_due
            connection.set_wal_hook(self._on_wal)
            if version < len(steps):
                self.recover()
            for number in range(version, len(steps)):
                with self.transaction():
                    connection.execute(steps[number])
                    connection.pragma("user_version", number + 1)
        except apsw.Error as error:
            raise from_sqlite(f"opening {self.path}", error) from error

    def _roll_back(self) -> None:
        if self.connection.in_transaction:
            self.connection.execute(_ROLLBACK)

    def _on_wal(self, _connection: apsw.Connection, _name: str, pages: int) -> int:
        self._wal_pages = pages
        return apsw.SQLITE_OK


def require_durable(connection: apsw.Connection) -> None:
    """Raise StoreError unless a COMMIT on this connection returns after the fsync of its WAL."""
    name = connection.filename
    mode = connection.pragma("journal_mode")
    if mode != "wal":
        raise StoreError(
            "pragma", f"{name}: journal_mode is {mode}, not wal: does its file system take locks?"
        )
    synchronous = connection.pragma("synchronous")
    if synchronous != FULL:
        raise StoreError("pragma", f"{name}: synchronous is {synchronous}, not {FULL} (FULL)")


def _keep_wal(connection: apsw.Connection) -> None:
    """Keep the WAL's file at the end: the next start then needs no new inode."""
    on = ctypes.c_int(1)
    connection.file_control("main", apsw.SQLITE_FCNTL_PERSIST_WAL, ctypes.addressof(on))
