"""The writer thread: one connection, one transaction per group, callbacks after the commit."""

from __future__ import annotations

import logging
import threading
import time
from dataclasses import dataclass, field
from enum import StrEnum
from typing import TYPE_CHECKING

import apsw

from gateway.store import statements as sql
from gateway.store.database import StoreError, check_durable, checkpoint
from gateway.store.rows import Arrival, check_of

if TYPE_CHECKING:
    import asyncio
    from collections.abc import Callable, Sequence

log = logging.getLogger(__name__)

GROUP_RECORDS = 512  # a group this large does not wait for its time
RETRY_S = 0.25  # the first pause after a refused commit; it doubles
RETRY_LIMIT_S = 30.0
FORGET_ROWS = 1000  # deleted with one commit, so that no commit waits long
EXCHANGES_KEPT = 64  # of one node's boot in one boot of the host


class StoreState(StrEnum):
    """Whether the store acknowledges."""

    OPEN = "open"
    DEGRADED = "degraded"  # nothing is acknowledged until a checkpoint succeeded


@dataclass(slots=True)
class Batch:
    """What waits for the next commit."""

    arrivals: list[Arrival] = field(default_factory=list)
    statements: list[tuple[str, tuple[object, ...]]] = field(default_factory=list)
    cursors: dict[str, int] = field(default_factory=dict)
    exchanges: list[tuple[object, ...]] = field(default_factory=list)
    forget: bool = False

    def __bool__(self) -> bool:
        return bool(self.arrivals or self.statements or self.cursors or self.exchanges or self.forget)


