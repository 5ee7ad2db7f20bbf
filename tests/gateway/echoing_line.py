"""What a supervisor serves its ports with in tests: an echo in the place of a Line."""

import asyncio
import os

from gateway.serial_port import SerialPort


async def until(fact):
    """Wait for what must come; the test's own timeout is the limit."""
    while not fact():  # noqa: ASYNC110 - a state has no event; it is looked at
        await asyncio.sleep(0.001)


class EchoingLine:
    """Serves ports by sending back what comes, as a Line does: until PortLost."""

    def __init__(self):
        self.served = []
        self._devices = set()

    async def serve(self, port: SerialPort) -> None:
        device = os.path.realpath(port.path)  # noqa: ASYNC240 - a link in a RAM disk
        self.served.append(port.path)
        self._devices.add(device)
        try:
            while True:
                data, _arrived_ns = await port.read()
                await port.write(data)
        finally:
            self._devices.discard(device)

    async def echoed(self, pair, data=b"hello"):
        """What the node sends comes back; what it sent before the port was open is dropped."""
        await until(lambda: pair.device in self._devices)
        pair.send(data)
        assert await pair.receive(len(data)) == data
