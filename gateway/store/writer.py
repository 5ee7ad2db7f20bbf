"""The thread that commits."""

from __future__ import annotations

import logging
import threading
from contextlib import suppress
from pathlib import Path
from time import monotonic
from typing import TYPE_CHECKING

import apsw

from gateway.store.commit_queue import Batch
from gateway.store.disk import refined
from gateway.store.errors import StoreError, from_sqlite
from gateway.store.health import Counts, Health, StoreState
from gateway.store.ledger import Ledger, Refused, no_day
from gateway.store.work import nothing

if TYPE_CHECKING:
    import asyncio
    from collections.abc import Callable

    from gateway.store.commit_queue import CommitQueue
    from gateway.store.database import Database
    from gateway.store.quota import Quota
    from gateway.store.rebuild import Renewal
    from gateway.store.records import Arrival
    from gateway.store.reserve import Reserve
    from gateway.store.work import Work

    OnCommitted = Callable[[list[Arrival]], None]
    _Written = tuple[dict[str, Work], list[Arrival], list[Refused]]
    OnRefused = Callable[[list[Arrival], StoreError], None]

log = logging.getLogger(__name__)

RETRY_FIRST_S = 0.1
RETRY_MOST_S = 10.0
ROW_OCTETS = 64  # of a record in the file, beside its message
RENEW_EVERY_S = 10.0  # a disk that damages everything is not to be filled with damaged stores


