"""Octets kept on the disk for the moment when there are none left."""

from __future__ import annotations

import logging
import os
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pathlib import Path

log = logging.getLogger(__name__)

RESERVE_NAME = "reserve"  # in the state directory
RESERVE_OCTETS = 8 * 1024 * 1024  # a WAL of the size at which it is checkpointed, twice


class Reserve:
    """A file that is given up when the disk is full, so that dropping and checkpointing can work.

    Both need room in the WAL before they make any in the store.
    """

    def __init__(self, directory: Path) -> None:
        self._path = directory / RESERVE_NAME

    @property
    def kept(self) -> bool:
        """Whether there is something to give up."""
        return self._path.exists()

    def make(self) -> bool:
        """Take the octets off the disk. False where they are not to be had, or it is kept already."""
        if self.kept:
            return False
        try:
            file = os.open(self._path, os.O_WRONLY | os.O_CREAT | os.O_CLOEXEC, 0o640)
            try:
                os.posix_fallocate(file, 0, RESERVE_OCTETS)
            finally:
                os.close(file)
        except OSError as error:
            log.debug("store: no reserve: %s", error)
            self.give_up()
            return False
        return True

    def give_up(self) -> bool:
        """Let the disk have the octets back. False where there were none."""
        try:
            octets = self._path.stat().st_size
            self._path.unlink()
        except OSError:  # not there, or a disk that takes nothing at all
            return False
        return octets >= RESERVE_OCTETS
