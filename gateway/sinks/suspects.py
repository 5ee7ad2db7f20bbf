"""Which of the refused records are themselves the trouble.

Refusals of MQTT 5 say little about whose fault they are. A record is given up for good when the
code can mean nothing but the record, or when it is refused again and again while others on the very
same topic are taken. While nothing on its topic is taken, nobody but the broker is to blame.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum

from gateway.sinks.backoff import Backoff

# Section 3.4.2.1 of MQTT 5: topic name invalid, packet too large (4.13: not in a PUBACK, but seen),
# payload format invalid.
FOR_GOOD = frozenset({0x90, 0x95, 0x99})
TRIES = 8  # refusals of one record while others are taken
SUSPECTS_LIMIT = 256  # refused records that are remembered; those of both lanes


class Verdict(Enum):
    """What to do about a refusal."""

    HOLD = "hold"  # nothing else is taken either
    REST = "rest"  # others are taken: this one waits
    DEAD = "dead"  # it will never be taken


@dataclass(slots=True)
class _Suspect:
    topic: str
    refused_s: float
    tries: int
    backoff: Backoff
    rests_until_s: float = 0.0


class Suspects:
    """Remembers refusals by record, until the record is taken or buried."""

    def __init__(self, new_backoff: Backoff) -> None:
        self._new_backoff = new_backoff
        self._suspects: dict[int, _Suspect] = {}
        self._taken_s: dict[str, float] = {}  # by topic, of those that have suspects

    def __len__(self) -> int:
        """How many records were refused and neither taken nor buried since."""
        return len(self._suspects)

    def refused(self, id_: int, topic: str, reason: int, now_s: float) -> Verdict:
        """The broker refused this record on this topic."""
        suspect = self._suspects.get(id_)
        if suspect is None:
            self._forget_oldest()
            suspect = self._suspects[id_] = _Suspect(topic, now_s, 0, self._new_backoff.fresh())
            others_taken = False
            self._taken_s.setdefault(topic, -1.0)
        else:
            others_taken = self._taken_s.get(topic, -1.0) >= suspect.refused_s
        suspect.refused_s = now_s
        for_good = reason in FOR_GOOD
        if not others_taken and not for_good:
            return Verdict.HOLD
        suspect.tries += 1
        suspect.rests_until_s = now_s + suspect.backoff.next_s()  # matters if it cannot be buried
        return Verdict.DEAD if for_good or suspect.tries >= TRIES else Verdict.REST

    def taken(self, id_: int, topic: str, now_s: float) -> None:
        """The broker took this record; call it while there are suspects."""
        if topic in self._taken_s:
            self._taken_s[topic] = now_s
        self.forget(id_)

    def forget(self, id_: int) -> None:
        """This record is no trouble any more."""
        if self._suspects.pop(id_, None) is not None and not self._suspects:
            self._taken_s.clear()

    def resting(self, now_s: float) -> frozenset[int]:
        """Which records are not to be tried now."""
        return frozenset(id_ for id_, each in self._suspects.items() if each.rests_until_s > now_s)

    def _forget_oldest(self) -> None:
        if len(self._suspects) >= SUSPECTS_LIMIT:  # it is judged anew when it is refused again
            del self._suspects[next(iter(self._suspects))]
