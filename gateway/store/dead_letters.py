"""Records that a broker refuses for good: kept with the reason, until somebody decides.

All of them are in memory, for they are few; the table is what survives. A letter is put before the
cursor passes its record, so a record is never in neither.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from gateway.store import losses
from gateway.store.records import Stored
from gateway.store.small_rows import DEAD_LETTER
from wire import up

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    import apsw

    from gateway.readings import StoredRecord
    from gateway.store.ledger import Ledger
    from gateway.store.work import Work

    PutWork = Callable[[str, Work], bool]

LETTERS_LIMIT = 1000  # of one sink; with more, something else is wrong than a record
LETTERS_LIMIT_OCTETS = 512 * 1024  # of their messages
REASON_LIMIT = 64

_DELETE = "DELETE FROM dead_letter WHERE id = ?"


class DeadLetter(NamedTuple):
    """One record as it was stored, and why a sink's broker would not have it.

    `record` was its id; `realtime_ns` is UTC of the refusal, None when nobody vouched for the clock.
    """

    id: int
    sink: str
    record: int
    uid: bytes
    boot: int
    stream: int
    seq: int
    next_seq: int
    kind: int
    message: bytes
    descriptor: bytes
    host_boot: int
    arrived_ns: int
    reason_code: int
    reason: str
    realtime_ns: int | None

    @property
    def stored(self) -> Stored:
        """The record, with the letter's id, negative: no record has such an id."""
        return Stored(*self[3:13], -self.id)


class DeadLetters:
    """Of all sinks. For the event loop's thread; changes are durable with the next commit."""

    def __init__(self, letters: Iterable[DeadLetter], put_work: PutWork) -> None:
        self._put_work = put_work
        self._letters = {letter.id: letter for letter in letters}
        self._records = {(letter.sink, letter.record) for letter in self._letters.values()}
        self._wanted: dict[int, None] = {}  # to be sent again, in this order
        self._next_id = max(self._letters, default=0) + 1

    def of(self, sink: str | None = None) -> list[DeadLetter]:
        """Those of one sink, or all, the oldest first."""
        return [each for each in self._letters.values() if sink in (None, each.sink)]

    def get(self, id_: int) -> DeadLetter | None:
        """The letter with this id."""
        return self._letters.get(id_)

    def full(self, sink: str) -> bool:
        """Whether the sink may bury no more."""
        letters = self.of(sink)
        octets = sum(len(letter.message) for letter in letters)
        return len(letters) >= LETTERS_LIMIT or octets >= LETTERS_LIMIT_OCTETS

    def bury(
        self, sink: str, record: StoredRecord, *, reason_code: int, reason: str, realtime_ns: int | None
    ) -> bool:
        """Keep a record. False: there is no room for it now, and it is not kept."""
        if (sink, record.id) in self._records:  # buried, and its cursor was not durable yet
            return True
        if self.full(sink):
            return False
        letter = DeadLetter(
            id=self._next_id,
            sink=sink,
            record=record.id,
            uid=record.uid,
            boot=record.boot,
            stream=record.stream,
            seq=record.seq,
            next_seq=record.next_seq,
            kind=record.kind,
            message=record.message,
            descriptor=record.descriptor,
            host_boot=record.host_boot,
            arrived_ns=record.arrived_ns,
            reason_code=reason_code,
            reason=reason[:REASON_LIMIT],
            realtime_ns=realtime_ns,
        )
        if not self._put(letter):
            return False
        self._next_id += 1
        self._records.add((sink, record.id))
        return True

    def replay(self, ids: Iterable[int]) -> int:
        """Send these again; gives how many of them there are. Those that are refused again stay."""
        known = [id_ for id_ in ids if id_ in self._letters]
        self._wanted.update(dict.fromkeys(known))
        return len(known)

    def wanted(self, sink: str) -> DeadLetter | None:
        """The next letter of the sink to send again, and no more to be asked for."""
        for id_ in self._wanted:
            if self._letters[id_].sink == sink:
                del self._wanted[id_]
                return self._letters[id_]
        return None

    def refused(self, id_: int, *, reason_code: int, reason: str) -> None:
        """It was sent again and refused again: it stays, with the new reason."""
        letter = self._letters.get(id_)
        if letter is not None:
            self._put(letter._replace(reason_code=reason_code, reason=reason[:REASON_LIMIT]))

    def forget(self, ids: Iterable[int]) -> int:
        """These are delivered; gives how many there were.

        What the writer has too much to do for is not forgotten.
        """
        known = [id_ for id_ in ids if id_ in self._letters]
        return sum(self._forget(id_, _deleting(id_)) for id_ in known)

    def discard(self, ids: Iterable[int]) -> int:
        """Somebody who may gives these up: they are named as lost. As `forget` else."""
        known = [letter for id_ in ids if (letter := self._letters.get(id_)) is not None]
        return sum(self._forget(letter.id, _naming(letter)) for letter in known)

    def _put(self, letter: DeadLetter) -> bool:
        def work(connection: apsw.Connection, _ledger: Ledger) -> bool:
            DEAD_LETTER.put(connection, [tuple(letter)])
            return False

        if not self._put_work(f"dead letter {letter.id}", work):
            return False
        self._letters[letter.id] = letter
        return True

    def _forget(self, id_: int, work: Work) -> bool:
        if not self._put_work(f"dead letter {id_}", work):
            return False
        letter = self._letters.pop(id_)
        self._records.discard((letter.sink, letter.record))
        self._wanted.pop(id_, None)
        return True


def _deleting(id_: int) -> Work:
    def work(connection: apsw.Connection, _ledger: Ledger) -> bool:
        connection.execute(_DELETE, (id_,))
        return False

    return work


def _naming(letter: DeadLetter) -> Work:
    """Delete it, and have a GAP in its place, for all sinks: the one that wants to know has no other way."""

    def work(connection: apsw.Connection, ledger: Ledger) -> bool:
        connection.execute(_DELETE, (letter.id,))
        if letter.kind != up.Gap.TYPE:  # what a GAP says is named already
            begins, ends = losses.times_of(letter.stored)
            losses.name_loss(
                connection,
                ledger,
                uid=letter.uid,
                boot=letter.boot,
                stream=letter.stream,
                seq=letter.seq,
                next_seq=letter.next_seq,
                reason=losses.DISCARDED,
                t_first=begins,
                span=ends - begins,
                descriptor=letter.descriptor,
                host_boot=letter.host_boot,
                arrived_ns=letter.arrived_ns,
            )
        return False

    return work
