# Over 300 lines because this is the face of the whole package, and each method carries its contract.
"""The store on this host's disk: what is acknowledged to a node is in it."""

from __future__ import annotations

import asyncio
from functools import partial
from types import MappingProxyType
from typing import TYPE_CHECKING, TypeVar

from gateway.store import losses, time_rows, uncertain, work
from gateway.store.commit_queue import CommitQueue
from gateway.store.damage import Damage
from gateway.store.dead_letters import DeadLetters
from gateway.store.disk import from_os
from gateway.store.errors import StoreError
from gateway.store.health import StoreState
from gateway.store.holds import Hold
from gateway.store.ledger import no_day
from gateway.store.lock import DirectoryLock
from gateway.store.quota import Quota
from gateway.store.reader import Reader
from gateway.store.rebuild import Renewal
from gateway.store.reserve import Reserve
from gateway.store.restoration import Restoration
from gateway.store.room import Limits
from gateway.store.sink_cursors import SinkCursors
from gateway.store.upkeep import Upkeep
from gateway.store.writer import Writer

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence
    from pathlib import Path

    import apsw

    from gateway.host_boot import HostBootRecord
    from gateway.store.database import Database
    from gateway.store.health import Counts
    from gateway.store.ledger import Ledger
    from gateway.store.policy import WhenFull
    from gateway.store.records import Arrival, KnownNode, Stored
    from gateway.store.salvage import Result
    from gateway.store.uncertain import Uncertain
    from gateway.store.upkeep import Usage
    from gateway.store.work import Work
    from gateway.store.writer import OnCommitted, OnRefused
    from gateway.timeline import KeptExchange

STORE_NAME = "store.db"
GROUP_COMMIT_MS = 20
GROUP_COMMIT_MOST_MS = 250  # a node waits that long for its memory
GROUP_COMMIT_RECORDS = 512
QUEUE_LIMIT_OCTETS = 4 * 1024 * 1024  # of records that wait for their commit, or are in one
FORGET_LEAST = 64  # records; deleting them one by one would write as much as storing them
DESCRIPTORS_CACHED = 256
DEFAULT_LIMITS = Limits()
DROP_OLDEST: Mapping[str, WhenFull] = MappingProxyType({})  # of every stream

_T = TypeVar("_T")


