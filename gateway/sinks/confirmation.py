"""End-to-end confirmation: records stay here until every named consumer says that it has them.

What consumers say comes over the sink's own connection; what follows goes to the store, as a hold on
what is delivered, and to the outbox, as an id from which on everything is to be delivered again.
"""

from __future__ import annotations

from enum import StrEnum
from functools import partial
from typing import TYPE_CHECKING, Protocol, TypeVar

from gateway.sinks.consumer import Consumer
from gateway.sinks.marks import MESSAGE_OCTETS, BadMarks, parse
from gateway.sinks.tail import Tail
from gateway.status import ConsumerStatus
from gateway.store import StoreError, consumers
from gateway.store.holds import Hold

if TYPE_CHECKING:
    from collections.abc import Callable

    from gateway.counters import Conditions, Counters
    from gateway.host_clock import Clock
    from gateway.readings import StoredRecord
    from gateway.sink_config import ConfirmationConfig
    from gateway.sinks.inbox import Inbox
    from gateway.store.consumers import Passing
    from gateway.store.ledger import Key
    from gateway.store.work import Work
    from gateway.timeline import Timeline

HEARD_EVERY_S = 1.0  # of what one consumer says in the meantime, only the last counts
KEPT_EVERY_S = 60.0  # marks are written to the store; what a crash costs of them costs repeats
LOOKED_ROWS = 2_048  # of one look; a few milliseconds
FORGOTTEN_WAITING = 64  # names of work in the store's queue, so that none takes another's place
ROW_OCTETS = 96  # of a row, beside its message

_NS_PER_S = 1_000_000_000
_S_PER_HOUR = 3_600
_T = TypeVar("_T")


class ConsumerState(StrEnum):
    """How it is with a consumer; docs/operator.md explains them."""

    UP_TO_DATE = "up_to_date"
    BEHIND = "behind"
    SILENT = "consumer_silent"
    UNREADABLE = "confirmation_unreadable"
    NOT_SUBSCRIBED = "confirmation_not_subscribed"


class ConfirmationStore(Protocol):
    """What is wanted of the store (gateway.store.Store)."""

    def cursor(self, sink: str, /) -> int: ...
    def hold(self, sink: str, hold: Hold, /) -> None: ...
    def ask(self, question: Callable[..., _T], /) -> _T: ...
    def put_work(self, key: str, work: Work, /, *, patient: bool = False) -> bool: ...


