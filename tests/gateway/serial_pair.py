"""A pty pair that stands for a cable: the far end is the node's, the near end the gateway's."""

import asyncio
import os
import pty
import tty
from pathlib import Path


class SerialPair:
    """`path` is what the gateway opens: a name in `directory`, as /dev would have it."""

    def __init__(self, directory: Path, name: str = "ttyUSB0") -> None:
        self._far, near = pty.openpty()
        tty.setraw(near)  # else it echoes until somebody sets it raw
        self.device = os.ttyname(near)
        self._near = near  # held, or the far end fails with EIO whenever the gateway closes
        os.set_blocking(self._far, False)
        self._link = directory / name
        self._link.symlink_to(self.device)
        self.path = str(self._link)

    def rename(self, name: str) -> None:
        """The kernel gives the same device another name."""
        self._link = self._link.rename(self._link.with_name(name))
        self.path = str(self._link)

    def send(self, data: bytes) -> None:
        """The node sends; at most what the kernel holds."""
        assert os.write(self._far, data) == len(data)

    async def receive(self, octets: int) -> bytes:
        """What the node gets, once so many octets are there. The test's timeout is the limit."""
        received = bytearray()
        loop = asyncio.get_running_loop()
        while len(received) < octets:
            arrived = asyncio.Event()
            loop.add_reader(self._far, arrived.set)
            try:
                await arrived.wait()
            finally:
                loop.remove_reader(self._far)
            received += os.read(self._far, 65536)
        return bytes(received)

    def received_now(self) -> list[bytes]:
        """What the node has got and not yet taken."""
        try:
            return [os.read(self._far, 65536)]
        except BlockingIOError:
            return []

    def unplug(self) -> None:
        """Pull the cable: the name goes and everybody who has it open is hung up."""
        if self._far >= 0:
            self._link.unlink()
            os.close(self._far)
            os.close(self._near)
            self._far = self._near = -1
