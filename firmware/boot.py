"""The boot's number: a count kept in a file, and random bits in case the file was lost."""

import os

from wire.compat import const
from wire.fields import cut

_BOOT_COUNT_LIMIT = const(0xFFFFFFFF)  # the count's share of the protocol's 48 bits
_DIGITS_MOST = const(10)  # of the count in its file
_NEW = const(".new")


class Boot:
    """Counts this boot: one small write, the only one until the next boot.

    `count` grows by one per boot. It is 0 when there was no count to go on from: a new node, or
    a file that was lost or torn. `number` is count << 16 | 16 random bits, so two boots with the
    same count still differ. `stored` is False when the file system did not take the new count;
    `left_records` is True when there are files in the directory `queue`. `crash` is what ended an
    earlier boot, in a line, as long as no gateway has heard of it. A boot that goes on after deep sleep has
    its `number` already, and is not counted.
    """

    def __init__(self, root: str, random_octets: bytes, queue: str = "", number: "int | None" = None) -> None:
        path = root + "boot_count"
        self.kept = None  # firmware.kept.Kept of a boot that goes on
        self.stored = True
        if number is None:
            last = _read(path)
            count = 0 if last is None or last >= _BOOT_COUNT_LIMIT else last + 1
            number = count << 16 | int.from_bytes(random_octets[:2], "big")
            self.stored = _write(path, count)
        self.number = number
        self.count = number >> 16
        self.left_records = bool(queue) and _any_in(queue)
        self.crash = _crash(root + "crash.txt")


def _read(path: str) -> "int | None":
    try:
        with open(path, "rb") as file:
            octets = file.read(_DIGITS_MOST + 2)
    except OSError:
        return None
    # The newline closes the number: a shortened one is no number at all.
    if len(octets) < 2 or octets[-1] != 10:
        return None
    digits = octets[:-1]
    for digit in digits:
        if not 48 <= digit <= 57:
            return None
    return int(digits)


def _any_in(directory: str) -> bool:
    try:
        for _ in os.ilistdir(directory):
            return True
    except OSError:
        pass  # it was never made
    return False


def _write(path: str, count: int) -> bool:
    # Write beside, flush, rename: at a power cut the old count or the new one is there, whole.
    try:
        with open(path + _NEW, "wb") as file:
            file.write(str(count).encode() + b"\n")
            file.flush()
        os.rename(path + _NEW, path)
    except OSError:
        return False
    return True


def _crash(path: str) -> str:
    # The first line says what, when, and after how long; a traceback's last one says why.
    first = last = ""
    try:
        with open(path) as file:
            for line in file:
                last = line.strip() or last
                first = first or last
    except (OSError, UnicodeError):
        pass  # none, or damaged: then there is as much of it as could be read
    return cut(first if first == last else first + ": " + last)
