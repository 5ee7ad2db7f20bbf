"""A file that comes over the link in pieces, and goes on after a cut of the link or a reset of the node."""

import os
import sys
from binascii import hexlify

from firmware import launch
from firmware.modules import forget
from firmware.orders import Refused
from wire.compat import const
from wire.remote import APPLICATION_MOST, SETTINGS_MOST

SETTINGS = const("settings")
APPLICATION = const("application")
_MOST = {SETTINGS: SETTINGS_MOST, APPLICATION: APPLICATION_MOST}  # octets
BLOCK_OCTETS = const(4096)  # of flash: what is written is on it after so many, and at the end
SPARE_BLOCKS = const(8)  # of the flash that stay free
TRIAL_TIME = const("trial_s")  # the file that says how long a trial may take
_PREFIX = const("put-")  # of the file's name, which says what it is to become
_NAME_OCTETS = const(8)  # of its SHA-256 in the name
_CHECKING = const(
    (
        "firmware.settings",
        "firmware.link_settings",
        "firmware.sensor_settings",
        "firmware.group_settings",
        "firmware.kinds",
    )
)


class Transfer:
    """One file for `what`, of `size` octets with this SHA-256, below `root`. Raises Refused, OSError.

    `at` is the offset of the next octet; `whole` says that all is there and right. What an earlier transfer
    of the same file has left is gone on with, and whatever else one has left is removed.
    """

    def __init__(self, root: str, what: str, size: int, digest: bytes) -> None:
        most = _MOST.get(what)
        if most is None:
            raise Refused("nothing called " + what + " can be put")
        if not 0 < size <= most:
            raise Refused(str(size) + " octets, limit " + str(most))
        self.what = what
        self.whole = False
        name = _PREFIX + what + "-" + hexlify(digest[:_NAME_OCTETS]).decode()
        self._root = root
        self.path = root + name
        self.at = self._left(root, name)
        self._size = size
        self._digest = digest
        self._file = None
        self._on_flash = self.at
        self._unpacker = None
        if self.at > size:
            os.remove(self.path)
            self.at = 0
        if self.at == size:
            self._close()
            return
        require_room(root, (size - self.at) // BLOCK_OCTETS + 1)
        self._file = open(self.path, "ab")  # noqa: SIM115 - open until all is there

    def take(self, offset: int, octets: bytes) -> None:
        """The octets at `offset`; others than the next are ignored. Refused when all is there, and wrong."""
        if offset != self.at or self._file is None:
            return
        if offset + len(octets) > self._size:
            raise Refused(str(offset + len(octets)) + " octets, " + str(self._size) + " were announced")
        self._file.write(octets)
        self.at += len(octets)
        if self.at == self._size:
            self._close()
        elif self.at - self._on_flash >= BLOCK_OCTETS:
            self._file.flush()
            self._on_flash = self.at

    def begin_trial(self, seconds: int) -> "int | None":
        """From the next start on it is tried for so long; it is then gone from here.

        A count: not ready yet, again.
        """
        if self.what == APPLICATION:
            done = self._unpack()
            if done is not None:
                return done
        # Without a trial nobody reads it, and without it there is a default.
        with open(self._root + TRIAL_TIME, "w") as file:
            file.write(str(seconds))
        if self.what == SETTINGS:
            launch.try_settings(self._root, self.path)
        else:
            os.remove(self.path)
        return None

    def _unpack(self) -> "int | None":
        if self._unpacker is None:
            from firmware.unpack import Unpacker  # noqa: PLC0415 - for an application only

            self._unpacker = Unpacker(self._root, self.path)
        try:
            done = self._unpacker.step()
        except Exception:
            self.leave()
            raise
        if done is None:
            self._unpacker = None  # nothing is half written any more
        return done

    def leave(self) -> None:
        """Keep on flash what there is."""
        if self._file is not None:
            self._file.close()
            self._file = None
        if self._unpacker is not None:
            self._unpacker.leave()
            self._unpacker = None

    def _left(self, root: str, name: str) -> int:
        found = 0
        for entry in os.listdir(root):
            if entry == name:
                found = os.stat(root + name)[6]
            elif entry.startswith(_PREFIX):
                os.remove(root + entry)
        return found

    def _close(self) -> None:
        self.leave()
        try:
            self._accept()
        except Refused:
            os.remove(self.path)
            self.at = 0
            raise
        self.whole = True

    def _accept(self) -> None:
        # The one place through which what came over the link becomes something that the node may try. Who
        # made it is not proven yet: its signature is to be checked here.
        if launch.digest(self.path, bytearray(launch.BUFFER_OCTETS)) != self._digest:
            raise Refused("SHA-256 is not what was announced: put it again")
        if self.what == SETTINGS:
            _check_settings(self.path)
        else:
            from firmware.unpack import check_head  # noqa: PLC0415 - as above

            check_head(self.path)


def require_room(root: str, blocks: int) -> None:
    """Raise Refused where the flash has not so many, and SPARE_BLOCKS beside them."""
    free = os.statvfs(root)[3]
    if free < blocks + SPARE_BLOCKS:
        raise Refused("flash has " + str(free) + " blocks free, this needs " + str(blocks + SPARE_BLOCKS))


def _check_settings(path: str) -> None:
    # As at a start, so that what cannot be read is refused before anything changes.
    try:
        problem = _problem_of(path)
    except MemoryError:
        problem = ""  # the next start has the room: it finds what is wrong, and goes back at once
    finally:
        forget(_CHECKING)
        forget([name for name in sys.modules if name.startswith("firmware.kind_")])
    if problem:
        raise Refused(problem)


def _problem_of(path: str) -> str:
    from firmware import settings  # noqa: PLC0415 - let go again

    try:
        settings.load(path)
    except settings.SettingsError as error:
        return str(error).replace(path, "the settings")
    return ""
