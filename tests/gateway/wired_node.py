"""A node without a board: the node's own session and queue, on the far end of a cable."""

import asyncio
import os
import time

from tests.wire.chain import BOOT, UID, Queue
from wire import cbor, down, remote, up
from wire.errors import WireError
from wire.framing import ESCAPES_UP, FRAME_LIMIT_DOWN, FrameReader, stuff
from wire.node_session import NodeSession

DESCRIPTOR = {
    "channels": [{"exp": -2, "name": "air_temperature", "sensor": "bme280", "unit": "Cel"}],
    "groups": [{"channels": [0], "name": "air", "period_ms": 1000}],
    "node": {"name": "test"},
}
DESCRIPTOR_NAME = up.descriptor_hash(cbor.encode(DESCRIPTOR))
POLL_S = 0.002


class WiredNode:
    """Speaks through `pair` while `run` is awaited. `obey(order)` gives a Result; None: it says nothing.

    `sleep`, where it has one, is that of its descriptor; it does not sleep by itself.
    """

    def __init__(self, pair, *, uid=UID, boot=BOOT, first_seq=0, obey=lambda _order: None, sleep=None):
        self.pair = pair
        self._obey = obey
        self._encoder = cbor.Encoder(1024)
        self.queue = Queue(first_seq)
        self.received = []
        describe = up.Describe({**DESCRIPTOR, "sleep": sleep} if sleep else DESCRIPTOR)
        name = up.descriptor_hash(cbor.encode(describe.descriptor))
        hello = up.Hello(uid, boot, 0, "test", name, "power_on", [], 240, b"nonce678")
        self.session = NodeSession(
            hello,
            lambda: describe.encode(cbor.Encoder(1024)),
            self.queue,
            lambda limit: os.urandom(1)[0] % limit,
        )
        self._reader = FrameReader(FRAME_LIMIT_DOWN)
        self._began_ns = time.clock_gettime_ns(time.CLOCK_BOOTTIME)

    def add(self, count=1):
        for _ in range(count):
            self.queue.add()

    def ticks(self):
        return (time.clock_gettime_ns(time.CLOCK_BOOTTIME) - self._began_ns) // 1000

    async def run(self):
        while True:
            for octets in self.pair.received_now():
                for frame in self._reader.feed(octets):
                    try:
                        message = down.decode(frame)
                    except WireError:
                        continue
                    self.received.append(message)
                    if isinstance(message, remote.Command | remote.Chunk):
                        result = self._obey(message)
                        self.session.answer = result and result.encode(self._encoder)
                    self.session.receive(message, self.ticks() // 1000, self.ticks())
            while (message := self.session.poll(self.ticks() // 1000, self.ticks())) is not None:
                self.pair.send(stuff(message, ESCAPES_UP))
            await asyncio.sleep(POLL_S)
