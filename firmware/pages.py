"""Records one behind the other in pages of one size: they come and go without tearing up the heap.

As objects of their own they would lie scattered all over it, and a heap with room enough would
have no room in one piece.
"""

from wire.compat import const

PAGE_OCTETS = const(512)
LENGTH_OCTETS = const(2)  # before each record
HEAP_RESERVE = const(4096)  # octets in one piece that the queue leaves to everything else


def heap_has_room() -> bool:
    """Whether the heap may give another page."""
    # Asked for and let go: what is free in small holes would not do.
    try:
        bytearray(HEAP_RESERVE)
    except MemoryError:
        return False
    return True


class Pool:
    """Where pages come from. `has_room()` says whether the heap may give another one."""

    def __init__(self, has_room) -> None:
        self._has_room = has_room
        self._spare = None

    def take(self) -> "bytearray | None":
        """A page, or None when there is no memory for it."""
        page = self._spare
        self._spare = None
        if page is None and self._has_room():
            try:
                page = bytearray(PAGE_OCTETS)
            except MemoryError:
                page = None
        return page

    def give(self, page: bytearray) -> None:
        """Take a page back; one is kept, so a full queue goes on without the heap."""
        self._spare = page


class Pages:
    """First in, first out, of octets: `append` at the end, `get(index)` from the oldest on.

    A record has at most 65535 octets. Going through the records in their order is cheap;
    anywhere else, `get` counts from the oldest.
    """

    def __init__(self, pool: Pool) -> None:
        self._pool = pool
        self._pages = []
        self._count = 0
        self._begin = 0  # of the oldest record, from the start of the first page
        self._end = 0
        self._next_index = 0  # the record after the one that `get` gave, and where it begins
        self._next_at = 0

    def __len__(self) -> int:
        return self._count

    def append(self, record: bytes) -> bool:
        """Put a record at the end; False, and nothing done, when there is no page for it."""
        while len(self._pages) * PAGE_OCTETS < self._end + LENGTH_OCTETS + len(record):
            page = self._pool.take()
            if page is None:
                return False
            self._pages.append(page)
        self._put(len(record).to_bytes(LENGTH_OCTETS, "big"))
        self._put(record)
        self._count += 1
        return True

    def get(self, index: int) -> bytes:
        """A copy of the record `index` after the oldest; it must be there."""
        if index < self._next_index:
            self._next_index = 0
            self._next_at = self._begin
        while self._next_index < index:
            self._next_at += LENGTH_OCTETS + self._length(self._next_at)
            self._next_index += 1
        length = self._length(self._next_at)
        record = self._copy(self._next_at + LENGTH_OCTETS, length)
        self._next_at += LENGTH_OCTETS + length
        self._next_index += 1
        return record

    def forget(self) -> int:
        """Remove the oldest record, which must be there; give its length."""
        length = self._length(self._begin)
        self._begin += LENGTH_OCTETS + length
        self._count -= 1
        if self._next_index:
            self._next_index -= 1
        else:
            self._next_at = self._begin
        if not self._count:
            self._begin = self._end = self._next_at = 0  # an empty page begins anew
        while self._begin >= PAGE_OCTETS:
            self._pool.give(self._pages.pop(0))
            self._begin -= PAGE_OCTETS
            self._end -= PAGE_OCTETS
            self._next_at -= PAGE_OCTETS
        return length

    def _put(self, octets: bytes) -> None:
        done = 0
        while done < len(octets):
            page = self._end // PAGE_OCTETS
            at = self._end % PAGE_OCTETS
            piece = octets[done : done + PAGE_OCTETS - at]
            self._pages[page][at : at + len(piece)] = piece
            done += len(piece)
            self._end += len(piece)

    def _length(self, at: int) -> int:
        return self._octet(at) << 8 | self._octet(at + 1)

    def _octet(self, at: int) -> int:
        return self._pages[at // PAGE_OCTETS][at % PAGE_OCTETS]

    def _copy(self, at: int, count: int) -> bytes:
        out = b""
        while len(out) < count:
            place = at + len(out)
            start = place % PAGE_OCTETS
            end = min(PAGE_OCTETS, start + count - len(out))
            out += bytes(memoryview(self._pages[place // PAGE_OCTETS])[start:end])
        return out
