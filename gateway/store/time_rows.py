"""What is stored of time: TIME exchanges with nodes, and the boots of the host."""

from __future__ import annotations

from typing import TYPE_CHECKING

from gateway.host_boot import HostBootRecord
from gateway.node_clock import Exchange
from gateway.store.small_rows import EXCHANGE, HOST_BOOT
from gateway.timeline import KeptExchange

if TYPE_CHECKING:
    from collections.abc import Sequence

    import apsw

    from gateway.store.ledger import Ledger
    from gateway.store.small_rows import Row
    from gateway.store.work import Work

EXCHANGES_KEPT = 64  # of one boot of a node in one boot of the host
EXCHANGES_LIMIT = 65_536  # of all: a thousand such boots; beyond, the oldest go
EXCHANGES_DROPPED = 1024  # so many more may come before: finding the oldest reads them all

_EXCHANGES_OF = """
SELECT t1_ns, t4_ns - t1_ns - 1000 * (t3_us - t2_us) FROM exchange
WHERE uid = ? AND boot = ? AND host_boot = ? ORDER BY t1_ns"""
_DROP_EXCHANGE = "DELETE FROM exchange WHERE uid = ? AND boot = ? AND host_boot = ? AND t1_ns = ?"
_COUNT_EXCHANGES = "SELECT count(*) FROM exchange"
_DROP_OLDEST = """
DELETE FROM exchange WHERE (uid, boot, host_boot, t1_ns) IN
    (SELECT uid, boot, host_boot, t1_ns FROM exchange ORDER BY host_boot, t1_ns LIMIT ?)"""
_IN_ORDER = "ORDER BY host_boot, t1_ns"
_BY_NUMBER = "ORDER BY number"


def put_exchange(kept: KeptExchange) -> Work:
    """Keep the exchange; of more than EXCHANGES_KEPT of its clock, the least useful goes."""
    clock = (kept.uid, kept.boot, kept.host_boot)
    exchange = kept.exchange
    stamps = (exchange.t1_ns, exchange.t2_us, exchange.t3_us, exchange.t4_ns)

    def work(connection: apsw.Connection, _ledger: Ledger) -> bool:
        EXCHANGE.put(connection, [clock + stamps])
        rows = list(connection.execute(_EXCHANGES_OF, clock))
        if len(rows) > EXCHANGES_KEPT:
            connection.execute(_DROP_EXCHANGE, (*clock, least_useful(rows)))
        return False

    return work


def drop_surplus_exchanges(connection: apsw.Connection, _ledger: Ledger) -> bool:
    """Drop the oldest of more than EXCHANGES_LIMIT."""
    count = connection.execute(_COUNT_EXCHANGES).get
    if count > EXCHANGES_LIMIT:
        connection.execute(_DROP_OLDEST, (count - EXCHANGES_LIMIT,))
    return False


def least_useful(rows: Sequence[tuple[int, int]]) -> int:
    """The t1 to drop of at least three (t1, round trip), ordered by t1.

    The one that leaves the smallest hole, so that what is kept spans all of the clock's time; of
    equal ones, that with the longest round trip. The first and the last stay.
    """
    holes = (
        (later[0] - earlier[0], -row[1], row[0])
        for earlier, row, later in zip(rows, rows[1:], rows[2:], strict=False)
    )
    return min(holes)[2]


def put_host_boot(record: HostBootRecord) -> Work:
    """Keep what is known of a boot of the host, in place of what was known before."""
    row = (
        record.number,
        record.boot_id,
        record.seen_ns,
        record.realtime_ns,
        record.offset_ns,
        record.uncertainty_ns,
        record.first_sync_ns,
        record.last_sync_ns,
        record.machine,
        record.pieces,
    )

    def work(connection: apsw.Connection, _ledger: Ledger) -> bool:
        HOST_BOOT.put(connection, [row])
        return False

    return work


def exchanges(connection: apsw.Connection) -> list[KeptExchange]:
    """All exchanges in the order they happened."""
    return [exchange_of(row) for row in EXCHANGE.rows(connection, _IN_ORDER)]


def host_boots(connection: apsw.Connection) -> list[HostBootRecord]:
    """All boots of the host by number."""
    return [host_boot_of(row) for row in HOST_BOOT.rows(connection, _BY_NUMBER)]


def exchange_of(row: Row) -> KeptExchange:
    """A row of the table as a value."""
    uid, boot, host_boot, t1_ns, t2_us, t3_us, t4_ns = row
    return KeptExchange(
        uid=uid,
        boot=boot,
        host_boot=host_boot,
        exchange=Exchange(t1_ns=t1_ns, t2_us=t2_us, t3_us=t3_us, t4_ns=t4_ns),
    )


def host_boot_of(row: Row) -> HostBootRecord:
    """A row of the table as a value."""
    number, boot_id, seen_ns, realtime_ns, offset_ns, uncertainty_ns, first_ns, last_ns, machine, pieces = row
    return HostBootRecord(
        number=number,
        boot_id=boot_id,
        seen_ns=seen_ns,
        realtime_ns=realtime_ns,
        offset_ns=offset_ns,
        uncertainty_ns=uncertainty_ns,
        first_sync_ns=first_ns,
        last_sync_ns=last_ns,
        machine=machine,
        pieces=pieces,
    )
