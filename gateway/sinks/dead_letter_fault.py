"""Dead letters as a fault of their sink."""

from __future__ import annotations

from typing import TYPE_CHECKING

from gateway.sinks.sink_state import SinkState

if TYPE_CHECKING:
    from gateway.counters import Conditions
    from gateway.store.dead_letters import DeadLetters


def tell(sink: str, dead_letters: DeadLetters, conditions: Conditions) -> None:
    """Set or clear the condition of the sink's dead letters."""
    subject = f"sink {sink} dead letters"
    letters = dead_letters.of(sink)
    if not letters:
        conditions.clear(subject)
        return
    state = SinkState.DEAD_LETTERS_FULL if dead_letters.full(sink) else SinkState.DEAD_LETTERS
    detail = f"{len(letters)}, the last one for {letters[-1].reason}; fieldgate dead-letters list"
    conditions.set(subject, state, detail)
