"""How many octets were written on which day: SD cards wear. The table `written`.

Counted is what is given to the file system, for the store's WAL and its checkpoints. What the file system
and the card make of it is more; benchmarks/disk_wear.py measures the former.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from gateway.store.ledger import UNKNOWN_DAY
from gateway.store.small_rows import WRITTEN

if TYPE_CHECKING:
    from collections.abc import Callable

    import apsw

    from gateway.store.ledger import Ledger
    from gateway.store.work import Work

DAYS_KEPT = 32

_DROP = "DELETE FROM written WHERE day < ?"
_OF_DAY = "WHERE day = ?"


def add(octets: int, today: Callable[[], int]) -> Work:
    """So many more, today. As long as the day is not known they wait for the first day that is."""

    def work(connection: apsw.Connection, _ledger: Ledger) -> bool:
        day = today()
        known = _of(connection, day) + octets
        if day != UNKNOWN_DAY:
            known += _of(connection, UNKNOWN_DAY)
            WRITTEN.put(connection, [(UNKNOWN_DAY, 0)])
            connection.execute(_DROP, (day - DAYS_KEPT,))
        WRITTEN.put(connection, [(day, known)])
        return False

    return work


def by_day(connection: apsw.Connection) -> dict[int, int]:
    """Octets by day of UTC since 1970."""
    return dict(WRITTEN.rows(connection))


def _of(connection: apsw.Connection, day: int) -> int:
    row = WRITTEN.row(connection, _OF_DAY, day)
    return 0 if row is None else int(row[1])
