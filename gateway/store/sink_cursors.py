"""How far every sink has delivered, known at once and written with the next commit."""

from __future__ import annotations

from typing import TYPE_CHECKING

from gateway.store import work
from gateway.store.errors import StoreError

if TYPE_CHECKING:
    from collections.abc import Sequence

    from gateway.store.commit_queue import CommitQueue
    from gateway.store.reader import Reader

RANGES_LIMIT = 64  # of one sink


class SinkCursors:
    """The cursors and the ranges above them of all registered sinks."""

    def __init__(self, reader: Reader, queue: CommitQueue) -> None:
        self._queue = queue
        self._positions = reader.sinks()
        self._ranges = {sink: reader.ranges(sink) for sink in self._positions}

    def register(self, sink: str) -> None:
        """The sink has a cursor from now on; one that has it already keeps it."""
        if sink not in self._positions:  # else it would be queued anew, behind a move of its cursor
            self._positions[sink] = 0
            self._ranges[sink] = []
            self._queue.add(f"register {sink}", work.register_sink(sink))

    def remove(self, sink: str) -> None:
        """The sink has no cursor any more."""
        self._positions.pop(sink, None)
        self._ranges.pop(sink, None)
        self._queue.add(f"remove {sink}", work.remove_sink(sink))

    def move(self, sink: str, position: int, ranges: Sequence[tuple[int, int]]) -> None:
        """Move forward, and let these be the ranges. Raises StoreError if it is not registered."""
        if sink not in self._positions:
            raise StoreError("sink", f"{sink}: not registered, so it has no cursor to move")
        position = self._positions[sink] = max(self._positions[sink], position)
        above = [(max(first, position + 1), last) for first, last in sorted(ranges)]
        kept = self._ranges[sink] = [each for each in above if each[0] <= each[1]][:RANGES_LIMIT]
        self._queue.add_lazy(f"cursor {sink}", work.move_cursor(sink, position, kept))

    def rewind(self, sink: str, position: int) -> None:
        """Move back, and know of no ranges. Behind a move that waits for its commit already."""
        if position < self._positions.get(sink, 0):
            self._positions[sink] = position
            self._ranges[sink] = []
            self._queue.add_lazy(f"rewind {sink}", work.rewind(sink, position))

    def again(self) -> None:
        """There is a new store, which may not know of these."""
        for sink, position in self._positions.items():
            self._queue.add(f"register {sink}", work.register_sink(sink))
            self._queue.add(f"cursor {sink}", work.move_cursor(sink, position, self._ranges[sink]))

    def position(self, sink: str) -> int:
        """Up to which id everything is delivered; 0 for an unknown sink."""
        return self._positions.get(sink, 0)

    def positions(self) -> dict[str, int]:
        """Of all sinks."""
        return dict(self._positions)

    def ranges(self, sink: str) -> list[tuple[int, int]]:
        """What is delivered above the position: (first id, last id), ascending."""
        return list(self._ranges.get(sink, ()))

    def waiting_for(self, sink: str, reader: Reader) -> int:
        """How many committed records are not delivered."""
        newest = reader.first_and_last_id()[1]
        above = reader.count(self.position(sink) + 1, newest)
        return above - sum(reader.count(*each) for each in self._ranges.get(sink, ()))
