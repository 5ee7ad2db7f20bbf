"""A serial line that damages what it carries, exactly as its seed says.

It opens a board's port and offers a port of its own. It runs in the boards' thread.
"""

from __future__ import annotations

import contextlib
import fcntl
import os
import termios
import tty
from dataclasses import replace
from pathlib import Path
from typing import Self, TypeVar

from hil_tests.board.host import READ, BoardHost, Timer
from hil_tests.board.line import PtyLine
from hil_tests.line_damage import FLAG, Damage, Damaged, Faults

T = TypeVar("T")
SEGMENT_S = 0.1  # a segment whose end does not come for so long goes on as it is
_READ_OCTETS = 4096
_OPEN = os.O_RDWR | os.O_NOCTTY | os.O_NONBLOCK | os.O_CLOEXEC


class _Direction:
    """One direction: damage, then delay, then onwards."""

    def __init__(self, host: BoardHost, seed: str, faults: Faults) -> None:
        self.damage = Damage(seed, faults)
        self._host = host
        self._flush: Timer | None = None

    def carry(self, octets: bytes, line: FaultyLine, *, up: bool) -> None:
        self._pass_on(self.damage.feed(octets), line, up=up)
        if self._flush is not None and (FLAG in octets or not self.damage.holding):
            self._flush.cancel()
            self._flush = None
        if self._flush is None and self.damage.holding:
            self._flush = self._host.after(SEGMENT_S, lambda: self._let_go(line, up=up))

    def _let_go(self, line: FaultyLine, *, up: bool) -> None:
        self._flush = None
        self._pass_on(self.damage.flush(), line, up=up)

    def _pass_on(self, octets: bytes, line: FaultyLine, *, up: bool) -> None:
        if octets and self.damage.faults.delay_s:
            self._host.after(self.damage.faults.delay_s, lambda: line.deliver(octets, up=up))
        elif octets:
            line.deliver(octets, up=up)


class FaultyLine:
    """A line between `upstream_port`, a board's, and `port`, for a gateway. Close it after use.

    "up" is from the board. `link` is a path of the test's choice that always leads to `port`.
    """

    def __init__(
        self,
        upstream_port: str,
        *,
        seed: int | str = 0,
        up: Faults | None = None,
        down: Faults | None = None,
        link: Path | None = None,
    ) -> None:
        self._host = BoardHost.acquire()
        self._up = _Direction(self._host, f"{seed} up", up or Faults())
        self._down = _Direction(self._host, f"{seed} down", down or Faults())
        self._near = PtyLine(self._host, lambda octets: self._down.carry(octets, self, up=False), link)
        self._upstream = -1
        self._upstream_port = upstream_port
        self._silent = False
        self._closed = False
        try:
            self._host.run(self._connect)
        except BaseException:
            self.close()
            raise

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    @property
    def port(self) -> str:
        """The path to open; the last one after a cut."""
        return self._near.path

    @property
    def up(self) -> Damaged:
        """What happened so far to what the board said."""
        return self._host.run(lambda: replace(self._up.damage.count))

    @property
    def down(self) -> Damaged:
        """What happened so far to what was said to the board."""
        return self._host.run(lambda: replace(self._down.damage.count))

    def set_faults(self, *, up: Faults | None = None, down: Faults | None = None) -> None:
        """From now on. None: as before."""

        def change() -> None:
            for direction, faults in ((self._up, up), (self._down, down)):
                direction.damage.faults = faults or direction.damage.faults

        self._host.run(change)

    def silence(self) -> None:
        """A broken wire: octets vanish, nobody is told. `restore` ends it."""
        self._silent = True

    def cut(self) -> None:
        """The adapter is pulled out: whoever has `port` open is hung up. `restore` ends it."""
        self._host.run(self._disconnect)

    def restore(self, *, upstream_port: str | None = None, link: Path | None = None) -> None:
        """All is well again; after a cut under a new `port`, and under another link if given."""

        def restore() -> None:
            self._silent = False
            self._upstream_port = upstream_port or self._upstream_port
            if upstream_port is not None or link is not None:
                self._disconnect()
            self._near.link = link or self._near.link
            self._connect()

        self._host.run(restore)

    def close(self) -> None:
        """Hang up and give everything back. Harmless a second time."""
        if not self._closed:
            self._closed = True
            try:
                self._host.run(self._disconnect)
            finally:
                BoardHost.release()

    def deliver(self, octets: bytes, *, up: bool) -> None:
        """The end of the line for octets that made it; called in the boards' thread."""
        if self._silent or self._upstream < 0:
            return
        if up:
            self._near.write(octets)
        else:
            with contextlib.suppress(OSError):
                os.write(self._upstream, octets)

    def _connect(self) -> None:
        if self._upstream < 0:
            self._upstream = os.open(
                self._upstream_port, os.O_RDWR | os.O_NOCTTY | os.O_NONBLOCK | os.O_CLOEXEC
            )
            # Nobody else may read it, such as a gateway that still has an old name of this pty.
            fcntl.flock(self._upstream, fcntl.LOCK_EX | fcntl.LOCK_NB)
            tty.setraw(self._upstream, termios.TCSANOW)
            self._host.watch(self._upstream, READ, self._on_upstream)
        self._near.plug()

    def _disconnect(self) -> None:
        if self._upstream >= 0:
            self._host.unwatch(self._upstream)
            os.close(self._upstream)
            self._upstream = -1
        self._near.unplug()

    def _on_upstream(self, _events: int) -> None:
        try:
            octets = os.read(self._upstream, _READ_OCTETS)
        except BlockingIOError:
            return
        except OSError:
            octets = b""
        if octets:
            self._up.carry(octets, self, up=True)
        else:
            self._disconnect()  # the board's own cable was pulled
