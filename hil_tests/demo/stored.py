"""What lies in the gateway's store, read by somebody else after the gateway has ended."""

from __future__ import annotations

import sqlite3
from contextlib import closing
from dataclasses import dataclass
from typing import TYPE_CHECKING

from hil_tests.demo.identity import Identity, Stream

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator
    from pathlib import Path

FILE_NAME = "store.db"  # in the state directory


@dataclass(frozen=True, slots=True, kw_only=True)
class Stored:
    """`ever`: all records that were committed, forgotten ones too; `waiting`: those not delivered."""

    ever: frozenset[Identity] = frozenset()
    waiting: frozenset[Identity] = frozenset()


def read_store(state: Path) -> Stored:
    """Read the store of a state directory; nothing where there is none. Raises sqlite3.Error.

    The rows of streams outlive the records: their next_seq says what was ever committed, for a
    stream begins at 0 and has no holes. A record behind the slowest sink's cursor waits.
    """
    path = state / FILE_NAME
    if not path.exists():
        return Stored()
    with closing(sqlite3.connect(f"{path.absolute().as_uri()}?mode=ro", uri=True)) as store:
        streams = store.execute("SELECT uid, boot, stream, next_seq FROM stream").fetchall()
        delivered_to = min((row[1] for row in store.execute("SELECT * FROM sink")), default=0)
        rows = store.execute(
            "SELECT uid, boot, stream, seq, next_seq FROM record WHERE id > ?", (delivered_to,)
        ).fetchall()
    return Stored(
        ever=frozenset(_records((uid, boot, stream, 0, below) for uid, boot, stream, below in streams)),
        waiting=frozenset(_records(rows)),
    )


def _records(ranges: Iterable[tuple[bytes, int, int, int, int]]) -> Iterator[Identity]:
    for uid, boot, stream, seq, next_seq in ranges:
        of = Stream(uid.hex(), boot, stream)
        for each in range(seq, next_seq):
            yield of.record(each)
