"""Between SQLite and real files: every write, truncation, sync, new name and removal is kept in order.

It can also refuse one of them, as a disk does: an I/O error, no room, half of a write.
"""

from __future__ import annotations

import errno
import itertools
from dataclasses import dataclass
from enum import Enum
from pathlib import Path

import apsw

from hil_tests.faults.disk import Kind, Operation

_JOURNALS = apsw.SQLITE_OPEN_WAL | apsw.SQLITE_OPEN_MAIN_JOURNAL
_SHARED_MEMORY = "-shm"
_numbers = itertools.count()


class Failure(Enum):
    """How an operation fails."""

    IO = "EIO"
    FULL = "ENOSPC"
    SHORT = "short write"


@dataclass(frozen=True, slots=True, kw_only=True)
class Plan:
    """Which operation fails: the one with this number among those that can, counted from 0."""

    number: int
    failure: Failure


class RecordingVfs(apsw.VFS):
    """Records into `operations`; registered under `name` until `unregister`.

    Files are real, and are not synced: they are the page cache. The -shm ends with the process and is
    left out. `attempts` has what could have failed, in order; `failed_at` is where in `operations` the
    plan struck.
    """

    def __init__(self, plan: Plan | None = None) -> None:
        self.name = f"recording-{next(_numbers)}"
        super().__init__(self.name, "")
        self.operations: list[Operation] = []
        self.attempts: list[Kind] = []
        self.failed_at: int | None = None
        self._plan = plan

    def xOpen(self, name: apsw.URIFilename | str | None, flags: list[int]) -> apsw.VFSFile:  # noqa: N802
        path = name.filename() if isinstance(name, apsw.URIFilename) else name
        if path is None or path.endswith(_SHARED_MEMORY):
            return apsw.VFSFile("", name, flags)
        new = bool(flags[0] & apsw.SQLITE_OPEN_CREATE) and not Path(path).exists()
        file = _RecordingFile(self, name or path, flags, new=new)
        if new:
            self.operations.append(Operation(kind=Kind.CREATE, name=Path(path).name))
        return file

    def xDelete(self, name: str, sync_directory: bool) -> None:  # noqa: N802
        super().xDelete(name, False)
        if not name.endswith(_SHARED_MEMORY):
            self.operations.append(Operation(kind=Kind.DELETE, name=Path(name).name))
        if sync_directory:
            self.operations.append(Operation(kind=Kind.SYNC_NAMES))

    def sync_folder(self, folder: Path) -> None:
        """In the place of an fsync of the folder, which SQLite's file layer does not see."""
        if self.failure(Kind.SYNC_NAMES) is not None:
            raise OSError(errno.EIO, "injected", str(folder))
        self.operations.append(Operation(kind=Kind.SYNC_NAMES))

    def failure(self, kind: Kind) -> Failure | None:
        """How the operation that is asked for now is to fail; None for not at all."""
        number = len(self.attempts)
        self.attempts.append(kind)
        if self._plan is None or number != self._plan.number:
            return None
        self.failed_at = len(self.operations)
        return self._plan.failure


class _RecordingFile(apsw.VFSFile):
    def __init__(
        self, vfs: RecordingVfs, name: apsw.URIFilename | str, flags: list[int], *, new: bool
    ) -> None:
        path = name.filename() if isinstance(name, apsw.URIFilename) else name
        super().__init__("", name, flags)
        self._vfs = vfs
        self._name = Path(path).name
        self._names_too = new and bool(flags[0] & _JOURNALS)  # as SQLite does at a journal's first sync

    def xWrite(self, data: bytes, offset: int) -> None:  # noqa: N802
        failure = self._vfs.failure(Kind.WRITE)
        if failure is Failure.SHORT:
            self._write(data[: len(data) // 2], offset)
        if failure is not None:
            raise _error(failure)
        self._write(data, offset)

    def xTruncate(self, size: int) -> None:  # noqa: N802
        failure = self._vfs.failure(Kind.TRUNCATE)
        if failure is not None:
            raise _error(Failure.IO)
        super().xTruncate(size)
        self._vfs.operations.append(Operation(kind=Kind.TRUNCATE, name=self._name, at=size))

    def xSync(self, flags: int) -> None:  # noqa: N802
        failure = self._vfs.failure(Kind.SYNC)
        if failure is not None:
            self._vfs.operations.append(Operation(kind=Kind.SYNC_FAILED, name=self._name))
            raise _error(Failure.IO)
        self._vfs.operations.append(Operation(kind=Kind.SYNC, name=self._name))
        if self._names_too:
            self._names_too = False
            self._vfs.operations.append(Operation(kind=Kind.SYNC_NAMES))

    def _write(self, data: bytes, offset: int) -> None:
        super().xWrite(data, offset)
        self._vfs.operations.append(Operation(kind=Kind.WRITE, name=self._name, at=offset, data=bytes(data)))


def _error(failure: Failure) -> apsw.Error:
    return apsw.IOError("injected") if failure is Failure.IO else apsw.FullError("injected")
