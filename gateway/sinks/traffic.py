"""When a record goes: the window shared by two lanes, the backlog's pace, pauses after refusals."""

from __future__ import annotations

from collections.abc import Iterator
from enum import Enum
from random import Random

from gateway.sinks.backoff import Backoff
from gateway.sinks.corrections import told_of
from gateway.sinks.hold import Hold
from gateway.sinks.outbox import Outbox
from gateway.sinks.pace import Pace
from gateway.sinks.suspects import FOR_GOOD, Suspects, Verdict
from gateway.sinks.way import CORRECTION, LIVE, REPLAY, Due
from gateway.sinks.window import Flight, Window

REFUSED_FIRST_S = 0.5
REFUSED_MOST_S = 10.0  # one small publish each: a subscriber that comes is not kept waiting


class Refusal(Enum):
    """What comes of a refusal."""

    PAUSES = "pauses"  # the lane does
    WAITS = "waits"  # the record does
    BURIED = "buried"  # the record is a dead letter


class Traffic:
    """Of one sink, over all its connections. Times are of a monotonic clock."""

    def __init__(self, outbox: Outbox, random: Random, *, backfill_per_s: float = 0.0) -> None:
        self.window = Window()
        self.pace = Pace(random, backfill_per_s)
        refusing = Backoff(REFUSED_FIRST_S, REFUSED_MOST_S, random)
        self.suspects = Suspects(refusing)
        self._outbox = outbox
        self._live_hold = Hold(refusing.fresh())
        self._old_hold = Hold(refusing.fresh())

    @property
    def refused(self) -> bool:
        """True while the broker has taken nothing of one lane since it refused a record of it."""
        return bool(self._live_hold) or bool(self._old_hold)

    @property
    def backlog_per_s(self) -> float:
        """How many older records the broker takes in a second, of late."""
        return self.pace.shown_per_s

    def open(self, limit: int, now_s: float) -> None:
        """A new connection that takes `limit` publishes at once."""
        self.window.open(limit)
        self.pace.begin(now_s)
        self._live_hold.reset()
        self._old_hold.reset()
        self._outbox.begin()

    def close(self) -> None:
        """The connection is gone."""
        self.window.close()
        self.pace.end()
        self._outbox.connection_lost()

    def due(self, now_s: float) -> Iterator[Due]:
        """What is to be sent now; tell `sent` of each before the next is taken."""
        window, hold = self.window, self._live_hold
        resting = self.suspects.resting(now_s) if self.suspects else frozenset()
        live = min(window.limit - len(window), hold.room(now_s, window.limit, window.live))
        for _ in range(live):
            due = self._outbox.live(resting, another=hold.another)
            if due is None:
                break
            yield due
        hold = self._old_hold
        old = min(
            window.limit - len(window),
            hold.room(now_s, window.limit_of_old, window.old),
            self.pace.room(now_s),
        )
        for _ in range(old):
            due = self._outbox.older(resting, another=hold.another)
            if due is None:
                break
            self.pace.sent()
            yield due

    def sent(self, packet_id: int, due: Due | None, topic: str, now_s: float) -> None:
        """It went under this packet id; no record: the gateway's own state."""
        if due is None:
            self.window.sent(packet_id, Flight(None, LIVE, topic, now_s))
        else:
            self.window.sent(packet_id, Flight(due.stored, due.way, topic, now_s, told_of(due.reading)))

    def taken(self, flight: Flight, now_s: float) -> None:
        """The broker took a record."""
        if flight.stored is None:
            return
        if self.suspects:
            self.suspects.taken(flight.stored.id, flight.topic, now_s)
        if flight.way is LIVE:
            self._live_hold.taken(flight.sent_s)
        else:
            self._old_hold.taken(flight.sent_s)
            self.pace.answered(now_s - flight.sent_s)
        self._outbox.confirmed(flight.stored, flight.way, flight.told)

    def refuse(self, flight: Flight, reason_code: int, reason: str, now_s: float) -> Refusal:
        """The broker refused a record. Says what is done about it."""
        stored, old = flight.stored, flight.way is not LIVE
        if stored is None:
            return Refusal.WAITS
        if flight.way is REPLAY:
            self._outbox.replay_refused(stored, reason_code=reason_code, reason=reason)
            return Refusal.WAITS
        if old:
            self.pace.refused()
        if flight.way is CORRECTION:
            self._outbox.correction_refused(stored, for_good=reason_code in FOR_GOOD)
            return Refusal.PAUSES if self._old_hold.refuse(now_s) else Refusal.WAITS
        verdict = self.suspects.refused(stored.id, flight.topic, reason_code, now_s)
        if verdict is Verdict.DEAD and self._outbox.bury(stored, reason_code=reason_code, reason=reason):
            self.suspects.forget(stored.id)
            return Refusal.BURIED
        self._outbox.refused(stored)
        if verdict is Verdict.HOLD and (self._old_hold if old else self._live_hold).refuse(now_s):
            return Refusal.PAUSES
        return Refusal.WAITS

    def tick(self, now_s: float) -> None:
        """Call often."""
        self.pace.adapt(now_s)
        self._outbox.tick()
