"""Which publishes are on their way, and how many more may be."""

from __future__ import annotations

from typing import NamedTuple

from gateway.sinks.backoff import Backoff


class Flight(NamedTuple):
    """One publish on its way. A tuple: one is made for each block."""

    record_id: int
    sent_s: float


class Window:
    """Packet ids by record, the oldest first; one at a time while the broker refuses.

    After a refusal nothing is sent for a pause of `refusing`, and then one record at a time until
    one of these is taken.
    """

    def __init__(self, refusing: Backoff) -> None:
        self._refusing = refusing
        self._limit = 1
        self._flights: dict[int, Flight] = {}
        self._probing_since: float | None = None
        self._resume_s = 0.0

    def __len__(self) -> int:
        """How many are on their way."""
        return len(self._flights)

    @property
    def refused(self) -> bool:
        """True while the broker has taken nothing since its last refusal."""
        return self._probing_since is not None

    def open(self, limit: int) -> None:
        """A new connection that takes `limit` publishes at once."""
        self._limit = limit
        self._flights.clear()
        self._probing_since = None

    def close(self) -> None:
        """The connection is gone, and with it what was on its way."""
        self._flights.clear()

    def room(self, now_s: float) -> int:
        """How many may be sent now."""
        if now_s < self._resume_s:
            return 0
        return (1 if self.refused else self._limit) - len(self._flights)

    def sent(self, packet_id: int, record_id: int, now_s: float) -> None:
        """This record went under this packet id."""
        self._flights[packet_id] = Flight(record_id, now_s)

    def land(self, packet_id: int) -> Flight | None:
        """The publish that the broker answered; None for one that nobody knows."""
        return self._flights.pop(packet_id, None)

    def delivered(self, flight: Flight) -> None:
        """The broker took it."""
        if self._probing_since is not None and flight.sent_s >= self._probing_since:
            self._probing_since = None
            self._refusing.reset()

    def refuse(self, now_s: float) -> bool:
        """The broker refused one. True if that begins a pause, False within one."""
        if now_s < self._resume_s:
            return False
        self._probing_since = now_s
        self._resume_s = now_s + self._refusing.next_s()
        return True

    def oldest_s(self, now_s: float) -> float:
        """For how long the oldest has been on its way."""
        for flight in self._flights.values():
            return now_s - flight.sent_s
        return 0.0
