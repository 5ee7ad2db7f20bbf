"""The flash: a file with the semantics of the ESP32's vfs partition, and `os` on top of it."""

import collections
import os as native
import vfs

from shim import module

BLOCK_OCTETS = 4096
_READ_OCTETS = 32
_ERASED = b"\xff" * 512
_IOCTL_COUNT = 4
_IOCTL_SIZE = 5
_IOCTL_ERASE = 6


class Flash:
    """A block device with the extended (offset) protocol."""

    def __init__(self, path, mode="r+b"):
        self._file = open(path, mode)
        self._blocks = self._file.seek(0, 2) // BLOCK_OCTETS

    def readblocks(self, block, buffer, offset=0):
        self._file.seek(block * BLOCK_OCTETS + offset)
        self._file.readinto(buffer)

    def writeblocks(self, block, buffer, offset=0):
        self._file.seek(block * BLOCK_OCTETS + offset)
        self._file.write(buffer)

    def ioctl(self, request, argument):
        if request == _IOCTL_COUNT:
            return self._blocks
        if request == _IOCTL_SIZE:
            return BLOCK_OCTETS
        if request == _IOCTL_ERASE:
            self._file.seek(argument * BLOCK_OCTETS)
            for _ in range(BLOCK_OCTETS // len(_ERASED)):
                self._file.write(_ERASED)
        return 0


def mount(path, fresh):
    """Put the image's file system at /. Raises OSError when there is none on it."""
    flash = Flash(path)
    if fresh:
        vfs.VfsLfs2.mkfs(flash, readsize=_READ_OCTETS, progsize=_READ_OCTETS, lookahead=_READ_OCTETS)
    files = vfs.VfsLfs2(flash, readsize=_READ_OCTETS, progsize=_READ_OCTETS, lookahead=_READ_OCTETS)
    vfs.umount("/")
    vfs.mount(files, "/")
    native.chdir("/")


def install_os(machine_name):
    release = "1.25.0"
    uname = collections.namedtuple("uname", ("sysname", "nodename", "release", "version", "machine"))
    fields = uname("esp32", "esp32", release, "v" + release, machine_name)
    module(
        "os",
        native,
        "VfsFat VfsLfs2 chdir getcwd ilistdir listdir mkdir mount remove rename rmdir sep stat statvfs"
        " umount unlink urandom",
        uname=lambda: fields,
        sync=lambda: None,
        dupterm=lambda stream, index=0: None,
    )
