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

# Without a sink nothing is delivered.
_WAITING = """
SELECT uid, boot, stream, seq, next_seq FROM record
WHERE NOT EXISTS (SELECT 1 FROM sink) OR EXISTS (
    SELECT 1 FROM sink WHERE record.id > sink.cursor AND NOT EXISTS (
        SELECT 1 FROM delivered
        WHERE delivered.sink = sink.name AND record.id BETWEEN first_id AND last_id))"""


@dataclass(frozen=True, slots=True, kw_only=True)
class Stored:
    """`ever`: all records that were committed, forgotten ones too; `waiting`: those not delivered."""

    ever: frozenset[Identity] = frozenset()
    waiting: frozenset[Identity] = frozenset()


def read_store(state: Path) -> Stored:
    """Read the store of a state directory; nothing where there is none. Raises sqlite3.Error.

    The rows of streams outlive the records: their next_seq says what was ever committed, for a
    stream begins at 0 and has no holes. A record waits that some sink has not delivered: above its cursor,
    and in none of the ranges that it has delivered above that.
    """
    path = state / FILE_NAME
    if not path.exists():
        return Stored()
    with closing(sqlite3.connect(f"{path.absolute().as_uri()}?mode=ro", uri=True)) as store:
        streams = store.execute("SELECT uid, boot, stream, next_seq FROM stream").fetchall()
        rows = store.execute(_WAITING).fetchall()
    return Stored(
        ever=frozenset(_records((uid, boot, stream, 0, below) for uid, boot, stream, below in streams)),
        waiting=frozenset(_records(rows)),
    )


def _records(ranges: Iterable[tuple[bytes, int, int, int, int]]) -> Iterator[Identity]:
    for uid, boot, stream, seq, next_seq in ranges:
        of = Stream(uid.hex(), boot, stream)
        for each in range(seq, next_seq):
            yield of.record(each)
