"""The disk under the store: what is free on it, and why it does not take what is written."""

from __future__ import annotations

import errno
import os
from dataclasses import dataclass
from typing import TYPE_CHECKING, Self

from gateway.store.errors import StoreError

if TYPE_CHECKING:
    from pathlib import Path

ROOM_TO_WORK_OCTETS = 1 << 20  # an empty store with its two companions; below it a disk counts as full
PROBE_NAME = "probe"  # a file that is made and removed
# What SQLite and the kernel say where the disk is the reason; what is damaged stays what it is.
_MAY_BE_THE_DISK = ("io", "full", "read_only")
_BY_ERRNO = {
    errno.ENOSPC: "full",
    errno.EDQUOT: "full",
    errno.EROFS: "read_only",
    errno.EACCES: "denied",
    errno.EPERM: "denied",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Disk:
    """The file system of a directory at one moment."""

    free_octets: int  # for this user
    free_inodes: int | None  # None where the file system has no table of them
    read_only: bool
    writable: bool  # by this user

    @classmethod
    def of(cls, directory: Path) -> Self:
        """Raises OSError where the directory is not there or cannot be looked at."""
        if not directory.is_dir():
            raise NotADirectoryError(errno.ENOTDIR, os.strerror(errno.ENOTDIR), str(directory))
        found = os.statvfs(directory)
        return cls(
            free_octets=found.f_bavail * found.f_frsize,
            free_inodes=found.f_favail if found.f_files else None,
            read_only=bool(found.f_flag & os.ST_RDONLY),
            writable=os.access(directory, os.W_OK | os.X_OK),
        )

    def fault(self) -> str | None:
        """Why nothing can be written there: read_only, denied, no_inodes or full; None if it can."""
        if self.read_only:
            return "read_only"
        if not self.writable:
            return "denied"
        if self.free_octets < ROOM_TO_WORK_OCTETS:
            return "full"
        return "no_inodes" if self.free_inodes == 0 else None


def from_os(directory: Path, error: OSError) -> StoreError:
    """What the kernel refused, as ours."""
    reason = _BY_ERRNO.get(error.errno or 0, "io")
    return refined(StoreError(reason, f"{error.filename or directory}: {error.strerror}"), directory)


def refined(error: StoreError, directory: Path) -> StoreError:
    """The error with what the disk says of itself.

    A full disk, a full inode table and one that became read-only are all an I/O error to SQLite.
    """
    if error.reason not in _MAY_BE_THE_DISK:
        return error
    try:
        fault = Disk.of(directory).fault() or _probed(directory)
    except OSError:
        return error
    return error if fault is None else StoreError(fault, str(error))


def _probed(directory: Path) -> str | None:
    """What a new file there comes to: ext4 that met an error takes none, and is not called read-only."""
    probe = directory / PROBE_NAME
    try:
        probe.touch()
        probe.unlink()
    except OSError as error:
        return _BY_ERRNO.get(error.errno or 0)
    return None
