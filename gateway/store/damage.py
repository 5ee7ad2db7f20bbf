"""Records that fail their crc: told once, kept aside as they are, and named as lost."""

from __future__ import annotations

import json
import logging
from typing import TYPE_CHECKING

from gateway.store import inspection, losses, removals
from gateway.store.errors import StoreError
from gateway.store.quarantine import ROWS
from gateway.store.records import RECORD_COLUMNS, Arrival, Stored, whole_rows

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    import apsw

    from gateway.store.ledger import Ledger
    from gateway.store.losses import NamedLoss

log = logging.getLogger(__name__)

UNMENDED_LIMIT = 4096  # with more damaged records than that the store is begun anew
ROWS_LIMIT_OCTETS = 1024 * 1024  # of the file that they are kept in; what comes later is named, and not kept

_RECORD = f"SELECT {RECORD_COLUMNS} FROM record WHERE id = ?"  # noqa: S608 - a constant
# Octets that are no UTF-8 cannot be read as the text that they may be taken for.
_AS_IT_IS = ", ".join(
    f"CASE typeof({column}) WHEN 'text' THEN CAST({column} AS BLOB) ELSE {column} END"
    for column in ("id", *Arrival._fields, "crc")
)
_RAW = f"SELECT {_AS_IT_IS} FROM record WHERE id = ?"  # noqa: S608 - a constant
_DELETE = "DELETE FROM record WHERE id = ?"


class Damage:
    """What of the store is damaged, as far as it was read."""

    def __init__(self, directory: Path) -> None:
        self.count = 0
        self.on_damaged: Callable[[Stored], None] | None = None
        self._directory = directory
        self._told: dict[int, None] = {}

    def tell(self, stored: Stored) -> None:
        """This row is damaged. What it says of itself may be wrong, but for its id.

        Raises StoreError `corrupt` when there are too many.
        """
        if stored.id in self._told:
            return
        if not self.count:
            log.error("store: record %d is damaged and not delivered; later ones are counted", stored.id)
        self.count += 1
        self._told[stored.id] = None
        if len(self._told) > UNMENDED_LIMIT:
            raise StoreError("corrupt", f"more than {UNMENDED_LIMIT} records are damaged")
        if self.on_damaged is not None:
            self.on_damaged(stored)

    def mend(self, connection: apsw.Connection, ledger: Ledger) -> bool:
        """Take out the rows that were told of and name what is missing then: a Work.

        The holes in the streams say what is lost, exactly; the damaged rows do not.
        """
        told = list(self._told)
        damaged = [id_ for id_ in told if self._is_damaged(connection, id_)]
        if told and not damaged:  # mended in a former commit
            self._forget(told)
        gaps = [gap for id_ in damaged for gap in _named_by(connection, id_)]
        for id_ in damaged:
            self._keep(connection.execute(_RAW, (id_,)).fetchone())
            connection.execute(_DELETE, (id_,))
        if damaged:
            removals.add(connection, damaged)
            inspection.name_holes(connection, ledger)
            for gap in gaps:
                _tell_again(connection, ledger, gap)
        return False

    def _forget(self, told: list[int]) -> None:
        for id_ in told:
            self._told.pop(id_, None)

    @staticmethod
    def _is_damaged(connection: apsw.Connection, id_: int) -> bool:
        rows = connection.execute(_RECORD, (id_,)).fetchall()
        return bool(rows) and not whole_rows(rows)

    def _keep(self, row: tuple[object, ...] | None) -> None:
        place = self._directory / ROWS
        try:
            place.parent.mkdir(mode=0o750, exist_ok=True)
            with place.open("a", encoding="ascii") as file:
                if file.tell() < ROWS_LIMIT_OCTETS:
                    print(json.dumps(row, default=bytes.hex), file=file)
        except OSError as error:
            log.warning("store: a damaged row cannot be kept: %s", error)


def _named_by(connection: apsw.Connection, id_: int) -> list[NamedLoss]:
    """The loss that a damaged row was the GAP of, as far as can be seen: one with just its seqs.

    It leaves no hole in its stream, and its sinks have not heard of it yet.
    """
    for row in connection.execute(_RECORD, (id_,)).fetchall():
        record = Stored._make(row[:-1])
        named = losses.of_stream(connection, record[:3], record[3:5])
        return [loss for loss in named if loss[:5] == record[:5]]
    return []


def _tell_again(connection: apsw.Connection, ledger: Ledger, loss: NamedLoss) -> None:
    stream = ledger.stream(*loss[:3])
    if stream is not None:
        losses.name_loss(
            connection,
            ledger,
            **loss._asdict(),
            t_first=losses.NO_TIME[0],
            span=losses.NO_TIME[1],
            descriptor=stream.descriptor,
            host_boot=stream.last_host_boot,
            arrived_ns=stream.last_arrived_ns,
        )
