"""The WAL as a former process left it: is it on the disk, or does it only look so?"""

from __future__ import annotations

import os
from pathlib import Path

import apsw

from gateway.store.errors import StoreError

CHUNK_OCTETS = 1 << 16  # SQLite's file layer takes less than 128 KiB at once (os_unix.c, seekAndWriteFd)


def settle(database: Path, vfs: str = "") -> None:
    """Have the WAL and its name on stable storage. Raises StoreError or apsw.Error.

    An fsync that fails leaves pages in the cache that no later fsync writes, for they count as clean
    (LWN 752063). A checkpoint of such frames is not safe either: a power cut in the midst of it leaves a
    database that is half of it and no WAL to mend it with. Written again, with the same octets, they
    are no longer clean, and the disk has them when the fsync returns.

    A process killed right after it made the WAL has not synced its name; SQLite does that only for a WAL
    that it makes itself, and without the name everything in it is lost.
    """
    wal = database.with_name(f"{database.name}-wal")
    if not wal.exists():
        return
    file = apsw.VFSFile(vfs, str(wal), [apsw.SQLITE_OPEN_READWRITE | apsw.SQLITE_OPEN_WAL, 0])
    try:
        size = file.xFileSize()
        for offset in range(0, size, CHUNK_OCTETS):
            octets = file.xRead(min(CHUNK_OCTETS, size - offset), offset)
            file.xWrite(octets, offset)
        if size:
            file.xSync(apsw.SQLITE_SYNC_NORMAL)
    finally:
        file.xClose()
    try:
        sync_folder(database.parent)
    except OSError as error:
        raise StoreError("io", f"sync of {database.parent}: {error.strerror}") from error


def sync_folder(folder: Path) -> None:
    """Have the names of the folder's files on stable storage. Raises OSError."""
    descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
