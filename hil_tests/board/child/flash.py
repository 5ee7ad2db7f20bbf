"""The flash: a file with the semantics of the ESP32's vfs partition, and `os` on top of it."""

import collections
import os as native
import vfs

from shim import module

BLOCK_OCTETS = 4096
_UNIT_OCTETS = 32
_GEOMETRY = {"readsize": _UNIT_OCTETS, "progsize": _UNIT_OCTETS, "lookahead": _UNIT_OCTETS}
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


def mount(path, log=""):
    """Put the image's file system at /. Raises OSError when there is none on a flash that was used.

    `log` is a file that every operation is added to (flash_log).
    """
    flash = Flash(path)
    if log:
        from flash_log import Recorder

        flash = Recorder(flash, open(log, "ab"))
    try:
        files = vfs.VfsLfs2(flash, **_GEOMETRY)
    except OSError:
        if not _blank(flash):
            raise
        vfs.VfsLfs2.mkfs(flash, **_GEOMETRY)
        files = vfs.VfsLfs2(flash, **_GEOMETRY)
    vfs.umount("/")
    vfs.mount(files, "/")
    native.chdir("/")


def _blank(flash):
    # The ESP32 formats a flash whose first block is erased; a new image of ours is all zeros.
    octets = bytearray(_UNIT_OCTETS)
    for offset in range(0, BLOCK_OCTETS, _UNIT_OCTETS):
        flash.readblocks(0, octets, offset)
        if octets not in (_ERASED[:_UNIT_OCTETS], bytes(_UNIT_OCTETS)):
            return False
    return True


def install_os(machine_name, urandom=None):
    release = "1.25.0"
    uname = collections.namedtuple("uname", ("sysname", "nodename", "release", "version", "machine"))
    fields = uname("esp32", "esp32", release, "v" + release, machine_name)
    module(
        "os",
        native,
        "VfsFat VfsLfs2 chdir getcwd ilistdir listdir mkdir mount remove rename rmdir sep stat statvfs"
        " umount unlink",
        urandom=urandom or native.urandom,
        uname=lambda: fields,
        sync=lambda: None,
        dupterm=lambda stream, index=0: None,
    )
