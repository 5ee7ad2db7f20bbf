"""Octets on their way to a process, and never more of them than a receive buffer holds."""

from __future__ import annotations

import array
import fcntl
import os
import termios
from collections.abc import Callable


class InputPipe:
    """`far` is the end that the process reads; its other copy stays here, to look and to take back."""

    def __init__(self, limit: int) -> None:
        self.limit = limit
        self.on_put: Callable[[], None] | None = None
        self.far, self._near = os.pipe2(os.O_NONBLOCK | os.O_CLOEXEC)

    def put(self, octets: bytes) -> int:
        """Put what fits; gives how many octets were lost."""
        room = max(0, self.limit - self.waiting())
        if room and octets:
            os.write(self._near, octets[:room])
            if self.on_put is not None:
                self.on_put()
        return max(0, len(octets) - room)

    def waiting(self) -> int:
        count = array.array("i", [0])
        fcntl.ioctl(self.far, termios.FIONREAD, count)
        return count[0]

    def take_back(self) -> bytes:
        """What the process has not read."""
        try:
            return os.read(self.far, self.limit)
        except BlockingIOError:
            return b""

    def close(self) -> None:
        os.close(self.far)
        os.close(self._near)
