"""The one place that feeds the watchdog: while every task is within the time that it gave itself."""

import time

from firmware import board
from wire.compat import const

LINK_IN = const(0)
LINK_OUT = const(1)
HOUSE = const(2)
GROUPS = const(3)  # and up: one task per group of sensors
WATCHDOG_MS = const(60000)  # as main.py has it
LOOK_MS = const(5000)
GRACE_MS = const(20000)  # on top of a task's own time: a flash that erases, a bus that is stuck


class Heart:
    """Tasks `beat` before and after each wait. `on_hung(cause)` is called while there is time to write, and
    with "" where all beat again before the watchdog bit.

    It is looked at from a timer, so that a task which holds the processor is seen as well. `due_ms`: until
    when each task has to beat, None for one that waits for something from outside.
    """

    def __init__(self, groups: int, on_hung) -> None:
        self.due_ms = [None] * (GROUPS + groups)
        self._on_hung = on_hung
        self._hung = False
        self._latest = HOUSE
        self._latest_ms = time.ticks_ms()
        self._watchdog = board.watchdog(WATCHDOG_MS)

    def start(self) -> None:
        """Look from now on."""
        board.every(LOOK_MS, self._look)

    def beat(self, task: int, within_ms: int) -> None:
        """The task runs now, and will beat again `within_ms`; -1: when something comes from outside."""
        self._latest = task
        self._latest_ms = now_ms = time.ticks_ms()
        self.due_ms[task] = None if within_ms < 0 else time.ticks_add(now_ms, within_ms + GRACE_MS)

    def _look(self, _timer=None) -> None:
        now_ms = time.ticks_ms()
        for task in range(len(self.due_ms)):
            due_ms = self.due_ms[task]
            if due_ms is not None and time.ticks_diff(now_ms, due_ms) > 0:
                if not self._hung:
                    self._hang(task, now_ms)
                return
        self._watchdog.feed()
        if self._hung:
            self._hung = False
            self._on_hung("")

    def _hang(self, late: int, now_ms: int) -> None:
        # The house beats every few seconds: where nobody has, the last one to beat has the processor.
        if time.ticks_diff(now_ms, self._latest_ms) > GRACE_MS // 2:
            late = self._latest
        names = ("link in", "link out", "house")
        name = names[late] if late < GROUPS else "group " + str(late - GROUPS)
        self._on_hung("task hung: " + name)
        self._hung = True
