"""How much more the store may take: by its cap, and by what must stay free on the disk."""

from __future__ import annotations

import os
from dataclasses import dataclass
from typing import TYPE_CHECKING, Self

from gateway.store.database import WAL_OCTETS_KEPT

if TYPE_CHECKING:
    from pathlib import Path

    import apsw

MIB = 1 << 20
MAX_OCTETS = 4096 * MIB
FLOOR_OCTETS = 64 * MIB
MARGIN_MOST_OCTETS = 4 * MIB  # of room that is kept: more than one commit can bring
MARGIN_SHARE = 16  # of all that the store may have, where that is less

PAGES = """
SELECT page_count, freelist_count, page_size
FROM pragma_page_count, pragma_freelist_count, pragma_page_size"""  # of the file, unused, octets of each


@dataclass(frozen=True, slots=True, kw_only=True)
class Limits:
    """`max_octets` of file and WAL; the store does not grow where less than `floor_octets` is free.

    It does not shrink for others either: what somebody else writes must not cost measurements.
    """

    max_octets: int = MAX_OCTETS
    floor_octets: int = FLOOR_OCTETS


@dataclass(frozen=True, slots=True, kw_only=True)
class Room:
    """At one moment."""

    file_octets: int  # of the database file
    unused_octets: int  # within it, where records were
    disk_octets: int  # free on the disk, for this user
    limits: Limits

    @classmethod
    def of(cls, connection: apsw.Connection, directory: Path, limits: Limits) -> Self:
        """As it is in the connection's transaction. Raises apsw.Error or OSError."""
        pages, unused, page_octets = connection.execute(PAGES).get
        disk = os.statvfs(directory)
        return cls(
            file_octets=pages * page_octets,
            unused_octets=unused * page_octets,
            disk_octets=disk.f_bavail * disk.f_frsize,
            limits=limits,
        )

    @property
    def used_octets(self) -> int:
        """What counts against the cap: the file without its holes, and a WAL of full size."""
        return self.file_octets - self.unused_octets + WAL_OCTETS_KEPT

    @property
    def left_octets(self) -> int:
        """What may still be stored; below 0 when it is too much already."""
        return min(self._below_cap, self._above_floor)

    @property
    def margin_octets(self) -> int:
        """Room begins to be made when less than this is left; twice as much is made."""
        records = self.file_octets - self.unused_octets
        return min(MARGIN_MOST_OCTETS, max(0, records + self.left_octets) // MARGIN_SHARE)

    @property
    def limited_by(self) -> str:
        """Which of the configuration's keys says so."""
        return "max_mib" if self._below_cap <= self._above_floor else "free_floor_mib"

    @property
    def _below_cap(self) -> int:
        return self.limits.max_octets - self.used_octets

    @property
    def _above_floor(self) -> int:
        return self.unused_octets + max(0, self.disk_octets - self.limits.floor_octets)
