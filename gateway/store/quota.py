"""Keeps the store within its room: what goes, and that it is named."""

from __future__ import annotations

from time import monotonic
from typing import TYPE_CHECKING, NamedTuple

from gateway.store import losses, removals, settling, work
from gateway.store.disk import from_os
from gateway.store.holds import Holds
from gateway.store.policy import Policy, WhenFull
from gateway.store.room import Limits, Room
from gateway.store.small_rows import SINK
from wire import up

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from pathlib import Path

    import apsw

    from gateway.store.ledger import Key, Ledger
    from gateway.store.records import Stored

STREAMS = {2: "bulk", 1: "readings", 0: "events"}  # in the order in which they go
EVENTS = 0
DROPPING = "dropping"  # the condition's states
REFUSING = "refusing"
NEAR = 4  # margins
CALM_S = 60.0  # without a drop, until it is over
GAPS_KNOWN = 4096  # streams whose latest GAP of ours can still be widened

_DELETE = "DELETE FROM record WHERE id = ?"
_NEVER = float("-inf")
_FIRST = "SELECT min(id), max(id) FROM record"


class Run(NamedTuple):
    """Records of one stream that follow each other and go together."""

    seq: int
    next_seq: int
    t_first: int  # us of the node's clock: the first scan of the first of them
    t_end: int  # the last scan of the last
    last: Stored


