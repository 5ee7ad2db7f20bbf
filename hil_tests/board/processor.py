"""One MicroPython process: from a boot of the board to its reset, cut or crash."""

from __future__ import annotations

import contextlib
import os
import signal
import socket
import struct
import subprocess
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import NamedTuple, Protocol

from hil_tests.board.child import codes
from hil_tests.board.host import READ, Host
from hil_tests.board.pipe import InputPipe
from hil_tests.board.shim import shim_directory

HEAD = struct.Struct("<BBHi")
SHIM_OCTETS = 48_000  # what the shim takes of the 32-bit build's heap; the firmware is not charged for it
_CARRY_OCTETS = {codes.DONE, codes.I2C, codes.WRITE, codes.ASK, codes.SPI}
_ASK = _CARRY_OCTETS - {codes.DONE} | {
    *(codes.PIN_SENSE, codes.WAITING, codes.KBD_INTR, codes.ONE_WIRE, codes.WAIT)
}
_RECEIVE_OCTETS = 65536
LOOK_US = 50_000
_SEND_S = 2.0  # the process reads at once whenever it is sent more than a pipe holds


class Message(NamedTuple):
    """One message of the process."""

    code: int
    small: int
    middle: int
    value: int
    octets: bytes


class Surroundings(Protocol):
    """What a process talks to."""

    def on_message(self, message: Message) -> None: ...
    def on_text(self, octets: bytes) -> None: ...
    def on_death(self, status: int) -> None: ...


class Processor:
    """Lives in the host's thread. `end` kills it; after that nothing of it is heard."""

    def __init__(
        self,
        host: Host,
        surroundings: Surroundings,
        program: Path,
        heap_octets: int,
        inputs: Mapping[int, InputPipe],
    ) -> None:
        self._host = host
        self._surroundings = surroundings
        self._received = bytearray()
        self._posted = b""
        self.uart_fds = {number: pipe.far for number, pipe in inputs.items() if number}
        self._socket, far = socket.socketpair()
        self._socket.settimeout(None if host.virtual else _SEND_S)
        self._socket.setsockopt(socket.SOL_SOCKET, socket.SO_RCVTIMEO, struct.pack("ll", 0, LOOK_US))
        self._text, text_far = os.pipe2(os.O_CLOEXEC)
        os.set_blocking(self._text, False)
        self._process = subprocess.Popen(
            [
                program,
                "-X",
                f"heapsize={heap_octets + SHIM_OCTETS}",
                "-c",
                f"import start;start.run({far.fileno()})",
            ],
            env={"MICROPYPATH": f"{shim_directory()}:.frozen", "PATH": os.defpath, "TZ": "UTC"},
            stdin=inputs[0].far,
            stdout=text_far,
            stderr=text_far,
            pass_fds=(far.fileno(), *self.uart_fds.values()),
            process_group=0,  # a Ctrl-C for the program that runs the boards is not for them
        )
        far.close()
        os.close(text_far)
        self._alive = True
        self.on_news: Callable[[], None] | None = None  # called after each message that is no answer
        host.set_running(self, True)
        host.watch(self._socket.fileno(), READ, lambda _: self.hear())
        self.hear_text()

    @property
    def pid(self) -> int:
        return self._process.pid

    def post(self, code: int, small: int = 0, value: int = 0) -> None:
        """Have this go before the next message."""
        self._posted += HEAD.pack(code, small, 0, value)

    def send(self, code: int, small: int = 0, value: int = 0, octets: bytes = b"") -> None:
        """Send a message, if the process still is. One that cannot be sent ends in on_death."""
        if not self._alive:
            return
        head = self._posted + HEAD.pack(code, small, 0, len(octets) or value)
        self._posted = b""
        with contextlib.suppress(OSError):
            self._socket.sendall(head + octets)
        if code in {codes.VALUE, codes.DATA}:
            self._host.set_running(self, True)
        elif self.on_news is not None:
            self.on_news()

    def hear_text(self) -> None:
        if self._alive:
            self._host.watch(self._text, READ, lambda _: self._pass_text(), text=True)

    def hold_text(self) -> None:
        """Let `print` wait for now."""
        self._host.unwatch(self._text)

    def drain_text(self) -> None:
        """Pass on everything that was printed before the message at hand."""
        while self._alive and self._pass_text():
            pass

    def end(self) -> int:
        """SIGKILL; gives the exit status."""
        if not self._alive:
            return self._process.returncode
        self._alive = False
        self._host.set_running(self, False)
        self._host.unwatch(self._socket.fileno())
        self._host.unwatch(self._text)
        self._process.kill()
        status = self._process.wait()
        self._socket.close()
        os.close(self._text)
        return status

    def _pass_text(self) -> bool:
        try:
            octets = os.read(self._text, _RECEIVE_OCTETS)
        except BlockingIOError:
            return False
        if not octets:
            self._host.unwatch(self._text)
            return False
        self._surroundings.on_text(octets)
        return True

    def hear(self) -> bool:
        """Take what it says; False when it says nothing within LOOK_US, for which a virtual host waits."""
        try:
            octets = self._socket.recv(_RECEIVE_OCTETS)
        except BlockingIOError:
            return False
        except ConnectionError:
            octets = b""
        if octets:
            self._received += octets
            self._deliver()
        else:
            self.drain_text()
            self._surroundings.on_death(self.end())
        return True

    def _deliver(self) -> None:
        at = 0
        received = self._received
        while self._alive and len(received) - at >= HEAD.size:
            code, small, middle, value = HEAD.unpack_from(received, at)
            end = at + HEAD.size + (value if code in _CARRY_OCTETS else 0)
            if len(received) < end:
                break
            octets = bytes(received[at + HEAD.size : end])
            at = end
            if code in _ASK:
                self._host.set_running(self, False)
            self._surroundings.on_message(Message(code, small, middle, value, octets))
        del received[:at]


def crashed(status: int) -> str:
    """How a process that was not killed by us ended."""
    return signal.Signals(-status).name if status < 0 else f"exit {status}"
