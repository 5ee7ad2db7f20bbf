"""The records that a sink has still to deliver: what goes next, and what has become of it."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from collections.abc import Set as AbstractSet
from typing import Protocol

from gateway.descriptors import DescriptorStore
from gateway.host_clock import Clock
from gateway.readings import StoredRecord
from gateway.sinks.corrections import Corrections, CorrectionStore
from gateway.sinks.cursor import Cursor
from gateway.sinks.judgement import Judgement
from gateway.sinks.lane import Lane
from gateway.sinks.lane_rows import BacklogRows, LiveRows
from gateway.sinks.patience import Patience, Told
from gateway.sinks.way import BACKLOG, CORRECTION, LIVE, REPLAY, Due, Way
from gateway.store.dead_letters import DeadLetters
from gateway.timeline import Timeline

BACKFILL_AFTER_S = 60.0
RANGES_LIMIT = 64  # of delivered ids above the cursor, that the store keeps for a sink
FRAGMENTS_LIMIT = 50_000  # of these in memory; they are as many only if one node's records are held for long

_NOTHING: frozenset[int] = frozenset()


class OutboxStore(DescriptorStore, CorrectionStore, Protocol):
    """What a sink wants of the store (gateway.store.Store)."""

    @property
    def dead_letters(self) -> DeadLetters:
        """What brokers refuse for good."""
        ...

    def register_sink(self, sink: str, /) -> None:
        """From now on records are kept until this sink has passed them."""
        ...

    def cursor(self, sink: str, /) -> int:
        """Up to which id the sink has delivered everything."""
        ...

    def ranges(self, sink: str, /) -> Sequence[tuple[int, int]]:
        """What it has delivered above that: first and last ids."""
        ...

    def move_cursor(self, sink: str, id_: int, ranges: Sequence[tuple[int, int]], /) -> None:
        """Durable with the next commit. At most RANGES_LIMIT ranges."""
        ...

    def rewind(self, sink: str, position: int, /) -> None:
        """Everything above this id is to be delivered again. Durable with the next commit."""
        ...

    def waiting_for(self, sink: str, /) -> int:
        """How many rows the sink has not delivered."""
        ...


class Outbox:
    """Two lanes through the store: what is new goes at once, what is older beside it.

    Call `begin` for each connection. Order holds within a lane, for the records of one node.
    """

    def __init__(
        self,
        sink: str,
        store: OutboxStore,
        timeline: Timeline,
        patience: Patience,
        clock: Clock,
        *,
        backfill_after_s: float = BACKFILL_AFTER_S,
    ) -> None:
        self._sink = sink
        self._clock = clock
        self._store = store
        self._cursor = Cursor(store.cursor(sink), store.ranges(sink))
        self._kept = (self._cursor.position, self._cursor.largest(RANGES_LIMIT))  # as the store knows it
        self._changed = False
        self._flying: set[int] = set()
        self._letters = store.dead_letters
        self._replayed: set[int] = set()  # letters on their way
        judgement = self._judgement = Judgement(store, timeline, patience)
        self._corrections = Corrections(sink, store, judgement, clock)
        self._live_rows = LiveRows(store, self._cursor, timeline, clock, backfill_after_s)
        self._old_rows = BacklogRows(store, self._cursor, self._live_rows)
        self._live = Lane(self._live_rows, self._cursor, self._flying, judgement)
        self._old = Lane(self._old_rows, self._cursor, self._flying, judgement)

    @property
    def held(self) -> int:
        """How many records wait for their time."""
        return self._live.held + self._old.held

    @property
    def backlog(self) -> int:
        """How many ids are below the live edge and not delivered."""
        return self._cursor.open_up_to(self._live_rows.edge)

    def begin(self) -> None:
        """A connection is open."""
        self._live_rows.begin()
        self._old_rows.begin()

    def live(self, resting: AbstractSet[int] = _NOTHING, *, another: bool = False) -> Due | None:
        """The next new record, now on its way; None when there is none. Arguments as of Lane.next."""
        if len(self._cursor) >= FRAGMENTS_LIMIT:  # until the other lane has filled some of the holes
            self._leave_behind()
            return None
        edge = self._live_rows.edge
        found = self._live.next(resting, another=another)
        if self._live_rows.edge != edge:
            self._live.clear()
        elif self._live.full:
            self._leave_behind()
        if found is None:
            return None
        self._flying.add(found[0].id)
        return Due(*found, LIVE)

    def older(self, resting: AbstractSet[int] = _NOTHING, *, another: bool = False) -> Due | None:
        """The next older record, now on its way; None when there is none.

        Dead letters that somebody wants sent again go first, corrections last.
        """
        letter = self._letters.wanted(self._sink)
        if letter is not None:
            self._replayed.add(letter.id)
            return Due(letter.stored, self._judgement.now(letter.stored), REPLAY)
        found = self._old.next(resting, another=another)
        if found is not None:
            self._flying.add(found[0].id)
            return Due(*found, BACKLOG)
        correction = self._corrections.next()
        return None if correction is None else Due(*correction, CORRECTION)

    def tick(self) -> None:
        """Call often: time has passed, and some times are known better."""
        self._live_rows.look()
        self._live.release()
        self._old.release()
        self._corrections.tick()
        self._changed = self._changed or self._corrections.changed
        if any(map(self._live_rows.is_late, self._live.oldest_kept())):
            self._leave_behind()
        self._changed = self._changed or self._cursor.position > self._kept[0]  # over what was left out

    def confirmed(self, stored: StoredRecord, way: Way = LIVE, told: Told | None = None) -> None:
        """The broker has the record. `told`: what the message said of its time, if that may get better."""
        id_ = stored.id
        if way is REPLAY:
            self._replayed.discard(-id_)
            self._letters.forget([-id_])
            return
        if told is not None or way is CORRECTION:
            self._corrections.delivered(id_, told)
            self._changed = True
        if way is CORRECTION:
            return
        self._flying.discard(id_)
        self._cursor.add(id_, id_)
        self._changed = True

    def refused(self, stored: StoredRecord) -> None:
        """The broker does not want the record now: it comes again, on the lane that it is on by now."""
        self._flying.discard(stored.id)
        lane = self._live if stored.id > self._live_rows.edge else self._old
        lane.refused(stored)

    def bury(self, stored: StoredRecord, *, reason_code: int, reason: str) -> bool:
        """The broker will never take the record: it is kept as a dead letter. False: it cannot be kept."""
        reading = self._clock.reading()
        realtime_ns = reading.realtime_ns if reading.synchronised else None
        if not self._letters.bury(
            self._sink, stored, reason_code=reason_code, reason=reason, realtime_ns=realtime_ns
        ):
            return False
        self.confirmed(stored)  # as far as the cursor goes
        return True

    def replay_refused(self, stored: StoredRecord, *, reason_code: int, reason: str) -> None:
        """A dead letter was refused again."""
        self._replayed.discard(-stored.id)
        self._letters.refused(-stored.id, reason_code=reason_code, reason=reason)

    def correction_refused(self, stored: StoredRecord, *, for_good: bool) -> None:
        """The broker did not take a correction: it has the record, with the worse time."""
        self._corrections.refused(stored.id, for_good=for_good)

    def connection_lost(self) -> None:
        """Nobody knows what became of the records on their way: they are sent again."""
        self._corrections.connection_lost()
        self._letters.replay(self._replayed)
        self._replayed.clear()
        self._flying.clear()
        self._live.clear()
        self._old.clear()

    def again(self, after: int, has: Callable[[StoredRecord], bool]) -> None:
        """Everything above this id that is stored now is backlog, whether it was delivered or not.

        What it `has` then, when its turn comes, counts as delivered.
        """
        self._cursor.rewind(after)
        self._live.clear()
        self._old.clear()
        self._live_rows.restart()
        self._old_rows.begin()
        self._old.leave_out(self._live_rows.edge, has)
        self._store.rewind(self._sink, self._cursor.position)
        self._kept = (self._cursor.position, [])

    def keep(self) -> None:
        """Tell the store what is delivered."""
        if not self._changed or not self._corrections.keep():
            return
        self._changed = False
        delivered = (self._cursor.position, self._cursor.largest(RANGES_LIMIT))
        if delivered != self._kept:
            self._kept = delivered
            self._store.move_cursor(self._sink, *delivered)

    def _leave_behind(self) -> None:
        self._live_rows.leave_behind()
        self._live.clear()
