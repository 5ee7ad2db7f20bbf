"""`sys`, `micropython`, `input`: the console as the ESP32's firmware sees it.

Reading blocks in link.wait's way, so Ctrl-C always gets through. `print` writes to a pipe whose
reader turns \\n into \\r\\n; sys.stdout.buffer goes through the link, in step with the pipe, raw.
"""

import builtins
import collections
import io
import micropython as native_micropython
import sys as native

import link
import select
import ticks
from codes import KBD_INTR, WRITE
from shim import module

_STDIN = 0
_STDOUT = 1
_CONSOLE = 0
_GET_FILENO = 10  # ioctl of MicroPython's stream protocol
_EINVAL_ANSWER = -1

_print_exception = native.print_exception
_FRAME_OF_OURS = 'File "<board>"'


class Reader(io.IOBase):
    """Octets that arrive on a file descriptor which never blocks; `wait_ms` None: for ever."""

    def __init__(self, fd, wait_ms):
        self._fd = fd
        self._file = open(fd, "rb")
        self._wait_ms = wait_ms
        self._poll = None
        self._one = bytearray(1)

    def ioctl(self, request, argument):
        return self._fd if request == _GET_FILENO else _EINVAL_ANSWER

    def _ready(self):
        if self._poll is None:
            self._poll = select.poll()
            self._poll.register(self._fd, select.POLLIN)
        if self._wait_ms is None:
            self._poll.ipoll(-1)
            return True
        for _ in self._poll.ipoll(self._wait_ms):
            return True
        return False

    def _some(self, count):
        octets = self._file.read(count)
        if octets is None and self._ready():
            octets = self._file.read(count)
        return octets

    def read(self, count=-1):
        if count == 1:
            return self._some(1)
        octets = b""
        while count < 0 or len(octets) < count:
            more = self._some(count - len(octets) if count > 0 else 256)
            if not more:
                return octets or None
            octets += more
        return octets

    def readinto(self, buffer, count=-1):
        octets = self.read(len(buffer) if count < 0 else min(count, len(buffer)))
        if octets is None:
            return None
        buffer[: len(octets)] = octets
        return len(octets)

    def readline(self, limit=-1):
        line = b""
        while len(line) != limit and not line.endswith(b"\n"):
            octet = self.read(1)
            if not octet:
                break
            line += octet
        return line


class _TextIn(io.IOBase):
    """sys.stdin: characters, and Enter is a newline."""

    def __init__(self, octets):
        self.buffer = octets

    def ioctl(self, request, argument):
        return self.buffer.ioctl(request, argument)

    def read(self, count=-1):
        return (self.buffer.read(count) or b"").decode().replace("\r", "\n")

    def readline(self, limit=-1):
        line = ""
        while len(line) != limit and not line.endswith("\n"):
            line += self.read(1)
        return line


def write_line(line, buffer, *limits):
    """The stream method write(buffer[, offset], length) on one of the board's serial lines."""
    if isinstance(buffer, str):
        buffer = buffer.encode()
    count = len(buffer)
    if limits:
        offset = limits[0] if len(limits) == 2 else 0
        count = min(limits[-1], count - offset)
        buffer = memoryview(buffer)[offset : offset + count]
    link.ask(WRITE, line, 0, count, buffer)
    return count


class _Raw(io.IOBase):
    def write(self, buffer, *limits):
        return write_line(_CONSOLE, buffer, *limits)

    def ioctl(self, request, argument):
        return _STDOUT if request == _GET_FILENO else 0


class _TextOut(io.IOBase):
    def __init__(self, raw):
        self.buffer = raw

    def write(self, text, *limits):
        ticks.free = 0
        return native.stdout.write(text, *limits)

    def ioctl(self, request, argument):
        return self.buffer.ioctl(request, argument)


stdin = _TextIn(Reader(_STDIN, None))
stdout = _TextOut(_Raw())


def traceback(error):
    """The traceback's text, without the frames of the board's own machinery."""
    whole = io.StringIO()
    _print_exception(error, whole)
    lines = whole.getvalue().split("\n")
    return "\n".join([line for line in lines if _FRAME_OF_OURS not in line])


def print_exception(error, file=None):
    ticks.free = 0
    (file or native.stdout).write(traceback(error))


def print_in_time():
    """In virtual time what is printed is said at the next wait: the host has to be asked then."""
    native_print = print

    def print_now(*things, **settings):
        ticks.free = 0
        native_print(*things, **settings)

    builtins.print = print_now


def read_line(prompt=""):
    """The builtin `input`: echo, backspace, Enter."""
    print(prompt, end="")
    line = ""
    while True:
        char = stdin.read(1)
        if char == "\n":
            print()
            return line
        if char in "\b\x7f":
            if line:
                line = line[:-1]
                print("\b \b", end="")
        else:
            line += char
            print(char, end="")


def kbd_intr(char):
    link.ask(KBD_INTR, 0, 0, char)


def install(machine_name):
    """Put `sys` and `micropython` in place of MicroPython's own."""
    builtins.input = read_line
    module(
        "micropython",
        native_micropython,
        "const heap_lock heap_unlock mem_info opt_level qstr_info schedule stack_use RingIO",
        kbd_intr=kbd_intr,
        alloc_emergency_exception_buf=lambda size: None,
    )
    implementation = collections.namedtuple(
        "implementation", ("name", "version", "_machine", "_mpy", "_build")
    )
    own = native.implementation
    module(
        "sys",
        native,
        "argv byteorder exc_info exit maxsize modules path version version_info",
        platform="esp32",
        implementation=implementation(own[0], own[1], machine_name, own[3], "ESP32_GENERIC"),
        print_exception=print_exception,
        stdin=stdin,
        stdout=stdout,
        stderr=stdout,
        ps1=">>> ",
        ps2="... ",
    )
