"""A cable and Wi-Fi together: one session, on one of them at a time.

So every record has one way, one ACK and one place in the store. The cable is preferred: it is taken
whenever the gateway asks for HELLO on it. The other one is tried when a HELLO had no answer.
"""

import asyncio

from wire.compat import const
from wire.framing import ESCAPES_UP, FRAME_LIMIT_DOWN, FrameReader, stuff

_HELLO = const(0)
_TYPE_AT = const(2)  # in a frame: behind the flag and the head of the array
_WHO = const(b"\x81\x0c")


class TwoPorts:
    """`first` is the cable; `second` knows by its `ready` whether what is written may arrive."""

    def __init__(self, first, second) -> None:
        self._ports = (first, second)
        self._readers = (FrameReader(FRAME_LIMIT_DOWN), FrameReader(FRAME_LIMIT_DOWN))
        self._at = 0  # the one in use
        self._unanswered = False  # the latest HELLO
        self._came: list[tuple] = []  # (number of the port, what it read, or why it ended)
        self._news = asyncio.Event()
        self._tasks = None

    @property
    def heart(self):
        """Of the one that needs it."""
        return self._ports[1].heart

    @heart.setter
    def heart(self, heart) -> None:
        self._ports[1].heart = heart

    async def read(self) -> bytes:
        """Frames of the port in use, and what changes the port."""
        if self._tasks is None:
            self._tasks = [asyncio.create_task(self._listen(at)) for at in (0, 1)]
        while not self._came:
            self._news.clear()
            await self._news.wait()
        at, came = self._came.pop(0)
        if isinstance(came, Exception):
            raise came
        frames = self._readers[at].feed(came)
        self._readers[at].take_text()
        return b"".join([stuff(each, ESCAPES_UP) for each in frames if self._is_for_us(at, each)])

    def write(self, frame: bytes) -> None:
        """On the port in use; a HELLO may go on the other one."""
        if frame[_TYPE_AT] == _HELLO:
            works = self._at == 0 or self._ports[1].ready
            if (self._unanswered or not works) and (self._at or self._ports[1].ready):
                self._at = 1 - self._at
            self._unanswered = True
        self._ports[self._at].write(frame)

    def _is_for_us(self, at: int, message: bytes) -> bool:
        if at != self._at:
            # The gateway asks on both when a node has moved: only what is better moves it again.
            if message != _WHO or not (self._at or self._unanswered):
                return False
            self._at = at
        self._unanswered = False
        return True

    async def _listen(self, at: int) -> None:
        try:
            while True:
                came = await self._ports[at].read()
                self._came.append((at, came))
                self._news.set()
                await asyncio.sleep_ms(0)  # the link takes it
        except Exception as error:  # noqa: BLE001 - raised in the link's task, where it is recorded
            self._came.append((at, error))
            self._news.set()
