"""Gives the file's holes back to the disk, a bounded piece at a time."""

from __future__ import annotations

from typing import TYPE_CHECKING

from gateway.store.room import PAGES

if TYPE_CHECKING:
    import apsw

    from gateway.store.ledger import Ledger
    from gateway.store.room import Room

STEP_PAGES = 256  # moved in one commit: 1 MiB of WAL
KEPT_OCTETS = 2 * 1024 * 1024  # of holes: soon filled again, and moving pages wears the disk
KEPT_SHARE = 4  # holes of a quarter of what is used stay, too
SHRUNK_OCTETS = 4 * 1024 * 1024  # what the file of a store is at most when everything is delivered

_STEP = f"PRAGMA incremental_vacuum({STEP_PAGES})"


def worthwhile(room: Room) -> bool:
    """Whether the holes are so many that the file should shrink."""
    return _worthwhile(room.file_octets, room.unused_octets)


def step(connection: apsw.Connection, _ledger: Ledger) -> bool:
    """Work: move pages from the end of the file into its holes; True if there is more to do."""
    pages, unused, page_octets = connection.execute(PAGES).get
    if not _worthwhile(pages * page_octets, unused * page_octets):
        return False
    connection.execute(_STEP).fetchall()
    return True


def _worthwhile(file_octets: int, unused_octets: int) -> bool:
    return unused_octets > max(KEPT_OCTETS, (file_octets - unused_octets) // KEPT_SHARE)
