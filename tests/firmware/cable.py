"""The gateway's end of an emulated board's cable, message by message."""

import os
import time
import tty

from wire import cbor, down, faults, up
from wire.framing import ESCAPES_DOWN, FRAME_LIMIT_UP, FrameReader, stuff

WINDOW = 4000


class Cable:
    """The other end of the board's console, opened as a terminal that changes nothing."""

    def __init__(self, path):
        self._fd = os.open(path, os.O_RDWR | os.O_NOCTTY | os.O_NONBLOCK)
        tty.setraw(self._fd)
        self._reader = FrameReader(FRAME_LIMIT_UP)
        self._encoder = cbor.Encoder(1024)
        self._waiting = []

    def close(self):
        os.close(self._fd)

    def send(self, message):
        self.write(stuff(message.encode(self._encoder), ESCAPES_DOWN))

    def write(self, octets):
        os.write(self._fd, octets)

    def wait_for(self, kind, seconds=8.0):
        until = time.monotonic() + seconds
        while time.monotonic() < until:
            while self._waiting:
                message = self._waiting.pop(0)
                if isinstance(message, kind):
                    return message
            self._waiting += [up.decode(frame) for frame in self._reader.feed(self._read())]
        raise AssertionError(f"no {kind.__name__}; console: {self._reader.take_text()!r}")

    def messages(self):
        """What has come by now."""
        self._waiting += [up.decode(frame) for frame in self._reader.feed(self._read())]
        found, self._waiting = self._waiting, []
        return found

    def wait_for_text(self, text, seconds=8.0):
        until = time.monotonic() + seconds
        seen = b""
        while text not in seen:
            assert time.monotonic() < until, seen
            seen += self._read()

    def meet(self):
        hello = self.wait_for(up.Hello)
        points = [[boot, stream, first] for boot, stream, first, _ in hello.queued]
        self.send(down.Welcome("gw", points, WINDOW, need_desc=False, nonce=bytes(8)))
        return hello

    def every_block(self, group):
        """Blocks of one group, acknowledged."""
        while True:
            block = self.wait_for(up.Block)
            self.send(down.Ack(block.boot, block.stream, block.next_seq, WINDOW))
            if block.group == group:
                yield block

    def blocks(self, group):
        """Settled blocks of one group, acknowledged."""
        for block in self.every_block(group):
            if faults.UNSETTLED.code not in block.exceptions.values():
                yield block

    def _read(self):
        try:
            return os.read(self._fd, 4096)
        except BlockingIOError:
            time.sleep(0.002)
            return b""
