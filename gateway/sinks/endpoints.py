"""The addresses of one sink's broker: which one is tried next, and after which pause.

Every search goes through the list in its order, and tries the one that was lost just now last.
A connection that works is kept, wherever it leads.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from gateway.sinks.protocol import ProtocolMemory

if TYPE_CHECKING:
    from collections.abc import Sequence

    from gateway.sink_config import BrokerAddress
    from gateway.sinks.backoff import Backoff


class Endpoint:
    """One address, and what this run knows of it."""

    def __init__(self, address: BrokerAddress) -> None:
        self.address = address
        self.protocol = ProtocolMemory()
        self.failure = ""  # the last one; empty while it works, and before the first try


class Endpoints:
    """`backoff` gives the pauses: its limit doubles with each round in which none worked."""

    def __init__(self, addresses: Sequence[BrokerAddress], backoff: Backoff) -> None:
        self._all = [Endpoint(address) for address in addresses]
        self._backoff = backoff
        self._due = list(self._all)
        self.current = self._due.pop(0)

    def failed(self, failure: str) -> float:
        """The current one could not be reached. Moves on; gives the pause before the next try in seconds."""
        self.current.failure = failure
        if self._due:
            self.current = self._due.pop(0)
            return self._backoff.again_s()
        return self._search(self._all)

    def lost(self, failure: str, *, proven: bool) -> float:
        """A connection is gone. `proven`: it had worked, so that the pauses begin anew. As `failed`."""
        gone = self.current
        gone.failure = failure
        if proven:
            self._backoff.reset()
        return self._search([each for each in self._all if each is not gone] + [gone])

    def works(self) -> None:
        """The current one took the connection."""
        self.current.failure = ""

    def _search(self, order: list[Endpoint]) -> float:
        self.current, *self._due = order
        return self._backoff.next_s()
