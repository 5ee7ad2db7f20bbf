"""Time that passes as fast as the work is done: boards on one clock that nobody waits for."""

from __future__ import annotations

import heapq
import itertools
import selectors
from collections import deque
from collections.abc import Callable
from pathlib import Path
from typing import TypeVar

from hil_tests.board.host import Process, Timer

T = TypeVar("T")
Ready = list[tuple[selectors.SelectorKey, int]]
FIRST_US = 1_000_000_000  # what the clock shows at first: no test should lean on 0
FIRST_UTC_NS = 1_790_000_000_000_000_000  # and what the calendar does
LOOK_S = 0.05  # real time without a word, after which text and stubborn programs are looked at
STUBBORN_S = 1.0  # of CPU without a word: the program loops, and time passes without it
_TICKS_PER_S = 100  # of /proc/*/stat


class VirtualTime:
    """Give it to boards as `time=`; then nothing happens but in `run_for` and `run_until`.

    The same seed and the same calls give the same octets at the same microseconds. Boards take
    turns: one at a time runs, and time stands still meanwhile, but for some microseconds per look at
    the clock. Use it, and them, in one thread. What a chip or hook raises comes out at once.
    Stands in for BoardHost.
    """

    virtual = True

    def __init__(self, *, seed: int = 0) -> None:
        self.seed = seed
        self._now_us = FIRST_US
        self._end_us = FIRST_US  # of this stretch of time
        self._timers: list[tuple[int, int, Timer]] = []
        self._order = itertools.count()
        self._spoken = selectors.DefaultSelector()
        self._printed = selectors.DefaultSelector()
        self._running: dict[Process, float] = {}  # CPU seconds when it was last heard
        self._idle_calls: deque[Callable[[], None]] = deque()
        self._stubborn = False  # somebody may speak again who is not waited for
        self._serving = False

    # For whoever tells the story

    @property
    def seconds(self) -> float:
        """Since this clock was made."""
        return (self._now_us - FIRST_US) / 1e6

    def run_for(self, seconds: float) -> None:
        """Let so much time pass."""
        end_us = self._now_us + round(seconds * 1e6)
        while self._step(end_us):
            pass

    def run_until(self, fact: Callable[[], object], seconds: float) -> None:
        """Let time pass until it is so. Raises TimeoutError."""
        end_us = self._now_us + round(seconds * 1e6)
        while not fact():
            if not self._step(end_us):
                raise TimeoutError(f"not so after {seconds:g} s of virtual time")

    def after(self, delay_s: float, call: Callable[[], None]) -> Timer:
        """Call at that moment."""
        timer = Timer(call)
        heapq.heappush(self._timers, (self._now_us + round(delay_s * 1e6), next(self._order), timer))
        return timer

    # For boards and chips

    def monotonic_us(self) -> int:
        return self._now_us

    def boottime_ns(self) -> int:
        return self._now_us * 1000

    def realtime_ns(self) -> int:
        return FIRST_UTC_NS + (self._now_us - FIRST_US) * 1000

    def when_idle(self, call: Callable[[], None]) -> None:
        """Call when nobody runs, and all that is due is known."""
        self._idle_calls.append(call)

    def horizon_us(self) -> int:
        """Until when nothing is due: whoever runs may go on by itself."""
        while self._timers and not self._timers[0][2].live:
            heapq.heappop(self._timers)
        return min(self._end_us, self._timers[0][0]) if self._timers else self._end_us

    def pass_to(self, at_us: int) -> None:
        """Somebody's own work has taken until then."""
        self._now_us = max(self._now_us, at_us)

    def run(self, call: Callable[[], T]) -> T:
        """Call, and let every board get to where it waits."""
        value = call()
        if not self._serving:
            self._settle()
        return value

    def watch(self, fd: int, events: int, call: Callable[[int], object], *, text: bool = False) -> None:
        selector = self._printed if text else self._spoken
        if fd in selector.get_map():
            selector.modify(fd, events, call)
        else:
            selector.register(fd, events, call)

    def unwatch(self, fd: int) -> None:
        for selector in (self._spoken, self._printed):
            if fd in selector.get_map():
                selector.unregister(fd)

    def set_running(self, process: Process, running: bool) -> None:
        """Whether a process works now, and does not wait for an answer."""
        if running:
            self._running[process] = -1.0
        else:
            self._running.pop(process, None)

    def _step(self, end_us: int) -> bool:
        self._end_us = end_us
        if self._stubborn:
            self._serve_ready(self._spoken.select(0))
        self._settle()
        if not self._timers or self._timers[0][0] > end_us:
            self._now_us = max(self._now_us, end_us)
            self._end_us = self._now_us
            return False
        at_us, _, timer = heapq.heappop(self._timers)
        self.pass_to(at_us)
        self._serving = True
        try:
            timer.fire()
        finally:
            self._serving = False
        self._settle()
        return True

    def _settle(self) -> None:
        self._serving = True
        try:
            while self._running or self._idle_calls:
                if self._running:
                    self._serve()
                else:
                    self._idle_calls.popleft()()
        finally:
            self._serving = False

    def _serve(self) -> None:
        if len(self._running) == 1:
            (process,) = self._running
            if process.hear():
                return
            ready: Ready = []
        else:
            ready = self._spoken.select(LOOK_S)
        if not ready:
            # A program that prints more than its pipe holds waits for us; else text waits for its moment.
            ready = self._printed.select(0)
            if not ready:
                self._look_for_stubborn()
        self._serve_ready(ready)

    def _serve_ready(self, ready: Ready) -> None:
        for key, events in ready:
            # An earlier call of this round may have closed it.
            if any(s.get_map().get(key.fd) is key for s in (self._spoken, self._printed)):
                key.data(events)

    def _look_for_stubborn(self) -> None:
        for process, since_s in list(self._running.items()):
            used_s = cpu_s(process.pid)
            if since_s < 0:
                self._running[process] = used_s
            elif used_s - since_s > STUBBORN_S:
                del self._running[process]
                self._stubborn = True


def cpu_s(pid: int) -> float:
    """CPU seconds that a process has used."""
    fields = Path(f"/proc/{pid}/stat").read_text("utf-8").rpartition(") ")[2].split()
    return (int(fields[11]) + int(fields[12])) / _TICKS_PER_S
