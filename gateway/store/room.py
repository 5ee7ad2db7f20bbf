"""Whether the disk has room for more records."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pathlib import Path

    from gateway.store.reader import Reader

# Without room for its -shm and its WAL SQLite cannot open the file, nor deliver what would make room.
FREE_LEAST_OCTETS = 32 * 1024 * 1024


class Room:
    """Of the store's disk, as it was at the latest `look`."""

    def __init__(self, directory: Path, reader: Reader) -> None:
        self.enough = True
        self.detail = ""  # empty where there is enough
        self._directory = directory
        self._reader = reader

    def look(self) -> None:
        """Count what may still be written: on the disk, and in the file where records were."""
        disk = os.statvfs(self._directory)
        free = disk.f_bavail * disk.f_frsize + self._reader.free_octets()
        self.enough = free >= FREE_LEAST_OCTETS
        least = f"less than {FREE_LEAST_OCTETS >> 20} MiB are free in {self._directory}"
        self.detail = "" if self.enough else f"full: {least}"
