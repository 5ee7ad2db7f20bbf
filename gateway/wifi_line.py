"""One node's two topics on the broker, as the port of a line. Used once."""

from __future__ import annotations

import asyncio
from collections import deque
from typing import TYPE_CHECKING

from gateway.line_port import Whole
from gateway.serial_adapter import SerialAdapter
from gateway.serial_port import PortLost

if TYPE_CHECKING:
    from collections.abc import Callable

MESSAGES_LIMIT = 64  # not taken yet; a node's window is fewer
IDLE_S = 300.0  # a node that lives says something every 90 s


class WifiLine:
    """What comes is put in by `take`; `publish(octets)` sends, and raises ConnectionLost."""

    framing = Whole

    def __init__(self, path: str, uid: bytes, publish: Callable[[bytes], None]) -> None:
        self.path = path
        self.uid: bytes | None = uid
        self.adapter = SerialAdapter()
        self._publish = publish
        self._messages: deque[tuple[bytes, int]] = deque()
        self._news = asyncio.Event()
        self._lost = ""

    def take(self, message: bytes, arrived_ns: int) -> bool:
        """A message came; False where the line is too slow for it, and the node has to say it again."""
        if len(self._messages) >= MESSAGES_LIMIT:
            return False
        self._messages.append((message, arrived_ns))
        self._news.set()
        return True

    def lose(self, reason: str) -> None:
        """The broker is gone: whoever reads or writes gets PortLost."""
        self._lost = self._lost or reason
        self._news.set()

    async def read(self) -> tuple[bytes, int]:
        """The next message and when it came. Raises PortLost."""
        while not self._messages:
            self._check()
            self._news.clear()
            try:
                async with asyncio.timeout(IDLE_S):
                    await self._news.wait()
            except TimeoutError:
                self.lose("idle")
        return self._messages.popleft()

    async def write(self, data: bytes) -> None:
        """Publish. Raises PortLost."""
        self._check()
        self._publish(data)

    def _check(self) -> None:
        if self._lost:
            raise PortLost(self.path, self._lost)
