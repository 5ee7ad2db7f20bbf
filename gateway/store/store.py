"""The store as the rest of the gateway sees it."""

from __future__ import annotations

import asyncio
import logging
from typing import TYPE_CHECKING

from gateway.host_boot import HostBootRecord
from gateway.node_clock import Exchange
from gateway.store import statements as sql
from gateway.store.database import FILE_NAME, DirectoryLock, open_reader, open_writer
from gateway.store.rows import Stored, check_of
from gateway.store.writer import StoreState, Writer
from gateway.timeline import KeptExchange

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence
    from pathlib import Path

    import apsw

    from gateway.store.rows import Arrival

log = logging.getLogger(__name__)

GROUP_COMMIT_MS = 20
QUEUE_LIMIT_OCTETS = 4 * 1024 * 1024  # of messages that wait for their commit
ROW_OCTETS = 100  # what a queued record weighs beside its message


class Store:
    """Records, streams, descriptors, cursors and what is known of time, in one SQLite file."""

    def __init__(
        self, lock: DirectoryLock, writer: apsw.Connection, reader: apsw.Connection, group_commit_ms: int
    ) -> None:
        self.damaged = 0  # records whose CRC did not match when they were read
        self._lock = lock
        self._writer = Writer(writer, group_commit_ms)
        self._reader = reader
        self._queued_octets = 0
        self._queued = 0
        self._cursors: dict[str, int] = dict(reader.execute(sql.SINKS))
        self._descriptors: dict[bytes, bytes] = {}

    @classmethod
    def open(
        cls, directory: Path, *, group_commit_ms: int = GROUP_COMMIT_MS, vfs: str | None = None
    ) -> Store:
        """Open or make the store of a state directory. Raises StoreError."""
        directory.mkdir(parents=True, exist_ok=True)
        lock = DirectoryLock(directory)
        try:
            path = directory / FILE_NAME
            writer = open_writer(path, vfs)
            return cls(lock, writer, open_reader(path, vfs), group_commit_ms)
        except BaseException:
            lock.release()
            raise

    @property
    def state(self) -> StoreState:
        """Whether the store acknowledges."""
        return self._writer.state

    @property
    def detail(self) -> str:
        """Why not."""
        return self._writer.detail

    @property
    def stored(self) -> int:
        """Records on disk now."""
        return self._number(sql.COUNT)

    @property
    def written(self) -> int:
        """Records committed since the open."""
        return self._writer.written

    @property
    def queued(self) -> int:
        """Records that wait for their commit."""
        return self._queued

    def start(
        self,
        on_committed: Callable[[Sequence[Arrival]], None],
        on_refused: Callable[[Sequence[Arrival], Exception], None],
    ) -> None:
        """Begin to commit; the callbacks run in the running event loop, once per commit, in order."""

        def committed(arrivals: Sequence[Arrival]) -> None:
            self._unqueue(arrivals)
            on_committed(arrivals)

        def refused(arrivals: Sequence[Arrival], error: Exception) -> None:
            self._unqueue(arrivals)
            on_refused(arrivals, error)

        self._writer.start(asyncio.get_running_loop(), committed, refused)

    async def close(self) -> None:
        """Commit what waits and let the next process in."""
        await asyncio.to_thread(self._writer.close)
        self._reader.close()
        self._lock.release()

    def next_seqs(self, uid: bytes) -> dict[tuple[int, int], int]:
        """(boot, stream): the seq after the last one on disk."""
        return {(boot, stream): at for boot, stream, at in self._reader.execute(sql.STREAMS, (uid,))}

    def append(self, arrival: Arrival) -> bool:
        """Queue a record for the next commit; False when QUEUE_LIMIT_OCTETS wait already."""
        if self._queued_octets >= QUEUE_LIMIT_OCTETS:
            return False
        self._queued_octets += len(arrival.message) + ROW_OCTETS
        self._queued += 1
        self._writer.put(arrival)
        return True

    def read_after(self, position: int, limit: int) -> list[Stored]:
        """Up to `limit` records with an id above `position`. Damaged ones are left out and counted."""
        records = []
        for row in self._reader.execute(sql.READ_AFTER, (position, limit)):
            stored = Stored(*row[:-1])
            if check_of(stored.uid, stored.boot, stored.stream, stored.seq, stored.message) == row[-1]:
                records.append(stored)
            else:
                self.damaged += 1
                log.error(
                    "store: record %d (node %s, boot %d, stream %d, seq %d) is damaged and not delivered",
                    stored.id,
                    stored.uid.hex(),
                    stored.boot,
                    stored.stream,
                    stored.seq,
                )
        return records

    def has_descriptor(self, name: bytes) -> bool:
        """Whether the descriptor is known or waits for its commit."""
        return self.descriptor(name) is not None

    def descriptor(self, name: bytes) -> bytes | None:
        """The encoded descriptor of this hash."""
        body = self._descriptors.get(name)
        if body is None:
            row = self._reader.execute(sql.DESCRIPTOR, (name,)).fetchone()
            body = None if row is None else bytes(row[0])
        return body

    def put_descriptor(self, name: bytes, body: bytes) -> None:
        """Keep a descriptor: in the same order as the records, so never later than they."""
        self._descriptors[name] = body
        self._writer.put_statement(sql.PUT_DESCRIPTOR, name, body)

    def register_sink(self, name: str) -> None:
        """From now on records are kept until this sink has passed them."""
        self._cursors.setdefault(name, 0)
        self._writer.put_statement(sql.PUT_SINK, name)

    def cursor(self, sink: str) -> int:
        """Up to which id everything is delivered."""
        return self._cursors.get(sink, 0)

    def move_cursor(self, sink: str, position: int) -> None:
        """Everything up to this id is delivered; durable with the next commit."""
        self._cursors[sink] = position
        self._writer.move(sink, position)

    def waiting_for(self, sink: str) -> int:
        """Records not delivered by this sink. Ids have no holes: a rolled back one is given again."""
        return max(0, self._number(sql.LAST_ID) - self.cursor(sink))

    def forget_delivered(self) -> None:
        """Delete some of what every registered sink has passed."""
        if self._cursors:
            self._writer.forget()

    def put_exchange(self, kept: KeptExchange) -> None:
        """Store with the next commit; the newest of a node's boot are kept."""
        e = kept.exchange
        self._writer.put_exchange(kept.uid, kept.boot, kept.host_boot, e.t1_ns, e.t2_us, e.t3_us, e.t4_ns)

    def exchanges(self) -> Iterable[KeptExchange]:
        """All that are stored, in the order they were put."""
        for uid, boot, host_boot, t1, t2, t3, t4 in self._reader.execute(sql.EXCHANGES):
            yield KeptExchange(
                uid=uid,
                boot=boot,
                host_boot=host_boot,
                exchange=Exchange(t1_ns=t1, t2_us=t2, t3_us=t3, t4_ns=t4),
            )

    def put_host_boot(self, record: HostBootRecord) -> None:
        """Store with the next commit; replaces the record of the same number."""
        r = record
        self._writer.put_statement(
            sql.PUT_HOST_BOOT,
            r.number,
            r.boot_id,
            r.seen_ns,
            r.realtime_ns,
            r.offset_ns,
            r.uncertainty_ns,
            r.first_sync_ns,
            r.last_sync_ns,
        )

    def host_boots(self) -> Iterable[HostBootRecord]:
        """All that are stored, by number."""
        names = (
            "number",
            "boot_id",
            "seen_ns",
            "realtime_ns",
            "offset_ns",
            "uncertainty_ns",
            "first_sync_ns",
            "last_sync_ns",
        )
        for row in self._reader.execute(sql.HOST_BOOTS):
            yield HostBootRecord(**dict(zip(names, row, strict=True)))

    def _number(self, statement: str) -> int:
        row = self._reader.execute(statement).fetchone()
        return 0 if row is None else int(row[0])

    def _unqueue(self, arrivals: Sequence[Arrival]) -> None:
        self._queued -= len(arrivals)
        self._queued_octets -= sum(len(a.message) for a in arrivals) + ROW_OCTETS * len(arrivals)
