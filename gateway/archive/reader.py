"""An archive, entry by entry, each checked; whole only if it can be read to its end."""

from __future__ import annotations

from typing import TYPE_CHECKING

from gateway.archive.container import Unpacker
from gateway.archive.entries import End, Entry, Kind
from gateway.archive.entry_reader import decode
from gateway.archive.errors import BadEntry
from gateway.host_boot import HostBootRecord
from gateway.store.records import Stored
from gateway.timeline import KeptExchange

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
    """Every entry; the last is an End that was checked. Raises ArchiveError and OSError.

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
            order.take(kind, entry)
            if not isinstance(entry, End):
                yield entry
            if advance is not None and (at := file.tell()) != told:
                advance(at - told)
                told = at
        yield order.end()


class _Order:
    """Whether the entries are those of one archive: which came, in which order, and what they refer to."""

    def __init__(self, unpacker: Unpacker) -> None:
        self._unpacker = unpacker
        self._latest: Kind | None = None
        self._counts = dict.fromkeys(Kind, 0)
        self._boots: dict[int, None] = {}
        self._end: End | None = None

    def take(self, kind: Kind, entry: Entry) -> None:
        """One more entry. Raises ArchiveError where it may not stand."""
        latest, self._latest = self._latest, kind
        if (latest is None) != (kind is Kind.HEADER) or (latest is not None and kind < latest):
            after = "at the beginning" if latest is None else f"after {latest.name}"
            raise self._unpacker.error("order", f"{kind.name} {after}")
        if self._end is not None:
            raise self._unpacker.error("trailing", "there are entries behind the last one")
        self._counts[kind] += 1
        if self._counts[kind] > LIMITS[kind]:
            raise self._unpacker.error("limit", f"more than {LIMITS[kind]} entries {kind.name}")
        match entry:
            case HostBootRecord():
                self._boot(entry.number)
            case Stored() | KeptExchange() if entry.host_boot not in self._boots:
                raise self._unpacker.error("entry", f"no boot {entry.host_boot} of the host is in it")
            case End():
                self._check_end(entry)

    def end(self) -> End:
        """After the last entry: the END. Raises ArchiveError where there was none."""
        if self._end is None:
            raise self._unpacker.error("truncated", "the last entry, with the check sum, is missing")
        return self._end

    def _boot(self, number: int) -> None:
        if self._boots and number <= next(reversed(self._boots)):
            raise self._unpacker.error("order", f"boot {number} of the host after a later one")
        self._boots[number] = None

    def _check_end(self, end: End) -> None:
        records = self._counts[Kind.RECORD]
        if end.records != records:
            raise self._unpacker.error("damaged", f"{end.records} records announced, {records} found")
        if end.sha256 != self._unpacker.digest():
            raise self._unpacker.error("damaged", "the SHA-256 of the content is another one")
        self._end = end
