"""What passed a board's cable, on the board's side of every fault: the oracle of the stories.

Shares no code with wire/: frames and messages are read by hil_tests.demo.witness.
"""

from __future__ import annotations

import threading
from collections import defaultdict
from dataclasses import dataclass
from itertools import accumulate
from typing import Any

from hil_tests.demo.identity import Gap, Identity, Stream
from hil_tests.demo.witness import FrameFinder, decoded

# docs/link-protocol.md, the numbers of the messages
HELLO, DESCRIBE, BLOCK, ACK, GAP = 0, 2, 3, 4, 5


@dataclass(frozen=True, slots=True, kw_only=True)
class Hello:
    """Of a HELLO what the stories ask about."""

    boot: int
    reset: str
    queued: list[list[int]]


class Cable:
    """Give `take` to Board.on_octets. `node` is the board's uid in lower-case hex."""

    def __init__(self, node: str) -> None:
        self._node = node
        self._lock = threading.Lock()
        self._finders = {"up": FrameFinder(), "down": FrameFinder()}
        self._sent: dict[Identity, set[bytes]] = defaultdict(set)
        self._gaps: set[Gap] = set()
        self._below: dict[Stream, int] = {}
        self._hellos: list[Hello] = []
        self._named: dict[int, bytes] = {}  # the descriptor's hash of each boot
        self._descriptors: dict[bytes, dict[str, Any]] = {}
        self._latest: dict[str, Any] = {}  # what a boot refers to that never said HELLO

    def take(self, direction: str, octets: bytes, _boottime_ns: int) -> None:
        """Octets that the board said ("up") or got ("down")."""
        with self._lock:
            for frame in self._finders[direction].feed(octets):
                self._on_message(direction, frame)

    def take_message(self, direction: str, message: bytes) -> None:
        """One message that came another way."""
        with self._lock:
            self._on_message(direction, message)

    def sent(self) -> dict[Identity, set[bytes]]:
        """The encodings of each BLOCK that the board sent: more than one would be a mistake."""
        with self._lock:
            return {identity: set(encodings) for identity, encodings in self._sent.items()}

    def gaps(self) -> set[Gap]:
        """The GAPs that the board sent."""
        with self._lock:
            return set(self._gaps)

    def acknowledged(self) -> set[Identity]:
        """Every record whose ACK reached the board; the seqs of a stream begin at 0."""
        with self._lock:
            return {stream.record(seq) for stream, below in self._below.items() for seq in range(below)}

    def hellos(self) -> list[Hello]:
        """In their order."""
        with self._lock:
            return list(self._hellos)

    def readings(self, block: bytes) -> list[tuple[str, float | None]]:
        """Channel and true value, None for a missing one, scan after scan, of a BLOCK's encoding."""
        _type, boot, _stream, _seq, number, _t_first, _span, values, *_exceptions = decoded(block)
        descriptor = self._descriptors.get(self._named.get(boot, b""), self._latest)
        channels = [descriptor["channels"][index] for index in descriptor["groups"][number]["channels"]]
        named: list[tuple[str, float | None]] = [("", None)] * len(values)
        for at, channel in enumerate(channels):
            column = values[at :: len(channels)]
            sums = iter(accumulate(value for value in column if value is not None))
            for scan, value in enumerate(column):
                true = None if value is None else next(sums) * 10.0 ** channel.get("exp", 0)
                named[scan * len(channels) + at] = (channel["name"], true)
        return named

    def _on_message(self, direction: str, message: bytes) -> None:
        if direction == "up":
            self._on_up(message, decoded(message))
        else:
            self._on_down(decoded(message))

    def _on_up(self, frame: bytes, message: list[Any]) -> None:
        match message:
            case [type_, int(boot), int(stream), int(seq), *_] if type_ == BLOCK:
                self._sent[Identity(self._node, boot, stream, seq)].add(frame)
            case [type_, int(boot), int(stream), int(seq), int(next_seq), *_] if type_ == GAP:
                self._gaps.add(Gap(Stream(self._node, boot, stream), seq, next_seq))
            case [
                type_,
                {"boot": int(boot), "desc": bytes(desc), "reset": str(reset), "queued": list(queued)},
            ] if type_ == HELLO:
                self._hellos.append(Hello(boot=boot, reset=reset, queued=queued))
                self._named[boot] = desc
            case [type_, dict(descriptor)] if type_ == DESCRIBE:
                self._latest = descriptor
                if self._hellos:
                    self._descriptors[self._named[self._hellos[-1].boot]] = descriptor

    def _on_down(self, message: list[Any]) -> None:
        match message:
            case [type_, int(boot), int(stream), int(next_seq), int()] if type_ == ACK:
                of = Stream(self._node, boot, stream)
                self._below[of] = max(next_seq, self._below.get(of, 0))
