"""First in, first out, with an index: in small pieces, so that it never asks for one large one."""

from wire.compat import const

CHUNK = const(32)  # items in one list; a list that doubles would need 2 KB in one piece


class Fifo:
    """`append` at the end, `[index]` from the oldest on, `take` the oldest."""

    def __init__(self) -> None:
        self._chunks = [[]]
        self._taken = 0  # from the first chunk
        self._count = 0

    def __len__(self) -> int:
        return self._count

    def __getitem__(self, index: int) -> object:
        at = self._taken + index
        return self._chunks[at // CHUNK][at % CHUNK]

    def append(self, item: object) -> None:
        """Put an item at the end."""
        if len(self._chunks[-1]) == CHUNK:
            self._chunks.append([])
        self._chunks[-1].append(item)
        self._count += 1

    def take(self) -> object:
        """Remove the oldest item and give it; there must be one."""
        chunk = self._chunks[0]
        item = chunk[self._taken]
        chunk[self._taken] = None
        self._taken += 1
        self._count -= 1
        if self._taken == CHUNK:
            self._chunks.pop(0)
            if not self._chunks:
                self._chunks.append([])
            self._taken = 0
        return item
