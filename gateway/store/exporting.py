"""Records of a store into an archive, beside a running agent or without one."""

from __future__ import annotations

from bisect import bisect_right
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

from gateway.archive.entries import DescriptorBody, Header, Kind
from gateway.archive.reader import LIMITS
from gateway.archive.writer import ArchiveWriter
from gateway.host_boot import HostBoot, HostBootRecord
from gateway.store.errors import StoreError
from gateway.store.losses import NamedLoss
from gateway.store.small_rows import DELIVERED, EXCHANGE, HOST_BOOT, LOSS, SINK
from gateway.store.snapshot import Books, records, snapshot
from gateway.store.time_rows import exchange_of, host_boot_of
from wire.up import descriptor_hash

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    import apsw

    from gateway.archive.entries import Entry
    from gateway.store.intervals import Interval
    from gateway.store.records import Stored

ADVANCE_RECORDS = 1024  # told at once

_DESCRIPTORS = "SELECT hash, body FROM descriptor ORDER BY hash"
_HOST_BOOTS_USED = "SELECT DISTINCT CAST(host_boot AS INTEGER) FROM record"
_ENDS = "SELECT coalesce(min(id), 1), coalesce(max(id), 0) FROM record"


@dataclass(frozen=True, slots=True, kw_only=True)
class Wanted:
    """Which records go into the archive; all of them, if nothing is said.

    `since_ns` and `until_ns` are UTC, of the arrival of a record at the gateway. Where that is not
    known, the record goes in. `sink`: what this sink has not delivered.
    """

    node: bytes | None = None
    since_ns: int | None = None
    until_ns: int | None = None
    sink: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Exported:
    """What went into the archive. `damaged` records fail their crc: they did not; and rows likewise."""

    records: int
    octets: int
    damaged: int
    damaged_rows: tuple[str, ...]


def export(
    store: Path,
    archive: Path,
    *,
    header: Header,
    wanted: Wanted,
    begin: Callable[[int], None] = lambda _ids: None,
    advance: Callable[[int], None] = lambda _ids: None,
) -> Exported:
    """Write what is wanted of a store's file into a new archive. Raises StoreError and OSError.

    `begin` is called with how many ids there are to look at, `advance` with how many more were.
    """
    with snapshot(store) as connection:
        books = Books(connection)
        chosen = _chosen(books, wanted)
        first, last = connection.execute(_ENDS).get
        begin(max(0, last - max(first - 1, chosen.after)))
        damaged = 0
        with ArchiveWriter(archive) as writer:
            for entry in _beside(connection, books, header, wanted):
                writer.put(entry)
            told = max(first - 1, chosen.after)
            for stored, whole in records(connection, chosen.after):
                if not whole:
                    damaged += 1
                elif chosen.has(stored):
                    writer.put(stored)
                if stored.id - told >= ADVANCE_RECORDS:
                    advance(stored.id - told)
                    told = stored.id
        advance(max(0, last - told))
    return Exported(
        records=writer.records, octets=writer.octets, damaged=damaged, damaged_rows=tuple(books.damaged)
    )


class _Chosen:
    """Which records are wanted."""

    def __init__(self, wanted: Wanted, boots: list[HostBootRecord], delivered: list[Interval]) -> None:
        self.after = delivered[0][1] if delivered else 0
        self._node = wanted.node
        self._first = [first for first, _last in delivered]
        self._last = [last for _first, last in delivered]
        self._since_ns = wanted.since_ns
        self._until_ns = wanted.until_ns
        timed = wanted.since_ns is not None or wanted.until_ns is not None
        hosts = map(HostBoot, boots) if timed else ()
        self._hosts = {host.number: host for host in hosts if host.resolved}

    def has(self, stored: Stored) -> bool:
        """Whether this one is."""
        if self._node is not None and stored.uid != self._node:
            return False
        host = self._hosts.get(stored.host_boot)
        if host is not None and not self._in_time(*host.utc(stored.arrived_ns)[:2]):
            return False
        at = bisect_right(self._first, stored.id) - 1
        return at < 0 or stored.id > self._last[at]

    def _in_time(self, utc_ns: int, uncertainty_ns: int) -> bool:
        """Whether it may have arrived then."""
        early = self._since_ns is not None and utc_ns + uncertainty_ns < self._since_ns
        late = self._until_ns is not None and utc_ns - uncertainty_ns >= self._until_ns
        return not early and not late


def _chosen(books: Books, wanted: Wanted) -> _Chosen:
    boots = [host_boot_of(row) for row in books.rows(HOST_BOOT)]
    if wanted.sink is None:
        return _Chosen(wanted, boots, [])
    cursors: dict[str, int] = dict(books.rows(SINK))
    if wanted.sink not in cursors:
        known = ", ".join(sorted(cursors)) or "none"
        raise StoreError("sink", f"the store keeps records for no sink {wanted.sink!r}, but for: {known}")
    ranges = [(row[1], row[2]) for row in books.rows(DELIVERED) if row[0] == wanted.sink]
    return _Chosen(wanted, boots, [(0, cursors[wanted.sink]), *sorted(ranges)])


def _beside(connection: apsw.Connection, books: Books, header: Header, wanted: Wanted) -> Iterator[Entry]:
    """All that stands before the records."""
    yield header
    boots = {row[0]: host_boot_of(row) for row in books.rows(HOST_BOOT)}
    used: list[Any] = [number for (number,) in connection.execute(_HOST_BOOTS_USED).fetchall()]
    for number in used:
        if number not in boots:  # its row is damaged: it is known that there was such a boot
            name = f"unknown-{header.machine}-{number}"
            boots[number] = HostBootRecord(number=number, boot_id=name, seen_ns=0, realtime_ns=0)
    kept = set(used).union(sorted(boots, reverse=True)[: LIMITS[Kind.HOST_BOOT] // 2])
    for number in sorted(kept):
        yield replace(boots[number], machine=boots[number].machine or header.machine)
    for hash8, body in connection.execute(_DESCRIPTORS):
        if descriptor_hash(body) == hash8:
            yield DescriptorBody(body=body)
        else:
            books.damaged.append(f"descriptor: {hash8.hex()}")
    for row in books.rows(EXCHANGE):
        if row[2] in kept and wanted.node in {None, row[0]}:
            yield exchange_of(row)
    for row in books.rows(LOSS):
        if wanted.node in {None, row[0]}:
            yield NamedLoss._make(row)
