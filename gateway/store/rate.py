"""How fast a count grows, over the last hour."""

from __future__ import annotations

from collections import deque

SPAN_S = 3600.0
STEP_S = 60.0  # between two marks that are kept
LEAST_S = 60.0  # less tells nothing


class Rate:
    """Is told the count now and then; the clock is the caller's."""

    def __init__(self) -> None:
        self._marks: deque[tuple[float, int]] = deque(maxlen=round(SPAN_S / STEP_S) + 1)
        self._latest: tuple[float, int] = (0.0, 0)

    def note(self, now_s: float, count: int) -> None:
        """So many, at this moment."""
        self._latest = now_s, count
        if not self._marks or now_s - self._marks[-1][0] >= STEP_S:
            self._marks.append(self._latest)

    def per_s(self) -> float | None:
        """As it was in the last hour, or since the beginning; None when that was just now."""
        if not self._marks:
            return None
        began_s, count = self._marks[0]
        now_s, latest = self._latest
        return (latest - count) / (now_s - began_s) if now_s - began_s >= LEAST_S else None
