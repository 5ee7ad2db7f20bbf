"""Installs on a LittleFS in RAM, cuts the power after every single write, and starts what is left.

FIELDGATE_CASE names a JSON file: scripts (by name), old and new (path -> text), folders, copy
([path, text] in order). Prints one JSON object: what each cut left. Runs on MicroPython, where
scripts of the installation come from; the files' names are absolute, so nothing of the host is read.
"""

# ruff: noqa: PTH102, PTH116, PTH123, SIM105 - MicroPython has neither pathlib nor contextlib

import json
import os
import sys

import vfs

BLOCK = 4096
BLOCKS = 64
STARTS = 4  # a start that resets is followed by another one


class Reset(BaseException):
    """machine.reset() ends whatever runs."""


class PowerCut(BaseException):
    """The flash does not answer any more."""


class Machine:
    @staticmethod
    def reset():
        raise Reset


class Flash:
    """Writes are numbered; the one after `left` more does not happen, nor any later one."""

    def __init__(self, octets):
        self.octets = octets
        self.left = None
        self.log = None

    def readblocks(self, block, buffer, offset=0):
        at = block * BLOCK + offset
        buffer[:] = self.octets[at : at + len(buffer)]

    def writeblocks(self, block, buffer, offset=0):
        self._write(block * BLOCK + offset, bytes(buffer))

    def ioctl(self, operation, argument):
        if operation == 6:
            self._write(argument * BLOCK, b"\xff" * BLOCK)
            return 0
        return {4: BLOCKS, 5: BLOCK}.get(operation)

    def _write(self, at, octets):
        if self.left is not None:
            if self.left == 0:
                raise PowerCut
            self.left -= 1
        self.octets[at : at + len(octets)] = octets
        if self.log is not None:
            self.log.append((at, octets))


def mounted(octets):
    flash = Flash(octets)
    try:
        vfs.umount("/")
    except OSError:
        pass
    vfs.mount(vfs.VfsLfs2(flash, progsize=32, readsize=32), "/")
    return flash


def folders_of(path):
    parts = path.split("/")
    return ["/".join(parts[:at]) for at in range(2, len(parts))]


def put(path, text):
    for folder in folders_of(path):
        try:
            os.mkdir(folder)
        except OSError:
            pass
    with open(path, "w") as file:
        file.write(text)


def run(name):
    globals_ = {"print": lambda *_: None}
    if name == "DIGESTS":
        exec(case["scripts"]["INSPECT"], globals_)
    exec(case["scripts"][name], globals_)


def install():
    """What the tool does on the board, in its order."""
    run("CLEAR")
    for folder in case["folders"]:
        os.mkdir(folder)
    for path, text in case["copy"]:
        with open(path, "w") as file:
            file.write(text)
    run("DIGESTS")
    run("COMMIT")
    run("FINISH")
    run("CLEAR")


def start(octets):
    """Start the board until something other than the switch runs; say what that is."""
    mounted(octets)
    for count in range(STARTS):
        with open("/main.py") as file:
            source = file.read()
        try:
            exec(source, {})
        except Reset:
            mounted(octets)
            continue
        return source, count
    return "resets for ever", count


def holds(files, absent):
    for path in files:
        try:
            with open(path) as file:
                if file.read() != files[path]:
                    return False
        except OSError:
            return False
    return not any(exists(path) for path in absent)


def exists(path):
    try:
        os.stat(path)
    except OSError:
        return False
    return True


def what_starts(octets):
    source, count = start(octets)
    if source == case["old"]["/main.py"] and holds(case["old"], []):
        return "old", count
    if source == case["new"]["/main.py"] and holds(case["new"], gone) and not exists("/lib"):
        return "new", count
    return "broken: " + source[:60], count


def cut_at_switch(octets, found):
    """`octets` is a board that the switch will start: cut its power, too, at each of its writes."""
    at = 0
    while True:
        again = bytearray(octets)
        flash = mounted(again)
        flash.left = at
        with open("/main.py") as file:
            source = file.read()
        try:
            exec(source, {})
        except PowerCut:
            found.append(what_starts(again)[0])
        except Reset:
            return
        at += 1


def reinstalls(octets):
    """The tool meets what the cut left: finish or clear, install once more."""
    mounted(octets)
    with open("/main.py") as file:
        switching = file.read().startswith(case["mark"])
    if switching:
        run("FINISH")
    install()
    return holds(case["new"], gone) and not exists("/lib")


with open(os.getenv("FIELDGATE_CASE")) as file:
    case = json.load(file)
gone = [path for path in case["old"] if path not in case["new"]]
sys.modules["machine"] = Machine
octets = bytearray(BLOCK * BLOCKS)
vfs.VfsLfs2.mkfs(Flash(octets), progsize=32, readsize=32)
mounted(octets)
for path in case["old"]:
    put(path, case["old"][path])
before = bytes(octets)
flash = mounted(octets)
flash.log = []
install()
log = flash.log

image = bytearray(before)
first, second, repaired = [], [], 0
for at, written in log:
    image[at : at + len(written)] = written
    outcome, resets = what_starts(bytearray(image))
    first.append(outcome)
    if resets:
        cut_at_switch(image, second)
    repaired += reinstalls(bytearray(image))
print(json.dumps({"writes": len(log), "first": first, "second": second, "repaired": repaired}))
