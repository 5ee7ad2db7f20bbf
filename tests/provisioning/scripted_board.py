"""What may be at the other end of a port, on a pty: silence, a chatterer, a board that answers by rote."""

import ast
import contextlib
import os
import pty
import re
import select
import threading
import tty
from collections.abc import Callable
from typing import Self

from provisioning import board_scripts
from provisioning.application import sha256

BANNER = b"\r\nraw REPL; CTRL-B to exit\r\n>"
_TICK_S = 0.02
_OPEN = re.compile(r"f=open\('([^']+)','wb'\)")


class Peer:
    """Runs `on_octets` for what comes and `on_tick` all the time, in a thread of its own."""

    def __init__(self) -> None:
        self._far, near = pty.openpty()
        tty.setraw(near)
        self.path = os.ttyname(near)
        self._near = near  # held, or the far end fails with EIO whenever the tool closes
        self._ends = threading.Event()
        self._thread = threading.Thread(target=self._serve)
        self.received = b""

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._ends.set()
        self._thread.join()
        self.unplug()

    def unplug(self) -> None:
        """Pull the cable."""
        for name in ("_far", "_near"):
            fd = getattr(self, name)
            if fd >= 0:
                os.close(fd)
                setattr(self, name, -1)

    def send(self, octets: bytes) -> None:
        if self._far >= 0:
            os.write(self._far, octets)

    def on_octets(self, octets: bytes) -> None:
        """Silence."""

    def on_tick(self) -> None:
        """Silence."""

    def _serve(self) -> None:
        while self._far >= 0:
            if select.select([self._far], [], [], _TICK_S)[0]:
                octets = os.read(self._far, 4096)
                self.received += octets
                self.on_octets(octets)
            elif self._ends.is_set():  # only now: what the tool said last is heard, too
                return
            with contextlib.suppress(BlockingIOError):
                self.on_tick()


class Chatterer(Peer):
    """Says the same for ever, whatever it hears."""

    def __init__(self, text: bytes) -> None:
        super().__init__()
        self._text = text
        os.set_blocking(self._far, False)

    def on_tick(self) -> None:
        self.send(self._text)


class ScriptedBoard(Peer):
    """A raw REPL without raw paste, which knows the tool's scripts and what they print.

    `before(script)` is called ahead of each answer and may unplug the board or give another answer.
    """

    def __init__(self, before: Callable[[str], "str | Exception | None"] = lambda _script: None) -> None:
        super().__init__()
        self.inspection: dict[str, object] = {
            "name": "micropython",
            "version": (1, 24, 1),
            "mpy": 6,
            "board": "a scripted board",
            "root": ["boot.py"],
            "files": {},
            "switching": False,
            "slot": "a",
        }
        self.space: dict[str, object] = {"replaces": True, "block": 4096, "free": 400}
        self.files: dict[str, bytes] = {}
        self.scripts: list[str] = []
        self.restarts = 0
        self.deaf_for = 0  # so many Ctrl-A are lost, as while it boots
        self.soft_resets = True
        self._before = before
        self._line = bytearray()
        self._raw = False
        self._writing = ""

    def on_octets(self, octets: bytes) -> None:
        for octet in octets:
            match octet:
                case 0x01 if self.deaf_for:
                    self.deaf_for -= 1
                case 0x01:
                    self._raw = True
                    self._line.clear()
                    self.send(BANNER)
                case 0x02:
                    self._raw = False
                case 0x03:
                    self._line.clear()
                case 0x04 if self._raw:
                    self._run()
                case 0x05:
                    pass  # an old board: the A and Ctrl-A that follow are answered as such
                case _:
                    self._line.append(octet)

    def _run(self) -> None:
        script = bytes(self._line).decode().lstrip("\r")
        self._line.clear()
        if not script and not self.soft_resets:
            return
        if not script:
            self.send(b"OK\r\nMPY: soft reboot\r\n" + BANNER)
            return
        self.scripts.append(script)
        answer = self._before(script)
        if answer is None:
            answer = self._answer(script)
        if isinstance(answer, Exception):
            trace = f"Traceback (most recent call last):\r\n{type(answer).__name__}: {answer}\r\n"
            self.send(b"OK\x04" + trace.encode() + b"\x04>")
        else:
            self.send(b"OK" + answer.encode() + b"\x04\x04>")

    def _answer(self, script: str) -> str:
        if script == board_scripts.INSPECT:
            return repr(self.inspection)
        if script == board_scripts.CLEAR:
            return repr(self.space)
        if script == board_scripts.DIGESTS:
            return repr({path: sha256(octets) for path, octets in self.files.items()})
        if script.startswith("\nimport sys"):
            return "''"  # the firmware has nothing against the settings
        if opened := _OPEN.match(script):
            self._writing = opened[1]
            self.files[self._writing] = b""
        elif script.startswith("w("):
            self.files[self._writing] += ast.literal_eval(script[2:-1])
        elif "machine.reset()" in script:
            self.restarts += 1
        return ""