class Quota:
    """Decides before each commit what must go for it. Used by the writer's thread.

    `room`, `short` and `dropped` may be read by others.
    """

    def __init__(self, directory: Path, limits: Limits, when_full: Mapping[str, WhenFull]) -> None:
        self.limits = limits
        self.holds = Holds()
        self.room: Room | None = None  # not known before the first commit
        self.short = False  # room is being made
        self.dropped = dict.fromkeys(STREAMS.values(), 0)  # records since the start
        self._directory = directory
        self._policies = [
            Policy(stream, when_full.get(name, WhenFull.DROP_OLDEST)) for stream, name in STREAMS.items()
        ]
        self._refusing: frozenset[int] = frozenset()
        self._dropped_s = _NEVER
        self._gaps: dict[Key, tuple[int, Run]] = {}  # our latest GAP of the stream: its id, what it says

    @property
    def near(self) -> bool:
        """Whether room will have to be made soon: then nothing that frees some may wait."""
        return self.room is None or self.room.left_octets < NEAR * self.room.margin_octets

    @property
    def full(self) -> bool:
        """Whether nothing at all is taken now."""
        return self.room is not None and self.room.left_octets <= 0

    def fault(self) -> tuple[str, str] | None:
        """What is done about it, and why; None as long as there is room, and some time after."""
        if self.room is None:
            return None
        why = f"{self.room.limited_by} is reached"
        if monotonic() - self._dropped_s < CALM_S:
            return DROPPING, f"{why}; dropped since the start: {_said(self.dropped)}"
        if self._refusing:
            names = ", ".join(STREAMS[each] for each in STREAMS if each in self._refusing)
            return REFUSING, f"{why}; not taken: {names}"
        return None

    def takes(self, stream: int) -> bool:
        """Whether records of the stream are taken now."""
        return not self.full and stream not in self._refusing

    def measure(self, connection: apsw.Connection) -> Room:
        """Look how much is left. Raises apsw.Error or StoreError."""
        try:
            self.room = Room.of(connection, self._directory, self.limits)
        except OSError as error:
            raise from_os(self._directory, error) from error
        return self.room

    def make_room(self, connection: apsw.Connection, ledger: Ledger) -> bool:
        """Look, and drop a bounded number of records where there is too little; True if more must go."""
        was_near = self.near
        room = self.measure(connection)
        self.short = room.left_octets < room.margin_octets * (2 if self.short else 1)
        if not self.short:
            self._refusing = frozenset()
            return False
        if not was_near:
            return True  # the next commit brings the cursors that wait still
        more = self._forget(connection, ledger) or self._drop_some(connection, ledger)
        self.measure(connection)
        return more

    def _drop_some(self, connection: apsw.Connection, ledger: Ledger) -> bool:
        refusing = set()
        for policy in self._policies:
            if policy.when_full is WhenFull.DROP_NEWEST:
                refusing.add(policy.stream)
                continue
            if policy.stream == EVENTS and refusing and self._margin_for_events():
                break
            found, more = policy.next(connection)
            if self._drop(connection, ledger, found) or more:
                self._refusing = frozenset(refusing)
                return True
        self._refusing = frozenset(refusing)
        return False

    def _margin_for_events(self) -> bool:
        """Half of the margin is theirs where other streams are not taken any more: it stays, else."""
        return self.room is not None and self.room.left_octets > self.room.margin_octets // 2

    def reset(self) -> None:
        """The transaction was rolled back."""
        self._gaps.clear()
        for policy in self._policies:
            policy.reset()

    def _forget(self, connection: apsw.Connection, ledger: Ledger) -> bool:
        """Of what every sink has and none needs, some rows go first: nobody misses them."""
        first, newest = connection.execute(_FIRST).get
        cursors = [(name, cursor) for name, cursor in SINK.rows(connection)]
        limit = self.holds.forgettable(cursors, pressed=True)
        if first is None or limit is None:
            return False
        upto = min(first + work.FORGET_ROWS - 1, newest - 1, limit)
        if upto < first:
            return False
        settling.forget_upto(connection, ledger, upto)
        return True

    def _drop(self, connection: apsw.Connection, ledger: Ledger, records: Sequence[Stored]) -> bool:
        """Take them out, and name them in GAPs behind everything, where no sink has read yet.

        A GAP that stood before one of ours in its stream makes a wider one with it: there is one for
        each stream, and it moves. A sink that had the narrower one gets the wider one, too. False: nothing
        of them was worth it.
        """
        passed = min((cursor for _name, cursor in SINK.rows(connection)), default=0)
        by_stream: dict[Key, list[Stored]] = {}
        for record in records:
            by_stream.setdefault(record[:3], []).append(record)
        gone: list[int] = []
        for key, of_stream in by_stream.items():
            for rows in runs(of_stream):
                run = _run(rows)
                id_, known = self._gaps.get(key, (0, run))
                widens = id_ > passed and run.seq <= known.next_seq and known.seq <= run.next_seq
                alone = len(rows) == 1 and rows[0].kind == up.Gap.TYPE
                if alone and (not widens or rows[0].id == id_):
                    continue  # it would only change its place
                if widens:
                    gone.append(id_)
                    run = _wider(known, run)
                gone += [row.id for row in rows if row.id != id_]
                self._gaps.pop(key, None)  # the latest is the last one
                self._gaps[key] = self._name(connection, ledger, key, run), run
                self.dropped[STREAMS.get(key[2], "bulk")] += sum(row.kind != up.Gap.TYPE for row in rows)
        self._take_out(connection, gone)
        while len(self._gaps) > GAPS_KNOWN:
            del self._gaps[next(iter(self._gaps))]
        if gone:
            self._dropped_s = monotonic()
        return bool(gone)

    @staticmethod
    def _take_out(connection: apsw.Connection, ids: list[int]) -> None:
        oldest = connection.execute(_FIRST).get[0]
        connection.executemany(_DELETE, [(id_,) for id_ in ids])
        removals.add(connection, ids)
        left = connection.execute(_FIRST).get[0]
        if left != oldest:
            removals.forget_upto(connection, left - 1)  # what is missing below is counted no more

    def _name(self, connection: apsw.Connection, ledger: Ledger, key: Key, run: Run) -> int:
        return losses.name_loss(
            connection,
            ledger,
            uid=key[0],
            boot=key[1],
            stream=key[2],
            seq=run.seq,
            next_seq=run.next_seq,
            reason=losses.DROPPED,
            t_first=run.t_first,
            span=max(0, run.t_end - run.t_first),
            descriptor=run.last.descriptor,
            host_boot=run.last.host_boot,
            arrived_ns=run.last.arrived_ns,
        )


def _said(dropped: Mapping[str, int]) -> str:
    return ", ".join(f"{count} {name}" for name, count in dropped.items() if count) or "nothing"


def runs(records: Sequence[Stored]) -> list[list[Stored]]:
    """Records of one stream, those that follow each other together, by seq."""
    found: list[list[Stored]] = []
    for record in sorted(records, key=lambda each: each.seq):
        if found and record.seq <= found[-1][-1].next_seq:
            found[-1].append(record)
        else:
            found.append([record])
    return found


def _run(rows: list[Stored]) -> Run:
    first, last = rows[0], rows[-1]
    return Run(
        first.seq,
        max(row.next_seq for row in rows),
        losses.times_of(first)[0],
        losses.times_of(last)[1],
        last,
    )


def _wider(one: Run, other: Run) -> Run:
    return Run(
        min(one.seq, other.seq),
        max(one.next_seq, other.next_seq),
        min(one.t_first, other.t_first),
        max(one.t_end, other.t_end),
        max(one, other, key=lambda each: each.next_seq).last,
    )
