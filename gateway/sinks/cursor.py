"""Which records a broker has confirmed, and up to where without a hole."""

from __future__ import annotations

from collections import deque


class Cursor:
    """Ids ascend with holes between them (rows that others deleted); only taken ids count."""

    def __init__(self, start: int) -> None:
        self.position = start  # everything up to here is delivered
        self.latest = start  # the highest taken
        self._open: deque[int] = deque()  # taken, above the position, in order
        self._confirmed: set[int] = set()  # of these

    def __len__(self) -> int:
        """How many ids were taken above the position."""
        return len(self._open)

    def taken(self, id_: int) -> None:
        """This id is to be delivered. Taking it again, after a lost connection, changes nothing."""
        if id_ > self.latest:
            self.latest = id_
            self._open.append(id_)

    def confirmed(self, id_: int) -> int:
        """The broker has it. Gives the position, which moves only over confirmed ids."""
        if id_ > self.position:
            self._confirmed.add(id_)
            while self._open and self._open[0] in self._confirmed:
                self.position = self._open.popleft()
                self._confirmed.remove(self.position)
        return self.position

    def is_confirmed(self, id_: int) -> bool:
        """True when the id was confirmed in this process."""
        return id_ <= self.position or id_ in self._confirmed