class Confirmation:
    """Of one sink. `hear` and `tick` often; `tick` may raise StoreError."""

    def __init__(
        self,
        config: ConfirmationConfig,
        *,
        sink: str,
        gateway: str,
        store: ConfirmationStore,
        timeline: Timeline,
        clock: Clock,
        counters: Counters,
        conditions: Conditions,
        now_s: float,
    ) -> None:
        self._config = config
        self._sink = sink
        self._store = store
        self._timeline = timeline
        self._clock = clock
        self._counters = counters
        self._conditions = conditions
        store.hold(sink, Hold(0, 0))  # until it is known what they have
        try:
            kept = store.ask(partial(consumers.kept, sink=sink))
        except StoreError:  # then they are heard as if for the first time, which costs repeats
            kept = {}
        store.put_work(f"consumers {sink}", consumers.keep_only(sink, config.consumers), patient=True)
        self._consumers = {
            f"fieldgate/{gateway}/confirm/{name}": Consumer(name, kept.get(name), now_s)
            for name in config.consumers
        }
        self._said: dict[str, bytes] = {}  # by topic, the latest
        self._changed: dict[str, dict[Key, int]] = {name: {} for name in config.consumers}
        self._heard_s = self._kept_s = now_s
        self._forgotten = 0
        self._all = 0  # all of them have everything up to this id
        self._tail = Tail(
            limit_ns=config.tail_hours * _S_PER_HOUR * _NS_PER_S, limit_octets=config.tail_mib << 20
        )

    @property
    def topics(self) -> list[str]:
        """Where the consumers speak."""
        return list(self._consumers)

    def hear(self, inbox: Inbox, too_long: int) -> None:
        """What the broker passed on since the last call; so many more messages were too long."""
        subject = f"sink {self._sink} subscription"
        if inbox.subscribed:
            self._conditions.set(subject, ConsumerState.NOT_SUBSCRIBED, inbox.subscribed)
        else:
            self._conditions.clear(subject)
        if too_long:
            self._counters.count("confirmations_refused", too_long)
            detail = f"a message of more than {MESSAGE_OCTETS} octets"
            self._conditions.set(f"sink {self._sink} confirm", ConsumerState.UNREADABLE, detail)
        for topic, octets in inbox.take().items():
            if topic in self._consumers:
                self._said[topic] = octets

    def has(self, stored: StoredRecord) -> bool:
        """Whether every consumer has the record."""
        key, next_seq = (stored.uid, stored.boot, stored.stream), stored.next_seq
        return all(each.has(key, next_seq) for each in self._consumers.values())

    def tick(self, now_s: float) -> int | None:
        """Time has passed. Gives the id above which everything is to be delivered again, if so."""
        if self._said and now_s - self._heard_s >= HEARD_EVERY_S:
            self._heard_s = now_s
            self._take(now_s)
        delivered = self._store.cursor(self._sink)
        again = [self._look(each, delivered, now_s) for each in self._consumers.values()]
        self._hold()
        if now_s - self._kept_s >= KEPT_EVERY_S:
            self.keep(now_s)
        return min((each for each in again if each is not None), default=None)

    def keep(self, now_s: float) -> None:
        """Write down what the consumers have said."""
        self._kept_s = now_s
        for each in self._consumers.values():
            if self._changed[each.name]:
                self._put(each, self._changed[each.name], whole=False)
                self._changed[each.name] = {}

    def status(self, now_s: float) -> tuple[ConsumerStatus, ...]:
        """How far each consumer is."""
        delivered = self._store.cursor(self._sink)
        return tuple(self._status(each, delivered, now_s) for each in self._consumers.values())

    def _take(self, now_s: float) -> None:
        extents = self._store.ask(consumers.extents)
        said, self._said = self._said, {}
        for topic, octets in said.items():
            consumer = self._consumers[topic]
            subject = f"sink {self._sink} confirm {consumer.name}"
            try:
                taken = consumer.take(parse(octets), extents, now_s)
            except BadMarks as error:
                self._counters.count("confirmations_refused")
                self._conditions.set(subject, ConsumerState.UNREADABLE, str(error))
                continue
            self._conditions.clear(subject)
            self._conditions.clear(f"sink {self._sink} confirm")
            self._counters.count("confirmations")
            self._counters.count("confirmation_marks_unknown", taken.unknown)
            self._counters.count("confirmation_marks_ahead", taken.ahead)
            if taken.whole:
                self._changed[consumer.name] = {}
                self._put(consumer, taken.changed, whole=True)
            else:
                self._changed[consumer.name] |= taken.changed

    def _put(self, consumer: Consumer, changed: dict[Key, int], *, whole: bool) -> None:
        work = consumers.keep(self._sink, consumer.name, consumer.epoch or "", changed, whole=whole)
        self._store.put_work(f"consumer {self._sink} {consumer.name} {whole}", work, patient=True)

    def _look(self, consumer: Consumer, delivered: int, now_s: float) -> int | None:
        """Move its position on, and see whether it has to be sent something again."""
        blocked = consumer.blocked
        seen = False
        if blocked is None or consumer.has(blocked.key, blocked.next_seq):
            rows = self._passing(consumer.position, delivered)
            consumer.pass_over(rows, now_s)
            seen = consumer.blocked is not None or len(rows) < LOOKED_ROWS
        elif blocked.id <= delivered:
            seen = True
        self._watch(consumer, now_s)
        if not seen or not consumer.is_due(now_s, self._config.resend_after_s):
            return None
        if consumer.wanted and not self._name_forgotten(consumer):
            return None  # too much waits in the store: the next time
        consumer.replayed(now_s)
        if consumer.blocked is None:
            return None
        self._counters.count("confirmation_replays")
        return consumer.blocked.id - 1

    def _name_forgotten(self, consumer: Consumer) -> bool:
        wanted, consumer.wanted = consumer.wanted, {}
        self._forgotten = (self._forgotten + 1) % FORGOTTEN_WAITING
        work = consumers.name_forgotten(wanted)
        if self._store.put_work(f"forgotten {self._sink} {self._forgotten}", work):
            return True
        consumer.wanted = wanted
        return False

    def _passing(self, after: int, upto: int) -> list[Passing]:
        if after >= upto:
            return []
        return self._store.ask(lambda connection: consumers.passing(connection, after, upto, LOOKED_ROWS))

    def _hold(self) -> None:
        upto = min(each.position for each in self._consumers.values())
        if upto < self._all:  # one of them fell back
            self._all = 0
            self._tail.clear()
        rows = self._passing(self._all, upto)
        host_boot = self._timeline.host_boot
        for row in rows:
            # Of a record of an earlier boot of the host only this much is known: it is older than this one.
            arrived_ns = row.arrived_ns if row.host_boot == host_boot else 0
            self._tail.add(row.id, row.octets + ROW_OCTETS, arrived_ns)
        if rows:
            self._all = rows[-1].id
        if len(rows) < LOOKED_ROWS:
            self._all = upto
        self._store.hold(self._sink, Hold(self._all, self._tail.released(self._clock.boottime_ns())))

    def _watch(self, consumer: Consumer, now_s: float) -> None:
        subject = f"sink {self._sink} consumer {consumer.name}"
        if consumer.silent_s(now_s) <= self._config.silent_after_s:
            self._conditions.clear(subject)
        elif consumer.spoke_s is None:
            self._conditions.set(subject, ConsumerState.SILENT, "it has not said anything since the start")
        else:
            self._conditions.set(subject, ConsumerState.SILENT, "it has records to confirm")

    def _status(self, consumer: Consumer, delivered: int, now_s: float) -> ConsumerStatus:
        blocked = consumer.blocked
        behind = max(0, delivered - consumer.position)
        state = ConsumerState.BEHIND if behind else ConsumerState.UP_TO_DATE
        if consumer.silent_s(now_s) > self._config.silent_after_s:
            state = ConsumerState.SILENT
        behind_s = None
        if behind and blocked is not None and blocked.host_boot == self._timeline.host_boot:
            behind_s = max(0, self._clock.boottime_ns() - blocked.arrived_ns) / _NS_PER_S
        return ConsumerStatus(
            name=consumer.name,
            state=state,
            spoke_ago_s=None if consumer.spoke_s is None else now_s - consumer.spoke_s,
            behind=behind,
            behind_s=behind_s,
        )
