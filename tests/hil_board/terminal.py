"""Somebody at the other end of a board's cable."""

import fcntl
import os
import select
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from typing import Self

from hil_tests.board import Board

WAIT_S = 8.0  # for anything that a board should say


class Terminal:
    """An open port. What is waited for must come; what else comes is given with it."""

    def __init__(self, port: str) -> None:
        self.fd = os.open(port, os.O_RDWR | os.O_NOCTTY | os.O_NONBLOCK)
        fcntl.flock(self.fd, fcntl.LOCK_EX | fcntl.LOCK_NB)  # whoever has an old name of it keeps out

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        os.close(self.fd)

    def write(self, octets: bytes) -> None:
        assert os.write(self.fd, octets) == len(octets)

    def read_until(self, ending: bytes, seconds: float = WAIT_S) -> bytes:
        """Everything up to and with `ending`."""
        until = time.monotonic() + seconds
        heard = b""
        while not heard.endswith(ending):
            left = until - time.monotonic()
            if left <= 0 or not select.select([self.fd], [], [], left)[0]:
                raise AssertionError(f"no {ending!r} in ...{heard[-400:]!r}")
            with suppress(BlockingIOError):  # a pty may be readable a moment before it is
                heard += os.read(self.fd, 1)
        return heard

    def read_for(self, seconds: float) -> bytes:
        """All that comes in this time."""
        until = time.monotonic() + seconds
        heard = b""
        while (left := until - time.monotonic()) > 0 and select.select([self.fd], [], [], left)[0]:
            with suppress(BlockingIOError):
                heard += os.read(self.fd, 4096)
        return heard

    def is_hung_up(self) -> bool:
        """Whether the far side is gone; what it said before is thrown away."""
        poll = select.poll()
        poll.register(self.fd, select.POLLIN)
        while not any(events & select.POLLHUP for _, events in poll.poll(WAIT_S * 1000)):
            with suppress(BlockingIOError):
                os.read(self.fd, 4096)
        with suppress(OSError):
            while os.read(self.fd, 4096):
                pass
        return True

    def stop_program(self) -> None:
        """Ctrl-C, and into the raw REPL."""
        self.write(b"\r\x03")
        self.write(b"\r\x01")
        self.read_until(b"raw REPL; CTRL-B to exit\r\n>")

    def execute(self, source: str) -> str:
        """Run source in the raw REPL; what it printed. Fails when it raised."""
        self.write(source.encode() + b"\x04")
        self.read_until(b"OK")
        printed = self.read_until(b"\x04")[:-1]
        raised = self.read_until(b"\x04>")[:-2]
        assert raised == b"", printed + raised
        return printed.decode().replace("\r\n", "\n")


@contextmanager
def raw_repl(board: Board) -> Iterator[Terminal]:
    board.wait_listening()
    with Terminal(board.port) as terminal:
        terminal.stop_program()
        yield terminal


def wait_for(fact: Callable[[], bool], seconds: float = WAIT_S) -> None:
    """Look again and again until it is so."""
    until = time.monotonic() + seconds
    while not fact():
        assert time.monotonic() < until, "it did not come to be"
        time.sleep(0.005)
