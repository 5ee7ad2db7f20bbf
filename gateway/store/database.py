"""Opens the database file so that a commit is durable, or says why it would not be."""

from __future__ import annotations

import fcntl
import os
from importlib.resources import files
from typing import TYPE_CHECKING

import apsw

if TYPE_CHECKING:
    from pathlib import Path

FILE_NAME = "store.db"
LOCK_NAME = "store.lock"
SCHEMA_VERSION = 1
SYNCHRONOUS_FULL = 2
BUSY_MS = 5000
CACHE_KIB = 4096


class StoreError(Exception):
    """The store cannot promise what an acknowledgement promises."""


class DirectoryLock:
    """One process at a time in a state directory; the kernel frees it with the process."""

    def __init__(self, directory: Path) -> None:
        path = directory / LOCK_NAME
        self._fd = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o640)
        try:
            fcntl.flock(self._fd, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            owner = os.read(self._fd, 20).decode(errors="replace").strip()
            os.close(self._fd)
            raise StoreError(f"{directory}: in use by process {owner or 'unknown'}") from None
        os.ftruncate(self._fd, 0)
        os.pwrite(self._fd, str(os.getpid()).encode(), 0)

    def release(self) -> None:
        """Let the next process in."""
        os.close(self._fd)


def open_writer(path: Path, vfs: str | None = None) -> apsw.Connection:
    """The one connection that writes and checkpoints: WAL, synchronous FULL, the present schema."""
    try:
        connection = apsw.Connection(str(path), vfs=vfs)
        connection.set_busy_timeout(BUSY_MS)
        _migrate(connection, path)
        connection.pragma("journal_mode", "wal")
        connection.pragma("synchronous", SYNCHRONOUS_FULL)
        connection.pragma("cache_size", -CACHE_KIB)
    except apsw.Error as error:
        raise StoreError(f"{path}: {error}") from error
    check_durable(connection)
    return connection


def open_reader(path: Path, vfs: str | None = None) -> apsw.Connection:
    """A connection that only reads."""
    connection = apsw.Connection(str(path), flags=apsw.SQLITE_OPEN_READONLY, vfs=vfs)
    connection.set_busy_timeout(BUSY_MS)
    connection.pragma("cache_size", -CACHE_KIB)
    return connection


def check_durable(connection: apsw.Connection) -> None:
    """Raise StoreError unless a commit of this connection survives a power cut."""
    mode = connection.pragma("journal_mode")
    if mode != "wal":
        raise StoreError(f"journal_mode is {mode}, not wal: nothing is acknowledged")
    level = connection.pragma("synchronous")
    if not isinstance(level, int) or level < SYNCHRONOUS_FULL:
        raise StoreError(f"synchronous is {level}, below FULL: nothing is acknowledged")


def checkpoint(connection: apsw.Connection) -> None:
    """Move all of the WAL into the database and sync both. Raises on any failure.

    Before the first commit after an open, and after any error: pages of the WAL that a failed
    fsync left in the page cache look written, and what is appended behind them would be lost
    with them at the next power cut (docs/durability.md).
    """
    busy, _frames, _done = connection.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchall()[0]
    if busy:
        raise StoreError("the checkpoint is blocked by a reader")


def _migrate(connection: apsw.Connection, path: Path) -> None:
    version = connection.pragma("user_version")
    if not isinstance(version, int) or version > SCHEMA_VERSION:
        raise StoreError(
            f"{path}: schema {version} is newer than this version's {SCHEMA_VERSION}; install that again"
        )
    for number in range(version + 1, SCHEMA_VERSION + 1):
        script = files("gateway.store").joinpath(f"{number:04}.sql").read_text()
        with connection:
            connection.execute(script)
            connection.pragma("user_version", number)
