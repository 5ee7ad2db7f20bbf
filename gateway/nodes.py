"""The nodes the gateway has met since it started, whatever port they are on."""

from __future__ import annotations

from collections import deque
from typing import TYPE_CHECKING, NamedTuple

from gateway.link_state import LinkState
from gateway.orders import Orders
from wire.intake import Intake

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from gateway.descriptors import Sleep
    from gateway.line import Line
    from gateway.node_health import NodeHealth
    from gateway.store import Arrival, Store
    from wire.up import Hello

CONSOLE_LINES = 100  # lines of a node's console kept for whoever asks
CONTACT_LATE_S = 60  # a node that sleeps may need so long to join, and to be heard
_NS_PER_S = 1_000_000_000
_PARTS = 1_000_000  # in ppm
NODES_LIMIT = 1024  # beyond, the one longest silent is forgotten; what it sent is on disk


class OnDisk:
    """What the store has of one node, as an Intake asks for it."""

    def __init__(self, store: Store, uid: bytes) -> None:
        self._store = store
        self._uid = uid

    def get(self, key: tuple[int, int], /) -> int | None:
        """The next seq of (boot, stream), or None."""
        return self._store.next_seq(self._uid, *key)


class Former(NamedTuple):
    """A node that sleeps, by what is stored of it, and since when this run waits for its contact."""

    boot: int
    name: str
    awaited_ns: int


class Node:
    """One node: its intake, its latest HELLO, its health, the line it is on, and what it is asked to do."""

    def __init__(self, uid: bytes, intake: Intake) -> None:
        self.uid = uid
        self.intake = intake
        self.hello: Hello | None = None
        self.name = uid.hex()
        self.line: Line | None = None
        self.heard_ns = 0  # CLOCK_BOOTTIME of the latest frame
        self.sleep: Sleep | None = None  # of one that sleeps
        self.former: Former | None = None  # what an earlier run left of one that sleeps
        self.taken = 0
        self.health: NodeHealth | None = None  # of the present boot
        self.console: deque[str] = deque(maxlen=CONSOLE_LINES)
        self.orders = Orders(self._wake_line)

    def attach(self, line: Line) -> None:
        """The node speaks on this line now; another line it was on has lost it."""
        if self.line is not None and self.line is not line:
            self.line.leave()
        self.line = line

    def link(self, now_ns: int) -> LinkState:
        """What is known of its link."""
        state = LinkState.LOST if self.line is None else self.line.state()
        if state in (LinkState.SILENT, LinkState.LOST) and now_ns < self.contact_due_ns:
            return LinkState.ASLEEP
        return state

    @property
    def boot(self) -> int:
        """The latest that is known."""
        if self.hello is not None:
            return self.hello.boot
        return 0 if self.former is None else self.former.boot

    @property
    def contact_due_ns(self) -> int:
        """When a node that sleeps has to be heard again at the latest; 0 of another one."""
        if self.sleep is None:
            return 0
        every_ns = self.sleep.every_s * _NS_PER_S
        since_ns = self.heard_ns if self.former is None else max(self.heard_ns, self.former.awaited_ns)
        return since_ns + every_ns + every_ns * self.sleep.ppm // _PARTS + CONTACT_LATE_S * _NS_PER_S

    def moves_to(self, line: Line, boot: int) -> bool:
        """Whether it changes between its cable and Wi-Fi; two boards with one uid are in two boots."""
        of_another_kind = self.line is not None and (self.line.uid is None) != (line.uid is None)
        return of_another_kind and self.hello is not None and self.hello.boot == boot

    def detach(self, line: Line) -> None:
        """The line is gone."""
        if self.line is line:
            self.line = None

    def _wake_line(self) -> None:
        if self.line is not None:
            self.line.wake()


class Nodes:
    """All nodes by uid, NODES_LIMIT of them. Intakes begin with what the store has on disk."""

    def __init__(self, store: Store) -> None:
        self._store = store
        self._by_uid: dict[bytes, Node] = {}

    def __iter__(self) -> Iterator[Node]:
        return iter(self._by_uid.values())

    def meet(self, uid: bytes) -> Node:
        """The node with this uid; a new one when it was never heard before."""
        node = self._by_uid.get(uid)
        if node is None:
            if len(self._by_uid) >= NODES_LIMIT:
                self._forget_one()
            node = Node(uid, Intake(OnDisk(self._store, uid)))
            self._by_uid[uid] = node
        return node

    def forget(self) -> None:
        """Nothing that is known of them holds any more: all have to say HELLO again."""
        for node in self._by_uid.values():
            if node.line is not None:
                node.line.leave()
        self._by_uid.clear()

    def committed(self, arrivals: Iterable[Arrival]) -> None:
        """These are on disk: their acknowledgements are due."""
        last = {(a.uid, a.boot, a.stream): a.next_seq for a in arrivals}
        for (uid, boot, stream), next_seq in last.items():
            node = self._by_uid[uid]
            node.intake.commit(boot, stream, next_seq)
            if node.line is not None:
                node.line.wake()

    def refused(self, arrivals: Iterable[Arrival]) -> None:
        """These are not on disk and never will be by themselves: the nodes send them again."""
        for uid, boot, stream in {(a.uid, a.boot, a.stream) for a in arrivals}:
            self._by_uid[uid].intake.refuse(boot, stream)

    def _forget_one(self) -> None:
        # One with records on their way to disk is not forgotten: the store's queue limits these.
        idle = [node for node in self._by_uid.values() if node.line is None and node.intake.settled]
        if idle:
            del self._by_uid[min(idle, key=lambda node: node.heard_ns).uid]
