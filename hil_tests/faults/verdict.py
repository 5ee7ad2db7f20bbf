"""What is wrong with a store, seen against what was said before the fault. Sets are compared, not counts."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import apsw

from gateway.store import Store, Stored, StoreError
from hil_tests.faults.records import ALL_STREAMS, DESCRIPTOR_HASH, UIDS, Stream, record
from hil_tests.faults.testimony import Testimony

ALL_ROWS = 1_000_000
FILE = "store.db"


@dataclass(frozen=True, slots=True, kw_only=True)
class Verdict:
    """`mistakes`: each broken promise in a sentence. `lost`: acknowledged records that are not there."""

    mistakes: list[str]
    lost: int
    rows: int


async def judge(directory: Path, testimony: Testimony, *, thorough: bool = True) -> Verdict:
    """Open the store of the directory and compare.

    `thorough`: it also recovers as it would in service, and SQLite checks every page after that.
    """
    try:
        store = Store.open(directory)
    except StoreError as error:
        return Verdict(mistakes=[f"does not open: {error.reason}: {error}"], lost=len(testimony.ids), rows=0)
    try:
        if thorough:
            store.start(lambda _arrivals: None, lambda *_refused: None)
            await store.flush()
        verdict = compare(store, _next_seqs(store), testimony)
    except (StoreError, TypeError) as error:  # TypeError: a damaged page gives NULL where none can be
        return Verdict(mistakes=[f"cannot be read: {error!r}"], lost=len(testimony.ids), rows=0)
    finally:
        await store.close()
    if thorough and (damage := integrity(directory / FILE)) != "ok":
        verdict.mistakes.append(f"integrity_check: {damage}")
    return verdict


def compare(store: Store, next_seqs: Mapping[Stream, int], testimony: Testimony) -> Verdict:
    """Everything acknowledged is there once, or was delivered; nothing else but what was put is there."""
    rows = store.read_after(0, ALL_ROWS)
    found = {(Stream(*row[:3]), row.seq): row for row in rows}
    cursors = store.sinks()
    delivered = min(
        (min(testimony.given.get(sink, 0), cursor) for sink, cursor in cursors.items()), default=0
    )
    missing = [key for key, id_ in testimony.ids.items() if key not in found and id_ > delivered]
    mistakes = [f"acknowledged and lost: {_name(*key)}" for key in missing]
    if len(found) != len(rows):
        mistakes.append(f"{len(rows) - len(found)} records are there twice")
    mistakes += [
        f"not what was put: {_name(*key)}, id {row.id}"
        for key, row in found.items()
        if not _is_what_was_put(row)
    ]
    mistakes += [
        f"{_name(*key)} has id {found[key].id}, had {id_}"
        for key, id_ in testimony.ids.items()
        if key in found and found[key].id != id_
    ]
    mistakes += _holes(next_seqs, found, testimony)
    mistakes += [
        f"cursor of {sink} is {cursors.get(sink, 0)}, neither {kept} nor {testimony.given[sink]} nor between"
        for sink, kept in testimony.kept.items()
        if not kept <= cursors.get(sink, 0) <= testimony.given[sink]
    ]
    if testimony.described and not store.has_descriptor(DESCRIPTOR_HASH):
        mistakes.append("the descriptor is lost")
    return Verdict(mistakes=mistakes, lost=len(missing), rows=len(rows))


def integrity(path: Path) -> str:
    """What SQLite itself says of the file; `ok` when it finds nothing."""
    connection = apsw.Connection(str(path), flags=apsw.SQLITE_OPEN_READWRITE)
    try:
        return str(connection.pragma("integrity_check"))
    except apsw.Error as error:
        return str(error)
    finally:
        connection.close()


def _next_seqs(store: Store) -> dict[Stream, int]:
    # Not asked of the store itself: it does not say before it has recovered.
    return {
        Stream(uid, *key): next_seq for uid in UIDS for key, next_seq in store._reader.next_seqs(uid).items()
    }


def _holes(
    next_seqs: Mapping[Stream, int], found: Mapping[tuple[Stream, int], Stored], testimony: Testimony
) -> list[str]:
    """A stream's seqs are consecutive, and its next_seq follows the last of them."""
    mistakes = []
    for stream in ALL_STREAMS:
        next_seq = next_seqs.get(stream, 0)
        seqs = sorted(seq for of, seq in found if of == stream)
        if seqs and seqs != list(range(seqs[0], next_seq)):
            mistakes.append(f"stream {stream.uid.hex()}/{stream.stream}: next is {next_seq}, there is {seqs}")
        if next_seq < testimony.next_seqs.get(stream, 0):
            mistakes.append(
                f"stream {stream.uid.hex()}/{stream.stream}: next is {next_seq}, "
                f"acknowledged below {testimony.next_seqs[stream]}"
            )
    return mistakes


def _is_what_was_put(row: Stored) -> bool:
    stream = Stream(*row[:3])
    return stream in ALL_STREAMS and row[:10] == tuple(record(stream, row.seq))


def _name(stream: Stream, seq: int) -> str:
    return f"{stream.uid.hex()}/{stream.stream} seq {seq}"
