"""One serial cable: a pty whose far side is the board's, its near side whoever opens `path`."""

from __future__ import annotations

import os
import pty
import tty
from collections.abc import Callable
from pathlib import Path

from hil_tests.board.host import READ, WRITE, Host, Timer

BACKLOG_OCTETS = 65536  # beyond what the pty holds, as a real adapter's driver has; then the board waits
# The pty took nothing for so long: nobody is there. It takes 4 KiB at a time, which may be a
# second's work for a reader of single octets on a busy machine.
STALL_S = 2.0
_READ_OCTETS = 4096


class PtyLine:
    """Lives in the host's thread. `on_octets(octets)` for what arrives at the board.

    A `link` is made when the cable is plugged in and removed before it is pulled out: the kernel
    gives the number of a pty to the next one, and a name left behind would lead to a stranger's.

    A reader that takes its time slows the board once the backlog is full; one that takes nothing
    for STALL_S makes the line drop what the board says, until somebody reads again.
    """

    def __init__(self, host: Host, on_octets: Callable[[bytes], None], link: Path | None = None) -> None:
        self.dropped = 0
        self.link = link
        self._host = host
        self._on_octets = on_octets
        self._far = -1
        self._near = -1
        self._path = ""
        self._backlog = bytearray()
        self._deaf = False
        self._stall: Timer | None = None
        self._waiting: list[Callable[[], None]] = []

    @property
    def path(self) -> str:
        """The name to open; the last one while unplugged, empty before."""
        return self._path

    @property
    def plugged(self) -> bool:
        return self._far >= 0

    @property
    def busy(self) -> bool:
        """True when more had better wait."""
        return len(self._backlog) > BACKLOG_OCTETS

    def plug(self) -> None:
        if self.plugged:
            return
        self._far, self._near = pty.openpty()
        tty.setraw(self._near)  # else it echoes until somebody sets it raw
        # The near side stays open here: else the far one fails whenever the last reader closes.
        os.set_blocking(self._far, False)
        self._path = os.ttyname(self._near)
        self._host.watch(self._far, READ, self._on_event)
        if self.link is not None:
            self.link.unlink(missing_ok=True)
            self.link.symlink_to(self._path)

    def unplug(self) -> None:
        """Hang up whoever has it open."""
        if not self.plugged:
            return
        if self.link is not None:
            self.link.unlink(missing_ok=True)
        self._host.unwatch(self._far)
        os.close(self._far)
        os.close(self._near)
        self._far = self._near = -1
        self._drop_backlog()
        self._deaf = False

    def write(self, octets: bytes) -> None:
        """Say it, or keep it for a moment, or drop it; never waits."""
        if not self.plugged:
            self.dropped += len(octets)
            return
        if not self._backlog:
            octets = octets[self._send(octets) :]
            if not octets:
                return
        if self._deaf:
            self.dropped += len(octets)
            return
        if not self._backlog:
            self._host.watch(self._far, READ | WRITE, self._on_event)
            self._restart_stall()
        self._backlog += octets

    def when_free(self, call: Callable[[], None]) -> None:
        """Call once `busy` is over."""
        if self.busy:
            self._waiting.append(call)
        else:
            call()

    def _send(self, octets: bytes) -> int:
        try:
            sent = os.write(self._far, octets)
        except BlockingIOError:
            return 0
        self._deaf = self._deaf and not sent
        return sent

    def _on_event(self, events: int) -> None:
        if events & WRITE:
            sent = self._send(bytes(self._backlog))
            if sent:
                del self._backlog[:sent]
                self._restart_stall()
            self._settle()
        if events & READ and self.plugged:
            try:
                octets = os.read(self._far, _READ_OCTETS)
            except (BlockingIOError, OSError):
                return
            self._on_octets(octets)

    def _restart_stall(self) -> None:
        if self._stall is not None:
            self._stall.cancel()
        self._stall = self._host.after(STALL_S, self._on_stall)

    def _on_stall(self) -> None:
        self._stall = None
        self._deaf = True
        self._drop_backlog()

    def _drop_backlog(self) -> None:
        self.dropped += len(self._backlog)
        self._backlog.clear()
        self._settle()

    def _settle(self) -> None:
        if not self._backlog:
            if self._stall is not None:
                self._stall.cancel()
                self._stall = None
            if self.plugged:
                self._host.watch(self._far, READ, self._on_event)
        if not self.busy:
            waiting, self._waiting = self._waiting, []
            for call in waiting:
                call()
