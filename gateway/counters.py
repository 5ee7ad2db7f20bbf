"""What the gateway counts, what it complains of, and how peer octets are shown."""

from __future__ import annotations

import logging
import re
import time
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable

log = logging.getLogger(__name__)

MAX_NAMES = 256  # the code has about fifty; more than this is a mistake, not news
MAX_SUBJECTS = 256  # a port, a node, a sink each: far more than one Pi serves
SHOWN_OCTETS = 64
OTHER = "other"  # counts what has no valid name, so that nothing goes uncounted
REFUSED_SUBJECTS = "condition_subjects_refused"
ELLIPSIS = "..."

_NAME = re.compile(r"[a-z][a-z0-9_]{0,63}")


class Counters:
    """Counts by name since the start.

    Names are lower-case words that the code chooses. They are never made of peer input, and if one
    were, only MAX_NAMES of them could exist: the rest is counted under `other`.
    """

    def __init__(self) -> None:
        self._counts: dict[str, int] = {}

    def count(self, name: str, n: int = 1) -> None:
        """Add `n` to `name`. Never raises: counting is what is done when something else went wrong."""
        if name not in self._counts and not self._may_be_new(name):
            name = OTHER
        self._counts[name] = self._counts.get(name, 0) + n

    def snapshot(self) -> dict[str, int]:
        """All counts, by name in alphabetical order."""
        return dict(sorted(self._counts.items()))

    def _may_be_new(self, name: str) -> bool:
        return len(self._counts) < MAX_NAMES and _NAME.fullmatch(name) is not None


@dataclass(frozen=True, slots=True, kw_only=True)
class Condition:
    """What is so with one subject, since when on the clock of its Conditions."""

    subject: str
    state: str
    detail: str
    level: int
    since_s: float


class Conditions:
    """The present state of ports, lines and sinks; each is logged once per change of state.

    A condition at WARNING or above is a fault: it is shown first by `fieldgate status` until it is
    cleared or replaced. At most MAX_SUBJECTS are kept; a further subject is counted and not logged.
    """

    def __init__(self, counters: Counters, now_s: Callable[[], float] = time.monotonic) -> None:
        self._counters = counters
        self._now_s = now_s
        self._by_subject: dict[str, Condition] = {}

    def set(self, subject: str, state: str, detail: str = "", *, level: int = logging.WARNING) -> None:
        """The subject is in `state`, a stable word. Logs if that is new; a new detail alone is shown only."""
        known = self._by_subject.get(subject)
        if known is not None and known.state == state:
            if known.detail != detail:
                self._by_subject[subject] = replace(known, detail=detail)
            return
        if known is None and len(self._by_subject) >= MAX_SUBJECTS:
            self._counters.count(REFUSED_SUBJECTS)
            return
        self._by_subject[subject] = Condition(
            subject=subject, state=state, detail=detail, level=level, since_s=self._now_s()
        )
        log.log(level, "%s: %s%s", subject, state, f": {detail}" if detail else "")

    def clear(self, subject: str) -> None:
        """Nothing is wrong with the subject any more. Logs the end of a fault."""
        known = self._by_subject.pop(subject, None)
        if known is not None and known.level >= logging.WARNING:
            log.info("%s: no longer %s after %.0f s", subject, known.state, self._now_s() - known.since_s)

    def age_s(self, condition: Condition) -> float:
        """How long the condition has been so."""
        return self._now_s() - condition.since_s

    def faults(self) -> tuple[Condition, ...]:
        """Conditions at WARNING or above, the oldest first."""
        faults = [each for each in self._by_subject.values() if each.level >= logging.WARNING]
        return tuple(sorted(faults, key=lambda each: each.since_s))


def hexed(data: bytes, limit: int = SHOWN_OCTETS) -> str:
    """Peer octets as hex, at most `limit` of them; what was cut is said."""
    if len(data) <= limit:
        return data.hex()
    return f"{data[:limit].hex()}{ELLIPSIS} ({len(data)} octets)"


def printable(data: bytes, limit: int) -> str:
    """Peer text for a log or a terminal: at most `limit` characters, none of which moves a cursor.

    Invalid UTF-8 and every control or format character become escapes.
    """
    cut = data[: limit * 4]  # a character has at most four octets
    shown: list[str] = []
    length = 0
    for character in cut.decode("utf-8", "backslashreplace"):
        piece = character if character.isprintable() else _escape(character)
        if length + len(piece) > limit:
            break
        shown.append(piece)
        length += len(piece)
    else:
        if len(cut) == len(data):
            return "".join(shown)
    while shown and length > limit - len(ELLIPSIS):
        length -= len(shown.pop())
    return ("".join(shown) + ELLIPSIS)[:limit]


def _escape(character: str) -> str:
    return character.encode("unicode_escape").decode("ascii")
