"""An archive on its way to a stick: under another name until it is whole and on the medium."""

from __future__ import annotations

import errno
import os
from contextlib import suppress
from typing import IO, TYPE_CHECKING, Self

from gateway.archive.container import Packer
from gateway.archive.entries import End, Entry, encode
from gateway.store.records import Stored

if TYPE_CHECKING:
    from pathlib import Path
    from types import TracebackType

PART = ".part"  # behind the name, until the archive is whole


class ArchiveWriter:
    """Use it in a `with`: left without an exception, the file is there, else nothing is.

    Raises OSError as soon as the medium does not take it; FileExistsError where `path` is there.
    Entries must be put in the order of their kinds.
    """

    def __init__(self, path: Path) -> None:
        if path.exists():
            raise FileExistsError(errno.EEXIST, os.strerror(errno.EEXIST), str(path))
        self.records = 0
        self._octets = 0
        self._path = path
        self._part = path.with_name(path.name + PART)
        self._file: IO[bytes] = self._part.open("wb")
        self._packer = Packer(self._file)

    def put(self, entry: Entry) -> None:
        """One more entry."""
        self._packer.put(encode(entry))
        self.records += isinstance(entry, Stored)

    @property
    def octets(self) -> int:
        """How long the file is, as far as it is written."""
        return self._octets

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        try:
            if kind is None:
                self._finish()
        finally:
            with suppress(OSError):
                self._file.close()
            with suppress(OSError):
                self._part.unlink(missing_ok=True)

    def _finish(self) -> None:
        self.put(End(records=self.records, sha256=self._packer.digest()))
        self._packer.finish()
        os.fsync(self._file.fileno())
        self._octets = self._file.tell()
        self._file.close()
        self._part.rename(self._path)
        _sync_folder(self._path)


def _sync_folder(path: Path) -> None:
    """Bring the new name to the medium. Some file systems of sticks cannot, and sync it by themselves."""
    folder = os.open(path.parent, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(folder)
    except OSError as error:
        if error.errno not in {errno.EINVAL, errno.ENOTSUP, errno.ENOSYS}:
            raise
    finally:
        os.close(folder)
