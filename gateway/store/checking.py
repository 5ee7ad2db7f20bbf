"""Is a store as it was written? Reads all of it, and changes nothing."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import apsw

from gateway.store import inspection, quarantine, removals, soundness
from gateway.store.errors import StoreError
from gateway.store.small_rows import SALVAGE, TABLES
from gateway.store.snapshot import Books, records, snapshot
from wire.up import descriptor_hash

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

TOLD_LIMIT = 20  # of one kind, so that the answer stays readable

_ENDS = "SELECT min(id), max(id) FROM record"
_DESCRIPTORS = "SELECT CAST(hash AS BLOB), CAST(body AS BLOB) FROM descriptor"


@dataclass(frozen=True, slots=True, kw_only=True)
class Finding:
    """Something that is wrong. `kind` is structure, row, record, descriptor, hole or missing."""

    kind: str
    detail: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Checked:
    """What a check found. `salvaging`: records of a damaged store are still to be taken over."""

    records: int
    findings: tuple[Finding, ...]
    quarantined: int
    salvaging: bool


def check(
    path: Path,
    begin: Callable[[int], None] = lambda _total: None,
    advance: Callable[[int], None] = lambda _done: None,
) -> Checked:
    """Look at structure, every check and every stream of the store; also beside a running agent.

    `begin` and `advance` hear of ids. Raises StoreError where it cannot be read at all; `corrupt` then
    means that it is no store any more. `records` counts those that could be read.
    """
    with snapshot(path) as connection:
        findings = _structure(connection)
        count, salvaging = 0, False
        try:
            books = Books(connection)
            rows = {table.name: books.rows(table) for table in TABLES}
            salvaging = bool(rows[SALVAGE.name])
            findings += [Finding(kind="row", detail=each) for each in books.damaged]
            for hash8, body in connection.execute(_DESCRIPTORS):
                if not isinstance(body, bytes) or descriptor_hash(body) != hash8:
                    detail = f"{hash8!r} is not the hash of its body"
                    findings.append(Finding(kind="descriptor", detail=detail))
            count, damaged = _records(connection, begin, advance)
            findings += damaged
            if not books.damaged:
                findings += _streams(connection)
        except apsw.CorruptError as error:
            findings.append(Finding(kind="structure", detail=f"{error}: not all of it can be read"))
        return Checked(
            records=count,
            findings=tuple(findings),
            quarantined=len(quarantine.kept(path.parent)),
            salvaging=salvaging,
        )


def _structure(connection: apsw.Connection) -> list[Finding]:
    try:
        soundness.prove_frame(connection)
    except StoreError as error:
        return [Finding(kind="structure", detail=str(error))]
    return [Finding(kind="structure", detail=each) for each in soundness.faults(connection, TOLD_LIMIT)]


def _records(
    connection: apsw.Connection, begin: Callable[[int], None], advance: Callable[[int], None]
) -> tuple[int, list[Finding]]:
    first, last = connection.execute(_ENDS).get
    if first is None:
        return 0, []
    begin(last - first + 1)
    count, damaged = 0, []
    readable = True
    try:
        for stored, whole in records(connection):
            count += 1
            advance(1)
            if not whole:
                damaged.append(stored.id)
    except apsw.CorruptError:  # which of its pages, SQLite's own check has said
        readable = False
    findings = [Finding(kind="record", detail=f"record {id_} fails its crc") for id_ in damaged[:TOLD_LIMIT]]
    if len(damaged) > TOLD_LIMIT:
        findings.append(Finding(kind="record", detail=f"and {len(damaged) - TOLD_LIMIT} more"))
    if readable and not removals.are_all(connection, first, last):
        findings.append(Finding(kind="missing", detail=f"ids between {first} and {last} are not there"))
    return count, findings


def _streams(connection: apsw.Connection) -> list[Finding]:
    try:
        holes = inspection.find_holes(connection)
    except StoreError as error:
        return [Finding(kind="structure", detail=str(error))]
    return [
        Finding(
            kind="hole",
            detail=f"node {hole.stream.uid.hex()}, boot {hole.stream.boot}, stream {hole.stream.stream}: "
            f"{hole.seq} to {hole.next_seq - 1} are neither stored nor named",
        )
        for hole in holes[:TOLD_LIMIT]
    ]
