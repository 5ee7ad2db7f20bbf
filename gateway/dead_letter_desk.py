"""What may be asked about dead letters while the agent runs."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from gateway.control import Refused

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from gateway.control import Operation
    from gateway.store.dead_letters import DeadLetter, DeadLetters

_NS_PER_S = 1_000_000_000


class DeadLetterDesk:
    """Operations on all sinks' dead letters. `wake` is called when there is something to send again."""

    def __init__(self, letters: DeadLetters, wake: Callable[[], None]) -> None:
        self._letters = letters
        self._wake = wake

    def operations(self) -> dict[str, Operation]:
        """By the name that a request has."""
        return {
            "dead_letters.list": self._list,
            "dead_letters.show": self._show,
            "dead_letters.replay": self._replay,
            "dead_letters.discard": self._discard,
        }

    def _list(self, _request: Mapping[str, Any]) -> object:
        return [described(letter) for letter in self._letters.of()]

    def _show(self, request: Mapping[str, Any]) -> object:
        [letter] = self._named([request.get("id")])
        return described(letter) | {
            "message": letter.message.hex(),
            "descriptor": letter.descriptor.hex(),
            "host_boot": letter.host_boot,
            "arrived_ns": letter.arrived_ns,
        }

    def _replay(self, request: Mapping[str, Any]) -> object:
        wanted = self._letters.of() if request.get("all") else self._named(request.get("ids"))
        count = self._letters.replay([letter.id for letter in wanted])
        self._wake()
        return {"count": count}

    def _discard(self, request: Mapping[str, Any]) -> object:
        named = self._named(request.get("ids"))
        count = self._letters.discard([letter.id for letter in named])
        if count < len(named):
            raise Refused(f"only {count} of {len(named)} discarded, the store is busy: try again")
        return {"count": count}

    def _named(self, ids: object) -> list[DeadLetter]:
        if not isinstance(ids, list):
            raise Refused("ids is no list of numbers")
        found = [self._letters.get(id_) for id_ in ids if type(id_) is int]
        known = [letter for letter in found if letter is not None]
        if len(known) < len(ids):
            unknown = sorted({str(id_) for id_ in ids} - {str(letter.id) for letter in known})
            raise Refused(f"there is no dead letter {', '.join(unknown)[:100]}")
        return known


def described(letter: DeadLetter) -> dict[str, Any]:
    """A letter without its contents, as JSON says it."""
    when = None
    if letter.realtime_ns is not None:
        when = datetime.fromtimestamp(letter.realtime_ns // _NS_PER_S, UTC).isoformat()
    return {
        "id": letter.id,
        "sink": letter.sink,
        "node": letter.uid.hex(),
        "boot": letter.boot,
        "stream": letter.stream,
        "seq": letter.seq,
        "next_seq": letter.next_seq,
        "octets": len(letter.message),
        "reason_code": letter.reason_code,
        "reason": letter.reason,
        "refused_at": when,
    }
