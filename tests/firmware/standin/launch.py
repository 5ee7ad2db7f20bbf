"""Runs main.py on a file system in RAM, as the board does after boot.

Environment: FIELDGATE_MAIN is main.py, FIELDGATE_CRASH what the application raises.
"""

# ruff: noqa: PTH123, PTH208 - MicroPython has no pathlib

import os
import sys

import vfs

from firmware import app, board  # noqa: F401 - both, while the host's files are in reach

RAISED = {
    "crash": ValueError("a number too many"),
    "ctrl_c": KeyboardInterrupt(),
    "pause": ValueError("broken at every start"),
}
chosen = os.getenv("FIELDGATE_CRASH")


class Time:
    def sleep(self, seconds):
        print("PAUSE", seconds)
        if chosen == "pause":
            raise KeyboardInterrupt


class Ram:
    def __init__(self, blocks):
        self.octets = bytearray(blocks * 512)

    def readblocks(self, block, buffer, offset=0):
        at = block * 512 + offset
        buffer[:] = self.octets[at : at + len(buffer)]

    def writeblocks(self, block, buffer, offset=None):
        at = block * 512 + (offset or 0)
        self.octets[at : at + len(buffer)] = buffer

    def ioctl(self, operation, _argument):
        return {4: len(self.octets) // 512, 5: 512, 6: 0}.get(operation)


def crash():
    raise RAISED[chosen]


with open(os.getenv("FIELDGATE_MAIN")) as file:
    source = file.read()
app.main = crash
sys.modules["time"] = Time()
disk = Ram(64)
vfs.VfsLfs2.mkfs(disk)
vfs.umount("/")
vfs.mount(disk, "/")
with open("/crash.txt", "w") as file:
    file.write("an older crash\n")
try:
    exec(source, {"__name__": "__main__"})
finally:
    print("FILES", os.listdir("/"))
    with open("/crash.txt") as file:
        print(file.read())
