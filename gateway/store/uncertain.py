"""Which delivered records were told with a time that may get better, and how good it was."""

from __future__ import annotations

from typing import TYPE_CHECKING

from gateway.store.small_rows import UNCERTAIN

if TYPE_CHECKING:
    from collections.abc import Mapping

    import apsw

    from gateway.store.ledger import Ledger
    from gateway.store.work import Work

    Uncertain = dict[int, tuple[str, int]]  # by record id: state, uncertainty in ns

_OF_SINK = "WHERE sink = ? ORDER BY id"
_DELETE = "DELETE FROM uncertain WHERE sink = ? AND id = ?"


def of_sink(connection: apsw.Connection, *, sink: str) -> Uncertain:
    """The records of a sink."""
    return {id_: (state, ns) for _sink, id_, state, ns in UNCERTAIN.rows(connection, _OF_SINK, sink)}


def change(sink: str, changes: Mapping[int, tuple[str, int] | None]) -> Work:
    """These were told so; None: this one needs no correction any more."""

    def work(connection: apsw.Connection, _ledger: Ledger) -> bool:
        UNCERTAIN.put(connection, [(sink, id_, *told) for id_, told in changes.items() if told is not None])
        connection.executemany(_DELETE, [(sink, id_) for id_, told in changes.items() if told is None])
        return False

    return work
