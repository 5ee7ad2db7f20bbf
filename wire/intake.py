"""Which records of one node have been taken, and which are on disk: the whole duplicate check."""

from wire.compat import const

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Protocol

    from wire import up

    class Known(Protocol):
        """What is on disk; a dict will do."""

        def get(self, __key: tuple[int, int]) -> "int | None": ...


TAKEN = const(0)
REPEAT = const(1)  # taken before
AHEAD = const(2)  # a record before it is missing


class Intake:
    """Per (boot, stream) the next seq to take and the next seq that is not on disk.

    One Intake serves a node for as long as the gateway runs, whatever port the node is on, so
    that a record which waits for its commit is not taken again through another port. `known` has
    the next seq of every (boot, stream) that is on disk; only those in use are kept here.
    """

    def __init__(self, known: "Known") -> None:
        self._known = known
        self._taken: dict[tuple[int, int], int] = {}
        self._committed: dict[tuple[int, int], int] = {}
        self._to_ack: dict[tuple[int, int], int] = {}

    @property
    def settled(self) -> bool:
        """True when all that was taken is on disk."""
        return self._taken == self._committed

    def meet(self, boot: int, queued: list[list[int]]) -> list[tuple[int, int, int, int]]:
        """Compare with what the node in `boot` holds; give what is missing: (boot, stream, seq, next_seq).

        A stream that is new here begins where the node's queue begins. One that the node holds
        only from a later seq on has lost the records between: another gateway, or an older copy
        of this one's disk, acknowledged them.
        """
        self._let_go(boot, queued)
        missing = []
        for its_boot, stream, first_seq, _next_seq in queued:
            key = (its_boot, stream)
            taken = self._recall(key)
            if taken is None:
                self._begin(key, first_seq)
            elif first_seq > taken:
                missing.append((its_boot, stream, taken, first_seq))
        return missing

    def take(self, record: "up.Block | up.Gap") -> int:
        """TAKEN if the record is the next of its stream; REPEAT or AHEAD, and an ACK due, if not."""
        key = (record.boot, record.stream)
        expected = self._recall(key)
        if expected is None:
            expected = 0
            self._begin(key, 0)
        if record.seq == expected:
            self._taken[key] = record.next_seq
            return TAKEN
        self._to_ack[key] = self._committed.get(key, 0)
        return REPEAT if record.seq < expected else AHEAD

    def give_back(self, record: "up.Block | up.Gap") -> None:
        """Undo the latest `take` of the record's stream: nobody had room for it."""
        self._taken[record.boot, record.stream] = record.seq

    def commit(self, boot: int, stream: int, next_seq: int) -> None:
        """Everything of the stream below `next_seq` is on disk: an ACK is due."""
        key = (boot, stream)
        self._committed[key] = next_seq
        self._to_ack[key] = next_seq
        # A `refuse` for another commit may have come between: what is on disk is not expected again.
        if self._taken.get(key, 0) < next_seq:
            self._taken[key] = next_seq

    def refuse(self, boot: int, stream: int) -> None:
        """What was taken of the stream and not committed is lost here: expect it again from the node."""
        key = (boot, stream)
        if key in self._taken:
            self._taken[key] = self._committed.get(key, 0)

    def points(self, queued: list[list[int]]) -> list[list[int]]:
        """The resume points for the streams the node named: [boot, stream, seq] each."""
        return [[boot, stream, self._committed.get((boot, stream), 0)] for boot, stream, _, _ in queued]

    def next_ack(self) -> "tuple[int, int, int] | None":
        """The next (boot, stream, next_seq) that is due, or None."""
        if not self._to_ack:
            return None
        key, next_seq = self._to_ack.popitem()
        return key[0], key[1], next_seq

    def _recall(self, key: tuple[int, int]) -> "int | None":
        """The next seq to take; None of a stream of which nothing is known."""
        taken = self._taken.get(key)
        if taken is None:
            taken = self._known.get(key)
            if taken is not None:
                self._begin(key, taken)
        return taken

    def _begin(self, key: tuple[int, int], seq: int) -> None:
        self._taken[key] = seq
        self._committed[key] = seq

    def _let_go(self, boot: int, queued: list[list[int]]) -> None:
        # A node boots for years, and a hostile one invents boots: what it does not hold and waits
        # for no commit is on disk, or was never anywhere.
        held = {(its_boot, stream) for its_boot, stream, _first_seq, _next_seq in queued}
        for key in list(self._taken):
            if key[0] != boot and key not in held and self._taken[key] == self._committed.get(key, 0):
                del self._taken[key]
                self._committed.pop(key, None)
                self._to_ack.pop(key, None)
