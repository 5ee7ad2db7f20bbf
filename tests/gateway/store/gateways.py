"""Gateways without an agent: a state directory each, filled, read, and carried from one to the other."""

from dataclasses import dataclass
from pathlib import Path

import apsw

from gateway.archive.entries import Header
from gateway.archive.index import verify
from gateway.archive.reader import entries
from gateway.node_clock import Exchange
from gateway.store import Arrival, small_rows, time_rows, work
from gateway.store.account import account
from gateway.store.database import Database
from gateway.store.exporting import Wanted, export
from gateway.store.holds import Holds
from gateway.store.importing import opened, take
from gateway.store.ledger import Ledger
from gateway.store.records import Stored
from gateway.timeline import KeptExchange
from tests.gateway.archive import samples

DAY = 20_781


@dataclass
class Gateway:
    """`machine` is the computer's name; `number` that of the boot it is in."""

    directory: Path
    machine: str = "machine-1"

    def __post_init__(self):
        self.directory.mkdir(exist_ok=True)
        self.store = self.directory / "store.db"

    def commit(self, do):
        """`do(connection, ledger)` in a transaction, as the writer has it."""
        database = Database(self.store)
        database.recover()
        with database.transaction() as connection:
            result = do(connection, Ledger(connection, lambda: DAY))
        database.close()
        return result

    def boot(self, number=1, *, offset_ns=samples.OFFSET_NS, machine=None):
        record = samples.host_boot(number, machine=machine or self.machine, offset_ns=offset_ns)
        self.commit(time_rows.put_host_boot(samples.own(record, self.machine)))

    def describe(self):
        self.commit(work.put_descriptor(samples.HASH, samples.DESCRIPTOR))

    def put(self, records):
        """Store records of nodes, in their order."""
        arrivals = [Arrival._make(each[:10]) for each in records]
        _stored, refused = self.commit(lambda _connection, ledger: ledger.add(arrivals))
        assert refused == []

    def fill(self, seqs, **identity):
        self.put([samples.record(seq, **identity) for seq in seqs])

    def exchanges(self, count=8, *, number=1, uid=samples.UID, boot=samples.BOOT):
        """A node's clock that runs with the host's."""

        def do(connection, ledger):
            for at in range(1, count + 1):
                ns = at * 1_000_000_000
                stamps = Exchange(
                    t1_ns=ns, t2_us=ns // 1000 + 500, t3_us=ns // 1000 + 600, t4_ns=ns + 1_100_000
                )
                kept = KeptExchange(uid=uid, boot=boot, host_boot=number, exchange=stamps)
                time_rows.put_exchange(kept)(connection, ledger)

        self.commit(do)

    def sink(self, name, cursor=0, ranges=()):
        def do(connection, ledger):
            work.register_sink(name)(connection, ledger)
            work.move_cursor(name, cursor, ranges)(connection, ledger)

        self.commit(do)

    def forget(self):
        """Delete what every sink has."""
        holds = Holds()
        self.commit(lambda connection, ledger: work.forget_delivered(connection, ledger, holds))

    def export(self, path, **wanted):
        header = Header(gateway=self.directory.name, machine=self.machine)
        return export(self.store, path, header=header, wanted=Wanted(**wanted))

    def take(self, path):
        index = verify(path)
        with opened(self.directory, index) as database:
            return take(database, path, index, here=self.machine, day=DAY)

    def rows(self, table):
        connection = apsw.Connection(str(self.store), flags=apsw.SQLITE_OPEN_READONLY)
        try:
            return table.rows(connection)
        finally:
            connection.close()

    def records(self, kind=3):
        """What is stored, whoever stored it: all but ids and numbers of boots."""
        connection = apsw.Connection(str(self.store), flags=apsw.SQLITE_OPEN_READONLY)
        try:
            found = connection.execute(
                "SELECT uid, boot, stream, seq, next_seq, message, descriptor, arrived_ns FROM record "
                "WHERE kind = ? ORDER BY uid, boot, stream, seq, id",
                (kind,),
            ).fetchall()
        finally:
            connection.close()
        return found

    def losses(self):
        return [row[3:] for row in self.rows(small_rows.LOSS)]

    def account(self):
        found = account(self.store)
        assert found.damaged_records == found.damaged_rows == ()
        return found

    def holds(self):
        return self.account().holds


def filled(directory):
    """A gateway with 95 readings of a node, and a gap of the node's own."""
    gateway = Gateway(directory)
    gateway.boot()
    gateway.describe()
    gateway.exchanges()
    gateway.fill(range(50))
    gateway.put([samples.record(50, next_seq=55)])
    gateway.fill(range(55, 100))
    return gateway


def stick(gateway, name="stick", **wanted):
    """An archive of the gateway, beside its directory."""
    path = gateway.directory.parent / name
    gateway.export(path, **wanted)
    return path


def seqs(path):
    """Of the records in an archive."""
    return [entry.seq for entry in entries(path) if isinstance(entry, Stored)]
