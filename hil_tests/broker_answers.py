"""What a FakeBroker says to a PUBLISH: answers to put together, and a list of what it took."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field

from hil_tests.fake_broker import Published, puback

NO_SUBSCRIBER = 0x10
REFUSALS = 0x80  # reason codes from here on
UNKNOWN_ID = bytes.fromhex("40 02 fa ce")  # a PUBACK for a publish that nobody sent

Answer = Callable[[Published], bytes]


def silence(_: Published) -> bytes:
    """Nothing, for ever."""
    return b""


def is_record(published: Published) -> bool:
    """Whether it is a record, and not the gateway's own state."""
    return not published.topic.endswith("/status")


@dataclass(slots=True, kw_only=True)
class Refuse:
    """Refuses with `reason`: the first `times` (None: for ever), only what `matches`; the rest goes to
    `otherwise`.
    """

    reason: int
    times: int | None = None
    matches: Callable[[Published], bool] = is_record
    otherwise: Answer = puback
    refused: list[Published] = field(default_factory=list)

    def __call__(self, published: Published) -> bytes:
        if not self.matches(published) or (self.times is not None and len(self.refused) >= self.times):
            return self.otherwise(published)
        self.refused.append(published)
        return puback(published, self.reason)


@dataclass(slots=True, kw_only=True)
class Shuffle:
    """Takes everything, but answers `held` at a time, the last first, among PUBACKs of unknown ids."""

    held: int
    _waiting: deque[Published] = field(default_factory=deque)

    def __call__(self, published: Published) -> bytes:
        if not is_record(published):
            return puback(published)
        self._waiting.appendleft(published)
        if len(self._waiting) < self.held:
            return UNKNOWN_ID
        answer = b"".join(UNKNOWN_ID + puback(each) for each in self._waiting)
        self._waiting.clear()
        return answer


class Takings:
    """An answer that passes on what `answer` says, and keeps the records it confirmed: the oracle.

    `answer` may be changed at any time.
    """

    def __init__(self, answer: Answer = puback) -> None:
        self.answer = answer
        self.taken: list[Published] = []
        self._open: dict[int, Published] = {}

    def __call__(self, published: Published) -> bytes:
        self._open[published.packet_id] = published
        octets = self.answer(published)
        confirmed = [self._open.pop(each, None) for each in confirmations(octets)]
        self.taken += [each for each in confirmed if each is not None and is_record(each)]
        return octets


def confirmations(octets: bytes) -> Iterable[int]:
    """The packet ids of the PUBACKs in it that are no refusals."""
    while len(octets) >= 4 and octets[0] == 0x40:
        after = 2 + octets[1]
        reason = octets[4] if octets[1] > 2 else 0
        if reason < REFUSALS and reason != NO_SUBSCRIBER:
            yield int.from_bytes(octets[2:4], "big")
        octets = octets[after:]
