"""An application that came as one file, into the slot that is not in force: file by file, little memory."""

import os
import sys

from firmware import launch
from firmware.orders import Refused
from firmware.transfer import BLOCK_OCTETS, require_room
from wire.compat import const
from wire.remote import APPLICATION_MARK

LINE_OCTETS = const(200)
_MANIFEST = const("application.json")
_FOLDER = const(0x4000)


def check_head(path: str) -> None:
    """Raise Refused unless the file begins as an application that this MicroPython can load."""
    with open(path, "rb") as file:
        _read_head(file)


def _read_head(file) -> None:
    line = file.readline(LINE_OCTETS)
    if not line.startswith(APPLICATION_MARK):
        raise Refused("this is no application")
    bytecode = line[len(APPLICATION_MARK) :].split(b" ")[0]
    wanted = getattr(sys.implementation, "_mpy", 0) & 0xFF
    if bytecode != str(wanted).encode():
        raise Refused("bytecode " + str(bytecode, "ascii") + ", this MicroPython loads " + str(wanted))


class Unpacker:
    """Writes the package at `path` into a slot below `root`: `step()` until it gives None.

    A slot has its manifest last, so one that is half written is never taken for a whole one.
    """

    def __init__(self, root: str, path: str) -> None:
        self._root = root
        self._slot = launch.other(launch.slots(root)[0])
        self._buffer = bytearray(launch.BUFFER_OCTETS)
        self._count = 0
        _remove(root + self._slot + "/" + _MANIFEST)
        _clear(root + self._slot)
        self._file = open(path, "rb")  # noqa: SIM115 - one file for all steps
        _read_head(self._file)
        self._require_room()

    def step(self) -> "int | None":
        """Write the next file: how many there are by now. After the last: check all, and give None."""
        line = self._file.readline(LINE_OCTETS)
        if line:
            name, _, size = line.decode().partition(" ")
            self._write(name, int(size))
            self._count += 1
            return self._count
        self._file.close()
        if not launch.whole(self._slot, self._root):
            raise Refused("a file of the application is not what its manifest says")
        launch.try_application(self._root)
        return None

    def leave(self) -> None:
        """Give back the flash of what is half written."""
        self._file.close()
        _clear(self._root + self._slot)

    def _require_room(self) -> None:
        begin = self._file.tell()
        blocks = 0
        line = self._file.readline(LINE_OCTETS)
        while line:
            size = int(line.split(b" ")[1])
            blocks += size // BLOCK_OCTETS + 1
            self._file.seek(size, 1)
            line = self._file.readline(LINE_OCTETS)
        self._file.seek(begin)
        require_room(self._root, blocks)

    def _write(self, name: str, size: int) -> None:
        if ".." in name or name.startswith("/"):
            raise Refused("a file of the application has the name " + name)
        path = self._root + self._slot + "/" + name
        for at in range(len(self._root + self._slot), len(path)):
            if path[at] == "/":
                _make(path[:at])
        with open(path, "wb") as file:
            while size > 0:
                view = memoryview(self._buffer)[: min(size, launch.BUFFER_OCTETS)]
                count = self._file.readinto(view)
                if not count:
                    raise Refused("the application ends in the middle of " + name)
                file.write(view[:count])
                size -= count


def _make(path: str) -> None:
    try:
        os.mkdir(path)
    except OSError:
        pass  # it is there, or what is written into it fails


def _remove(path: str) -> None:
    try:
        os.remove(path)
    except OSError:
        pass


def _clear(path: str) -> None:
    try:
        entries = list(os.ilistdir(path))
    except OSError:
        return  # it was never there
    for entry in entries:
        inside = path + "/" + entry[0]
        if entry[1] == _FOLDER:
            _clear(inside)
            os.rmdir(inside)
        else:
            os.remove(inside)
