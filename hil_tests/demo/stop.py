"""The wish to end, as signals tell it."""

from __future__ import annotations

import asyncio
import signal
from contextlib import suppress

SIGNALS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)


class Stop:
    """`asked` once a signal came; `hurried` once a second one did."""

    def __init__(self) -> None:
        self.asked = asyncio.Event()
        self.hurried = False

    def listen(self) -> None:
        """Take the signals from now on, in the running event loop."""
        loop = asyncio.get_running_loop()
        for each in SIGNALS:
            loop.add_signal_handler(each, self.ask)

    def ask(self) -> None:
        """A signal came."""
        self.hurried = self.asked.is_set()
        self.asked.set()

    async def pause(self, seconds: float) -> None:
        """Sleep, but not beyond a signal."""
        with suppress(TimeoutError):
            async with asyncio.timeout(seconds):
                await self.asked.wait()