class Writer:
    """Commits batches. `on_committed` and `on_refused` run in `loop`, once per commit, in order."""

    def __init__(self, connection: apsw.Connection, group_commit_ms: int) -> None:
        self.state = StoreState.OPEN
        self.detail = ""
        self.written = 0  # records since the open
        self.commits = 0
        self._connection = connection
        self._group_s = group_commit_ms / 1000
        self._lock = threading.Lock()
        self._work = threading.Event()
        self._urgent = threading.Event()  # enough for a commit, or the end
        self._batch = Batch()
        self._ending = False
        self._clean = False  # a checkpoint succeeded since the open or the last error
        self._thread = threading.Thread(target=self._run, name="store writer", daemon=True)
        self._loop: asyncio.AbstractEventLoop | None = None
        self._on_committed: Callable[[Sequence[Arrival]], None] = lambda _: None
        self._on_refused: Callable[[Sequence[Arrival], Exception], None] = lambda _arrivals, _error: None

    def start(
        self,
        loop: asyncio.AbstractEventLoop,
        on_committed: Callable[[Sequence[Arrival]], None],
        on_refused: Callable[[Sequence[Arrival], Exception], None],
    ) -> None:
        """Begin to commit."""
        self._loop = loop
        self._on_committed = on_committed
        self._on_refused = on_refused
        self._thread.start()

    def put(self, arrival: Arrival) -> None:
        """Queue a record."""
        with self._lock:
            arrivals = self._batch.arrivals
            arrivals.append(arrival)
        if len(arrivals) == 1:
            self._work.set()
        elif len(arrivals) == GROUP_RECORDS:
            self._urgent.set()

    def put_statement(self, statement: str, *values: object) -> None:
        """Queue one statement."""
        with self._lock:
            self._batch.statements.append((statement, values))
        self._work.set()

    def put_exchange(self, *values: object) -> None:
        """Queue an exchange."""
        with self._lock:
            self._batch.exchanges.append(values)
        self._work.set()

    def move(self, sink: str, position: int) -> None:
        """Queue a cursor; the latest of a group counts."""
        with self._lock:
            self._batch.cursors[sink] = position
        self._work.set()

    def forget(self) -> None:
        """Queue the deletion of what every sink has passed."""
        with self._lock:
            self._batch.forget = True
        self._work.set()

    def close(self) -> None:
        """Commit what waits, then end. Blocks."""
        self._ending = True
        self._work.set()
        self._urgent.set()
        if self._thread.is_alive():
            self._thread.join()
        self._connection.close()

    def _run(self) -> None:
        pause_s = RETRY_S
        while True:
            self._work.wait()
            if not self._ending:
                self._urgent.wait(self._group_s)
            with self._lock:
                batch, self._batch = self._batch, Batch()
                self._work.clear()
                self._urgent.clear()
            if batch:
                pause_s = self._commit_or_refuse(batch, pause_s)
            if self._ending and not self._batch:
                return

    def _commit_or_refuse(self, batch: Batch, pause_s: float) -> float:
        try:
            if not self._clean:
                check_durable(self._connection)
                checkpoint(self._connection)
                self._clean = True
            self._commit(batch)
        except (apsw.Error, StoreError, OSError) as error:
            self._clean = False
            self._refuse(batch, error)
            if not self._ending:
                time.sleep(pause_s)
            return min(2 * pause_s, RETRY_LIMIT_S)
        if self.state is StoreState.DEGRADED:
            log.warning("store: commits again")
        self.state, self.detail = StoreState.OPEN, ""
        self.commits += 1
        self.written += len(batch.arrivals)
        if batch.arrivals:
            self._call(self._on_committed, batch.arrivals)
        return RETRY_S

    def _refuse(self, batch: Batch, error: Exception) -> None:
        if self.state is StoreState.OPEN:
            log.error("store: nothing is acknowledged: %s", error)
        self.state, self.detail = StoreState.DEGRADED, str(error)
        with self._lock:
            # Records come again from their nodes; nobody sends these again.
            self._batch.statements[:0] = batch.statements
            self._batch.exchanges[:0] = batch.exchanges
            self._batch.cursors = {**batch.cursors, **self._batch.cursors}
            if self._batch and not self._ending:
                self._work.set()
        if batch.arrivals:
            self._call(self._on_refused, batch.arrivals, error)

    def _call(self, callback: Callable[..., None], *arguments: object) -> None:
        if self._loop is not None and not self._loop.is_closed():
            self._loop.call_soon_threadsafe(callback, *arguments)

    def _commit(self, batch: Batch) -> None:
        connection = self._connection
        connection.execute("BEGIN IMMEDIATE")
        try:
            self._write(batch)
            connection.execute("COMMIT")
        except BaseException:
            if connection.in_transaction:
                connection.execute("ROLLBACK")
            raise

    def _write(self, batch: Batch) -> None:
        connection = self._connection
        if batch.arrivals:
            self._write_streams(batch.arrivals)
            connection.executemany(
                sql.PUT_RECORD,
                [(*a, check_of(a.uid, a.boot, a.stream, a.seq, a.message)) for a in batch.arrivals],
            )
        for statement, values in batch.statements:
            connection.execute(statement, values)
        for exchange in batch.exchanges:
            connection.execute(sql.PUT_EXCHANGE, exchange)
        for uid, boot, host_boot in {e[:3] for e in batch.exchanges}:
            connection.execute(sql.THIN_EXCHANGES, (uid, boot, host_boot, EXCHANGES_KEPT))
        for name, position in batch.cursors.items():
            connection.execute(sql.MOVE_SINK, (position, name, position))
        if batch.forget:
            passed = [position for _, position in connection.execute(sql.SINKS)]
            if passed:
                connection.execute(sql.FORGET, (min(passed), FORGET_ROWS))

    def _write_streams(self, arrivals: Sequence[Arrival]) -> None:
        """Check that every record is the next of its stream: a hole here would be a bug above."""
        expected: dict[tuple[bytes, int, int], int] = {}
        for a in arrivals:
            key = (a.uid, a.boot, a.stream)
            seq = expected.get(key)
            if seq is None:
                row = self._connection.execute(sql.STREAM_OF, key).fetchone()
                seq = a.seq if row is None else row[0]
            if a.seq != seq:
                raise StoreError(f"node {a.uid.hex()}: record {a.seq} where {seq} is next")
            expected[key] = a.next_seq
        self._connection.executemany(sql.PUT_STREAM, [(*key, seq) for key, seq in expected.items()])
