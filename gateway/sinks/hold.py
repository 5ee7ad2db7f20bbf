"""What is done while a broker refuses everything: a pause, and then one record at a time."""

from __future__ import annotations

from gateway.sinks.backoff import Backoff


class Hold:
    """Of one lane. Begun by a refusal, over when a record is taken that was sent after that."""

    def __init__(self, backoff: Backoff) -> None:
        self._backoff = backoff
        self._since_s: float | None = None
        self._resume_s = 0.0
        self._pauses = 0

    def __bool__(self) -> bool:
        """True while the broker has taken nothing since it refused."""
        return self._since_s is not None

    @property
    def another(self) -> bool:
        """Every other probe is another record: if that is taken, the first one is the trouble."""
        return self._since_s is not None and self._pauses % 2 == 0

    def room(self, now_s: float, limit: int, flying: int) -> int:
        """How many may be sent now, of `limit` in all, when so many are on their way."""
        if self._since_s is None:
            return limit - flying
        return 0 if now_s < self._resume_s else 1 - flying

    def refuse(self, now_s: float) -> bool:
        """The broker refused one. True if that begins a pause, False within one."""
        if now_s < self._resume_s:
            return False
        self._since_s = now_s
        self._resume_s = now_s + self._backoff.next_s()
        self._pauses += 1
        return True

    def taken(self, sent_s: float) -> None:
        """The broker took one that was sent at that time."""
        if self._since_s is not None and sent_s >= self._since_s:
            self._since_s = None
            self._backoff.reset()
            self._pauses = 0

    def reset(self) -> None:
        """A new connection."""
        self._since_s = None
        self._resume_s = 0.0
        self._pauses = 0
