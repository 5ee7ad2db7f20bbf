"""One consumer behind a broker: how far it is, and what it has to be sent again."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from gateway.sinks.marks import Marks
    from gateway.store.consumers import Extent, Kept, Passing
    from gateway.store.ledger import Key

REPLAY_EVERY_S = 5.0  # a consumer that wants everything all the time is not given it all the time
RESEND_MOST_S = 86_400.0
DOUBLINGS = 20  # more than RESEND_MOST_S ever takes


class Taken(NamedTuple):
    """What a message of the consumer came to."""

    changed: dict[Key, int]
    whole: bool  # `changed` is everything: a new epoch
    unknown: int  # marks of streams that were never stored here
    ahead: int  # marks beyond what was stored here


class Consumer:
    """Of one sink. Times are of a monotonic clock; ids are those of the store's records."""

    def __init__(self, name: str, kept: Kept | None, now_s: float) -> None:
        self.name = name
        self.epoch = None if kept is None else kept.epoch
        self.position = 0  # it has everything up to this id that is still kept
        self.blocked: Passing | None = None  # the first that it does not have
        self.spoke_s: float | None = None
        self.wanted: dict[Key, int] = {}  # from these seqs on it lacks what may not be kept any more
        self._next_seqs: dict[Key, int] = {} if kept is None else dict(kept.next_seqs)
        self._began_s = now_s
        self._blocked_s = now_s
        self._resent = (0, 0)  # id that it was resent for, how often
        self._replay_due = False
        self._replayed_s = -REPLAY_EVERY_S + now_s

    def has(self, key: Key, next_seq: int) -> bool:
        """Whether it has a record of this stream that ends before `next_seq`."""
        return next_seq <= self._next_seqs.get(key, 0)

    def take(self, marks: Marks, extents: Mapping[Key, Extent], now_s: float) -> Taken:
        """It says how far it is. `extents` are those of all streams that were ever stored.

        In the same epoch a stream that it does not mention has not changed. In a new one it has nothing
        of it.
        """
        self.spoke_s = now_s
        anew = marks.epoch != self.epoch
        old = self._next_seqs
        known = {key: seq for key, seq in marks.next_seqs.items() if key in extents}
        new = {key: min(seq, extents[key].next_seq) for key, seq in known.items()}
        if anew:
            for key, extent in extents.items():  # what is still kept of a stream that it does not mention
                if extent.settled_seq < extent.next_seq:
                    new.setdefault(key, 0)
        fallen = {key: seq for key, seq in new.items() if seq < old.get(key, 0)}
        for key, seq in new.items():
            lacking = anew or key in fallen or key not in old
            if lacking and seq < extents[key].settled_seq:
                self.wanted[key] = min(seq, self.wanted.get(key, seq))
        changed = new if anew else {key: seq for key, seq in new.items() if old.get(key) != seq}
        self._next_seqs = dict(new) if anew else {**old, **new}
        self.epoch = marks.epoch
        if fallen:
            self.begin_anew()
        self._replay_due = self._replay_due or anew or bool(fallen)
        return Taken(
            changed,
            anew,
            unknown=len(marks.next_seqs) - len(known),
            ahead=sum(seq > extents[key].next_seq for key, seq in known.items()),
        )

    def begin_anew(self) -> None:
        """Look through everything from the lowest id on."""
        self.position = 0
        self.blocked = None

    def pass_over(self, rows: Iterable[Passing], now_s: float) -> None:
        """Rows that follow the position, in their order: it moves up to the first one that is not passed."""
        for row in rows:
            if not self.has(row.key, row.next_seq):
                if self.blocked is None or self.blocked.id != row.id:
                    self._blocked_s = now_s
                self.blocked = row
                return
            self.position = row.id
            self.blocked = None

    def is_due(self, now_s: float, resend_after_s: float) -> bool:
        """Whether all from the position on is to be sent again; `replayed` says that it will be.

        To be asked when it is known what follows the position.
        """
        if now_s - self._replayed_s < min(REPLAY_EVERY_S, resend_after_s):
            return False
        return self._replay_due or self._is_stalled(resend_after_s)

    def replayed(self, now_s: float) -> None:
        """What it lacks is sent again. The same once more only after twice the time."""
        if self.blocked is not None:
            if not self._replay_due:
                self._resent = self.blocked.id, self._times() + 1
            self._replayed_s = self._blocked_s = now_s
        self._replay_due = False

    def silent_s(self, now_s: float) -> float:
        """For how long it has said nothing though it has something to confirm."""
        if self.blocked is None:
            return 0.0
        return now_s - max(self._blocked_s, self._began_s if self.spoke_s is None else self.spoke_s)

    def _is_stalled(self, resend_after_s: float) -> bool:
        """It has spoken late enough after a record was there for it, and does not have it."""
        if self.blocked is None or self.spoke_s is None:
            return False
        after_s = min(RESEND_MOST_S, resend_after_s * float(1 << min(self._times(), DOUBLINGS)))
        return self.spoke_s - self._blocked_s >= after_s

    def _times(self) -> int:
        id_, times = self._resent
        return times if self.blocked is not None and id_ == self.blocked.id else 0