class Writer:
    """Commits the queue's batches, and tells the event loop of each, in order, with one call."""

    def __init__(
        self,
        database: Database,
        queue: CommitQueue,
        quota: Quota,
        reserve: Reserve,
        *,
        renewal: Renewal,
        today: Callable[[], int] = no_day,
    ) -> None:
        self.health = Health(state=StoreState.OPEN)
        self.counts = Counts()
        self._database = database
        self._queue = queue
        self._quota = quota
        self._reserve = reserve
        self._ledger = Ledger(database.connection, today)
        self._ledger.committed()
        self._thread = threading.Thread(target=self._run, name="store writer", daemon=True)
        self._fault = StoreError("busy", "the store has not begun")
        self._sound = False  # all that was ever committed is known to be on stable storage
        self._proven = False  # it was, at least once: what can be read is on stable storage
        self._stop = 0  # the queue's latest
        self._retry_s = RETRY_FIRST_S
        self._renewal = renewal
        self._damaged: StoreError | None = None
        self._renew_s = 0.0  # not before this moment

    def start(
        self,
        loop: asyncio.AbstractEventLoop,
        on_committed: OnCommitted,
        on_refused: OnRefused,
        on_renewed: Callable[[], None],
    ) -> None:
        """Begin to commit. The callbacks run in `loop`. `on_renewed`: there is a new, nearly empty file."""
        self._loop = loop
        self._on_renewed = on_renewed
        self._on_committed = on_committed
        self._on_refused = on_refused
        self._ended: asyncio.Future[None] = loop.create_future()
        self._thread.start()

    @property
    def newest_id(self) -> int:
        """No committed record has an id above this."""
        return self._ledger.committed_id

    def require_proof(self) -> None:
        """Raise StoreError until everything that can be read is known to be on stable storage.

        A former process may have left what it could not sync; what this one could not is never read.
        """
        if not self._proven:
            raise StoreError(self._fault.reason, f"not known to be on the disk yet: {self._fault}")

    async def end(self) -> None:
        """Commit what is queued, or refuse it, and end the thread. The queue is closed already."""
        await self._ended
        self._thread.join()

    def octets_written(self) -> int:
        """Octets handed to the kernel since the thread began, WAL and checkpoints; 0 if unknown."""
        try:
            io = Path(f"/proc/self/task/{self._thread.native_id}/io").read_text(encoding="ascii")
        except OSError:
            return 0
        return int(io.partition("wchar:")[2].split(maxsplit=1)[0])

    def _run(self) -> None:
        try:
            while not self._queue.closed:
                self._step()
            if self._sound or self._recovered():
                self._commit(self._queue.take_now())
        except Exception as mistake:
            log.critical("a mistake in the store's writer", exc_info=True)
            self.health = Health(state=StoreState.FAILED, detail=repr(mistake))
        else:
            self.health = Health(state=StoreState.CLOSED)
        self._queue.close()
        self._refuse(self._queue.take_now(), StoreError("ended", "the store has ended"))
        self._call(self._ended.set_result, None)

    def _step(self) -> None:
        if self._sound:
            self._commit(self._queue.take(lambda: self._quota.near))
        elif not self._recovered():
            self._back_off()

    def _back_off(self) -> None:
        self._queue.pause(self._retry_s)
        self._retry_s = min(self._retry_s * 2, RETRY_MOST_S)
        if not self._queue.closed:
            self._refuse_queued(self._fault)

    def _recovered(self) -> bool:
        try:
            if self._damaged is not None:
                self._renew(self._damaged)
            self._database.recover()
            self._ledger.reset()
            self._ledger.committed()  # more may be stored than was known to be: whoever reads asks this
        except (apsw.Error, StoreError) as cause:
            self._degrade(cause if isinstance(cause, StoreError) else from_sqlite("recovery", cause))
            return False
        self._sound = True
        self._proven = True
        self._resume()
        if self.health.state != StoreState.OPEN:
            log.info("store: takes records again")
            self.health = Health(state=StoreState.OPEN)
        return True

    def _renew(self, why: StoreError) -> None:
        """Put a new store in place of the damaged one."""
        now_s = monotonic()
        if now_s < self._renew_s:
            raise StoreError(
                why.reason, f"damaged again, the next begins in {self._renew_s - now_s:.0f} s: {why}"
            )
        self._renew_s = now_s + RENEW_EVERY_S
        self._database.close(damaged=True)
        self._renewal.set_aside(why)
        self._database.take_over(self._renewal.open())
        self._damaged = None
        self._ledger.begin_anew(self._database.connection)
        self._quota.reset()
        self._call(self._on_renewed)

    def _degrade(self, cause: StoreError) -> None:
        error = refined(cause, self._database.path.parent)
        if error.reason == "corrupt" and self._damaged is None:
            self._damaged = error
        self._sound = False
        if error.reason == "full" and self._reserve.give_up():
            log.warning("store: the disk is full; the reserve is given up")
        self._fault = error
        self._stop = self._queue.stop()
        if self.health.state != StoreState.DEGRADED:
            log.warning("store: degraded, nothing is acknowledged: %s", error)
        self.health = Health(state=StoreState.DEGRADED, detail=f"{error.reason}: {error}")
        self.counts.failures += 1  # last: who sees it sees the state, too

    def _commit(self, batch: Batch) -> None:
        try:
            again, taken, refused = self._write(batch.arrivals, batch.work)
        except (apsw.Error, StoreError) as cause:
            error = cause if isinstance(cause, StoreError) else from_sqlite("commit", cause)
            self._degrade(error)
            self._undo(batch, error)
            self._back_off()
            return
        except Exception as mistake:
            self.health = Health(state=StoreState.FAILED, detail=repr(mistake))
            self._refuse(batch, StoreError("ended", f"the store's writer failed: {mistake!r}"))
            raise
        self._retry_s = RETRY_FIRST_S
        self._ledger.committed()
        self._queue.give_back(again)
        self.counts.commits += bool(batch.arrivals or batch.work)
        self.counts.committed += len(taken)
        self.counts.octets += sum(len(each[6]) + ROW_OCTETS for each in taken)
        self._queue.done(batch.octets)
        if taken:
            self._call(self._on_committed, taken)
        for each in refused:
            self._refuse_stream(each)
        if batch.waiters:
            self._call(_wake, batch.waiters)
        try:
            self._database.checkpoint_if_due()
        except apsw.Error as sqlite_error:
            self._degrade(from_sqlite("checkpoint", sqlite_error))

    def _refuse_stream(self, refused: Refused) -> None:
        """Nothing is wrong with the disk, nor with other streams.

        In the event loop the stream is taken again behind the refusal: of a stream that is new here
        the store takes any seq, and one that follows a refused record must not become its first.
        """
        streams = {refused.arrivals[0][:3]}
        arrivals = refused.arrivals + self._queue.block(streams)
        self.counts.refused += len(arrivals)

        def tell() -> None:
            try:
                self._on_refused(arrivals, refused.error)
            finally:
                self._queue.unblock(streams)

        self._call(tell)

    def _undo(self, batch: Batch, error: StoreError) -> None:
        """Refuse the batch, and all that came behind it: the queue takes no records by now."""
        self._ledger.reset()
        self._quota.reset()
        self._queue.give_back(batch.work)
        later = self._queue.take_now()
        self._queue.give_back(later.work)
        both = Batch(
            arrivals=batch.arrivals + later.arrivals,
            work={},
            octets=later.octets,  # of both
            waiters=batch.waiters + later.waiters,
        )
        self._refuse(both, error)

    def _refuse_queued(self, error: StoreError) -> None:
        batch = self._queue.take_now()
        self._queue.give_back(batch.work)
        self._refuse(batch, error)

    def _resume(self) -> None:
        # In the event loop, behind all that tells it of refusals: of a stream that is new here the
        # store takes any seq, and one that follows a refused record must not become its first.
        self._call(self._queue.resume, self._stop)

    def _write(self, arrivals: list[Arrival], work: dict[str, Work]) -> _Written:
        """Everything in one transaction. Gives the work that is not finished, and what is (not) stored."""
        if not arrivals and not work:
            return {}, [], []
        with self._database.transaction() as connection:
            taken, refused = self._ledger.add(arrivals) if arrivals else (arrivals, [])
            again = {key: each for key, each in work.items() if each(connection, self._ledger)}
            if self._quota.make_room(connection, self._ledger):  # last: the cursors are known then
                again["room"] = nothing
            return again, taken, refused

    def _refuse(self, batch: Batch, error: StoreError) -> None:
        """Of a batch that failed; `_recovered` resumes."""
        self.counts.refused += len(batch.arrivals)
        self._queue.done(batch.octets)
        if batch.arrivals:
            self._call(self._on_refused, batch.arrivals, error)
        if batch.waiters:
            self._call(_wake, batch.waiters)

    def _call(self, callback: Callable[..., None], *arguments: object) -> None:
        with suppress(RuntimeError):  # the loop is closed: nobody is left to tell
            self._loop.call_soon_threadsafe(callback, *arguments)


def _wake(waiters: list[asyncio.Future[None]]) -> None:
    for waiter in waiters:
        if not waiter.done():
            waiter.set_result(None)
