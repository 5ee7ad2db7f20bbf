"""The link: octets of a port into the session, the session's messages out as frames."""

import asyncio

from firmware.heart import LINK_IN, LINK_OUT
from wire import down
from wire.errors import WireError
from wire.framing import ESCAPES_UP, FRAME_LIMIT_DOWN, FrameReader, stuff
from wire.message import CHUNK, COMMAND
from wire.node_session import UP
from wire.remote import REPEAT_MS


class Link:
    """Drives `session` (wire.node_session.NodeSession) over `port` (firmware.ports); beats in `heart`.

    `obey(order)` gives the encoded RESULT of a COMMAND or CHUNK.
    `refused` counts segments that were no frame and frames that were no message.
    """

    def __init__(self, port, session, ticks, obey, heart) -> None:
        self.refused = 0
        self._obey = obey
        self._heart = heart
        self._port = port
        self._session = session
        self._ticks = ticks
        port.heart = heart  # Wi-Fi has a wait beside which nothing runs
        self._reader = FrameReader(FRAME_LIMIT_DOWN, self._on_refused)
        self._wake = asyncio.Event()

    def wake(self) -> None:
        """There is a new record or log line."""
        self._wake.set()

    async def receive(self) -> None:
        """Read for ever."""
        while True:
            self._heart.beat(LINK_IN, -1)
            octets = await self._port.read()
            self._heart.beat(LINK_IN, 0)
            received_us = self._ticks.now_us()  # right at the flag that ends a frame
            for frame in self._reader.feed(octets):
                self._take(frame, received_us)
            self._reader.take_text()  # nobody reads what is typed here; it must not pile up

    async def send(self) -> None:
        """Write what the session has to say, for ever; sleeps until it may have more."""
        while True:
            self._wake.clear()
            self._heart.beat(LINK_OUT, 0)
            while self._send_one():
                await asyncio.sleep_ms(0)  # the samplers' turn: a console write blocks for its length
                self._heart.beat(LINK_OUT, 0)
            wait_ms = self._session.wait_ms(self._ticks.now_ms()) + 1
            self._heart.beat(LINK_OUT, wait_ms)
            try:
                await asyncio.wait_for_ms(self._wake.wait(), wait_ms)
            except asyncio.TimeoutError:
                pass

    def _send_one(self) -> bool:
        now_us = self._ticks.now_us()
        message = self._session.poll(now_us // 1000, now_us)
        if message is None:
            return False
        self._port.write(stuff(message, ESCAPES_UP))
        return True

    def _take(self, frame: bytes, received_us: int) -> None:
        try:
            message = down.decode(frame)
            if message.TYPE in (COMMAND, CHUNK) and self._session.state == UP:
                self._session.answer = self._obey(message)
        except MemoryError:
            # An order needs memory. The gateway repeats it, and a node that sleeps stays awake for that.
            self._session.heard_ms = received_us // 1000 + REPEAT_MS
            self.refused += 1
            return
        except WireError:
            self.refused += 1
            return
        self._session.receive(message, received_us // 1000, received_us)
        self._wake.set()

    def _on_refused(self, _reason: str, _octets: bytes) -> None:
        self.refused += 1
