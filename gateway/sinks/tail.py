"""What every consumer has confirmed and stays for a while: a consumer may come back with an old copy."""

from __future__ import annotations

from collections import deque
from typing import NamedTuple

CHUNK_ROWS = 256  # go together; a tail of 256 MiB is some thousand chunks


class _Chunk(NamedTuple):
    last_id: int
    rows: int
    octets: int
    arrived_ns: int  # of the youngest


class Tail:
    """Rows in the order of their ids. Released are those beyond the limit of age or of size."""

    def __init__(self, *, limit_ns: int, limit_octets: int) -> None:
        self.octets = 0  # of what is kept
        self._limit_ns = limit_ns
        self._limit_octets = limit_octets
        self._released = 0
        self._chunks: deque[_Chunk] = deque()

    def add(self, id_: int, octets: int, arrived_ns: int) -> None:
        """One more row; its id is above all others."""
        self.octets += octets
        if self._chunks and self._chunks[-1].rows < CHUNK_ROWS:
            chunk = self._chunks.pop()
            self._chunks.append(
                _Chunk(id_, chunk.rows + 1, chunk.octets + octets, max(chunk.arrived_ns, arrived_ns))
            )
        else:
            self._chunks.append(_Chunk(id_, 1, octets, arrived_ns))

    def released(self, now_ns: int) -> int:
        """Everything up to this id is beyond a limit."""
        while self._chunks:
            chunk = self._chunks[0]
            if now_ns - chunk.arrived_ns < self._limit_ns and self.octets <= self._limit_octets:
                break
            self._chunks.popleft()
            self.octets -= chunk.octets
            self._released = chunk.last_id
        return self._released

    def clear(self) -> None:
        """Begin anew: rows will be added from the lowest on."""
        self._chunks.clear()
        self.octets = self._released = 0
