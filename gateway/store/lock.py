"""One store, one agent."""

from __future__ import annotations

import fcntl
import os
from contextlib import suppress
from typing import TYPE_CHECKING

from gateway.store.errors import StoreError

if TYPE_CHECKING:
    from pathlib import Path

LOCK_NAME = "store.lock"


class DirectoryLock:
    """Held from its making until `release` or the end of the process, however that comes."""

    def __init__(self, directory: Path) -> None:
        """Raises StoreError `in_use` when another process, or this one already, holds it."""
        self._file = os.open(directory / LOCK_NAME, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o640)
        try:
            fcntl.flock(self._file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            owner = os.read(self._file, 32).decode("ascii", "replace").strip() or "unknown"
            os.close(self._file)
            raise StoreError("in_use", f"{directory}: in use by process {owner}") from None
        with suppress(OSError):  # a full disk: who holds it is only for people
            os.ftruncate(self._file, 0)
            os.write(self._file, b"%d\n" % os.getpid())

    def release(self) -> None:
        """Let others have the store."""
        os.close(self._file)
