"""Records that were published with a time that may get better, until it does.

They stay in the store as long as they are here. What was told of each is durable with the cursor that
passes it, so a restart forgets no correction.
"""

from __future__ import annotations

from bisect import bisect_right, insort
from collections import deque
from typing import TYPE_CHECKING, Protocol

from gateway.descriptors import Unreadable
from gateway.host_clock import UNSYNCHRONISED_NS
from gateway.node_clock import RESOLVED, TimeState
from gateway.sinks.lane_rows import RowStore
from gateway.sinks.patience import Told, improvement
from gateway.store import uncertain
from gateway.store.holds import Hold

if TYPE_CHECKING:
    from collections.abc import Mapping

    from gateway.host_clock import Clock
    from gateway.readings import StoredRecord
    from gateway.sinks.judgement import Judgement, Reading
    from gateway.store.work import Work

CORRECTIONS_LIMIT = 16_384  # records; beyond, the oldest are not corrected any more
SPAN_LIMIT = 100_000  # ids from the oldest of them to the newest record: all these stay in the store
CORRECT_FOR_S = 86_400  # after that the time that was told stays as it is; a restart counts anew
LOOK_EVERY_S = 2.0
LOOK_ROWS = 256  # of one look; a few milliseconds

_WHY = "corrections"
_FAR = 1 << 62
_NS_PER_S = 1_000_000_000


class CorrectionStore(RowStore, Protocol):
    """What is wanted of the store (gateway.store.Store)."""

    def hold(self, sink: str, hold: Hold, /, why: str = "") -> None: ...
    def uncertain(self, sink: str, /) -> Mapping[int, tuple[str, int]]: ...
    def put_work(self, key: str, work: Work, /, *, patient: bool = False) -> bool: ...


class Corrections:
    """Of one sink. Looks through its records again and again, a few at a time."""

    def __init__(self, sink: str, store: CorrectionStore, judgement: Judgement, clock: Clock) -> None:
        self._sink = sink
        self._store = store
        self._judgement = judgement
        self._clock = clock
        self._told: dict[int, tuple[Told, int]] = {}  # by record id; and since when
        self._ids: list[int] = []  # in order
        self._changes: dict[int, tuple[str, int] | None] = {}  # that the store does not know yet
        self._works = 0
        self._due: deque[tuple[StoredRecord, Reading]] = deque()
        self._pending: set[int] = set()  # due, or on their way
        self._looked = 0  # up to this id, in this round
        self._look_ns = 0
        now_ns = clock.boottime_ns()
        for id_, (state, ns) in store.uncertain(sink).items():
            self._told[id_] = Told(TimeState(state), ns), now_ns
            self._ids.append(id_)
        self._hold()

    def __len__(self) -> int:
        """How many records may still be corrected."""
        return len(self._ids)

    @property
    def changed(self) -> bool:
        """Whether there is something to keep."""
        return bool(self._changes)

    def delivered(self, id_: int, told: Told | None) -> None:
        """The broker has the record with this time; None: a time that cannot get better."""
        self._pending.discard(id_)
        if told is None:
            if id_ in self._told:
                self._forget(id_)
            return
        if id_ not in self._told:
            insort(self._ids, id_)
        self._told[id_] = told, self._clock.boottime_ns()
        self._changes[id_] = told.state.value, told.uncertainty_ns

    def next(self) -> tuple[StoredRecord, Reading] | None:
        """The next record to publish again, now on its way; None when there is none."""
        while self._due:
            row, reading = self._due.popleft()
            if row.id in self._told:
                return row, reading
            self._pending.discard(row.id)
        return None

    def refused(self, id_: int, *, for_good: bool) -> None:
        """The broker did not take it: it is looked at again in the next round, unless it is `for_good`."""
        self._pending.discard(id_)
        if for_good and id_ in self._told:
            self._forget(id_)

    def connection_lost(self) -> None:
        """Nothing is on its way any more."""
        self._due.clear()
        self._pending.clear()

    def tick(self) -> None:
        """Call often: gives up what is too old or too much, and looks at some of the others."""
        now_ns = self._clock.boottime_ns()
        if not self._ids or now_ns < self._look_ns or self._due:
            return
        self._give_up(now_ns)
        if not self._look():
            self._look_ns = now_ns + int(LOOK_EVERY_S * _NS_PER_S)

    def keep(self) -> bool:
        """Have the changes written; before the cursor moves. False: not now, the writer has too much."""
        if self._changes:
            self._works += 1  # a name of its own: work with the same name would be replaced
            work = uncertain.change(self._sink, self._changes)
            if not self._store.put_work(f"uncertain {self._sink} {self._works}", work, patient=True):
                return False
            self._changes = {}
            self._hold()
        return True

    def _look(self) -> bool:
        """True if a record was found that is known better now."""
        at = bisect_right(self._ids, self._looked)
        if at == len(self._ids):
            at = self._looked = 0
        if not self._ids:
            return False
        rows = self._store.read_after(self._ids[at] - 1, LOOK_ROWS)
        upto = rows[-1].id if rows else self._ids[-1]
        gone = set(self._ids[at : bisect_right(self._ids, upto)])
        for row in rows:
            if row.id in gone:
                gone.discard(row.id)
                self._judge(row)
        for id_ in gone:  # dropped for want of room, or damaged
            self._forget(id_)
        self._looked = upto
        return bool(self._due)

    def _judge(self, row: StoredRecord) -> None:
        if row.id in self._pending:
            return
        reading = self._judgement.now(row)
        if not isinstance(reading, Unreadable) and improvement(self._told[row.id][0], reading).worth_telling:
            self._due.append((row, reading))
            self._pending.add(row.id)

    def _give_up(self, now_ns: int) -> None:
        newest = self._store.last_id()
        while self._ids:
            id_ = self._ids[0]
            too_many = len(self._ids) > CORRECTIONS_LIMIT or newest - id_ >= SPAN_LIMIT
            if not too_many and now_ns - self._told[id_][1] < CORRECT_FOR_S * _NS_PER_S:
                return
            self._forget(id_)

    def _forget(self, id_: int) -> None:
        del self._told[id_]
        del self._ids[bisect_right(self._ids, id_) - 1]
        self._changes[id_] = None

    def _hold(self) -> None:
        self._store.hold(self._sink, Hold(_FAR, self._ids[0] - 1 if self._ids else _FAR), _WHY)


def told_of(reading: Reading) -> Told | None:
    """What a message says of its time, if that may get better."""
    if isinstance(reading, Unreadable):
        return Told(TimeState.UNKNOWN, UNSYNCHRONISED_NS) if reading.reason == "impossible_time" else None
    if reading.state is RESOLVED:
        return None
    return Told(reading.state, reading.uncertainty_ns)
