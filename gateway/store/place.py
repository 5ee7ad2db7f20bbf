"""Whether the files of an open store are still those that have its names.

What is written into a file that somebody has moved or deleted is on the disk, and nobody finds it there.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from gateway.store.errors import StoreError

if TYPE_CHECKING:
    from collections.abc import Iterable
    from pathlib import Path


class Place:
    """Of the files that are open now; one that is not there yet is not watched."""

    def __init__(self, paths: Iterable[Path]) -> None:
        self._watched = {path: found for path in paths if (found := _identity(path)) is not None}

    def require(self) -> None:
        """Raise StoreError `moved` unless each of them has its name still."""
        for path, known in self._watched.items():
            if _identity(path) != known:
                step = "put it back, or begin with what is there: sudo systemctl restart fieldgate"
                raise StoreError("moved", f"{path} is not the file any more that is open here: {step}")


def _identity(path: Path) -> tuple[int, int] | None:
    try:
        found = path.stat()
    except OSError:
        return None
    return found.st_dev, found.st_ino
