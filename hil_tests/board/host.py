"""The one thread in which all emulated boards live: descriptors, timers, and calls from outside."""

from __future__ import annotations

import heapq
import itertools
import logging
import os
import selectors
import threading
import time
from collections import deque
from collections.abc import Callable
from concurrent.futures import Future
from typing import ClassVar, Protocol, TypeVar

T = TypeVar("T")
_log = logging.getLogger(__name__)
READ = selectors.EVENT_READ
WRITE = selectors.EVENT_WRITE


class BoardHostFailed(RuntimeError):
    """Something in the emulator, or in a chip or a hook given to it, raised; see `__cause__`."""


class Timer:
    """A call that will come; `cancel` takes it back."""

    def __init__(self, call: Callable[[], None]) -> None:
        self._call: Callable[[], None] | None = call

    @property
    def live(self) -> bool:
        """Whether it will call."""
        return self._call is not None

    def cancel(self) -> None:
        self._call = None

    def fire(self) -> None:
        if self._call is not None:
            self._call()


class Process(Protocol):
    """Something that works, says what it wants, and waits."""

    @property
    def pid(self) -> int: ...

    def hear(self) -> bool: ...


class Host(Protocol):
    """Where boards live: BoardHost, or VirtualTime."""

    @property
    def virtual(self) -> bool: ...

    @property
    def seed(self) -> int: ...

    def run(self, call: Callable[[], T]) -> T: ...
    def after(self, delay_s: float, call: Callable[[], None]) -> Timer: ...
    def watch(self, fd: int, events: int, call: Callable[[int], object], *, text: bool = False) -> None: ...
    def unwatch(self, fd: int) -> None: ...
    def monotonic_us(self) -> int: ...
    def boottime_ns(self) -> int: ...
    def realtime_ns(self) -> int: ...
    def when_idle(self, call: Callable[[], None]) -> None: ...
    def horizon_us(self) -> int: ...
    def pass_to(self, at_us: int) -> None: ...
    def set_running(self, process: Process, running: bool) -> None: ...


class BoardHost:
    """`BoardHost.acquire()` gives the running one; the last `release()` ends its thread.

    `run` may be called from any thread; everything else from the host's own.
    """

    virtual = False
    seed = 0
    _shared: ClassVar[BoardHost | None] = None
    _users: ClassVar[int] = 0
    _lock: ClassVar[threading.Lock] = threading.Lock()

    def __init__(self) -> None:
        self._selector = selectors.DefaultSelector()
        self._timers: list[tuple[float, int, Timer]] = []
        self._order = itertools.count()
        self._calls: deque[Callable[[], None]] = deque()
        self._wake_out, self._wake_in = os.pipe2(os.O_NONBLOCK | os.O_CLOEXEC)
        self._failure: BaseException | None = None
        self._ended = False
        self._thread = threading.Thread(target=self._loop, name="boards", daemon=True)
        self._selector.register(self._wake_out, READ, self._drain_wake)

    @classmethod
    def acquire(cls) -> BoardHost:
        with cls._lock:
            if cls._shared is None:
                cls._shared = cls()
                cls._shared._thread.start()
            cls._users += 1
            return cls._shared

    @classmethod
    def release(cls) -> None:
        with cls._lock:
            cls._users -= 1
            host = cls._shared
            if cls._users or host is None:
                return
            cls._shared = None
        host._end()
        host._raise_failure()

    def run(self, call: Callable[[], T]) -> T:
        """Call in the host's thread and give the result.

        Raises BoardHostFailed when something failed there meanwhile; the call is made all the same.
        """
        if threading.current_thread() is self._thread:
            return call()
        result: Future[T] = Future()

        def carry_out() -> None:
            try:
                result.set_result(call())
            except BaseException as error:  # noqa: BLE001 - it belongs to the caller
                result.set_exception(error)

        self._calls.append(carry_out)
        os.write(self._wake_in, b"\0")
        value = result.result()
        self._raise_failure()
        return value

    def after(self, delay_s: float, call: Callable[[], None]) -> Timer:
        timer = Timer(call)
        heapq.heappush(self._timers, (time.monotonic() + delay_s, next(self._order), timer))
        return timer

    def monotonic_us(self) -> int:
        return time.monotonic_ns() // 1000

    def boottime_ns(self) -> int:
        return time.clock_gettime_ns(time.CLOCK_BOOTTIME)

    def realtime_ns(self) -> int:
        return time.time_ns()

    def when_idle(self, call: Callable[[], None]) -> None:
        """At once: all may run at a time."""
        call()

    def horizon_us(self) -> int:
        """Anything may happen at any time."""
        return self.monotonic_us()

    def pass_to(self, at_us: int) -> None:
        """Time passes by itself here."""

    def set_running(self, process: Process, running: bool) -> None:
        """Nobody asks here who works and who waits."""

    def watch(self, fd: int, events: int, call: Callable[[int], object], *, text: bool = False) -> None:
        """`call(events)` whenever fd is ready; replaces what was watched on it before."""
        if fd in self._selector.get_map():
            self._selector.modify(fd, events, call)
        else:
            self._selector.register(fd, events, call)

    def unwatch(self, fd: int) -> None:
        if fd in self._selector.get_map():
            self._selector.unregister(fd)

    def _loop(self) -> None:
        while not self._ended:
            for key, events in self._selector.select(self._timeout_s()):
                # An earlier call of this round may have closed it; a late one would find a stranger.
                if self._selector.get_map().get(key.fd) is key:
                    self._guarded(key.data, events)
            now = time.monotonic()
            while self._timers and self._timers[0][0] <= now:
                self._guarded(heapq.heappop(self._timers)[2].fire)
            while self._calls:
                self._guarded(self._calls.popleft())
        self._selector.close()

    def _guarded(self, call: Callable[..., object], *arguments: object) -> None:
        try:
            call(*arguments)
        except Exception as error:  # noqa: BLE001 - the root of this thread; `run` raises it
            _log.exception("emulated board failed")
            self._failure = self._failure or error

    def _timeout_s(self) -> float | None:
        return max(0.0, self._timers[0][0] - time.monotonic()) if self._timers else None

    def _drain_wake(self, _events: int) -> None:
        os.read(self._wake_out, 4096)

    def _end(self) -> None:
        self._calls.append(lambda: setattr(self, "_ended", True))
        # A timer may let the thread see the call, and end, before it is woken: the pipe outlives it.
        os.write(self._wake_in, b"\0")
        self._thread.join()
        os.close(self._wake_in)
        os.close(self._wake_out)

    def _raise_failure(self) -> None:
        if self._failure is not None:
            failure, self._failure = self._failure, None
            raise BoardHostFailed(f"{type(failure).__name__}: {failure}") from failure
