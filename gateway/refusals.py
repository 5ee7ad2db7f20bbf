"""What came on one line and was refused: counted each time, told once, over when the line is calm."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from gateway.counters import Conditions, Counters
    from gateway.host_clock import Clock

CALM_NS = 60_000_000_000  # without a refusal for so long, a line is in order again


class Refusals:
    """Of one line. Noise is of all kinds at once: the first refusal names the fault until it is over."""

    def __init__(self, path: str, counters: Counters, conditions: Conditions, clock: Clock) -> None:
        self._subject = f"line {path}"
        self._counters = counters
        self._conditions = conditions
        self._clock = clock
        self._latest_ns = 0  # 0: the line is in order

    def count(self, fault: str, detail: str) -> None:
        """One more: a frame or a message that `fault`, a stable word, says what was wrong with."""
        self._counters.count(fault)
        if not self._latest_ns:
            self._conditions.set(self._subject, fault, detail)
        self._latest_ns = self._clock.boottime_ns()

    def look(self) -> None:
        """Call now and then: the fault ends when the line has been calm."""
        if self._latest_ns and self._clock.boottime_ns() - self._latest_ns > CALM_NS:
            self.end()

    def end(self) -> None:
        """Nothing can be wrong with the line any more."""
        self._latest_ns = 0
        self._conditions.clear(self._subject)
