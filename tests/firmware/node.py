"""The firmware on the real MicroPython, as a program with pipes for its console."""

import os
import select
import subprocess
import time
from collections import deque
from collections.abc import Iterator
from pathlib import Path
from typing import Self

from hil_tests.interpreters import micropython
from wire import cbor, up
from wire.framing import ESCAPES_DOWN, FRAME_LIMIT_UP, FrameReader, stuff
from wire.message import Message

ROOT = Path(__file__).resolve().parents[2]
STANDIN = Path(__file__).resolve().parent / "standin"
SEARCH_PATH = f"{STANDIN}:{ROOT}:.frozen"
WAIT_S = 8.0  # for anything that the node should say


def run_script(source: str, timeout_s: float = 9.0) -> str:
    """Run MicroPython source with the firmware importable; give what it printed."""
    done = subprocess.run(
        [micropython(), "-X", "heapsize=400k", "-c", source],
        env={**os.environ, "MICROPYPATH": SEARCH_PATH},
        capture_output=True,
        text=True,
        timeout=timeout_s,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


class Node:
    """One running node. Messages in and out are objects of wire.up and wire.down."""

    def __init__(self, root: Path, **environment: str) -> None:
        self.reader = FrameReader(FRAME_LIMIT_UP)
        self.messages: list[Message] = []
        self._waiting: deque[Message] = deque()
        self.encoder = cbor.Encoder(1024)
        self._process = subprocess.Popen(
            [micropython(), "-X", "heapsize=400k", STANDIN / "node.py"],
            env={**os.environ, "MICROPYPATH": SEARCH_PATH, "FIELDGATE_ROOT": str(root), **environment},
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
        )
        assert self._process.stdin
        assert self._process.stdout
        self._input = self._process.stdin
        self._output = self._process.stdout

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._process.kill()
        self._process.wait()
        self._input.close()
        self._output.close()

    def end(self, seconds: float = WAIT_S) -> int:
        """Its exit code, once it has ended by itself. Raises TimeoutExpired."""
        return self._process.wait(seconds)

    def write(self, octets: bytes) -> None:
        self._input.write(octets)
        self._input.flush()

    def send(self, message: Message) -> None:
        self.write(stuff(message.encode(self.encoder), ESCAPES_DOWN))

    def interrupt(self) -> None:
        self._process.send_signal(2)

    def messages_for(self, seconds: float) -> Iterator[Message]:
        """What the node says, as it says it, for at most this long."""
        until = time.monotonic() + seconds
        while True:
            while self._waiting:
                yield self._waiting.popleft()
            left = until - time.monotonic()
            if left <= 0 or not select.select([self._output], [], [], left)[0]:
                return
            octets = os.read(self._output.fileno(), 4096)
            if not octets:
                return
            self._waiting.extend(up.decode(frame) for frame in self.reader.feed(octets))

    def wait_for(self, kind: type[Message], seconds: float = WAIT_S) -> Message:
        """The next message of this kind; the others before it are kept in `messages`."""
        for message in self.messages_for(seconds):
            self.messages.append(message)
            if isinstance(message, kind):
                return message
        said = self.reader.take_text()
        raise AssertionError(f"no {kind.__name__}; got {self.messages} {said!r}")
