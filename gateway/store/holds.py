"""Records that stay though every sink has delivered them: a sink has reasons of its own."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Iterable


class Hold(NamedTuple):
    """Of one sink: everything above `confirmed` is needed, everything above `released` is wanted."""

    confirmed: int
    released: int


class Holds:
    """Told by the event loop, asked by the writer's thread. A sink without one minds nothing delivered."""

    def __init__(self) -> None:
        self._holds: dict[str, dict[str, Hold]] = {}  # by sink, by reason

    def put(self, sink: str, hold: Hold, why: str = "") -> None:
        """In place of the sink's last one for the same reason."""
        self._holds[sink] = {**self._holds.get(sink, {}), why: hold}  # never changed under the writer

    def forgettable(self, cursors: Iterable[tuple[str, int]], *, pressed: bool = False) -> int | None:
        """Up to which id no sink minds; None without a sink. `pressed`: for want of room."""
        limits = []
        for sink, cursor in cursors:
            holds = self._holds.get(sink, {}).values()
            limits += [cursor, *(hold.confirmed if pressed else hold.released for hold in holds)]
        return min(limits, default=None)
