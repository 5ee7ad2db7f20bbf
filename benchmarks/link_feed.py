"""A node that is as fast as its line: prepared frames out of a pseudo-terminal.

`plain`: all frames, one after another. `session`: speaks the link, within the gateway's window.
Started as a process of its own: prints the port's path, begins on a line on standard input.
"""

from __future__ import annotations

import argparse
import os
import pty
import select
import sys
import time
import tty

from wire import cbor, down, up
from wire.block import BlockBuilder
from wire.errors import WireError
from wire.framing import ESCAPES_UP, FRAME_LIMIT_DOWN, FrameReader, stuff

BOOT = 7 << 16 | 0x1234
UID = b"\x24\x0a\xc4\x00\x00\x01"
SCANS = 10
SCAN_US = 1000
CHUNK = 4096
DESCRIPTOR = {
    "channels": [
        {"exp": -2, "name": "air_temperature", "sensor": "bme280", "unit": "Cel"},
        {"exp": -2, "name": "relative_humidity", "sensor": "bme280", "unit": "%RH"},
        {"exp": 0, "name": "air_pressure", "sensor": "bme280", "unit": "Pa"},
    ],
    "groups": [{"channels": [0, 1, 2], "name": "air", "period_ms": 1000}],
    "node": {"name": "feed"},
}


def frames_of(count: int) -> list[bytes]:
    """`count` stuffed BLOCKs of ten BME280 scans, seq 0 on."""
    builder = BlockBuilder(3, SCANS)
    encoder = cbor.Encoder(1024)
    frames = []
    for seq in range(count):
        builder.clear()
        for scan in range(SCANS):
            at = seq * SCANS + scan
            builder.add(at * SCAN_US, (2500 + at % 7, 4500 - at % 11, 101_325 + at % 13))
        frames.append(stuff(builder.encode(encoder, BOOT, 1, seq, 0), ESCAPES_UP))
    return frames


class Feed:
    """The frames and the far end of the line."""

    def __init__(self, count: int) -> None:
        self.frames = frames_of(count)
        self.line, near = pty.openpty()
        tty.setraw(near)
        self._near = near  # held: the line outlives every reader
        self.path = os.ttyname(near)

    def plain(self) -> None:
        """Write everything; the kernel's buffer sets the pace."""
        octets = memoryview(b"".join(self.frames))
        at = 0
        while at < len(octets):
            at += os.write(self.line, octets[at : at + CHUNK])

    def session(self) -> None:
        """Say HELLO and go on until everything is acknowledged."""
        # All scans lie in the past of the node's clock, as those of a real node do.
        began = time.clock_gettime_ns(time.CLOCK_BOOTTIME) - len(self.frames) * SCANS * SCAN_US * 1000
        os.set_blocking(self.line, False)
        reader = FrameReader(FRAME_LIMIT_DOWN)
        encoder = cbor.Encoder(1024)
        name = up.descriptor_hash(cbor.encode(DESCRIPTOR))
        count = len(self.frames)
        hello = up.Hello(UID, BOOT, 0, "feed", name, "power_on", [[BOOT, 1, 0, count]], 240, bytes(8))
        pending = bytearray(stuff(hello.encode(encoder), ESCAPES_UP))
        window = in_flight = sent = acked = 0
        while acked < count:
            while sent < count and in_flight < window and len(pending) < CHUNK:
                pending += self.frames[sent]
                in_flight += len(self.frames[sent])
                sent += 1
            readable, writable, _ = select.select([self.line], [self.line] if pending else [], [], 1)
            if writable:
                del pending[: os.write(self.line, pending[:CHUNK])]
            for frame in reader.feed(os.read(self.line, 65536)) if readable else []:
                ticks = (time.clock_gettime_ns(time.CLOCK_BOOTTIME) - began) // 1000
                try:
                    message = down.decode(frame)
                except WireError:
                    continue
                match message:
                    case down.Ack():
                        in_flight -= sum(len(f) for f in self.frames[acked : message.next_seq])
                        acked, window = max(acked, message.next_seq), message.window
                    case down.Welcome():
                        window = message.window
                        if message.need_desc:
                            pending += stuff(up.Describe(DESCRIPTOR).encode(encoder), ESCAPES_UP)
                    case down.Time():
                        pending += stuff(up.TimeReply(message.id, ticks, ticks).encode(encoder), ESCAPES_UP)


def main() -> None:
    """Print the path, wait for a line, feed, wait for the end of standard input."""
    parser = argparse.ArgumentParser()
    parser.add_argument("mode", choices=["plain", "session"])
    parser.add_argument("count", type=int)
    options = parser.parse_args()
    feed = Feed(options.count)
    print(feed.path, flush=True)
    sys.stdin.readline()
    getattr(feed, options.mode)()
    print("done", flush=True)
    sys.stdin.read()


if __name__ == "__main__":
    main()