class Store:
    """Made by `open`. All methods are for the event loop's thread; none waits for the disk's writes.

    Whatever is put is written with the next commit, and the reading methods see it after that; only
    cursors and descriptors are known at once. Reading methods raise StoreError when the file cannot
    be read.
    """

    @classmethod
    def open(
        cls,
        directory: Path,
        *,
        group_commit_ms: int = GROUP_COMMIT_MS,
        group_commit_records: int = GROUP_COMMIT_RECORDS,
        vfs: str = "",
        today: Callable[[], int] = no_day,
        limits: Limits = DEFAULT_LIMITS,
        when_full: Mapping[str, WhenFull] = DROP_OLDEST,
    ) -> Store:
        """Open or make the store in the directory, which is made too.

        Raises StoreError if another agent has it, if a newer program wrote it, or if SQLite cannot
        commit durably there. `vfs` names another of SQLite's file layers, for fault tests. `today` gives
        the day of UTC since 1970, or -1 while it is not known; it is called in the writer's thread.
        `limits` and `when_full`, by the name of the stream, say what is done without room.
        """
        if not 0 < group_commit_ms <= GROUP_COMMIT_MOST_MS:
            raise ValueError(f"group_commit_ms: {group_commit_ms} is not within 1 to {GROUP_COMMIT_MOST_MS}")
        try:
            directory.mkdir(mode=0o750, parents=True, exist_ok=True)
            lock = DirectoryLock(directory)
        except OSError as error:
            raise from_os(directory, error) from error
        try:
            renewal = Renewal(directory, STORE_NAME, vfs)
            database = renewal.open_or_begin_anew()
            try:
                reader = Reader(database.path, vfs)
                queue = CommitQueue(window_s=group_commit_ms / 1000, records=group_commit_records)
                quota = Quota(directory, limits, when_full)
                return cls(lock, database, reader, queue=queue, quota=quota, renewal=renewal, today=today)
            except BaseException:
                database.close()
                raise
        except BaseException:
            lock.release()
            raise

    def __init__(
        self,
        lock: DirectoryLock,
        database: Database,
        reader: Reader,
        *,
        queue: CommitQueue,
        quota: Quota,
        renewal: Renewal,
        today: Callable[[], int],
    ) -> None:
        self._lock = lock
        self._database = database
        self._reader = reader
        self._queue = queue
        self._quota = quota
        reserve = Reserve(database.path.parent)
        self._writer = Writer(database, queue, quota, reserve, renewal=renewal, today=today)
        self._started = False
        self._closed = False
        self._damage = Damage(database.path.parent)
        self._descriptors: dict[bytes, bytes] = {}
        self._cursors = SinkCursors(reader, queue)
        self._holds = quota.holds
        self.dead_letters = DeadLetters(reader.dead_letters(), self.put_work)
        self._exchanges_put = 0
        self._upkeep = Upkeep(
            database=database,
            reader=reader,
            queue=queue,
            writer=self._writer,
            quota=quota,
            reserve=reserve,
            today=today,
        )
        self._restoration = Restoration(reader, queue)

    def start(
        self,
        on_committed: OnCommitted,
        on_refused: OnRefused,
        *,
        on_damaged: Callable[[Stored], None] | None = None,
        on_renewed: Callable[[], None] | None = None,
        on_salvaged: Callable[[Result], None] | None = None,
    ) -> None:
        """Begin to commit. The callbacks run in the running event loop, in order.

        `on_committed(arrivals)`: these are on stable storage. `on_refused(arrivals, error)`: these
        are not and will not be by themselves. `on_damaged(stored)`: this row fails its crc, is never
        given out and will be named as a loss; each id once, from within `read_after`.
        `on_renewed()`: the file was damaged and begun anew; what is known of `next_seqs` may be less
        than it was. `on_salvaged(result)`: its records are taken over, all that could be found.
        """

        def renewed() -> None:
            self._descriptors.clear()
            self._cursors.again()
            if on_renewed is not None:
                on_renewed()

        self._damage.on_damaged = on_damaged
        self._started = True
        self._queue.add("surplus exchanges", time_rows.drop_surplus_exchanges)
        self._queue.add("surplus losses", losses.drop_surplus)
        self._restoration.start(renewed, on_salvaged)
        self._writer.start(asyncio.get_running_loop(), on_committed, on_refused, self._restoration.renewed)

    async def close(self) -> None:
        """Commit what is queued, or refuse it; tell of it; let others have the store."""
        if self._closed:
            return
        self._closed = True
        if self._started:
            self._upkeep.count()
        self._restoration.end()
        self._queue.close()
        try:
            if self._started:
                await self._writer.end()
        finally:
            self._reader.close()
            self._database.close()
            self._lock.release()

    async def flush(self) -> None:
        """Wait until everything that is queued now is committed, or refused, and told of.

        Raises StoreError before `start` and after the end.
        """
        waiter = asyncio.get_running_loop().create_future()
        if not self._started or not self._queue.flush(waiter):
            raise StoreError("ended", "the store commits nothing")
        await waiter

    # What is put

    def append(self, arrival: Arrival) -> bool:
        """Queue a record for the next commit.

        False: QUEUE_LIMIT_OCTETS wait already, the store is degraded, or has no room for this stream.
        The record was not taken and nothing will be told of it.
        """
        return self._quota.takes(arrival[2]) and self._queue.append(arrival, QUEUE_LIMIT_OCTETS)

    def put_descriptor(self, hash8: bytes, body: bytes) -> bool:
        """Keep a descriptor. False: too much is queued; the node is asked again at its next HELLO."""
        taken = self._queue.add(f"descriptor {hash8.hex()}", work.put_descriptor(hash8, body))
        if taken:
            self._cache(hash8, body)
        return taken

    def put_exchange(self, kept: KeptExchange) -> None:
        """Keep a TIME exchange; it is dropped when too much is queued, others will come."""
        clock = f"{kept.uid.hex()} {kept.boot} {kept.host_boot}"
        self._queue.add(f"exchange {clock} {kept.exchange.t1_ns}", time_rows.put_exchange(kept))
        self._exchanges_put += 1
        if self._exchanges_put % time_rows.EXCHANGES_DROPPED == 0:
            self._queue.add("surplus exchanges", time_rows.drop_surplus_exchanges)

    def put_host_boot(self, record: HostBootRecord) -> None:
        """Keep what is known of a boot of the host, in place of what was known of it before."""
        self._queue.add(f"host boot {record.number}", time_rows.put_host_boot(record))

    def put_work(self, key: str, work: Work, *, patient: bool = False) -> bool:
        """Have something done in the next commit's transaction, in place of what has the same key.

        For parts of the store with rows of their own. False: too much is queued.
        """
        return self._queue.add(key, work, patient=patient)

    def register_sink(self, sink: str) -> None:
        """From now on records are kept until the sink has delivered them, in later runs too."""
        self._cursors.register(sink)

    def remove_sink(self, sink: str) -> None:
        """Keep nothing for the sink any more. Registered again, it begins with what is still there."""
        self._cursors.remove(sink)

    def move_cursor(self, sink: str, position: int, ranges: Sequence[tuple[int, int]] = ()) -> None:
        """The sink has delivered everything up to this id, and the ranges of ids above it.

        A range is (first id, last id), both delivered; of more than RANGES_LIMIT the lowest are kept,
        so the others may be delivered again after a restart. A cursor never goes back. Durable within
        LAZINESS_S: a page for it in each commit would double what is written. Raises StoreError for a
        sink that is not registered.
        """
        self._cursors.move(sink, position, ranges)

    def rewind(self, sink: str, position: int) -> None:
        """Everything above this id is to be delivered again. Durable within LAZINESS_S."""
        self._cursors.rewind(sink, position)

    def hold(self, sink: str, hold: Hold, why: str = "") -> None:
        """Keep what the sink has delivered a while longer. Known to this run only: say it before `start`."""
        self._holds.put(sink, hold, why)

    def uncertain(self, sink: str) -> Uncertain:
        """What the sink has delivered with a time that may get better."""
        return self._reader.ask(partial(uncertain.of_sink, sink=sink))

    def forget_delivered(self) -> None:
        """Delete what every registered sink has delivered and does not hold, if that is worth a write.

        The newest record stays, and up to FORGET_LEAST others. Without a sink, everything stays.
        Call it every second: it also looks after room, reserve and the size of the file. Raises OSError,
        too.
        """
        self._upkeep.look()
        if self._reader.forgettable(self._holds) >= FORGET_LEAST:
            self._queue.add("forget", self._forget, patient=False)

    def _forget(self, connection: apsw.Connection, ledger: Ledger) -> bool:
        self._damage.mend(connection, ledger)
        return work.forget_delivered(connection, ledger, self._holds)

    # What is committed

    def ask(self, question: Callable[[apsw.Connection], _T]) -> _T:
        """What the committed rows answer. For parts of the store with rows of their own."""
        return self._reader.ask(question)

    def next_seqs(self, uid: bytes) -> dict[tuple[int, int], int]:
        """By (boot, stream) of the node, the seq that comes next. Delivered records count too.

        Raises StoreError as long as it is not known that these records are on stable storage: whoever
        hears of it frees his own.
        """
        self._writer.require_proof()
        return self._reader.next_seqs(uid)

    def next_seq(self, uid: bytes, boot: int, stream: int) -> int | None:
        """The seq that comes next in one stream; None if nothing of it was ever stored. As `next_seqs`."""
        self._writer.require_proof()
        return self._reader.next_seq(uid, boot, stream)

    def read_after(self, cursor: int, limit: int) -> list[Stored]:
        """Up to `limit` records with ids above the cursor, in the order of their ids.

        Empty only when there is none. Ids are ascending, not consecutive: damaged rows are left out.
        """
        if cursor >= self._writer.newest_id:
            return []  # most wakes of a sink end here: the file is not looked at
        try:
            whole, damaged = self._reader.after(cursor, limit)
        except StoreError as error:
            self._restoration.report(error)
            raise
        for stored in damaged:
            self._damage.tell(stored)
        # Before a cursor passes them: else they would be forgotten with what was delivered.
        if damaged and not self._queue.add("damage", self._damage.mend):
            raise StoreError("busy", "too much is queued to mend what is damaged")
        return whole

    def has_descriptor(self, hash8: bytes) -> bool:
        """Whether the descriptor is stored or about to be."""
        return self.descriptor(hash8) is not None

    def descriptor(self, hash8: bytes) -> bytes | None:
        """The descriptor's encoding, or None if it never came."""
        body = self._descriptors.get(hash8)
        if body is None:
            body = self._reader.descriptor(hash8)
            if body is not None:
                self._cache(hash8, body)
        return body

    def descriptor_of(self, uid: bytes, boot: int) -> bytes | None:
        """The encoding of the descriptor that the latest record of this boot of the node refers to."""
        hash8 = self._reader.descriptor_hash_of(uid, boot)
        return self.descriptor(hash8) if hash8 is not None else None

    def cursor(self, sink: str) -> int:
        """Up to which id the sink has delivered: as last moved, or as the last run left it."""
        return self._cursors.position(sink)

    def ranges(self, sink: str) -> list[tuple[int, int]]:
        """The ids above the cursor that the sink has delivered: (first id, last id), ascending."""
        return self._cursors.ranges(sink)

    def last_id(self) -> int:
        """The id of the newest committed record; 0 when nothing was ever stored."""
        return self._reader.first_and_last_id()[1]

    def sinks(self) -> dict[str, int]:
        """The cursors of all registered sinks, also of those that only former runs knew."""
        return self._cursors.positions()

    def waiting_for(self, sink: str) -> int:
        """How many committed records the sink has not delivered."""
        return self._cursors.waiting_for(sink, self._reader)

    def nodes(self) -> list[KnownNode]:
        """Every node of which a record was ever stored, by uid."""
        return self._reader.nodes()

    def exchanges(self) -> list[KeptExchange]:
        """All exchanges that are kept, in the order they happened."""
        return self._reader.exchanges()

    def host_boots(self) -> list[HostBootRecord]:
        """All boots of the host by number."""
        return self._reader.host_boots()

    # How it is

    @property
    def state(self) -> StoreState:
        """Whether records are taken."""
        state = self._writer.health.state
        return StoreState.DEGRADED if state is StoreState.OPEN and self._quota.full else state

    @property
    def detail(self) -> str:
        """Why it is not open; empty if it is."""
        if self._writer.health.detail or self._quota.room is None or not self._quota.full:
            return self._writer.health.detail
        why = f"full: {self._quota.room.limited_by} is reached, and nothing is left that may be dropped"
        return f"{why}; next step: make room (df -h), or change {self._quota.room.limited_by} in [store]"

    @property
    def room_fault(self) -> tuple[str, str] | None:
        """What is done because there is no room, as a stable word, and why; None while there is."""
        return self._quota.fault()

    @property
    def dropped(self) -> dict[str, int]:
        """Records dropped for want of room since the start, by the name of the stream."""
        return dict(self._quota.dropped)

    def usage(self) -> Usage:
        """What is used of the disk, and what was written to it."""
        return self._upkeep.usage()

    @property
    def stored(self) -> int:
        """Records on disk now."""
        return self._reader.count(*self._reader.first_and_last_id())

    @property
    def unsettled(self) -> bool:
        """True while there are records that are neither committed nor refused."""
        return self._queue.octets > 0

    @property
    def counts(self) -> Counts:
        """Commits, records committed and refused, and failures since the start."""
        return self._writer.counts

    @property
    def damaged(self) -> int:
        """Damaged records met since the start."""
        return self._damage.count

    @property
    def salvaging(self) -> bool:
        """Whether records of a damaged store are still being taken over."""
        return self._restoration.salvaging

    @property
    def octets_written(self) -> int:
        """Octets given to the file system since the start; 0 where the kernel does not count them."""
        return self._writer.octets_written() if self._started else 0

    def _cache(self, hash8: bytes, body: bytes) -> None:
        self._descriptors[hash8] = body
        if len(self._descriptors) > DESCRIPTORS_CACHED:
            del self._descriptors[next(iter(self._descriptors))]
