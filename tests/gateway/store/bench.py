"""A store that a test holds, and what it was told."""

from contextlib import asynccontextmanager

import apsw

from gateway.store import Arrival, Store
from wire import cbor, up
from wire.up import descriptor_hash

UID = bytes.fromhex("24becf804ff1")
OTHER = bytes.fromhex("24becf804ff2")
BOOT = 37 << 16 | 0x1267
BLOCK = 3
DESCRIPTOR = b"\xa0"
HASH = descriptor_hash(DESCRIPTOR)


def arrival(seq, *, next_seq=None, uid=UID, boot=BOOT, stream=1, host_boot=1, arrived_ns=None, octets=68):
    """A record whose message follows from its identity."""
    message = (b"%b %d %d %d " % (uid, boot, stream, seq)).ljust(octets, b"\xa5")
    return Arrival(
        uid,
        boot,
        stream,
        seq,
        seq + 1 if next_seq is None else next_seq,
        BLOCK,
        message,
        HASH,
        host_boot,
        1_000_000 * seq if arrived_ns is None else arrived_ns,
    )


def block(seq, *, t_first, span):
    """A record that can be decoded."""
    message = up.Block(BOOT, 1, seq, 0, t_first, span, [seq, 1], {}).encode(cbor.Encoder(200))
    return arrival(seq)._replace(message=message)


class Bench:
    """Keeps what the callbacks said, one entry a call."""

    def __init__(self, directory, **options):
        self.commits = []
        self.refusals = []
        self.damaged = []
        self.renewed = 0
        self.salvaged = []
        self.store = Store.open(directory, **{"group_commit_ms": 1, **options})
        self.store.start(
            self.commits.append,
            lambda arrivals, error: self.refusals.append((arrivals, error)),
            on_damaged=self.damaged.append,
            on_renewed=self._renewed,
            on_salvaged=self.salvaged.append,
        )

    def _renewed(self):
        self.renewed += 1

    @property
    def acknowledged(self):
        return [each for commit in self.commits for each in commit]

    def append(self, seqs, **identity):
        for seq in seqs:
            assert self.store.append(arrival(seq, **identity))

    async def fill(self, seqs, **identity):
        self.append(seqs, **identity)
        await self.store.flush()

    def seqs(self):
        return [stored.seq for stored in self.store.read_after(0, 100_000)]


@asynccontextmanager
async def opened(directory, **options):
    bench = Bench(directory, **options)
    try:
        await bench.store.flush()  # it knows what is on the disk
        yield bench
    finally:
        await bench.store.close()


def rows(directory, table):
    """All rows of a small table, each of which is as it was written."""
    connection = apsw.Connection(str(directory / "store.db"))
    try:
        return table.rows(connection)
    finally:
        connection.close()


def change(directory, statement):
    """Change the file behind the store's back."""
    connection = apsw.Connection(str(directory / "store.db"))
    connection.execute(statement)
    connection.close()
