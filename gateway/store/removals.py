"""How many records were taken out on purpose, but for the low end: the table `removed`.

With it the number of records is known without counting them, and an id that is missing without having
been taken out is noticed.
"""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING

from gateway.store.small_rows import REMOVED

if TYPE_CHECKING:
    from collections.abc import Iterable

    import apsw

BUCKET = 4096  # ids

_COUNT = "SELECT count(*) FROM record WHERE id BETWEEN ? AND ?"
_FORGET = "DELETE FROM removed WHERE bucket < ?"
_ENDS = "SELECT (SELECT min(id) FROM record), (SELECT max(id) FROM record)"
_FROM = "WHERE bucket BETWEEN ? AND ? ORDER BY bucket"


def add(connection: apsw.Connection, ids: Iterable[int]) -> None:
    """The rows with these ids are being taken out."""
    for bucket, count in Counter(id_ // BUCKET for id_ in ids).items():
        row = REMOVED.row(connection, "WHERE bucket = ?", bucket)
        REMOVED.put(connection, [(bucket, count + (row[1] if row is not None else 0))])


def forget_upto(connection: apsw.Connection, upto: int) -> None:
    """The low end has moved up: count what it passed no more. Called when the rows are gone."""
    first = upto + 1
    connection.execute(_FORGET, (first // BUCKET,))
    row = REMOVED.row(connection, "WHERE bucket = ?", first // BUCKET)
    if row is not None:
        last = min((first // BUCKET + 1) * BUCKET - 1, connection.execute(_ENDS).get[1] or 0)
        REMOVED.put(connection, [(row[0], last - upto - _rows(connection, first, last))])


def missing(connection: apsw.Connection, first: int, last: int) -> int:
    """How many ids from `first` to `last`, both within what is stored, were taken out."""
    if first > last:
        return 0
    low, high = first // BUCKET, last // BUCKET
    total = 0
    for bucket, count in REMOVED.rows(connection, _FROM, low, high):
        if low < bucket < high:
            total += count
        elif count:
            begin, end = max(first, bucket * BUCKET), min(last, bucket * BUCKET + BUCKET - 1)
            total += end - begin + 1 - _rows(connection, begin, end)
    return total


def are_all(connection: apsw.Connection, first: int, last: int) -> bool:
    """Whether all that is missing in the buckets of these ids was taken out. In one read transaction."""
    oldest, newest = connection.execute(_ENDS).get
    if oldest is None:
        return True
    low, high = max(first, oldest) // BUCKET, min(last, newest) // BUCKET
    taken_out: dict[int, int] = {row[0]: row[1] for row in REMOVED.rows(connection, _FROM, low, high)}
    for bucket in range(low, high + 1):
        begin, end = max(bucket * BUCKET, oldest), min(bucket * BUCKET + BUCKET - 1, newest)
        if end - begin + 1 - _rows(connection, begin, end) != taken_out.get(bucket, 0):
            return False
    return True


def _rows(connection: apsw.Connection, first: int, last: int) -> int:
    return int(connection.execute(_COUNT, (first, last)).get)
