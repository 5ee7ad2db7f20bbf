"""Which publishes are on their way, and how many more may be."""

from __future__ import annotations

from typing import NamedTuple

from gateway.readings import StoredRecord
from gateway.sinks.patience import Told
from gateway.sinks.way import LIVE, Way

LIVE_SHARE = 4  # one of so many places is kept for live records


class Flight(NamedTuple):
    """One publish on its way. `stored` is None for what is no record: the gateway's own state."""

    stored: StoredRecord | None
    way: Way
    topic: str
    sent_s: float
    told: Told | None = None  # of its time, if that may get better


class Window:
    """Flights by packet id, the oldest first."""

    def __init__(self) -> None:
        self.limit = 1
        self.old = 0  # on their way, and not live
        self._flights: dict[int, Flight] = {}

    def __len__(self) -> int:
        """How many are on their way."""
        return len(self._flights)

    @property
    def live(self) -> int:
        """How many live ones are on their way."""
        return len(self._flights) - self.old

    @property
    def limit_of_old(self) -> int:
        """How many may be on their way that are not live: some places are for live ones only."""
        return self.limit - (self.limit + LIVE_SHARE - 1) // LIVE_SHARE if self.limit > 1 else 1

    def open(self, limit: int) -> None:
        """A new connection that takes `limit` publishes at once."""
        self.limit = limit
        self.close()

    def close(self) -> None:
        """The connection is gone, and with it what was on its way."""
        self._flights.clear()
        self.old = 0

    def sent(self, packet_id: int, flight: Flight) -> None:
        """It went under this packet id."""
        self._flights[packet_id] = flight
        if flight.way is not LIVE:
            self.old += 1

    def land(self, packet_id: int) -> Flight | None:
        """The publish that the broker answered; None for one that nobody knows."""
        flight = self._flights.pop(packet_id, None)
        if flight is not None and flight.way is not LIVE:
            self.old -= 1
        return flight

    def oldest_s(self, now_s: float) -> float:
        """For how long the oldest has been on its way."""
        for flight in self._flights.values():
            return now_s - flight.sent_s
        return 0.0
