"""What was done to a flash, octet for octet, and what a power cut at any of it would have left.

Runs on CPython and, from the shim's directory, on MicroPython. A log is a row of operations: struct
"<BBHHH" (kind, 0, block, offset, octets), then the octets of a program.
"""

import struct

BLOCK_OCTETS = 4096
PROGRAM_OCTETS = 32  # programmed at a time: a cut falls between two such units, or into one
ERASE = 1
PROGRAM = 2
SYNC = 3
_HEAD = "<BBHHH"
_HEAD_OCTETS = 8
_IOCTL_SYNC = 3
_IOCTL_COUNT = 4
_IOCTL_SIZE = 5
_IOCTL_ERASE = 6
_ERASED = b"\xff" * BLOCK_OCTETS


class Image:
    """A flash: a block device over `octets`, which never change; what is written is kept beside them.

    `position` is how much of the log came before the cut, `how` what the cut did to the operation
    at hand: lost, torn, garbled, half_erased, or whole at the log's end.
    """

    def __init__(self, octets: "bytearray | bytes", position: int = 0, how: str = "whole") -> None:
        self.position = position
        self.how = how
        self._octets = memoryview(octets)
        self._changed: "dict[int, bytearray]" = {}

    def readblocks(self, block: int, buffer: "bytearray | memoryview", offset: int = 0) -> None:
        """Fill the buffer."""
        into = memoryview(buffer)
        at = 0
        while at < len(into):
            count = min(BLOCK_OCTETS - offset, len(into) - at)
            if block in self._changed:
                into[at : at + count] = memoryview(self._changed[block])[offset : offset + count]
            else:
                start = block * BLOCK_OCTETS + offset
                into[at : at + count] = self._octets[start : start + count]
            at += count
            block += 1
            offset = 0

    def writeblocks(self, block: int, octets: "bytes | bytearray | memoryview", offset: int = 0) -> None:
        """Program within one block."""
        self._of(block)[offset : offset + len(octets)] = octets

    def ioctl(self, request: int, argument: int) -> int:
        """As MicroPython asks a block device."""
        if request == _IOCTL_COUNT:
            return len(self._octets) // BLOCK_OCTETS
        if request == _IOCTL_SIZE:
            return BLOCK_OCTETS
        if request == _IOCTL_ERASE:
            self._changed[argument] = bytearray(_ERASED)
        return 0

    def octets(self) -> bytes:
        """All of it, as flash.img holds it."""
        whole = bytearray(self._octets)
        for block in self._changed:
            whole[block * BLOCK_OCTETS : (block + 1) * BLOCK_OCTETS] = self._changed[block]
        return bytes(whole)

    def _of(self, block: int) -> bytearray:
        if block not in self._changed:
            start = block * BLOCK_OCTETS
            self._changed[block] = bytearray(self._octets[start : start + BLOCK_OCTETS])
        return self._changed[block]


class Recorder:
    """A block device in front of another: what changes the flash goes to `log`, a file, and then to the device.

    `position` is the log's length: what a test sees happen now happened after that much of it.
    """

    def __init__(self, device, log) -> None:  # type: ignore[no-untyped-def] # devices of two runtimes
        self.position = log.seek(0, 2)
        self._device = device
        self._log = log

    def readblocks(self, block: int, buffer: "bytearray | memoryview", offset: int = 0) -> None:
        """As the device does."""
        self._device.readblocks(block, buffer, offset)

    def writeblocks(self, block: int, octets: "bytes | bytearray | memoryview", offset: int = 0) -> None:
        """As the device does."""
        self._record(PROGRAM, block, offset, len(octets))
        self._log.write(octets)
        self.position += len(octets)
        self._device.writeblocks(block, octets, offset)

    def ioctl(self, request: int, argument: int) -> int:
        """As the device does."""
        if request == _IOCTL_ERASE:
            self._record(ERASE, argument, 0, 0)
        elif request == _IOCTL_SYNC:
            self._record(SYNC, 0, 0, 0)
        found: int = self._device.ioctl(request, argument)
        return found

    def _record(self, kind: int, block: int, offset: int, octets: int) -> None:
        self._log.write(struct.pack(_HEAD, kind, 0, block, offset, octets))
        self.position += _HEAD_OCTETS


def operations(log: bytes):  # type: ignore[no-untyped-def] # a generator, on both runtimes
    """Of each whole operation: (position, kind, block, offset, octets, position of the next)."""
    view = memoryview(log)
    position = 0
    while position + _HEAD_OCTETS <= len(log):
        kind, _, block, offset, count = struct.unpack_from(_HEAD, log, position)
        start = position + _HEAD_OCTETS
        if start + count > len(log):
            return
        yield position, kind, block, offset, view[start : start + count], start + count
        position = start + count


def images(base: bytearray, log: bytes):  # type: ignore[no-untyped-def] # a generator, on both runtimes
    """Every Image that a power cut could have left, in the log's order, beginning with `base`.

    `base` is worked on and ends as the whole log left it. An Image holds until the next is asked for.
    """
    position = 0
    for position, kind, block, offset, octets, _ in operations(log):
        if kind == SYNC:
            continue
        yield Image(base, position, "lost")
        start = block * BLOCK_OCTETS + offset
        if kind == ERASE:
            yield _half_erased(base, position, block)
            yield _garbled(base, position, block, 0, _ERASED)
            base[start : start + BLOCK_OCTETS] = _ERASED
        else:
            for done in range(PROGRAM_OCTETS, len(octets), PROGRAM_OCTETS):
                torn = Image(base, position, "torn")
                torn.writeblocks(block, octets[:done], offset)
                yield torn
            units = (len(octets) + PROGRAM_OCTETS - 1) // PROGRAM_OCTETS
            done = position // _HEAD_OCTETS % units * PROGRAM_OCTETS
            doubtful = _garbled(base, position, block, offset + done, octets[done : done + PROGRAM_OCTETS])
            doubtful.writeblocks(block, octets[:done], offset)
            yield doubtful
            base[start : start + len(octets)] = octets
    yield Image(base, len(log), "whole")


def _half_erased(base: bytearray, position: int, block: int) -> Image:
    image = Image(base, position, "half_erased")
    image.writeblocks(block, memoryview(_ERASED)[: BLOCK_OCTETS // 2])
    return image


def _garbled(base: bytearray, position: int, block: int, offset: int, octets: "bytes | memoryview") -> Image:
    # Some bits are as they were to be, the others still as they were.
    image = Image(base, position, "garbled")
    mixed = bytearray(len(octets))
    image.readblocks(block, mixed, offset)
    draw = position
    for at in range(len(octets)):
        draw = (draw * 1103 + 12345) & 0xFFFF
        changed = draw >> 8
        mixed[at] = (octets[at] & changed) | (mixed[at] & (changed ^ 0xFF))
    image.writeblocks(block, mixed, offset)
    return image
