"""The board's REPL as a state machine: friendly, raw and raw paste. No I/O.

Facts: MicroPython's pyexec.c and readline.c; what mpremote needs of them.
"""

from __future__ import annotations

from enum import Enum, auto
from typing import Protocol

PASTE_WINDOW = 128  # octets; two windows are open at the start
LINE_LIMIT = 4096  # octets of one friendly statement
SOURCE_LIMIT = 1024 * 1024  # octets of one raw program
_PASTE_REQUEST = b"\x05A"  # and Ctrl-A
_RAW_BANNER = b"raw REPL; CTRL-B to exit\r\n>"
_CTRL_A, _CTRL_B, _CTRL_C, _CTRL_D, _CTRL_E = b"\x01", b"\x02", b"\x03", b"\x04", b"\x05"


class Machine(Protocol):
    """What the REPL has its hands on."""

    def say(self, octets: bytes) -> None: ...
    def execute(self, source: bytes, *, interactive: bool) -> None: ...
    def soft_reset(self) -> None: ...


class _Mode(Enum):
    FRIENDLY = auto()
    PASTE = auto()
    RAW = auto()
    RAW_PASTE = auto()


class Repl:
    """`feed` octets; while a program runs, do not, and report its end with `finished`."""

    def __init__(self, machine: Machine, banner: bytes) -> None:
        self._machine = machine
        self._banner = banner
        self._mode = _Mode.FRIENDLY
        self._executing_in = _Mode.FRIENDLY
        self._line = bytearray()
        self._statement = bytearray()
        self._escape = 0
        self._paste_left = 0

    @property
    def raw(self) -> bool:
        """After a soft reset, main.py runs only when this is False."""
        return self._mode in {_Mode.RAW, _Mode.RAW_PASTE}

    def power_on(self) -> None:
        """Forget everything: a hard reset."""
        self._mode = _Mode.FRIENDLY
        self._forget()

    def greet(self) -> None:
        """The board has started and nothing runs."""
        self._forget()
        if self.raw:
            self._mode = _Mode.RAW
            self._machine.say(_RAW_BANNER)
        else:
            self._mode = _Mode.FRIENDLY
            self._machine.say(self._banner + b">>> ")

    def feed(self, octets: bytes) -> bytes:
        """Take what was typed. Gives what is left when a program has been started meanwhile."""
        for at in range(len(octets)):
            if self._take(octets[at : at + 1]):
                return octets[at + 1 :]
        return b""

    def finished(self, traceback: bytes) -> None:
        """The program is over; its output has been said already."""
        if self._executing_in is _Mode.FRIENDLY:
            self._machine.say(traceback + b">>> ")
        else:
            self._machine.say(b"\x04" + traceback + b"\x04>")

    def _forget(self) -> None:
        self._line.clear()
        self._statement.clear()
        self._escape = 0

    def _take(self, octet: bytes) -> bool:
        match self._mode:
            case _Mode.RAW:
                return self._take_raw(octet)
            case _Mode.RAW_PASTE:
                return self._take_raw_paste(octet)
            case _Mode.PASTE:
                return self._take_paste(octet)
            case _Mode.FRIENDLY:
                return self._take_friendly(octet)

    def _execute(self, source: bytes, mode: _Mode) -> bool:
        self._executing_in = mode
        self._machine.execute(source, interactive=mode is _Mode.FRIENDLY)
        return True

    def _take_raw(self, octet: bytes) -> bool:
        if octet == _CTRL_A:
            if self._line == _PASTE_REQUEST:
                self._begin_raw_paste()
            elif self._line[:1] == _CTRL_E and len(self._line) == len(_PASTE_REQUEST):
                self._line.clear()
                self._machine.say(b"R\x00")
            else:
                self._line.clear()
                self._machine.say(_RAW_BANNER)
        elif octet == _CTRL_B:
            self._mode = _Mode.FRIENDLY
            self._forget()
            self._machine.say(b"\r\n" + self._banner + b">>> ")
        elif octet == _CTRL_C:
            self._line.clear()
        elif octet == _CTRL_D:
            source = bytes(self._line)
            self._line.clear()
            self._machine.say(b"OK")
            if source:
                return self._execute(source, _Mode.RAW)
            self._machine.say(b"\r\n")
            self._machine.soft_reset()
            return True
        elif len(self._line) < SOURCE_LIMIT:
            self._line += octet
        return False

    def _begin_raw_paste(self) -> None:
        self._line.clear()
        self._mode = _Mode.RAW_PASTE
        self._paste_left = PASTE_WINDOW
        self._machine.say(b"R\x01" + PASTE_WINDOW.to_bytes(2, "little") + b"\x01")

    def _take_raw_paste(self, octet: bytes) -> bool:
        if octet == _CTRL_C:
            self._line.clear()
            self._mode = _Mode.RAW
            self._machine.say(b"\x04\x04\x04>")
            return False
        if octet == _CTRL_D:
            source = bytes(self._line)
            self._line.clear()
            self._mode = _Mode.RAW
            self._machine.say(b"\x04")
            return self._execute(source, _Mode.RAW)
        if len(self._line) < SOURCE_LIMIT:
            self._line += octet
        self._paste_left -= 1
        if not self._paste_left:
            self._paste_left = PASTE_WINDOW
            self._machine.say(b"\x01")
        return False

    def _take_paste(self, octet: bytes) -> bool:
        if octet == _CTRL_C:
            self._machine.say(b"\r\n>>> ")
            self._leave_paste()
        elif octet == _CTRL_D:
            source = bytes(self._line)
            self._machine.say(b"\r\n")
            self._leave_paste()
            return self._execute(source, _Mode.FRIENDLY)
        elif octet == b"\r":
            self._line += b"\n"
            self._machine.say(b"\r\n=== ")
        elif len(self._line) < SOURCE_LIMIT:
            self._line += octet
            self._machine.say(octet)
        return False

    def _leave_paste(self) -> None:
        self._mode = _Mode.FRIENDLY
        self._line.clear()

    def _take_friendly(self, octet: bytes) -> bool:
        if self._escape:  # the rest of an arrow key
            self._escape = 0 if octet.isalpha() or octet == b"~" else self._escape + 1
            return False
        if octet in {b"\r", b"\n"}:
            return self._enter()
        empty = not self._line and not self._statement
        if octet == _CTRL_A and empty:
            self._mode = _Mode.RAW
            self._machine.say(b"\r\n" + _RAW_BANNER)
        elif octet == _CTRL_B and empty:
            self._machine.say(b"\r\n" + self._banner + b">>> ")
        elif octet == _CTRL_C:
            self._forget()
            self._machine.say(b"\r\n>>> ")
        elif octet == _CTRL_D and empty:
            self._machine.say(b"\r\n")
            self._machine.soft_reset()
            return True
        elif octet == _CTRL_E and empty:
            self._mode = _Mode.PASTE
            self._machine.say(b"\r\npaste mode; Ctrl-C to cancel, Ctrl-D to finish\r\n=== ")
        elif octet == b"\x1b":
            self._escape = 1
        elif octet in {b"\x08", b"\x7f"}:
            if self._line:
                del self._line[-1:]
                self._machine.say(b"\b\x1b[K")
        elif octet >= b" " and len(self._line) + len(self._statement) < LINE_LIMIT:
            self._line += octet
            self._machine.say(octet)
        return False

    def _enter(self) -> bool:
        self._machine.say(b"\r\n")
        line = bytes(self._line)
        self._line.clear()
        self._statement += line + b"\n"
        if needs_more(bytes(self._statement), line):
            self._machine.say(b"... ")
            return False
        source = bytes(self._statement)
        self._statement.clear()
        if not source.strip():
            self._machine.say(b">>> ")
            return False
        return self._execute(source, _Mode.FRIENDLY)


def needs_more(statement: bytes, last_line: bytes) -> bool:
    """Whether a statement goes on: an open bracket, or a block that no empty line has closed."""
    depth = sum(statement.count(c) for c in b"([{") - sum(statement.count(c) for c in b")]}")
    if depth > 0 or last_line.endswith(b"\\") or statement.count(b'"""') % 2 or statement.count(b"'''") % 2:
        return True
    first = statement.lstrip().split(b"\n", 1)[0].rstrip()
    is_block = first.endswith(b":") or first.startswith(b"@")
    return is_block and bool(last_line.strip())
