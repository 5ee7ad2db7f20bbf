"""An archive, entry by entry, each checked; whole only if it can be read to its end."""

from __future__ import annotations

from typing import TYPE_CHECKING

from gateway.archive.container import Unpacker
from gateway.archive.entries import End, Entry, Kind, decode
from gateway.archive.errors import BadEntry

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

# Of one archive. What an importer keeps in memory is limited by them, records by the disk.
LIMITS = {
    Kind.HEADER: 1,
    Kind.HOST_BOOT: 4096,
    Kind.DESCRIPTOR: 65_536,
    Kind.EXCHANGE: 131_072,
    Kind.LOSS: 131_072,
    Kind.RECORD: 1 << 32,
    Kind.END: 1,
}


def entries(path: Path, advance: Callable[[int], None] | None = None) -> Iterator[Entry]:
    """Every entry but the last, which is checked. Raises ArchiveError and OSError.

    Nothing that was given out before an error may be kept: until the last entry is checked, the file
    may be anything. `advance` is called with the octets of the file that were read since its last call.
    """
    with path.open("rb") as file:
        unpacker = Unpacker(file)
        order = _Order(unpacker)
        told = 0
        for octets in unpacker.entries():
            try:
                kind, entry = decode(octets)
            except BadEntry as bad:
                raise unpacker.error(bad.reason, str(bad)) from None
            order.take(kind)
            if isinstance(entry, End):
                order.check_end(entry)
            else:
                yield entry
            if advance is not None and (at := file.tell()) != told:
                advance(at - told)
                told = at
        order.require_end()


class _Order:
    """Which kinds of entries came, and how many."""

    def __init__(self, unpacker: Unpacker) -> None:
        self._unpacker = unpacker
        self._latest: Kind | None = None
        self._counts = dict.fromkeys(Kind, 0)

    def take(self, kind: Kind) -> None:
        """One more entry. Raises ArchiveError where none of its kind may stand."""
        latest, self._latest = self._latest, kind
        if (latest is None) != (kind is Kind.HEADER) or (latest is not None and kind < latest):
            after = "at the beginning" if latest is None else f"after {latest.name}"
            raise self._unpacker.error("order", f"{kind.name} {after}")
        if latest is Kind.END:
            raise self._unpacker.error("trailing", "there are entries behind the last one")
        self._counts[kind] += 1
        if self._counts[kind] > LIMITS[kind]:
            raise self._unpacker.error("limit", f"more than {LIMITS[kind]} entries {kind.name}")

    def check_end(self, end: End) -> None:
        """Raise ArchiveError unless it is the end of just these entries."""
        records = self._counts[Kind.RECORD]
        if end.records != records:
            raise self._unpacker.error("damaged", f"{end.records} records announced, {records} found")
        if end.sha256 != self._unpacker.digest():
            raise self._unpacker.error("damaged", "the SHA-256 of the content is another one")

    def require_end(self) -> None:
        """Raise ArchiveError unless the last entry came."""
        if self._latest is not Kind.END:
            raise self._unpacker.error("truncated", "the last entry, with the check sum, is missing")
