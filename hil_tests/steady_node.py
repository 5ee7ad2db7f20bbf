"""A node without a board: the real session over a pseudo-terminal, a block every few milliseconds.

An emulated board costs a process and gives ten blocks a second; stories about brokers want many blocks
and no sensors. What it was told is the oracle: it stands outside of the gateway.
"""

from __future__ import annotations

import os
import pty
import select
import threading
import time
import tty
from collections.abc import Mapping
from pathlib import Path
from random import Random
from typing import Any, Self

from hil_tests.demo.identity import Identity, Stream
from wire import cbor, down, up
from wire.block import BlockBuilder
from wire.errors import WireError
from wire.framing import ESCAPES_UP, FRAME_LIMIT_DOWN, FrameReader, stuff
from wire.node_session import NodeSession

BOOT = 9 << 16 | 0x77AB
STREAM = 1
SCANS = 2
SCAN_US = 1000
BOOTED_NS = 1_000_000_000  # before it is made: its first block has scans of the past
POLL_S = 0.005
READ_OCTETS = 65_536
DESCRIPTOR = {
    "channels": [
        {"exp": -2, "name": "air_temperature", "sensor": "bme280", "unit": "Cel"},
        {"exp": -2, "name": "relative_humidity", "sensor": "bme280", "unit": "%RH"},
        {"exp": 0, "name": "air_pressure", "sensor": "bme280", "unit": "Pa"},
    ],
    "groups": [{"channels": [0, 1, 2], "name": "air", "period_ms": 1}],
    "node": {"name": "steady"},
}


class SteadyNode:
    """Makes a block every `every_s` between `flow` and `hush`, and keeps each until it is acknowledged.

    A block has so many `scans`. A context manager; its work is done in a thread. `port` is the path of its
    end for the gateway.
    """

    def __init__(
        self, uid: bytes = bytes.fromhex("240ac4007001"), *, every_s: float = 0.01, scans: int = SCANS
    ) -> None:
        self.of = Stream(uid.hex(), BOOT, STREAM)
        self._every_s = every_s
        self._line, near = pty.openpty()
        tty.setraw(near)
        self._near = near  # held: the line outlives every reader
        os.set_blocking(self._line, False)
        self.port = os.ttyname(near)
        self._queue = _Queue(scans)
        self._began_ns = time.clock_gettime_ns(time.CLOCK_BOOTTIME) - BOOTED_NS
        describe = up.Describe(DESCRIPTOR).encode(cbor.Encoder(1024))
        name = up.descriptor_hash(cbor.encode(DESCRIPTOR))
        hello = up.Hello(uid, BOOT, 0, "steady", name, "power_on", [], 240, bytes(8))
        self._session = NodeSession(hello, lambda: describe, self._queue, Random(1).randrange)
        self._flowing = threading.Event()
        self._ending = threading.Event()
        self._thread = threading.Thread(target=self._run, name="steady node")

    @property
    def everything(self) -> set[Identity]:
        """The blocks that it made."""
        return {self.of.record(seq) for seq in range(self._queue.next_seq)}

    @property
    def acknowledged(self) -> set[Identity]:
        """The blocks that the gateway said are on its disk."""
        return {self.of.record(seq) for seq in range(self._queue.first_seq)}

    @property
    def octets(self) -> Mapping[int, bytes]:
        """Every block's message by its seq, acknowledged or not."""
        return self._queue.octets

    def sampled_ns(self, seq: int) -> int:
        """CLOCK_BOOTTIME of the first scan of a block."""
        block = up.decode(self._queue.octets[seq])
        assert isinstance(block, up.Block)
        return self._began_ns + block.t_first * 1000

    def flow(self) -> None:
        """Make blocks from now on."""
        self._flowing.set()

    def hush(self) -> None:
        """Make no more blocks."""
        self._flowing.clear()

    def plug(self, path: Path) -> None:
        """Its port appears under this name."""
        path.symlink_to(self.port)

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._ending.set()
        self._thread.join()
        os.close(self._line)
        os.close(self._near)

    def _run(self) -> None:
        reader = FrameReader(FRAME_LIMIT_DOWN)
        pending = bytearray()
        due_s = time.monotonic()
        while not self._ending.is_set():
            now_s = time.monotonic()
            if self._flowing.is_set() and now_s >= due_s:
                self._queue.add(self._ticks())
                due_s = max(
                    due_s + self._every_s, now_s - 1.0
                )  # a busy machine is made up for, a second's worth
            pending += self._to_send() if len(pending) < READ_OCTETS else b""
            writing = [self._line] if pending else []
            readable, writable, _ = select.select([self._line], writing, [], POLL_S)
            try:
                if writable:
                    del pending[: os.write(self._line, pending)]
                octets = os.read(self._line, READ_OCTETS) if readable else b""
            except OSError:  # nobody has the port open, or its buffer is full
                continue
            for frame in reader.feed(octets):
                self._take(frame)

    def _ticks(self) -> int:
        return (time.clock_gettime_ns(time.CLOCK_BOOTTIME) - self._began_ns) // 1000

    def _to_send(self) -> bytes:
        ticks = self._ticks()
        found = b""
        while (message := self._session.poll(ticks // 1000, ticks)) is not None:
            found += stuff(message, ESCAPES_UP)
        return found

    def _take(self, frame: bytes) -> None:
        ticks = self._ticks()
        try:
            self._session.receive(down.decode(frame), ticks // 1000, ticks)
        except WireError:
            return


class _Queue:
    """Blocks until they are acknowledged, however many they are (wire.node_session.Queue)."""

    def __init__(self, scans: int) -> None:
        self._scans = scans
        self.first_seq = 0
        self.next_seq = 0
        self.octets: dict[int, bytes] = {}  # of all that was made: the oracle forgets nothing
        self._builder = BlockBuilder(3, scans)
        self._encoder = cbor.Encoder(1024)

    def add(self, ticks: int) -> None:
        self._builder.clear()
        for scan in range(self._scans):
            at = self.next_seq * self._scans + scan
            self._builder.add(
                ticks - SCAN_US * (self._scans - scan),
                (2500 + at % 700, 4500 - at % 1100, 101_325 + at % 1300),
            )
        self.octets[self.next_seq] = self._builder.encode(self._encoder, BOOT, STREAM, self.next_seq, 0)
        self.next_seq += 1

    def held(self) -> list[list[int]]:
        return [[BOOT, STREAM, self.first_seq, self.next_seq]]

    def descs(self) -> list[list[Any]]:
        return []

    def get(self, _boot: int, _stream: int, seq: int) -> tuple[bytes, int]:
        return self.octets[seq], seq + 1

    def free(self, _boot: int, _stream: int, next_seq: int) -> int:
        freed = max(0, min(next_seq, self.next_seq) - self.first_seq)
        self.first_seq += freed
        return freed
